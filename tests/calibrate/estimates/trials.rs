//! Experiments with two arms, with or without an effect.

use std::sync::Arc;

use super::dice::Dice;
use grapevine_core::answers::experiments::Unit;

/// A kind of unit: how many there are in the arm that is tested and in the control arm, how many orders each makes on average, and how
/// alike units are (the shape of a gamma distribution of their means).
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) units: u32,
    pub(crate) control: u32,
    orders: f64,
    shape: u32,
}

pub(crate) const KINDS: [Kind; 5] = [
    Kind { name: "root", units: 100, control: 100, orders: 1.5, shape: 1 },
    Kind { name: "community", units: 30, control: 30, orders: 40.0, shape: 4 },
    Kind { name: "visitor", units: 500, control: 500, orders: 0.3, shape: 1 },
    Kind { name: "person", units: 500, control: 500, orders: 0.3, shape: 1 },
    Kind { name: "time_slot", units: 84, control: 84, orders: 10.0, shape: 2 },
];

/// Arms of unlike size, whose units mostly sell nothing: in a small arm maybe none does.
pub(crate) const LOPSIDED: [Kind; 6] = [
    Kind { name: "visitor", units: 20, control: 1000, orders: 0.05, shape: 1 },
    Kind { name: "visitor", units: 1000, control: 50, orders: 0.05, shape: 1 },
    Kind { name: "root", units: 100, control: 1000, orders: 0.02, shape: 1 },
    Kind { name: "community", units: 10, control: 100, orders: 0.2, shape: 1 },
    Kind { name: "visitor", units: 500, control: 1000, orders: 0.004, shape: 1 },
    Kind { name: "visitor", units: 40, control: 70, orders: 0.05, shape: 1 },
];

/// The spread of an order's logarithm; its median is 1.
const SPREAD: f64 = 0.7;

impl Kind {
    /// Mean and variance of what a unit sells when the number of its orders is multiplied.
    pub(crate) fn moments(self, lift: f64) -> (f64, f64) {
        let (mean, square) = ((0.5 * SPREAD * SPREAD).exp(), (2.0 * SPREAD * SPREAD).exp());
        let orders = lift * self.orders;
        (orders * mean, orders * square + (orders * mean).powi(2) / f64::from(self.shape))
    }

    /// The smallest effect that the arms detect in 80 of 100 trials, normally approximated.
    pub(crate) fn lift_for_80(self) -> f64 {
        let (first, spread) = self.moments(1.0);
        let lifts = (1000..=4000).map(|thousandths| f64::from(thousandths) / 1000.0);
        let detected = |lift: &f64| {
            let (mean, variance) = self.moments(*lift);
            // 1.96 and 0.84: what 95 % lie within, and what 80 % lie below.
            (mean - first) / ((spread + variance) / f64::from(self.units)).sqrt() >= 1.959_963_985 + 0.841_621_234
        };
        lifts.into_iter().find(detected).unwrap_or(4.0)
    }

    /// What the units of a trial sell.
    pub(crate) fn draw(self, dice: &mut Dice, lift: f64) -> Vec<Unit> {
        let arms = [("control", 1.0, self.control), ("test", lift, self.units)];
        arms.into_iter()
            .flat_map(|(arm, lift, units)| (0..units).map(move |_| (arm, lift)))
            .map(|(arm, lift)| {
                let gamma: f64 = (0..self.shape).map(|_| -dice.unit().ln()).sum();
                let orders = dice.poisson(lift * self.orders * gamma / f64::from(self.shape));
                Unit {
                    experiment: Arc::from("trial"),
                    unit_type: Arc::from(self.name),
                    arm: Arc::from(arm),
                    value: (0..orders).map(|_| (SPREAD * dice.normal()).exp()).sum(),
                    without_rate: false,
                    flaw: Arc::from(""),
                }
            })
            .collect()
    }
}
