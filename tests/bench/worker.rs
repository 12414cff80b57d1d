//! The whole worker on Apache Kafka, against consumers that throw everything away and against ClickHouse's own Kafka engine.
//!
//! Broker, store and reader share the machine. Each reader is a process of its own, so that its CPU time is its own; all of
//! them read the same log in turn, round after round, and a ratio compares two readings of one round. Then, at parts of the
//! rate that was measured and beside a hot root: how long an event takes from Kafka to SQL. Everything is printed as tables for docs/benchmarks.md.

#![expect(clippy::panic, reason = "a benchmark that cannot measure says why and ends")]

#[expect(dead_code, clippy::unwrap_used, reason = "shared with the tests, which do more to the broker")]
#[path = "../apache_kafka/broker.rs"]
mod apache_kafka;
mod consumers;
mod discard;
mod follow;
mod freshness;
mod hot_root;
mod input;
mod kinds;
mod measure;
mod memory;
mod readers;
mod shares;
mod store;
mod table;

use std::collections::BTreeMap;

use apache_kafka::ApacheKafka;
use consumers::{Consumers, Format};
use kinds::{Kind, Log};
use measure::{CHILD, in_a_child, load};
use readers::{ENDS, THREADS};
use store::Store;
use table::{FEW, Reading, Table};

/// That of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PARTITIONS: usize = 6;
const ROUNDS: usize = 3;

/// Java's settings as Apache Kafka's own start script has them.
const JAVA: &[&str] = &["-server", "-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"];

/// A group waits a moment for its second member: nobody has to hand partitions over in the middle of a run.
const PROPERTIES: &str = "group.initial.rebalance.delay.ms=500\n";

/// Who reads.
#[derive(Clone, Copy)]
pub(crate) enum Reader {
    /// A child that discards: a poll loop, or batches of the worker's own source.
    Consumer(&'static str),
    /// A child that is a worker: the store that it writes to, and its threads.
    Worker { store: &'static str, threads: usize },
    /// ClickHouse itself.
    Engine(Consumers),
}

/// In the order of the table.
pub(crate) const READERS: [(&str, Reader); 8] = [
    ("discard, poll loop", Reader::Consumer("poll")),
    ("discard, batches of the worker's source", Reader::Consumer("batches")),
    ("worker, store that discards, 1 thread", Reader::Worker { store: "discard", threads: 1 }),
    ("worker and ClickHouse, 1 thread", Reader::Worker { store: "store", threads: 1 }),
    ("worker and ClickHouse, 2 threads", Reader::Worker { store: "store", threads: 2 }),
    ("ClickHouse's engine, RawBLOB, 1 consumer", Reader::Engine(Consumers { format: Format::RawBlob, number: 1 })),
    ("ClickHouse's engine, RawBLOB, 2 consumers", Reader::Engine(Consumers { format: Format::RawBlob, number: 2 })),
    ("ClickHouse's engine, JSONEachRow, 1 consumer", Reader::Engine(Consumers { format: Format::JsonEachRow, number: 1 })),
];

/// Broker and store.
pub(crate) struct World {
    pub(crate) kafka: ApacheKafka,
    pub(crate) store: Store,
}

fn main() {
    if let Ok(reader) = std::env::var(CHILD) {
        return readers::read(&reader);
    }
    // Names may be given, to measure those only. Cargo adds words that begin with a dash.
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    let world = World { kafka: ApacheKafka::tuned(JAVA, PROPERTIES), store: Store::start() };
    for kind in Kind::COMPARED.into_iter().filter(|kind| wanted(kind.topic())) {
        let rate = world.compare(kind);
        if let Kind::Real = kind {
            freshness::print(&world, rate);
        }
    }
    if wanted(hot_root::NAME) {
        hot_root::print(&world);
    }
    if wanted(memory::NAME) {
        memory::print(&world);
    }
}

impl Kind {
    /// Whether one of [`READERS`] is measured on it.
    fn is_read_by(self, reader: usize) -> bool {
        matches!(self, Kind::Real | Kind::Months) || FEW.contains(&reader)
    }
}

impl World {
    /// Lets the readers read one kind of data, and prints the table. Gives the events a second of a worker with one thread.
    fn compare(&self, kind: Kind) -> f64 {
        self.kafka.create_topic(kind.topic(), PARTITIONS);
        let log = kind.publish(&self.kafka.brokers(), readers::configured([]).rules);
        println!(
            "\n# {}: {:.2} M events in {PARTITIONS} partitions, {ROUNDS} rounds (least / middle / most)",
            log.topic,
            log.events / 1e6
        );
        println!("before: {}", load());
        let mut table = Table::new(&log);
        for round in 0..ROUNDS {
            table.add(std::array::from_fn(|at| {
                let (name, reader) = READERS[at];
                let reading = kind.is_read_by(at).then(|| self.measure(reader, &log, round))?;
                eprintln!("{}, round {}, {name}: {}", log.topic, round + 1, reading.of(log.events));
                Some(reading)
            }));
        }
        println!("after: {}", load());
        table.print();
        table.rate_of_a_worker()
    }

    fn measure(&self, reader: Reader, log: &Log, round: usize) -> Reading {
        match reader {
            Reader::Consumer(name) => self.in_a_child(log, name, &format!("{}_{name}_{round}", log.topic), 1),
            Reader::Worker { store: "store", threads } => {
                let database = format!("{}_worker_{threads}_{round}", log.topic);
                self.store.migrate(&database);
                self.counted(&database, || self.in_a_child(log, "store", &database, threads))
            }
            Reader::Worker { store, threads } => {
                self.in_a_child(log, store, &format!("{}_{store}_{threads}_{round}", log.topic), threads)
            }
            Reader::Engine(consumers) => {
                let database = format!("{}_engine_{}_{}_{round}", log.topic, consumers.format.name(), consumers.number);
                self.counted(&database, || {
                    let (wall, rows) = self.store.reads(&database, &self.kafka.brokers(), log, consumers);
                    Reading { wall, rows: Some(rows), ..Reading::default() }
                })
            }
        }
    }

    /// With the CPU that the store spends, its merges included; its database goes.
    fn counted(&self, database: &str, read: impl FnOnce() -> Reading) -> Reading {
        self.store.wait_for_merges();
        let before = self.store.cpu();
        let reading = read();
        self.store.wait_for_merges();
        let store = Some(self.store.cpu() - before);
        self.store.drop_database(database);
        Reading { store, ..reading }
    }

    fn in_a_child(&self, log: &Log, reader: &str, group: &str, threads: usize) -> Reading {
        let figures = self.figures(log, reader, group, &[(THREADS, &threads.to_string())]);
        Reading { wall: figures["wall"], cpu: Some(figures["cpu"]), store: None, rows: figures.get("rows").copied() }
    }

    /// What a child says that reads a log under these variables.
    fn figures(&self, log: &Log, reader: &str, group: &str, more: &[(&str, &str)]) -> BTreeMap<String, f64> {
        let ends = log.ends.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        let brokers = self.kafka.brokers();
        let variables = [
            ("GRAPEVINE_KAFKA_BROKERS", brokers.as_str()),
            ("GRAPEVINE_KAFKA_TOPIC", log.topic),
            ("GRAPEVINE_KAFKA_GROUP", group),
            ("GRAPEVINE_CLICKHOUSE_URLS", self.store.url()),
            ("GRAPEVINE_CLICKHOUSE_DATABASE", group),
            (ENDS, ends.as_str()),
        ];
        let figures = in_a_child(reader, &[variables.as_slice(), more].concat());
        assert!(figures["events"] >= log.events, "{reader} has read everything");
        figures
    }
}
