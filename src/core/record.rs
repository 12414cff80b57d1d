//! What the log is made of, as everything inside sees it: partitions, sources, records.
//!
//! Nothing here knows Kafka. Offsets follow one convention everywhere: `next` is the first offset that
//! is not covered yet, `last` is an offset that exists.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The position of a record in its partition.
pub type Offset = u64;

/// Milliseconds since 1970-01-01 UTC.
pub type Millis = i64;

/// The number of a partition of the topic that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Partition(pub i32);

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a source, `log/partition`: versions are compared inside a source only.
#[must_use]
pub fn source_name(log: &str, partition: Partition) -> Arc<str> {
    format!("{log}/{partition}").into()
}

/// One record of the log, borrowed from the client's buffers.
#[derive(Clone, Debug, Default)]
pub struct Record<'a> {
    /// Its position.
    pub offset: Offset,
    /// The time the log gives it (the broker's, or the producer's if the topic is so configured).
    pub timestamp: Option<Millis>,
    /// Whose clock that time is of.
    pub stamped_by: StampedBy,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` is a tombstone.
    pub payload: Option<&'a [u8]>,
    /// Its headers, in order.
    pub headers: Vec<Header<'a>>,
}

/// Whose clock a record's time is of: the topic's `message.timestamp.type` says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StampedBy {
    /// The producer's: when it made the record (`CreateTime`).
    #[default]
    Producer,
    /// The broker's: when it appended the record to the log (`LogAppendTime`).
    Broker,
}

impl StampedBy {
    /// Both.
    pub const ALL: [StampedBy; 2] = [StampedBy::Producer, StampedBy::Broker];
}

/// One header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The header's name.
    pub name: &'a str,
    /// Its value, if any.
    pub value: Option<&'a [u8]>,
}
