//! One loop as metrics and health see it: what the loop says becomes counts and obstacles.
//!
//! It decides nothing; the loop goes on the same with nobody watching.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{CheckpointResult, ErrorClass, Flushed, Health, Metrics, Obstacle, Phase, Rebalance};
use crate::engine::{Batch, Holdings, Tally};
use crate::event::UnknownFields;
use crate::reader::Gaps;
use crate::record::{Millis, Offset, Partition};
use crate::worker::{CheckpointError, Observer, SinkError};

/// Watches one loop.
#[derive(Debug)]
pub struct LoopWatch {
    number: usize,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    /// What each partition's engine had read, over the life of its source, at the flush before.
    read: Mutex<BTreeMap<Partition, u64>>,
}

impl LoopWatch {
    /// Watches the loop of this number, from 0.
    #[must_use]
    pub fn new(number: usize, metrics: Arc<Metrics>, health: Arc<Health>) -> LoopWatch {
        LoopWatch { number, metrics, health, read: Mutex::default() }
    }

    fn rebalanced(&self, kind: Rebalance, partitions: &[Partition]) {
        self.metrics.record_rebalance(kind, partitions);
        self.read.lock().unwrap_or_else(PoisonError::into_inner).retain(|partition, _| !partitions.contains(partition));
    }

    /// What the engine says it has read since the flush before: a count of its own beside those of the outcomes. At the first
    /// flush of an assignment there is nothing to compare with, and the outcomes are believed.
    fn read_since(&self, partition: Partition, batch: &Batch) -> u64 {
        let outcomes = outcomes(&batch.tally);
        let Some(progress) = batch.rows.progress.first() else { return outcomes };
        let before = self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(partition, progress.read);
        before.map_or(outcomes, |before| progress.read.saturating_sub(before))
    }
}

impl Observer for LoopWatch {
    fn ticked(&self) {
        self.health.tick(self.number, Instant::now());
    }

    fn assigned(&self, partitions: &[Partition]) {
        self.rebalanced(Rebalance::Assigned, partitions);
        self.health.clear(self.number, Obstacle::Kafka);
    }

    fn added(&self, _partition: Partition) {
        self.metrics.record_added_partition();
    }

    fn refused(&self, partition: Partition) {
        self.metrics.record_refused(partition);
    }

    fn revoked(&self, partitions: &[Partition]) {
        self.rebalanced(Rebalance::Revoked, partitions);
    }

    fn lost(&self, partitions: &[Partition]) {
        self.rebalanced(Rebalance::Lost, partitions);
        self.health.block(self.number, Obstacle::Kafka, "partitions were lost; waiting for an assignment");
    }

    fn fenced(&self, partitions: &[Partition]) {
        self.rebalanced(Rebalance::Fenced, partitions);
        self.health.block(self.number, Obstacle::Kafka, "turned away by the group; coming back");
    }

    fn unassigned(&self, partitions: Option<usize>) {
        if let Some(partitions) = partitions {
            self.metrics.record_unassigned(partitions);
        }
    }

    fn gaps(&self, gaps: Gaps) {
        self.metrics.record_gaps(&gaps);
    }

    fn flushed(&self, partition: Partition, batch: &Batch, holdings: Holdings) {
        let rows = &batch.rows;
        let flushed = Flushed {
            partition,
            read: self.read_since(partition, batch),
            tally: &batch.tally,
            holdings,
            watermark: batch.watermark,
            rows: rows.len(),
        };
        self.metrics.record_batch(&flushed);
    }

    fn unknown_fields(&self, fields: UnknownFields) {
        self.metrics.record_unknown_fields(&fields);
    }

    fn inserted(&self, _rows: usize, _took: Duration, outcome: Result<(), &SinkError>) {
        match outcome {
            Ok(()) => self.health.clear(self.number, Obstacle::ClickHouse),
            Err(error) => {
                self.metrics.record_retry(class(error));
                self.health.block(self.number, Obstacle::ClickHouse, error.to_string());
            }
        }
    }

    fn published(&self, partition: Partition, _next: Offset, bytes: usize) {
        self.metrics.record_checkpoint(partition, CheckpointResult::Published, bytes);
    }

    fn checkpoint_failed(&self, partition: Partition, _error: &CheckpointError) {
        self.metrics.record_checkpoint(partition, CheckpointResult::Failed, 0);
    }

    fn paused(&self, paused: bool) {
        self.health.pause(self.number, paused);
    }

    fn problem(&self, problem: Option<&str>) {
        match problem {
            Some(message) => self.health.block(self.number, Obstacle::Operator, message),
            None => self.health.clear(self.number, Obstacle::Operator),
        }
    }

    fn started(&self, partition: Partition, _next: Offset, _end: Offset) {
        self.metrics.record_checkpoint(partition, CheckpointResult::Restored, 0);
    }

    fn lagging(&self, partition: Partition, lag: Option<u64>, last_record: Option<Millis>) {
        self.metrics.record_lag(partition, lag, last_record);
    }

    fn spent(&self, phase: Phase, took: Duration) {
        self.metrics.record_phase(phase, took);
    }
}

fn outcomes(tally: &Tally) -> u64 {
    tally.accepted.iter().chain(&tally.duplicates).chain(&tally.rejected).sum()
}

fn class(error: &SinkError) -> ErrorClass {
    match error {
        SinkError::Transient(_) => ErrorClass::Transient,
        SinkError::Operator(_) => ErrorClass::Operator,
    }
}
