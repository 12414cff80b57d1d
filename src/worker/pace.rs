//! When rows leave. Pure functions of settings, seed and what was measured.

use std::time::Duration;

use crate::config;

/// Settling may take at most one part in so many of a loop's time: a pass over a large tree then happens less often the longer
/// it takes. All roots of the loop wait for it, the calm ones, too, so it is no smaller a part.
const SETTLING_SHARE: u32 = 5;

/// The wait from a flush to the next, given what that flush was: its rows, its partitions, the time it took.
#[must_use]
pub(super) fn interval(flush: &config::Flush, rows: usize, partitions: usize, took: Duration) -> Duration {
    let rows_per_second = flush.rows_per_second.saturating_mul(u64::try_from(partitions.max(1)).unwrap_or(u64::MAX)).max(1);
    let within_budget = u64::try_from(rows).unwrap_or(u64::MAX).saturating_mul(1_000) / rows_per_second;
    let settled = took.saturating_mul(SETTLING_SHARE);
    // The greatest interval bounds what a budget of rows asks for; the share of the loop's time holds all the same.
    flush.interval.max(Duration::from_millis(within_budget).min(flush.max_interval)).max(settled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flush() -> config::Flush {
        config::Flush {
            interval: Duration::from_secs(1),
            max_interval: Duration::from_secs(30),
            rows_per_second: 1_000,
            rows_max: 100_000,
            bytes_max: 32 << 20,
        }
    }

    #[test]
    fn few_rows_leave_every_interval() {
        assert_eq!(interval(&flush(), 0, 0, Duration::ZERO), Duration::from_secs(1));
        assert_eq!(interval(&flush(), 3_999, 4, Duration::ZERO), Duration::from_secs(1));
    }

    #[test]
    fn many_rows_stretch_the_interval_to_their_budget() {
        assert_eq!(interval(&flush(), 20_000, 4, Duration::ZERO), Duration::from_secs(5));
        assert_eq!(interval(&flush(), usize::MAX, 1, Duration::ZERO), Duration::from_secs(30));
    }

    #[test]
    fn a_flush_that_took_long_is_not_repeated_soon() {
        assert_eq!(
            interval(&flush(), 1, 1, Duration::from_millis(200)),
            Duration::from_secs(1),
            "a fifth of the shortest interval"
        );
        assert_eq!(interval(&flush(), 1, 1, Duration::from_millis(700)), Duration::from_millis(3_500));
        assert_eq!(interval(&flush(), 1, 1, Duration::from_secs(12)), Duration::from_secs(60), "beyond the greatest interval");
    }
}
