//! The schedule of retries: exponential, with full jitter, as a pure function of attempt and seed.
//!
//! It holds no clock and no state: whoever retries counts attempts and waits.

use std::hash::Hasher;
use std::time::Duration;

use siphasher::sip::SipHasher13;

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
        self.min + (self.ceiling(attempt) - self.min).mul_f64(jitter(seed, u64::from(attempt)))
    }

    /// The longest wait before retry `attempt`: twice `min`, doubled with each attempt, never more than `max`.
    #[must_use]
    pub fn ceiling(&self, attempt: u32) -> Duration {
        let factor = 2_u32.saturating_pow(attempt.saturating_add(1));
        self.min.saturating_mul(factor).min(self.max).max(self.min)
    }
}

/// A number in 0..=1 that depends on the seed and on what it is for.
#[must_use]
pub fn jitter(seed: u64, purpose: u64) -> f64 {
    let mut hasher = SipHasher13::new_with_keys(seed, 0);
    hasher.write_u64(purpose);
    // 32 bits are plenty for jitter, and exact as a float.
    f64::from(u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Backoff, jitter};
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
    fn jitter_differs_by_seed_and_purpose() {
        assert!((0..1_000).all(|purpose| (0.0..=1.0).contains(&jitter(3, purpose))));
        assert!(jitter(1, 1).to_bits() != jitter(2, 1).to_bits());
        assert!(jitter(1, 1).to_bits() != jitter(1, 2).to_bits());
    }

    #[test]
    fn bounds_in_the_wrong_order_are_no_panic() {
        let backoff = Backoff { min: Duration::from_secs(2), max: Duration::from_secs(1) };
        assert_eq!(backoff.delay(3, 7), backoff.min);
    }
}
