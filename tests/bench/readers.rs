//! The readers, each in a process of its own: it reads a topic once, and prints what that took.
//!
//! Time counts from the first record, a worker's from its first partition; a worker's until everything is committed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use grapevine::checkpoints::CheckpointStore;
use grapevine::clickhouse::ClickHouseSink;
use grapevine::config::{Checkpoint, Config};
use grapevine::engine::Engine;
use grapevine::event::parse;
use grapevine::failure::Failure;
use grapevine::kafka::{KafkaSource, Tokens};
use grapevine::record::{Offset, Partition, Record};
use grapevine::row::Rows;
use grapevine::worker::{self, Append, Appended, Delivery, Known, Notice, Observer, Seams, Settings, Sink, Source};
use rdkafka::ClientConfig;
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use crate::discard::Discard;
use crate::kinds::Kind;
use crate::measure::{CHILD, Stopwatch, peak_bytes, resident_bytes};

/// The variables that say where the partitions end, and how many loops a worker has.
pub(crate) const ENDS: &str = "BENCH_ENDS";
pub(crate) const THREADS: &str = "BENCH_THREADS";

/// How long a reader may wait for its next record, and for everything.
const PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE_FOR_ALL: Duration = Duration::from_secs(300);

/// The worker's defaults, and these variables.
pub(crate) fn configured(variables: impl IntoIterator<Item = (String, String)>) -> Config {
    let key = ("GRAPEVINE_RULES_PSEUDONYM_KEY".to_owned(), "a key of a benchmark".to_owned());
    Config::load(None, std::iter::once(key).chain(variables)).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn config() -> Config {
    configured(std::env::vars().filter(|(name, _)| name.starts_with("GRAPEVINE_") && name != CHILD))
}

fn said(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("the parent says {name}"))
}

fn ends() -> Vec<Offset> {
    said(ENDS).split(',').map(|end| end.parse().expect("an offset")).collect()
}

/// Does what the parent asked for.
pub(crate) fn read(reader: &str) {
    match reader {
        "poll" => poll(),
        "batches" => runtime().block_on(drain()),
        "discard" => work(|_| Discard),
        "store" => work(store),
        "late" => work(|config| Late(store(config))),
        "engine" => fold(),
        other => panic!("no reader is called {other}"),
    }
}

fn store(config: &Config) -> ClickHouseSink {
    ClickHouseSink::new(&config.clickhouse, config.flush.bytes_max, config.rules.epoch, now)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or_default()
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
        .set("fetch.wait.max.ms", "20")
        .set("fetch.queue.backoff.ms", "10")
        .set("fetch.message.max.bytes", settings.fetch_partition_bytes.to_string())
        .set("fetch.max.bytes", settings.fetch_bytes.to_string())
        .set("queued.max.messages.kbytes", (settings.queued_bytes / 1024).to_string())
        .set("queued.min.messages", "1000000");
    let consumer: BaseConsumer = client.create().expect("a consumer");
    consumer.subscribe(&[&settings.topic]).expect("a subscription");
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

fn tokens(settings: &grapevine::config::Kafka) -> Tokens {
    Tokens::start(settings).expect("tokens")
}

/// The worker's source, drained.
async fn drain() {
    let settings = config().kafka;
    let mut source = KafkaSource::connect(&settings, &tokens(&settings), "log", 1, 0).expect("a source");
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

/// A store that takes long for each insert.
struct Late(ClickHouseSink);

/// How much longer than it would have.
const LATE: Duration = Duration::from_millis(500);

impl Sink for Late {
    async fn insert(&self, rows: &Rows, of: &str) -> Result<(), Failure> {
        self.0.insert(rows, of).await?;
        tokio::time::sleep(LATE).await;
        Ok(())
    }

    async fn append(&self, rows: &[Append]) -> Result<Appended, Failure> {
        self.0.append(rows).await
    }

    async fn known(&self, source: &str) -> Result<Known, Failure> {
        self.0.known(source).await
    }

    async fn newest_version(&self, source: &str) -> Result<Option<Offset>, Failure> {
        self.0.newest_version(source).await
    }
}

/// An engine alone: what it holds after all events of a kind, as resident memory.
fn fold() {
    let config = config();
    let kind = Kind::HELD.into_iter().find(|kind| kind.topic() == config.kafka.topic).expect("a kind");
    let mut engine = Engine::new(config.rules, "bench/0".into(), 0);
    let before = resident_bytes();
    for (offset, (_, line)) in (0..).zip(kind.events(kind.count())) {
        let record = Record { offset, payload: Some(&line), ..Record::default() };
        engine.observe(&record, parse(&record));
    }
    println!("events {}\nheld {}", engine.next(), resident_bytes() - before);
}

/// Watches all loops of a worker: starts the clock when reading begins, and says when everything is read.
struct Watch {
    clock: OnceLock<Stopwatch>,
    ends: Vec<Offset>,
    reached: Mutex<BTreeSet<Partition>>,
    /// Rows that left, without those of `progress`.
    rows: AtomicUsize,
    all_read: tokio::sync::watch::Sender<bool>,
    /// The most memory until then: the states that are published at the end are not in it.
    peak: OnceLock<f64>,
}

impl Observer for Watch {
    fn notice(&self, notice: Notice<'_>) {
        if let Notice::Started { .. } = notice {
            self.clock.get_or_init(Stopwatch::start);
        } else if let Notice::Flushed { batch, .. } = notice {
            self.rows.fetch_add(batch.rows.len() - batch.rows.progress.len(), Ordering::Relaxed);
        } else if let Notice::Moved(position) = notice {
            let end = usize::try_from(position.partition.0).ok().and_then(|at| self.ends.get(at));
            if end.is_some_and(|&end| position.next >= end) {
                let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
                reached.insert(position.partition);
                if reached.len() == self.ends.len() {
                    self.peak.get_or_init(peak_bytes);
                    self.all_read.send_replace(true);
                }
            }
        }
    }
}

/// The production loops, each on a thread of its own as the service runs them, until the last rows, checkpoints and offsets
/// of all are away.
fn work<K: Sink>(sink: impl Fn(&Config) -> K + Sync) {
    let config = config();
    let folder = tempfile::tempdir().expect("a folder");
    let place = Checkpoint { url: folder.path().display().to_string(), ..config.checkpoint.clone() };
    let ends = ends();
    let events = ends.iter().sum();
    let watch = Watch {
        clock: OnceLock::new(),
        ends,
        reached: Mutex::default(),
        rows: AtomicUsize::new(0),
        all_read: tokio::sync::watch::channel(false).0,
        peak: OnceLock::new(),
    };
    let tokens = tokens(&config.kafka);
    let run = |number: usize| {
        let seams = Seams {
            source: KafkaSource::connect(&config.kafka, &tokens, &config.worker.log, config.rules.epoch, number)
                .expect("a source"),
            sink: sink(&config),
            checkpoints: CheckpointStore::open(&place, config.rules.epoch).expect("a place"),
        };
        let mut all_read = watch.all_read.subscribe();
        let shutdown = async move {
            let read = tokio::time::timeout(PATIENCE_FOR_ALL, all_read.wait_for(|read| *read)).await;
            read.expect("everything is read in time").expect("somebody reads");
        };
        let settings = Settings::of(&config, number as u64);
        runtime().block_on(worker::run(seams, &settings, &watch, shutdown)).expect("the worker ends well");
    };
    std::thread::scope(|scope| {
        for number in 0..said(THREADS).parse().expect("a number") {
            let run = &run;
            scope.spawn(move || run(number));
        }
    });
    report(events, watch.clock.get().expect("partitions were read"));
    let peak = watch.peak.get().expect("everything was read");
    println!("rows {}\npeak {peak}", watch.rows.load(Ordering::Relaxed));
}
