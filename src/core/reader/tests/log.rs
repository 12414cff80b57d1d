//! The log of one partition: records, and offsets at which a reader sees nothing. It can lose its tail and its head.

use std::ops::Range;

use super::dice::Dice;
use crate::record::Offset;

/// What stands at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A record, and the leader's epoch in which it was written.
    Record(u32),
    /// The marker of a transaction: the client sees it and moves its position behind it.
    Control,
    /// A record of an aborted transaction: the client leaves it out.
    Aborted,
}

/// One partition's log.
#[derive(Default)]
pub(super) struct Log {
    entries: Vec<Entry>,
    /// The first offset that it still holds.
    pub(super) first: Offset,
    epoch: u32,
}

fn index(offset: Offset) -> usize {
    usize::try_from(offset).unwrap()
}

impl Log {
    pub(super) fn end(&self) -> Offset {
        self.entries.len() as Offset
    }

    pub(super) fn entry(&self, offset: Offset) -> Entry {
        self.entries[index(offset)]
    }

    pub(super) fn append(&mut self, dice: &mut Dice, transactions: bool) {
        for _ in 0..=dice.below(4) {
            if transactions && dice.chance(80) {
                self.entries.extend(std::iter::repeat_n(Entry::Aborted, usize::from(dice.chance(500))));
                self.entries.push(Entry::Control);
            }
            self.entries.push(Entry::Record(self.epoch));
            // A marker as the last thing of the log.
            if transactions && dice.chance(40) {
                self.entries.push(Entry::Control);
            }
        }
    }

    /// The first record from an offset on.
    pub(super) fn record_in(&self, range: Range<Offset>) -> Option<Offset> {
        range.take_while(|offset| *offset < self.end()).find(|offset| matches!(self.entry(*offset), Entry::Record(_)))
    }

    pub(super) fn last_record(&self) -> Option<Offset> {
        (0..self.end()).rev().find(|offset| matches!(self.entry(*offset), Entry::Record(_)))
    }

    /// A new leader does not have the last entries.
    pub(super) fn truncate(&mut self, end: Offset) {
        self.entries.truncate(index(end));
        self.epoch += 1;
    }
}
