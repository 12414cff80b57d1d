//! What a period returned: margin credited to touches on its days, less the cost of those days, over that cost.
//!
//! One function makes the rows of a brand, of its channels, of its campaigns and of its places; they differ in what a cell is and in which
//! periods they have. Sums are exact; the interval is sampling alone ([`crate::estimate::sum`]), the range assumptions alone
//! (`roi/range.rs`), and the verdict needs both.

mod by_rule;
mod judge;
mod range;
mod so_far;
mod together;

use std::sync::Arc;

use super::gather::{Book, Cell, periods};
use super::money::Money;
use super::period::{Period, Span};
use super::reason::{Note, Reason, Verdict};
use super::{Labour, Ledger, Place, Side};
use crate::estimate::Unsaid;
use crate::estimate::sum::{Spread, Sum};

pub use by_rule::{Ruled, RuledRow, by_rule};
use judge::{Findings, Takes, grounds};
use range::{Pool, Range};
use so_far::Arrivals;
pub(super) use together::{Together, one_a_place, together};

/// A part of the margin or the cost that is worth a note.
const NOTED: f64 = 0.1;

/// Credited sales below which the interval is wider than need be.
const SALES_FEW: f64 = 10.0;

/// Days below which there is no interval and no verdict.
const DAYS_MIN: i32 = 28;

/// What a row is of, beside a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The brand: `roi`.
    Brand,
    /// A channel: `roi_channel`.
    Channel,
    /// A campaign: `roi_campaign`.
    Campaign,
    /// A community of a channel: `roi_place`.
    Place,
}

impl By {
    /// The part of a place that a row of this kind names.
    fn key(self, place: &Place) -> Place {
        let nowhere = Place::default();
        match self {
            By::Brand => nowhere,
            By::Channel => Place { channel: place.channel.clone(), ..nowhere },
            By::Campaign => Place { campaign: place.campaign.clone(), ..nowhere },
            By::Place => Place { campaign: nowhere.campaign, ..place.clone() },
        }
    }

    /// The periods that it has rows of.
    fn spans(self) -> &'static [Span] {
        let all = &[Span::Week, Span::Last4Weeks, Span::Month, Span::Quarter, Span::Last13Weeks, Span::All];
        match self {
            By::Brand => all,
            By::Channel => &all[2..],
            By::Campaign | By::Place => &all[3..],
        }
    }
}

/// What a side of a brand, channel, campaign or place returned in a period. Money in millionths of the brand's base currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The brand.
    pub brand: Arc<str>,
    /// Which channel, campaign or place; '' beside what the table does not tell apart.
    pub place: Place,
    /// The side.
    pub side: Side,
    /// The period.
    pub period: Period,
    /// Whether every sale that may credit the period has come.
    pub complete: bool,
    /// Credited margin, unless a part of it is not known.
    pub margin_base: Option<i128>,
    /// Cost, unless a part of it is not known.
    pub cost_base: Option<i128>,
    /// margin/cost − 1.
    pub roi: Option<f64>,
    /// Where another draw of as much effort would lie with 95 %: sampling, the cost taken as known.
    pub roi_low: Option<f64>,
    /// The same.
    pub roi_high: Option<f64>,
    /// The least over the assumptions.
    pub roi_from: Option<f64>,
    /// The greatest.
    pub roi_to: Option<f64>,
    /// Whether it is clear of 0.
    pub verdict: Option<Verdict>,
    /// Units with credit: posts, days of a channel where no post is known, or weeks.
    pub units: usize,
    /// How many units of equal size would spread as they do.
    pub effective_units: Option<f64>,
    /// Credited sales: the sum of their parts.
    pub conversions: f64,
    /// Margin whose touch has a post; `None` too where the side has no click.
    pub margin_traced: Option<i128>,
    /// Margin of posts that are older than the period: what it harvests from before.
    pub margin_of_earlier_posts: Option<i128>,
    /// The part of the brand's cost in the period that names no side.
    pub cost_without_side_share: Option<f64>,
    /// Before it is complete: margin so far/cost − 1, not scaled.
    pub roi_so_far: Option<f64>,
    /// The share of the margin that usually has come by now.
    pub expected_share: Option<f64>,
    /// Why something is missing; the first that holds.
    pub reason: Option<Reason>,
    /// What stands beside the number, in their order.
    pub notes: Vec<Note>,
}

/// The rows of a brand, by kind of period, then by period, then by place and side.
#[must_use]
pub fn roi(ledger: &Ledger, by: By) -> Vec<Row> {
    let book = Book::open(ledger, |place, side| (by.key(place), side));
    let labour = ledger.labour();
    let arrivals = Arrivals::of(ledger);
    let mut order: Vec<usize> = (0..book.cells.len()).collect();
    order.sort_by_key(|cell| &book.cells[*cell]);
    let mut rows = Vec::new();
    for period in by.spans().iter().flat_map(|span| periods(&ledger.brand, *span, book.days())) {
        let cells = book.gather(period);
        let whole = Whole::of(&book, &cells, period, &labour);
        for &number in order.iter().filter(|number| cells[**number].used) {
            rows.push(whole.row(number, &cells[number], &arrivals));
        }
    }
    rows
}

/// What the cells of a period share.
struct Whole<'a> {
    book: &'a Book<'a>,
    period: Period,
    findings: Findings,
    pool: Pool,
    cost_without_side: Option<f64>,
}

impl<'a> Whole<'a> {
    fn of(book: &'a Book, cells: &[Cell], period: Period, labour: &Labour) -> Whole<'a> {
        let findings = found(book, cells, period, labour);
        let pool = Pool::of(book.cells.iter().map(|(_, side)| *side).zip(cells));
        let all: Money = cells.iter().map(|cell| cell.cost.point).sum();
        let cost_without_side = pool.unallocated.point.value().zip(all.value()).filter(|(_, all)| *all > 0.0);
        Whole { book, period, findings, pool, cost_without_side: cost_without_side.map(|(part, all)| part / all) }
    }

    fn row(&self, number: usize, cell: &Cell, arrivals: &Arrivals) -> Row {
        let brand = &self.book.ledger.brand;
        let (place, side) = &self.book.cells[number];
        let (margin, cost) = (cell.margin(brand.rule), cell.cost.point);
        let drawn = cell.drawn(self.period);
        let (count, units) = (drawn.len(), Sum::of(drawn));
        let (spread, range) = (units.spread(), self.pool.range(cell));
        let mut grounds = grounds(*side, &self.findings, margin, cost);
        if grounds.is_empty() {
            grounds = doubts(self.period, spread, range);
        }
        let free = |takes: Takes| !grounds.iter().any(|(_, taken)| *taken == takes);
        let ratio = margin.value().zip(cost.value()).filter(|(_, cost)| *cost > 0.0).map(|(margin, cost)| margin / cost);
        let known = ratio.filter(|_| free(Takes::Roi));
        let spread = spread.ok().filter(|_| known.is_some() && free(Takes::Interval));
        let range = range.known().filter(|_| known.is_some() && free(Takes::Range));
        let so_far = ratio.filter(|_| side.returns() && !self.findings.complete && !self.findings.partial_start);
        let margin_traced = cell.traced.known().filter(|_| brand.clicked.contains(side));
        let bound = |shift: fn(Spread) -> f64| known.zip(spread).map(|(ratio, spread)| ratio * shift(spread).exp() - 1.0);
        Row {
            brand: brand.name.clone(),
            place: place.clone(),
            side: *side,
            period: self.period,
            complete: self.findings.complete,
            margin_base: margin.known(),
            cost_base: cost.known(),
            roi: known.map(|ratio| ratio - 1.0),
            roi_low: bound(|spread| -spread.half),
            roi_high: bound(|spread| spread.half_up),
            roi_from: range.map(|(from, _)| from - 1.0),
            roi_to: range.map(|(_, to)| to - 1.0),
            verdict: known.zip(spread).zip(range).map(|((ratio, spread), range)| verdict(ratio, spread, range)),
            units: count,
            effective_units: margin.known().map(|_| units.effective()),
            conversions: cell.conversions,
            margin_traced,
            margin_of_earlier_posts: cell.earlier.known(),
            cost_without_side_share: self.cost_without_side,
            roi_so_far: so_far.map(|ratio| ratio - 1.0),
            expected_share: so_far.and_then(|_| arrivals.expected(*side, brand.complete_to, &cell.daily_cost)),
            reason: grounds.iter().map(|(reason, _)| *reason).min(),
            notes: self.notes(*side, cell, margin),
        }
    }

    fn notes(&self, side: Side, cell: &Cell, margin: Money) -> Vec<Note> {
        if !side.returns() {
            return Vec::new();
        }
        let clicked = self.book.ledger.brand.clicked.contains(&side);
        let untraced = margin.value().zip(cell.traced.value());
        let untraced = untraced.is_some_and(|(margin, traced)| (margin - traced).abs() > NOTED * margin.abs());
        let notes = [
            (clicked && untraced, Note::PartlyTraced),
            (self.cost_without_side.is_some_and(|share| share > NOTED), Note::PartlyAllocated),
            (cell.conversions < SALES_FEW, Note::FewSales),
            (!clicked, Note::NoClicks),
        ];
        notes.into_iter().filter_map(|(holds, note)| holds.then_some(note)).collect()
    }
}

/// What is known of the brand's period, by its cells.
fn found(book: &Book, cells: &[Cell], period: Period, labour: &Labour) -> Findings {
    let brand = &book.ledger.brand;
    let sold = |touched: bool| {
        let counts = |side: Side| !touched || side != Side::Unattributed;
        let kept = book.cells.iter().zip(cells).filter(|((_, side), _)| counts(*side));
        kept.map(|(_, cell)| cell.conversions).sum::<f64>() > 0.0
    };
    Findings {
        complete: period.end <= brand.ripe(brand.lookback),
        partial_start: brand.start().is_some_and(|start| period.start < start),
        sold: sold(false),
        touched: sold(true),
        labour: labour.known(period),
    }
}

/// What a row's own figures leave in doubt, once there is a return.
fn doubts(period: Period, spread: Result<Spread, Unsaid>, range: Range) -> Vec<(Reason, Takes)> {
    let doubts = [
        spread.err().map(|unsaid| match unsaid {
            Unsaid::NoValue => (Reason::NoValue, Takes::Interval),
            Unsaid::NoCost => (Reason::NoCost, Takes::Interval),
            Unsaid::FewUnits => (Reason::FewUnits, Takes::Interval),
        }),
        (period.span == Span::Week || period.days() < DAYS_MIN).then_some((Reason::ShortPeriod, Takes::Interval)),
        match range {
            Range::Known(..) => None,
            Range::Missing(missing) => Some((missing.into(), Takes::Range)),
            Range::Unbounded => Some((Reason::UnboundedEstimate, Takes::Range)),
        },
    ];
    doubts.into_iter().flatten().collect()
}

/// `positive` or `negative` only where the interval, as it stands and moved to the nearer end of the range, is clear of 0: direct traffic
/// is in the return of [`Side::Other`] as it came, which may lie outside its range.
fn verdict(ratio: f64, spread: Spread, (from, to): (f64, f64)) -> Verdict {
    if from.min(ratio) * (-spread.half).exp() > 1.0 {
        Verdict::Positive
    } else if to.max(ratio) * spread.half_up.exp() < 1.0 {
        Verdict::Negative
    } else {
        Verdict::CannotTell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_needs_the_return_and_both_ends_of_its_range_on_one_side() {
        let narrow = Spread { half: 0.1, half_up: 0.1 };
        for (ratio, range, wanted) in [
            (3.0, (2.0, 4.0), Verdict::Positive),
            (0.5, (2.0, 4.0), Verdict::CannotTell),
            (3.0, (1.05, 4.0), Verdict::CannotTell),
            (0.3, (0.2, 0.4), Verdict::Negative),
            (5.0, (0.2, 0.4), Verdict::CannotTell),
            (0.3, (0.2, 0.95), Verdict::CannotTell),
        ] {
            assert_eq!(verdict(ratio, narrow, range), wanted, "{ratio} in {range:?}");
        }
    }
}
