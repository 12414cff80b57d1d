//! How long an event of a calm root takes from Kafka until SQL sees it, beside a hot root whose every flush walks hundreds of
//! thousands of nodes: in the same partition, and in another one of the same worker.

use crate::World;
use crate::follow::{Due, beside_a_worker, follow, half_and_most};
use crate::measure::load;
use crate::readers::now;
use crate::shares::share;

/// What it is called on the command line.
pub(crate) const NAME: &str = "hot_root";

/// Shares that the hot root has before anything is measured, and how many a second it gets then.
const NODES: u32 = 600_000;
const RATE: u32 = 5_000;

/// Events a second of each calm root.
const CALM_RATE: u32 = 20;

/// Seconds that events are published, and how many of the first do not count.
const SECONDS: u32 = 60;
const WARMING: f64 = 5.0;

/// Where the hot root is, and another partition. Each has a calm root.
const HOT: usize = 0;
const OTHER: usize = 1;

/// All shares are declared to lie in one window, as if they had always come at this rate: so its row has all sharers, too.
const WINDOW_MS: i64 = 900_000;

pub(crate) fn print(world: &World) {
    let start = last_whole_window();
    println!("\n# {NAME}: {NODES} nodes, {RATE} shares/s more for {SECONDS} s, a calm root in its partition and in another");
    println!("before: {}", load());
    let waits = beside_a_worker(world, NAME, || {
        follow(world, NAME, (0..NODES).map(|number| hot(start, number, 0.0)));
        follow(world, NAME, (0..RATE * SECONDS).flat_map(|number| live(start, number)))
    });
    println!("after: {}", load());
    println!("\n| calm root, event in Kafka → visible to SQL | events | p50, s | p99, s | goal of p99 |");
    println!("|---|---|---|---|---|");
    for (place, partition) in [("in the partition of the hot root", HOT), ("in another partition", OTHER)] {
        let waits = waits[partition].clone();
        let events = waits.len();
        let (half, most) = half_and_most(waits);
        let judged = if most <= 2.0 { "met" } else { "**missed**" };
        println!("| {place} | {events} | {half:.2} | {most:.2} | ≤ 2: {judged} |");
    }
}

/// A share of the hot root, and from time to time one of each calm root with it.
fn live(start: i64, number: u32) -> Vec<Due> {
    let at = f64::from(number) / f64::from(RATE);
    let every = RATE / CALM_RATE;
    let calm = [HOT, OTHER].map(|partition| {
        let (key, line) = share(&format!("calm-{partition}"), u64::from(number / every), time(start, NODES + number));
        Due { at, partition, key, line, counts: at >= WARMING }
    });
    let calm = calm.into_iter().filter(|_| number.is_multiple_of(every));
    std::iter::once(hot(start, NODES + number, at)).chain(calm).collect()
}

fn hot(start: i64, number: u32, at: f64) -> Due {
    let (key, line) = share("hot", u64::from(number), time(start, number));
    Due { at, partition: HOT, key, line, counts: false }
}

fn time(start: i64, number: u32) -> i64 {
    start + i64::from(number) * 1_000 / i64::from(RATE)
}

/// When the last window began that is over: none of its times is in the future.
fn last_whole_window() -> i64 {
    (now() / WINDOW_MS - 1) * WINDOW_MS
}
