//! How long an event takes from Kafka until SQL sees it, at parts of the rate that a worker reaches.
//!
//! The worker is the program itself. The time of an event starts when it was due, so a late producer counts against it, and
//! ends when an answer of the store says that the rows cover it, asked 20 times a second.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use crate::apache_kafka::process::{ended, signal};
use crate::kinds::Kind;
use crate::{PARTITIONS, World};

const LOADS: [f64; 3] = [0.25, 0.5, 0.8];

/// Seconds that events are published, and how many of the first do not count: the worker and the store are just starting.
const SECONDS: f64 = 20.0;
const WARMING: f64 = 5.0;

/// Seconds that the last events may take until they are visible, and until the broker has them.
const PATIENCE: f64 = 60.0;
const PATIENCE_OF_PRODUCER: Duration = Duration::from_secs(60);

const ASKED_EVERY: Duration = Duration::from_millis(50);

type Line = (String, Vec<u8>);

pub(crate) fn print(world: &World, rate: f64) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of events")]
    let lines: Vec<Line> = Kind::Real.events((rate * SECONDS) as usize).collect();
    println!("\n| event in Kafka → visible to SQL, load | k events/s | p50, s | p99, s | goal of p99 |");
    println!("|---|---|---|---|---|");
    for load in LOADS {
        let name = format!("fresh_{:.0}", load * 100.0);
        world.kafka.create_topic(&name, PARTITIONS);
        world.store.migrate(&name);
        let folder = tempfile::tempdir().expect("a folder");
        let mut worker = start(world, &name, folder.path());
        let mut waits = follow(world, &name, &lines, rate * load);
        signal(&worker, "TERM");
        assert!(ended(&mut worker, "the worker").success(), "the worker ends well");
        world.store.drop_database(&name);
        waits.sort_by(f64::total_cmp);
        let (half, most) = (part(&waits, 50), part(&waits, 99));
        let judged = match load {
            0.5 if most <= 2.0 => "≤ 2: met",
            0.5 => "≤ 2: **missed**",
            _ => "none",
        };
        println!("| {:.0} % | {:.0} | {half:.2} | {most:.2} | {judged} |", load * 100.0, rate * load / 1e3);
    }
}

/// The value that so many of a hundred do not exceed.
fn part(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

fn start(world: &World, name: &str, checkpoints: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grapevine"));
    command
        .arg("run")
        .env("GRAPEVINE_KAFKA_BROKERS", world.kafka.brokers())
        .env("GRAPEVINE_KAFKA_TOPIC", name)
        .env("GRAPEVINE_KAFKA_GROUP", name)
        .env("GRAPEVINE_CLICKHOUSE_URL", world.store.url())
        .env("GRAPEVINE_CLICKHOUSE_DATABASE", name)
        .env("GRAPEVINE_CHECKPOINT_URL", checkpoints)
        .env("GRAPEVINE_ADMIN_ADDRESS", "127.0.0.1:0")
        .env("GRAPEVINE_LOG_LEVEL", "warn")
        .env("GRAPEVINE_RULES_PSEUDONYM_KEY", "a key of a benchmark");
    command.stdin(Stdio::null()).spawn().expect("a worker")
}

/// Publishes at a rate and looks when the rows cover each event. Gives the seconds that those took that count.
fn follow(world: &World, topic: &str, lines: &[Line], rate: f64) -> Vec<f64> {
    let (started, published, brokers) = (Instant::now(), OnceLock::new(), world.kafka.brokers());
    std::thread::scope(|scope| {
        let publishing = scope.spawn(|| {
            let due = publish(&brokers, topic, lines, rate, started);
            published.get_or_init(|| due.iter().map(|times| times.len() as u64).sum::<u64>());
            due
        });
        let mut seen = Vec::new();
        loop {
            let covered = covered(world, topic);
            let all = covered.iter().map(|(_, next)| next).sum::<u64>();
            let now = started.elapsed().as_secs_f64();
            seen.push((now, covered));
            if published.get() == Some(&all) {
                break;
            }
            assert!(now < SECONDS + PATIENCE, "only {all} events were visible in time");
            std::thread::sleep(ASKED_EVERY);
        }
        waits(&publishing.join().expect("a producer"), &seen)
    })
}

/// Up to which offset the rows of each partition cover it.
fn covered(world: &World, database: &str) -> Vec<(usize, u64)> {
    let question = "SELECT source, max(version) FROM progress GROUP BY source";
    let partition = |source: &str| source.rsplit('/').next().and_then(|number| number.parse().ok()).expect("log/partition");
    world.store.ask::<(String, u64)>(database, question).iter().map(|(source, next)| (partition(source), *next)).collect()
}

/// How long each event that counts took: from when it was due until an answer first covered it.
fn waits(due: &[Vec<f64>], seen: &[(f64, Vec<(usize, u64)>)]) -> Vec<f64> {
    let (mut waits, mut covered) = (Vec::new(), vec![0; due.len()]);
    for (time, answer) in seen {
        for (partition, next) in answer {
            let next = usize::try_from(*next).expect("few events");
            let newly = due[*partition].get(covered[*partition]..next).unwrap_or_default();
            waits.extend(newly.iter().filter(|due| **due >= WARMING).map(|due| time - due));
            covered[*partition] = covered[*partition].max(next);
        }
    }
    waits
}

/// When each event of each partition was due, in seconds since `started`.
fn publish(brokers: &str, topic: &str, lines: &[Line], rate: f64, started: Instant) -> Vec<Vec<f64>> {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", brokers).set("compression.type", "lz4").set("linger.ms", "5");
    let producer: BaseProducer = client.set("enable.idempotence", "true").create().expect("a producer");
    let mut due = vec![Vec::new(); PARTITIONS];
    for (count, (key, line)) in (0_u32..).zip(lines) {
        let next = f64::from(count) / rate;
        if next > SECONDS {
            break;
        }
        while next > started.elapsed().as_secs_f64() {
            producer.poll(Duration::from_millis(2));
        }
        let partition = partition_of(key);
        let mut record = BaseRecord::to(topic).key(key).payload(line);
        record.partition = i32::try_from(partition).ok();
        while let Err((_, again)) = producer.send(record) {
            // Its queue is full.
            producer.poll(Duration::from_millis(2));
            record = again;
        }
        due[partition].push(next);
    }
    producer.flush(PATIENCE_OF_PRODUCER).expect("the broker takes everything");
    due
}

/// All events of a root go to one partition.
fn partition_of(key: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    usize::try_from(hasher.finish() % PARTITIONS as u64).expect("few partitions")
}
