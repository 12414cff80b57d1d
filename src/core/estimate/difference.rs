//! Which of two returns is higher, by how much: the difference of the logarithms of margin over cost.
//!
//! Costs are taken as known. The error of log Σm is Σm/M to first order (the delta method), a term a day: days are the units,
//! because what lifts one side lifts the other on the same day. Drawn jointly, what both sides share drops out.

use super::{Unsaid, effective, finite, freedom, student};

/// One side: its margin on each day, and what it cost over all of them.
#[derive(Clone, Copy, Debug)]
pub struct Returned<'a> {
    /// Margin of each day.
    pub margin: &'a [f64],
    /// Of all days together.
    pub cost: f64,
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
/// zₜ = m₁ₜ/M₁ − m₂ₜ/M₂, se² = Σz². The terms add up to 0, so they are centred by themselves.
///
/// # Errors
///
/// Where a side has no margin or no cost, or both have theirs on the same days in the same proportions.
pub fn jointly(first: Returned, second: Returned) -> Result<Difference, Unsaid> {
    let (log_ratio, totals) = logs(first, second)?;
    let days = first.margin.len().max(second.margin.len());
    let of = |margin: &[f64], total: f64, day: usize| margin.get(day).map_or(0.0, |m| m / total);
    let terms = (0..days).map(|day| of(first.margin, totals.0, day) - of(second.margin, totals.1, day));
    judge(log_ratio, terms)
}

/// Two periods, one after the other: se² = Σ(m₁ₜ/M₁)² + Σ(m₂ₜ/M₂)². Not centred: how much happens in a period is random, too.
///
/// # Errors
///
/// Where a period has no margin or no cost.
pub fn apart(first: Returned, second: Returned) -> Result<Difference, Unsaid> {
    let (log_ratio, totals) = logs(first, second)?;
    let terms = first.margin.iter().map(|m| m / totals.0).chain(second.margin.iter().map(|m| m / totals.1));
    judge(log_ratio, terms)
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

/// The interval of the terms' spread, with as many degrees of freedom as days that matter.
fn judge(log_ratio: f64, terms: impl Iterator<Item = f64>) -> Result<Difference, Unsaid> {
    let (squares, fourths) = terms.fold((0.0, 0.0), |(squares, fourths), z| (squares + z * z, fourths + z * z * z * z));
    // The terms are shares of 1: less than this is what rounding leaves of two equal series.
    if squares < 1e-24 {
        return Err(Unsaid::FewUnits);
    }
    let (error, freedom) = (finite(squares.sqrt())?, freedom(effective(squares, fourths)));
    let half = student::within_95(freedom) * error;
    let p_first = student::below(log_ratio / error, freedom);
    Ok(Difference { log_ratio, low: log_ratio - half, high: log_ratio + half, p_first })
}
