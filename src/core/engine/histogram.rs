//! Durations in logarithmic buckets: every quantile to one per cent, mergeable by adding counts.
//!
//! Bucket k holds the whole seconds s with γᵏ⁻¹ < s ≤ γᵏ, γ = 1.01/0.99; 0 and 1 second are in bucket 0
//! (Masson, Rim and Lee, DDSketch, VLDB 2019, relative accuracy 0.01). A value in bucket k is read as 2γᵏ/(γ+1).

use crate::record::Millis;
use crate::row::Histogram;

const GAMMA: f64 = 1.01 / 0.99;

/// As many as the seconds of 32 bits need; events are of 1970 to 2105.
const BUCKETS: usize = 1110;

/// The greatest whole seconds of each bucket: ⌊γᵏ⌋.
static UPPER: [u32; BUCKETS] = upper();

/// The bucket of the least seconds of each cell; see [`cell`].
static FIRST: [u16; CELLS] = first();

/// Cells of an octave: so many that none is wider than a bucket, and the search is over after a step.
const FINE: u32 = 64;
const CELLS: usize = 32 * FINE as usize;

/// The bucket of a duration; negative ones count as zero.
pub(super) fn bucket(duration: Millis) -> u16 {
    let seconds = u32::try_from((duration / 1000).max(1)).unwrap_or(u32::MAX);
    let mut bucket = FIRST[cell(seconds)];
    while UPPER[bucket as usize] < seconds {
        bucket += 1;
    }
    bucket
}

/// Where to begin the search for some seconds, of which there is at least one: their octave, divided evenly.
#[expect(clippy::cast_possible_truncation, reason = "below twice the number of cells of an octave")]
const fn cell(seconds: u32) -> usize {
    let octave = seconds.ilog2();
    let place = ((seconds as u64 * FINE as u64) >> octave) as usize - FINE as usize;
    (octave * FINE) as usize + place
}

const fn upper() -> [u32; BUCKETS] {
    let mut upper = [0; BUCKETS];
    let (mut bucket, mut power) = (0, 1.0);
    while bucket < BUCKETS {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded down; the last is u32::MAX")]
        let seconds = power as u32;
        upper[bucket] = seconds;
        (bucket, power) = (bucket + 1, power * GAMMA);
    }
    upper
}

const fn first() -> [u16; CELLS] {
    let upper = upper();
    let mut first = [0; CELLS];
    let (mut at, mut bucket) = (0, 0);
    while at < CELLS {
        // The least that falls into the cell, or a little less: small octaves have fewer seconds than cells.
        let (octave, place) = (at as u64 / FINE as u64, at as u64 % FINE as u64);
        let least = ((FINE as u64 + place) << octave) / FINE as u64;
        while (upper[bucket] as u64) < least {
            bucket += 1;
        }
        #[expect(clippy::cast_possible_truncation, reason = "there are 1,110")]
        let number = bucket as u16;
        first[at] = number;
        at += 1;
    }
    first
}

/// Counts durations. Kept from tree to tree: what is taken is counted no more.
#[derive(Debug)]
pub(super) struct Counter {
    counts: Box<[u64; BUCKETS]>,
    /// Which buckets hold something, a bit each.
    filled: [u64; BUCKETS.div_ceil(64)],
}

impl Default for Counter {
    fn default() -> Self {
        Counter { counts: Box::new([0; BUCKETS]), filled: [0; BUCKETS.div_ceil(64)] }
    }
}

impl Counter {
    pub(super) fn add(&mut self, duration: Millis) {
        let bucket = usize::from(bucket(duration));
        self.counts[bucket] += 1;
        self.filled[bucket / 64] |= 1 << (bucket % 64);
    }

    /// What was counted, sorted by bucket, so that equal content is equal bytes.
    pub(super) fn take(&mut self) -> Histogram {
        let mut histogram = Histogram::new();
        for (first, filled) in (0..).step_by(64).zip(&mut self.filled) {
            while *filled != 0 {
                let bucket = first + filled.trailing_zeros() as usize;
                *filled &= *filled - 1;
                let count = std::mem::take(&mut self.counts[bucket]);
                histogram.push((i16::try_from(bucket).unwrap_or(i16::MAX), count));
            }
        }
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the definition says it. The margin keeps powers of γ in their own bucket whatever the last bit of the logarithm.
    fn by_logarithm(seconds: u32) -> f64 {
        if seconds <= 1 { 0.0 } else { (f64::from(seconds).ln() / GAMMA.ln() - 1e-12).ceil() }
    }

    fn of_seconds(seconds: u32) -> f64 {
        bucket(i64::from(seconds) * 1000 + 999).into()
    }

    #[test]
    fn every_border_is_where_the_logarithm_has_it() {
        for border in UPPER {
            for seconds in [border - 1, border, border.saturating_add(1)] {
                assert_eq!(of_seconds(seconds), by_logarithm(seconds), "{seconds} s");
            }
        }
        assert_eq!(UPPER[BUCKETS - 2..].iter().filter(|&&upper| upper == u32::MAX).count(), 1);
    }

    #[test]
    fn every_second_of_a_day_is_where_the_logarithm_has_it() {
        (0..86_400).for_each(|seconds| assert_eq!(of_seconds(seconds), by_logarithm(seconds), "{seconds} s"));
        assert_eq!((bucket(-1), bucket(Millis::MIN), bucket(Millis::MAX)), (0, 0, 1109));
    }

    #[test]
    fn what_is_taken_is_counted_no_more() {
        let mut counter = Counter::default();
        for seconds in [90_000, 0, 1, 3, 90_000] {
            counter.add(seconds * 1000);
        }
        let (three, day) = (bucket(3_000).cast_signed(), bucket(90_000_000).cast_signed());
        assert_eq!(counter.take(), [(0, 2), (three, 1), (day, 2)]);
        assert_eq!(counter.take(), []);
    }
}
