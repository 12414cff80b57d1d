//! When a partition holds so much that is no event that its topic must be a wrong one.

use crate::engine::Tally;

/// More than `percent` of rejects among `records` records of a partition, one after another, are too many.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "every key is described in config/worker.toml")]
pub struct Garbage {
    pub percent: u64,
    pub records: u64,
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
