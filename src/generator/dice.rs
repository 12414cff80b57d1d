//! Random draws in whole numbers only: the same seed gives the same draws on every machine and with every
//! compiler, which floating-point logarithms do not promise.
//!
//! Uses of the stream are never reordered lightly: that changes every generated file.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A quantile function: pairs of (share of the draws, in 1/10,000; value), straight lines between them.
/// Starts at 0 and ends at 10,000.
pub(crate) type Curve = &'static [(u64, u64)];

/// Resolution of a draw from a curve: a thousand steps for each 1/10,000.
const CURVE_STEP: u64 = 1_000;

/// A seeded stream of draws.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    stream: ChaCha8Rng,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        Dice { stream: ChaCha8Rng::from_seed(key) }
    }

    /// Any number below `end`, which is at most 2^32; 0 if `end` is 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        (u64::from(self.stream.next_u32()) * end) >> 32
    }

    /// Any index of a list of this length; 0 for an empty one.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        let end = u64::try_from(length).unwrap_or(u64::MAX).min(1 << 32);
        usize::try_from(self.below(end)).unwrap_or(0)
    }

    /// Whether something happens that happens so many times out of 1,000.
    pub(crate) fn permille(&mut self, times: u64) -> bool {
        self.below(1_000) < times
    }

    /// One of a list; the list is not empty.
    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.index(list.len())]
    }

    /// A value with the distribution of the curve.
    pub(crate) fn draw(&mut self, curve: Curve) -> u64 {
        let at = self.below(10_000 * CURVE_STEP);
        for pair in curve.windows(2) {
            let [(from, low), (to, high)] = [pair[0], pair[1]];
            if at < to * CURVE_STEP {
                return low + (high - low) * (at - from * CURVE_STEP) / ((to - from) * CURVE_STEP);
            }
        }
        curve.last().map_or(0, |&(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_draws_for_ever() {
        let mut dice = Dice::new(7);
        let draws: Vec<u64> = (0..6).map(|_| dice.below(1_000_000)).collect();
        assert_eq!(draws, [172_923, 764_109, 916_467, 465_937, 447_875, 5_674]);
    }

    #[test]
    fn draws_follow_their_curve() {
        let mut dice = Dice::new(1);
        let mut draws: Vec<u64> = (0..10_000).map(|_| dice.draw(&[(0, 0), (5_000, 10), (9_000, 100), (10_000, 1_000)])).collect();
        draws.sort_unstable();
        assert!((9..=14).contains(&draws[5_000]), "median {}", draws[5_000]);
        assert!((80..=150).contains(&draws[9_000]), "90 % {}", draws[9_000]);
        assert!(draws[9_999] < 1_000);
    }
}
