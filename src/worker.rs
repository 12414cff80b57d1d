//! The loop: source → event → engine → sink → checkpoint → commit. It owns all concurrency.

use crate::record::{Offset, Partition, Record};
use crate::row::Rows;

/// What the log hands to the loop. Their order is the order in which they happened.
#[derive(Debug)]
pub enum Delivery<'a> {
    /// Partitions were given to this member; nothing is read from them until [`Source::start`].
    Assigned(Vec<Partition>),
    /// Records of one partition, in order.
    Records(Partition, Vec<Record<'a>>),
    /// Everything below this offset has been delivered and it is the end of the partition now
    /// (control records included).
    End(Partition, Offset),
    /// Partitions must be given back: flush, then call [`Source::release`].
    Revoked(Vec<Partition>),
    /// Partitions were lost: somebody else may own them already.
    Lost(Vec<Partition>),
    /// Nothing new.
    Idle,
}

/// The log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The client recovers by itself; worth a log line.
    #[error("{0}")]
    Transient(String),
    /// Somebody must act: the message says how.
    #[error("{0}")]
    Operator(String),
}

/// The store did not take the rows.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// Worth another attempt with the same rows.
    #[error("{0}")]
    Transient(String),
    /// Somebody must act: the message says how. The same rows are tried again, slowly.
    #[error("{0}")]
    Operator(String),
}

/// The checkpoint store failed.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Worth another attempt; processing goes on meanwhile.
    #[error("{0}")]
    Transient(String),
    /// Somebody must act: the message says how.
    #[error("{0}")]
    Operator(String),
}

/// The log: a member of a consumer group.
#[expect(async_fn_in_trait, reason = "the loop is single-threaded and generic; no Send bound is wanted")]
pub trait Source {
    /// The next thing that happened. Waits a little when there is nothing, then says [`Delivery::Idle`].
    async fn next(&mut self) -> Result<Delivery<'_>, SourceError>;
    /// The first offset that the log still holds, the end of the partition, and what the group has committed.
    async fn bounds(&mut self, partition: Partition) -> Result<Bounds, SourceError>;
    /// Starts reading an assigned partition at an offset.
    async fn start(&mut self, partition: Partition, next: Offset) -> Result<(), SourceError>;
    /// Stops and resumes the flow of records; assignments go on.
    fn pause(&mut self, paused: bool) -> Result<(), SourceError>;
    /// Gives revoked or lost partitions back to the group.
    async fn release(&mut self, partitions: &[Partition]) -> Result<(), SourceError>;
    /// Commits `next` as the group's offset.
    async fn commit(&mut self, offsets: &[(Partition, Offset)]) -> Result<(), SourceError>;
    /// Leaves the group.
    async fn close(&mut self) -> Result<(), SourceError>;
}

/// Where a partition begins and ends, and what its group has committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// First offset that the log still holds.
    pub first: Offset,
    /// One past the last offset (the last stable one, with transactions).
    pub end: Offset,
    /// The group's committed offset.
    pub committed: Option<Offset>,
}

/// The store.
#[expect(async_fn_in_trait, reason = "the loop is single-threaded and generic; no Send bound is wanted")]
pub trait Sink {
    /// One attempt to insert the rows, `progress` last. Any part may have been written before an error:
    /// the same rows again do no harm.
    async fn insert(&self, rows: &Rows) -> Result<(), SinkError>;
    /// The greatest version (`progress` and rows) known for a source in this epoch; `None` if it has no rows.
    async fn newest_version(&self, source: &str) -> Result<Option<Offset>, SinkError>;
}

/// Where whole states are kept.
#[expect(async_fn_in_trait, reason = "the loop is single-threaded and generic; no Send bound is wanted")]
pub trait Checkpoints {
    /// The newest sound checkpoint of a source: its `next` and the engine's bytes.
    async fn newest(&self, source: &str) -> Result<Option<(Offset, Vec<u8>)>, CheckpointError>;
    /// Publishes a state, creating the object only if it is absent, and prunes all but the three newest.
    async fn publish(&self, source: &str, next: Offset, snapshot: Vec<u8>) -> Result<(), CheckpointError>;
}
