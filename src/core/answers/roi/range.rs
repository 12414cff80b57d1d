//! How far a return depends on assumptions that no figure decides: points only, no sampling.
//!
//! Five rules of credit; direct traffic credits nobody, or is shared out over the sides like the rest; seconds at their low or
//! high; cost without a side left out, or shared out over the sides like the rest. 40 returns, of which the ends are kept.

use super::super::money::{Missing, Money, first, value};
use super::super::{Rule, Side};
use crate::answers::gather::{Cell, Cost};

/// The least and the greatest margin over cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Range {
    Known(f64, f64),
    /// A part that some assumption needs is not known.
    Missing(Missing),
    /// Estimated seconds have no bounds, or one at which nothing was spent.
    Unbounded,
}

impl Range {
    pub(super) fn known(self) -> Option<(f64, f64)> {
        match self {
            Range::Known(from, to) => Some((from, to)),
            Range::Missing(_) | Range::Unbounded => None,
        }
    }
}

/// What can be shared out over the cells of a period, and by what.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    /// Direct margin of all cells, by rule.
    direct: [Money; 5],
    /// Margin of all cells that is not direct, by rule: by how much each has, what is direct is shared out. A cell whose refunds
    /// outweigh its sales takes no part.
    rest: [f64; 5],
    /// Cost without a side.
    pub(super) unallocated: Cost,
    /// Cost with one.
    allocated: Money,
}

impl Pool {
    pub(super) fn of<'a>(cells: impl Iterator<Item = (Side, &'a Cell)>) -> Pool {
        let mut pool = Pool::default();
        for (side, cell) in cells {
            if side == Side::Unallocated {
                pool.unallocated += cell.cost;
            }
            if side.returns() {
                pool.allocated += cell.cost.point;
                for rule in 0..Rule::ALL.len() {
                    pool.direct[rule] += cell.direct[rule];
                    pool.rest[rule] += rest(cell, rule).max(0.0);
                }
            }
        }
        pool
    }

    /// The range of one cell that can return something.
    pub(super) fn range(&self, cell: &Cell) -> Range {
        if let Some(missing) = self.missing(cell) {
            return Range::Missing(missing);
        }
        let shared = self.shares_cost();
        if cell.cost.unbounded || (shared && self.unallocated.unbounded) {
            return Range::Unbounded;
        }
        let margins = (0..Rule::ALL.len()).flat_map(|rule| self.margins(cell, rule));
        let (least, most) = ends(margins);
        let (cheapest, dearest) = ends(self.costs(cell).into_iter());
        if cheapest <= 0.0 {
            return Range::Unbounded;
        }
        // A loss weighs most on the smallest cost.
        let ratios = [least / cheapest, least / dearest, most / cheapest, most / dearest];
        let (from, to) = ends(ratios.into_iter());
        Range::Known(from, to)
    }

    /// Whether any cost is left to share out.
    fn shares_cost(&self) -> bool {
        [self.unallocated.point, self.unallocated.low, self.unallocated.high].iter().any(|cost| cost.known() != Some(0))
    }

    /// Whether direct margin is shared out by cost: under some rule nobody has any other.
    fn shares_by_cost(&self) -> bool {
        self.rest.iter().zip(&self.direct).any(|(rest, direct)| *rest <= 0.0 && direct.known() != Some(0))
    }

    /// What is not known of anything that the assumptions need.
    fn missing(&self, cell: &Cell) -> Option<Missing> {
        let margins = cell.margin.iter().chain(&self.direct).map(|margin| margin.missing());
        let allocated = if self.shares_by_cost() { self.allocated.missing() } else { None };
        let margins = margins.chain([allocated]);
        let others = if self.shares_cost() { first(self.allocated.missing(), self.unallocated.point.missing()) } else { None };
        margins.chain([others, cell.cost.point.missing()]).fold(None, first)
    }

    /// The margin with direct traffic at 0 and at 100 %. Where no cell has any other margin, nothing says whose work it was: then it is
    /// shared out by what each cost.
    fn margins(&self, cell: &Cell, rule: usize) -> [f64; 2] {
        let own = rest(cell, rule);
        let part = if self.rest[rule] > 0.0 { own.max(0.0) / self.rest[rule] } else { self.part_of_cost(cell) };
        [own, own + part * self.direct[rule].value().unwrap_or_default()]
    }

    /// The cost with seconds low and high, without and with its part of what has no side.
    fn costs(&self, cell: &Cell) -> [f64; 4] {
        let cost = |money: Money| money.value().unwrap_or_default();
        let part = self.part_of_cost(cell);
        let (low, high) = (cost(cell.cost.low), cost(cell.cost.high));
        [low, high, low + part * cost(self.unallocated.low), high + part * cost(self.unallocated.high)]
    }

    /// The part of the cost with a side that is the cell's.
    fn part_of_cost(&self, cell: &Cell) -> f64 {
        let cost = |money: Money| money.value().unwrap_or_default();
        let (own, all) = (cost(cell.cost.point), cost(self.allocated));
        if all > 0.0 { own.max(0.0) / all } else { 0.0 }
    }
}

/// The margin of a cell that is not direct.
fn rest(cell: &Cell, rule: usize) -> f64 {
    let (all, direct) = (cell.margin[rule].known(), cell.direct[rule].known());
    all.zip(direct).map_or(0.0, |(all, direct)| value(all.saturating_sub(direct)))
}

/// The least and the greatest.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)))
}
