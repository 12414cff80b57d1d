//! Flushes on their way to the store: which there are, and in which order they are settled.
//!
//! Rows of several flushes may be under way at once, and arrive in any order: versions settle that. But a flush is *settled*
//! (its `progress` written, its states published, its offsets committed) only after every flush before it that has rows of one
//! of its partitions: else a crash between the two would leave a hole below an offset that counts as done.

use std::collections::BTreeSet;

use super::publishing::FlushBatch;
use crate::assignment::AssignmentId;

/// How many flushes may be under way: one is encoded and sent while the store still writes the one before.
const MOST: usize = 2;

/// Flushes that are not settled, oldest first.
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
}

impl InFlight {
    /// A flush is sent.
    pub(super) fn seal(&mut self, batch: &FlushBatch) {
        let covers = batch.covers.iter().map(|cover| cover.id).collect();
        self.flushes.push(Flush { number: batch.number, covers, rooted: false, failed: false });
    }

    /// Whether another one may be sent: not while one fails, which would only pile up rows behind it, and not before the posts
    /// of all others are in the store, or its rows would show no brand as long as those are tried again.
    pub(super) fn has_room(&self) -> bool {
        self.flushes.len() < MOST && self.flushes.iter().all(|flush| flush.rooted && !flush.failed)
    }

    /// What the posts of a flush say is in the store.
    pub(super) fn rooted(&mut self, number: u64) {
        self.flushes.iter_mut().filter(|flush| flush.number == number).for_each(|flush| flush.rooted = true);
    }

    /// An attempt of a flush failed, or did not.
    pub(super) fn tried(&mut self, number: u64, failed: bool) {
        self.flushes.iter_mut().filter(|flush| flush.number == number).for_each(|flush| flush.failed = failed);
    }

    /// Whether any fails.
    pub(super) fn fails(&self) -> bool {
        self.flushes.iter().any(|flush| flush.failed)
    }

    /// All rows of a flush are in the store but those of `progress`.
    pub(super) fn wait(&mut self, batch: FlushBatch) {
        self.waiting.push(batch);
    }

    /// A flush is settled.
    pub(super) fn settle(&mut self, number: u64) {
        self.flushes.retain(|flush| flush.number != number);
    }

    /// One that waits no longer, if there is any.
    pub(super) fn next_in_turn(&mut self) -> Option<FlushBatch> {
        let at = self.waiting.iter().position(|batch| self.is_first(batch))?;
        Some(self.waiting.swap_remove(at))
    }

    /// Whether no older flush has rows of the same partitions, also of assignments before: what becomes of their `progress` is to be known by then.
    fn is_first(&self, batch: &FlushBatch) -> bool {
        let older = self.flushes.iter().take_while(|flush| flush.number < batch.number);
        let mut ids = older.flat_map(|flush| &flush.covers);
        !ids.any(|id| batch.covers.iter().any(|cover| cover.id.partition == id.partition))
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
        flying.settle(1);
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
        flying.settle(1);
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
        flying.rooted(1);
        assert!(flying.has_room());
        flying.tried(1, true);
        assert!(!flying.has_room(), "the first fails");
        flying.tried(1, false);
        flying.seal(&batch(2, &[0]));
        flying.rooted(2);
        assert!(!flying.has_room(), "two are under way");
        flying.settle(1);
        assert!(flying.has_room());
    }
}
