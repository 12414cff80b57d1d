//! The log as it was passed over: how far, what was missing, and whether that can be told.

use std::ops::Range;

use crate::record::Offset;

/// What was seen of the log.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) next: Offset,
    /// Those that are in the counts of the state.
    pub(super) records: u64,
    /// Where none are.
    uncounted: Vec<Range<Offset>>,
    /// From the first gap between records to the last.
    pub(super) gaps: Option<Range<Offset>>,
    /// Whether it has begun where it was asked to begin, all the time.
    pub(super) is_uncut: bool,
    /// Whether compaction takes records out of it.
    pub(super) is_compacted: bool,
}

impl Passed {
    /// It is read from an offset on.
    pub(super) fn new(next: Offset, uncounted: Vec<Range<Offset>>) -> Passed {
        Passed { next, records: 0, uncounted, gaps: None, is_uncut: true, is_compacted: false }
    }

    /// A record stands at an offset.
    pub(super) fn note(&mut self, at: Offset) {
        self.go_on(at);
        self.next = at + 1;
        self.records += u64::from(self.counts(at));
    }

    /// Whether a record at an offset is in the counts of the state.
    pub(super) fn counts(&self, at: Offset) -> bool {
        !self.uncounted.iter().any(|part| part.contains(&at))
    }

    /// The log goes on at an offset, with nothing before it.
    pub(super) fn go_on(&mut self, at: Offset) {
        if at > self.next {
            let first = self.gaps.as_ref().map_or(self.next, |gaps| gaps.start);
            self.gaps = Some(first..at);
            self.next = at;
        }
    }
}
