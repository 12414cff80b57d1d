//! The production loop under faults, by seed: crashes, rebalances, refused and half-done inserts, lost
//! answers, torn checkpoints; in the end the tables must say what one straight pass over the log says.
//!
//! A seed is a whole history: `GRAPEVINE_SEED=17 cargo test --release --test simulation` plays one again,
//! `GRAPEVINE_SEEDS=10000` plays more of them. Time is tokio's, paused: hours pass in milliseconds.

#![expect(clippy::panic, reason = "a simulation says by a panic what went wrong")]

mod dice;
mod director;
mod log;
mod oracle;
mod seams;
mod table;
mod world;

use world::{Fault, Faults};

/// Seeds that every test run plays.
const SEEDS: u64 = 300;

#[test]
fn whatever_happens_the_tables_equal_a_straight_pass() {
    let mut faults = Faults::default();
    for seed in seeds() {
        let played = std::panic::catch_unwind(|| director::play(seed));
        match played {
            Ok(injected) => faults.add(&injected),
            Err(_) => panic!("seed {seed} failed: GRAPEVINE_SEED={seed} cargo test --release --test simulation"),
        }
    }
    println!("{faults:#?}");
    if std::env::var_os("GRAPEVINE_SEED").is_none() {
        for fault in Fault::ALL {
            assert!(faults.count(fault) > 0, "no seed injected {fault:?}: the simulation has a hole");
        }
    }
}

#[test]
fn a_log_that_was_made_again_is_refused() {
    let mut refused = 0;
    for seed in 0..40 {
        match director::play_with_another_log(seed) {
            None => {}
            Some(Err(grapevine::worker::WorkerError::Operator(message))) => {
                assert!(message.contains("not the log it was"), "{message}");
                refused += 1;
            }
            Some(other) => panic!("seed {seed}: a worker reads another log as if it were its own: {other:?}"),
        }
    }
    assert!(refused > 10, "most logs hold records, {refused} did");
}

fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
    };
    match number("GRAPEVINE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("GRAPEVINE_SEEDS").unwrap_or(SEEDS),
    }
}
