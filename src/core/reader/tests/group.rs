//! The group's side of a history: what it gives to this member, takes away, forgets, and what it asks for when.

use std::collections::BTreeSet;

use super::client::{Client, Wish};
use super::dice::Dice;
use super::fault::Fault;
use crate::reader::Seen;
use crate::record::Partition;

/// Who has what, as the group believes.
pub(super) struct Group {
    pub(super) all: BTreeSet<Partition>,
    pub(super) given: BTreeSet<Partition>,
    /// Nobody's, until somebody joins.
    pub(super) forgotten: BTreeSet<Partition>,
    pub(super) subscribed: bool,
    /// How many rebalances there were.
    pub(super) rebalances: u64,
    /// What was given a moment ago is taken away at once.
    hasty: bool,
}

impl Group {
    pub(super) fn new(partitions: i32) -> Group {
        let all = (0..partitions).map(Partition).collect();
        Group { all, given: BTreeSet::new(), forgotten: BTreeSet::new(), subscribed: true, rebalances: 0, hasty: false }
    }

    fn others(&self) -> Vec<Partition> {
        self.all
            .iter()
            .filter(|partition| !self.given.contains(partition) && !self.forgotten.contains(partition))
            .copied()
            .collect()
    }

    /// What a look at the group shows: others have what is not this member's.
    pub(super) fn seen(&self) -> Seen {
        let given = self.all.iter().filter(|partition| !self.forgotten.contains(partition)).copied().collect();
        Seen { partitions: self.all.len(), given }
    }

    /// This member has left, or was fenced: nothing is given to it before it joins again.
    pub(super) fn left(&mut self) {
        self.given.clear();
        self.subscribed = false;
    }

    pub(super) fn joins(&mut self) {
        (self.subscribed, self.forgotten) = (true, BTreeSet::new());
    }

    /// Leaves the group: everything is revoked.
    pub(super) fn leaves(&mut self, client: &mut Client) {
        self.subscribed = false;
        let partitions: Vec<_> = std::mem::take(&mut self.given).into_iter().collect();
        if !partitions.is_empty() {
            client.follows = None;
            client.wish(Wish::Revoke { partitions, lost: false });
        }
    }

    /// In calm weather this member gets all that it does not have.
    pub(super) fn settle(&mut self, client: &mut Client) {
        let others = self.others();
        if client.is_at_rest() && self.subscribed && !others.is_empty() {
            self.assign(client, others);
        }
    }

    fn assign(&mut self, client: &mut Client, partitions: Vec<Partition>) {
        self.rebalances += 1;
        self.given.extend(&partitions);
        client.wish(Wish::Assign(partitions));
    }

    /// Now and then the group wants something.
    pub(super) fn meddle(&mut self, client: &mut Client, dice: &mut Dice, named: bool) {
        let wants = self.hasty || dice.chance(30);
        if !wants || !client.is_at_rest() || !self.subscribed {
            return;
        }
        let hasty = std::mem::take(&mut self.hasty);
        if !hasty && dice.chance(400) {
            let partitions = dice.some(self.others(), 700);
            self.hasty = !partitions.is_empty() && dice.chance(500);
            if partitions.is_empty() {
                client.faults.note(Fault::AssignedNothing);
            }
            self.assign(client, partitions);
            return;
        }
        let lost = !hasty && dice.chance(200);
        let partitions: Vec<_> = dice.some(self.given.iter().copied(), if lost { 1000 } else { 400 });
        if partitions.is_empty() {
            return;
        }
        let revoked = if hasty { Fault::RevokedAfterAssign } else { Fault::Revoked };
        client.faults.note(if lost { Fault::Lost } else { revoked });
        self.rebalances += 2;
        self.given.retain(|partition| !partitions.contains(partition));
        if named && dice.chance(150) {
            client.faults.note(Fault::GivenToNobody);
            self.forgotten.extend(&partitions);
        }
        // What comes back at once, or something that others gave up.
        let follows = dice.some(self.others(), 300);
        self.given.extend(&follows);
        client.follows = (!lost).then_some(follows.clone());
        if lost {
            self.given.retain(|partition| !follows.contains(partition));
        }
        client.wish(Wish::Revoke { partitions, lost });
    }
}
