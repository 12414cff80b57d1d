//! What the engine counts for the shell: events since the last flush, and what it holds now.

use crate::event::{EventType, Reason};
use crate::record::Millis;

/// Upper bounds, in seconds, of the lateness histogram.
pub const LATENESS_BOUNDS: [u32; 10] = [0, 1, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400];

/// What was counted since the last flush: read = accepted + duplicates + rejected, always (I3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events accepted, by type (index: `EventType as usize`).
    pub accepted: [u64; EventType::ALL.len()],
    /// Duplicates, by type.
    pub duplicates: [u64; EventType::ALL.len()],
    /// Rejects, by reason (index: `Reason as usize`).
    pub rejected: [u64; Reason::ALL.len()],
    /// Duplicates that said something else than the first copy.
    pub conflicting_copies: u64,
    /// Events later than their record's own time plus the future bound.
    pub future: u64,
    /// Records stamped beyond the log's clock by more than the retention: as many more as move the clock would end every life.
    pub ahead: u64,
    /// Accepted events by lateness behind the watermark, by bucket of [`LATENESS_BOUNDS`]; the last holds the rest.
    pub lateness: [u64; LATENESS_BOUNDS.len() + 1],
    /// Sum of the latenesses, in milliseconds.
    pub lateness_sum: u64,
    /// Lives evicted because of their age.
    pub evicted_by_age: u64,
    /// Lives evicted because of the budget.
    pub evicted_by_budget: u64,
}

impl Tally {
    /// Records counted, of every outcome.
    #[must_use]
    pub fn read(&self) -> u64 {
        let Tally { accepted, duplicates, rejected, .. } = self;
        accepted.iter().chain(duplicates).chain(rejected).sum()
    }

    /// Adds what another partition or flush counted.
    pub fn add(&mut self, other: &Tally) {
        add_all(&mut self.accepted, &other.accepted);
        add_all(&mut self.duplicates, &other.duplicates);
        add_all(&mut self.rejected, &other.rejected);
        add_all(&mut self.lateness, &other.lateness);
        let Tally { conflicting_copies, future, ahead, lateness_sum, evicted_by_age, evicted_by_budget, .. } = other;
        self.conflicting_copies += conflicting_copies;
        self.future += future;
        self.ahead += ahead;
        self.lateness_sum += lateness_sum;
        self.evicted_by_age += evicted_by_age;
        self.evicted_by_budget += evicted_by_budget;
    }

    pub(super) fn late_by(&mut self, lateness: Millis) {
        let lateness = lateness.max(0).unsigned_abs();
        // From the first on: nearly every event is in time.
        let bucket = LATENESS_BOUNDS.iter().take_while(|&&bound| u64::from(bound) * 1000 < lateness).count();
        self.lateness[bucket] += 1;
        self.lateness_sum += lateness;
    }
}

fn add_all(to: &mut [u64], from: &[u64]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

/// Memory that an entry of the budget stands for at most, by measurement (tests/memory.rs): that of roots with one share each. Of a large
/// tree a node takes less.
pub const BYTES_AN_ENTRY: u64 = 80;

/// What the engine holds: gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Roots alive.
    pub roots: u64,
    /// Shares and replies.
    pub nodes: u64,
    /// Of them, those that hang from their root by inference.
    pub inferred: u64,
    /// Nodes and entries, as counted against the budget.
    pub entries: u64,
    /// Estimated memory, in bytes.
    pub bytes: u64,
}
