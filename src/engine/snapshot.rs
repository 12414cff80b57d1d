//! The state as bytes and back.
//!
//! Taken right after a flush, so that nothing waits in it: the rows below its `next` are in a batch.
//! Indexes are left out and rebuilt. The same state is the same bytes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::life::Life;
use super::pseudonym::Pseudonyms;
use super::{Counts, Engine, Fingerprint, Rules};
use crate::record::{Millis, Offset, Record};

/// Raised when the bytes change their meaning.
const FORMAT: u16 = 1;

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

/// The last record read: the log that still holds its offset must hold this record there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRecord {
    /// Its offset.
    pub offset: Offset,
    /// The log's time of it.
    pub timestamp: Option<Millis>,
    /// Keyed hash of its payload.
    pub hash: u64,
}

/// Keeps the last record cheaply: it is hashed only when somebody asks.
#[derive(Debug, Default)]
pub(super) struct Last {
    offset: Option<Offset>,
    timestamp: Option<Millis>,
    payload: Vec<u8>,
    /// The hash, where the payload itself is not at hand (after a restore).
    restored: Option<LastRecord>,
}

impl Last {
    pub(super) fn keep(&mut self, record: &Record<'_>) {
        self.offset = Some(record.offset);
        self.timestamp = record.timestamp;
        self.payload.clear();
        self.payload.extend_from_slice(record.payload.unwrap_or_default());
    }

    pub(super) fn timestamp(&self) -> Option<Millis> {
        self.timestamp
    }

    pub(super) fn record(&self, names: &Pseudonyms) -> Option<LastRecord> {
        let read = self.offset.map(|offset| LastRecord { offset, timestamp: self.timestamp, hash: names.record(&self.payload) });
        read.or(self.restored)
    }
}

#[derive(Serialize)]
struct Outgoing<'a> {
    format: u16,
    fingerprint: Fingerprint,
    source: &'a str,
    first: Offset,
    next: Offset,
    clock: Option<Millis>,
    greatest: Option<Millis>,
    counts: Counts,
    last: Option<LastRecord>,
    /// The least recently touched first.
    lives: Vec<&'a Life>,
}

#[derive(Deserialize)]
struct Incoming {
    _format: u16,
    fingerprint: Fingerprint,
    source: Arc<str>,
    first: Offset,
    next: Offset,
    clock: Option<Millis>,
    greatest: Option<Millis>,
    counts: Counts,
    last: Option<LastRecord>,
    lives: Vec<Life>,
}

impl Engine {
    /// The state as bytes; only right after a flush.
    ///
    /// # Panics
    ///
    /// When something waits for a flush: a checkpoint would be published before its rows (I1).
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        assert!(self.dirty.is_empty() && self.pending.is_empty(), "I1: a snapshot is taken right after a flush");
        let outgoing = Outgoing {
            format: FORMAT,
            fingerprint: self.rules.fingerprint(),
            source: &self.source,
            first: self.first,
            next: self.next,
            clock: self.clock,
            greatest: self.greatest,
            counts: self.counts,
            last: self.last_record(),
            lives: self.lives.in_order_of_touch().collect(),
        };
        postcard::to_stdvec(&outgoing).expect("writing plain data to memory cannot fail")
    }

    /// The engine of a snapshot.
    ///
    /// # Errors
    ///
    /// When the bytes are not a snapshot of an engine with these rules and this source. Budgets and ages
    /// may differ; the next record evicts what is too much.
    pub fn restore(rules: Rules, source: Arc<str>, bytes: &[u8]) -> Result<Engine, ForeignSnapshot> {
        let unreadable = |error: postcard::Error| ForeignSnapshot::Unreadable(error.to_string());
        let (format, _): (u16, _) = postcard::take_from_bytes(bytes).map_err(unreadable)?;
        if format != FORMAT {
            return Err(ForeignSnapshot::Unreadable(format!("format {format}, this version reads {FORMAT}")));
        }
        let incoming: Incoming = postcard::from_bytes(bytes).map_err(unreadable)?;
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
        let Incoming { _format: _, fingerprint: _, source: _, first: _, next, clock, greatest, counts, last, lives } = incoming;
        (self.next, self.clock, self.greatest, self.counts) = (next, clock, greatest, counts);
        self.last.restored = last;
        for mut life in lives {
            if !life.reindex(&mut self.interner) {
                return Err(ForeignSnapshot::Unreadable(format!("the trees of {:?} do not hold together", life.root)));
            }
            self.lives.add(Box::new(life));
        }
        Ok(self)
    }
}
