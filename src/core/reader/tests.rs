//! The reader under faults, by seed, against a model of librdkafka 2.12.1 as a client (`tests/client.rs`).
//!
//! A seed is a whole history: `GRAPEVINE_SEED=17 cargo test reader` plays one again, `GRAPEVINE_SEEDS=10000` plays more.

mod client;
mod dice;
mod driver;
mod fault;
mod group;
mod history;
mod log;
mod looping;
mod oracle;
mod toppar;

use std::panic::catch_unwind;

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
