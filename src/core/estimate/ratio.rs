//! Shares and rates, and how far apart two of them are, where what is counted comes in clusters (clicks and visits of roots).
//!
//! A share or rate is a ratio of sums over clusters, p = Σa/Σb, with the linearised variance Σ(a − p b)²/(Σb)² · R/(R − 1) of R clusters
//! (Cochran, Sampling Techniques, 3rd edition 1977, chapter 6). Clusters that are in both shares bring a covariance, with the
//! geometric mean of both factors, so that the variance of the difference is never below 0.
//!
//! Clusters that are all part, or all none, show no spread: of a few of them the share is not known to the point. The interval is then that
//! of the side with two more clusters, as large as they are on average, of which one is all part and the other none (after Agresti and Caffo,
//! Simple and effective confidence intervals for proportions and differences of proportions, 2000, who do so with single draws).

use super::sum::{EFFECTIVE_MIN, Sum};
use super::{Unsaid, effective, finite, freedom, student};

/// What a cluster has on one side: `part` of `whole`. A side without a whole is not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// a: of the whole, so much.
    pub part: f64,
    /// b.
    pub whole: f64,
}

/// The difference of two shares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Apart {
    /// Σa/Σb of the first side less that of the second.
    pub difference: f64,
    /// Where it lies with 95 %.
    pub low: f64,
    /// Where it lies with 95 %.
    pub high: f64,
}

/// A rate, for instance of visits per reply.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Σa/Σb.
    pub value: f64,
    /// Where it lies with 95 %.
    pub low: f64,
    /// Where it lies with 95 %.
    pub high: f64,
}

/// One side over all clusters.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Total {
    /// Clusters with a whole.
    pub clusters: usize,
    part: f64,
    whole: f64,
    squares: f64,
}

impl Total {
    /// Of the clusters' shares on one side.
    #[must_use]
    pub fn of(shares: impl Iterator<Item = Share>) -> Total {
        shares.filter(|share| share.whole > 0.0).fold(Total::default(), |total, share| Total {
            clusters: total.clusters + 1,
            part: total.part + share.part,
            whole: total.whole + share.whole,
            squares: total.squares + share.whole * share.whole,
        })
    }

    /// p, `None` where there is no whole.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.whole > 0.0).then(|| self.part / self.whole)
    }

    /// What is added to clusters that show no spread: two of the mean size, one that is all part and one that is none.
    #[expect(clippy::cast_precision_loss, reason = "a number of clusters")]
    fn doubt(&self) -> impl Iterator<Item = Share> {
        let whole = self.whole / self.clusters as f64;
        let all_alike = self.part <= 0.0 || self.part >= self.whole;
        [whole, 0.0].into_iter().filter(move |_| all_alike).map(move |part| Share { part, whole })
    }

    /// √(R/(R − 1)).
    #[expect(clippy::cast_precision_loss, reason = "a number of clusters")]
    fn factor(&self) -> f64 {
        (self.clusters as f64 / (self.clusters as f64 - 1.0)).sqrt()
    }

    /// What a cluster adds to the error of p.
    fn error(&self, share: Share) -> f64 {
        if share.whole > 0.0 { (share.part - share.whole * self.part / self.whole) / self.whole * self.factor() } else { 0.0 }
    }
}

/// How far the share of the first side is above that of the second, over clusters that may have both.
///
/// # Errors
///
/// [`Unsaid::FewUnits`] below two clusters on a side.
pub fn apart(clusters: &[(Share, Share)]) -> Result<Apart, Unsaid> {
    let sides = |clusters: &[(Share, Share)]| {
        (Total::of(clusters.iter().map(|cluster| cluster.0)), Total::of(clusters.iter().map(|cluster| cluster.1)))
    };
    let (first, second) = sides(clusters);
    let (Some(p), Some(q)) = (first.share(), second.share()) else { return Err(Unsaid::FewUnits) };
    if first.clusters.min(second.clusters) < 2 {
        return Err(Unsaid::FewUnits);
    }
    let units = effective(first.whole, first.squares).min(effective(second.whole, second.squares));
    let mut clusters = clusters.to_vec();
    clusters.extend(first.doubt().map(|share| (share, Share::default())));
    clusters.extend(second.doubt().map(|share| (Share::default(), share)));
    let (first, second) = sides(&clusters);
    // The square of a sum is both variances and twice the covariance at once.
    let variance: f64 = clusters.iter().map(|cluster| (first.error(cluster.0) - second.error(cluster.1)).powi(2)).sum();
    let half = finite(student::within_95(freedom(units)) * variance.sqrt())?;
    let middle = finite(first.share().unwrap_or(p) - second.share().unwrap_or(q))?;
    Ok(Apart { difference: finite(p - q)?, low: middle - half, high: middle + half })
}

/// A rate that has no upper bound, over clusters whose parts are skewed: on a logarithmic scale, where its error is that of p
/// divided by p (the delta method), with the upper end as far away as that of a sum of the same parts ([`Sum`]).
///
/// # Errors
///
/// [`Unsaid::NoValue`] where nothing was counted, [`Unsaid::FewUnits`] below two clusters, or two that count.
pub fn rate(clusters: &[Share]) -> Result<Rate, Unsaid> {
    let total = Total::of(clusters.iter().copied());
    let value = total.share().filter(|value| *value > 0.0).ok_or(Unsaid::NoValue)?;
    let parts = Sum::of(clusters.iter().map(|share| share.part).collect());
    if total.clusters < 2 || parts.effective() < EFFECTIVE_MIN {
        return Err(Unsaid::FewUnits);
    }
    let variance: f64 = clusters.iter().map(|share| total.error(*share).powi(2)).sum();
    let half = student::within_95(freedom(effective(total.whole, total.squares))) * variance.sqrt() / value;
    Ok(Rate { value, low: value * (-half).exp(), high: finite(value * (half * parts.stretch()).exp())? })
}
