//! Which of two returns is higher, by how much: the difference of the logarithms of margin over cost.
//!
//! Costs are taken as known. The error of log Σm is Σm/M to first order (the delta method), summed twice. With a term a day, because
//! what lifts one side lifts the other on the same day: drawn jointly, what both share drops out. And with a term a unit (a post),
//! because all that one post brings over many days is one event, which days do not know. The wider interval stands: each of
//! the two sees what the other cannot.

use super::moments::Moments;
use super::{Unsaid, effective, finite, freedom, student};

/// One side: its margin on each day, how much its units differ, and what it cost over all days.
#[derive(Clone, Copy, Debug)]
pub struct Returned<'a> {
    /// Margin of each day.
    pub margin: &'a [f64],
    /// Of the margins of its units, of those that brought nothing, too.
    pub units: Moments,
    /// Of all days together.
    pub cost: f64,
}

/// Sums over the terms of an error: those of two sides drawn independently add up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Terms {
    /// Σz².
    squares: f64,
    /// Σz⁴.
    fourths: f64,
}

impl Terms {
    /// What the sum of margins owes to how much its units differ: z = (x − x̄)/Σx, times n/(n − 1) under the root, which makes Σz² the
    /// unbiased estimate of the variance of Σx/E Σx. Centred: how many posts a side has is its plan, and no chance; so those that
    /// brought nothing have to be among them, or hits that are alike seem to be no chance either. A single unit differs by all it is.
    /// No terms where the sum is not above 0.
    fn of(units: Moments) -> Terms {
        let Moments { count, mean, squares, fourths, .. } = units;
        if mean <= 0.0 {
            return Terms::default();
        }
        if count <= 1.0 {
            return Terms { squares: 1.0, fourths: 1.0 };
        }
        let scale = count / (count - 1.0) / (mean * count).powi(2);
        Terms { squares: squares * scale, fourths: fourths * scale * scale }
    }
}

impl FromIterator<f64> for Terms {
    fn from_iter<I: IntoIterator<Item = f64>>(terms: I) -> Terms {
        let add = |sum: Terms, z: f64| Terms { squares: sum.squares + z * z, fourths: sum.fourths + z * z * z * z };
        terms.into_iter().fold(Terms::default(), add)
    }
}

impl std::ops::Add for Terms {
    type Output = Terms;

    fn add(self, other: Terms) -> Terms {
        Terms { squares: self.squares + other.squares, fourths: self.fourths + other.fourths }
    }
}

/// The difference of log(margin/cost).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Above 0 where the first side returned more.
    pub log_ratio: f64,
    /// Where it lies with 95 %.
    pub low: f64,
    /// Where it lies with 95 %.
    pub high: f64,
    /// The probability that the first side's is higher, by the same t.
    pub p_first: f64,
}

/// Two sides over the same days; the shorter series is taken to be 0 on the days that it lacks.
///
/// By days zₜ = m₁ₜ/M₁ − m₂ₜ/M₂, se² = Σz². The terms add up to 0, so they are centred by themselves.
///
/// # Errors
///
/// Where a side has no margin or no cost, or both have theirs on the same days in the same proportions.
pub fn jointly(first: Returned, second: Returned) -> Result<Difference, Unsaid> {
    let (log_ratio, totals) = logs(first, second)?;
    let days = first.margin.len().max(second.margin.len());
    let of = |margin: &[f64], total: f64, day: usize| margin.get(day).map_or(0.0, |m| m / total);
    let terms = (0..days).map(|day| of(first.margin, totals.0, day) - of(second.margin, totals.1, day));
    judge(log_ratio, [terms.collect(), Terms::of(first.units) + Terms::of(second.units)])
}

/// Two periods, one after the other: by days se² = Σ(m₁ₜ/M₁)² + Σ(m₂ₜ/M₂)². Not centred: how much happens in a period is random, too.
///
/// # Errors
///
/// Where a period has no margin or no cost.
pub fn apart(first: Returned, second: Returned) -> Result<Difference, Unsaid> {
    let (log_ratio, totals) = logs(first, second)?;
    let terms = first.margin.iter().map(|m| m / totals.0).chain(second.margin.iter().map(|m| m / totals.1));
    judge(log_ratio, [terms.collect(), Terms::of(first.units) + Terms::of(second.units)])
}

/// log(M₁/C₁) − log(M₂/C₂), and both margins.
fn logs(first: Returned, second: Returned) -> Result<(f64, (f64, f64)), Unsaid> {
    let totals = (first.margin.iter().sum::<f64>(), second.margin.iter().sum::<f64>());
    // In the order of the reasons of a return: what has neither has no cost.
    if first.cost <= 0.0 || second.cost <= 0.0 {
        return Err(Unsaid::NoCost);
    }
    if totals.0 <= 0.0 || totals.1 <= 0.0 {
        return Err(Unsaid::NoValue);
    }
    Ok((finite((totals.0 / first.cost).ln() - (totals.1 / second.cost).ln())?, totals))
}

/// The wider of the intervals by days and by units, with as many degrees of freedom as of them matter. Days have to say something.
fn judge(log_ratio: f64, [days, units]: [Terms; 2]) -> Result<Difference, Unsaid> {
    // The terms are shares of 1: less than this is what rounding leaves of two equal series.
    if days.squares < 1e-24 {
        return Err(Unsaid::FewUnits);
    }
    let mut widest = (0.0, 1.0, 1.0);
    for terms in [days, units].into_iter().filter(|terms| terms.squares >= 1e-24) {
        let (error, freedom) = (finite(terms.squares.sqrt())?, freedom(effective(terms.squares, terms.fourths)));
        let half = finite(student::within_95(freedom) * error)?;
        if half > widest.0 {
            widest = (half, error, freedom);
        }
    }
    let (half, error, freedom) = widest;
    let p_first = student::below(log_ratio / error, freedom);
    Ok(Difference { log_ratio, low: log_ratio - half, high: log_ratio + half, p_first })
}
