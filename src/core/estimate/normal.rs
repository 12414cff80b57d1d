//! The normal distribution.

use statrs::distribution::{ContinuousCDF, Normal};

/// The probability that a standard normal number is below `z`; of what is no number a half.
#[must_use]
pub fn below(z: f64) -> f64 {
    if z.is_nan() { 0.5 } else { Normal::standard().cdf(z) }
}

/// Below what a standard normal number is with a probability between 0 and 1.
#[must_use]
pub fn quantile(probability: f64) -> f64 {
    Normal::standard().inverse_cdf(probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON))
}
