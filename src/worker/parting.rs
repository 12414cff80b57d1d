//! How partitions go: what there is leaves within a deadline, or is dropped. Both are exact.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::{info, warn};

use super::held::Held;
use super::listening::ended;
use super::looping::Loop;
use super::trouble::Trouble;
use super::{Checkpoints, Observer, Sink, Source, SourceError, WorkerError};
use crate::record::Partition;

/// How often a shutdown tries to publish, and then to commit.
const LAST_ATTEMPTS: u32 = 5;
/// How long the last commits may take: a group that does not answer holds nobody up.
const LAST_COMMITS_DEADLINE: Duration = Duration::from_secs(5);

impl<S: Source, K: Sink, C: Checkpoints, O: Observer> Loop<'_, S, K, C, O> {
    /// Partitions must be given back: their rows, states and offsets leave if there is time for it.
    pub(super) async fn revoked(&mut self, partitions: &[Partition]) -> Result<(), WorkerError> {
        let deadline = self.around.settings.revoke_deadline;
        let until = Instant::now() + deadline;
        if timeout_at(until, self.drain(partitions, 1)).await.is_err() {
            warn!(?partitions, ?deadline, "revoked before everything was durable; the next owner reads it again");
        } else {
            // The group refuses commits in the middle of a rebalance: one attempt must do.
            self.commit_last(partitions, 1, until).await;
        }
        self.release(partitions).await?;
        self.around.observer.revoked(partitions);
        Ok(())
    }

    /// Partitions were lost: somebody else may own them. Rows on their way do no harm.
    pub(super) async fn lost(&mut self, partitions: &[Partition]) -> Result<(), WorkerError> {
        self.release(partitions).await?;
        self.around.observer.lost(partitions);
        Ok(())
    }

    /// The group has turned this member away: the same, but for a while nothing comes either.
    pub(super) async fn fenced(&mut self, partitions: &[Partition]) -> Result<(), WorkerError> {
        self.release(partitions).await?;
        self.around.observer.fenced(partitions);
        Ok(())
    }

    async fn release(&mut self, partitions: &[Partition]) -> Result<(), WorkerError> {
        for partition in partitions {
            self.held.remove(partition);
            self.settle(Trouble::Opening(*partition));
            self.settle(Trouble::Refused(*partition));
        }
        self.give_back(partitions).await
    }

    /// Tells the source that partitions are not read any more.
    pub(super) async fn give_back(&mut self, partitions: &[Partition]) -> Result<(), WorkerError> {
        match self.source.release(partitions).await {
            Ok(()) => Ok(()),
            // The group would wait for this member for ever.
            Err(SourceError::Operator(message)) => Err(WorkerError::Operator(message)),
            Err(SourceError::Transient(message)) => {
                warn!(
                    ?partitions,
                    error = message,
                    "could not give partitions back; the group takes them when this member is gone"
                );
                Ok(())
            }
        }
    }

    /// Finishes what is under way and leaves the group. Why the loop had to end, or what it had put aside, is its last word.
    pub(super) async fn finish(mut self, reason: Option<WorkerError>) -> Result<(), WorkerError> {
        let deadline = self.around.settings.shutdown_deadline;
        let until = Instant::now() + deadline;
        let partitions: Vec<Partition> = self.held.keys().copied().collect();
        info!(?partitions, "shutting down");
        let drained = timeout_at(until, self.drain(&partitions, LAST_ATTEMPTS)).await;
        if drained.is_ok() {
            self.commit_last(&partitions, LAST_ATTEMPTS, until.min(Instant::now() + LAST_COMMITS_DEADLINE)).await;
        }
        match timeout_at(Instant::now() + self.around.settings.revoke_deadline, self.source.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "could not leave the group; it notices when the session times out"),
            Err(_) => warn!("leaving the group took too long; it notices when the session times out"),
        }
        if drained.is_err() {
            warn!(?deadline, "the shutdown took too long and was cut short");
        }
        let unpublished = self.behind_their_engines().map_or(Ok(()), |sources| Err(WorkerError::Unpublished(sources)));
        let Some(reason) = reason.or_else(|| self.first_refusal()) else { return unpublished };
        if let Err(unpublished) = unpublished {
            warn!("{unpublished}");
        }
        Err(reason)
    }

    /// Flushes, inserts and publishes. Nothing is read meanwhile, so states stay as they were flushed.
    /// May be dropped at any point: an insert under way stays under way.
    async fn drain(&mut self, partitions: &[Partition], attempts: u32) {
        self.wait_for_insert().await;
        self.flush_only(partitions);
        self.wait_for_insert().await;
        self.publish_all(partitions, attempts).await;
    }

    /// Commits what is published. That never succeeding costs nothing but a wrong lag: whoever reads on does so from the
    /// checkpoint.
    async fn commit_last(&mut self, partitions: &[Partition], attempts: u32, until: Instant) {
        let committing = async {
            // One that is under way says less.
            self.wait_for_commit().await;
            for _ in 0..attempts {
                sleep_until(self.commit_at.take().unwrap_or_else(Instant::now)).await;
                self.commit();
                self.wait_for_commit().await;
                if self.commit_at.is_none() {
                    break;
                }
            }
        };
        let answered = timeout_at(until, committing).await.is_ok();
        let left = |partition: &&Partition| {
            let running = self.held.get_mut(*partition).and_then(Held::running);
            running.is_some_and(|running| running.uncommitted().is_some())
        };
        let partitions: Vec<Partition> = partitions.iter().filter(left).copied().collect();
        if !partitions.is_empty() {
            warn!(
                ?partitions,
                answered,
                "the group did not take the last offsets: its lag shows more than is left to read. Nothing is lost and nothing is \
                 read twice for it, because whoever reads on begins at the newest checkpoint"
            );
        }
    }

    async fn wait_for_commit(&mut self) {
        while self.committing.is_some() {
            let committed = ended(&mut self.committing).await;
            self.committed(committed);
        }
    }

    async fn wait_for_insert(&mut self) {
        while self.inserting.is_some() {
            let attempt = ended(&mut self.inserting).await;
            self.attempted(attempt);
        }
    }
}
