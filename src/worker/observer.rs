//! What the loop tells whoever watches it: metrics, readiness, the demo's progress.
//!
//! The loop counts nothing itself. Every method has an empty body, so an observer says only what it wants.

use std::time::Duration;

use super::{CheckpointError, SinkError};
use crate::engine::{Batch, Holdings};
use crate::record::{Offset, Partition};

/// How far one partition is. Everything below the offsets is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The partition.
    pub partition: Partition,
    /// Folded.
    pub next: Offset,
    /// In the store; `None` before the first rows.
    pub durable: Option<Offset>,
    /// In the newest published checkpoint.
    pub published: Offset,
    /// Committed to the group.
    pub committed: Option<Offset>,
    /// The end of the partition when it was last reached; `None` if it has not been yet.
    pub end: Option<Offset>,
}

impl Position {
    /// Whether everything up to the end that was last seen is in the store.
    #[must_use]
    pub fn caught_up(&self) -> bool {
        self.end.is_some_and(|end| self.durable.is_some_and(|durable| durable >= end))
    }
}

/// Watches one loop.
pub trait Observer {
    /// The loop turned: it is alive.
    fn ticked(&self) {}
    /// The group gave partitions to this loop.
    fn assigned(&self, _partitions: &[Partition]) {}
    /// A partition was restored, or founded, and is read from `next` on; `end` is where its log ended then.
    fn started(&self, _partition: Partition, _next: Offset, _end: Offset) {}
    /// Partitions were flushed, or dropped, and given back.
    fn revoked(&self, _partitions: &[Partition]) {}
    /// Partitions were lost.
    fn lost(&self, _partitions: &[Partition]) {}
    /// A partition was flushed: what changed, and what its engine holds.
    fn flushed(&self, _partition: Partition, _batch: &Batch, _holdings: Holdings) {}
    /// An attempt to insert rows ended.
    fn inserted(&self, _rows: usize, _took: Duration, _outcome: Result<(), &SinkError>) {}
    /// A partition moved: rows became durable, a checkpoint was published, an offset committed, an end reached.
    fn moved(&self, _position: Position) {}
    /// A checkpoint of so many bytes was published.
    fn published(&self, _partition: Partition, _next: Offset, _bytes: usize) {}
    /// A checkpoint could not be read or published; it will be tried again.
    fn checkpoint_failed(&self, _partition: Partition, _error: &CheckpointError) {}
    /// The flow of records was stopped, or resumed.
    fn paused(&self, _paused: bool) {}
    /// Somebody must act, and the message says how; `None`: the last problem has gone. Not ready meanwhile.
    fn problem(&self, _problem: Option<&str>) {}
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
