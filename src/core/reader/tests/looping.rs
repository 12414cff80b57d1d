//! The loop of a history: it starts, compares, puts aside and gives back partitions as loops do, each in its own time.

use std::collections::VecDeque;
use std::time::Duration;

use super::fault::Fault;
use super::history::History;
use super::log::Entry;
use super::oracle::{Held, Holding};
use crate::reader::{Delivery, Item, Problem};
use crate::record::{Offset, Partition};

/// What the loop will do.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    Start(Partition),
    Compare(Partition),
    Release(Vec<Partition>),
    GoOn(Partition),
    Unpause,
}

impl History {
    /// The loop hears something.
    pub(super) fn hear(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Assigned(partitions) => {
                self.disturbances += self.group.all.len() as u64;
                for partition in partitions {
                    let (next, last) = self.oracle.durable.get(&partition).copied().unwrap_or_default();
                    self.oracle.held.insert(partition, Held { next, last, state: Holding::Opening });
                    self.plan(300, Plan::Start(partition));
                }
            }
            Delivery::Records(partition, range) => {
                let items = self.batches.0[&partition][range].to_vec();
                for item in items {
                    let Item::Record(offset) = item else { panic!("{item:?} was handed out as a record") };
                    if !self.cut.contains(&partition) {
                        self.oracle.record(partition, offset, &self.logs[&partition]);
                    }
                }
                self.put_one_aside(15);
                self.hold(partition);
            }
            Delivery::End(partition, end) => {
                if !self.cut.contains(&partition) {
                    self.oracle.end(partition, end, &self.logs[&partition]);
                }
            }
            Delivery::Doubted(partition) => {
                self.faults.note(Fault::LogDoubted);
                self.assert_doubtful(partition);
                self.disturbances += 3;
                self.plan(50, Plan::Compare(partition));
            }
            Delivery::Revoked(partitions) => self.revoked(partitions, false),
            Delivery::Lost(partitions) => self.revoked(partitions, true),
            Delivery::Fenced(partitions) => {
                self.oracle.leave(&partitions, true);
                self.oracle.held.retain(|partition, _| !partitions.contains(partition));
                self.plans.retain(|(_, plan)| matches!(plan, Plan::Unpause));
                self.reader.release(&partitions);
            }
        }
    }

    /// The client said that the log does not hold the very place where this partition is read, or did not say which.
    fn assert_doubtful(&self, partition: Partition) {
        let next = self.oracle.held[&partition].next;
        let named = |at| self.client.named.contains(&(partition, at));
        let cut = self.cut.contains(&partition);
        assert!(cut || named(None) || named(Some(next)), "{partition} is doubted though it is read at {next}");
    }

    pub(super) fn revoked(&mut self, partitions: Vec<Partition>, lost: bool) {
        self.disturbances += self.group.all.len() as u64;
        self.oracle.leave(&partitions, lost);
        let slow = self.trouble && self.dice.chance(300);
        if slow {
            self.faults.note(Fault::ReleasedSlowly);
        }
        // Each in its own time.
        for partition in partitions {
            self.plan(if slow { 5_000 } else { 5 }, Plan::Release(vec![partition]));
        }
    }

    pub(super) fn plan(&mut self, within: u64, plan: Plan) {
        let at = self.now + Duration::from_millis(self.dice.below(within));
        self.plans.push((at, plan));
    }

    pub(super) fn put_one_aside(&mut self, per_mille: u64) {
        if !self.trouble || !self.dice.chance(per_mille) {
            return;
        }
        let read = self.oracle.held.iter().filter(|(_, held)| held.state == Holding::Reading);
        let read: Vec<_> = read.map(|(partition, _)| *partition).collect();
        if let Some(partition) = self.dice.one(&read).filter(|_| read.len() > 1) {
            self.put_aside(partition);
        }
    }

    /// A partition waits for its rows while the others go on.
    fn hold(&mut self, partition: Partition) {
        if !self.trouble || !self.dice.chance(20) {
            return;
        }
        let Some(held) = self.oracle.held.get_mut(&partition).filter(|held| held.state == Holding::Reading) else { return };
        self.faults.note(Fault::Held);
        held.state = Holding::Held;
        self.reader.pause(self.now, Some(partition), true);
        // Sometimes longer than a fetcher may be silent.
        let within = if self.dice.chance(100) { 150_000 } else { 3_000 };
        self.plan(within, Plan::GoOn(partition));
    }

    pub(super) fn put_aside(&mut self, partition: Partition) {
        self.faults.note(Fault::PutAside);
        if let Some(held) = self.oracle.held.get_mut(&partition) {
            held.state = Holding::Aside;
        }
        self.reader.release(&[partition]);
    }

    /// The loop does what it has planned.
    pub(super) fn act(&mut self) {
        let due: VecDeque<_> = self.plans.extract_if(.., |(at, _)| *at <= self.now).map(|(_, plan)| plan).collect();
        for plan in due {
            match plan {
                Plan::Unpause => self.reader.pause(self.now, None, false),
                Plan::Release(partitions) => {
                    self.oracle.held.retain(|partition, _| !partitions.contains(partition));
                    self.reader.release(&partitions);
                }
                Plan::Start(partition) => {
                    let Some(held) = self.oracle.held.get_mut(&partition) else { continue };
                    if held.state == Holding::Opening {
                        held.state = Holding::Reading;
                        let next = held.next;
                        self.start(partition, next);
                    }
                }
                Plan::Compare(partition) => self.compare(partition),
                Plan::GoOn(partition) => {
                    let Some(held) = self.oracle.held.get_mut(&partition) else { continue };
                    if held.state == Holding::Held {
                        held.state = Holding::Reading;
                        self.reader.pause(self.now, Some(partition), false);
                    }
                }
            }
        }
    }

    pub(super) fn start(&mut self, partition: Partition, next: Offset) {
        self.disturbances += 1;
        if let Err(problem) = self.reader.start(self.now, partition, next) {
            // What it tells of that is on its way.
            assert!(problem.is_transient(), "{problem:?}");
        }
    }

    /// The log is doubted: the last record that was read is read once more.
    pub(super) fn compare(&mut self, partition: Partition) {
        let Some(held) = self.oracle.held.get_mut(&partition).filter(|held| held.state == Holding::Reading) else { return };
        let log = &self.logs[&partition];
        // A broker that does not know of its loss yet.
        let stale = self.cut.contains(&partition) && self.dice.chance(500);
        let same = held
            .last
            .is_none_or(|(offset, epoch)| offset < log.first || offset < log.end() && log.entry(offset) == Entry::Record(epoch));
        if !stale && (held.next > log.end() || held.next < log.first || !same) {
            return self.put_aside(partition);
        }
        let from = held.last.map(|last| last.0).filter(|last| *last >= log.first).unwrap_or(held.next);
        held.next = from;
        self.start(partition, from);
    }

    pub(super) fn fail(&mut self, problem: &Problem) {
        self.disturbances += 2;
        match problem {
            Problem::Stumbled { .. } | Problem::Waiting(_) => {}
            Problem::CutOff { partition, position, .. } => {
                self.faults.note(Fault::GivenUp);
                let log = &self.logs[partition];
                let gone = self.cut.contains(partition) || *position < log.first || *position > log.end();
                assert!(gone, "{partition} was given up at {position}, and nothing is missing there");
                self.put_aside(*partition);
            }
            Problem::TakenAway(_) | Problem::Away | Problem::Closed | Problem::Unreadable { .. } | Problem::GaveUp(_) => {
                panic!("{problem:?}")
            }
            Problem::Refused { .. } => self.die(),
            Problem::NeedsOperator(_) | Problem::Astray | Problem::AnotherTopic => panic!("{problem:?}"),
        }
    }
}
