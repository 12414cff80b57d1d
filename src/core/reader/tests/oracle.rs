//! What the loop was handed, checked record by record against the log.
//!
//! Since its last start each partition hands out every offset that the log holds from there on, in order, once, without a
//! hole; and nothing is handed out of what was revoked, lost or put aside. A log that was cut under its reader is not
//! checked any more: whoever reads it on is told so by the loop's own comparison.

use std::collections::BTreeMap;

use super::log::{Entry, Log};
use crate::record::{Offset, Partition};

/// One partition as the loop has it.
pub(super) struct Held {
    /// First offset that was not handed out.
    pub(super) next: Offset,
    /// The record that was handed out last, and the epoch of its writer.
    pub(super) last: Option<(Offset, u32)>,
    /// What it is: only what is being read may be handed out.
    pub(super) state: Holding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holding {
    Opening,
    Reading,
    /// Not to be handed out for a while.
    Held,
    /// Revoked or lost; not released yet.
    Leaving,
    Aside,
}

#[derive(Default)]
pub(super) struct Oracle {
    pub(super) held: BTreeMap<Partition, Held>,
    /// How far each partition is durable.
    pub(super) durable: BTreeMap<Partition, (Offset, Option<(Offset, u32)>)>,
    pub(super) handed_out: u64,
}

impl Oracle {
    pub(super) fn record(&mut self, partition: Partition, offset: Offset, log: &Log) {
        let held = self.held.get_mut(&partition).unwrap_or_else(|| panic!("{partition} is nobody's, {offset} was handed out"));
        assert_eq!(held.state, Holding::Reading, "{partition} was handed out");
        assert!(offset >= held.next, "{partition}: {offset} was handed out twice, {} is next", held.next);
        let hole = log.record_in(held.next..offset);
        assert_eq!(hole, None, "{partition}: a hole before {offset}, {} was next", held.next);
        let Entry::Record(epoch) = log.entry(offset) else { panic!("{partition}: no record at {offset}") };
        held.next = offset + 1;
        held.last = Some((offset, epoch));
        self.handed_out += 1;
    }

    pub(super) fn end(&mut self, partition: Partition, end: Offset, log: &Log) {
        let held = self.held.get_mut(&partition).unwrap_or_else(|| panic!("{partition} is nobody's, its end was told"));
        assert_eq!(held.state, Holding::Reading, "the end of {partition} was told");
        assert!(end >= held.next, "{partition}: the end {end} lies behind, {} is next", held.next);
        let hole = log.record_in(held.next..end);
        assert_eq!(hole, None, "{partition}: a hole before the end {end}, {} was next", held.next);
        held.next = end;
    }

    /// Everything of these is durable; or, if they were lost, what was so before.
    pub(super) fn leave(&mut self, partitions: &[Partition], lost: bool) {
        for partition in partitions {
            if let Some(held) = self.held.get_mut(partition) {
                if !lost && matches!(held.state, Holding::Reading | Holding::Held) {
                    self.durable.insert(*partition, (held.next, held.last));
                }
                held.state = Holding::Leaving;
            }
        }
    }

    /// Nothing that was told to leave is still held.
    pub(super) fn assert_all_released(&self, what: &str) {
        let leaving: Vec<_> = self.held.iter().filter(|(_, held)| held.state == Holding::Leaving).collect();
        assert!(leaving.is_empty(), "{what} before {} was released", leaving[0].0);
    }

    /// The first partition of those that has not been read to the last record of its log.
    pub(super) fn behind(
        &self,
        partitions: impl Iterator<Item = Partition>,
        logs: &BTreeMap<Partition, Log>,
    ) -> Option<Partition> {
        let done = |partition: &Partition| match self.held.get(partition) {
            Some(Held { state: Holding::Aside, .. }) => true,
            Some(Held { state: Holding::Reading, next, .. }) => logs[partition].last_record().is_none_or(|last| last < *next),
            Some(_) | None => false,
        };
        partitions.into_iter().find(|partition| !done(partition))
    }
}
