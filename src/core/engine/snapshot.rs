//! The state frozen, as bytes, and back.
//!
//! Frozen right after a flush, so that nothing waits in it: the rows below its `next` are in a batch. Freezing
//! copies no tree: lives are shared, and the engine copies one before it changes it. So the bytes can be made
//! while the engine goes on. Indexes are left out and rebuilt. The same state is the same bytes.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::interner::Interner;
use super::last::{Last, LastRecord};
use super::life::Life;
use super::packed::NODE_BYTES;
use super::{Counts, Engine, Fingerprint, Limits, Rules};
use crate::record::{Millis, Offset};

mod inspection;

pub use inspection::Inspection;

/// The format of snapshots: raised when their bytes change their meaning.
pub const FORMAT: u16 = 5;

/// What an engine takes of memory for a life with one tree, which is moved once when it is restored, and for each [`NODE_BYTES`] of a
/// snapshot (measured: `tests/memory.rs`).
const LIFE_MEMORY: u64 = 600;
const NODE_MEMORY: u64 = 60;

/// What a life takes in a snapshot beside its nodes, about.
const LIFE_BYTES: usize = 128;

/// The bytes cannot be this engine's state.
#[derive(Debug, thiserror::Error)]
pub enum ForeignSnapshot {
    /// Not a snapshot of this format.
    #[error("it cannot be read ({0})")]
    Unreadable(String),
    /// Its rows follow other rules.
    #[error("it was made under other rules (revision, window, session gap or pseudonym key): {0:?}, now {1:?}")]
    OtherRules(Box<Fingerprint>, Box<Fingerprint>),
    /// It belongs to another source.
    #[error("it belongs to the source {0:?}")]
    OtherSource(Arc<str>),
}

/// The state at a flush. The engine goes on; this stays as it was.
#[derive(Serialize)]
pub struct Snapshot {
    format: u16,
    fingerprint: Fingerprint,
    limits: Limits,
    source: Arc<str>,
    first: Offset,
    next: Offset,
    clock: Clock,
    greatest: Option<Millis>,
    counts: Counts,
    last: Option<LastRecord>,
    /// The least recently touched first.
    lives: Vec<Arc<Life>>,
    #[serde(skip)]
    size: usize,
}

/// Says which state it is, not what it holds.
impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("source", &self.source).field("next", &self.next).finish_non_exhaustive()
    }
}

impl Snapshot {
    /// How many bytes [`Snapshot::encode`] gives, about; known at once.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The state as bytes. Takes a while: about a second for twenty million nodes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, Vec::with_capacity(self.size)).expect("writing plain data to memory cannot fail")
    }

    /// The limits under which a state in bytes was made.
    ///
    /// # Errors
    ///
    /// When the bytes are not a snapshot of this format.
    pub fn limits_of(bytes: &[u8]) -> Result<Limits, ForeignSnapshot> {
        check_format(bytes)?;
        let ((_, _, limits), _): ((u16, Fingerprint, Limits), _) = postcard::take_from_bytes(bytes).map_err(unreadable)?;
        Ok(limits)
    }

    /// About how much memory the engine of a state in bytes takes, at most while it is restored; known without making it.
    ///
    /// # Errors
    ///
    /// When the bytes are not a snapshot of this format.
    pub fn memory_of(bytes: &[u8]) -> Result<u64, ForeignSnapshot> {
        check_format(bytes)?;
        let (head, _): (Head, _) = postcard::take_from_bytes(bytes).map_err(unreadable)?;
        let of_nodes = (bytes.len() as u64).saturating_mul(NODE_MEMORY) / NODE_BYTES as u64;
        Ok(head.10.saturating_mul(LIFE_MEMORY).saturating_add(of_nodes))
    }
}

/// Everything before the lives, and how many there are.
type Head = (u16, Fingerprint, Limits, Arc<str>, Offset, Offset, Clock, Option<Millis>, Counts, Option<LastRecord>, u64);

fn check_format(bytes: &[u8]) -> Result<(), ForeignSnapshot> {
    let (format, _): (u16, _) = postcard::take_from_bytes(bytes).map_err(unreadable)?;
    if format == FORMAT {
        return Ok(());
    }
    Err(ForeignSnapshot::Unreadable(format!("format {format}, this version reads {FORMAT}")))
}

fn unreadable(error: postcard::Error) -> ForeignSnapshot {
    ForeignSnapshot::Unreadable(error.to_string())
}

#[derive(Deserialize)]
struct Incoming {
    _format: u16,
    fingerprint: Fingerprint,
    _limits: Limits,
    source: Arc<str>,
    first: Offset,
    next: Offset,
    clock: Clock,
    greatest: Option<Millis>,
    counts: Counts,
    last: Option<LastRecord>,
    lives: Vec<Life>,
}

impl Incoming {
    fn read(bytes: &[u8]) -> Result<Incoming, ForeignSnapshot> {
        check_format(bytes)?;
        postcard::from_bytes(bytes).map_err(unreadable)
    }
}

/// A life with what a snapshot leaves out.
fn reindexed(mut life: Life, interner: &mut Interner) -> Result<Life, ForeignSnapshot> {
    if life.reindex(interner) {
        return Ok(life);
    }
    Err(ForeignSnapshot::Unreadable(format!("the trees of {:?} do not hold together", life.root)))
}

impl Engine {
    /// The state, frozen; only right after a flush.
    ///
    /// # Panics
    ///
    /// When something waits for a flush: a checkpoint would be published before its rows (I1).
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        assert!(self.dirty.is_empty() && self.pending.is_empty(), "I1: a snapshot is taken right after a flush");
        let lives: Vec<Arc<Life>> = self.lives.in_order_of_touch().cloned().collect();
        let nodes = usize::try_from(self.holdings().nodes).unwrap_or(usize::MAX);
        Snapshot {
            format: FORMAT,
            fingerprint: self.rules.fingerprint(),
            limits: self.rules.limits(),
            source: Arc::clone(&self.source),
            first: self.first,
            next: self.next,
            clock: self.clock.clone(),
            greatest: self.greatest,
            counts: self.counts,
            last: self.last_record(),
            size: LIFE_BYTES.saturating_mul(lives.len()).saturating_add(NODE_BYTES.saturating_mul(nodes)),
            lives,
        }
    }

    /// The engine of a snapshot.
    ///
    /// # Errors
    ///
    /// When the bytes are not a snapshot of an engine with these rules and this source. Budgets and ages
    /// may differ; the next records evict what is too much.
    pub fn restore(rules: Rules, source: Arc<str>, bytes: &[u8]) -> Result<Engine, ForeignSnapshot> {
        let incoming = Incoming::read(bytes)?;
        let (found, wanted) = (incoming.fingerprint, rules.fingerprint());
        if found != wanted {
            return Err(ForeignSnapshot::OtherRules(Box::new(found), Box::new(wanted)));
        }
        if incoming.source != source {
            return Err(ForeignSnapshot::OtherSource(incoming.source));
        }
        Engine::new(rules, source, incoming.first).filled(incoming)
    }

    fn filled(mut self, incoming: Incoming) -> Result<Engine, ForeignSnapshot> {
        let Incoming { _format: _, fingerprint: _, _limits: _, source: _, first: _, next, clock, greatest, counts, last, lives } =
            incoming;
        (self.next, self.clock, self.greatest, self.counts) = (next, clock, greatest, counts);
        self.last = Last::restored(last);
        for life in lives {
            self.lives.add(Arc::new(reindexed(life, &mut self.interner)?));
        }
        Ok(self)
    }
}
