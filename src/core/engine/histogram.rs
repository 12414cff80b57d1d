//! Durations in logarithmic buckets: every quantile to one per cent, mergeable by adding counts.
//!
//! Bucket k holds the whole seconds s with k = ⌈ln s / ln γ⌉, γ = 1.01/0.99; 0 and 1 second are in bucket 0
//! (Masson, Rim and Lee, DDSketch, VLDB 2019, relative accuracy 0.01). A value in bucket k is read as 2γᵏ/(γ+1).

use crate::record::Millis;
use crate::row::Histogram;

const GAMMA: f64 = 1.01 / 0.99;

/// The bucket of a duration; negative ones count as zero.
pub(super) fn bucket(duration: Millis) -> i16 {
    let seconds = duration / 1000;
    if seconds <= 1 {
        return 0;
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds of a century are far below 2^53")]
    let seconds = seconds as f64;
    // The margin keeps powers of γ in their own bucket whatever the last bit of the logarithm.
    #[expect(clippy::cast_possible_truncation, reason = "ln of a century of seconds over ln γ is about 1,100")]
    let bucket = (seconds.ln() / GAMMA.ln() - 1e-12).ceil() as i16;
    bucket
}

/// Counts buckets; the result is sorted, so that equal content is equal bytes.
pub(super) fn count(mut buckets: Vec<i16>) -> Histogram {
    buckets.sort_unstable();
    let mut histogram = Histogram::new();
    for bucket in buckets {
        match histogram.last_mut() {
            Some((last, count)) if *last == bucket => *count += 1,
            _ => histogram.push((bucket, 1)),
        }
    }
    histogram
}
