//! What becomes of rows that the store refuses.
//!
//! They are sent again as they are. But a flush holds rows of all partitions of a loop that were due, and those of most may be taken. So
//! one that is refused again and again goes on in parts, one a partition, each of which is sent, sent again and settled alone. Until then
//! its partition is held: it is not read, and sends no more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info, warn};

use super::problem::Problem;
use super::publishing::FlushBatch;
use super::turn::Loop;
use super::{Checkpoints, Notice, Observer, Sink, Source, WorkerError};
use crate::assignment::{Assignment, AssignmentId, Event};
use crate::failure::Failure;
use crate::record::Partition;
use crate::row::Rows;

/// How often a flush is refused before it goes on in parts.
const REFUSALS: u32 = 3;

impl<S: Source, K: Sink, C: Checkpoints, O: Observer> Loop<'_, S, K, C, O> {
    /// An attempt failed: the same again, after a wait, or part by part.
    pub(super) fn failed(&mut self, mut batch: Box<FlushBatch>, failure: Failure) -> Result<(), WorkerError> {
        batch.failures = batch.failures.saturating_add(1);
        batch.refusals = batch.refusals.saturating_add(u32::from(self.sink.refuses(&failure)));
        if let Some(id) = batch.apart {
            return self.part_failed(id, batch, &failure);
        }
        let wait = match failure {
            Failure::Operator(message) if batch.refusals >= REFUSALS && self.holds_up_others(&batch) => {
                return self.send_apart(*batch, &message);
            }
            Failure::Operator(message) => {
                self.problems.add(Problem::Insert, &message, self.observer);
                self.settings.backoff.max
            }
            Failure::Transient(message) => {
                let wait = self.wait(batch.failures);
                warn!(error = message, rows = batch.rows.len(), ?wait, "could not insert, trying again");
                wait
            }
        };
        self.insert(batch, wait);
        Ok(())
    }

    /// Whether this loop has any other partition than one that a flush is of.
    fn holds_up_others(&self, batch: &FlushBatch) -> bool {
        let covered = |partition| batch.covers.iter().any(|cover| cover.id.partition == partition);
        batch.covers.len() > 1 || self.assignments.keys().any(|partition| !covered(*partition))
    }

    fn send_apart(&mut self, mut batch: FlushBatch, why: &str) -> Result<(), WorkerError> {
        let partitions: Vec<Partition> = batch.covers.iter().map(|cover| cover.id.partition).collect();
        warn!(?partitions, error = why, "refused again and again: each of these is sent alone, and those that are taken go on");
        batch.begin_again();
        let (parts, held) = self.part(batch);
        for part in parts {
            self.insert(Box::new(part), Duration::ZERO);
        }
        if !self.in_flight.fails() {
            self.problems.resolve(Problem::Insert, self.observer);
        }
        self.turns().and(held)
    }

    /// Takes a flush apart, and holds its partitions. Nothing is left of those that this loop has no more: whoever reads them on sends
    /// their rows.
    fn part(&mut self, batch: FlushBatch) -> (Vec<FlushBatch>, Result<(), WorkerError>) {
        self.in_flight.settle(&batch);
        let parts: Vec<FlushBatch> =
            batch.apart().into_iter().filter(|part| part.apart.is_some_and(|id| self.sends(id))).collect();
        parts.iter().for_each(|part| self.in_flight.seal(part));
        let told: Vec<_> = parts.iter().filter_map(|part| part.apart).map(|id| self.answer(id, Event::Held(true))).collect();
        (parts, told.into_iter().collect())
    }

    /// Whether rows of an assignment are this loop's to send.
    fn sends(&self, id: AssignmentId) -> bool {
        self.held(id).and_then(Assignment::running).is_some()
    }

    /// A part is sent again until it is taken, or its partition is another's, or opened again.
    fn part_failed(&mut self, id: AssignmentId, part: Box<FlushBatch>, failure: &Failure) -> Result<(), WorkerError> {
        if !self.sends(id) {
            self.in_flight.settle(&part);
            if !self.in_flight.fails_anywhere() {
                // Nobody sends it again, so nothing else would say that the store may be well.
                self.observer.notice(Notice::Inserted(Ok(())));
            }
            return self.turns();
        }
        // What was refused is, whatever comes between.
        let wait = if part.refusals > 0 { self.settings.backoff.max } else { self.wait(part.failures) };
        if let Failure::Operator(why) = failure {
            error!(partition = %id.partition, problem = why, ?wait, "operator action required; this partition waits, the others go on");
            self.problems.untaken(id.partition, why, self.observer);
        } else {
            warn!(partition = %id.partition, error = %failure, ?wait, "could not insert, trying again");
        }
        self.insert(part, wait);
        Ok(())
    }

    /// A flush is settled. A partition that waited for its part goes on.
    pub(super) fn settled(&mut self, batch: &FlushBatch) -> Result<(), WorkerError> {
        self.in_flight.settle(batch);
        let Some(id) = batch.apart.filter(|id| self.sends(*id) && !self.in_flight.has_apart(*id)) else { return Ok(()) };
        info!(partition = %id.partition, "its rows are taken: it goes on");
        self.problems.resolve(Problem::Untaken(id.partition), self.observer);
        self.answer(id, Event::Held(false))
    }

    /// Those whose turn it is append their `progress`; whoever waits for a part waits in parts.
    pub(super) fn turns(&mut self) -> Result<(), WorkerError> {
        let mut all_held = Ok(());
        while let Some(behind) = self.in_flight.next_behind_a_part() {
            let (parts, held) = self.part(behind);
            parts.into_iter().for_each(|part| self.in_flight.wait(part));
            all_held = all_held.and(held);
        }
        while let Some(next) = self.in_flight.next_in_turn() {
            self.append(Box::new(next), Duration::ZERO);
        }
        all_held
    }
}

impl FlushBatch {
    /// What one more failure of it asks for.
    pub(super) fn judge(&mut self, failure: Failure, sink: &impl Sink) -> Failure {
        let unknown = sink.unknown(&failure);
        self.patience.judge(failure, unknown)
    }

    /// What each of its partitions has in it, but for its state: that takes room, of which others need some, and is taken again.
    fn apart(self) -> Vec<FlushBatch> {
        let FlushBatch { number, rows, later, sent, covers, stamps, patience, place, .. } = self;
        let progress = later.iter().chain([&rows]).flat_map(|rows| &rows.progress);
        let sources: Vec<Arc<str>> = progress.map(|progress| Arc::clone(&progress.source)).collect();
        let each = |all: Vec<Rows>| all.into_iter().map(by_source).collect::<Vec<_>>();
        let (mut rows, mut later, mut sent) = (by_source(rows), each(later), each(sent));
        let take = |rows: &mut BTreeMap<Arc<str>, Rows>, source: &str| rows.remove(source).unwrap_or_default();
        let parts = covers.into_iter().zip(stamps).zip(sources).map(|((cover, stamps), source)| {
            let mut part = FlushBatch {
                number,
                rows: take(&mut rows, &source),
                later: later.iter_mut().map(|rows| take(rows, &source)).collect(),
                sent: sent.iter_mut().map(|rows| take(rows, &source)).collect(),
                covers: vec![cover],
                stamps: vec![stamps],
                patience,
                place,
                apart: Some(cover.id),
                ..FlushBatch::default()
            };
            part.of = super::of(part.later.iter().chain([&part.rows]).flat_map(|rows| &rows.progress));
            part
        });
        parts.collect()
    }
}

fn by_source(rows: Rows) -> BTreeMap<Arc<str>, Rows> {
    let mut all: BTreeMap<Arc<str>, Rows> = BTreeMap::new();
    macro_rules! add {
        ($($table:ident),+) => {
            let Rows { $($table),+ } = rows;
            $($table.into_iter().for_each(|row| all.entry(Arc::clone(&row.source)).or_default().$table.push(row));)+
        };
    }
    add!(roots, activity_windows, cascades, threads, clicks, visits, conversions, costs, assignments, reports, rejects, progress);
    all
}

#[cfg(test)]
mod tests {
    use super::super::publishing::Cover;
    use super::*;
    use crate::record::Partition;
    use crate::row::{Progress, Root};

    fn id(partition: i32) -> AssignmentId {
        AssignmentId { partition: Partition(partition), number: 1 }
    }

    /// A flush of two partitions, of which one has a post.
    fn batch() -> FlushBatch {
        let source = |partition: i32| format!("t/{partition}").into();
        let progress = [3, 5].map(|partition| Progress { source: source(partition), version: 9, ..Progress::default() });
        let roots = vec![Root { source: source(5), ..Root::default() }];
        let covers = [3, 5].map(|partition| Cover { id: id(partition), next: 9, whole: false });
        let rows = Rows { roots, progress: progress.into(), ..Rows::default() };
        let mut batch = FlushBatch { number: 7, rows, covers: covers.into(), stamps: vec![None, None], ..FlushBatch::default() };
        batch.seal();
        batch
    }

    #[test]
    fn each_part_has_all_of_one_partition_wherever_the_flush_has_come_to() {
        for advanced in 0..3 {
            let mut whole = batch();
            for _ in 0..advanced {
                whole.advance();
            }
            let mut parts = whole.apart();
            assert_eq!(parts.len(), 2);
            for (part, (partition, posts)) in parts.iter_mut().zip([(3, 0), (5, 1)]) {
                assert!(part.apart == Some(id(partition)) && part.number == 7 && part.covers.len() == 1);
                assert_eq!(part.of, format!("t/{partition}@9"));
                part.begin_again();
                assert_eq!(part.rows.roots.len(), posts);
                assert!(!part.advance() && part.rows.is_empty());
                assert!(part.advance() && part.rows.progress.len() == 1, "progress comes last");
            }
        }
    }
}
