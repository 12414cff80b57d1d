//! What the demo must know of its loops: how far everything is in the store and committed, and whether
//! anything was evicted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::embedded::broker::Consumed;
use crate::record::{Offset, Partition};
use crate::worker::{Notice, Observer, Position};

/// How far the topic is folded.
#[derive(Debug)]
pub(super) struct Folded {
    durable: Box<[AtomicU64]>,
    committed: Box<[AtomicU64]>,
    evicted: AtomicU64,
    /// What the publisher waits for: what is published as a checkpoint is never asked for again.
    pub(super) consumed: Arc<Consumed>,
}

impl Folded {
    pub(super) fn new(partitions: usize) -> Arc<Self> {
        let zeros = || (0..partitions).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Folded { durable: zeros(), committed: zeros(), evicted: AtomicU64::new(0), consumed: Consumed::new(partitions) })
    }

    /// Records that are in the store.
    pub(super) fn durable(&self) -> u64 {
        self.durable.iter().map(|next| next.load(Ordering::Acquire)).sum()
    }

    /// Whether everything below the ends is in the store and committed.
    pub(super) fn reached(&self, ends: &[Offset]) -> bool {
        let there = |known: &[AtomicU64]| known.iter().zip(ends).all(|(next, &end)| next.load(Ordering::Acquire) >= end);
        there(&self.durable) && there(&self.committed)
    }

    /// Roots that the budget evicted.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Acquire)
    }

    /// Nobody reads any more.
    pub(super) fn stop(&self) {
        self.consumed.stop();
    }
}

/// Watches one loop for [`Folded`].
#[derive(Debug)]
pub(super) struct Watch(Arc<Folded>);

impl Watch {
    pub(super) fn of(folded: &Arc<Folded>) -> Watch {
        Watch(Arc::clone(folded))
    }
}

impl Observer for Watch {
    fn notice(&self, notice: Notice<'_>) {
        if let Notice::Moved(Position { partition, next: _, durable, published, committed }) = notice {
            raise(&self.0.durable, partition, durable);
            raise(&self.0.committed, partition, committed);
            self.0.consumed.advance(partition, published);
        } else if let Notice::Flushed { batch, .. } = notice {
            self.0.evicted.fetch_add(batch.tally.evicted_by_budget, Ordering::AcqRel);
        }
    }
}

fn raise(known: &[AtomicU64], partition: Partition, next: Option<Offset>) {
    let place = usize::try_from(partition.0).ok().and_then(|number| known.get(number));
    if let (Some(place), Some(next)) = (place, next) {
        place.fetch_max(next, Ordering::AcqRel);
    }
}
