//! What each place returned since the first day that can be judged, its sides together: the rows `all` of `roi_place`, summed, with one
//! set of units.

use super::judge::grounds;
use super::{By, found};
use crate::answers::gather::{Book, Cell, periods};
use crate::answers::money::Money;
use crate::answers::period::{Period, Span};
use crate::answers::reason::Reason;
use crate::answers::{Ledger, Place, Side};
use crate::estimate::sum::Sum;

/// A place.
pub(in crate::answers) struct Together {
    pub(in crate::answers) place: Place,
    pub(in crate::answers) margin: Money,
    pub(in crate::answers) cost: Money,
    pub(in crate::answers) units: usize,
    pub(in crate::answers) sum: Sum,
    /// margin/cost, or why there is none.
    pub(in crate::answers) ratio: Result<f64, Reason>,
}

/// All places.
pub(in crate::answers) struct Returned {
    pub(in crate::answers) period: Period,
    pub(in crate::answers) places: Vec<Together>,
    /// Why a place that earned nothing and cost nothing has no return.
    pub(in crate::answers) of_nothing: Reason,
}

/// One cell a place, [`Side::Other`]: whatever returns, or was spent without a side. Margin without a touch is of no place.
pub(in crate::answers) fn one_a_place(place: &Place, side: Side) -> (Place, Side) {
    (By::Place.key(place), if side == Side::Unattributed { side } else { Side::Other })
}

/// Every place that earned or cost something, and what names none ('' and ''); nothing before any day can be judged.
pub(in crate::answers) fn together(ledger: &Ledger) -> Option<Returned> {
    let book = Book::open(ledger, one_a_place);
    let period = periods(&ledger.brand, Span::All, book.days()).into_iter().next()?;
    let cells = book.gather(period);
    let findings = found(&book, &cells, period, &ledger.labour());
    let against = |side, margin, cost| grounds(side, &findings, margin, cost).into_iter().map(|(reason, _)| reason).min();
    let of = |((place, side), cell): (&(Place, Side), Cell)| {
        let (margin, cost) = (cell.margin(ledger.brand.rule), cell.cost.point);
        let against = against(*side, margin, cost);
        let ratio = margin.value().zip(cost.value()).map(|(margin, cost)| margin / cost);
        let units = cell.drawn(period);
        Together {
            place: place.clone(),
            margin,
            cost,
            units: units.len(),
            sum: Sum::of(units),
            ratio: against.map_or(ratio.ok_or(Reason::NoCost), Err),
        }
    };
    let kept = book.cells.iter().zip(cells).filter(|((_, side), cell)| cell.used && *side != Side::Unattributed);
    let of_nothing = against(Side::Other, Money::default(), Money::default()).unwrap_or(Reason::NoCost);
    Some(Returned { period, places: kept.map(of).collect(), of_nothing })
}
