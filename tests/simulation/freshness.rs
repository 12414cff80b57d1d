//! Who hears that rows can be read: each record is counted once, at its first acknowledgement, whatever is read again.

use std::collections::BTreeMap;

use crate::log::Log;
use crate::seams::Shared;
use grapevine::record::{Offset, Partition};
use grapevine::worker::{Notice, Observer};

/// What workers have counted, and what nobody could count.
#[derive(Default)]
pub(crate) struct Freshness {
    /// Records of each partition that workers have counted.
    counted: BTreeMap<Partition, u64>,
    /// Records whose worker died before it heard of their rows, or never got the answer.
    unheard: BTreeMap<Partition, u64>,
    /// Up to where somebody heard, or was told at an opening, that rows are there.
    heard: BTreeMap<Partition, Offset>,
}

impl Freshness {
    /// A worker hears that rows below an offset are there.
    pub(crate) fn heard(&mut self, partition: Partition, next: Offset) {
        let heard = self.heard.entry(partition).or_default();
        *heard = next.max(*heard);
    }

    /// A worker that opens a partition is told how far its rows are: what nobody has heard of until now is no news any more.
    pub(crate) fn told(&mut self, partition: Partition, next: Offset, log: &Log) {
        let heard = self.heard.get(&partition).copied().unwrap_or_default();
        let unheard = log.entries.iter().filter(|entry| (heard..next).contains(&entry.offset)).count();
        *self.unheard.entry(partition).or_default() += unheard as u64;
        self.heard(partition, next);
    }

    /// Every record of a log was counted once, or could not be. Says how many of them could not.
    pub(crate) fn check(&self, partition: Partition, log: &Log) -> u64 {
        let of = |counts: &BTreeMap<Partition, u64>| counts.get(&partition).copied().unwrap_or_default();
        let (counted, unheard) = (of(&self.counted), of(&self.unheard));
        assert_eq!(counted + unheard, log.entries.len() as u64, "{partition}: {counted} counted, {unheard} never heard of");
        unheard
    }
}

/// Watches a worker.
pub(crate) struct Watch(pub(crate) Shared);

impl Observer for Watch {
    fn notice(&self, notice: Notice<'_>) {
        if let Notice::Acknowledged { partition, stamps } = notice {
            *self.0.borrow_mut().freshness.counted.entry(partition).or_default() += stamps.count();
        } else if let Notice::Problem(said) = notice {
            self.0.borrow_mut().problem = said.map(str::to_owned);
            said.into_iter().for_each(|said| self.0.borrow_mut().named(said));
        }
    }
}
