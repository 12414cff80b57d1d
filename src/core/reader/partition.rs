//! One partition that is read: how far, and what of its last batch is still in hand.
//!
//! Asks the client nothing: it says what state it is in (`fetcher.rs`), and the reader turns that into commands. Keeps: what is handed
//! out begins at `position` and has no hole that the log did not show twice, or that was not counted as believed unasked.

use std::ops::Range;
use std::time::Duration;

use super::{Gaps, Item};
use crate::record::Offset;

mod fetcher;

pub(super) use fetcher::{CutOff, State};

/// Apart from the first thing after an end, a move or a start, a gap of a partition is asked again this often at most.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// How often in a row a gap that changes each time is asked again.
const ASKS_MAX: u8 = 3;

/// What is next in the batch in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Front {
    Records(Range<usize>),
    End(Offset),
    /// The error at this index.
    Error(usize),
    /// Nothing that can be handed out.
    Nothing,
}

/// A gap that was asked again, and has not been seen a second time yet.
#[derive(Clone, Copy, Debug)]
struct Asked {
    end: Offset,
    times: u8,
    filled: bool,
}

/// One partition that is being read.
#[derive(Debug)]
pub(super) struct Reading {
    /// First offset that has not been handed out.
    pub(super) position: Offset,
    pub(super) state: State,
    /// Whether it is in the client's assignment.
    pub(super) fetched: bool,
    /// Indices of the batch in hand that are still to be handed out.
    rest: Range<usize>,
    /// Nothing but a record makes what follows it trustworthy.
    after_record: bool,
    asked: Option<Asked>,
    ask_at: Duration,
    strange: u8,
    /// Its log was doubted before, and nothing has been handed out since.
    compared: bool,
    heard: Duration,
    probed: bool,
    /// Whether the loop wants none of its records for now.
    pub(super) held: bool,
}

impl Reading {
    pub(super) fn new(now: Duration, position: Offset) -> Reading {
        Reading {
            position,
            state: State::Starting,
            fetched: false,
            rest: 0..0,
            after_record: false,
            asked: None,
            ask_at: now,
            strange: 0,
            compared: false,
            heard: now,
            probed: false,
            held: false,
        }
    }

    /// A batch of so many items has been drained.
    pub(super) fn drained(&mut self, now: Duration, length: usize) {
        self.rest = 0..length;
        if length > 0 {
            self.hear(now);
        }
    }

    pub(super) fn has_rest(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Forgets what is in hand. What was dropped has to be read again, so this goes with a move or an end only.
    pub(super) fn drop_rest(&mut self) {
        self.rest = 0..0;
        self.after_record = false;
    }

    /// Takes the next run of records, or the one item that is none. Records below `position` are left out: the client
    /// fetches again what it handed out while a rebalance began.
    pub(super) fn take_front(&mut self, now: Duration, item: impl Fn(usize) -> Item, gaps: &mut Gaps) -> Front {
        while let Some(index) = self.rest.next() {
            let next = item(index);
            let record = matches!(next, Item::Record(_));
            match next {
                Item::Record(offset) if offset < self.position => {}
                Item::End(offset) if offset < self.position => {}
                Item::Record(offset) | Item::End(offset) if !self.believes(now, offset, record, gaps) => {
                    self.misplace();
                    return Front::Nothing;
                }
                Item::Record(offset) => {
                    self.rest.start = index;
                    return Front::Records(self.take_run(offset, item));
                }
                Item::End(offset) => {
                    self.hand_out(offset, false);
                    return Front::End(offset);
                }
                Item::Error { .. } => return Front::Error(index),
            }
        }
        Front::Nothing
    }

    /// Records without a gap between them, from the front of what is in hand.
    fn take_run(&mut self, first: Offset, item: impl Fn(usize) -> Item) -> Range<usize> {
        let (start, mut next) = (self.rest.start, first);
        while !self.rest.is_empty() && item(self.rest.start) == Item::Record(next) {
            self.rest.start += 1;
            next += 1;
        }
        self.hand_out(next, true);
        start..self.rest.start
    }

    fn hand_out(&mut self, next: Offset, record: bool) {
        (self.position, self.after_record) = (next, record);
        (self.asked, self.strange, self.compared) = (None, 0, false);
    }

    /// Whether something at this offset may be handed out. Real gaps (control records, aborted transactions) look the
    /// same when they are asked for again; what the client skipped does not.
    fn believes(&mut self, now: Duration, offset: Offset, record: bool, gaps: &mut Gaps) -> bool {
        let gap = offset > self.position;
        let Some(asked) = &mut self.asked else {
            if !gap {
                return true;
            }
            if self.after_record && now < self.ask_at {
                gaps.unasked += 1;
                gaps.offsets += offset - self.position;
                return true;
            }
            self.ask(now, offset, 1, false);
            return false;
        };
        // An end inside says only that the log has become shorter.
        if record && offset < asked.end && !asked.filled {
            gaps.filled += 1;
            asked.filled = true;
        }
        if !gap {
            return true;
        }
        if offset == asked.end || asked.times >= ASKS_MAX {
            gaps.confirmed += 1;
            gaps.offsets += offset - self.position;
            return true;
        }
        let (times, filled) = (asked.times + 1, asked.filled);
        self.ask(now, offset, times, filled);
        false
    }

    fn ask(&mut self, now: Duration, end: Offset, times: u8, filled: bool) {
        self.asked = Some(Asked { end, times, filled });
        self.ask_at = now + ASK_EVERY;
    }
}
