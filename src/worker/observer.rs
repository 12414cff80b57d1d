//! What the loop tells whoever watches it: metrics, readiness, the demo's progress.
//!
//! The loop counts nothing itself. Every method has an empty body, so an observer says only what it wants.

use std::time::Duration;

use super::{CheckpointError, SinkError};
use crate::engine::{Batch, Holdings};
use crate::event::UnknownFields;
use crate::metrics::Phase;
use crate::reader::Gaps;
use crate::record::{Millis, Offset, Partition};

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
}

/// Watches one loop.
pub trait Observer {
    /// The loop turned: it is alive.
    fn ticked(&self) {}
    /// The group gave partitions to this loop.
    fn assigned(&self, _partitions: &[Partition]) {}
    /// A partition was given to this loop that the topic did not have when the epoch began.
    fn added(&self, _partition: Partition) {}
    /// A partition was restored, or founded, and is read from `next` on; `end` is where its log ended then.
    fn started(&self, _partition: Partition, _next: Offset, _end: Offset) {}
    /// A partition must not be read on: it was put aside, and the others go on.
    fn refused(&self, _partition: Partition) {}
    /// Partitions were flushed, or dropped, and given back.
    fn revoked(&self, _partitions: &[Partition]) {}
    /// Partitions were lost.
    fn lost(&self, _partitions: &[Partition]) {}
    /// The group turned this loop away, and with it these partitions; it comes back by itself.
    fn fenced(&self, _partitions: &[Partition]) {}
    /// So many partitions were given to nobody when the group was last looked at, if somebody looks.
    fn unassigned(&self, _partitions: Option<usize>) {}
    /// So many gaps were in what the log handed out since this was said last.
    fn gaps(&self, _gaps: Gaps) {}
    /// A partition was flushed: what changed, and what its engine holds.
    fn flushed(&self, _partition: Partition, _batch: &Batch, _holdings: Holdings) {}
    /// So many fields of events were read by nobody since the last flush.
    fn unknown_fields(&self, _fields: UnknownFields) {}
    /// An attempt to insert rows ended.
    fn inserted(&self, _rows: usize, _took: Duration, _outcome: Result<(), &SinkError>) {}
    /// A partition moved: rows became durable, a checkpoint was published, an offset committed.
    fn moved(&self, _position: Position) {}
    /// A checkpoint of so many bytes was published.
    fn published(&self, _partition: Partition, _next: Offset, _bytes: usize) {}
    /// A checkpoint could not be read or published; it will be tried again.
    fn checkpoint_failed(&self, _partition: Partition, _error: &CheckpointError) {}
    /// The flow of records was stopped, or resumed.
    fn paused(&self, _paused: bool) {}
    /// How many records lie between what is committed and the end, if that is known, and when the last one read was
    /// written.
    fn lagging(&self, _partition: Partition, _lag: Option<u64>, _last_record: Option<Millis>) {}
    /// Time went into something.
    fn spent(&self, _phase: Phase, _took: Duration) {}
    /// Somebody must act, and the message says how; `None`: the last problem has gone. Not ready meanwhile.
    fn problem(&self, _problem: Option<&str>) {}
}

/// Two that watch the same loop.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn ticked(&self) {
        self.0.ticked();
        self.1.ticked();
    }
    fn assigned(&self, partitions: &[Partition]) {
        self.0.assigned(partitions);
        self.1.assigned(partitions);
    }
    fn added(&self, partition: Partition) {
        self.0.added(partition);
        self.1.added(partition);
    }
    fn started(&self, partition: Partition, next: Offset, end: Offset) {
        self.0.started(partition, next, end);
        self.1.started(partition, next, end);
    }
    fn refused(&self, partition: Partition) {
        self.0.refused(partition);
        self.1.refused(partition);
    }
    fn revoked(&self, partitions: &[Partition]) {
        self.0.revoked(partitions);
        self.1.revoked(partitions);
    }
    fn lost(&self, partitions: &[Partition]) {
        self.0.lost(partitions);
        self.1.lost(partitions);
    }
    fn fenced(&self, partitions: &[Partition]) {
        self.0.fenced(partitions);
        self.1.fenced(partitions);
    }
    fn unassigned(&self, partitions: Option<usize>) {
        self.0.unassigned(partitions);
        self.1.unassigned(partitions);
    }
    fn gaps(&self, gaps: Gaps) {
        self.0.gaps(gaps);
        self.1.gaps(gaps);
    }
    fn flushed(&self, partition: Partition, batch: &Batch, holdings: Holdings) {
        self.0.flushed(partition, batch, holdings);
        self.1.flushed(partition, batch, holdings);
    }
    fn unknown_fields(&self, fields: UnknownFields) {
        self.0.unknown_fields(fields);
        self.1.unknown_fields(fields);
    }
    fn inserted(&self, rows: usize, took: Duration, outcome: Result<(), &SinkError>) {
        self.0.inserted(rows, took, outcome);
        self.1.inserted(rows, took, outcome);
    }
    fn moved(&self, position: Position) {
        self.0.moved(position);
        self.1.moved(position);
    }
    fn published(&self, partition: Partition, next: Offset, bytes: usize) {
        self.0.published(partition, next, bytes);
        self.1.published(partition, next, bytes);
    }
    fn checkpoint_failed(&self, partition: Partition, error: &CheckpointError) {
        self.0.checkpoint_failed(partition, error);
        self.1.checkpoint_failed(partition, error);
    }
    fn paused(&self, paused: bool) {
        self.0.paused(paused);
        self.1.paused(paused);
    }
    fn lagging(&self, partition: Partition, lag: Option<u64>, last_record: Option<Millis>) {
        self.0.lagging(partition, lag, last_record);
        self.1.lagging(partition, lag, last_record);
    }
    fn spent(&self, phase: Phase, took: Duration) {
        self.0.spent(phase, took);
        self.1.spent(phase, took);
    }
    fn problem(&self, problem: Option<&str>) {
        self.0.problem(problem);
        self.1.problem(problem);
    }
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
