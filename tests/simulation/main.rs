//! The production loop under faults, by seed: crashes, rebalances, refused and half-done inserts, lost
//! answers, torn checkpoints, damaged input, cut logs; in the end the tables must say what a straight pass over the log
//! says, and what a batch computation says that shares nothing with the engine.
//!
//! A seed is a whole history: `GRAPEVINE_SEED=17 cargo test --release --test simulation` plays one again,
//! `GRAPEVINE_SEEDS=10000` plays more of them, `GRAPEVINE_SECONDS=600` from a random one on for ten minutes. Time is tokio's, paused: hours pass in milliseconds.

#![expect(clippy::panic, reason = "a simulation says by a panic what went wrong")]

mod addresses;
mod batch;
mod completeness;
mod dice;
mod director;
mod figures;
mod forgetting;
mod freshness;
mod going_on;
mod log;
mod oracle;
mod rewriting;
mod seams;
mod table;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use director::Mishap;
use grapevine::worker::WorkerError;
use world::{Fault, Faults};

/// Seeds that every test run plays.
const SEEDS: u64 = 4_000;

#[test]
fn whatever_happens_the_tables_equal_a_straight_pass_and_a_batch_computation() {
    let played = play_all(seeds());
    println!("{} histories\n{:#?}", played.count, played.faults);
    if played.count > 1 {
        for fault in Fault::ALL {
            assert!(played.faults.count(fault) > 0, "no seed injected {fault:?}: the simulation has a hole");
        }
    }
}

#[test]
fn what_cannot_be_read_on_is_refused_with_its_cure() {
    for (mishap, words) in [
        (Mishap::LogMadeAgain, &["differs from the one processed there", "recreated", "worker.log"][..]),
        (Mishap::LogCompacted, &["is gone although the log begins before it", "cleanup.policy", "epoch"]),
        (Mishap::HeadCutTooFar, &["begins at offset", "raise `epoch`"]),
        (Mishap::EndLost, &["ends at offset", "worker.log"]),
        (Mishap::CheckpointsLost, &["no sound checkpoint", "raise `epoch`", "grapevine resume"]),
        (Mishap::BudgetChangedAfterACrash, &["rules.budget_entries was", "fleet cleanly", "raise `epoch`"]),
    ] {
        let outcomes: Vec<_> = (0..40).filter_map(|seed| director::play_mishap(seed, mishap)).collect();
        assert!(outcomes.len() > 10, "{mishap:?} found {} occasions", outcomes.len());
        for outcome in outcomes {
            let Err(WorkerError::Operator(message)) = outcome else { panic!("{mishap:?} was not noticed: {outcome:?}") };
            assert!(words.iter().all(|word| message.contains(word)), "{mishap:?}: {message}");
        }
    }
}

#[test]
fn a_budget_changed_across_a_clean_stop_is_accepted_also_after_a_later_crash() {
    for mishap in [Mishap::BudgetChanged, Mishap::CrashAfterBudgetChanged] {
        let outcomes: Vec<_> = (0..40).filter_map(|seed| director::play_mishap(seed, mishap)).collect();
        assert!(outcomes.len() > 10 && outcomes.iter().all(Result::is_ok), "{mishap:?}: {outcomes:?}");
    }
}

#[test]
fn a_partition_that_must_not_be_read_on_does_not_hold_up_the_others() {
    let occasions = (0..60).filter_map(director::play_one_refused).count();
    assert!(occasions > 10, "only {occasions} occasions");
}

#[test]
fn a_partition_that_is_put_aside_in_the_middle_costs_the_others_nothing() {
    let occasions = (0..400).filter_map(director::play_one_put_aside).count();
    assert!(occasions > 60, "only {occasions} occasions");
}

#[test]
fn a_first_checkpoint_that_comes_late_begins_where_the_log_begins_by_then() {
    let occasions = (0..60).filter_map(director::play_head_cut_before_the_first_checkpoint).count();
    assert!(occasions > 20, "only {occasions} occasions");
}

#[test]
fn checkpoints_of_one_partition_that_hang_do_not_hold_up_the_others() {
    let occasions = (0..60).filter_map(director::play_one_hung).count();
    assert!(occasions > 20, "only {occasions} occasions");
}

#[test]
fn a_partition_whose_rows_the_store_refuses_holds_up_itself_alone() {
    let occasions = (0..200).filter_map(director::play_one_untaken).count();
    assert!(occasions > 60, "only {occasions} occasions");
}

#[test]
fn every_record_is_counted_as_fresh_once_however_often_it_is_read() {
    let unheard: Vec<u64> = (0..300).map(director::play_freshness).collect();
    let some = unheard.iter().filter(|records| **records > 0).count();
    assert!(some > 20, "only {some} workers died before they heard of their rows");
}

/// Which seeds are played: from the first on, so many, or for so long.
struct Seeds {
    first: u64,
    count: u64,
    time: Option<Duration>,
}

/// `GRAPEVINE_SEED` plays one, `GRAPEVINE_SEEDS` so many, `GRAPEVINE_SECONDS` for so long from a random one on.
fn seeds() -> Seeds {
    let number = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
    };
    let (one, many, seconds) = (number("GRAPEVINE_SEED"), number("GRAPEVINE_SEEDS"), number("GRAPEVINE_SECONDS"));
    let random = || u64::from(rand::random::<u32>()) << 16;
    Seeds {
        first: one.or_else(|| seconds.map(|_| random())).unwrap_or(0),
        count: if one.is_some() { 1 } else { many.or(seconds.map(|_| u64::MAX >> 8)).unwrap_or(SEEDS) },
        time: seconds.map(Duration::from_secs),
    }
}

struct Played {
    count: u64,
    faults: Faults,
}

/// Plays seeds on all processors. The first that fails ends it.
fn play_all(seeds: Seeds) -> Played {
    let Seeds { first, count, time } = seeds;
    println!("seeds from {first} on");
    let (started, given) = (Instant::now(), AtomicU64::new(0));
    let played = Mutex::new(Played { count: 0, faults: Faults::default() });
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while time.is_none_or(|time| started.elapsed() < time) {
                    let number = given.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let seed = first + number;
                    let Ok(injected) = std::panic::catch_unwind(|| director::play(seed)) else {
                        given.store(count, Ordering::Relaxed);
                        panic!("seed {seed} failed: GRAPEVINE_SEED={seed} cargo test --release --test simulation");
                    };
                    let mut played = played.lock().expect("nobody panics while holding it");
                    played.count += 1;
                    played.faults.add(&injected);
                }
            });
        }
    });
    played.into_inner().expect("nobody panics while holding it")
}
