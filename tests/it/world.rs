//! What tests of the whole service stand on: a log, a store, a folder with a configuration, and workers around them.
//!
//! The same world runs on the embedded broker and on Apache Kafka. Nothing here judges.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use grapevine::embedded::broker::{Consumed, Follower, Message, MockBroker, Publisher};
use grapevine::event::{Body, parse};
use grapevine::record::Record;
use serde_json::Value;
use tempfile::TempDir;

use crate::apache_kafka::ApacheKafka;
pub(crate) use crate::apache_kafka::broker::process::{PATIENCE, ended, signal, until};
use crate::demo::{grapevine, rows};
use crate::events::{PROGRESS, sums};
use crate::store::Database;
use crate::traces;

/// How long a worker may take to stop in order. Longer than [`PATIENCE`], so that one that waits for it counts as hanging.
const SHUTDOWN_SECONDS: u64 = 1200;

/// Status and body of a GET.
pub(crate) fn get(address: SocketAddr, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: grapevine\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(std::io::ErrorKind::InvalidData)?;
    Ok((status, body.to_owned()))
}

/// How files begin to end in which workers write what their Kafka clients were told and said.
const TRACE: &str = "trace";

/// What workers read.
enum Log {
    /// In this process. It keeps so little that whoever publishes has to follow whoever reads.
    Embedded { consumed: Arc<Consumed>, _follower: Follower, _broker: MockBroker },
    /// A process of its own.
    Apache { _kafka: Arc<ApacheKafka> },
}

/// A log, a database and a folder with a worker's configuration.
pub(crate) struct World {
    pub(crate) database: Database,
    pub(crate) topic: String,
    pub(crate) brokers: String,
    runtime: tokio::runtime::Runtime,
    folder: TempDir,
    publisher: Option<Publisher>,
    log: Log,
    log_changes: bool,
}

impl Drop for World {
    fn drop(&mut self) {
        if !thread::panicking() {
            traces::judge(self.folder.path(), |name| name.contains(TRACE), self.log_changes);
        }
    }
}

impl World {
    /// A world on a broker in this process.
    pub(crate) fn new(partitions: usize, name: &str) -> World {
        World::with(partitions, Database::absent(name))
    }

    pub(crate) fn with(partitions: usize, database: Database) -> World {
        World::on_broker(MockBroker::start().unwrap(), partitions, database)
    }

    /// A world whose group is coordinated by a broker of its own, which leads no partition; the relay it lies behind, and where.
    pub(crate) fn with_coordinator_apart(partitions: usize, name: &str) -> (World, Relay, String) {
        let relay = Relay::start();
        let (broker, coordinator) = MockBroker::start_with_coordinator_apart("events-epoch-0", relay.port()).unwrap();
        relay.point_to(Some(&coordinator));
        (World::on_broker(broker, partitions, Database::absent(name)).migrate(), relay, coordinator)
    }

    /// The log is cut, or becomes another one: whatever comes of it may have come.
    pub(crate) fn whose_log_changes(mut self) -> World {
        self.log_changes = true;
        self
    }

    fn on_broker(broker: MockBroker, partitions: usize, database: Database) -> World {
        broker.create_topic("events", partitions).unwrap();
        let brokers = broker.bootstrap_servers().to_owned();
        let consumed = Consumed::new(partitions);
        let follower = consumed.follow(&brokers, "events-epoch-0", "events").unwrap();
        let log = Log::Embedded { consumed, _follower: follower, _broker: broker };
        World::around(log, brokers, "events", database)
    }

    /// The same with the tables made.
    pub(crate) fn migrated(partitions: usize, name: &str) -> World {
        World::new(partitions, name).migrate()
    }

    /// A world on a topic of its own on Apache Kafka, with the tables made.
    pub(crate) fn on(kafka: &Arc<ApacheKafka>, partitions: usize, database: Database) -> World {
        let topic = database.config.database.clone();
        kafka.create_topic(&topic, partitions);
        World::around(Log::Apache { _kafka: Arc::clone(kafka) }, kafka.brokers(), &topic, database).migrate()
    }

    fn around(log: Log, brokers: String, topic: &str, database: Database) -> World {
        let folder = tempfile::tempdir().unwrap();
        let patience = PATIENCE.as_secs();
        // The embedded broker looks only once more for what comes, when the wait is over; a real one answers at once.
        let fetch_wait = if matches!(log, Log::Embedded { .. }) { 10 } else { 200 };
        // Every world has a group of its own, and the same name for its log: rows of two worlds can be compared. What waits for
        // an answer waits long; who is cut off hears of it at once.
        let config = format!(
            "[worker]\nlog = \"events\"\nshutdown_deadline_seconds = {SHUTDOWN_SECONDS}\n\
             [kafka]\nbrokers = \"{brokers}\"\ntopic = \"{topic}\"\ngroup = \"{topic}\"\nsession_timeout_ms = 1500\n\
             heartbeat_interval_ms = 200\nfetch_wait_ms = {fetch_wait}\nstatistics_interval_ms = 200\n\
             [clickhouse]\nurls = \"{}\"\nlayout = \"{}\"\ncluster = \"{}\"\ndatabase = \"{}\"\nbackoff_max_ms = 500\n\
             send_timeout_seconds = {patience}\nend_timeout_seconds = {patience}\n\
             [flush]\nrows_max = 5000\nmax_interval_seconds = 1\n\
             [checkpoint]\nurl = \"{}\"\ninterval_seconds = 1\n\
             [admin]\naddress = \"127.0.0.1:0\"\nstalled_after_seconds = {patience}\n[log]\nformat = \"json\"\n",
            database.config.urls.join(","),
            database.config.layout.name(),
            database.config.layout.cluster().unwrap_or_default(),
            database.config.database,
            folder.path().join("checkpoints").display(),
        );
        std::fs::write(folder.path().join("worker.toml"), config).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let topic = topic.to_owned();
        World { database, topic, brokers, runtime, folder, publisher: None, log, log_changes: false }
    }

    pub(crate) fn migrate(self) -> World {
        self.runtime.block_on(self.database.migrate());
        self
    }

    /// The program with the world's configuration.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = grapevine();
        command.arg(name).arg("--config");
        self.configured(command)
    }

    /// A program that takes the world's configuration as its next argument.
    pub(crate) fn configured(&self, mut program: Command) -> Command {
        program.arg(self.folder.path().join("worker.toml"));
        program.env("GRAPEVINE_RULES_PSEUDONYM_KEY", "a key for tests only");
        program
    }

    /// Starts a worker and waits until its admin server listens.
    pub(crate) fn start(&self, environment: &[(&str, &str)]) -> Worker {
        let mut command = self.command("run");
        command.envs(environment.iter().copied()).env("GRAPEVINE_READER_TRACE", self.new_trace());
        self.start_program(command)
    }

    /// A file for what a worker's reader was told and said, which is judged when all is over.
    fn new_trace(&self) -> PathBuf {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        self.folder.path().join(format!("{TRACE}-{}", STARTED.fetch_add(1, Ordering::Relaxed)))
    }

    /// The same with a worker that is built apart.
    pub(crate) fn start_program(&self, mut command: Command) -> Worker {
        let log = tempfile::NamedTempFile::new_in(self.folder.path()).unwrap();
        command.stderr(log.reopen().unwrap());
        let mut worker = Worker { child: command.spawn().unwrap(), log, admin: SocketAddr::from(([127, 0, 0, 1], 0)) };
        worker.admin = until("the admin server listens", || {
            let status = worker.child.try_wait().unwrap();
            assert!(status.is_none(), "{status:?}: {}", worker.log());
            let log = worker.log();
            let line = log.lines().find(|line| line.contains("admin server listens")).ok_or_else(|| log.clone())?;
            let line: Value = serde_json::from_str(line).map_err(|_| log.clone())?;
            line["fields"]["address"].as_str().or(line["address"].as_str()).and_then(|text| text.parse().ok()).ok_or(log)
        });
        worker
    }

    /// Starts a worker that must end by itself, and says how it did.
    pub(crate) fn refused(&self, environment: &[(&str, &str)]) -> String {
        let mut command = self.command("run");
        let mut child = command.envs(environment.iter().copied()).stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = child.stderr.take().unwrap();
        let reader = thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).map(|_| text)
        });
        let status = ended(&mut child, "a worker that must refuse");
        let errors = reader.join().unwrap().unwrap();
        assert_eq!(status.code(), Some(1), "{errors}");
        final_words(&errors)
    }

    /// Whoever publishes into the topic; the same one all the time, so that offsets are the same in every run.
    fn publisher(&mut self) -> &mut Publisher {
        let consumed = match &self.log {
            Log::Embedded { consumed, .. } => Some(Arc::clone(consumed)),
            Log::Apache { .. } => None,
        };
        self.publisher.get_or_insert_with(|| Publisher::new(&self.brokers, &[], &self.topic, consumed).unwrap())
    }

    /// From now on another publisher, which knows the topic as it is now.
    pub(crate) fn forget_publisher(&mut self) {
        self.publisher = None;
    }

    /// Publishes lines and waits until the broker has them. Fails if nobody reads for long.
    pub(crate) fn publish(&mut self, lines: &[Vec<u8>]) {
        let (done, finished) = mpsc::channel::<()>();
        let consumed = match &self.log {
            Log::Embedded { consumed, .. } => Some(Arc::clone(consumed)),
            Log::Apache { .. } => None,
        };
        let watchdog = thread::spawn(move || {
            if finished.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout)
                && let Some(consumed) = consumed
            {
                consumed.stop();
            }
        });
        publish(self.publisher(), lines);
        self.publisher().flush().unwrap();
        drop(done);
        watchdog.join().unwrap();
    }

    /// Publishes lines in the background, a little at a time and only as many as are let go, until it is finished.
    pub(crate) fn load(&mut self, lines: &[Vec<u8>]) -> Load {
        self.publisher();
        let (mut publisher, lines) = (self.publisher.take().unwrap(), lines.to_vec());
        let (release, released) = mpsc::channel::<usize>();
        let count = lines.len();
        let publishing = thread::spawn(move || {
            let (mut rest, mut allowed) = (lines.as_slice(), 0_usize);
            while !rest.is_empty() {
                match released.recv_timeout(PACE) {
                    Ok(more) => allowed = allowed.saturating_add(more),
                    Err(mpsc::RecvTimeoutError::Timeout) => {}
                    // Nobody holds it back any more.
                    Err(mpsc::RecvTimeoutError::Disconnected) => allowed = usize::MAX,
                }
                let (slice, others) = rest.split_at(rest.len().min(SLICE).min(allowed));
                publish(&mut publisher, slice);
                allowed -= slice.len();
                rest = others;
            }
            publisher.flush().unwrap();
            publisher
        });
        Load { publishing, release, count, held_back: count }
    }

    /// Waits until all of a load is published.
    pub(crate) fn finish(&mut self, load: Load) {
        let Load { publishing, release, .. } = load;
        drop(release);
        self.publisher = Some(publishing.join().unwrap());
    }

    pub(crate) fn ask(&self, question: &str) -> Vec<Value> {
        self.try_to_ask(question).unwrap_or_else(|error| panic!("{question}: {error}"))
    }

    pub(crate) fn try_to_ask(&self, question: &str) -> Result<Vec<Value>, clickhouse::error::Error> {
        let answer = async { self.database.client.query_raw(question).fetch_bytes("JSONEachRow")?.collect().await };
        Ok(rows(&String::from_utf8_lossy(&self.runtime.block_on(answer)?)))
    }

    /// Runs a statement that does no harm if it is run twice. A store that has just come back may still refuse a
    /// connection that the client kept.
    pub(crate) fn run(&self, statement: &str) {
        let run = || self.runtime.block_on(self.database.client.query_raw(statement).execute());
        until(statement, || run().map_err(|error| error.to_string()));
    }

    /// Runs a statement that is about whole databases.
    pub(crate) fn elsewhere(&self, statement: &str) {
        let client = self.database.client.clone().with_database("system");
        self.runtime.block_on(client.query_raw(statement).execute()).map_err(|error| format!("{statement}: {error}")).unwrap();
    }

    /// Takes every row out of every table.
    pub(crate) fn empty(&self) {
        self.runtime.block_on(self.database.empty());
    }

    /// Read, accepted, duplicates, rejected: what the store says.
    pub(crate) fn counts(&self) -> [u64; 4] {
        sums(&self.ask(PROGRESS))
    }

    pub(crate) fn wait_for(&self, total: usize) {
        until("everything is in the store", || {
            // A store that has just come back may still refuse a connection that the client kept.
            let counts = self.try_to_ask(PROGRESS).map(|rows| sums(&rows)).map_err(|error| error.to_string())?;
            if counts[0] == total as u64 { Ok(()) } else { Err(format!("{counts:?}")) }
        });
        if let (Log::Embedded { .. }, Some(publisher)) = (&self.log, &self.publisher) {
            publisher.nothing_dropped().unwrap();
        }
    }

    /// Everything that the tables hold, as one number a table.
    pub(crate) fn content(&self) -> Vec<Value> {
        // When progress was written, and where the log ended by then, is all that may differ: the same row may be written again.
        let columns = |table: &str| if table == "progress" { "* EXCEPT (log_end, written)" } else { "*" };
        let of = |table: &str| {
            let columns = columns(table);
            format!(
                "SELECT '{table}' AS name, count() AS n, sum(cityHash64({columns})) AS content FROM {table} FINAL WHERE epoch != 65535"
            )
        };
        self.ask(&format!("SELECT * FROM ({}) ORDER BY name", ROWS.map(|(table, ..)| of(table)).join(" UNION ALL ")))
    }

    /// Every row by its table and key, as a number that tells whether it is another one. Versions of lives, and when something was
    /// received or written, are left out: they are what two runs over the same log may differ in. What a click knew of the way to its
    /// target stands apart: where it was written again that may be another one.
    pub(crate) fn every_row(&self) -> BTreeMap<String, String> {
        let marked = |mark: &str, (name, table, key, columns): (&str, &str, &str, &str)| {
            format!(
                "SELECT {} AS name, concat({mark}, toString(cityHash64(toString(tuple({columns}))))) AS content \
                 FROM {table} FINAL WHERE epoch != 65535",
                named(name, key)
            )
        };
        let of = |row: (&str, &str, &str, &str)| marked("''", row);
        let of_record = format!("* EXCEPT ({WAY})");
        let facts = FACTS.map(|table| of((table, table, FACT, "*")));
        let click = of(("click", "click", FACT, &of_record));
        let tables = ROWS.map(|(table, key, except)| of((table, table, key, &format!("* EXCEPT ({except})"))));
        let way = marked(&format!("if(depth = 0, '{AT_THE_POST}', '')"), (WAY_OF_CLICK, "click", FACT, WAY));
        let all: Vec<String> = tables.into_iter().chain(facts).chain([click, way]).collect();
        let rows = self.ask(&all.join(" UNION ALL "));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let named: BTreeMap<_, _> = rows.iter().map(|row| (text(&row["name"]), text(&row["content"]))).collect();
        assert_eq!(named.len(), rows.len(), "two rows have one name");
        named
    }

    /// The same, but for what clicks knew of the way to their targets.
    pub(crate) fn every_row_but_ways(&self) -> BTreeMap<String, String> {
        let mut rows = self.every_row();
        rows.retain(|name, _| name.split(' ').next() != Some(WAY_OF_CLICK));
        rows
    }

    /// Where its configuration is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.folder.path().join("checkpoints")
    }
}

/// The tables of lives, and what tells how far they are: their names, keys, and columns that are not compared.
const ROWS: [(&str, &str, &str); 6] = [
    ("root", "source, root, opened", "version"),
    ("activity_window", "source, root, opened, window_start", "version"),
    ("cascade", "source, root, opened", "version"),
    ("thread", "source, root, opened", "version"),
    ("rejects", "source, offset", "version, received"),
    ("progress", "source", "log_end, written"),
];

/// The tables of facts but that of clicks, and the key of all: the offset of its record is part of a fact's name.
const FACTS: [&str; 5] = ["visit", "conversion", "cost", "assignment", "report"];
const FACT: &str = "source, bitNot(version), id, epoch";

/// What a click knew of the way to its target when it was read, and how that is called among all rows.
const WAY: &str = "target_kind, target_time, target_inferred, path, path_actors, path_is_brand, depth, path_inferred, \
                   brand, campaign, channel, platform, community";
pub(crate) const WAY_OF_CLICK: &str = "way_of_click";
/// How what is compared of it begins where there is none: the click was on the post itself, or on nobody knows what.
pub(crate) const AT_THE_POST: &str = "at the post ";

/// How a row is called, as an expression: what it is of, and its key.
fn named(of: &str, key: &str) -> String {
    format!("concat('{of} ', toString(tuple({key})))")
}

/// How what a click knew of its way is called, as an expression over `click`.
pub(crate) fn way_of_click() -> String {
    named(WAY_OF_CLICK, FACT)
}

/// How long a load waits between two of its slices, and how many lines a slice has at most.
const PACE: Duration = Duration::from_millis(20);
const SLICE: usize = 100;

/// Lines that are published in the background.
pub(crate) struct Load {
    publishing: thread::JoinHandle<Publisher>,
    release: mpsc::Sender<usize>,
    count: usize,
    held_back: usize,
}

impl Load {
    /// Lets one of so many parts go.
    pub(crate) fn release_one_of(&mut self, parts: usize) {
        self.release(self.count / parts);
    }

    /// Lets one of so many parts of what is still held back go, and at least one line.
    pub(crate) fn release_of_the_rest(&mut self, parts: usize) {
        assert!(self.held_back > 0, "everything is published");
        self.release((self.held_back / parts).max(1));
    }

    fn release(&mut self, lines: usize) {
        self.held_back = self.held_back.saturating_sub(lines);
        // Nobody listens any more when everything is published.
        self.release.send(lines).ok();
    }
}

fn publish(publisher: &mut Publisher, lines: &[Vec<u8>]) {
    for line in lines {
        let key = key(line);
        let message = Message { key: key.as_deref().map(str::as_bytes), payload: Some(line), ..Message::default() };
        publisher.publish(message).expect("somebody reads");
    }
}

/// The key that producers give: the root, or nothing for what is no event.
pub(crate) fn key(line: &[u8]) -> Option<String> {
    let record = Record { payload: Some(line), ..Record::default() };
    let event = parse(&record).ok()?;
    let root = if matches!(event.body, Body::Post(_)) { None } else { event.root() };
    Some(root.map_or_else(|| event.id.clone().into_owned(), str::to_owned))
}

/// What main says, after the log.
fn final_words(errors: &str) -> String {
    errors.lines().find_map(|line| line.strip_prefix("grapevine: ")).unwrap_or_else(|| panic!("{errors}")).to_owned()
}

/// One `grapevine run`.
pub(crate) struct Worker {
    child: Child,
    log: tempfile::NamedTempFile,
    pub(crate) admin: SocketAddr,
}

impl Worker {
    pub(crate) fn process(&self) -> &Child {
        &self.child
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        get(self.admin, path).unwrap_or_else(|error| panic!("{path}: {error}: {}", self.log()))
    }

    pub(crate) fn wait_until_ready(&self) {
        until("the worker is ready", || match self.get("/readyz") {
            (200, _) => Ok(()),
            (_, reasons) => Err(reasons),
        });
    }

    /// Waits until the worker says that it is not ready for a reason that holds this.
    pub(crate) fn wait_until_unready(&self, reason: &str) {
        until("the worker says what keeps it from its work", || match self.get("/readyz") {
            (503, reasons) if reasons.contains(reason) => Ok(()),
            other => Err((other, self.log())),
        });
    }

    /// Asks it to stop, which it must do in order.
    pub(crate) fn stop(self) {
        let (code, log) = self.stopped();
        assert!(code == Some(0) && log.contains("stopped"), "{code:?}: {log}");
    }

    /// Asks it to stop; its exit code, and its log.
    pub(crate) fn stopped(mut self) -> (Option<i32>, String) {
        signal(&self.child, "TERM");
        let status = ended(&mut self.child, "a worker that was asked to stop");
        (status.code(), self.log())
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends by itself because somebody must act, and says what it said.
    pub(crate) fn gave_up(mut self) -> String {
        let status = ended(&mut self.child, "a worker that must give up");
        assert_eq!(status.code(), Some(1), "{}", self.log());
        final_words(&self.log())
    }

    /// The sum of the series of a metric that have this in their labels.
    pub(crate) fn metric(&self, name: &str, label: &str) -> f64 {
        let (_, page) = self.get("/metrics");
        sum_of(&page, name, label)
    }

    /// The same; nothing if it has ended.
    pub(crate) fn metric_if_alive(&self, name: &str, label: &str) -> Option<f64> {
        get(self.admin, "/metrics").ok().map(|(_, page)| sum_of(&page, name, label))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It has ended already, unless the test is failing.
        self.child.kill().ok();
        self.child.wait().ok();
        if thread::panicking() {
            eprintln!("a worker's log:\n{}", self.log());
        }
    }
}

pub(crate) fn sum_of(page: &str, name: &str, label: &str) -> f64 {
    let of_metric = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
    let series = page.lines().filter(of_metric).filter(|line| line.contains(label));
    series.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

/// Whether a folder holds a checkpoint, however deep.
pub(crate) fn has_checkpoint(folder: &Path) -> bool {
    !files_in(folder).is_empty()
}

/// The checkpoints in a folder, however deep; the oldest of each source first.
pub(crate) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files_in(&path));
        } else if path.extension().is_some_and(|end| end == "ckpt") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Hands connections on to wherever the peer is now, a store or a broker; closes them while it is nowhere.
pub(crate) struct Relay {
    address: SocketAddr,
    target: Arc<Mutex<Option<String>>>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    pub(crate) fn start() -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (target, open) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(Vec::new())));
        let (known, opened) = (Arc::clone(&target), Arc::clone(&open));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let target: Option<String> = known.lock().unwrap().clone();
                let Some(Ok(peer)) = target.map(TcpStream::connect) else { continue };
                opened.lock().unwrap().push(peer.try_clone().unwrap());
                for (from, to) in [(client.try_clone(), peer.try_clone()), (peer.try_clone(), client.try_clone())] {
                    let (mut from, mut to) = (from.unwrap(), to.unwrap());
                    thread::spawn(move || {
                        std::io::copy(&mut from, &mut to).ok();
                        to.shutdown(Shutdown::Both).ok();
                    });
                }
            }
        });
        Relay { address, target, open }
    }

    pub(crate) fn point_to(&self, url: Option<&str>) {
        *self.target.lock().unwrap() = url.map(|url| url.trim_start_matches("http://").to_owned());
    }

    /// Cuts every connection, whatever is on its way.
    pub(crate) fn cut(&self) {
        for peer in self.open.lock().unwrap().drain(..) {
            // It may have ended by itself.
            peer.shutdown(Shutdown::Both).ok();
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
