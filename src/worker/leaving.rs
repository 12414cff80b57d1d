//! When rows, states and offsets leave.
//!
//! Rows leave by time or by size, a state with the rows it stands for, an offset when its state is published. A partition
//! that is to be given back takes the same way, at once.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::problem::Problem;
use super::publishing::{Cover, FlushBatch, Outcome, PendingCheckpoint, kib};
use super::turn::Loop;
use super::{Append, Appended, Checkpoints, Notice, Observer, Sink, Source, WorkerError, pace};
use crate::assignment::{Assignment, AssignmentId, Event, Publication};
use crate::backoff::jitter;
use crate::failure::Failure;
use crate::metrics::Phase;
use crate::record::{Offset, Partition};
use crate::row::Progress;

impl<S: Source, K: Sink, C: Checkpoints, O: Observer> Loop<'_, S, K, C, O> {
    /// When the loop must turn although nothing has happened.
    pub(super) fn next_due(&self) -> Option<Duration> {
        let now = self.now();
        let leaves = self.assignments.values().filter_map(Assignment::leaves_by);
        let states = self.assignments.values().filter_map(Assignment::last_state_due).filter(|due| *due > now);
        leaves.chain(states).chain(self.next_flush()).chain(self.next_commit()).min()
    }

    /// When rows or a state should leave; `None` while that is impossible or there is nothing to say.
    fn next_flush(&self) -> Option<Duration> {
        if !self.in_flight.has_room() {
            return None;
        }
        let rows = self.assignments.values().filter_map(|assignment| assignment.rows_due(self.flush_at, self.flush_by));
        let room = self.snapshots.available_permits() > 0;
        let states = self.assignments.values().filter_map(Assignment::checkpoint_due).filter(|_| room);
        rows.chain(states).min()
    }

    fn next_commit(&self) -> Option<Duration> {
        let due = self.commit_at.filter(|_| !self.committing);
        due.filter(|_| self.running().any(|running| running.uncommitted().is_some()))
    }

    pub(super) fn flush_is_due(&self) -> bool {
        let full = self.in_flight.has_room() && self.is_full();
        full || self.next_flush().is_some_and(|due| due <= self.now())
    }

    fn is_full(&self) -> bool {
        let rows: usize = self.running().map(|running| running.dirty_rows()).sum();
        rows >= self.settings.flush.rows_max
    }

    /// Takes the rows of all partitions that are due, and the snapshots that are due, and sends the rows.
    pub(super) fn flush(&mut self) -> Result<(), WorkerError> {
        let (started, now) = (Instant::now(), self.now());
        let full = self.is_full();
        self.flushes += 1;
        let mut batch = FlushBatch { number: self.flushes, ..FlushBatch::default() };
        let (mut garbage, mut copied) = (Vec::new(), Duration::ZERO);
        let mut only_last_rows = true;
        for assignment in self.assignments.values_mut() {
            let (id, leaves) = (assignment.id, assignment.leaves_by().is_some());
            let room = self.snapshots.available_permits() > 0;
            let state = room && assignment.checkpoint_due().is_some_and(|due| due <= now);
            let (at, by) = if full { (now, now) } else { (self.flush_at, self.flush_by) };
            let rows = assignment.rows_due(at, by).is_some_and(|due| due <= now);
            if !state && !rows {
                continue;
            }
            only_last_rows &= leaves;
            Self::take_rows(&mut batch, assignment, (now, state), self.observer);
            if let Some(command) = assignment.garbage(self.terms.garbage) {
                garbage.push((id.partition, command));
            } else if state && let Some(running) = assignment.running_mut() {
                let copying = Instant::now();
                let (next, promise, state) = running.snapshot();
                copied += copying.elapsed();
                let room = room_for(&self.snapshots, state.size());
                batch.checkpoints.push(PendingCheckpoint { id, next, promise, state, room });
            }
        }
        self.observer.notice(Notice::Spent(Phase::Flush, started.elapsed().saturating_sub(copied)));
        self.observer.notice(Notice::Spent(Phase::Checkpoint, copied));
        // What leaves for ever moves nobody else's time.
        if !only_last_rows {
            self.schedule(&batch, started, full || self.flush_by <= now);
        }
        self.seal(batch);
        garbage.into_iter().try_for_each(|(partition, command)| self.carry_out(partition, Some(command)))
    }

    /// Adds what changed in one partition; its state is taken, too, or not.
    fn take_rows(batch: &mut FlushBatch, assignment: &mut Assignment, (now, state): (Duration, bool), observer: &O) {
        let (id, whole) = (assignment.id, state || assignment.asks_whether_all_is_there());
        let Some(running) = assignment.running_mut() else { return };
        let (changed, unknown) = running.flush(now, whole);
        let (partition, holdings) = (id.partition, running.engine.holdings());
        observer.notice(Notice::Flushed { partition, batch: &changed, holdings });
        observer.notice(Notice::UnknownFields(&unknown));
        batch.covers.push(Cover { id, next: changed.next, whole });
        batch.stamps.push(Some(running.take_stamps()));
        batch.rows.append(changed.rows);
    }

    fn schedule(&mut self, batch: &FlushBatch, started: Instant, everything: bool) {
        let settings = self.settings;
        let interval = pace::interval(&settings.flush, batch.rows.len(), batch.covers.len(), started.elapsed());
        // A fifth of jitter keeps the loops of a fleet from inserting in step.
        let jittered = interval.mul_f64(0.9 + 0.2 * jitter(settings.seed, self.flushes));
        let now = self.now();
        self.flush_at = now + jittered;
        if everything {
            self.flush_by = now + settings.flush.max_interval.max(jittered);
        }
    }

    /// Its rows are complete: they are sent, and sent again, as they are.
    fn seal(&mut self, mut batch: FlushBatch) {
        batch.seal();
        self.in_flight.seal(&batch);
        self.insert(Box::new(batch), Duration::ZERO);
    }

    pub(super) fn insert(&mut self, batch: Box<FlushBatch>, wait: Duration) {
        self.under_way.push(insert(self.sink, batch, wait));
    }

    /// Appends its `progress`, of the partitions that are still held as they were: what became of the others is told by
    /// whoever reads them on.
    pub(super) fn append(&mut self, mut batch: Box<FlushBatch>, wait: Duration) {
        for (cover, stamps) in batch.covers.iter().zip(&mut batch.stamps) {
            if self.held(cover.id).is_none() {
                *stamps = None;
            }
        }
        let append = |(progress, cover): (&Progress, &Cover)| {
            let promise = self.held(cover.id)?.running()?.promise();
            Some(Append { progress: progress.clone(), promise, whole: cover.whole })
        };
        let rows = batch.rows.progress.iter().zip(&batch.covers).filter_map(append).collect();
        self.under_way.push(append_rows(self.sink, batch, rows, wait));
    }

    /// An attempt to insert ended: its rows are there, or not.
    pub(super) fn inserted(&mut self, mut batch: Box<FlushBatch>, outcome: Result<(), Failure>) -> Result<(), WorkerError> {
        let outcome = outcome.map_err(|failure| batch.judge(failure, self.sink));
        self.tried(&batch, outcome.as_ref().err());
        match outcome {
            Ok(()) => self.arrived(batch),
            Err(failure) => self.failed(batch, failure),
        }
    }

    /// An attempt to append `progress` ended: the flush is settled, or those of its partitions that the store knows too little of
    /// are opened again, and the others' rows are sent again.
    pub(super) fn appended(&mut self, mut batch: Box<FlushBatch>, outcome: Result<Appended, Failure>) -> Result<(), WorkerError> {
        let outcome = outcome.map_err(|failure| batch.judge(failure, self.sink));
        self.tried(&batch, outcome.as_ref().err());
        match outcome {
            Ok(Appended::Done) => {
                // Before the next append: what is durable now is what the store must know by then.
                let told = [self.settled(&batch), self.durable(*batch), self.turns()];
                told.into_iter().collect()
            }
            Ok(Appended::Broken(sources)) => {
                let is_broken = |id: &AssignmentId| self.held(*id).is_some_and(|held| sources.contains(&held.source));
                let forgotten: Vec<AssignmentId> = batch.covers.iter().map(|cover| cover.id).filter(is_broken).collect();
                // All of them hear it, and the others' rows go on, whatever the first makes of it.
                let told: Vec<_> = forgotten.into_iter().map(|id| self.forgotten(id)).collect();
                self.append(batch, Duration::ZERO);
                told.into_iter().collect()
            }
            Err(failure) => {
                // Who knows what the store has lost meanwhile: `progress` must not stand for rows that were there before.
                batch.begin_again();
                self.failed(batch, failure)
            }
        }
    }

    fn tried(&mut self, batch: &FlushBatch, failure: Option<&Failure>) {
        self.in_flight.tried(batch, failure.is_some());
        match failure {
            // It was refused alone, whatever comes between.
            Some(Failure::Transient(text)) if batch.apart.is_some() && batch.refusals > 0 => {
                self.observer.notice(Notice::Inserted(Err(&Failure::Operator(text.clone()))));
            }
            None if batch.rows.is_empty() => {}
            _ => self.observer.notice(Notice::Inserted(failure.map_or(Ok(()), Err))),
        }
        if !self.in_flight.fails() {
            self.problems.resolve(Problem::Insert, self.observer);
        }
    }

    /// Rows are in the store: those of `root`, so others may follow, also of the next flush; then those, so `progress` follows when
    /// it is its turn.
    fn arrived(&mut self, mut batch: Box<FlushBatch>) -> Result<(), WorkerError> {
        if batch.advance() {
            self.in_flight.wait(*batch);
            return self.turns();
        }
        self.in_flight.rooted(&batch);
        self.insert(batch, Duration::ZERO);
        Ok(())
    }

    /// Rows are durable, so the states that stand for them may be published: those of partitions that are still read, or leave.
    fn durable(&mut self, batch: FlushBatch) -> Result<(), WorkerError> {
        let FlushBatch { covers, stamps, checkpoints, .. } = batch;
        let appended = covers.into_iter().zip(stamps).filter_map(|(cover, stamps)| Some((cover, stamps?)));
        for (Cover { id, next, whole }, stamps) in appended {
            self.acknowledge(id.partition, next);
            self.observer.notice(Notice::Acknowledged { partition: id.partition, stamps: &stamps });
            let is_held = self.is_held(id);
            let event = if is_held { Event::Durable { next, whole } } else { Event::DurableLate { next, whole } };
            self.tell(id.partition, event)?;
        }
        for PendingCheckpoint { id, next, promise, state, room } in checkpoints {
            if self.held(id).and_then(Assignment::running).is_some() {
                self.publish(id.partition, (next, promise), state, room);
            }
        }
        Ok(())
    }

    /// Publishes the last state of a partition that leaves, if it is time and there is room.
    pub(super) fn publish_last(&mut self, partition: Partition) {
        let (now, free) = (self.now(), self.last_snapshots.available_permits() > 0);
        let Some(assignment) = self.assignments.get_mut(&partition).filter(|_| free) else { return };
        if let Some((next, promise, state)) = assignment.last_state(now) {
            let room = room_for(&self.last_snapshots, state.size());
            self.publish(partition, (next, promise), state, room);
        }
    }

    /// A state was published, or not: then a newer one will be, soon.
    pub(super) fn published(&mut self, id: AssignmentId, publication: Publication, outcome: &Result<(), Failure>) {
        let partition = id.partition;
        match outcome {
            Ok(()) => self.observer.notice(Notice::Published(partition, publication.bytes)),
            Err(error) => {
                warn!(%partition, %error, "could not publish a checkpoint; rows go on, offsets stay");
                self.observer.notice(Notice::CheckpointFailed(partition));
            }
        }
        let opens = |assignment: &Assignment| assignment.running().is_none() && assignment.refusal().is_none();
        if let (true, Err(Failure::Operator(message))) = (self.held(id).is_some_and(opens), outcome) {
            self.problems.add(Problem::Partition(partition), message, self.observer);
        }
    }

    /// Begins to commit what is published; nothing waits for the answer. One commit is under way at a time, and one that
    /// failed is made again after a while, with whatever is published by then.
    pub(super) fn commit(&mut self) {
        if self.committing || self.commit_at.is_some_and(|due| due > self.now()) {
            return;
        }
        let due = |assignment: &Assignment| Some((assignment.id, assignment.running()?.uncommitted()?));
        let offsets: Vec<(AssignmentId, Offset)> = self.assignments.values().filter_map(due).collect();
        if offsets.is_empty() {
            return;
        }
        let places: Vec<(Partition, Offset)> = offsets.iter().map(|(id, next)| (id.partition, *next)).collect();
        let answer = self.source.commit(&places);
        self.committing = true;
        self.under_way.push(async move { Outcome::Committed(offsets, answer.await) }.boxed_local());
    }

    /// The group has taken offsets, or not. It says nothing of partitions that were given back meanwhile; but one that came
    /// again may have been set back by it.
    pub(super) fn committed(
        &mut self,
        offsets: Vec<(AssignmentId, Offset)>,
        outcome: Result<(), Failure>,
    ) -> Result<(), WorkerError> {
        self.committing = false;
        if let Err(error) = &outcome {
            warn!(%error, "could not commit offsets, trying again");
            if let Failure::Operator(message) = error {
                self.problems.add(Problem::Commit, message, self.observer);
            }
            // A rebalance under way refuses commits for a moment; a fault for longer.
            self.commit_failures = self.commit_failures.saturating_add(1);
            self.commit_at = Some(self.now() + self.wait(self.commit_failures));
        } else {
            (self.commit_at, self.commit_failures) = (None, 0);
            self.problems.resolve(Problem::Commit, self.observer);
        }
        for (id, next) in offsets {
            let event = match &outcome {
                Ok(()) => Event::Committed(next),
                Err(_) => Event::NotCommitted(next),
            };
            if self.is_held(id) {
                self.answer(id, event)?;
            } else {
                self.tell(id.partition, Event::CommittedLate)?;
            }
        }
        Ok(())
    }

    /// Stops the flow of records while a flush is due that cannot be sent yet.
    pub(super) fn regulate(&mut self) {
        let wanted = self.closing || (!self.in_flight.has_room() && (self.is_full() || self.problems.has(Problem::Insert)));
        if wanted != self.paused {
            self.source.pause(None, wanted);
            self.paused = wanted;
            self.observer.notice(Notice::Paused(wanted));
        }
    }
}

/// Room for a snapshot of this size, if there is any.
fn room_for(snapshots: &Arc<Semaphore>, bytes: usize) -> Option<OwnedSemaphorePermit> {
    let free = u32::try_from(snapshots.available_permits()).unwrap_or(u32::MAX);
    Arc::clone(snapshots).try_acquire_many_owned(kib(bytes as u64, free)).ok()
}

/// Inserts the rows once, after a wait.
fn insert<K: Sink>(sink: &K, mut batch: Box<FlushBatch>, wait: Duration) -> LocalBoxFuture<'_, Outcome> {
    async move {
        sleep(wait).await;
        if batch.sent.is_empty() {
            batch.place = sink.place();
        }
        let outcome = if batch.rows.is_empty() { Ok(()) } else { sink.insert(&batch.rows, &batch.of).await };
        Outcome::Inserted(batch, outcome)
    }
    .boxed_local()
}

/// Appends rows of `progress` once, after a wait.
fn append_rows<K: Sink>(sink: &K, batch: Box<FlushBatch>, rows: Vec<Append>, wait: Duration) -> LocalBoxFuture<'_, Outcome> {
    async move {
        sleep(wait).await;
        let outcome = if rows.is_empty() { Ok(Appended::Done) } else { sink.append(&rows).await };
        // Looked at afterwards: no state is published before this, and whatever was appended meanwhile is made good.
        let stayed = sink.place() == batch.place;
        Outcome::Appended(batch, if stayed { outcome } else { outcome.and_then(elsewhere) })
    }
    .boxed_local()
}

/// What was appended to a store that may not be where the rows are is not done.
fn elsewhere(appended: Appended) -> Result<Appended, Failure> {
    match appended {
        Appended::Done => {
            Err(Failure::Transient("the store is asked at another address now: the rows are sent there, too".to_owned()))
        }
        broken @ Appended::Broken(_) => Ok(broken),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::assignment::Promise;
    use crate::record::Offset;
    use crate::row::Rows;
    use crate::worker::Known;

    /// A store that is asked elsewhere from some attempt on.
    struct Moving {
        place: Cell<usize>,
        moves_at_append: bool,
        appended: Appended,
    }

    impl Sink for Moving {
        async fn insert(&self, _rows: &Rows, _of: &str) -> Result<(), Failure> {
            Ok(())
        }

        async fn append(&self, _rows: &[Append]) -> Result<Appended, Failure> {
            self.place.set(self.place.get() + usize::from(self.moves_at_append));
            Ok(self.appended.clone())
        }

        async fn known(&self, _source: &str) -> Result<Known, Failure> {
            Err(Failure::Transient("nobody asks".to_owned()))
        }

        async fn newest_version(&self, _source: &str) -> Result<Option<Offset>, Failure> {
            Ok(None)
        }

        fn place(&self) -> usize {
            self.place.get()
        }
    }

    /// What becomes of `progress`, if the store is asked elsewhere once rows were sent, or while it is appended.
    async fn appended(between: usize, moves_at_append: bool, appended: Appended) -> Result<Appended, Failure> {
        let sink = Moving { place: Cell::new(7), moves_at_append, appended };
        let outcome = insert(&sink, Box::default(), Duration::ZERO).await;
        let Outcome::Inserted(mut batch, Ok(())) = outcome else { panic!("it inserts") };
        batch.sent.push(Rows::default());
        sink.place.set(sink.place.get() + between);
        // The second part of its rows.
        let Outcome::Inserted(batch, Ok(())) = insert(&sink, batch, Duration::ZERO).await else { panic!("it inserts") };
        let row = Append { progress: crate::row::Progress::default(), promise: Promise::default(), whole: false };
        let Outcome::Appended(_, outcome) = append_rows(&sink, batch, vec![row], Duration::ZERO).await else {
            panic!("it appends")
        };
        outcome
    }

    #[tokio::test]
    async fn progress_is_not_done_where_the_rows_may_not_be() {
        let broken = Appended::Broken(vec!["t/0".into()]);
        assert_eq!(appended(0, false, Appended::Done).await, Ok(Appended::Done));
        for (between, at_append) in [(1, false), (0, true)] {
            assert!(matches!(appended(between, at_append, Appended::Done).await, Err(Failure::Transient(_))));
            assert_eq!(appended(between, at_append, broken.clone()).await, Ok(broken.clone()), "another store is named");
        }
    }
}
