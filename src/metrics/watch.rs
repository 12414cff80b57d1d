//! One loop as metrics and health see it: what the loop says becomes counts and obstacles.
//!
//! It decides nothing; the loop goes on the same with nobody watching.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::{ErrorClass, Flushed, Health, Metrics, Obstacle, Rebalance, Warning};
use crate::engine::{Batch, Holdings, Tally};
use crate::failure::Failure;
use crate::record::Partition;
use crate::worker::{Notice, Observer};

/// Watches one loop.
#[derive(Debug)]
pub struct LoopWatch {
    number: usize,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    /// What each partition's engine had read, over the life of its source, at the flush before.
    read: Mutex<BTreeMap<Partition, u64>>,
    /// Partitions that are not read yet, and whether that is for want of a checkpoint that was read or written.
    opening: Mutex<BTreeMap<Partition, bool>>,
    /// Partitions that are read, and whose last checkpoint could not be published.
    unpublished: Mutex<BTreeSet<Partition>>,
}

impl LoopWatch {
    /// Watches the loop of this number, from 0.
    #[must_use]
    pub fn new(number: usize, metrics: Arc<Metrics>, health: Arc<Health>) -> LoopWatch {
        LoopWatch { number, metrics, health, read: Mutex::default(), opening: Mutex::default(), unpublished: Mutex::default() }
    }

    /// Partitions come, or go: nothing that was known of them before counts.
    fn forget(&self, partitions: &[Partition]) {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).retain(|partition, _| !partitions.contains(partition));
        self.unpublished(|unpublished| unpublished.retain(|partition| !partitions.contains(partition)));
    }

    /// Partitions come, go, begin, or cannot for want of a checkpoint. Where one is read already, rows go on without.
    fn opening(&self, change: impl FnOnce(&mut BTreeMap<Partition, bool>)) {
        let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut opening);
        let waiting: Vec<String> =
            opening.iter().filter(|(_, waits)| **waits).map(|(partition, _)| partition.to_string()).collect();
        if waiting.is_empty() {
            self.health.clear(self.number, Obstacle::Checkpoints);
        } else {
            let waiting = waiting.join(", ");
            let why = "cannot begin: a checkpoint cannot be read, or the first one not written; the log says why";
            self.blocked(Obstacle::Checkpoints, format!("partitions {waiting} {why}"));
        }
    }

    /// A partition is read, or will not be.
    fn opened(&self, partition: Partition) {
        self.opening(|opening| opening.retain(|other, _| *other != partition));
    }

    /// Checkpoints of partitions that are read can be published, or cannot.
    fn unpublished(&self, change: impl FnOnce(&mut BTreeSet<Partition>)) {
        let mut unpublished = self.unpublished.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut unpublished);
        let names: Vec<String> = unpublished.iter().map(Partition::to_string).collect();
        let text = format!(
            "loop {}: checkpoints of partitions {} cannot be published (`checkpoint.url`), the log says why: rows go on, offsets stay",
            self.number,
            names.join(", ")
        );
        self.health.warn(Warning::Checkpoints(self.number), (!names.is_empty()).then_some(text));
    }

    fn checkpoint_failed(&self, partition: Partition) {
        self.metrics.record_checkpoint_failed();
        let mut is_read = true;
        self.opening(|opening| {
            if let Some(waits) = opening.get_mut(&partition) {
                (*waits, is_read) = (true, false);
            }
        });
        if is_read {
            self.unpublished(|unpublished| unpublished.extend([partition]));
        }
    }

    fn published(&self, partition: Partition, bytes: usize) {
        self.metrics.record_published(partition, bytes);
        self.unpublished(|unpublished| unpublished.retain(|other| *other != partition));
    }

    fn blocked(&self, obstacle: Obstacle, why: impl Into<String>) {
        self.health.block(self.number, obstacle, why);
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

    fn inserted(&self, outcome: Result<(), &Failure>) {
        match outcome {
            Ok(()) => self.health.clear(self.number, Obstacle::ClickHouse),
            Err(failure) => {
                self.metrics.record_retry(class(failure));
                self.blocked(Obstacle::ClickHouse, failure.to_string());
            }
        }
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
    fn notice(&self, notice: Notice<'_>) {
        let (metrics, health) = (&self.metrics, &self.health);
        match notice {
            Notice::Ticked => health.tick(self.number, Instant::now()),
            Notice::Assigned(partitions) => {
                self.forget(partitions);
                self.opening(|opening| opening.extend(partitions.iter().map(|partition| (*partition, false))));
                metrics.record_rebalance(Rebalance::Assigned);
                metrics.record_assigned(partitions);
                health.clear(self.number, Obstacle::Kafka);
            }
            Notice::Added(_) => metrics.record_added_partition(),
            Notice::Restored { partition, bytes, published } => metrics.record_restored(partition, bytes, published),
            Notice::Forgotten(_) => metrics.record_forgotten(),
            Notice::TooLarge(_) => metrics.record_too_large(),
            Notice::Refused(partition) => {
                self.opened(partition);
                metrics.record_refused(partition);
            }
            Notice::Revoked(_) => metrics.record_rebalance(Rebalance::Revoked),
            Notice::Lost(_) => {
                metrics.record_rebalance(Rebalance::Lost);
                self.blocked(Obstacle::Kafka, "partitions were lost; waiting for an assignment");
            }
            Notice::Fenced(_) => {
                metrics.record_rebalance(Rebalance::Fenced);
                self.blocked(Obstacle::Kafka, "fenced by the group; rejoining");
            }
            Notice::Released(partition) => {
                self.forget(&[partition]);
                self.opened(partition);
                metrics.record_released(partition);
            }
            Notice::Unassigned(partitions) => metrics.record_unassigned(partitions),
            Notice::Gaps(gaps) => metrics.record_gaps(gaps),
            Notice::Flushed { partition, batch, holdings } => self.flushed(partition, batch, holdings),
            Notice::UnknownFields(fields) => metrics.record_unknown_fields(fields),
            Notice::Inserted(outcome) => self.inserted(outcome),
            Notice::Started { partition, .. } => self.opened(partition),
            Notice::Acknowledged { stamps, .. } => metrics.record_acknowledged(stamps),
            Notice::Moved(position) => metrics.record_position(&position),
            Notice::Published(partition, bytes) => self.published(partition, bytes),
            Notice::CheckpointFailed(partition) => self.checkpoint_failed(partition),
            Notice::Paused(paused) => health.pause(self.number, paused),
            Notice::Lagging { partition, lag, hidden, first, last_record } => {
                metrics.record_lag(partition, lag, last_record);
                metrics.record_log(partition, hidden, first);
            }
            Notice::Spent(phase, took) => metrics.record_phase(phase, took),
            Notice::Problem(Some(message)) => self.blocked(Obstacle::Operator, message),
            Notice::Problem(None) => health.clear(self.number, Obstacle::Operator),
        }
    }
}

fn outcomes(tally: &Tally) -> u64 {
    tally.accepted.iter().chain(&tally.duplicates).chain(&tally.rejected).sum()
}

fn class(failure: &Failure) -> ErrorClass {
    match failure {
        Failure::Transient(_) => ErrorClass::Transient,
        Failure::Operator(_) => ErrorClass::Operator,
    }
}
