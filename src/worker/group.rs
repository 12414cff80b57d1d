//! What the group gives this loop, how far behind it is, and how it leaves.

use std::time::Duration;

use tracing::{info, warn};

use super::turn::Loop;
use super::{Checkpoints, Notice, Observer, Sink, Source, WorkerError};
use crate::assignment::{Assignment, AssignmentId, Event, Farewell};
use crate::reader::Lag;
use crate::record::{Partition, source_name};

/// How often somebody is told how far the loop is behind.
const LAG_INTERVAL: Duration = Duration::from_secs(1);

/// How often a shutdown tries to publish, and then to commit.
const LAST_ATTEMPTS: u32 = 5;

impl<S: Source, K: Sink, C: Checkpoints, O: Observer> Loop<'_, S, K, C, O> {
    /// Partitions were given to this loop. One that was held before is held anew: its old engine knows nothing
    /// of what another owner did.
    pub(super) fn assigned(&mut self, partitions: &[Partition]) -> Result<(), WorkerError> {
        if self.closing {
            return Ok(());
        }
        self.observer.notice(Notice::Assigned(partitions));
        for &partition in partitions {
            let source = source_name(&self.settings.log, partition);
            let (assignment, command) = Assignment::new(AssignmentId { partition, number: 0 }, source);
            self.assignments.insert(partition, assignment);
            self.carry_out(partition, Some(command))?;
        }
        Ok(())
    }

    /// Says now and then how far each partition is behind.
    pub(super) fn watch_lag(&mut self) {
        let now = self.now();
        if now < self.lag_at {
            return;
        }
        self.lag_at = now + LAG_INTERVAL;
        if let Some(partitions) = self.source.unassigned() {
            self.observer.notice(Notice::Unassigned(partitions));
        }
        self.observer.notice(Notice::Gaps(&self.source.take_gaps()));
        for Lag { partition, unread, hidden, first } in self.source.lag() {
            let Some(running) = self.assignments.get_mut(&partition).and_then(Assignment::running_mut) else { continue };
            running.lags(unread, self.terms.batch);
            let position = running.position(partition);
            self.observer.notice(Notice::Moved(position));
            let since_commit = position.next.saturating_sub(position.committed.unwrap_or(position.published));
            let lag = unread.map(|unread| unread + hidden + since_commit);
            let last_record = running.engine.last_timestamp();
            self.observer.notice(Notice::Lagging { partition, lag, hidden, first, last_record });
        }
    }

    /// Finishes what is under way and leaves the group. Why the loop had to end, or what it had put aside, is its last word.
    pub(super) async fn finish(mut self, mut reason: Option<WorkerError>) -> Result<(), WorkerError> {
        let all: Vec<Partition> = self.assignments.keys().copied().collect();
        info!(partitions = ?all, "shutting down");
        let refused = self.assignments.values().find_map(Assignment::refusal).map(|why| WorkerError::Operator(why.to_owned()));
        reason = reason.or(refused);
        self.closing = true;
        self.regulate();
        let until = self.now() + self.settings.shutdown_deadline;
        let farewell = || Event::Revoked(Farewell { until, publications: LAST_ATTEMPTS, commits: LAST_ATTEMPTS });
        if let Err(error) = self.tell_all(&all, farewell) {
            reason.get_or_insert(error);
        }
        if let Err(error) = self.let_go() {
            reason.get_or_insert(error);
        }
        while !self.assignments.is_empty() {
            if let Err(error) = self.turn(std::pin::pin!(std::future::pending())).await {
                reason.get_or_insert(error);
            }
        }
        match tokio::time::timeout(self.settings.revoke_deadline, self.source.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "could not leave the group; it notices when the session times out"),
            Err(_) => warn!("leaving the group took too long; it notices when the session times out"),
        }
        let unpublished = (!self.unpublished.is_empty()).then(|| WorkerError::Unpublished(self.unpublished.join(", ")));
        match (reason, unpublished) {
            (Some(reason), unpublished) => {
                unpublished.iter().for_each(|unpublished| warn!("{unpublished}"));
                Err(reason)
            }
            (None, Some(unpublished)) => Err(unpublished),
            (None, None) => Ok(()),
        }
    }
}
