//! States on their way to the checkpoint store, and then offsets to the group.
//!
//! A state is published when its rows are durable, an offset committed when its state is published. Neither
//! ever holds rows back.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use super::held::{Held, State};
use super::insertion::{Frozen, Tenure};
use super::looping::Loop;
use super::trouble::Trouble;
use super::{CheckpointError, Checkpoints, Observer, Sink, Source, SourceError, WorkerError};
use crate::record::{Offset, Partition};

/// Snapshots may hold about so much, those under way included; other partitions wait for one of them to be published.
/// One is always taken, however large.
const SNAPSHOT_BYTES_HELD: usize = 64 << 20;

/// What a publication may take: so long, and a second more for so many bytes. A store that hangs must not keep others
/// from publishing for ever.
const PUBLICATION_DEADLINE: Duration = Duration::from_secs(60);
const BYTES_A_SECOND: usize = 4 << 20;

/// A checkpoint of so many bytes doubles the time to the next one: large states are written less often.
const BYTES_AN_INTERVAL: u64 = 64 << 20;

/// A state that was published, or not.
pub(super) struct Published {
    pub(super) tenure: Tenure,
    pub(super) next: Offset,
    /// About; before compression.
    pub(super) bytes: usize,
    pub(super) took: Duration,
    pub(super) outcome: Result<(), CheckpointError>,
}

/// A commit that ended, and what it was of.
pub(super) struct Committed {
    offsets: Vec<(Tenure, Offset)>,
    outcome: Result<(), SourceError>,
}

impl<S: Source, K: Sink, C: Checkpoints, O: Observer> Loop<'_, S, K, C, O> {
    /// Publishes a state in the background, after a wait.
    pub(super) fn publish(&self, snapshot: Frozen, wait: Duration) {
        let Some(held) = self.held.get(&snapshot.tenure.partition) else { return };
        let source = held.source.clone();
        let checkpoints = self.around.checkpoints;
        self.publishing.push(Box::pin(async move {
            sleep(wait).await;
            attempt(checkpoints, &source, snapshot).await
        }));
    }

    /// How many bytes of snapshots may still be taken. Those of first checkpoints do not count: nothing changes in their
    /// engines meanwhile, so they take no memory of their own.
    pub(super) fn room_for_snapshots(&self) -> usize {
        let held: usize = self.running().filter_map(|running| running.publishing).sum();
        SNAPSHOT_BYTES_HELD.saturating_sub(held)
    }

    /// Publishes the states of partitions that are durable, several at once; what fails for a while is tried so many
    /// times. Whoever reads on starts from an older state where it failed for good; `book` has said so.
    pub(super) async fn publish_all(&mut self, partitions: &[Partition], attempts: u32) {
        let checkpoints = self.around.checkpoints;
        let mut waiting: Vec<(Partition, u32)> = partitions.iter().rev().map(|partition| (*partition, 0)).collect();
        let (mut under_way, mut held) = (FuturesUnordered::new(), 0_usize);
        loop {
            while held < SNAPSHOT_BYTES_HELD
                && let Some((partition, failed)) = waiting.pop()
            {
                let Some((source, snapshot)) = self.unpublished(partition) else { continue };
                held += snapshot.state.size();
                let wait = self.wait(failed);
                under_way.push(async move {
                    sleep(wait).await;
                    (failed, attempt(checkpoints, &source, snapshot).await)
                });
            }
            let Some((failed, published)) = under_way.next().await else { return };
            let partition = published.tenure.partition;
            held = held.saturating_sub(published.bytes);
            if let Err(CheckpointError::Transient(_)) = self.book(published)
                && failed + 1 < attempts
            {
                waiting.push((partition, failed + 1));
            }
        }
    }

    /// The state of a partition, if it is durable and in no checkpoint yet.
    fn unpublished(&mut self, partition: Partition) -> Option<(Arc<str>, Frozen)> {
        let held = self.held.get_mut(&partition)?;
        let (source, tenure) = (Arc::clone(&held.source), held.tenure);
        let running = held.running()?;
        let next = running.engine.next();
        let useful = running.durable == Some(next) && running.published < next;
        useful.then(|| (source, Frozen { tenure, next, state: running.engine.snapshot() }))
    }

    /// The sources that were read further than their newest checkpoint, and where that continues.
    pub(super) fn behind_their_engines(&self) -> Option<String> {
        let behind = self.running().filter(|running| running.published < running.engine.next());
        let named: Vec<String> =
            behind.map(|running| format!("{} from offset {} on", running.engine.source(), running.published)).collect();
        (!named.is_empty()).then(|| named.join(", "))
    }

    /// A state was published, or not: then a newer one will be, soon.
    pub(super) async fn published(&mut self, published: Published) -> Result<(), WorkerError> {
        let tenure = published.tenure;
        let held = self.held.get(&tenure.partition).filter(|held| held.tenure == tenure);
        let founding = held.is_some_and(|held| matches!(held.state, State::Founding(_)));
        let outcome = self.book(published);
        if founding { self.founded(tenure, outcome).await } else { Ok(()) }
    }

    /// Notes how a publication ended, and when the next one is due.
    pub(super) fn book(&mut self, published: Published) -> Result<(), CheckpointError> {
        let Published { tenure, next, bytes, took, outcome } = published;
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
            running.publishing = None;
            let wait = if outcome.is_ok() {
                running.published = running.published.max(next);
                running.failures = 0;
                spacing(settings.checkpoint_interval, bytes)
            } else {
                running.failures = running.failures.saturating_add(1);
                // An attempt that hangs in a file system cannot be called off and keeps its bytes: the longer one took,
                // and the more of them failed, the later comes the next.
                let again = settings.backoff.delay(running.failures.saturating_sub(1), settings.seed);
                again.max(took.saturating_mul(running.failures))
            };
            running.checkpoint_at = Instant::now() + wait;
            self.report(partition);
        }
        outcome
    }

    /// Begins to commit what is published; nothing waits for the answer. One commit is under way at a time, and one that
    /// failed is made again after a while, with whatever is published by then.
    pub(super) fn commit(&mut self) {
        if self.committing.is_some() || self.commit_at.is_some_and(|due| due > Instant::now()) {
            return;
        }
        let due = |held: &mut Held| Some((held.tenure, held.running()?.uncommitted()?));
        let offsets: Vec<(Tenure, Offset)> = self.held.values_mut().filter_map(due).collect();
        if offsets.is_empty() {
            return;
        }
        let places: Vec<(Partition, Offset)> = offsets.iter().map(|(tenure, next)| (tenure.partition, *next)).collect();
        let answer = self.source.commit(&places);
        self.committing = Some(async move { Committed { offsets, outcome: answer.await } }.boxed_local());
    }

    /// The group has taken offsets, or not. It says nothing of partitions that were given back meanwhile.
    pub(super) fn committed(&mut self, committed: Committed) {
        let Committed { offsets, outcome } = committed;
        self.committing = None;
        if let Err(error) = outcome {
            warn!(%error, "could not commit offsets, trying again");
            if let SourceError::Operator(message) = &error {
                self.trouble(Trouble::Commit, message);
            }
            // A rebalance under way refuses commits for a moment; a fault for longer.
            self.commit_failures = self.commit_failures.saturating_add(1);
            self.commit_at = Some(Instant::now() + self.wait(self.commit_failures));
            return;
        }
        (self.commit_at, self.commit_failures) = (None, 0);
        self.settle(Trouble::Commit);
        for (tenure, next) in offsets {
            if let Some(running) = self.tenant(tenure) {
                running.committed = running.committed.max(Some(next));
                self.report(tenure.partition);
            }
        }
    }
}

/// One attempt to publish a state, under its deadline.
async fn attempt<C: Checkpoints>(checkpoints: &C, source: &str, snapshot: Frozen) -> Published {
    let Frozen { tenure, next, state } = snapshot;
    let (started, bytes) = (Instant::now(), state.size());
    let more = u64::try_from(bytes / BYTES_A_SECOND).unwrap_or(u64::MAX);
    let limit = PUBLICATION_DEADLINE.saturating_add(Duration::from_secs(more));
    let hung = |_| Err(CheckpointError::Transient(format!("the checkpoint store gave no answer within {limit:?}")));
    let outcome = timeout(limit, checkpoints.publish(source, next, state)).await.unwrap_or_else(hung);
    Published { tenure, next, bytes, took: started.elapsed(), outcome }
}

/// The time from one checkpoint to the next.
fn spacing(interval: Duration, bytes: usize) -> Duration {
    let more = u64::try_from(bytes).unwrap_or(u64::MAX) / BYTES_AN_INTERVAL;
    interval.saturating_mul(u32::try_from(more).unwrap_or(u32::MAX).saturating_add(1))
}
