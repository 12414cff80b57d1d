//! The schedule of retries: exponential, with full jitter, as a pure function of attempt and seed.
//!
//! It holds no clock and no state: whoever retries counts attempts and waits.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The bounds of a wait between two attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The shortest wait, and the longest before the first retry.
    pub min: Duration,
    /// The longest wait ever. Not less than `min`; if it is, `min` stands for both.
    pub max: Duration,
}

impl Backoff {
    /// The wait before retry `attempt` (0 is the first): between `min` and `ceiling(attempt)`, evenly spread by the seed.
    /// Full jitter, because a fleet whose store has come back must not come back all at once.
    #[must_use]
    pub fn delay(&self, attempt: u32, seed: u64) -> Duration {
        let ceiling = self.ceiling(attempt);
        let mut random = ChaCha8Rng::seed_from_u64(seed.wrapping_add(u64::from(attempt)));
        let share: f64 = random.random();
        self.min + (ceiling - self.min).mul_f64(share)
    }

    /// The longest wait before retry `attempt`: twice `min`, doubled with each attempt, never more than `max`.
    #[must_use]
    pub fn ceiling(&self, attempt: u32) -> Duration {
        let factor = 2_u32.saturating_pow(attempt.saturating_add(1));
        self.min.saturating_mul(factor).min(self.max).max(self.min)
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use proptest::prelude::*;
    use std::time::Duration;

    fn bounds() -> impl Strategy<Value = Backoff> {
        (0_u64..10_000, 0_u64..1_000_000)
            .prop_map(|(min, more)| Backoff { min: Duration::from_millis(min), max: Duration::from_millis(min + more) })
    }

    proptest! {
        #[test]
        fn every_delay_lies_between_the_bounds(backoff in bounds(), attempt: u32, seed: u64) {
            let delay = backoff.delay(attempt, seed);
            prop_assert!(backoff.min <= delay && delay <= backoff.max);
            prop_assert!(delay <= backoff.ceiling(attempt));
        }

        #[test]
        fn the_same_attempt_and_seed_give_the_same_delay(backoff in bounds(), attempt: u32, seed: u64) {
            prop_assert_eq!(backoff.delay(attempt, seed), backoff.delay(attempt, seed));
        }

        #[test]
        fn the_ceiling_never_falls_and_doubles_until_the_maximum(backoff in bounds(), attempt in 0_u32..200) {
            let (now, then) = (backoff.ceiling(attempt), backoff.ceiling(attempt + 1));
            prop_assert!(now <= then);
            prop_assert!(then == backoff.max || then == now * 2);
        }
    }

    #[test]
    fn delays_of_a_fleet_are_spread() {
        let backoff = Backoff { min: Duration::ZERO, max: Duration::from_secs(30) };
        let backoff = Backoff { min: Duration::from_millis(100), ..backoff };
        let late = (0..1000).filter(|seed| backoff.delay(20, *seed) > backoff.max / 2).count();
        assert!((400..600).contains(&late), "{late} of 1000 wait longer than half of the maximum");
    }

    #[test]
    fn bounds_in_the_wrong_order_are_no_panic() {
        let backoff = Backoff { min: Duration::from_secs(2), max: Duration::from_secs(1) };
        assert_eq!(backoff.delay(3, 7), backoff.min);
    }
}
