//! What the loop knows of each partition that it holds.

use std::sync::Arc;

use tokio::time::Instant;

use super::Bounds;
use super::insertion::Tenure;
use super::observer::Position;
use crate::config::Garbage;
use crate::engine::{Engine, Tally};
use crate::event::UnknownFields;
use crate::record::{Offset, Partition};

/// A partition that the group has given to this loop.
pub(super) struct Held {
    pub(super) tenure: Tenure,
    pub(super) source: Arc<str>,
    pub(super) state: State,
}

/// How far a partition is on its way to being read.
pub(super) enum State {
    /// The stores are being asked what they know of it.
    Opening,
    /// Its first checkpoint is being published before any row: nobody knows it, or its limits have changed.
    Founding(Box<Founding>),
    /// It is read.
    Running(Box<Running>),
    /// It must not be read on, and why. It waits for somebody who acts and starts the worker again.
    Refused(String),
}

/// A partition whose first checkpoint is being published.
pub(super) struct Founding {
    pub(super) engine: Engine,
    /// Where its log began and ended when it was opened.
    pub(super) bounds: Bounds,
    /// How often opening it had failed before.
    pub(super) failures: u32,
}

/// A partition that is read.
pub(super) struct Running {
    pub(super) engine: Engine,
    /// `next` of the last flush; `None` before the first, which writes at least the row of `progress`.
    pub(super) flushed: Option<Offset>,
    /// Everything below is in the store.
    pub(super) durable: Option<Offset>,
    /// `next` of the newest published checkpoint.
    pub(super) published: Offset,
    /// What the group has committed.
    pub(super) committed: Option<Offset>,
    /// Whether the log has still to show that it is the one that was read before.
    pub(super) unrecognised: bool,
    /// Whether its bounds are being asked for, because its log is doubted.
    pub(super) comparing: bool,
    /// Whether more than a batch is still to be read.
    pub(super) behind: bool,
    /// How large the snapshot is that waits for its rows, or for the checkpoint store, if one does.
    pub(super) publishing: Option<usize>,
    /// When the next checkpoint is due.
    pub(super) checkpoint_at: Instant,
    /// Checkpoints that failed since one succeeded.
    pub(super) failures: u32,
    /// Records and rejects since the share of rejects was last looked at.
    pub(super) recent: Recent,
    /// Fields that nobody reads, since the last flush.
    pub(super) unknown: UnknownFields,
}

/// Records of one stretch of a partition, and the rejects among them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recent {
    pub(super) read: u64,
    pub(super) rejected: u64,
}

impl Recent {
    pub(super) fn add(&mut self, tally: &Tally) {
        self.read += tally.read();
        self.rejected += tally.rejected.iter().sum::<u64>();
    }

    /// A stretch that is long enough ends; it is given back if too much of it is no event.
    pub(super) fn garbage(&mut self, bound: Garbage) -> Option<Recent> {
        if self.read < bound.records {
            return None;
        }
        let ended = std::mem::take(self);
        (ended.rejected * 100 > ended.read * bound.percent).then_some(ended)
    }
}

impl Running {
    /// Whether a flush would say something new.
    pub(super) fn has_moved(&self) -> bool {
        self.flushed != Some(self.engine.next())
    }

    /// When a checkpoint should be taken; `None` while one is under way or when it would say nothing new.
    pub(super) fn checkpoint_due(&self) -> Option<Instant> {
        let useful = self.publishing.is_none() && self.engine.next() > self.published;
        useful.then_some(self.checkpoint_at)
    }

    /// What the group should have committed by now. Nothing in a log that may not be the one that was read.
    pub(super) fn uncommitted(&self) -> Option<Offset> {
        if self.unrecognised {
            return None;
        }
        (self.committed < Some(self.published)).then_some(self.published)
    }

    pub(super) fn position(&self, partition: Partition) -> Position {
        Position {
            partition,
            next: self.engine.next(),
            durable: self.durable,
            published: self.published,
            committed: self.committed,
        }
    }
}

impl Held {
    pub(super) fn running(&mut self) -> Option<&mut Running> {
        match &mut self.state {
            State::Running(running) => Some(running),
            State::Opening | State::Founding(_) | State::Refused(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_garbage_when_more_than_its_share_is_rejected() {
        let bound = Garbage { percent: 90, records: 100 };
        let garbage = |read, rejected| Recent { read, rejected }.garbage(bound).is_some();
        assert!(!garbage(99, 99), "too short to tell");
        assert!(!garbage(100, 90) && garbage(100, 91));
        assert!(Recent { read: 100, rejected: 100 }.garbage(Garbage { percent: 100, ..bound }).is_none());
    }

    #[test]
    fn every_stretch_is_judged_by_itself() {
        let bound = Garbage { percent: 50, records: 10 };
        let mut recent = Recent { read: 10, rejected: 0 };
        assert!(recent.garbage(bound).is_none());
        recent.read += 10;
        recent.rejected += 6;
        assert!(recent.garbage(bound).is_some(), "what was good before does not count");
    }
}
