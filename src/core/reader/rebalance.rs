//! What the group wants of this member, in the order in which it said so, and what it has not been answered yet.
//!
//! Keeps: one rebalance is answered after the other, an assignment never before the revocation that came first, and a
//! revocation never before all of it was released.

use std::collections::{BTreeSet, VecDeque};

use crate::record::Partition;

/// What the group wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Assigned(Vec<Partition>),
    Revoked { partitions: Vec<Partition>, lost: bool },
}

/// The rebalances that the client told of.
#[derive(Debug, Default)]
pub(super) struct Rebalance {
    events: VecDeque<Event>,
    /// An assignment that is to be accepted.
    accepting: Option<Vec<Partition>>,
    /// What of a revocation that is to be answered was not released yet.
    revoking: Option<BTreeSet<Partition>>,
}

impl Rebalance {
    pub(super) fn note(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// The next event that may be worked on: another revocation joins the one under way, an assignment waits for it.
    pub(super) fn next(&mut self) -> Option<Event> {
        let waits = match self.events.front()? {
            Event::Assigned(_) => self.is_under_way(),
            Event::Revoked { .. } => self.accepting.is_some(),
        };
        if waits { None } else { self.events.pop_front() }
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.accepting.is_some() || self.revoking.is_some()
    }

    pub(super) fn accept(&mut self, partitions: Vec<Partition>) {
        self.accepting = Some(partitions);
    }

    pub(super) fn is_accepting(&self) -> bool {
        self.accepting.is_some()
    }

    /// The assignment was accepted.
    pub(super) fn accepted(&mut self) -> Vec<Partition> {
        self.accepting.take().unwrap_or_default()
    }

    pub(super) fn revoke(&mut self, partitions: &[Partition]) {
        self.revoking.get_or_insert_default().extend(partitions);
    }

    pub(super) fn release(&mut self, partition: Partition) {
        if let Some(waiting) = &mut self.revoking {
            waiting.remove(&partition);
        }
    }

    /// Whether a revocation can be answered.
    pub(super) fn is_released(&self) -> bool {
        self.revoking.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// The revocation was answered.
    pub(super) fn answered(&mut self) {
        self.revoking = None;
    }

    /// The client is gone, and what it wanted with it. Says what was still to be released.
    pub(super) fn forget(&mut self) -> BTreeSet<Partition> {
        std::mem::take(self).revoking.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revoked(partition: i32) -> Event {
        Event::Revoked { partitions: vec![Partition(partition)], lost: false }
    }

    #[test]
    fn an_assignment_waits_for_the_revocation_before_it() {
        let mut rebalance = Rebalance::default();
        for event in [revoked(0), revoked(1), Event::Assigned(vec![Partition(0)]), revoked(0)] {
            rebalance.note(event);
        }
        for partition in [0, 1] {
            assert_eq!(rebalance.next(), Some(revoked(partition)));
            rebalance.revoke(&[Partition(partition)]);
        }
        assert_eq!(rebalance.next(), None);
        rebalance.release(Partition(1));
        assert!(!rebalance.is_released());
        rebalance.release(Partition(0));
        assert!(rebalance.is_released() && rebalance.next().is_none());
        rebalance.answered();
        assert_eq!(rebalance.next(), Some(Event::Assigned(vec![Partition(0)])));
        rebalance.accept(vec![Partition(0)]);
        assert_eq!(rebalance.next(), None, "not accepted yet");
        assert_eq!(rebalance.accepted(), [Partition(0)]);
        assert_eq!(rebalance.next(), Some(revoked(0)));
    }
}
