//! How long a fenced member stays away.
//!
//! A member with a name is fenced when the group knows its name under another member: a broker that restarts may have
//! forgotten who came back last, or two workers have one name. With two of one name that goes on and on, ever more slowly.
//! Holds no clock and draws no lots: the same seed gives the same waits.

use std::time::Duration;

/// The shortest wait and the longest.
const WAIT_MIN: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Whoever was not fenced for so long has come back for good.
const SETTLED: Duration = Duration::from_secs(120);

/// How often this member was fenced in a row, and until when it stays away.
#[derive(Debug)]
pub(super) struct Fencing {
    seed: u64,
    times: u32,
    last: Option<Duration>,
    away_until: Option<Duration>,
}

impl Fencing {
    pub(super) fn new(seed: u64) -> Fencing {
        Fencing { seed, times: 0, last: None, away_until: None }
    }

    pub(super) fn away_until(&self) -> Option<Duration> {
        self.away_until
    }

    /// Fenced once more: how long to stay away.
    pub(super) fn stay_away(&mut self, now: Duration) -> Duration {
        if self.last.is_some_and(|last| now.saturating_sub(last) > SETTLED) {
            self.times = 0;
        }
        let spread = ceiling(self.times).saturating_sub(WAIT_MIN);
        let wait = WAIT_MIN + spread.mul_f64(share(self.seed.wrapping_add(u64::from(self.times))));
        self.times = self.times.saturating_add(1);
        (self.last, self.away_until) = (Some(now), Some(now + wait));
        wait
    }

    pub(super) fn come_back(&mut self) {
        self.away_until = None;
    }
}

/// The longest wait of the time after so many: doubled each time.
fn ceiling(times: u32) -> Duration {
    WAIT_MIN.saturating_mul(2_u32.saturating_pow(times.saturating_add(1))).min(WAIT_MAX)
}

/// A number from 0 to 1 out of a seed (splitmix64), so that a fleet does not come back all at once.
fn share(seed: u64) -> f64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let top = u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or(u32::MAX);
    f64::from(top) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_fenced_again_and_again_stays_away_longer_each_time() {
        for seed in 0..100 {
            let (mut fencing, start) = (Fencing::new(seed), Duration::from_secs(7));
            for times in 0..20 {
                let wait = fencing.stay_away(start);
                assert!((WAIT_MIN..=ceiling(times)).contains(&wait), "{times}: {wait:?}");
            }
            assert_eq!(ceiling(20), WAIT_MAX);
            let wait = fencing.stay_away(start + SETTLED + Duration::from_secs(1));
            assert!(wait <= ceiling(0), "had come back for good: {wait:?}");
        }
    }
}
