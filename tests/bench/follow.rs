//! Publishes events when they are due, and watches how long each of them takes until SQL sees it.
//!
//! The worker is the program itself. The time of an event starts when it was due, so a late producer counts against it, and
//! ends when an answer of the store says that the rows of its partition cover it, asked 20 times a second.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use crate::apache_kafka::process::{ended, signal};
use crate::{PARTITIONS, World};

/// What the last events may take until they are visible, and until the broker has them.
const PATIENCE: Duration = Duration::from_secs(60);

const ASKED_EVERY: Duration = Duration::from_millis(50);

/// How late a producer may be that has nothing to do.
const BREATH: Duration = Duration::from_millis(2);

/// An event that is to be published.
pub(crate) struct Due {
    /// Seconds after the first one.
    pub(crate) at: f64,
    pub(crate) partition: usize,
    pub(crate) key: String,
    pub(crate) line: Vec<u8>,
    /// Whether it matters how long it takes.
    pub(crate) counts: bool,
}

/// When each event of each partition was due; none for those that do not count.
type Published = [Vec<Option<f64>>; PARTITIONS];

/// Up to which offset the rows of each partition cover it.
type Covered = [u64; PARTITIONS];

/// How many seconds the events of each partition took that count.
pub(crate) type Waits = [Vec<f64>; PARTITIONS];

/// Lets a worker read a topic of its own, as long as `work` lasts.
pub(crate) fn beside_a_worker<T>(world: &World, topic: &str, work: impl FnOnce() -> T) -> T {
    world.kafka.create_topic(topic, PARTITIONS);
    world.store.migrate(topic);
    let folder = tempfile::tempdir().expect("a folder");
    let mut worker = start(world, topic, folder.path());
    let result = work();
    signal(&worker, "TERM");
    assert!(ended(&mut worker, "the worker").success(), "the worker ends well");
    world.store.drop_database(topic);
    result
}

fn start(world: &World, name: &str, checkpoints: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grapevine"));
    command
        .arg("run")
        .env("GRAPEVINE_KAFKA_BROKERS", world.kafka.brokers())
        .env("GRAPEVINE_KAFKA_TOPIC", name)
        .env("GRAPEVINE_KAFKA_GROUP", name)
        .env("GRAPEVINE_CLICKHOUSE_URLS", world.store.url())
        .env("GRAPEVINE_CLICKHOUSE_DATABASE", name)
        .env("GRAPEVINE_CHECKPOINT_URL", checkpoints)
        .env("GRAPEVINE_ADMIN_ADDRESS", "127.0.0.1:0")
        .env("GRAPEVINE_LOG_LEVEL", "warn")
        .env("GRAPEVINE_RULES_PSEUDONYM_KEY", "a key of a benchmark");
    command.stdin(Stdio::null()).spawn().expect("a worker")
}

/// Publishes events, each when it is due, and looks when the rows cover them; returns once they cover all. What was published
/// before must be covered already.
pub(crate) fn follow(world: &World, topic: &str, events: impl Iterator<Item = Due> + Send) -> Waits {
    let (started, brokers, before) = (Instant::now(), world.kafka.brokers(), covered(world, topic));
    let mut seen = Vec::new();
    let mut look = || {
        let answer = covered(world, topic);
        seen.push((started.elapsed().as_secs_f64(), answer));
        std::thread::sleep(ASKED_EVERY);
        answer
    };
    let published = std::thread::scope(|scope| {
        let publishing = scope.spawn(|| publish(&brokers, topic, events, started));
        while !publishing.is_finished() {
            look();
        }
        publishing.join().expect("a producer")
    });
    let late = Instant::now() + PATIENCE;
    let all: Covered = std::array::from_fn(|partition| before[partition] + published[partition].len() as u64);
    while look() != all {
        assert!(Instant::now() < late, "not all events were visible in time");
    }
    waits(before, &published, &seen)
}

fn covered(world: &World, database: &str) -> Covered {
    let question = "SELECT source, max(version) FROM progress GROUP BY source";
    let partition = |source: &str| source.rsplit('/').next().and_then(|number| number.parse().ok()).expect("log/partition");
    let mut covered = Covered::default();
    for (source, next) in world.store.ask::<(String, u64)>(database, question) {
        let partition: usize = partition(&source);
        covered[partition] = next;
    }
    covered
}

/// How long each event that counts took: from when it was due until an answer first covered it.
fn waits(before: Covered, published: &Published, seen: &[(f64, Covered)]) -> Waits {
    std::array::from_fn(|partition| {
        let mut waits = Vec::new();
        let mut events = published[partition].iter();
        let mut next = before[partition];
        for (time, covered) in seen {
            let newly = usize::try_from(covered[partition].saturating_sub(next)).expect("few events");
            waits.extend(events.by_ref().take(newly).flatten().map(|due| time - due));
            next = next.max(covered[partition]);
        }
        waits
    })
}

fn publish(brokers: &str, topic: &str, events: impl Iterator<Item = Due>, started: Instant) -> Published {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", brokers).set("compression.type", "lz4").set("linger.ms", "5");
    let producer: BaseProducer = client.set("enable.idempotence", "true").create().expect("a producer");
    let mut published = Published::default();
    for Due { at, partition, key, line, counts } in events {
        while at > started.elapsed().as_secs_f64() {
            producer.poll(Duration::ZERO);
            std::thread::sleep(BREATH);
        }
        let mut record = BaseRecord::to(topic).key(&key).payload(&line);
        record.partition = i32::try_from(partition).ok();
        while let Err((_, again)) = producer.send(record) {
            // Its queue is full.
            producer.poll(BREATH);
            record = again;
        }
        published[partition].push(counts.then_some(at));
    }
    producer.flush(PATIENCE).expect("the broker takes everything");
    published
}

/// The middle of some figures, and what ninety-nine of a hundred of them do not exceed.
pub(crate) fn half_and_most(mut figures: Vec<f64>) -> (f64, f64) {
    figures.sort_by(f64::total_cmp);
    let part = |percent: usize| figures[(figures.len() * percent / 100).min(figures.len() - 1)];
    (part(50), part(99))
}
