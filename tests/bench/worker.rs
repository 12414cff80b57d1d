//! The whole worker against consumers of the same log that throw everything away.
//!
//! The log is the embedded broker in this process; each reader is a process of its own, so that its CPU time
//! is its own: a plain poll loop, the source, the worker with a store that discards, the worker with the
//! embedded ClickHouse. Time counts from the first record; a worker's until its last offset is committed.

#![expect(clippy::panic, reason = "a benchmark that cannot measure says why and ends")]

mod input;
mod measure;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use grapevine::checkpoints::CheckpointStore;
use grapevine::clickhouse::{ClickHouseSink, client};
use grapevine::config::Config;
use grapevine::embedded::broker::{Message, MockBroker, Publisher};
use grapevine::embedded::clickhouse::EmbeddedClickHouse;
use grapevine::engine::Engine;
use grapevine::event::parse;
use grapevine::failure::Failure;
use grapevine::kafka::KafkaSource;
use grapevine::migrations;
use grapevine::record::{Offset, Partition, Record};
use grapevine::row::Rows;
use grapevine::worker::{self, Delivery, Notice, Observer, Seams, Settings, Sink, Source};
use rdkafka::ClientConfig;
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use input::{FILES, lines, renamed};
use measure::{CHILD, Spread, Stopwatch, cpu_seconds, in_a_child};

/// That of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TOPIC: &str = "bench";
const PARTITIONS: usize = 12;
/// Times the files are published, under other ids: about what the broker keeps.
const COPIES: usize = 3;
const RUNS: usize = 3;

/// How long a reader may wait for its first record, or for the next.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match std::env::var(CHILD).ok().as_deref() {
        None => compare(&runtime),
        Some("poll") => poll(),
        Some("source") => runtime.block_on(drain()),
        Some("discard") => runtime.block_on(work(Discard)),
        Some("store") => {
            let config = config();
            runtime.block_on(work(ClickHouseSink::new(&config.clickhouse, config.flush.bytes_max, 1, || 0)));
        }
        Some(other) => panic!("no reader is called {other}"),
    }
}

// The parent: publishes, runs the readers, prints.

fn compare(runtime: &tokio::runtime::Runtime) {
    let broker = MockBroker::start().expect("a broker");
    broker.create_topic(TOPIC, PARTITIONS).expect("a topic");
    let published = publish(broker.bootstrap_servers());
    println!("# worker: {} events in {PARTITIONS} partitions, {RUNS} runs, CPU us an event: least / middle", published.events);
    let poll = run("poll", &broker, &published, None).0;
    run("source", &broker, &published, Some(&poll));
    let (_, rows) = run("discard", &broker, &published, Some(&poll));
    println!("rows written against distinct windows and shapes: {:.2} (goal: 1.2)", rows / published.rows_at_least);
    let folder = tempfile::tempdir().expect("a folder");
    let store =
        EmbeddedClickHouse::start(Path::new(env!("CARGO_BIN_EXE_grapevine")), folder.path()).expect("libchdb: `make setup`");
    let before = cpu_seconds(&store.id().to_string());
    run_with("store", &broker, &published, Some(&poll), |database| {
        let variables = [("GRAPEVINE_CLICKHOUSE_URL", store.url()), ("GRAPEVINE_CLICKHOUSE_DATABASE", database)];
        let config = configured(variables.into_iter());
        runtime.block_on(migrations::apply(&client(&config.clickhouse))).expect("a schema");
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    });
    let spent = cpu_seconds(&store.id().to_string()) - before;
    println!("ClickHouse itself: {:.2} us of CPU an event", spent * 1e6 / (published.events * RUNS as f64));
}

struct Cost {
    cpu: Spread,
    rate: f64,
}

fn run(reader: &str, broker: &MockBroker, published: &Published, poll: Option<&Cost>) -> (Cost, f64) {
    run_with(reader, broker, published, poll, |_| Vec::new())
}

fn run_with(
    reader: &str,
    broker: &MockBroker,
    published: &Published,
    poll: Option<&Cost>,
    prepare: impl Fn(&str) -> Vec<(String, String)>,
) -> (Cost, f64) {
    let (mut cpu, mut wall, mut rows) = (Vec::new(), Vec::new(), 0.0);
    for number in 0..RUNS {
        let group = format!("{reader}_{number}");
        let more = prepare(&group);
        let ends = published.ends.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        let mut variables = vec![
            ("GRAPEVINE_KAFKA_BROKERS", broker.bootstrap_servers()),
            ("GRAPEVINE_KAFKA_GROUP", &group),
            ("BENCH_ENDS", &ends),
        ];
        variables.extend(more.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let figures = in_a_child(reader, &variables);
        assert!(figures["events"] >= published.events, "{reader} has read everything");
        cpu.push(figures["cpu"] * 1e6 / published.events);
        wall.push(figures["wall"]);
        rows = figures.get("rows").copied().unwrap_or_default();
    }
    let cost = Cost { cpu: Spread::of(cpu), rate: published.events / Spread::of(wall).least };
    let Spread { least, middle } = cost.cpu;
    print!("{reader:<8} {least:.2} / {middle:.2}   {:.0} k events/s", cost.rate / 1e3);
    if let Some(poll) = poll {
        print!("   against poll: {:.2} x its CPU, {:.2} x its events/s", least / poll.cpu.least, cost.rate / poll.rate);
    }
    println!();
    (cost, rows)
}

struct Published {
    events: f64,
    ends: Vec<Offset>,
    /// Rows that a single flush at the end would write.
    rows_at_least: f64,
}

fn publish(brokers: &str) -> Published {
    let mut publisher = Publisher::new(brokers, &[], TOPIC, None).expect("a producer");
    let mut engine = Engine::new(configured(std::iter::empty()).rules, "bench/0".into(), 0);
    let mut events: u32 = 0;
    for (copy, file) in (0..COPIES).flat_map(|copy| FILES.map(|file| (copy, file))) {
        for line in lines(file) {
            let (key, line) = renamed(&line, copy);
            let record = Record { offset: events.into(), payload: Some(&line), ..Record::default() };
            engine.observe(&record, parse(&record));
            let message = Message { key: Some(key.as_bytes()), payload: Some(&line), ..Message::default() };
            publisher.publish(message).expect("the broker takes it");
            events += 1;
        }
    }
    publisher.flush().expect("the broker takes everything");
    publisher.nothing_dropped().expect("fewer copies: the broker dropped some");
    #[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^53")]
    let rows_at_least = engine.flush().rows.len() as f64 - 1.0;
    Published { events: events.into(), ends: publisher.ends().expect("ends"), rows_at_least }
}

// The children: each reads everything once, and prints what that took.

fn configured<'a>(variables: impl Iterator<Item = (&'a str, &'a str)>) -> Config {
    let fixed = [
        ("GRAPEVINE_KAFKA_TOPIC", TOPIC),
        // The embedded broker lets a rebalance wait for almost a session, and wakes no waiting fetch.
        ("GRAPEVINE_KAFKA_SESSION_TIMEOUT_MS", "6000"),
        ("GRAPEVINE_KAFKA_HEARTBEAT_INTERVAL_MS", "500"),
        ("GRAPEVINE_KAFKA_FETCH_WAIT_MS", "10"),
        ("GRAPEVINE_RULES_PSEUDONYM_KEY", "a key of a benchmark"),
    ];
    let all = fixed.into_iter().chain(variables).map(|(name, value)| (name.to_owned(), value.to_owned()));
    Config::load(None, all).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The worker's defaults, and what the parent says.
fn config() -> Config {
    let said: Vec<(String, String)> =
        std::env::vars().filter(|(name, _)| name.starts_with("GRAPEVINE_") && name != CHILD).collect();
    configured(said.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

fn ends() -> Vec<Offset> {
    let said = std::env::var("BENCH_ENDS").expect("the parent says where the partitions end");
    said.split(',').map(|end| end.parse().expect("an offset")).collect()
}

fn report(events: u64, watch: &Stopwatch) {
    let (cpu, wall) = watch.read();
    println!("events {events}\ncpu {cpu}\nwall {wall}");
}

/// A plain poll loop, tuned as the worker's own client is.
fn poll() {
    let settings = config().kafka;
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", &settings.brokers)
        .set("group.id", &settings.group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("session.timeout.ms", "6000")
        .set("fetch.wait.max.ms", "10")
        .set("fetch.queue.backoff.ms", "10")
        .set("queued.max.messages.kbytes", (settings.queued_bytes / 1024).to_string())
        .set("queued.min.messages", "1000000");
    let consumer: BaseConsumer = client.create().expect("a consumer");
    consumer.subscribe(&[TOPIC]).expect("a subscription");
    let (wanted, mut events, mut bytes) = (ends().iter().sum::<u64>(), 0, 0);
    let mut watch = Stopwatch::start();
    while events < wanted {
        // Nothing also stands for a rebalance that was served.
        let Some(message) = consumer.poll(PATIENCE) else { continue };
        let message = message.expect("a record");
        if events == 0 {
            watch = Stopwatch::start();
        }
        bytes += message.payload().map_or(0, <[u8]>::len);
        events += 1;
    }
    report(events, &watch);
    assert!(bytes > 0);
}

/// The worker's source, drained.
async fn drain() {
    let mut source = KafkaSource::connect(&config().kafka, "log", 1, 0).expect("a source");
    let (wanted, mut events, mut bytes) = (ends().iter().sum::<u64>(), 0, 0);
    let mut watch = Stopwatch::start();
    let mut given = Vec::new();
    while events < wanted {
        match source.next().await.expect("the broker answers") {
            Delivery::Assigned(partitions) => given = partitions,
            Delivery::Records(_, records) => {
                if events == 0 {
                    watch = Stopwatch::start();
                }
                events += records.len() as u64;
                bytes += records.iter().filter_map(|record| record.payload).map(<[u8]>::len).sum::<usize>();
            }
            Delivery::End(..)
            | Delivery::Revoked(_)
            | Delivery::Lost(_)
            | Delivery::Fenced(_)
            | Delivery::Doubted(_)
            | Delivery::Idle => {}
        }
        for partition in given.drain(..) {
            source.start(partition, 0).expect("an assigned partition");
        }
    }
    report(events, &watch);
    assert!(bytes > 0);
    source.close().await.expect("the group is left");
}

/// A store that accepts and discards.
struct Discard;

impl Sink for Discard {
    async fn insert(&self, _rows: &Rows) -> Result<(), Failure> {
        Ok(())
    }

    async fn newest_version(&self, _source: &str) -> Result<Option<Offset>, Failure> {
        Ok(None)
    }
}

/// Starts the clock when reading begins, and ends the loop when everything is read.
struct Watch {
    clock: RefCell<Option<Stopwatch>>,
    ends: Vec<Offset>,
    reached: RefCell<BTreeSet<Partition>>,
    /// Rows that left, without those of `progress`.
    rows: Cell<usize>,
    all_read: tokio::sync::Notify,
}

impl Observer for Watch {
    fn notice(&self, notice: Notice<'_>) {
        if let Notice::Started { .. } = notice {
            self.clock.borrow_mut().get_or_insert_with(Stopwatch::start);
        } else if let Notice::Flushed { batch, .. } = notice {
            self.rows.set(self.rows.get() + batch.rows.len() - batch.rows.progress.len());
        } else if let Notice::Moved(position) = notice {
            let end = usize::try_from(position.partition.0).ok().and_then(|at| self.ends.get(at));
            if end.is_some_and(|&end| position.next >= end) {
                self.reached.borrow_mut().insert(position.partition);
            }
            if self.reached.borrow().len() == self.ends.len() {
                self.all_read.notify_one();
            }
        }
    }
}

/// The production loop, until its last rows, checkpoints and offsets are away.
async fn work(sink: impl Sink) {
    let config = config();
    let folder = tempfile::tempdir().expect("a folder");
    let place = grapevine::config::Checkpoint { url: folder.path().display().to_string(), ..config.checkpoint.clone() };
    let ends = ends();
    let events = ends.iter().sum();
    let watch = Watch {
        clock: RefCell::new(None),
        ends,
        reached: RefCell::default(),
        rows: Cell::new(0),
        all_read: tokio::sync::Notify::new(),
    };
    let seams = Seams {
        source: KafkaSource::connect(&config.kafka, &config.worker.log, 1, 0).expect("a source"),
        sink,
        checkpoints: CheckpointStore::open(&place, 1).expect("a place"),
    };
    let late = Instant::now() + PATIENCE * 5;
    let shutdown = async {
        let read = tokio::time::timeout_at(late.into(), watch.all_read.notified()).await;
        read.expect("everything is read in time");
    };
    worker::run(seams, &Settings::of(&config, 1), &watch, shutdown).await.expect("the worker ends well");
    let clock = watch.clock.borrow_mut().take().expect("partitions were read");
    report(events, &clock);
    println!("rows {}", watch.rows.get());
}
