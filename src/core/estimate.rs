//! Estimates: how far a figure may be from what is meant by it. Functions of numbers, one module a question, each with the source
//! of its formula. They know no brand, no day and no money; [`crate::answers`] asks them.
//!
//! What cannot be said is an [`Unsaid`], never an infinite interval or a NaN. How often the intervals hold the truth is counted
//! by `tests/calibrate/estimates.rs`; that they are what other libraries compute, in `tests`.

pub mod difference;
pub mod holm;
pub mod moments;
pub mod normal;
pub mod pooling;
pub mod ranking;
pub mod ratio;
pub mod regression;
pub mod student;
pub mod sum;
pub mod weeks;
pub mod welch;
pub mod within;

#[cfg(test)]
mod tests;

/// Why there is no estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsaid {
    /// There is nothing to compare: a sum that is not above 0 has no logarithm.
    NoValue,
    /// A cost that is not above 0.
    NoCost,
    /// Too few units that vary to say how much another draw would differ.
    FewUnits,
}

/// The value, if it is a number that can be printed; a figure that overflowed says nothing.
fn finite(value: f64) -> Result<f64, Unsaid> {
    if value.is_finite() { Ok(value) } else { Err(Unsaid::FewUnits) }
}

/// How many units of equal size would spread as these do: (Σx)²/Σx² (Kish, Survey Sampling, 1965, of weights).
fn effective(sum: f64, squares: f64) -> f64 {
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

/// Degrees of freedom of so many effective units, at least 3.
///
/// A hair is added before rounding down, because equal units give a whole number only up to the last bit.
fn freedom(effective: f64) -> f64 {
    ((effective * (1.0 + 1e-9)).floor() - 1.0).max(3.0)
}
