//! Whether every partition is assigned to a member, which members with names cannot take for granted.
//!
//! A member gives partitions up and dies before it has joined again: if it comes back under its name, the group hands it
//! what it had been left with, without a rebalance, and what it gave up stays unassigned. So whoever has a name looks now
//! and then, and in the end forces a rebalance by rejoining. Decides when; asks nobody itself.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::record::Partition;

/// How often the group is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A question that was not answered for so long was lost.
const LOOK_DEADLINE: Duration = Duration::from_secs(30);

/// While a member gives partitions up they are unassigned; that takes the deadline of a revocation, and little more.
const UNCOVERED_FOR: Duration = Duration::from_secs(10);

/// One member asks for a rebalance; if that was not enough, all do.
const UNCOVERED_FOR_LONG: Duration = Duration::from_secs(40);

/// Leaving takes the deadline of a revocation.
const LEAVING_FOR: Duration = Duration::from_secs(10);

/// What a group at rest gives to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How many partitions the topic has.
    pub partitions: usize,
    /// Those that a member has.
    pub given: BTreeSet<Partition>,
}

/// What was seen of the group last. Members without a name look at nothing.
#[derive(Debug)]
pub(super) struct Coverage {
    looks: bool,
    look_at: Duration,
    unassigned: Option<usize>,
    uncovered_since: Option<Duration>,
    /// Since when this member is on its way out of the group, to join it again.
    leaving_since: Option<Duration>,
}

impl Coverage {
    pub(super) fn new(looks: bool) -> Coverage {
        Coverage { looks, look_at: LOOK_EVERY, unassigned: None, uncovered_since: None, leaving_since: None }
    }

    /// How many partitions are unassigned, as far as was seen.
    pub(super) fn unassigned(&self) -> Option<usize> {
        self.unassigned
    }

    /// Whether to look at the group now. The next look waits for the answer.
    pub(super) fn is_due(&mut self, now: Duration) -> bool {
        let due = self.looks && now >= self.look_at;
        if due {
            self.look_at = now + LOOK_DEADLINE;
        }
        due
    }

    /// Takes an answer; nothing if the group was not at rest. Says for how long something has been unassigned, if this
    /// member should leave the group and join it again because of it.
    pub(super) fn see(&mut self, now: Duration, seen: Option<&Seen>, owned: &BTreeSet<Partition>) -> Option<Duration> {
        self.look_at = now + LOOK_EVERY;
        let Seen { partitions, given } = seen?;
        let unassigned = partitions.saturating_sub(given.len());
        self.unassigned = Some(unassigned);
        self.uncovered_since = (unassigned > 0).then(|| self.uncovered_since.unwrap_or(now));
        let uncovered_for = now.saturating_sub(self.uncovered_since?);
        // One is enough; which one, they agree about without a word.
        let first = given.first().is_none_or(|first| owned.contains(first));
        let patience = if first { UNCOVERED_FOR } else { UNCOVERED_FOR_LONG };
        if uncovered_for < patience || self.leaving_since.is_some() {
            return None;
        }
        (self.uncovered_since, self.leaving_since) = (None, Some(now));
        Some(uncovered_for)
    }

    /// Whether this member is on its way out; `late` if it has been for too long.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving_since.is_some()
    }

    pub(super) fn leaves_too_long(&self, now: Duration) -> bool {
        self.leaving_since.is_some_and(|since| now.saturating_sub(since) > LEAVING_FOR)
    }

    /// It is back, or on its way back.
    pub(super) fn joined_again(&mut self) {
        self.leaving_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(given: &[i32]) -> Seen {
        Seen { partitions: 3, given: given.iter().copied().map(Partition).collect() }
    }

    fn second(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn only_what_stays_uncovered_makes_the_first_member_leave_and_later_all() {
        for (owned, patience) in [(0, UNCOVERED_FOR), (1, UNCOVERED_FOR_LONG)] {
            let owned = BTreeSet::from([Partition(owned)]);
            let mut coverage = Coverage::new(true);
            assert_eq!(coverage.unassigned(), None);
            assert_eq!(coverage.see(second(1), Some(&seen(&[0, 1])), &owned), None);
            assert_eq!(coverage.see(second(2), Some(&seen(&[0, 1, 2])), &owned), None);
            assert_eq!(coverage.unassigned(), Some(0));
            assert_eq!(coverage.see(second(100), Some(&seen(&[0, 1])), &owned), None, "grows old from now on");
            assert_eq!(coverage.see(second(101), None, &owned), None, "not at rest");
            assert_eq!(coverage.see(second(99) + patience, Some(&seen(&[0, 1])), &owned), None);
            assert_eq!(coverage.see(second(100) + patience, Some(&seen(&[0, 1])), &owned), Some(patience));
            assert!(coverage.is_leaving() && !coverage.leaves_too_long(second(100) + patience));
            assert_eq!(coverage.see(second(200) + patience, Some(&seen(&[0, 1])), &owned), None, "leaves already");
            assert!(coverage.leaves_too_long(second(111) + patience));
            coverage.joined_again();
            assert!(!coverage.is_leaving());
        }
    }

    #[test]
    fn a_look_is_due_every_few_seconds_and_only_for_members_with_names() {
        assert!(!Coverage::new(false).is_due(second(100)));
        let mut coverage = Coverage::new(true);
        assert!(!coverage.is_due(second(1)));
        assert!(coverage.is_due(second(5)));
        assert!(!coverage.is_due(second(11)), "the answer is on its way");
        coverage.see(second(12), None, &BTreeSet::new());
        assert!(coverage.is_due(second(17)));
        assert!(coverage.is_due(second(60)), "the answer was lost");
    }
}
