//! The engine of one partition: a pure function of its log. PLACEHOLDER API, see the signatures.

use std::sync::Arc;

use crate::event::{Event, EventType, Reason, Reject};
use crate::record::{Millis, Offset, Record};
use crate::row::Rows;

/// The rules that rows depend on. Another value of any of the first group means another epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The epoch that rows carry.
    pub epoch: u16,
    /// The key of pseudonyms (ids of people become keyed 64-bit hashes).
    pub pseudonym_key: [u8; 16],
    /// Length of a window.
    pub window: Millis,
    /// A silence in a thread longer than this ends a session.
    pub session_gap: Millis,
    /// What is subtracted from the greatest event time to give the watermark.
    pub watermark_lag: Millis,
    /// An event later than the record's own time plus this moves no watermark.
    pub future_bound: Millis,
    /// A root untouched for so long, on the log's clock, is evicted.
    pub root_retention: Millis,
    /// Nodes and entries a partition may hold before the least recently touched root is evicted.
    pub budget: u64,
    /// The largest reject payload that is kept whole, in bytes.
    pub reject_bytes: usize,
}

/// What was counted since the last flush: what the shell turns into metrics.
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
    /// Lateness behind the watermark: number of accepted events by bucket of `LATENESS_BOUNDS` (the last holds the rest).
    pub lateness: [u64; LATENESS_BOUNDS.len() + 1],
    /// Sum of the latenesses, in milliseconds.
    pub lateness_sum: u64,
    /// Lives evicted because of their age.
    pub evicted_by_age: u64,
    /// Lives evicted because of the budget.
    pub evicted_by_budget: u64,
}

/// Upper bounds, in seconds, of the lateness histogram.
pub const LATENESS_BOUNDS: [u32; 10] = [0, 1, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400];

/// What the engine holds: gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Roots alive.
    pub roots: u64,
    /// Nodes of their trees.
    pub nodes: u64,
    /// Nodes that hang from their root by inference.
    pub inferred: u64,
    /// Nodes and entries, as counted against the budget.
    pub entries: u64,
    /// Estimated memory of the state, in bytes.
    pub bytes: u64,
}

/// What changed since the last flush.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The rows that changed; `progress` holds one row.
    pub rows: Rows,
    /// The first offset that the rows do not cover: their version.
    pub next: Offset,
    /// How far the data reach, if any event came yet.
    pub watermark: Option<Millis>,
    /// What was counted.
    pub tally: Tally,
}

/// One partition.
#[derive(Debug)]
pub struct Engine {
    rules: Rules,
    source: Arc<str>,
}

/// The bytes are not a snapshot of this engine.
#[derive(Debug, thiserror::Error)]
#[error("the snapshot cannot be read: {0}")]
pub struct ForeignSnapshot(pub String);

impl Engine {
    /// An engine that has seen nothing; `first` is where its log begins.
    #[must_use]
    pub fn new(rules: Rules, source: Arc<str>, _first: Offset) -> Self {
        Engine { rules, source }
    }

    /// Folds one record. Records come in the order of their offsets; an offset below `next` is ignored.
    pub fn observe(&mut self, _record: &Record<'_>, _event: Result<Event<'_>, Reject>) {
        let _ = (&self.rules, &self.source);
    }

    /// Says that the log reaches `next` although no record came (control records, gaps).
    pub fn advance(&mut self, _next: Offset) {}

    /// The first offset not covered.
    #[must_use]
    pub fn next(&self) -> Offset {
        0
    }

    /// The rows that changed since the last flush. Reads only.
    pub fn flush(&mut self) -> Batch {
        Batch { rows: Rows::default(), next: 0, watermark: None, tally: Tally::default() }
    }

    /// How many rows a flush would give now, at most.
    #[must_use]
    pub fn dirty_rows(&self) -> usize {
        0
    }

    /// What the engine holds.
    #[must_use]
    pub fn holdings(&self) -> Holdings {
        Holdings::default()
    }

    /// The state as bytes; only right after a flush.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        Vec::new()
    }

    /// The engine of a snapshot.
    ///
    /// # Errors
    ///
    /// When the bytes are not a snapshot of an engine with these rules and this source.
    pub fn restore(_rules: Rules, _source: Arc<str>, _bytes: &[u8]) -> Result<Engine, ForeignSnapshot> {
        Err(ForeignSnapshot(String::new()))
    }
}
