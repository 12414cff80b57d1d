//! Rejects become rows: the original bytes, where they came from, and why.

use std::sync::Arc;

use serde_bytes::ByteBuf;

use super::Engine;
use crate::event::Reject;
use crate::record::Record;
use crate::row::Rejected;

impl Engine {
    pub(super) fn reject(&mut self, record: &Record<'_>, reject: &Reject) {
        self.counts.rejected += 1;
        self.tally.rejected[reject.reason as usize] += 1;
        self.keep_reject(record, reject);
    }

    /// Puts its row into the pending batch.
    pub(super) fn keep_reject(&mut self, record: &Record<'_>, reject: &Reject) {
        let mut room = Room { left: self.rules.reject_bytes, truncated: false };
        // Key and headers first: they say who sent it, and a payload is cut readably at its end.
        let key = room.take(record.key.unwrap_or_default());
        let header = |header: &crate::record::Header<'_>| {
            (
                String::from_utf8_lossy(&room.take(header.name.as_bytes())).into_owned(),
                room.take(header.value.unwrap_or_default()),
            )
        };
        let headers = record.headers.iter().map(header).collect();
        let payload = room.take(record.payload.unwrap_or_default());
        self.pending_weight += (self.rules.reject_bytes - room.left) / BYTES_A_ROW;
        self.pending.rejects.push(Rejected {
            epoch: self.rules.epoch,
            source: Arc::clone(&self.source),
            offset: record.offset,
            // A function of the record alone: a replay must not outdo a row that says it was replayed.
            version: record.offset + 1,
            received: record.timestamp.unwrap_or_default(),
            reason: reject.reason.as_str().into(),
            detail: reject.detail.clone(),
            key,
            payload,
            headers,
            truncated: room.truncated,
            replayed: false,
        });
    }
}

/// A reject, or a fact, weighs as a row for so many bytes, so that a flood of large ones makes a flush due.
pub(super) const BYTES_A_ROW: usize = 512;

/// Bytes that one reject may still take.
struct Room {
    left: usize,
    truncated: bool,
}

impl Room {
    fn take(&mut self, bytes: &[u8]) -> ByteBuf {
        let kept = &bytes[..bytes.len().min(self.left)];
        self.left -= kept.len();
        self.truncated |= kept.len() < bytes.len();
        ByteBuf::from(kept)
    }
}
