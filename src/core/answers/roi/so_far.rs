//! What a period that is not complete may still expect: how much of the margin usually has come by an age.

use std::collections::BTreeMap;

use crate::answers::money::{Money, value};
use crate::answers::period::Day;
use crate::answers::{DAY, Ledger, Side};

/// Days of touches whose sales say how soon margin comes.
const DAYS: i32 = 91;

/// Credited sales below which they say nothing.
const SALES_MIN: f64 = 30.0;

/// The share of a side's margin that had come by each age, over the touches of the newest 91 complete days.
pub(super) struct Arrivals {
    /// By side: ages in ascending order, each with the share that had come by then.
    shares: BTreeMap<Side, Vec<(i64, f64)>>,
}

impl Arrivals {
    pub(super) fn of(ledger: &Ledger) -> Arrivals {
        let brand = &ledger.brand;
        let end = brand.ripe(brand.lookback);
        let mut sides: BTreeMap<Side, Come> = BTreeMap::new();
        for row in ledger.earned.iter().filter(|row| row.day < end && row.day >= end.saturating_sub(DAYS)) {
            let come = sides.entry(row.side).or_default();
            let margin = row.credit(brand.rule);
            come.sales += row.sold(brand.rule);
            come.all += margin;
            come.margins.extend(margin.known().map(|margin| (row.age, margin)));
        }
        Arrivals { shares: sides.into_iter().filter_map(|(side, come)| Some((side, come.shares()?))).collect() }
    }

    /// The share that a period may have by now: over its days, weighted by what each cost. `None` where too little is known.
    pub(super) fn expected(&self, side: Side, complete_to: i64, daily_cost: &[(Day, f64)]) -> Option<f64> {
        let shares = self.shares.get(&side)?;
        let age = |day: Day| complete_to.saturating_sub((i64::from(day) + 1) * DAY);
        let come = |day: Day| match shares.partition_point(|(at, _)| *at <= age(day)) {
            0 => 0.0,
            after => shares[after - 1].1,
        };
        let cost: f64 = daily_cost.iter().map(|(_, cost)| cost).sum();
        (cost > 0.0).then(|| daily_cost.iter().map(|(day, cost)| cost * come(*day)).sum::<f64>() / cost)
    }
}

/// What has come of one side.
#[derive(Default)]
struct Come {
    sales: f64,
    all: Money,
    /// Margin by age.
    margins: Vec<(i64, i128)>,
}

impl Come {
    /// Running sums over the ages, as shares of all of it; `None` where that is not known, not above 0, or of too few sales.
    fn shares(mut self) -> Option<Vec<(i64, f64)>> {
        let all = self.all.value().filter(|all| *all > 0.0 && self.sales >= SALES_MIN)?;
        self.margins.sort_unstable();
        let mut sum = 0_i128;
        let share = |(age, margin): (i64, i128)| {
            sum = sum.saturating_add(margin);
            (age, value(sum) / all)
        };
        Some(self.margins.into_iter().map(share).collect())
    }
}
