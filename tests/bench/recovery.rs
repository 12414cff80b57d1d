//! What a `kill -9` costs: how long the next worker takes to the end of the log, and how fast it reads meanwhile.
//!
//! The worker is the program itself, on the embedded broker and the embedded ClickHouse, which is also asked how far the
//! rows are. What a group takes to give a dead member's partitions away is its session timeout, and said apart.

#![expect(clippy::panic, reason = "a benchmark that cannot measure says why and ends")]

mod input;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clickhouse::Client;
use grapevine::clickhouse::rows_database;
use grapevine::embedded::broker::{Message, MockBroker, Publisher};
use grapevine::embedded::clickhouse::EmbeddedClickHouse;
use tempfile::TempDir;

use input::{FILES, lines, renamed};

const TOPIC: &str = "bench";
const PARTITIONS: usize = 12;
/// Times the files are published, under other ids: about what the broker keeps.
const COPIES: usize = 3;
const RUNS: usize = 3;

/// How far a worker has come when it is killed.
const KILLED_AT: f64 = 0.7;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(300);

const PROGRAM: &str = env!("CARGO_BIN_EXE_grapevine");

/// The log and the store, and how much was published.
struct World {
    broker: MockBroker,
    store: EmbeddedClickHouse,
    runtime: tokio::runtime::Runtime,
    events: u64,
    _data: TempDir,
}

/// A database, a group and a place for checkpoints that no run has used before.
struct Place {
    name: String,
    folder: TempDir,
    client: Client,
}

/// One process, and when it said that its first partition is read.
struct Worker {
    child: Child,
    started: Instant,
    reading: mpsc::Receiver<Instant>,
}

impl World {
    fn new() -> World {
        let data = tempfile::tempdir().expect("a folder");
        let store = EmbeddedClickHouse::start(Path::new(PROGRAM), data.path()).expect("libchdb: `make setup`");
        let broker = MockBroker::start().expect("a broker");
        broker.create_topic(TOPIC, PARTITIONS).expect("a topic");
        let mut publisher = Publisher::new(broker.bootstrap_servers(), &[], TOPIC, None).expect("a producer");
        let mut events = 0;
        for (copy, file) in (0..COPIES).flat_map(|copy| FILES.map(|file| (copy, file))) {
            for line in lines(file) {
                let (key, line) = renamed(&line, copy, 0);
                let message = Message { key: Some(key.as_bytes()), payload: Some(&line), ..Message::default() };
                publisher.publish(message).expect("the broker takes it");
                events += 1;
            }
        }
        publisher.flush().expect("the broker takes everything");
        publisher.nothing_dropped().expect("fewer copies: the broker dropped some");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        World { broker, store, runtime, events, _data: data }
    }

    fn place(&self, name: String) -> Place {
        let client = Client::default().with_url(self.store.url()).with_database(rows_database(&name));
        let place = Place { name, folder: tempfile::tempdir().expect("a folder"), client };
        assert!(self.command("migrate", &place).stdout(Stdio::null()).status().expect("a program").success());
        place
    }

    fn command(&self, name: &str, place: &Place) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .arg(name)
            .env("GRAPEVINE_KAFKA_BROKERS", self.broker.bootstrap_servers())
            .env("GRAPEVINE_KAFKA_TOPIC", TOPIC)
            .env("GRAPEVINE_KAFKA_GROUP", &place.name)
            .env("GRAPEVINE_KAFKA_SESSION_TIMEOUT_MS", "1500")
            .env("GRAPEVINE_KAFKA_HEARTBEAT_INTERVAL_MS", "200")
            .env("GRAPEVINE_KAFKA_FETCH_WAIT_MS", "10")
            .env("GRAPEVINE_CLICKHOUSE_URLS", self.store.url())
            .env("GRAPEVINE_CLICKHOUSE_DATABASE", &place.name)
            .env("GRAPEVINE_CHECKPOINT_URL", place.folder.path())
            // The run is short: with the default no checkpoint would be due before it ends.
            .env("GRAPEVINE_CHECKPOINT_INTERVAL_SECONDS", "1")
            .env("GRAPEVINE_ADMIN_ADDRESS", "127.0.0.1:0")
            .env("GRAPEVINE_RULES_PSEUDONYM_KEY", "a key of a benchmark");
        command
    }

    fn start(&self, place: &Place) -> Worker {
        let (say, reading) = mpsc::channel();
        let mut command = self.command("run", place);
        let started = Instant::now();
        let mut child = command.stderr(Stdio::piped()).spawn().expect("a worker");
        let log = BufReader::new(child.stderr.take().expect("it was piped"));
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if line.contains("started source=") || line.contains("\"message\":\"started\"") {
                    // Nobody listens any more after the first.
                    say.send(Instant::now()).ok();
                }
            }
        });
        Worker { child, started, reading }
    }

    /// Waits until the rows cover so many events; gives how many they cover then.
    fn wait_for(&self, place: &Place, events: u64) -> u64 {
        let late = Instant::now() + PATIENCE;
        loop {
            let asked = place.client.query_raw("SELECT sum(read) FROM progress FINAL").fetch_one::<u64>();
            let read = self.runtime.block_on(asked).expect("the store answers");
            if read >= events {
                return read;
            }
            assert!(Instant::now() < late, "only {read} events of {events} were read in time");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Place {
    /// Events below the newest checkpoints: what a restart does not read again.
    fn published(&self) -> u64 {
        newest_in(self.folder.path()).into_iter().sum()
    }
}

/// The `next` of the newest checkpoint in each folder below.
fn newest_in(folder: &Path) -> Vec<u64> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let next = |file: &PathBuf| file.file_name()?.to_str()?.strip_suffix(".ckpt")?.split_once('-')?.0.parse().ok();
    files.iter().filter_map(next).max().into_iter().chain(folders.iter().flat_map(|folder| newest_in(folder))).collect()
}

impl Worker {
    /// From when on it read.
    fn reading(&self) -> Instant {
        self.reading.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no partition was read"))
    }

    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }
}

#[expect(clippy::cast_precision_loss, reason = "events are far fewer than 2^53")]
fn main() {
    let world = World::new();
    let thousands = |events: u64, seconds: f64| events as f64 / seconds / 1e3;
    println!("# recovery: {} events in {PARTITIONS} partitions, killed at {KILLED_AT}, {RUNS} runs", world.events);
    for run in 0..RUNS {
        let place = world.place(format!("whole_{run}"));
        let worker = world.start(&place);
        world.wait_for(&place, world.events);
        let seconds = worker.reading().elapsed().as_secs_f64();
        worker.kill();
        let first = thousands(world.events, seconds);

        let place = world.place(format!("killed_{run}"));
        let worker = world.start(&place);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
        let read = world.wait_for(&place, (world.events as f64 * KILLED_AT) as u64);
        worker.kill();
        let (kept, worker) = (place.published(), world.start(&place));
        let reading = worker.reading();
        world.wait_for(&place, world.events);
        let (waited, again) = (reading - worker.started, reading.elapsed().as_secs_f64());
        println!(
            "first run {first:.0} k events/s; killed at {read}, {kept} of them in checkpoints; caught up after {:.2} s, of which \
             {:.2} s until it had partitions; {:.0} k events/s since then: {:.2} x the first run",
            waited.as_secs_f64() + again,
            waited.as_secs_f64(),
            thousands(world.events - kept, again),
            thousands(world.events - kept, again) / first,
        );
        worker.kill();
    }
}
