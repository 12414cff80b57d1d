//! Least squares of an outcome on regressors, where observations come in clusters (the minutes of days) that have a level of their own.
//!
//! The level is taken off by the cluster's means. The error of an effect θ is that of leaving each of G clusters out in turn,
//! (G − 1)/G · Σ(θ without one − θ)², with G − 1 degrees of freedom (Tukey's jackknife; of regressions MacKinnon and White, Some
//! heteroskedasticity-consistent covariance matrix estimators with improved finite sample properties, 1985; of clusters Bell and
//! McCaffrey, Bias reduction in standard errors for linear regression with multi-stage samples, 2002). It holds however the observations of
//! a cluster hang together, and with a few weeks of days better than the sandwich of scores, which is a little too narrow. Regressors
//! that do not vary, or only together with others, do no harm: the inverse is Moore and Penrose's, and an effect that hangs on such a one
//! is not told.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::{Unsaid, finite, student};

/// What of a regressor of size 1 the others leave is nothing below this.
const NOTHING: f64 = 1e-9;

/// How much of a sum of squares rounding may leave.
const ROUNDING: f64 = 1e-12;

/// How much of an effect may lie where nothing varies.
const LOST: f64 = 1e-6;

/// Steps of the eigenvalues' iteration: those that are found need about two each.
const STEPS: usize = 10_000;

/// The observations of a cluster, as sums of products.
#[derive(Clone, Debug)]
pub struct Cluster {
    columns: usize,
    rows: f64,
    sums: Vec<f64>,
    /// Of columns i ≤ j, row by row.
    products: Vec<f64>,
}

/// An effect, and how far it may be off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// The sum of the coefficients, each times its weight.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
    /// Clusters less one.
    pub freedom: f64,
}

/// A regression.
#[derive(Clone, Debug)]
pub struct Fit {
    coefficients: DVector<f64>,
    /// Those without each of the clusters.
    without: Vec<DVector<f64>>,
    /// The size of each regressor; 0 where it does not vary.
    size: DVector<f64>,
    /// What varies: the projection onto it, of regressors of size 1.
    varies: DMatrix<f64>,
}

impl Cluster {
    /// Without any observation, of so many regressors.
    #[must_use]
    pub fn new(regressors: usize) -> Cluster {
        let columns = regressors + 1;
        Cluster { columns, rows: 0.0, sums: vec![0.0; columns], products: vec![0.0; columns * columns] }
    }

    /// Adds an observation: the regressors, then the outcome. What is missing of them is 0.
    pub fn add(&mut self, row: &[f64]) {
        self.rows += 1.0;
        let sums = self.sums.iter_mut().zip(self.products.chunks_exact_mut(self.columns));
        // Most regressors are 0 most of the time, and add nothing.
        for (at, (value, (sum, products))) in row.iter().zip(sums).enumerate().filter(|(_, (value, _))| **value != 0.0) {
            *sum += value;
            products[at..].iter_mut().zip(&row[at..]).for_each(|(product, other)| *product += value * other);
        }
    }

    /// Products of every pair of columns about their means.
    fn centred(&self) -> DMatrix<f64> {
        let rows = self.rows.max(1.0);
        DMatrix::from_fn(self.columns, self.columns, |one, other| {
            let (first, second) = (one.min(other), one.max(other));
            self.products[first * self.columns + second] - self.sums[first] * self.sums[second] / rows
        })
    }
}

impl Fit {
    /// Of these clusters, which have the same regressors.
    ///
    /// # Errors
    ///
    /// [`Unsaid::FewUnits`] below two clusters, or where a figure is beyond what can be computed with.
    pub fn of(clusters: &[Cluster]) -> Result<Fit, Unsaid> {
        let products: Vec<DMatrix<f64>> = clusters.iter().map(Cluster::centred).collect();
        let [first, rest @ ..] = &products[..] else { return Err(Unsaid::FewUnits) };
        if rest.is_empty() || rest.iter().any(|other| other.shape() != first.shape()) {
            return Err(Unsaid::FewUnits);
        }
        let total = rest.iter().fold(first.clone(), |sum, other| sum + other);
        if total.iter().any(|value| !value.is_finite()) {
            return Err(Unsaid::FewUnits);
        }
        let square = |at: usize| clusters.iter().map(|cluster| cluster.products[at * cluster.columns + at]).sum::<f64>();
        // What rounding leaves of a regressor that stays the same is no variation.
        let size = |at: usize| if total[(at, at)] > ROUNDING * square(at) { total[(at, at)].sqrt() } else { 0.0 };
        let size = DVector::from_fn(first.nrows() - 1, |at, _| size(at));
        let (coefficients, varies) = solve(&total, &size)?;
        let without = products.iter().map(|own| solve(&(&total - own), &size).map(|(coefficients, _)| coefficients));
        Ok(Fit { coefficients, without: without.collect::<Result<_, _>>()?, size, varies })
    }

    /// The effect of these weights of the regressors.
    ///
    /// # Errors
    ///
    /// [`Unsaid::FewUnits`] where it hangs on a regressor that does not vary, or not by itself.
    pub fn effect(&self, weights: &[f64]) -> Result<Effect, Unsaid> {
        let weights = DVector::from_fn(self.coefficients.len(), |at, _| weights.get(at).copied().unwrap_or_default());
        let scaled = weights.zip_map(&self.size, |weight, size| if size > 0.0 { weight / size } else { 0.0 });
        let lacks = weights.iter().zip(&self.size).any(|(weight, size)| *weight != 0.0 && *size == 0.0);
        if lacks || (&scaled - &self.varies * &scaled).norm() > LOST * scaled.norm() {
            return Err(Unsaid::FewUnits);
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of clusters")]
        let clusters = self.without.len() as f64;
        let value = finite(self.coefficients.dot(&weights))?;
        let squares: f64 = self.without.iter().map(|without| (without.dot(&weights) - value).powi(2)).sum();
        let error = finite((squares * (clusters - 1.0) / clusters).sqrt())?;
        Ok(Effect { value, error, freedom: clusters - 1.0 })
    }
}

/// The coefficients of such products, and the projection onto what varies, of regressors of size 1.
fn solve(products: &DMatrix<f64>, size: &DVector<f64>) -> Result<(DVector<f64>, DMatrix<f64>), Unsaid> {
    let regressors = size.len();
    let of_size_1 = size.map(|size| if size > 0.0 { 1.0 / size } else { 0.0 });
    let scaled =
        DMatrix::from_fn(regressors, regressors, |one, other| products[(one, other)] * of_size_1[one] * of_size_1[other]);
    let outcome = DVector::from_fn(regressors, |at, _| products[(at, regressors)] * of_size_1[at]);
    let eigen = SymmetricEigen::try_new(scaled, f64::EPSILON, STEPS).ok_or(Unsaid::FewUnits)?;
    let spread = |of: fn(f64) -> f64| {
        let kept = eigen.eigenvalues.map(|value| if value > NOTHING { of(value) } else { 0.0 });
        &eigen.eigenvectors * DMatrix::from_diagonal(&kept) * eigen.eigenvectors.transpose()
    };
    let coefficients = (spread(|value| 1.0 / value) * outcome).component_mul(&of_size_1);
    Ok((coefficients, spread(|_| 1.0)))
}

impl Effect {
    /// Where it lies with 95 %.
    #[must_use]
    pub fn within_95(&self) -> (f64, f64) {
        let half = student::within_95(self.freedom) * self.error;
        (self.value - half, self.value + half)
    }

    /// Where it lies with 90 %.
    #[must_use]
    pub fn within_90(&self) -> (f64, f64) {
        let half = student::within_90(self.freedom) * self.error;
        (self.value - half, self.value + half)
    }
}
