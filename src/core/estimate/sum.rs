//! How far a sum of unit values may be from what as many such units bring on average.
//!
//! The unit is what carries the dependence (a post: its visitors share its fate). The interval stands on a logarithmic scale,
//! because values are skewed, with the t of the effective number of units; the upper end is further away, the more a single unit
//! weighs among many, because the rare hit is what a sample has not seen. The correction
//! by the largest unit was chosen by simulation ("How far to trust an interval", docs/calibration.md). Squares are not centred where
//! the number of units is random, too (the variance of a compound Poisson sum is the expected sum of squares; Feller, An
//! Introduction to Probability Theory and Its Applications II, 1971, chapter V.9).

use super::{Unsaid, effective, finite, freedom, student};

/// The least effective number of units that says something of another draw.
pub(super) const EFFECTIVE_MIN: f64 = 2.0;

/// What is needed of the values of the units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    /// Σx.
    pub value: f64,
    /// Σx².
    pub squares: f64,
    /// max x.
    pub largest: f64,
}

/// How far a sum may be off, as parts of a logarithm: it lies between `value` e^−half and `value` e^half_up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Downwards, above 0.
    pub half: f64,
    /// Upwards, not less than `half`.
    pub half_up: f64,
}

impl Sum {
    /// Of these values. They are added in ascending order, so that the sum does not depend on theirs.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Sum {
        values.sort_unstable_by(f64::total_cmp);
        let add = |sum: Sum, x: &f64| Sum { value: sum.value + x, squares: sum.squares + x * x, largest: sum.largest.max(*x) };
        values.iter().fold(Sum::default(), add)
    }

    /// How many units of equal size would spread as these do.
    #[must_use]
    pub fn effective(&self) -> f64 {
        effective(self.value, self.squares)
    }

    /// The 95 % interval, in parts of a logarithm.
    ///
    /// # Errors
    ///
    /// [`Unsaid::NoValue`] where the sum is not above 0, [`Unsaid::FewUnits`] below two effective units.
    pub fn spread(&self) -> Result<Spread, Unsaid> {
        self.spread_by(self.squares)
    }

    /// The same where the number of units is no chance, because they were chosen (the posts of a week, those without a value too): the
    /// variance is that about their mean.
    ///
    /// # Errors
    ///
    /// As [`Sum::spread`].
    #[expect(clippy::cast_precision_loss, reason = "a number of units")]
    pub fn spread_of(&self, units: usize) -> Result<Spread, Unsaid> {
        // One unit has no spread, and never two effective ones.
        let count = units.max(2) as f64;
        let about = self.squares - self.value * self.value / count;
        // What rounding leaves of equal units is no spread.
        self.spread_by(if about > 1e-12 * self.squares { about * count / (count - 1.0) } else { 0.0 })
    }

    /// The interval of a sum with such a variance.
    fn spread_by(&self, variance: f64) -> Result<Spread, Unsaid> {
        if self.value <= 0.0 {
            return Err(Unsaid::NoValue);
        }
        let n = self.effective();
        if n < EFFECTIVE_MIN {
            return Err(Unsaid::FewUnits);
        }
        let half = finite(student::within_95(freedom(n)) * variance.sqrt() / self.value)?;
        Ok(Spread { half, half_up: finite(half * self.stretch())? })
    }

    /// How many times further away the upper end is than the lower one: the more, the more the largest unit weighs among many.
    pub(super) fn stretch(&self) -> f64 {
        1.0 + 0.6 * self.largest / self.squares.sqrt() * (1.0 - 2.0 / self.effective())
    }
}
