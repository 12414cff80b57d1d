//! ClickHouse's own Kafka engine, which reads a topic by itself into a view.
//!
//! What that view does is less than a worker's job: it counts events and distinct actors of each root and minute. It knows no
//! copies, no trees and no rejects.

use std::time::Instant;

use crate::kinds::Log;
use crate::store::Store;

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

impl Store {
    /// The engine reads the topic by itself. Gives seconds from its first partition until the last event is counted, and
    /// the rows an insert made of them.
    pub(crate) fn reads(&self, database: &str, brokers: &str, log: &Log, consumers: Consumers) -> (f64, f64) {
        self.create_database(database);
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
