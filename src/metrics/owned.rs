//! What is remembered of a partition to tell its ages when somebody asks.

use std::time::Duration;

use super::seconds;
use super::uncommitted::Uncommitted;
use crate::assignment::Position;
use crate::record::{Millis, Offset};

/// A partition of one of the loops.
pub(super) struct Owned {
    pub(super) progressed: Millis,
    pub(super) lag: Option<u64>,
    /// Since when there has been more to read.
    behind: Option<Millis>,
    pub(super) hidden: u64,
    /// Offsets up to which was read, and the first one that the log still holds.
    next: Offset,
    pub(super) first: Option<Offset>,
    uncommitted: Uncommitted,
    last_record: Option<Millis>,
    pub(super) watermark: Option<Millis>,
    pub(super) checkpoint: Millis,
    /// Whether the newest checkpoint covers all that was read.
    pub(super) covered: bool,
}

impl Owned {
    /// One that was given just now: nothing is known of it.
    pub(super) fn at(now: Millis) -> Owned {
        Owned {
            progressed: now,
            lag: None,
            behind: None,
            hidden: 0,
            next: 0,
            first: None,
            uncommitted: Uncommitted::default(),
            last_record: None,
            watermark: None,
            checkpoint: now,
            covered: false,
        }
    }

    /// So many records are committed by nobody yet, and the last one that was read had been written then.
    pub(super) fn lags(&mut self, lag: Option<u64>, last_record: Option<Millis>, now: Millis) {
        self.lag = lag;
        self.behind = lag.filter(|lag| *lag > 0).map(|_| self.behind.unwrap_or(now));
        self.last_record = last_record.or(self.last_record);
        if let Some(written) = self.last_record {
            self.uncommitted.read_to(self.next, written);
        }
    }

    /// Rows became durable, a checkpoint was published, or an offset committed.
    pub(super) fn moved(&mut self, position: &Position) {
        self.covered = position.published >= position.next;
        self.next = position.next;
        self.uncommitted.committed(position.committed.unwrap_or(position.published));
    }

    /// How old the last record is that was read, while there are more.
    pub(super) fn behind_by(&self, now: Millis) -> Option<f64> {
        self.last_record.map(|since| self.while_behind(since, now))
    }

    fn while_behind(&self, since: Millis, now: Millis) -> f64 {
        if self.behind.is_some() { seconds(now - since) } else { 0.0 }
    }

    /// Seconds in which nothing was read although there is more. A quiet hour before the first record that waits is none.
    pub(super) fn stalled(&self, now: Millis) -> f64 {
        self.while_behind(self.behind.map_or(now, |behind| behind.max(self.progressed)), now)
    }

    /// Seconds until the log forgets what may have to be read again; nothing while it has forgotten nothing.
    pub(super) fn margin(&self, retention: Duration, now: Millis) -> Option<f64> {
        self.first.filter(|first| *first > 0)?;
        let since = if self.covered && self.behind.is_none() { now } else { self.uncommitted.since().or(self.last_record)? };
        Some(retention.as_secs_f64() - seconds(now - since))
    }
}
