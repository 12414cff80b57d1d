//! The log's clock: what a partition's records, taken together, say that the time is. Roots age by it.
//!
//! It shows the latest hour in or after which enough records are stamped. So it is a function of the log, never goes
//! back, and fewer wrong stamps than that cannot move it. It lags behind by as many records. So what a record touches is
//! of the hour that the clock shows when it has caught up with it: when that record and those behind it are enough. By
//! the hour that it showed then, a root touched a moment ago would be a month old as soon as much comes after a month of
//! little.
//!
//! It begins with twice as many stamps less one, at their median: wrong ones among the first do no harm either, be they of
//! next year or of 1970. What was touched before that is of the hour at which it begins.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Rules;
use crate::record::Millis;

const HOUR: Millis = 3_600_000;

/// The clock of one partition.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Clock {
    /// Records with a stamp, so far.
    stamped: u64,
    /// The hours of those beyond the clock, in order: fewer than it takes to move it, or to begin.
    ahead: VecDeque<Millis>,
    /// The hours that it showed within the retention, and how many records had been stamped when it came to each.
    shown: VecDeque<(Millis, u64)>,
    /// What was touched before so many stamped records is older than the retention.
    over: u64,
}

impl Clock {
    /// Takes the stamp of the next record.
    pub(super) fn observe(&mut self, stamp: Millis, rules: &Rules) {
        self.stamped += 1;
        let hour = stamp.div_euclid(HOUR).saturating_mul(HOUR);
        if self.now().is_some_and(|now| hour <= now) {
            return;
        }
        let place = self.ahead.partition_point(|&other| other <= hour);
        self.ahead.insert(place, hour);
        let needed = if self.shown.is_empty() { 2 * rules.clock_witnesses - 1 } else { rules.clock_witnesses };
        if self.ahead.len() >= needed {
            self.advance(self.ahead[self.ahead.len() - rules.clock_witnesses], rules);
        }
    }

    fn advance(&mut self, now: Millis, rules: &Rules) {
        let passed = self.ahead.partition_point(|&hour| hour <= now);
        self.ahead.drain(..passed);
        self.shown.push_back((now, self.stamped));
        while let [Some(&(oldest, _)), Some(&(_, stamped))] = [self.shown.front(), self.shown.get(1)]
            && now.saturating_sub(oldest) > rules.root_retention
        {
            self.shown.pop_front();
            self.over = (stamped + 1).saturating_sub(rules.clock_witnesses as u64);
        }
    }

    /// The start of the hour that it shows; `None` before it began.
    pub(super) fn now(&self) -> Option<Millis> {
        self.shown.back().map(|&(hour, _)| hour)
    }

    /// The end of that hour.
    pub(super) fn end(&self) -> Option<Millis> {
        self.now().map(|hour| hour.saturating_add(HOUR))
    }

    /// How many records with a stamp it has seen: what is touched now is touched then.
    pub(super) fn stamped(&self) -> u64 {
        self.stamped
    }

    /// Whether what was touched after so many stamped records is older than the retention.
    pub(super) fn is_over(&self, touched: u64) -> bool {
        touched < self.over
    }

    /// Whether a stamp is beyond the clock by more than the retention.
    pub(super) fn is_far_behind(&self, stamp: Millis, rules: &Rules) -> bool {
        self.now().is_some_and(|now| stamp.saturating_sub(now) > rules.root_retention)
    }
}
