//! One partition of the modelled client (`rd_kafka_toppar_t`): what is fetched of it, queued and taken out.
//!
//! Each rule names the file and line of librdkafka 2.12.1 that it stands for.

use std::collections::VecDeque;

use super::dice::Dice;
use super::fault::{Fault, Faults};
use super::log::{Entry, Log};
use crate::reader::{Item, PartitionError};
use crate::record::Offset;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetch {
    Stopped,
    Active,
    /// Ended itself (`FETCH_NONE`).
    Dead,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Item(Item),
    Control(Offset),
}

/// One partition of the client's (`rd_kafka_toppar_t`); it stays when the partition is unassigned.
pub(super) struct Toppar {
    pub(super) fetch: Fetch,
    pub(super) started: bool,
    pub(super) paused: bool,
    /// Raised by the call; what is older is filtered at the drain (`rktp_version`).
    pub(super) version: u32,
    /// Raised by the main thread when it carries the call out.
    pub(super) op_version: u32,
    pub(super) fetch_version: u32,
    pub(super) next: Offset,
    pub(super) last_next: Option<Offset>,
    pub(super) pos: Option<Offset>,
    pub(super) app: Option<Offset>,
    pub(super) eof: Option<Offset>,
    /// An answer of the broker on its way: there is nothing at this offset.
    pub(super) refused: Option<(Offset, u32)>,
    pub(super) queue: VecDeque<(Kind, u32)>,
    /// What it would hand out next if it skipped nothing.
    pub(super) expected: Offset,
}

impl Toppar {
    pub(super) fn new() -> Toppar {
        let queue = VecDeque::new();
        Toppar {
            fetch: Fetch::Stopped,
            started: false,
            paused: false,
            version: 0,
            op_version: 0,
            fetch_version: 0,
            next: 0,
            last_next: None,
            pos: None,
            app: None,
            eof: None,
            refused: None,
            queue,
            expected: 0,
        }
    }

    pub(super) fn barrier(&mut self) -> u32 {
        self.version += 1;
        self.version
    }
}

impl Toppar {
    /// One fetch. Says where, if it asked for what the log does not hold.
    pub(super) fn fetch(&mut self, log: &Log, dice: &mut Dice, trouble: bool, faults: &mut Faults) -> Option<Option<Offset>> {
        if self.fetch != Fetch::Active {
            return None;
        }
        // Believed as long as nothing was fetched anew since, also if the fetcher was sought meanwhile (rdkafka_fetcher.c:662).
        if let Some((at, version)) = self.refused.take()
            && version == self.fetch_version
        {
            self.pos = None;
            return Some(Some(at));
        }
        // Anew from where it was sought or resumed (rdkafka_fetcher.c:1230, :1318); the end is told again then.
        if self.op_version > self.fetch_version || self.last_next != Some(self.next) || self.pos.is_none() {
            (self.pos, self.last_next, self.fetch_version, self.eof) = (Some(self.next), Some(self.next), self.op_version, None);
        }
        let pos = self.pos?;
        // A full queue stops this fetcher alone: its own queue is counted, not a common one (rdkafka_fetcher.c:1350).
        if self.paused || self.queue.len() > 40 {
            return None;
        }
        if trouble && dice.chance(4) {
            faults.note(if pos == log.end() { Fault::ErrorAtTheEnd } else { Fault::ErrorInBatch });
            let error = Item::Error { at: Some(pos), class: PartitionError::Recovers, code: -195 };
            self.queue.push_back((Kind::Item(error), self.fetch_version));
            return None;
        }
        if pos > log.end() || pos < log.first {
            // Until the main thread hears of it, it fetches on from where it was started (rdkafka_fetcher.c:275, :1234).
            if dice.chance(500) {
                self.refused = Some((pos, self.fetch_version));
                return None;
            }
            self.pos = None;
            return Some(Some(pos));
        }
        if pos == log.end() {
            // Told once (rdkafka_fetcher.c:690).
            if self.eof != Some(pos) {
                self.eof = Some(pos);
                self.queue.push_back((Kind::Item(Item::End(pos)), self.fetch_version));
            }
            return None;
        }
        let until = log.end().min(pos + 1 + dice.below(6));
        for offset in pos..until {
            let kind = match log.entry(offset) {
                Entry::Record(_) => Kind::Item(Item::Record(offset)),
                Entry::Control => Kind::Control(offset),
                Entry::Aborted => {
                    faults.note(Fault::Aborted);
                    continue;
                }
            };
            if matches!(kind, Kind::Control(_)) {
                faults.note(Fault::Control);
            }
            self.queue.push_back((kind, self.fetch_version));
        }
        self.pos = Some(until);
        None
    }

    /// Takes messages of a partition (rdkafka_queue.c:750). What it took it believes to have been read.
    pub(super) fn drain(&mut self, most: usize, log: &Log, one_too_far: bool) -> (Vec<Item>, u64) {
        let (mut items, mut read, mut leaps) = (Vec::new(), None, 0);
        while items.len() < most {
            let Some((kind, version)) = self.queue.pop_front() else { break };
            // Outdated (rdkafka_queue.c:796); what has no version never is (rdkafka_partition.h:1064).
            if version != 0 && version < self.version {
                continue;
            }
            let reached = match kind {
                Kind::Control(offset) => Some(offset + 1),
                Kind::Item(Item::Record(offset)) => Some(offset + 1),
                // Ends and errors count as records (rdkafka_queue.c:829).
                Kind::Item(Item::End(offset)) => one_too_far.then_some(offset + 1),
                Kind::Item(Item::Error { at, .. }) => at.filter(|_| one_too_far).map(|at| at + 1),
            };
            read = read.max(reached);
            let Kind::Item(item) = kind else { continue };
            if let Item::Record(offset) | Item::End(offset) = item {
                leaps += u64::from(log.record_in(self.expected..offset).is_some());
                self.expected = self.expected.max(if item == Item::End(offset) { offset } else { offset + 1 });
            }
            items.push(item);
        }
        if read > self.app {
            self.app = read;
        }
        (items, leaps)
    }
}
