//! Student's t distribution.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Beyond so many degrees of freedom t is the normal distribution to six decimals, and the series behind it gets slow.
const FREEDOM_MAX: f64 = 1e6;

/// The probability that t is below `t`. Less than one degree of freedom, or none that is a number, counts as one.
#[must_use]
pub fn below(t: f64, freedom: f64) -> f64 {
    if t.is_nan() {
        return 0.5;
    }
    let freedom = if freedom >= 1.0 { freedom.min(FREEDOM_MAX) } else { 1.0 };
    StudentsT::new(0.0, 1.0, freedom).map_or(0.5, |student| student.cdf(t))
}

/// The probability of a t at least so far from 0, on either side.
#[must_use]
pub fn two_sided(t: f64, freedom: f64) -> f64 {
    (2.0 * below(-t.abs(), freedom)).min(1.0)
}

/// What 95 % lie within, on either side of 0: the quantile at 0.975.
#[must_use]
pub fn within_95(freedom: f64) -> f64 {
    quantile(0.975, freedom)
}

/// What 90 % lie within, on either side of 0: the quantile at 0.95.
#[must_use]
pub fn within_90(freedom: f64) -> f64 {
    quantile(0.95, freedom)
}

/// What t is below with such a probability, between 1 and 16.
///
/// By bisection: 60 halvings always end, which the library's own inverse does not promise.
fn quantile(probability: f64, freedom: f64) -> f64 {
    // One degree of freedom has 12.7 at most, more have less.
    let (mut low, mut high) = (1.0, 16.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if below(middle, freedom) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}
