//! Two arms of an experiment: the difference of their means, by Welch's test (The generalization of "Student's" problem when several
//! different population variances are involved, 1947).
//!
//! It believes of each arm the spread that it shows. A small arm in which nobody happened to buy shows none, and would be taken for one that
//! is known never to sell: of arms of 20 and of 1,000 units that are alike, where one in twenty buys, it calls 41 of 100 different. So
//! an arm of which fewer than ten units sold anything, beside one of more than one and a half times its size, is believed no more than by
//! Student's test, with one spread of both.

use super::{Unsaid, finite, student};

/// So many units of an arm have sold something where its spread is believed whatever stands beside it.
const SOLD: usize = 10;

/// How many times as many units the other arm may have where the spread of an arm is believed however few of it sold.
const ALIKE: f64 = 1.5;

/// One arm. Units without an outcome are in it as zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Arm {
    units: f64,
    /// Units that are not 0.
    sold: usize,
    mean: f64,
    /// Σ(x − mean)²/(units − 1).
    variance: f64,
}

/// What the test says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// The mean of the arm less that of the control.
    pub difference: f64,
    /// Of the difference.
    pub standard_error: f64,
    /// The difference in standard errors.
    pub t: f64,
    /// By Welch and Satterthwaite, or the units of both arms less two.
    pub degrees_of_freedom: f64,
    /// Two-sided.
    pub p_value: f64,
    /// Where the difference lies with 95 %.
    pub low: f64,
    /// Where the difference lies with 95 %.
    pub high: f64,
}

impl Arm {
    /// Of the values of its units.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a number of units")]
    pub fn of(values: &[f64]) -> Arm {
        let units = values.len() as f64;
        let mean = if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / units };
        let spread: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        let sold = values.iter().filter(|value| **value != 0.0).count();
        Arm { units, sold, mean, variance: if units > 1.0 { spread / (units - 1.0) } else { 0.0 } }
    }

    /// Whether it shows too little beside another arm for its own spread to be believed.
    fn is_doubted_beside(&self, other: Arm) -> bool {
        self.sold < SOLD && other.units > ALIKE * self.units
    }

    /// The mean of its units, 0 without any.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }
}

/// The arm against the control.
///
/// # Errors
///
/// [`Unsaid::FewUnits`] below two units in an arm, or where no unit differs from another.
pub fn test(arm: Arm, control: Arm) -> Result<Trial, Unsaid> {
    if arm.units < 2.0 || control.units < 2.0 {
        return Err(Unsaid::FewUnits);
    }
    // What rounding leaves of equal units is no spread.
    if arm.variance + control.variance <= 1e-18 * (arm.mean.powi(2) + control.mean.powi(2)) {
        return Err(Unsaid::FewUnits);
    }
    let [own, together] = [Error::of_each(arm, control), Error::of_both(arm, control)];
    let is_doubted = arm.is_doubted_beside(control) || control.is_doubted_beside(arm);
    let error = if is_doubted && together.half()? > own.half()? { together } else { own };
    let Error { square, freedom: degrees_of_freedom } = error;
    let (standard_error, half) = (square.sqrt(), error.half()?);
    let difference = finite(arm.mean - control.mean)?;
    let t = difference / standard_error;
    let p_value = student::two_sided(t, degrees_of_freedom);
    Ok(Trial { difference, standard_error, t, degrees_of_freedom, p_value, low: difference - half, high: difference + half })
}

/// How far the difference of two means may be off.
#[derive(Clone, Copy)]
struct Error {
    /// Its variance.
    square: f64,
    freedom: f64,
}

impl Error {
    /// By the spread that each arm shows, with the degrees of freedom of Welch and Satterthwaite.
    fn of_each(arm: Arm, control: Arm) -> Error {
        let (own, other) = (arm.variance / arm.units, control.variance / control.units);
        // Shares of the variance, so that no square overflows.
        let share = own / (own + other);
        let freedom = 1.0 / (share * share / (arm.units - 1.0) + (1.0 - share).powi(2) / (control.units - 1.0));
        Error { square: own + other, freedom }
    }

    /// By one spread of both, which they have where the arms do not matter (Student).
    fn of_both(arm: Arm, control: Arm) -> Error {
        let freedom = arm.units + control.units - 2.0;
        let own = (arm.units - 1.0) / freedom;
        let variance = arm.variance * own + control.variance * (1.0 - own);
        Error { square: variance / arm.units + variance / control.units, freedom }
    }

    /// What 95 % lie within, on either side.
    fn half(self) -> Result<f64, Unsaid> {
        finite(student::within_95(self.freedom) * self.square.sqrt())
    }
}
