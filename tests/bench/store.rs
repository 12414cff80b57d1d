//! ClickHouse beside the readers: the embedded engine, and a view of it that reads Kafka itself.
//!
//! What that view does is less than a worker's job: it counts events and distinct actors of each root and minute. It knows no
//! copies, no trees and no rejects.

use std::path::Path;
use std::time::{Duration, Instant};

use clickhouse::Client;
use grapevine::embedded::clickhouse::EmbeddedClickHouse;
use grapevine::migrations;
use tempfile::TempDir;

use crate::kinds::Log;
use crate::measure::cpu_seconds;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often a view is asked how far it is.
const ASKED_EVERY: Duration = Duration::from_millis(50);

/// How long nothing may be merged until all merges count as done.
const CALM: Duration = Duration::from_secs(1);

/// How the engine reads a message.
#[derive(Clone, Copy)]
pub(crate) enum Format {
    /// As bytes, from which the view takes four fields.
    RawBlob,
    /// As columns.
    JsonEachRow,
}

impl Format {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::RawBlob => "RawBLOB",
            Format::JsonEachRow => "JSONEachRow",
        }
    }
}

/// Who reads inside the engine.
#[derive(Clone, Copy)]
pub(crate) struct Consumers {
    pub(crate) format: Format,
    pub(crate) number: usize,
}

/// One engine for all.
pub(crate) struct Store {
    engine: EmbeddedClickHouse,
    runtime: tokio::runtime::Runtime,
    _folder: TempDir,
}

impl Store {
    pub(crate) fn start() -> Store {
        let folder = tempfile::tempdir().expect("a folder");
        let program = Path::new(env!("CARGO_BIN_EXE_grapevine"));
        let engine = EmbeddedClickHouse::start(program, folder.path()).expect("libchdb: `make setup`");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Store { engine, runtime, _folder: folder }
    }

    pub(crate) fn url(&self) -> &str {
        self.engine.url()
    }

    fn client(&self, database: &str) -> Client {
        Client::default().with_url(self.url()).with_database(database)
    }

    fn run(&self, database: &str, statement: &str) {
        let ran = self.runtime.block_on(self.client(database).query_raw(statement).execute());
        ran.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// All rows of an answer.
    pub(crate) fn ask<T: clickhouse::RowOwned + clickhouse::RowRead>(&self, database: &str, question: &str) -> Vec<T> {
        let answer = self.runtime.block_on(self.client(database).query_raw(question).fetch_all());
        answer.unwrap_or_else(|error| panic!("{question}: {error}"))
    }

    fn number(&self, database: &str, question: &str) -> u64 {
        self.ask(database, question)[0]
    }

    /// A new database with Grapevine's tables and views.
    pub(crate) fn migrate(&self, database: &str) {
        self.runtime.block_on(migrations::apply(&self.client(database))).expect("a schema");
    }

    pub(crate) fn drop_database(&self, database: &str) {
        self.run("system", &format!("DROP DATABASE {database} SYNC"));
    }

    /// Seconds of CPU of the engine's process so far.
    pub(crate) fn cpu(&self) -> f64 {
        cpu_seconds(&self.engine.id().to_string())
    }

    /// Waits until nothing is left to merge: that work is owed to what was inserted.
    pub(crate) fn wait_for_merges(&self) {
        let (late, mut calm) = (Instant::now() + PATIENCE, Instant::now());
        while calm.elapsed() < CALM && Instant::now() < late {
            if self.number("system", "SELECT count() FROM system.merges") > 0 {
                calm = Instant::now();
            }
            std::thread::sleep(ASKED_EVERY);
        }
    }

    fn wait_for(&self, what: &str, database: &str, question: &str, wanted: u64) {
        let late = Instant::now() + PATIENCE;
        loop {
            let seen = self.number(database, question);
            if seen >= wanted {
                return;
            }
            assert!(Instant::now() < late, "{what}: {seen} of {wanted} in time");
            std::thread::sleep(ASKED_EVERY);
        }
    }

    /// The engine reads the topic by itself. Gives seconds from its first partition until the last event is counted, and
    /// the rows an insert made of them.
    pub(crate) fn reads(&self, database: &str, brokers: &str, log: &Log, consumers: Consumers) -> (f64, f64) {
        self.run("system", &format!("CREATE DATABASE {database}"));
        self.run(database, TALLY);
        self.run(database, &queue(brokers, log.topic, database, consumers));
        self.run(database, &view(consumers.format));
        let assigned = "SELECT count() FROM system.kafka_consumers WHERE database = currentDatabase() \
                        AND notEmpty(assignments.partition_id)";
        self.wait_for("a consumer has partitions", database, assigned, 1);
        let started = Instant::now();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        self.wait_for("all events are counted", database, "SELECT sum(events) FROM tally", log.events as u64);
        let wall = started.elapsed().as_secs_f64();
        self.run(database, "DROP VIEW reading SYNC");
        self.run(database, "DROP TABLE queue SYNC");
        let counted = self.number(database, "SELECT sum(events) FROM tally");
        #[expect(clippy::cast_precision_loss, reason = "events and rows are far fewer than 2^53")]
        let (counted, rows) = (counted as f64, self.number(database, "SELECT count() FROM tally") as f64);
        assert!((counted - log.events).abs() < 0.5, "each event is counted once: {counted}");
        (wall, rows)
    }
}

const TALLY: &str = "CREATE TABLE tally (root String, minute DateTime, events SimpleAggregateFunction(sum, UInt64), \
                     actors AggregateFunction(uniq, String)) ENGINE = AggregatingMergeTree ORDER BY (root, minute)";

/// Small blocks count soon; large ones are cheaper. These are the engine's own size of a block and our own interval of flushes.
fn queue(brokers: &str, topic: &str, group: &str, consumers: Consumers) -> String {
    let columns = match consumers.format {
        Format::RawBlob => "line String",
        Format::JsonEachRow => "id String, root String, time Int64, actor String",
    };
    let (format, number) = (consumers.format.name(), consumers.number);
    format!(
        "CREATE TABLE queue ({columns}) ENGINE = Kafka SETTINGS kafka_broker_list = '{brokers}', kafka_topic_list = '{topic}', \
         kafka_group_name = '{group}', kafka_format = '{format}', kafka_num_consumers = {number}, \
         kafka_thread_per_consumer = 1, kafka_max_block_size = 262144, kafka_flush_interval_ms = 1000"
    )
}

fn view(format: Format) -> String {
    let field = |name: &str| match format {
        Format::RawBlob => format!("JSONExtractString(line, '{name}')"),
        Format::JsonEachRow => format!("queue.{name}"),
    };
    let time = match format {
        Format::RawBlob => "JSONExtractInt(line, 'time')",
        Format::JsonEachRow => "queue.time",
    };
    format!(
        "CREATE MATERIALIZED VIEW reading TO tally AS SELECT if({root} = '', {id}, {root}) AS root, \
         toStartOfMinute(toDateTime(intDiv({time}, 1000), 'UTC')) AS minute, count() AS events, uniqState({actor}) AS actors \
         FROM queue GROUP BY 1, 2",
        root = field("root"),
        id = field("id"),
        actor = field("actor"),
    )
}
