//! States on their way to the checkpoint store, and then offsets to the group.
//!
//! A state is published when its rows are durable, an offset committed when its state is published. Neither
//! ever holds rows back.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::warn;

use super::held::{Held, State};
use super::insertion::{Frozen, Tenure};
use super::looping::Loop;
use super::trouble::Trouble;
use super::{CheckpointError, Checkpoints, Observer, Sink, Source, SourceError, WorkerError};
use crate::record::{Offset, Partition};

/// A checkpoint of so many bytes doubles the time to the next one: large states are written less often.
const BYTES_AN_INTERVAL: u64 = 64 << 20;

/// A state that was published, or not.
pub(super) struct Published {
    pub(super) tenure: Tenure,
    pub(super) next: Offset,
    /// About; before compression.
    pub(super) bytes: usize,
    pub(super) outcome: Result<(), CheckpointError>,
}

impl<S: Source, K: Sink, C: Checkpoints, O: Observer> Loop<'_, S, K, C, O> {
    /// Publishes a state in the background, after a wait.
    pub(super) fn publish(&self, snapshot: Frozen, wait: Duration) {
        let Some(held) = self.held.get(&snapshot.tenure.partition) else { return };
        let source = held.source.clone();
        let checkpoints = self.around.checkpoints;
        self.publishing.push(Box::pin(async move {
            sleep(wait).await;
            let Frozen { tenure, next, state } = snapshot;
            let bytes = state.size();
            let outcome = checkpoints.publish(&source, next, state).await;
            Published { tenure, next, bytes, outcome }
        }));
    }

    /// A state was published, or not: then a newer one will be, soon.
    pub(super) async fn published(&mut self, published: Published) -> Result<(), WorkerError> {
        let tenure = published.tenure;
        let held = self.held.get(&tenure.partition).filter(|held| held.tenure == tenure);
        let founding = held.is_some_and(|held| matches!(held.state, State::Founding(_)));
        let next = published.next;
        let outcome = self.book(published);
        if founding { self.founded(tenure, next, outcome).await } else { Ok(()) }
    }

    /// Notes how a publication ended, and when the next one is due.
    pub(super) fn book(&mut self, published: Published) -> Result<(), CheckpointError> {
        let Published { tenure, next, bytes, outcome } = published;
        let partition = tenure.partition;
        match &outcome {
            Ok(()) => self.around.observer.published(partition, next, bytes),
            Err(error) => {
                warn!(%partition, %error, "could not publish a checkpoint; rows go on, offsets stay");
                self.around.observer.checkpoint_failed(partition, error);
            }
        }
        let settings = self.around.settings;
        if let Some(running) = self.tenant(tenure) {
            running.publishing = false;
            let wait = if outcome.is_ok() {
                running.published = running.published.max(next);
                running.failures = 0;
                spacing(settings.checkpoint_interval, bytes)
            } else {
                running.failures = running.failures.saturating_add(1);
                settings.backoff.delay(running.failures.saturating_sub(1), settings.seed)
            };
            running.checkpoint_at = Instant::now() + wait;
            self.report(partition);
        }
        outcome
    }

    /// Commits what is published. A commit that fails is made again, with whatever is published by then.
    pub(super) async fn commit(&mut self) {
        if self.commit_at.is_some_and(|due| due > Instant::now()) {
            return;
        }
        let due: Vec<(Partition, Offset)> =
            self.held.iter_mut().filter_map(|(partition, held)| Some((*partition, held.running()?.uncommitted()?))).collect();
        if due.is_empty() {
            return;
        }
        match self.source.commit(&due).await {
            Ok(()) => self.committed(&due),
            Err(error) => {
                warn!(%error, "could not commit offsets, trying again");
                if let SourceError::Operator(message) = &error {
                    self.trouble(Trouble::Commit, message);
                }
                // A rebalance under way refuses commits for a moment; a fault for longer.
                self.commit_failures = self.commit_failures.saturating_add(1);
                self.commit_at = Some(Instant::now() + self.wait(self.commit_failures));
            }
        }
    }

    fn committed(&mut self, offsets: &[(Partition, Offset)]) {
        self.commit_at = None;
        self.commit_failures = 0;
        self.settle(Trouble::Commit);
        for (partition, next) in offsets {
            if let Some(running) = self.held.get_mut(partition).and_then(Held::running) {
                running.committed = Some(*next);
                self.report(*partition);
            }
        }
    }
}

/// The time from one checkpoint to the next.
fn spacing(interval: Duration, bytes: usize) -> Duration {
    let more = u64::try_from(bytes).unwrap_or(u64::MAX) / BYTES_AN_INTERVAL;
    interval.saturating_mul(u32::try_from(more).unwrap_or(u32::MAX).saturating_add(1))
}
