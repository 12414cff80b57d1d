//! The last record that was read, by which a log is recognised when it is read on.

use serde::{Deserialize, Serialize};

use super::pseudonym::Pseudonyms;
use crate::record::{Millis, Offset, Record};

/// The last record read: the log that still holds its offset must hold this record there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRecord {
    /// Its offset.
    pub offset: Offset,
    /// The log's time of it.
    pub timestamp: Option<Millis>,
    /// Keyed hash of all that it holds: key, payload and headers.
    pub hash: u64,
}

/// Keeps the last record cheaply: it is hashed only when somebody asks.
#[derive(Debug, Default)]
pub(super) struct Last {
    offset: Option<Offset>,
    timestamp: Option<Millis>,
    content: Vec<u8>,
    /// The hash, where the content itself is not at hand (after a restore).
    restored: Option<LastRecord>,
}

impl Last {
    /// As a state says it.
    pub(super) fn restored(restored: Option<LastRecord>) -> Last {
        Last { restored, ..Last::default() }
    }

    pub(super) fn keep(&mut self, record: &Record<'_>) {
        self.offset = Some(record.offset);
        self.timestamp = record.timestamp;
        self.content.clear();
        self.hold(record.key);
        self.hold(record.payload);
        for header in &record.headers {
            self.hold(Some(header.name.as_bytes()));
            self.hold(header.value);
        }
    }

    /// Nothing is not the same as no bytes, and no two contents run together into the same bytes.
    fn hold(&mut self, part: Option<&[u8]>) {
        let length = part.map_or(u64::MAX, |bytes| bytes.len() as u64);
        self.content.extend_from_slice(&length.to_le_bytes());
        self.content.extend_from_slice(part.unwrap_or_default());
    }

    pub(super) fn timestamp(&self) -> Option<Millis> {
        self.timestamp
    }

    pub(super) fn record(&self, names: &Pseudonyms) -> Option<LastRecord> {
        let read = self.offset.map(|offset| LastRecord { offset, timestamp: self.timestamp, hash: names.record(&self.content) });
        read.or(self.restored)
    }
}
