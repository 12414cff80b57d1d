//! When the records of a flush were written, counted: whoever hears that their rows can be read knows how long that took.

use crate::record::{Millis, Record, StampedBy};

/// So many different times are kept of a flush. Of more, neighbours are taken for one: a flush that covers ten hours, while a worker
/// catches up, is known to some seconds.
const TIMES_MAX: usize = 4096;

/// The times of some records, by whose clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamps([Times; StampedBy::ALL.len()]);

impl Stamps {
    /// A record more. One without a time is not counted.
    pub(super) fn add(&mut self, record: &Record<'_>) {
        if let Some(time) = record.timestamp {
            self.0[record.stamped_by as usize].add(time);
        }
    }

    /// How many records were written when, by this clock.
    pub fn of(&self, clock: StampedBy) -> impl Iterator<Item = (Millis, u64)> {
        self.0[clock as usize].counts.iter().copied()
    }

    /// How many records these are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().flat_map(|times| &times.counts).map(|(_, count)| count).sum()
    }
}

/// Times, rounded down to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Times {
    step: Millis,
    /// Sorted but for what came since they were last merged.
    counts: Vec<(Millis, u64)>,
}

impl Default for Times {
    fn default() -> Times {
        Times { step: 1, counts: Vec::new() }
    }
}

impl Times {
    fn add(&mut self, time: Millis) {
        let time = rounded(time, self.step);
        // A broker stamps many records alike.
        match self.counts.last_mut() {
            Some((last, count)) if *last == time => *count += 1,
            _ => self.counts.push((time, 1)),
        }
        if self.counts.len() > TIMES_MAX {
            self.merge();
            while self.counts.len() > TIMES_MAX / 4 * 3 {
                self.step = self.step.saturating_mul(2);
                self.merge();
            }
        }
    }

    fn merge(&mut self) {
        self.counts.iter_mut().for_each(|(time, _)| *time = rounded(*time, self.step));
        self.counts.sort_unstable();
        self.counts.dedup_by(|(time, count), (kept, sum)| {
            let same = time == kept;
            *sum += if same { *count } else { 0 };
            same
        });
    }
}

fn rounded(time: Millis, step: Millis) -> Millis {
    time.saturating_sub(time.rem_euclid(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(times: impl Iterator<Item = Millis>) -> Stamps {
        let mut stamps = Stamps::default();
        times.for_each(|time| stamps.add(&Record { timestamp: Some(time), ..Record::default() }));
        stamps
    }

    #[test]
    fn records_are_counted_by_their_time_and_its_clock() {
        let mut stamps = stamped([7, 7, 9].into_iter());
        stamps.add(&Record { timestamp: Some(7), stamped_by: StampedBy::Broker, ..Record::default() });
        stamps.add(&Record::default());
        assert_eq!(stamps.of(StampedBy::Producer).collect::<Vec<_>>(), [(7, 2), (9, 1)]);
        assert_eq!(stamps.of(StampedBy::Broker).collect::<Vec<_>>(), [(7, 1)]);
        assert_eq!(stamps.count(), 4, "one has no time");
    }

    #[test]
    fn however_many_times_there_are_few_are_kept_and_no_record_is_lost() {
        let hours = stamped((0..1_000_000).map(|number| number * 37));
        let alternating = stamped((0..100_000).map(|number| number % 2 * 1_000_000_000));
        let hostile = stamped((0..10_000).map(|number| if number % 2 == 0 { i64::MIN + number } else { i64::MAX - number }));
        for (stamps, count) in [(&hours, 1_000_000), (&alternating, 100_000), (&hostile, 10_000)] {
            assert_eq!(stamps.count(), count);
            assert!(stamps.of(StampedBy::Producer).count() <= TIMES_MAX);
        }
        assert_eq!(hours.0[0].step, 16_384, "ten hours in less than 4,096 steps");
        let mut two = alternating;
        two.0[0].merge();
        assert_eq!(two.of(StampedBy::Producer).collect::<Vec<_>>(), [(0, 50_000), (1_000_000_000, 50_000)], "to the millisecond");
    }
}
