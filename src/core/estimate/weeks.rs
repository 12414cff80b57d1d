//! When days hang together, weeks are the units: a week of high demand lifts every post in it.

/// How alike neighbouring days are: the correlation of a series with itself one step later, Σ(xₜ − x̄)(xₜ₊₁ − x̄) / Σ(xₜ − x̄)²
/// (Box and Jenkins, Time Series Analysis, 1970, chapter 2.1.5). `None` where no day differs from another.
#[must_use]
pub fn autocorrelation(days: &[f64]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a number of days")]
    let mean = days.iter().sum::<f64>() / days.len() as f64;
    let spread: f64 = days.iter().map(|x| (x - mean).powi(2)).sum();
    let next: f64 = days.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    // What rounding leaves of equal days is no spread.
    (spread > 1e-18 * mean * mean * days.len().max(1) as f64 && spread.is_finite()).then(|| next / spread)
}

/// Whether neighbouring days are more alike than chance makes days that have nothing to do with each other: beyond two of the
/// standard errors 1/√days (Bartlett, On the theoretical specification and sampling properties of autocorrelated time-series,
/// 1946).
#[must_use]
pub fn hang_together(days: &[f64]) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a number of days")]
    let bound = 2.0 / (days.len() as f64).sqrt();
    autocorrelation(days).is_some_and(|likeness| likeness > bound)
}
