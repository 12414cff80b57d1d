//! How long an event takes from Kafka until SQL sees it, at parts of the rate that a worker reaches.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use crate::follow::{Due, beside_a_worker, follow, half_and_most};
use crate::kinds::Kind;
use crate::{PARTITIONS, World};

const LOADS: [f64; 3] = [0.25, 0.5, 0.8];

/// Seconds that events are published, and how many of the first do not count: the worker and the store are just starting.
const SECONDS: f64 = 20.0;
const WARMING: f64 = 5.0;

pub(crate) fn print(world: &World, rate: f64) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of events")]
    let lines: Vec<(String, Vec<u8>)> = Kind::Real.events((rate * SECONDS) as usize).collect();
    println!("\n| event in Kafka → visible to SQL, load | k events/s | p50, s | p99, s | goal of p99 |");
    println!("|---|---|---|---|---|");
    for load in LOADS {
        let name = format!("fresh_{:.0}", load * 100.0);
        let due = (0_u32..).zip(&lines).map(|(count, (key, line))| {
            let at = f64::from(count) / (rate * load);
            Due { at, partition: partition_of(key), key: key.clone(), line: line.clone(), counts: at >= WARMING }
        });
        let due = due.take_while(|event| event.at <= SECONDS);
        let waits = beside_a_worker(world, &name, || follow(world, &name, due));
        let (half, most) = half_and_most(waits.concat());
        let judged = match load {
            0.5 if most <= 2.0 => "≤ 2: met",
            0.5 => "≤ 2: **missed**",
            _ => "none",
        };
        println!("| {:.0} % | {:.0} | {half:.2} | {most:.2} | {judged} |", load * 100.0, rate * load / 1e3);
    }
}

/// All events of a root go to one partition.
fn partition_of(key: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    usize::try_from(hasher.finish() % PARTITIONS as u64).expect("few partitions")
}
