//! A difference that is seen within each of many clusters, on average over them.
//!
//! This is weighted least squares of a yes or no with an effect of each cluster, where the variance of a cell goes with 1/its count:
//! with counts b and q of the two cells of a cluster its weight is bq/(b + q) and the estimate the weighted mean of the clusters'
//! own differences. Its variance is the cluster-robust one of Bell and McCaffrey (Bias reduction in standard errors for linear
//! regression with multi-stage samples, 2002: CR2), with their degrees of freedom after Satterthwaite. With one regressor that the
//! effects of the clusters are taken off (Pustejovsky and Tipton, JBES 36, 2018), h the clusters' shares of the weight:
//!
//! se² = Σ h²(d − D)²/(1 − h), degrees of freedom 1/(Σh² + (Σa)² − Σa²) with a = h²/(1 − h).

use super::ratio::Share;
use super::{Unsaid, finite, student};

/// One cluster: its difference, and what that weighs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cluster {
    /// d.
    pub difference: f64,
    /// bq/(b + q).
    pub weight: f64,
}

impl Cluster {
    /// Of a rate in either of two cells; `None` where one of them is empty.
    #[must_use]
    pub fn of(busy: Share, quiet: Share) -> Option<Cluster> {
        let (b, q) = (busy.whole, quiet.whole);
        (b > 0.0 && q > 0.0).then(|| Cluster { difference: busy.part / b - quiet.part / q, weight: b * q / (b + q) })
    }
}

/// The mean difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// D.
    pub difference: f64,
    /// Where it lies with 95 %.
    pub low: f64,
    /// Where it lies with 95 %.
    pub high: f64,
}

/// The mean over clusters.
///
/// # Errors
///
/// [`Unsaid::FewUnits`] where one cluster has all of the weight, or no cluster differs from another.
pub fn mean(clusters: &[Cluster]) -> Result<Mean, Unsaid> {
    let weight: f64 = clusters.iter().map(|of| of.weight).sum();
    let share = |of: &Cluster| of.weight / weight;
    if weight <= 0.0 || clusters.iter().any(|of| share(of) > 1.0 - 1e-9) {
        return Err(Unsaid::FewUnits);
    }
    let difference: f64 = clusters.iter().map(|of| share(of) * of.difference).sum();
    let (mut variance, mut squares, mut a, mut a_squares) = (0.0, 0.0, 0.0, 0.0);
    for of in clusters {
        let h = share(of);
        let own = h * h / (1.0 - h);
        variance += own * (of.difference - difference).powi(2);
        squares += h * h;
        a += own;
        a_squares += own * own;
    }
    if variance <= 0.0 {
        return Err(Unsaid::FewUnits);
    }
    let freedom = 1.0 / (squares + a * a - a_squares);
    let half = finite(student::within_95(freedom) * variance.sqrt())?;
    Ok(Mean { difference: finite(difference)?, low: difference - half, high: difference + half })
}
