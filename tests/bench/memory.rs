//! What a worker holds above its engines while it catches up with a viral hour, against what is promised: the rows of two
//! flushes, each no more than one insert of full size.
//!
//! A worker's memory is the most that its process has had until everything was read, less the most of a worker that has
//! nothing to read, less what an engine alone holds after the same events. What the client fetches ahead is promised by a key
//! of its own, so it is kept small here.

use crate::kinds::{Kind, Log};
use crate::measure::load;
use crate::readers::THREADS;
use crate::{PARTITIONS, World, readers};

/// What it is called on the command line.
pub(crate) const NAME: &str = "memory";

/// Flushes under way.
const FLUSHES: f64 = 2.0;

/// KiB of records that the client may fetch ahead.
const FETCHED: (&str, &str) = ("GRAPEVINE_KAFKA_QUEUED_KIB", "1024");

pub(crate) fn print(world: &World) {
    let config = readers::configured([]);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let promised = FLUSHES * config.flush.bytes_max as f64;
    println!("\n# {NAME}: a worker with one thread that catches up with a viral hour, MB; {}", load());
    let empty = world.worker_peak(&nothing(world), "store");
    println!("a worker with nothing to read: {:.1}; promised above the engines: {:.1}", empty / 1e6, promised / 1e6);
    println!("| events | store | above the empty worker | of it the engine | the rest | against the promise |");
    println!("|---|---|---|---|---|---|");
    for kind in Kind::HELD {
        world.kafka.create_topic(kind.topic(), PARTITIONS);
        let log = kind.publish(&world.kafka.brokers(), config.rules.clone());
        let engine = world.figures(&log, "engine", kind.topic(), &[])["held"];
        for (sink, name) in [("store", "as it is"), ("late", "half a second late with each answer")] {
            let above = world.worker_peak(&log, sink) - empty;
            let rest = above - engine;
            let judged = if rest <= promised { "met" } else { "**missed**" };
            println!(
                "| {}, {} | {name} | {:.1} | {:.1} | {:.1} | {:.2}, goal: 1: {judged} |",
                kind.topic(),
                log.events,
                above / 1e6,
                engine / 1e6,
                rest / 1e6,
                rest / promised
            );
        }
    }
}

/// A topic without any event.
fn nothing(world: &World) -> Log {
    world.kafka.create_topic("nothing", PARTITIONS);
    Log { topic: "nothing", events: 0.0, ends: vec![0; PARTITIONS], rows_at_least: 0.0 }
}

impl World {
    /// The most memory of a worker's process that reads a log once.
    fn worker_peak(&self, log: &Log, sink: &str) -> f64 {
        let database = format!("{}_{sink}_memory", log.topic);
        self.store.migrate(&database);
        let peak = self.figures(log, sink, &database, &[(THREADS, "1"), FETCHED])["peak"];
        self.store.drop_database(&database);
        peak
    }
}
