//! What is needed of numbers to say how much they differ: sums of powers about their mean, which add up over sets of numbers.
//!
//! Added by the formulas of Pébay (Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical
//! moments, Sandia report SAND2008-6212, 2008): powers of the numbers themselves would lose what little equal numbers differ.

use std::ops::Add;

/// Of a set of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// How many.
    pub count: f64,
    /// x̄.
    pub mean: f64,
    /// Σ(x − x̄)².
    pub squares: f64,
    /// Σ(x − x̄)³.
    cubes: f64,
    /// Σ(x − x̄)⁴.
    pub fourths: f64,
}

impl Moments {
    /// Of these numbers. They are added in ascending order, so that the figures do not depend on theirs.
    #[must_use]
    pub fn of(mut numbers: Vec<f64>) -> Moments {
        numbers.sort_unstable_by(f64::total_cmp);
        let one = |mean| Moments { count: 1.0, mean, ..Moments::default() };
        numbers.into_iter().map(one).fold(Moments::default(), Moments::add)
    }
}

impl Add for Moments {
    type Output = Moments;

    fn add(self, other: Moments) -> Moments {
        let (a, b, count) = (self.count, other.count, self.count + other.count);
        if count == 0.0 {
            return self;
        }
        // How far the means lie apart, and a part of it.
        let (apart, part) = (other.mean - self.mean, (other.mean - self.mean) / count);
        let product = apart * part * a * b;
        Moments {
            count,
            mean: self.mean + part * b,
            squares: self.squares + other.squares + product,
            cubes: self.cubes + other.cubes + product * part * (a - b) + 3.0 * part * (a * other.squares - b * self.squares),
            fourths: self.fourths
                + other.fourths
                + product * part * part * (a * a - a * b + b * b)
                + 6.0 * part * part * (a * a * other.squares + b * b * self.squares)
                + 4.0 * part * (a * other.cubes - b * self.cubes),
        }
    }
}

/// For each of these sets the moments of all the others together, in as many steps as there are sets. Nothing is taken away again,
/// so nothing is lost where one of them outweighs the rest.
#[must_use]
pub fn without_each(sets: &[Moments]) -> Vec<Moments> {
    let mut others = Vec::with_capacity(sets.len());
    let mut before = Moments::default();
    for own in sets {
        others.push(before);
        before = before + *own;
    }
    let mut after = Moments::default();
    for (other, own) in others.iter_mut().zip(sets).rev() {
        *other = *other + after;
        after = *own + after;
    }
    others
}
