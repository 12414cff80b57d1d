//! What is remembered of a partition to tell its ages when somebody asks.

use std::time::Duration;

use super::uncommitted::Uncommitted;
use super::{Metrics, seconds};
use crate::assignment::Position;
use crate::record::{Millis, Offset, Partition};

/// Seconds for which a transaction may hide records and nothing be read, before somebody should look; as in deploy/prometheus/alerts.yml.
const OPEN_FOR: f64 = 60.0;

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

    /// Says that nobody may read on before a transaction ends, once it has been open for long: short ones are nothing to warn of.
    fn waits_for_a_transaction(&self, partition: Partition, now: Millis) -> Option<String> {
        let (hidden, since) = (self.hidden, self.stalled(now));
        (hidden > 0 && since > OPEN_FOR).then(|| {
            format!(
                "{hidden} records of partition {partition} wait for a transaction that has been open for {since:.0} s: end it, or \
                 the producer that has left it open"
            )
        })
    }

    /// Seconds until the log forgets what may have to be read again; nothing while it has forgotten nothing.
    pub(super) fn margin(&self, retention: Duration, now: Millis) -> Option<f64> {
        self.first.filter(|first| *first > 0)?;
        let since = if self.covered && self.behind.is_none() { now } else { self.uncommitted.since().or(self.last_record)? };
        Some(retention.as_secs_f64() - seconds(now - since))
    }
}

impl Metrics {
    /// What transactions hold up for long, one line a partition.
    #[must_use]
    pub fn open_transactions(&self) -> Vec<String> {
        let now = (self.clock)();
        self.lock().iter().filter_map(|(partition, known)| known.waits_for_a_transaction(*partition, now)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_warned_of_while_it_holds_up_and_not_at_once() {
        let mut owned = Owned::at(0);
        owned.hidden = 5;
        let said = |owned: &Owned, now| owned.waits_for_a_transaction(Partition(3), now);
        assert_eq!(said(&owned, 90_000), None, "nobody has said that there is more to read");
        owned.lags(Some(5), None, 1_000);
        assert_eq!(said(&owned, 61_000), None);
        let warned = said(&owned, 62_000).unwrap();
        assert!(warned.starts_with("5 records of partition 3 wait for a transaction that has been open for 61 s"), "{warned}");
        owned.hidden = 0;
        assert_eq!(said(&owned, 62_000), None);
    }
}
