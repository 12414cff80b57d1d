//! Estimates of things that are alike, each drawn towards their mean by how uncertain it is: of many, the best one is mostly luck.
//!
//! xᵢ is normal around θᵢ with the variance s²ᵢ, and θᵢ normal around μ with the variance τ². τ² is that of DerSimonian and Laird
//! (Meta-analysis in clinical trials, 1986). How far each is drawn, B, and what is not known of it are those of Morris
//! (Parametric empirical Bayes inference, JASA 78, 1983), who takes off what is seen of B by chance:
//!
//! Bᵢ = (k − 3)/(k − 1) · s²ᵢ/(s²ᵢ + τ²), sd²ᵢ = s²ᵢ (1 − Bᵢ) + B²ᵢ (var μ + 2/(k − 3) · (xᵢ − μ)²).
//!
//! So of three things or fewer none is drawn anywhere.

use super::{Unsaid, finite};

/// What is known of one thing by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// x.
    pub value: f64,
    /// s², above 0.
    pub variance: f64,
}

/// The same, drawn towards the mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pooled {
    /// Between x and μ.
    pub value: f64,
    /// What is not known of it, of the mean and of the spread.
    pub sd: f64,
    /// What is not known of it alone: the rest moves all alike.
    pub own_sd: f64,
}

/// All of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// τ²: how far they are from one another; 0 where no further than chance puts them.
    pub tau2: f64,
    /// Each, in the order of the argument.
    pub of: Vec<Pooled>,
}

/// Draws each estimate towards the mean of all.
///
/// # Errors
///
/// [`Unsaid::FewUnits`] where there is none, or one without a variance above 0.
pub fn pooled(estimates: &[Estimate]) -> Result<Pool, Unsaid> {
    if estimates.is_empty() || estimates.iter().any(|of| of.variance <= 0.0) {
        return Err(Unsaid::FewUnits);
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of estimates")]
    let count = estimates.len() as f64;
    let (mean, weight) = weighted(estimates, 0.0);
    let squares: f64 = estimates.iter().map(|of| of.variance.powi(-2)).sum();
    let apart: f64 = estimates.iter().map(|of| (of.value - mean).powi(2) / of.variance).sum();
    let scale = weight - squares / weight;
    // Of one thing alone rounding may leave a little.
    let tau2 = if count > 1.0 && scale > 0.0 { finite(((apart - (count - 1.0)) / scale).max(0.0))? } else { 0.0 };
    let (mean, weight) = weighted(estimates, tau2);
    let (seen, doubt) = if count > 3.0 { ((count - 3.0) / (count - 1.0), 2.0 / (count - 3.0)) } else { (0.0, 0.0) };
    let draw = |of: &Estimate| {
        let drawn = seen * of.variance / (of.variance + tau2);
        let own = of.variance * (1.0 - drawn);
        let away = of.value - mean;
        let sd = finite((own + drawn * drawn * (1.0 / weight + doubt * away * away)).sqrt())?;
        Ok(Pooled { value: finite(mean + (1.0 - drawn) * away)?, sd, own_sd: own.sqrt() })
    };
    Ok(Pool { tau2, of: estimates.iter().map(draw).collect::<Result<_, _>>()? })
}

/// The mean with the weights 1/(s² + τ²), and their sum, which is 1/var of the mean.
fn weighted(estimates: &[Estimate], tau2: f64) -> (f64, f64) {
    let weights = estimates.iter().map(|of| (of.value, 1.0 / (of.variance + tau2)));
    let (sum, weight) = weights.fold((0.0, 0.0), |(sum, all), (value, weight)| (sum + value * weight, all + weight));
    (sum / weight, weight)
}
