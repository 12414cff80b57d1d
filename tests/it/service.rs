//! `grapevine run` as a process: stopped, killed, joined by others, cut off from its store, and asked how it is.
//!
//! The broker lives in the test's process, so that it survives every worker.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use grapevine::embedded::broker::{Consumed, Follower, Message, MockBroker, Publisher};
use grapevine::event::{Body, parse};
use grapevine::record::Record;
use serde_json::Value;
use tempfile::TempDir;

use crate::demo::{grapevine, rows, succeeded};
use crate::real_events::{CASCADES, Data, PROGRESS, THREADS, edge_counts, sums};
use crate::store::{Database, start};

/// How long anything here may take before it counts as not happening.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The test's own topic; also the first half of its sources' names.
const TOPIC: &str = "events";

/// Asks again and again until there is an answer; fails with what was seen last.
pub(crate) fn until<T, S: std::fmt::Debug>(what: &str, mut ask: impl FnMut() -> Result<T, S>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(seen) if Instant::now() > deadline => panic!("{what}: not within {PATIENCE:?}; seen last: {seen:?}"),
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Waits for the end of a process; one that does not end is killed, and the test fails.
pub(crate) fn ended(child: &mut Child, what: &str) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("{what} did not end within {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Sends a signal by its name.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success(), "could not send SIG{name}");
}

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

/// A broker, a database and a folder with a worker's configuration.
pub(crate) struct World {
    pub(crate) database: Database,
    pub(crate) topic: String,
    pub(crate) brokers: String,
    runtime: tokio::runtime::Runtime,
    folder: TempDir,
    consumed: Arc<Consumed>,
    publisher: Option<Publisher>,
    _follower: Follower,
    _broker: MockBroker,
}

impl World {
    pub(crate) fn new(partitions: usize, name: &str) -> World {
        World::with(partitions, Database::absent(name))
    }

    pub(crate) fn with(partitions: usize, database: Database) -> World {
        let broker = MockBroker::start().unwrap();
        broker.create_topic(TOPIC, partitions).unwrap();
        let brokers = broker.bootstrap_servers();
        let consumed = Consumed::new(partitions);
        let follower = consumed.follow(brokers, "readers-epoch-0", TOPIC).unwrap();
        let publisher = Publisher::new(brokers, &[], TOPIC, Some(Arc::clone(&consumed))).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "[kafka]\nbrokers = \"{brokers}\"\ntopic = \"{TOPIC}\"\ngroup = \"readers\"\nsession_timeout_ms = 1500\n\
             heartbeat_interval_ms = 200\nfetch_wait_ms = 10\nstatistics_interval_ms = 200\n\
             [clickhouse]\nurl = \"{}\"\ndatabase = \"{}\"\nbackoff_max_ms = 500\n\
             [flush]\nrows_max = 5000\nmax_interval_seconds = 1\n\
             [checkpoint]\nurl = \"{}\"\ninterval_seconds = 1\n\
             [admin]\naddress = \"127.0.0.1:0\"\n[log]\nformat = \"json\"\n",
            database.config.url,
            database.config.database,
            folder.path().join("checkpoints").display(),
        );
        std::fs::write(folder.path().join("worker.toml"), config).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        World {
            database,
            topic: TOPIC.to_owned(),
            brokers: brokers.to_owned(),
            runtime,
            folder,
            consumed,
            publisher: Some(publisher),
            _follower: follower,
            _broker: broker,
        }
    }

    pub(crate) fn migrated(partitions: usize, name: &str) -> World {
        let world = World::new(partitions, name);
        succeeded(world.command("migrate").output().unwrap());
        world
    }

    /// The program with the world's configuration.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = grapevine();
        command.arg(name).arg("--config").arg(self.folder.path().join("worker.toml"));
        command.env("GRAPEVINE_RULES_PSEUDONYM_KEY", "a key for tests only");
        command
    }

    /// Starts a worker and waits until its admin server listens.
    pub(crate) fn start(&self, environment: &[(&str, &str)]) -> Worker {
        let log = tempfile::NamedTempFile::new_in(self.folder.path()).unwrap();
        let mut command = self.command("run");
        command.envs(environment.iter().copied()).stderr(log.reopen().unwrap());
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
        // What main says, after the log.
        errors.lines().find_map(|line| line.strip_prefix("grapevine: ")).unwrap_or_else(|| panic!("{errors}")).to_owned()
    }

    /// Publishes lines and waits until the broker has them. Fails if nobody reads for long.
    pub(crate) fn publish(&mut self, lines: &[Vec<u8>]) {
        let (done, finished) = mpsc::channel::<()>();
        let consumed = Arc::clone(&self.consumed);
        let watchdog = thread::spawn(move || {
            if finished.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                consumed.stop();
            }
        });
        let publisher = self.publisher.as_mut().unwrap();
        for line in lines {
            let key = key(line);
            let message = Message { key: key.as_deref().map(str::as_bytes), payload: Some(line), ..Message::default() };
            publisher.publish(message).expect("somebody reads");
        }
        publisher.flush().unwrap();
        drop(done);
        watchdog.join().unwrap();
    }

    pub(crate) fn ask(&self, question: &str) -> Vec<Value> {
        self.try_to_ask(question).unwrap_or_else(|error| panic!("{question}: {error}"))
    }

    pub(crate) fn try_to_ask(&self, question: &str) -> Result<Vec<Value>, clickhouse::error::Error> {
        let answer = async { self.database.client.query_raw(question).fetch_bytes("JSONEachRow")?.collect().await };
        Ok(rows(&String::from_utf8_lossy(&self.runtime.block_on(answer)?)))
    }

    /// Runs a statement.
    pub(crate) fn run(&self, statement: &str) {
        self.runtime.block_on(self.database.run(statement));
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
        self.publisher.as_ref().unwrap().nothing_dropped().unwrap();
    }

    /// Everything that the tables hold, as one number a table.
    pub(crate) fn content(&self) -> Vec<Value> {
        let of =
            |table: &str| format!("SELECT '{table}' AS name, count() AS n, sum(cityHash64(*)) AS content FROM {table} FINAL");
        let tables = ["activity_window", "cascade", "thread", "rejects", "progress"];
        self.ask(&format!("SELECT * FROM ({}) ORDER BY name", tables.map(of).join(" UNION ALL ")))
    }

    pub(crate) fn checkpoints(&self) -> std::path::PathBuf {
        self.folder.path().join("checkpoints")
    }
}

/// The key that producers give: the root, or nothing for what is no event.
fn key(line: &[u8]) -> Option<String> {
    let record = Record { payload: Some(line), ..Record::default() };
    let event = parse(&record).ok()?;
    let root = if matches!(event.body, Body::Post(_)) { None } else { event.root() };
    Some(root.map_or_else(|| event.id.clone().into_owned(), str::to_owned))
}

/// One `grapevine run`.
pub(crate) struct Worker {
    child: Child,
    log: tempfile::NamedTempFile,
    admin: SocketAddr,
}

impl Worker {
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

    /// Asks it to stop, and says how it ended.
    pub(crate) fn stop(mut self) {
        signal(&self.child, "TERM");
        let status = ended(&mut self.child, "a worker that was asked to stop");
        assert_eq!(status.code(), Some(0), "{}", self.log());
        assert!(self.log().contains("stopped"), "{}", self.log());
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The sum of the series of a metric that have this in their labels.
    pub(crate) fn metric(&self, name: &str, label: &str) -> f64 {
        let (_, page) = self.get("/metrics");
        sum_of(&page, name, label)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It has ended already, unless the test is failing.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn sum_of(page: &str, name: &str, label: &str) -> f64 {
    let of_metric = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
    let series = page.lines().filter(of_metric).filter(|line| line.contains(label));
    series.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

fn weibo(lines: usize) -> Vec<Vec<u8>> {
    Data::read("weibo_ced").lines.into_iter().take(lines).collect()
}

fn parts(lines: &[Vec<u8>], count: usize) -> impl Iterator<Item = &[Vec<u8>]> {
    lines.chunks(lines.len().div_ceil(count))
}

#[test]
fn a_worker_stopped_and_killed_in_the_middle_loses_and_doubles_nothing() {
    let data = Data::read("edge_cases");
    let mut world = World::migrated(3, "restarts");
    for (number, part) in parts(&data.lines, 7).enumerate() {
        let worker = world.start(&[]);
        // It stands in the middle of this part when it has to go.
        world.publish(part);
        if number == 3 { worker.kill() } else { worker.stop() }
    }
    let last = world.start(&[]);
    world.wait_for(data.lines.len());
    last.stop();
    data.compare(&world.ask(CASCADES), &world.ask(THREADS));
    assert_eq!(world.counts(), edge_counts(&data, 1));
}

#[test]
fn workers_that_join_under_load_share_the_work_and_change_nothing() {
    let data = Data::read("weibo_ced");
    let mut world = World::migrated(12, "joining");
    let mut workers = Vec::new();
    for (number, part) in parts(&data.lines, 4).enumerate() {
        let threads = if number == 3 { "4" } else { "1" };
        workers.push(world.start(&[("GRAPEVINE_WORKER_THREADS", threads)]));
        world.publish(part);
        workers.last().unwrap().wait_until_ready();
    }
    world.wait_for(data.lines.len());
    for worker in workers {
        assert!(worker.metric("grapevine_rebalances_total", "assigned") > 0.0, "{}", worker.log());
        worker.stop();
    }
    data.compare(&world.ask(CASCADES), &world.ask(THREADS));
    let total = data.lines.len() as u64;
    assert_eq!(world.counts(), [total, total, 0, 0]);
}

#[test]
fn a_worker_says_what_it_waits_for_and_goes_on_by_itself() {
    let world = World::new(2, "probes");
    let worker = world.start(&[]);
    until("the missing schema is named", || match worker.get("/readyz") {
        (503, reasons) if reasons.contains("grapevine migrate") && reasons.contains("kafka") => Ok(()),
        other => Err(other),
    });
    assert_eq!(worker.get("/healthz").0, 200);
    let said = |output: Output| String::from_utf8(succeeded(output).stdout).unwrap();
    let plan = said(world.command("migrate").arg("--plan").output().unwrap());
    assert!(plan.contains("CREATE TABLE"), "{plan}");
    assert_eq!(worker.get("/readyz").0, 503, "a plan changes nothing");
    let applied = said(world.command("migrate").output().unwrap());
    assert!(applied.starts_with("applied 001"), "{applied}");
    assert!(said(world.command("migrate").output().unwrap()).contains("already"));
    assert_eq!(said(world.command("migrate").arg("--plan").output().unwrap()), "");
    worker.wait_until_ready();
    worker.stop();
}

#[test]
fn the_page_of_metrics_is_sound_and_says_the_same_as_sql() {
    let lines: Vec<Vec<u8>> = Data::read("edge_cases").lines.into_iter().take(20_000).collect();
    let mut world = World::migrated(3, "page");
    let worker = world.start(&[]);
    world.publish(&lines);
    world.wait_for(lines.len());
    worker.wait_until_ready();
    // Three partitions are at their end, and the client knows.
    let page = until("no lag", || {
        let (_, page) = worker.get("/metrics");
        let known = page.lines().filter(|line| line.starts_with("grapevine_kafka_consumer_lag{")).count();
        if known == 3 && sum_of(&page, "grapevine_kafka_consumer_lag", "") == 0.0 { Ok(page) } else { Err(page) }
    });
    let outcomes = ["", "outcome=\"accepted\"", "outcome=\"duplicate\"", "outcome=\"rejected\""];
    let [all, accepted, duplicates, rejected] = outcomes.map(|label| sum_of(&page, "grapevine_events_total", label));
    let read = sum_of(&page, "grapevine_records_read_total", "");
    assert_eq!(all.to_bits(), read.to_bits(), "{page}");
    assert_eq!(
        [read, accepted, duplicates, rejected].map(|count| format!("{count}")),
        world.counts().map(|count| format!("{count}"))
    );
    promtool(&page);
    worker.stop();
}

fn promtool(page: &str) {
    let checking = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut checking = checking.expect("promtool is missing: install the package prometheus");
    checking.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = checking.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

#[test]
fn a_worker_without_the_state_or_with_other_rules_refuses_and_overwrites_nothing() {
    let lines = weibo(2000);
    let mut world = World::migrated(2, "refusals");
    let worker = world.start(&[]);
    world.publish(&lines);
    world.wait_for(lines.len());
    worker.stop();
    let before = world.content();

    let other_key = world.refused(&[("GRAPEVINE_RULES_PSEUDONYM_KEY", "another key for tests")]);
    assert!(other_key.contains("pseudonym key") && other_key.contains("raise `epoch`"), "{other_key}");
    let other_window = world.refused(&[("GRAPEVINE_RULES_WINDOW_MINUTES", "30")]);
    assert!(other_window.contains("window") && other_window.contains("raise `epoch`"), "{other_window}");

    std::fs::remove_dir_all(world.checkpoints()).unwrap();
    let lost = world.refused(&[]);
    assert!(lost.contains("there is no sound checkpoint"), "{lost}");
    assert!(lost.contains("two ways on: raise `epoch`") && lost.contains("resume with empty trees"), "{lost}");
    assert_eq!(world.content(), before);
    assert!(!has_checkpoint(&world.checkpoints()), "a refusal leaves no state behind");

    // The first way on.
    let worker = world.start(&[("GRAPEVINE_WORKER_EPOCH", "2")]);
    until("the new epoch is complete", || {
        let read = sums(&world.ask(&PROGRESS.replace("FINAL", "FINAL WHERE epoch = 2")));
        if read == [2000, 2000, 0, 0] { Ok(()) } else { Err(read) }
    });
    worker.stop();
}

fn has_checkpoint(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries
        .into_iter()
        .any(|path| if path.is_dir() { has_checkpoint(&path) } else { path.extension().is_some_and(|end| end == "ckpt") })
}

/// Hands connections on to wherever the store is now; closes them while it is nowhere.
struct Relay {
    address: SocketAddr,
    target: Arc<Mutex<Option<String>>>,
}

impl Relay {
    fn start() -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let target = Arc::new(Mutex::new(None));
        let known = Arc::clone(&target);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let target: Option<String> = known.lock().unwrap().clone();
                let Some(Ok(store)) = target.map(TcpStream::connect) else { continue };
                for (from, to) in [(client.try_clone(), store.try_clone()), (store.try_clone(), client.try_clone())] {
                    let (mut from, mut to) = (from.unwrap(), to.unwrap());
                    thread::spawn(move || {
                        std::io::copy(&mut from, &mut to).ok();
                        to.shutdown(std::net::Shutdown::Both).ok();
                    });
                }
            }
        });
        Relay { address, target }
    }

    fn point_to(&self, url: Option<&str>) {
        *self.target.lock().unwrap() = url.map(|url| url.trim_start_matches("http://").to_owned());
    }
}

#[test]
fn a_store_that_dies_and_comes_back_costs_nothing() {
    let data = Data::read("edge_cases");
    let relay = Relay::start();
    let store_folder = tempfile::tempdir().unwrap();
    let mut store = start(store_folder.path());
    relay.point_to(Some(store.url()));
    let mut world = World::with(3, Database::at(&format!("http://{}", relay.address), "outage"));
    succeeded(world.command("migrate").output().unwrap());
    let worker = world.start(&[]);
    let mut parts = parts(&data.lines, 3);
    let first = parts.next().unwrap();
    world.publish(first);
    worker.wait_until_ready();
    world.wait_for(first.len());
    for part in parts {
        let retries_before = worker.metric("grapevine_insert_retries_total", "");
        store.kill().unwrap();
        relay.point_to(None);
        world.publish(&part[..part.len() / 2]);
        until("the failing store is noticed", || {
            let retries = worker.metric("grapevine_insert_retries_total", "");
            if retries > retries_before { Ok(()) } else { Err(worker.log()) }
        });
        assert_eq!(worker.get("/healthz").0, 200, "a worker whose store is down is alive");
        store = start(store_folder.path());
        relay.point_to(Some(store.url()));
        world.publish(&part[part.len() / 2..]);
    }
    world.wait_for(data.lines.len());
    worker.wait_until_ready();
    worker.stop();
    data.compare(&world.ask(CASCADES), &world.ask(THREADS));
    assert_eq!(world.counts(), edge_counts(&data, 1));
}

#[test]
fn a_bad_configuration_has_an_exit_code_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("worker.toml");
    std::fs::write(&path, "[worker]\nthreads = 0\n[kafka]\nbrokers = \"\"\n").unwrap();
    for name in ["check", "run", "migrate"] {
        let output = grapevine().arg(name).arg("--config").arg(&path).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{name}: {errors}");
        assert!(errors.contains("worker.threads") && errors.contains("kafka.brokers"), "{name}: {errors}");
    }
    std::fs::write(&path, "").unwrap();
    let mut check = grapevine();
    check.arg("check").arg("--config").arg(&path).env("GRAPEVINE_RULES_PSEUDONYM_KEY", "a key for tests only");
    let said = String::from_utf8(succeeded(check.output().unwrap()).stdout).unwrap();
    // The other tests here ask the broker for a group of this form.
    assert!(said.starts_with("ok\n") && said.contains("group: grapevine-epoch-0;"), "{said}");
}

#[test]
fn a_migration_of_a_store_that_does_not_answer_ends_with_a_message() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = grapevine();
    command.arg("migrate").env("GRAPEVINE_CLICKHOUSE_URL", format!("http://{}", silent.local_addr().unwrap()));
    command.env("GRAPEVINE_CLICKHOUSE_SEND_TIMEOUT_SECONDS", "1").stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let status = ended(&mut child, "a migration");
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(status.code(), Some(1), "{errors}");
    assert!(errors.contains("no answer within 1s"), "{errors}");
}
