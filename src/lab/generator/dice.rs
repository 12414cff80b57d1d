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

/// Means above are drawn in parts: the smallest probability must not vanish.
const POISSON_PART: u64 = 4_000_000;

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

    /// The stream of one thing: what others draw, or whether they exist at all, does not move it.
    pub(crate) fn keyed(seed: u64, purpose: u64, thing: [u64; 2]) -> Self {
        let mut key = [0; 32];
        for (part, value) in key.chunks_exact_mut(8).zip([seed, purpose, thing[0], thing[1]]) {
            part.copy_from_slice(&value.to_le_bytes());
        }
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

    /// How often something happens that happens so many millionths of a time on average.
    pub(crate) fn poisson(&mut self, mut millionths: u64) -> u64 {
        let mut count = 0;
        while millionths > 0 {
            let part = millionths.min(POISSON_PART);
            millionths -= part;
            let at = u64::from(self.stream.next_u32());
            let (mut probability, mut until, mut times) = (exp_of_minus(part), exp_of_minus(part), 0);
            while at >= until && probability > 0 {
                times += 1;
                probability = probability * part / (1_000_000 * times);
                until += probability;
            }
            count += times;
        }
        count
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

/// What a curve's draws are on average.
pub(crate) fn mean(curve: Curve) -> u64 {
    curve.windows(2).map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1)).sum::<u64>() / 20_000
}

/// How many of 10,000 draws of a curve are below a value.
pub(crate) fn share_below(curve: Curve, value: u64) -> u64 {
    let piece = curve.windows(2).find(|pair| value < pair[1].1);
    piece.map_or(10_000, |pair| {
        let [(from, low), (to, high)] = [pair[0], pair[1]];
        from + (to - from) * value.saturating_sub(low) / (high - low)
    })
}

/// e to the power of minus so many millionths, at most 4,000,000, in 1/2^32.
fn exp_of_minus(millionths: u64) -> u64 {
    let one = 1_i128 << 60;
    let (mut term, mut sum) = (one, one);
    for n in 1..48 {
        term = -term * i128::from(millionths) / (1_000_000 * n);
        sum += term;
    }
    u64::try_from(sum >> 28).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_shares_of_a_curve_are_those_of_its_lines() {
        let curve: Curve = &[(0, 0), (5_000, 10), (10_000, 110)];
        assert_eq!(mean(curve), 32);
        assert_eq!([0, 5, 60, 110, 500].map(|value| share_below(curve, value)), [0, 2_500, 7_500, 10_000, 10_000]);
    }

    #[test]
    fn counts_have_the_mean_and_the_variance_of_poisson() {
        for (millionths, draws) in [(0, 100), (30_000, 200_000), (1_200_000, 50_000), (23_500_000, 20_000)] {
            let mut dice = Dice::new(5);
            let counts: Vec<u64> = (0..draws).map(|_| dice.poisson(millionths)).collect();
            let mean = counts.iter().sum::<u64>() * 1_000_000 / draws;
            let deviations: i128 =
                counts.iter().map(|&count| (i128::from(count) * 1_000_000 - i128::from(millionths)).pow(2)).sum();
            let variance = u64::try_from(deviations / i128::from(draws) / 1_000_000).unwrap();
            assert!(mean.abs_diff(millionths) <= millionths / 25, "{mean} for {millionths}");
            assert!(variance.abs_diff(millionths) <= millionths / 25, "{variance} for {millionths}");
        }
    }

    #[test]
    fn a_keyed_stream_is_its_things_own() {
        let draw = |purpose, thing| Dice::keyed(7, purpose, thing).below(1 << 32);
        assert_eq!(draw(1, [2, 3]), draw(1, [2, 3]));
        let others = [draw(1, [2, 4]), draw(1, [3, 2]), draw(2, [2, 3]), Dice::keyed(8, 1, [2, 3]).below(1 << 32)];
        assert!(others.iter().all(|&other| other != draw(1, [2, 3])));
    }

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
