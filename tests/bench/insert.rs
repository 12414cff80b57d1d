//! What an insert costs: the sender's CPU and the store's, a row, merges included; and how long `progress` takes.
//!
//! Real events make the rows of `activity_window`; the store is the embedded ClickHouse, a process of its own. `-- append` measures
//! `progress` alone.

#![expect(clippy::panic, reason = "a benchmark that cannot measure says why and ends")]

mod input;
mod measure;
#[expect(dead_code, reason = "shared with the whole worker, which asks for more")]
mod store;

use std::time::Instant;

use grapevine::clickhouse::{ClickHouseSink, native};
use grapevine::config::Config;
use grapevine::engine::Engine;
use grapevine::event::parse;
use grapevine::record::Record;
use grapevine::row::{ActivityWindow, Progress, Rows};
use grapevine::worker::{Append, Appended, Promise, Sink as _};

use input::{FILES, lines, renamed};
use measure::cpu_seconds;
use store::Store;

const ROWS: usize = 500_000;
/// Rows of one insert.
const BATCH: usize = 50_000;
/// Sources of which `progress` is appended in one statement, and how often that is.
const SOURCES: usize = 64;
const APPENDS: usize = 60;

fn main() {
    if std::env::args().any(|argument| argument == "append") {
        return appends(&Store::start());
    }
    let rows = windows();
    let bytes = block(&rows[..BATCH].iter().collect::<Vec<_>>()) as f64 / BATCH as f64;
    println!("# insert: {ROWS} rows of activity_window, {BATCH} an insert, {bytes:.0} bytes a row");
    println!("encoding: {:.0} ns a row", encoding(&rows));
    let store = Store::start();
    for (run, compression) in ["lz4", "none", "lz4", "none"].into_iter().enumerate() {
        let (sender, stored) = inserted(&store, &format!("run_{run}"), compression, &rows);
        println!("{compression}: {sender:.2} us of the sender's CPU a row, {stored:.2} us of the store's");
    }
    appends(&store);
}

/// How long it takes to append `progress` where each table of lives has a million rows of other sources.
fn appends(store: &Store) {
    let config = configured(store.url(), "appends", "lz4");
    store.migrate("appends");
    for table in ["root", "activity_window", "cascade", "thread"] {
        store.run(
            "appends",
            &format!(
                "INSERT INTO {table} (root, epoch, source, opened, version) \
                 SELECT hex(cityHash64(number)), 0, concat('held/', toString(number % 64)), number, number FROM numbers(1000000)"
            ),
        );
    }
    let sink = ClickHouseSink::new(&config.clickhouse, config.flush.bytes_max, 0, || 0);
    let known = store.wait(sink.known("bench/0")).expect("a store");
    let mut progress = None;
    let mut append = |version: u64, whole: bool| {
        let promise = Promise { store: known.store, progress, tables: progress };
        let row = |source: usize| {
            let progress = Progress { source: format!("bench/{source}").into(), version, ..Progress::default() };
            Append { progress, promise, whole }
        };
        let rows: Vec<Append> = (0..SOURCES).map(row).collect();
        let started = Instant::now();
        assert_eq!(store.wait(sink.append(&rows)).expect("a store that answers"), Appended::Done);
        progress = Some(version);
        started.elapsed().as_secs_f64() * 1e3
    };
    append(1, true);
    for (what, whole) in [("with a state", true), ("without one", false), ("with a state", true), ("without one", false)] {
        let mut took: Vec<f64> = (0..APPENDS).map(|_| append(2, whole)).collect();
        took.sort_by(f64::total_cmp);
        println!("progress of {SOURCES} sources, {what}: {:.1} ms, half of the appends within {:.1}", took[0], took[APPENDS / 2]);
    }
}

/// Makes a block; gives its bytes.
fn block(rows: &[&ActivityWindow]) -> usize {
    native::block(rows).map(|piece| std::hint::black_box(piece).len()).sum()
}

/// Nanoseconds to make a block, a row; the least of some runs.
fn encoding(rows: &[ActivityWindow]) -> f64 {
    let rows: Vec<_> = rows[..BATCH].iter().collect();
    let once = || {
        let started = Instant::now();
        std::hint::black_box(block(std::hint::black_box(&rows)));
        started.elapsed()
    };
    (0..20).map(|_| once()).min().unwrap_or_default().as_nanos() as f64 / BATCH as f64
}

/// Microseconds of CPU a row: of this process, of the store until its merges are done.
fn inserted(store: &Store, database: &str, compression: &str, rows: &[ActivityWindow]) -> (f64, f64) {
    let config = configured(store.url(), database, compression);
    store.migrate(database);
    let sink = ClickHouseSink::new(&config.clickhouse, config.flush.bytes_max, 0, || 0);
    let batches: Vec<_> = rows.chunks(BATCH).map(|rows| Rows { activity_windows: rows.to_vec(), ..Rows::default() }).collect();
    store.wait_for_merges();
    let before = (cpu_seconds("self"), store.cpu());
    for batch in &batches {
        store.wait(sink.insert(batch, "")).expect("the store takes rows");
    }
    let sender = cpu_seconds("self") - before.0;
    store.wait_for_merges();
    let stored = store.cpu() - before.1;
    assert_eq!(store.number(database, "SELECT count() FROM activity_window FINAL"), ROWS as u64, "every row is stored once");
    (sender * 1e6 / ROWS as f64, stored * 1e6 / ROWS as f64)
}

fn configured(url: &str, database: &str, compression: &str) -> Config {
    let variables = [
        ("GRAPEVINE_CLICKHOUSE_URLS", url),
        ("GRAPEVINE_CLICKHOUSE_DATABASE", database),
        ("GRAPEVINE_CLICKHOUSE_COMPRESSION", compression),
        ("GRAPEVINE_RULES_PSEUDONYM_KEY", "a key for benchmarks"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Config::load(None, variables.into_iter()).expect("a configuration")
}

/// The windows of both real sets, under other ids as often as it takes.
fn windows() -> Vec<ActivityWindow> {
    let rules = configured("http://localhost", "bench", "none").rules;
    let mut rows = Vec::new();
    let files: Vec<_> = FILES.map(lines).concat();
    for copy in 0.. {
        let mut engine = Engine::new(rules.clone(), "bench/0".into(), 0);
        for (offset, line) in (0..).zip(&files) {
            let payload = renamed(line, copy, 0).1;
            let record = Record { offset, payload: Some(&payload), ..Record::default() };
            engine.observe(&record, parse(&record));
        }
        rows.extend(engine.flush().rows.activity_windows);
        if rows.len() >= ROWS {
            break;
        }
    }
    rows.truncate(ROWS);
    rows
}
