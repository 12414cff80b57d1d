//! What a state in bytes says, for people who look at one. No engine comes of it, so no rules and no key are needed.

use super::{ForeignSnapshot, Incoming, LastRecord, reindexed};
use crate::engine::interner::Interner;
use crate::engine::{Counts, Fingerprint, Limits};
use crate::record::{Millis, Offset};

/// A state, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// What its rows depend on.
    pub fingerprint: Fingerprint,
    /// The limits under which it was made.
    pub limits: Limits,
    /// The source it belongs to.
    pub source: String,
    /// The first offset that it counted.
    pub first: Offset,
    /// The first offset that it does not cover.
    pub next: Offset,
    /// The last record read.
    pub last: Option<LastRecord>,
    /// The log's clock: the start of the hour that it shows.
    pub clock: Option<Millis>,
    /// How far the data reach.
    pub watermark: Option<Millis>,
    /// Records read since `first`.
    pub read: u64,
    /// Of them, events that counted.
    pub accepted: u64,
    /// Of them, copies of events.
    pub duplicates: u64,
    /// Of them, records that are no events.
    pub rejected: u64,
    /// Roots alive.
    pub roots: u64,
    /// Shares and replies.
    pub nodes: u64,
    /// Of them, those that hang from their root by inference.
    pub inferred: u64,
    /// Nodes and entries, as counted against the budget.
    pub entries: u64,
}

impl Inspection {
    /// Reads a state, and checks that its trees hold together and its counts add up.
    ///
    /// # Errors
    ///
    /// When the bytes are not a whole state of this version.
    pub fn of(bytes: &[u8]) -> Result<Inspection, ForeignSnapshot> {
        let Incoming { _format: _, fingerprint, _limits: limits, source, first, next, clock, greatest, counts, last, lives } =
            Incoming::read(bytes)?;
        let Counts { read, accepted, duplicates, conflicting_copies: _, rejected, by_type: _ } = counts;
        if read != accepted + duplicates + rejected {
            return Err(ForeignSnapshot::Unreadable("its counts do not add up".to_owned()));
        }
        let roots = lives.len() as u64;
        let (mut nodes, mut inferred, mut entries) = (0, 0, 0);
        let mut interner = Interner::default();
        for life in lives {
            let load = reindexed(life, &mut interner)?.load();
            nodes += load.nodes;
            inferred += load.inferred;
            entries += load.entries;
        }
        let watermark = greatest.map(|time| time - limits.watermark_lag);
        let source = source.as_ref().to_owned();
        Ok(Inspection {
            fingerprint,
            limits,
            source,
            first,
            next,
            last,
            clock: clock.now(),
            watermark,
            read,
            accepted,
            duplicates,
            rejected,
            roots,
            nodes,
            inferred,
            entries,
        })
    }
}
