//! Flushes on their way to the store: which there are, and in which order they are settled.
//!
//! Rows of several flushes may be under way at once, and arrive in any order: versions settle that. But a flush is *settled*
//! (its `progress` written, its states published, its offsets committed) only after every flush before it that has rows of one
//! of its partitions: else a crash between the two would leave a hole below an offset that counts as done.
//!
//! One that is refused again and again goes on in parts, one a partition, each of which is settled alone (`apart.rs`).

use std::collections::BTreeSet;

use super::publishing::FlushBatch;
use crate::assignment::AssignmentId;

/// How many flushes may be under way: one is encoded and sent while the store still writes the one before.
const MOST: usize = 2;

/// How many, of which some are in parts that are refused: what is kept of them takes memory.
const MOST_WITH_PARTS: usize = 4;

/// Flushes that are not settled; the parts of one stand together.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    flushes: Vec<Flush>,
    /// Flushes whose rows are in the store, and whose turn it is not yet.
    waiting: Vec<FlushBatch>,
}

#[derive(Debug)]
struct Flush {
    number: u64,
    covers: BTreeSet<AssignmentId>,
    /// Whether what its posts say is in the store.
    rooted: bool,
    failed: bool,
    /// Whether it is of one partition, which is held until it is settled, and holds up nobody else.
    apart: bool,
}

impl Flush {
    fn of(batch: &FlushBatch) -> Flush {
        let covers = batch.covers.iter().map(|cover| cover.id).collect();
        Flush { number: batch.number, covers, rooted: false, failed: false, apart: batch.apart.is_some() }
    }

    /// The parts of one have its number, and each a partition of its own.
    fn is(&self, batch: &FlushBatch) -> bool {
        self.number == batch.number && batch.covers.first().is_none_or(|first| self.covers.contains(&first.id))
    }

    fn shares_one_with(&self, batch: &FlushBatch) -> bool {
        self.covers.iter().any(|id| batch.covers.iter().any(|cover| cover.id.partition == id.partition))
    }
}

impl InFlight {
    /// A flush is sent.
    pub(super) fn seal(&mut self, batch: &FlushBatch) {
        self.flushes.push(Flush::of(batch));
    }

    /// Whether another one may be sent: not while one fails, which would only pile up rows behind it, and not before the posts
    /// of all others are in the store, or its rows would show no brand as long as those are tried again.
    pub(super) fn has_room(&self) -> bool {
        let whole = || self.flushes.iter().filter(|flush| !flush.apart);
        let kept = self.flushes.chunk_by(|one, next| one.number == next.number).count();
        let is_bounded = whole().count() < MOST && kept < MOST_WITH_PARTS;
        is_bounded && whole().all(|flush| flush.rooted && !flush.failed)
    }

    /// What the posts of a flush say is in the store.
    pub(super) fn rooted(&mut self, batch: &FlushBatch) {
        self.flushes.iter_mut().filter(|flush| flush.is(batch)).for_each(|flush| flush.rooted = true);
    }

    /// An attempt of a flush failed, or did not.
    pub(super) fn tried(&mut self, batch: &FlushBatch, failed: bool) {
        self.flushes.iter_mut().filter(|flush| flush.is(batch)).for_each(|flush| flush.failed = failed);
    }

    /// Whether any fails that holds up the others.
    pub(super) fn fails(&self) -> bool {
        self.flushes.iter().any(|flush| flush.failed && !flush.apart)
    }

    /// Whether any fails, or any part of one.
    pub(super) fn fails_anywhere(&self) -> bool {
        self.flushes.iter().any(|flush| flush.failed)
    }

    /// Whether any part of a flush is of this assignment.
    pub(super) fn has_apart(&self, id: AssignmentId) -> bool {
        self.flushes.iter().any(|flush| flush.apart && flush.covers.contains(&id))
    }

    /// All rows of a flush are in the store but those of `progress`.
    pub(super) fn wait(&mut self, batch: FlushBatch) {
        self.waiting.push(batch);
    }

    /// A flush is settled, or given up.
    pub(super) fn settle(&mut self, batch: &FlushBatch) {
        self.flushes.retain(|flush| !flush.is(batch));
    }

    /// One that waits for a part of an older flush: for as long as one partition of it does, its others would, too.
    pub(super) fn next_behind_a_part(&mut self) -> Option<FlushBatch> {
        let older = |batch: &FlushBatch| {
            self.flushes.iter().any(|flush| flush.apart && flush.number < batch.number && flush.shares_one_with(batch))
        };
        let at = self.waiting.iter().position(|batch| batch.apart.is_none() && older(batch))?;
        Some(self.waiting.swap_remove(at))
    }

    /// One that waits no longer, if there is any.
    pub(super) fn next_in_turn(&mut self) -> Option<FlushBatch> {
        let at = self.waiting.iter().position(|batch| self.is_first(batch))?;
        Some(self.waiting.swap_remove(at))
    }

    /// Whether no older flush has rows of the same partitions, also of assignments before: what becomes of their `progress` is to be known by then.
    fn is_first(&self, batch: &FlushBatch) -> bool {
        !self.flushes.iter().any(|flush| flush.number < batch.number && flush.shares_one_with(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::super::publishing::Cover;
    use super::*;
    use crate::record::Partition;

    fn batch(number: u64, partitions: &[i32]) -> FlushBatch {
        let id = |partition: &i32| AssignmentId { partition: Partition(*partition), number: 1 };
        let covers = partitions.iter().map(|partition| Cover { id: id(partition), next: number, whole: false }).collect();
        FlushBatch { number, covers, ..FlushBatch::default() }
    }

    fn sealed(batches: &[(u64, &[i32])]) -> InFlight {
        let mut flying = InFlight::default();
        batches.iter().for_each(|(number, partitions)| flying.seal(&batch(*number, partitions)));
        flying
    }

    fn turn(flying: &mut InFlight) -> Option<u64> {
        flying.next_in_turn().map(|batch| batch.number)
    }

    #[test]
    fn the_second_waits_for_the_first_of_its_partitions() {
        let mut flying = sealed(&[(1, &[0, 1]), (2, &[1, 2])]);
        flying.wait(batch(2, &[1, 2]));
        assert_eq!(turn(&mut flying), None, "the rows of the first are not there yet");
        flying.wait(batch(1, &[0, 1]));
        assert_eq!((turn(&mut flying), turn(&mut flying)), (Some(1), None), "its progress is not there yet");
        flying.settle(&batch(1, &[0, 1]));
        assert_eq!(turn(&mut flying), Some(2));
    }

    #[test]
    fn a_partition_that_was_opened_again_waits_for_what_was_sent_before() {
        let mut flying = sealed(&[(1, &[0])]);
        let mut again = batch(2, &[0]);
        again.covers[0].id.number += 1;
        flying.seal(&again);
        flying.wait(again);
        assert_eq!(turn(&mut flying), None, "its progress may be there in a moment");
        flying.settle(&batch(1, &[0]));
        assert_eq!(turn(&mut flying), Some(2));
    }

    #[test]
    fn flushes_of_other_partitions_wait_for_nobody() {
        let mut flying = sealed(&[(1, &[0, 1]), (2, &[2])]);
        flying.wait(batch(2, &[2]));
        assert_eq!(turn(&mut flying), Some(2));
    }

    #[test]
    fn nothing_is_sent_behind_a_failure_or_beyond_the_bound() {
        let mut flying = sealed(&[(1, &[0])]);
        assert!(!flying.has_room(), "its posts are not there yet");
        flying.rooted(&batch(1, &[0]));
        assert!(flying.has_room());
        flying.tried(&batch(1, &[0]), true);
        assert!(!flying.has_room(), "the first fails");
        flying.tried(&batch(1, &[0]), false);
        flying.seal(&batch(2, &[0]));
        flying.rooted(&batch(2, &[0]));
        assert!(!flying.has_room(), "two are under way");
        flying.settle(&batch(1, &[0]));
        assert!(flying.has_room());
    }
    fn part(number: u64, partition: i32) -> FlushBatch {
        let part = batch(number, &[partition]);
        FlushBatch { apart: part.covers.first().map(|cover| cover.id), ..part }
    }

    #[test]
    fn what_goes_on_in_parts_holds_up_its_partitions_alone() {
        let mut flying = sealed(&[(1, &[0, 1]), (2, &[1, 2])]);
        flying.rooted(&batch(1, &[0, 1]));
        flying.rooted(&batch(2, &[1, 2]));
        flying.tried(&batch(1, &[0, 1]), true);
        flying.wait(batch(2, &[1, 2]));
        assert!(flying.next_behind_a_part().is_none(), "nothing is apart");
        flying.settle(&batch(1, &[0, 1]));
        [0, 1].into_iter().for_each(|partition| flying.seal(&part(1, partition)));
        assert!(!flying.fails() && flying.has_room(), "those that are apart hold up nobody");
        let behind = flying.next_behind_a_part().map(|batch| batch.number);
        assert_eq!(behind, Some(2), "its other partition would wait, too");
        flying.settle(&batch(2, &[1, 2]));
        [1, 2].into_iter().for_each(|partition| flying.seal(&part(2, partition)));
        flying.wait(part(2, 1));
        flying.wait(part(2, 2));
        assert!(flying.next_behind_a_part().is_none());
        assert_eq!((turn(&mut flying), turn(&mut flying)), (Some(2), None), "2 goes on, 1 waits for its part of the first");
        flying.tried(&part(1, 1), true);
        assert!(flying.has_apart(part(2, 1).covers[0].id) && !flying.fails());
        flying.settle(&part(1, 1));
        assert!(flying.has_apart(part(1, 0).covers[0].id), "the other part is another's");
        assert_eq!(turn(&mut flying), Some(2));
        flying.settle(&part(2, 1));
        assert!(!flying.has_apart(part(1, 1).covers[0].id));
    }

    #[test]
    fn of_what_is_refused_no_more_than_is_bounded_is_kept() {
        let mut flying = InFlight::default();
        for number in 1..MOST_WITH_PARTS as u64 {
            assert!(flying.has_room());
            [0, 1].into_iter().for_each(|partition| flying.seal(&part(number, 2 * i32::try_from(number).unwrap() + partition)));
        }
        assert!(flying.has_room() && !flying.fails_anywhere());
        flying.seal(&batch(9, &[0]));
        flying.rooted(&batch(9, &[0]));
        assert!(!flying.has_room(), "the rows of four are kept");
        flying.tried(&part(1, 2), true);
        assert!(flying.fails_anywhere() && !flying.fails());
    }
}
