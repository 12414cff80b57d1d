//! A model of librdkafka 2.12.1 as a client of one group and topic. It knows nothing of the reader.
//!
//! Three threads: the application's calls, the main thread that works off operations one after the other, and the broker's
//! thread that fetches. Each rule names the file and line of librdkafka 2.12.1 that it stands for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::dice::Dice;
use super::fault::{Fault, Faults};
use super::log::Log;
use super::toppar::{Fetch, Kind, Toppar};
use crate::reader::{Item, PartitionError};
use crate::record::{Offset, Partition};

/// Where the group and the assignment are (`rkcg_join_state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    Steady,
    WaitAssign,
    WaitUnassign,
    /// Partitions stop; the assignment that follows the revocation comes then.
    Unassigning,
}

/// What the group wants.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    Assign(Vec<Partition>),
    Revoke { partitions: Vec<Partition>, lost: bool },
}

/// An operation on its way to the main thread; they are worked off in their order (`rk_ops`, rdkafka_partition.c:291).
#[derive(Clone, Debug)]
enum Op {
    Group(Wish),
    Assign(Vec<(Partition, Offset)>),
    Unassign(Vec<Partition>),
    Pause(Partition, u32),
    Resume(Partition, u32),
    Seek { partition: Partition, to: Offset, version: u32, number: u64 },
    Start(Partition, Offset, u32),
    Stop(Partition, u32),
    Stopped(Partition),
    Reset(Partition, Option<Offset>),
}

pub(super) struct Client {
    toppars: BTreeMap<Partition, Toppar>,
    assignment: BTreeSet<Partition>,
    pending: Vec<(Partition, Offset)>,
    stopping: usize,
    ops: VecDeque<Op>,
    pub(super) join: Join,
    /// What the group gives once a revocation has been carried out.
    pub(super) follows: Option<Vec<Partition>>,
    /// Told by `poll`.
    pub(super) events: VecDeque<Wish>,
    pub(super) seeks: VecDeque<(u64, Partition, bool)>,
    pub(super) fenced: bool,
    one_too_far: bool,
    /// Whose logs it took for cut without a reason.
    mistaken: BTreeSet<Partition>,
    /// Where it said that a log holds nothing.
    pub(super) named: BTreeSet<(Partition, Option<Offset>)>,
    /// How often it has skipped a record that it should have handed out.
    pub(super) leaps: u64,
    pub(super) faults: Faults,
}

impl Client {
    pub(super) fn new(one_too_far: bool) -> Client {
        Client {
            toppars: BTreeMap::new(),
            assignment: BTreeSet::new(),
            pending: Vec::new(),
            stopping: 0,
            ops: VecDeque::new(),
            join: Join::Steady,
            follows: None,
            events: VecDeque::new(),
            seeks: VecDeque::new(),
            fenced: false,
            one_too_far,
            mistaken: BTreeSet::new(),
            named: BTreeSet::new(),
            leaps: 0,
            faults: Faults::default(),
        }
    }

    fn toppar(&mut self, partition: Partition) -> &mut Toppar {
        self.toppars.entry(partition).or_insert_with(Toppar::new)
    }

    /// What is assigned.
    pub(super) fn assignment(&self) -> Vec<Partition> {
        self.assignment.iter().copied().collect()
    }

    /// Whether the group can want something new.
    pub(super) fn is_at_rest(&self) -> bool {
        self.join == Join::Steady && !self.fenced && !self.ops.iter().any(|op| matches!(op, Op::Group(_)))
    }

    /// Whether an unassign would be taken for the answer to a revocation that nobody was told of, for the first time.
    pub(super) fn would_be_answered_early(&self) -> bool {
        let untold = self.events.iter().any(|wish| matches!(wish, Wish::Revoke { .. }));
        untold && self.join == Join::WaitUnassign && self.faults.count(Fault::AnsweredEarly) == 0
    }

    /// The answer of the group's coordinator arrives.
    pub(super) fn wish(&mut self, wish: Wish) {
        self.ops.push_back(Op::Group(wish));
    }

    /// `rd_kafka_incremental_assign`: waits for the main thread (rdkafka_subscription.c:122).
    pub(super) fn assign(&mut self, partitions: Vec<(Partition, Offset)>) {
        for (partition, _) in &partitions {
            assert!(!self.assignment.contains(partition), "{partition} is assigned twice (rdkafka_assignment.c:751)");
        }
        self.ops.push_back(Op::Assign(partitions));
        self.work_off(|op| matches!(op, Op::Assign(_)));
    }

    /// `rd_kafka_incremental_unassign`.
    pub(super) fn unassign(&mut self, partitions: Vec<Partition>) {
        for partition in &partitions {
            assert!(self.assignment.contains(partition), "{partition} is not assigned (rdkafka_assignment.c:846)");
        }
        self.ops.push_back(Op::Unassign(partitions));
        self.work_off(|op| matches!(op, Op::Unassign(_)));
    }

    /// `rd_kafka_seek_partitions`: the barriers are raised at once (rdkafka_partition.c:2354), whatever comes of it.
    pub(super) fn seek(&mut self, number: u64, places: &[(Partition, Offset)]) {
        for (partition, to) in places {
            let version = self.toppar(*partition).barrier();
            self.ops.push_back(Op::Seek { partition: *partition, to: *to, version, number });
        }
    }

    fn work_off(&mut self, is_last: impl Fn(&Op) -> bool) {
        while let Some(op) = self.ops.pop_front() {
            let last = is_last(&op);
            self.serve(op);
            if last {
                return;
            }
        }
    }

    /// The main thread has a moment.
    pub(super) fn work(&mut self, operations: u64) {
        for _ in 0..operations {
            let Some(op) = self.ops.pop_front() else { return };
            self.serve(op);
        }
    }

    fn serve(&mut self, op: Op) {
        match op {
            Op::Group(wish) => self.rebalance(wish),
            Op::Assign(partitions) => self.add(partitions),
            Op::Unassign(partitions) => self.subtract(&partitions),
            Op::Pause(partition, version) => {
                // Resumes where the application is believed to be (rdkafka_partition.c:1963); the queue is kept, its messages
                // are outdated by now, but those without a version.
                let toppar = self.toppar(partition);
                (toppar.op_version, toppar.paused) = (version, true);
                toppar.next = toppar.app.unwrap_or(toppar.next);
            }
            Op::Resume(partition, version) => {
                let toppar = self.toppar(partition);
                (toppar.op_version, toppar.paused) = (version, false);
            }
            Op::Seek { partition, to, version, number } => {
                let done = self.sought(partition, to, version);
                if !done {
                    self.faults.note(Fault::SeekRefused);
                }
                self.seeks.push_back((number, partition, done));
            }
            Op::Start(partition, at, version) => {
                let toppar = self.toppar(partition);
                (toppar.op_version, toppar.fetch, toppar.next, toppar.expected) = (version, Fetch::Active, at, at);
            }
            Op::Stop(partition, version) => {
                let toppar = self.toppar(partition);
                (toppar.op_version, toppar.fetch, toppar.app) = (version, Fetch::Stopped, None);
                self.ops.push_back(Op::Stopped(partition));
            }
            Op::Stopped(partition) => {
                self.toppar(partition).started = false;
                self.stopping -= 1;
                self.serve_assignment();
            }
            Op::Reset(partition, at) => {
                // Without a version, so that no barrier filters it (rdkafka_offset.c:828), and the fetcher has ended.
                let toppar = self.toppar(partition);
                let error = Item::Error { at, class: PartitionError::CutOff, code: -140 };
                toppar.queue.push_back((Kind::Item(error), 0));
                let twice = toppar.fetch == Fetch::Dead;
                toppar.fetch = Fetch::Dead;
                self.faults.note(if twice { Fault::ToldOutOfRangeTwice } else { Fault::FetcherDead });
            }
        }
    }

    /// Refused unless it is started (rdkafka_partition.c:1880), or if something newer was carried out (:2093).
    fn sought(&mut self, partition: Partition, to: Offset, version: u32) -> bool {
        let toppar = self.toppar(partition);
        if toppar.fetch != Fetch::Active || version < toppar.op_version {
            return false;
        }
        (toppar.op_version, toppar.app, toppar.next, toppar.expected) = (version, None, to, to);
        true
    }

    /// Every fetcher is paused when the operation is queued, not when the application hears of it (rdkafka_cgrp.c:1260).
    fn rebalance(&mut self, wish: Wish) {
        if self.fenced {
            return;
        }
        self.join = match wish {
            Wish::Assign(_) => Join::WaitAssign,
            Wish::Revoke { .. } => Join::WaitUnassign,
        };
        for partition in self.assignment.clone() {
            let version = self.toppar(partition).barrier();
            self.ops.push_back(Op::Pause(partition, version));
        }
        self.events.push_back(wish);
    }

    /// A fetcher that is not paused is not resumed (rdkafka_partition.c:2390), though a pause of it may be on its way.
    fn resume(&mut self, partition: Partition) {
        if self.toppar(partition).paused {
            let version = self.toppar(partition).barrier();
            self.ops.push_back(Op::Resume(partition, version));
        } else if self.ops.iter().any(|op| matches!(op, Op::Pause(paused, _) if *paused == partition)) {
            self.faults.note(Fault::PauseNeverEnded);
        }
    }

    /// Any assign is taken for the answer to an assignment (rdkafka_cgrp.c:4357).
    fn add(&mut self, partitions: Vec<(Partition, Offset)>) {
        self.assignment.extend(partitions.iter().map(|(partition, _)| *partition));
        if self.join == Join::WaitAssign {
            self.note_early(!partitions.is_empty());
            self.assignment.clone().into_iter().for_each(|partition| self.resume(partition));
            self.join = Join::Steady;
        }
        self.pending.extend(partitions);
        self.serve_assignment();
    }

    /// Any unassign is taken for the answer to a revocation (rdkafka_cgrp.c:4397).
    fn subtract(&mut self, partitions: &[Partition]) {
        self.assignment.retain(|partition| !partitions.contains(partition));
        self.pending.retain(|(partition, _)| !partitions.contains(partition));
        if self.join == Join::WaitUnassign {
            self.note_early(matches!(self.events.back(), Some(Wish::Revoke { .. })));
            self.assignment.clone().into_iter().for_each(|partition| self.resume(partition));
            self.join = Join::Unassigning;
        }
        for partition in partitions {
            if self.toppar(*partition).started {
                let version = self.toppar(*partition).barrier();
                self.ops.push_back(Op::Stop(*partition, version));
                self.stopping += 1;
            }
            self.resume(*partition);
        }
        self.serve_assignment();
    }

    fn note_early(&mut self, early: bool) {
        if early {
            self.faults.note(Fault::AnsweredEarly);
        }
    }

    /// Nothing starts before all that stops has stopped (rdkafka_assignment.c:655).
    fn serve_assignment(&mut self) {
        if self.stopping > 0 {
            return;
        }
        for (partition, at) in std::mem::take(&mut self.pending) {
            self.resume(partition);
            let toppar = self.toppar(partition);
            toppar.started = true;
            let version = toppar.barrier();
            self.ops.push_back(Op::Start(partition, at, version));
        }
        if self.join == Join::Unassigning {
            self.join = Join::Steady;
            // The assignment follows, also one of nothing (rdkafka_cgrp.c:4442), and pauses every fetcher again.
            if let Some(follows) = self.follows.take() {
                self.rebalance(Wish::Assign(follows));
            }
        }
    }

    /// The broker's thread has a moment: it fetches of each partition.
    pub(super) fn fetch(&mut self, logs: &BTreeMap<Partition, Log>, dice: &mut Dice, trouble: bool) {
        for (partition, toppar) in &mut self.toppars {
            if dice.chance(300) {
                continue;
            }
            let Some(at) = toppar.fetch(&logs[partition], dice, trouble, &mut self.faults) else { continue };
            self.ops.push_back(Op::Reset(*partition, at));
        }
    }

    /// The leader changes, and the client believes that the log was cut: it asks for a place that it does not name
    /// (rdkafka_offset.c:1006).
    pub(super) fn change_leader(&mut self, partition: Partition) {
        // Once a log: a second mistake before anything else is read would rightly be believed.
        let active = self.toppars.get(&partition).is_some_and(|toppar| toppar.fetch == Fetch::Active);
        if active && !self.mistaken.contains(&partition) {
            self.faults.note(Fault::LeaderChanged);
            self.mistaken.insert(partition);
            self.ops.push_back(Op::Reset(partition, None));
        }
    }

    /// A fetcher leaves something out, as no fetcher should. Says whether it could.
    pub(super) fn skip(&mut self, partition: Partition) -> bool {
        let Some(toppar) = self.toppars.get_mut(&partition) else { return false };
        let Some(pos) = toppar.pos.filter(|_| toppar.fetch == Fetch::Active) else { return false };
        toppar.pos = Some(pos + 1);
        true
    }

    /// `rd_kafka_consume_batch_queue` of a partition's own queue.
    pub(super) fn drain(&mut self, partition: Partition, most: usize, log: &Log) -> Vec<Item> {
        let Some(toppar) = self.toppars.get_mut(&partition) else { return Vec::new() };
        let (items, leaps) = toppar.drain(most, log, self.one_too_far);
        self.leaps += leaps;
        for item in &items {
            if let Item::Error { at, class: PartitionError::CutOff, .. } = item {
                self.named.insert((partition, *at));
            }
        }
        let is_end = |item: &Item| matches!(item, Item::End(_));
        if items.iter().take(items.len().saturating_sub(1)).any(is_end) {
            self.faults.note(Fault::EndInBatch);
        }
        if items.last().is_some_and(is_end) && self.one_too_far {
            self.faults.note(Fault::OneTooFar);
        }
        items
    }
}
