//! When the first record was written that is not committed yet: what a log that forgets old records must still hold.
//!
//! Only some places of the log are remembered, so the time may be that of a record before it: too early, never too late.

use std::collections::VecDeque;

use crate::record::{Millis, Offset};

/// Places that are remembered at most.
const PLACES_MAX: usize = 512;

/// Places of a partition at or behind what is committed.
#[derive(Debug, Default)]
pub(super) struct Uncommitted {
    /// Offsets up to which was read, and when the last record before each was written; ascending.
    places: VecDeque<(Offset, Millis)>,
    /// How many places are left out after each, and how many were since the last one.
    leaves_out: usize,
    left_out: usize,
}

impl Uncommitted {
    /// Everything below `next` is read, and the last record of it was written then.
    pub(super) fn read_to(&mut self, next: Offset, written: Millis) {
        if self.places.back().is_some_and(|(last, _)| *last == next) {
            return;
        }
        // It is read again from further back: what was known of later places is not what is the oldest now.
        if self.places.back().is_some_and(|(last, _)| *last > next) {
            *self = Uncommitted::default();
        }
        if self.left_out < self.leaves_out {
            self.left_out += 1;
            return;
        }
        if self.places.len() == PLACES_MAX {
            // Every other one stays, the first among them; from now on they come that far apart.
            self.places = self.places.iter().step_by(2).copied().collect();
            self.leaves_out = 2 * self.leaves_out + 1;
        }
        self.left_out = 0;
        self.places.push_back((next, written));
    }

    /// Everything below this offset is committed.
    pub(super) fn committed(&mut self, offset: Offset) {
        while self.places.get(1).is_some_and(|(next, _)| *next <= offset) {
            self.places.pop_front();
        }
        if self.places.len() == 1 {
            (self.leaves_out, self.left_out) = (0, 0);
        }
    }

    /// When the first record was written that is not committed; nothing if that is not known.
    pub(super) fn since(&self) -> Option<Millis> {
        self.places.front().map(|(_, written)| *written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_old_as_the_last_place_that_is_committed() {
        let mut uncommitted = Uncommitted::default();
        assert_eq!(uncommitted.since(), None);
        for next in 1..=10 {
            uncommitted.read_to(10 * next, 1000 * i64::try_from(next).unwrap());
        }
        uncommitted.committed(5);
        assert_eq!(uncommitted.since(), Some(1000), "nothing older is known");
        uncommitted.committed(49);
        assert_eq!(uncommitted.since(), Some(4000));
        uncommitted.committed(50);
        assert_eq!(uncommitted.since(), Some(5000));
        uncommitted.committed(1000);
        assert_eq!(uncommitted.since(), Some(10_000));
    }

    #[test]
    fn what_is_read_again_is_as_old_as_it_was() {
        let mut uncommitted = Uncommitted::default();
        (1..=10).for_each(|next| uncommitted.read_to(10 * next, 1000 * i64::try_from(next).unwrap()));
        uncommitted.committed(90);
        uncommitted.read_to(30, 3000);
        uncommitted.read_to(40, 4000);
        assert_eq!(uncommitted.since(), Some(3000));
    }

    #[test]
    fn a_commit_that_never_comes_costs_no_memory_and_makes_nothing_younger() {
        let mut uncommitted = Uncommitted::default();
        for next in 1..=100_000_u64 {
            uncommitted.read_to(next, i64::try_from(next).unwrap());
            assert!(uncommitted.places.len() <= PLACES_MAX);
        }
        assert_eq!(uncommitted.since(), Some(1));
        uncommitted.committed(70_000);
        let since = uncommitted.since().unwrap();
        assert!(since <= 70_000 && since > 69_400, "{since}");
    }
}
