//! The reader under faults, by seed, against a model of librdkafka 2.12.1 as a client (`tests/client.rs`).
//!
//! A seed is a whole history: `GRAPEVINE_SEED=17 cargo test reader` plays one again, `GRAPEVINE_SEEDS=10000` plays more.

mod allowed;
mod client;
mod dice;
mod driver;
mod fault;
mod group;
mod history;
mod judged;
mod log;
mod looping;
mod oracle;
mod toppar;

use std::panic::catch_unwind;
use std::time::Duration;

use super::{Answer, Batches, Command, Extent, Item, Reader, Step};
use crate::record::Partition;
use fault::{Fault, Faults};
use history::Played;

/// Histories that every test run plays, at least: some faults are rare.
const SEEDS: u64 = 3_000;

#[test]
fn whatever_happens_each_record_is_handed_out_once_and_none_is_skipped() {
    play_all(true);
}

/// As of 2.13.2 ends and errors do not move the client's position.
#[test]
fn the_same_holds_for_a_client_that_counts_no_ends() {
    play_all(false);
}

fn play_all(one_too_far: bool) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let one = number("GRAPEVINE_SEED");
    let seeds = one.map_or(0..number("GRAPEVINE_SEEDS").unwrap_or(SEEDS).max(SEEDS), |seed| seed..seed + 1);
    let (mut faults, mut all) = (Faults::default(), Played::default());
    for seed in seeds {
        let played = catch_unwind(|| history::play(seed, one_too_far));
        let Ok((played, injected)) = played else {
            panic!("seed {seed} failed (one too far: {one_too_far}): GRAPEVINE_SEED={seed} cargo test reader");
        };
        faults.add(&injected);
        all.add(&played);
    }
    println!("{all:?}\n{faults:?}");
    if one.is_none() {
        for fault in Fault::ALL.iter().filter(|fault| one_too_far || **fault != Fault::OneTooFar) {
            assert!(faults.count(*fault) > 0, "no seed injected {fault:?}: the simulation has a hole");
        }
        assert!(all.gaps.confirmed > 0 && all.gaps.unasked > 0, "{:?}", all.gaps);
    }
}

/// A driver that holds nothing.
struct Nothing;

impl Batches for Nothing {
    fn item(&self, _: Partition, _: usize) -> Item {
        Item::Record(0)
    }

    fn text(&self, _: Partition, _: usize) -> String {
        String::new()
    }
}

#[test]
fn what_an_open_transaction_hides_is_told_apart_from_what_can_be_read() {
    let (mut reader, partition, now) = (Reader::new(false, false, 0), Partition(0), Duration::ZERO);
    reader.assigned(vec![partition]);
    while reader.step(now, &Nothing) != Step::Do(Command::Accept) {}
    reader.answered(now, Answer::Done);
    reader.start(now, partition, 10).unwrap();
    let mut heard = |first, end, written| {
        reader.log_extent(partition, Extent { first, end, written });
        reader.lag().map(|lag| (lag.first, lag.unread, lag.hidden)).collect::<Vec<_>>()
    };
    assert_eq!(heard(None, None, None), [(None, None, 0)]);
    assert_eq!(heard(Some(3), Some(15), Some(40)), [(Some(3), Some(5), 0)], "it can go on");
    assert_eq!(heard(None, Some(10), None), [(Some(3), Some(0), 30)]);
    assert_eq!(heard(None, Some(40), None), [(Some(3), Some(30), 0)]);
    // What it knows of the end is older than what was read.
    assert_eq!(heard(None, Some(8), Some(12)), [(Some(3), Some(0), 2)]);
    assert_eq!(heard(None, Some(8), Some(9)), [(Some(3), Some(0), 0)]);
}

/// What is in the way may be mended: files that are half written, a system without threads. Nothing of the log is in hand then.
#[test]
fn a_client_that_cannot_be_made_is_waited_for_and_ends_nothing() {
    let mut reader = Reader::new(false, false, 1);
    reader.renew(Duration::ZERO);
    let mut attempts = Vec::new();
    for second in 0..200 {
        let now = Duration::from_secs(second);
        loop {
            match reader.step(now, &Nothing) {
                Step::Idle => break,
                Step::Do(Command::NewClient) => {
                    attempts.push(second);
                    let refused = Answer::Refused("PEM routines::no start line".to_owned());
                    reader.answered(now, if attempts.len() < 4 { refused } else { Answer::Done });
                }
                Step::Do(command) if command.is_answered() => reader.answered(now, Answer::Done),
                Step::Fail(problem) => panic!("{problem:?}"),
                Step::Do(_) | Step::Note(_) | Step::Tell(_) => {}
            }
        }
    }
    assert!(attempts.len() == 4 && attempts.is_sorted_by(|one, next| one < next), "{attempts:?}");
}
