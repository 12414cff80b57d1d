//! The sums of a period: what each cell (a side of a channel, of a campaign, of a place or of the brand) earned and spent.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};

use super::money::{Money, add, value};
use super::period::{Day, Period, Span, monday};
use super::{Brand, Earned, Ledger, Place, Rule, Side, Spent, Unit, Written};
use crate::estimate::weeks;

/// Whole weeks that a period needs for weeks to be its units.
const WEEKS_MIN: i32 = 13;

/// The ledger in the order of its days, each row with the number of its cell.
pub(super) struct Book<'a> {
    pub(super) ledger: &'a Ledger,
    /// What each cell is.
    pub(super) cells: Vec<(Place, Side)>,
    earned: Vec<Entry<'a, Earned>>,
    spent: Vec<Entry<'a, Spent>>,
    written: Vec<Entry<'a, Written>>,
}

/// A row of the ledger.
struct Entry<'a, T> {
    day: Day,
    cell: usize,
    /// The number of its unit.
    unit: usize,
    row: &'a T,
}

/// A cost and its bounds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub(super) point: Money,
    /// With the lowest estimate of seconds.
    pub(super) low: Money,
    /// With the highest.
    pub(super) high: Money,
    /// Some estimate has no bounds.
    pub(super) unbounded: bool,
}

/// What a cell earned and spent in the period.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    /// Whether there is anything at all.
    pub(super) used: bool,
    /// By rule.
    pub(super) margin: [Money; 5],
    /// The part of it whose touches name no source, by rule.
    pub(super) direct: [Money; 5],
    /// The part under the configured rule whose touches have a root.
    pub(super) traced: Money,
    /// The part under the configured rule whose root was posted before the period.
    pub(super) earlier: Money,
    /// Credited sales under the configured rule.
    pub(super) conversions: f64,
    /// The margin of each unit under the configured rule.
    pub(super) units: Vec<f64>,
    /// How many units could have had some: those that have, and of a book with what was written all posts that the brand wrote or answered
    /// in the period.
    pub(super) chances: usize,
    /// The margin of each day that has any, in their order.
    days: Vec<(Day, i128)>,
    pub(super) cost: Cost,
    /// The cost of each day, where it is known.
    pub(super) daily_cost: Vec<(Day, f64)>,
}

impl<'a> Book<'a> {
    /// Of what a ledger has earned and spent, with the cell that each place and side belongs to.
    pub(super) fn open(ledger: &'a Ledger, belongs: impl Fn(&Place, Side) -> (Place, Side)) -> Book<'a> {
        Book::of(ledger, &[], belongs)
    }

    /// The same, with what was written: its cells know their chances.
    pub(super) fn with_written(ledger: &'a Ledger, belongs: impl Fn(&Place, Side) -> (Place, Side)) -> Book<'a> {
        Book::of(ledger, &ledger.written, belongs)
    }

    fn of(ledger: &'a Ledger, written: &'a [Written], belongs: impl Fn(&Place, Side) -> (Place, Side)) -> Book<'a> {
        let mut cells = HashMap::new();
        let mut cell = |place: &Place, side| {
            let next = cells.len();
            *cells.entry(belongs(place, side)).or_insert(next)
        };
        let mut units = HashMap::new();
        let mut unit = |unit: Unit<'a>| {
            let next = units.len();
            *units.entry(unit).or_insert(next)
        };
        let earned = |row: &'a Earned| Entry { day: row.day, cell: cell(&row.place, row.side), unit: unit(row.unit()), row };
        let mut earned: Vec<_> = ledger.earned.iter().map(earned).collect();
        let mut spent: Vec<_> =
            ledger.spent.iter().map(|row| Entry { day: row.day, cell: cell(&row.place, row.side), unit: 0, row }).collect();
        let wrote =
            |row: &'a Written| Entry { day: row.day, cell: cell(&row.place, row.side), unit: unit(Unit::Root(row.root)), row };
        let mut written: Vec<_> = written.iter().map(wrote).collect();
        earned.sort_by_key(|entry| entry.day);
        spent.sort_by_key(|entry| entry.day);
        written.sort_by_key(|entry| entry.day);
        let mut named: Vec<_> = cells.into_iter().collect();
        named.sort_unstable_by_key(|(_, number)| *number);
        Book { ledger, cells: named.into_iter().map(|(cell, _)| cell).collect(), earned, spent, written }
    }

    /// The days on which there is anything.
    pub(super) fn days(&self) -> impl Iterator<Item = Day> + Clone {
        self.earned.iter().map(|entry| entry.day).chain(self.spent.iter().map(|entry| entry.day))
    }

    /// The sums of the period, a cell each in the order of `cells`.
    pub(super) fn gather(&self, period: Period) -> Vec<Cell> {
        let rule = self.ledger.brand.rule;
        let mut cells = vec![Cell::default(); self.cells.len()];
        let mut units: HashMap<(usize, usize), i128> = HashMap::new();
        let mut chances: HashSet<(usize, usize)> =
            within(&self.written, period).iter().map(|entry| (entry.cell, entry.unit)).collect();
        for entry in within(&self.earned, period) {
            cells[entry.cell].earn(entry.row, rule, period.start);
            if entry.row.counts(rule) {
                add(units.entry((entry.cell, entry.unit)).or_default(), entry.row.margin[rule as usize]);
            }
        }
        for entry in within(&self.spent, period) {
            cells[entry.cell].spend(entry.row);
        }
        chances.extend(units.keys());
        chances.into_iter().for_each(|(cell, _)| cells[cell].chances += 1);
        for ((cell, _), margin) in units {
            cells[cell].units.push(value(margin));
        }
        cells
    }
}

/// The periods of a kind that hold any of these days, and that have begun.
pub(super) fn periods(brand: &Brand, span: Span, days: impl Iterator<Item = Day> + Clone) -> Vec<Period> {
    let first = brand.start().or_else(|| days.clone().min());
    if let Some(period) = first.and_then(|first| Period::trailing(span, first, brand.ripe(brand.lookback))) {
        return vec![period];
    }
    let mut periods: Vec<Period> = Vec::new();
    for day in days.filter(|day| *day <= brand.reached()) {
        if !periods.last().is_some_and(|period| period.holds(day)) {
            periods.extend(Period::holding(span, day));
        }
    }
    periods.sort_unstable();
    periods.dedup();
    periods
}

/// The rows of the period.
fn within<'b, 'a, T>(entries: &'b [Entry<'a, T>], period: Period) -> &'b [Entry<'a, T>] {
    let at = |day: Day| entries.partition_point(|entry| entry.day < day);
    &entries[at(period.start)..at(period.end)]
}

impl Cell {
    fn earn(&mut self, row: &Earned, configured: Rule, start: Day) {
        self.used = true;
        for rule in Rule::ALL {
            self.margin[rule as usize] += row.credit(rule);
            if row.direct {
                self.direct[rule as usize] += row.credit(rule);
            }
        }
        self.conversions += row.sold(configured);
        if row.counts(configured) {
            let margin = row.margin[configured as usize];
            match self.days.last_mut().filter(|(day, _)| *day == row.day) {
                Some((_, sum)) => add(sum, margin),
                None => self.days.push((row.day, margin)),
            }
        }
        if row.root.is_some() {
            self.traced += row.credit(configured);
            if row.root_day.is_some_and(|posted| posted < start) {
                self.earlier += row.credit(configured);
            }
        }
    }

    fn spend(&mut self, row: &Spent) {
        self.used = true;
        let cost = Cost::of(row);
        self.cost += cost;
        self.daily_cost.extend(cost.point.value().map(|cost| (row.day, cost)));
    }

    /// The margin under a rule.
    pub(super) fn margin(&self, rule: Rule) -> Money {
        self.margin[rule as usize]
    }

    /// The margin of each day of the period, of those without any too.
    pub(super) fn by_day(&self, period: Period) -> Vec<i128> {
        let mut series = vec![0; usize::try_from(period.days()).unwrap_or_default()];
        for (day, margin) in &self.days {
            if let Some(at) = usize::try_from(day.saturating_sub(period.start)).ok().and_then(|at| series.get_mut(at)) {
                *at = *margin;
            }
        }
        series
    }

    /// The margin of what comes by itself in the period: of weeks where the days hang together, else of units.
    pub(super) fn drawn(&self, period: Period) -> Vec<f64> {
        let series = || self.by_day(period).into_iter().map(value).collect::<Vec<_>>();
        if period.whole_weeks() < WEEKS_MIN || !weeks::hang_together(&series()) {
            return self.units.clone();
        }
        let mut weeks: BTreeMap<Day, i128> = BTreeMap::new();
        self.days.iter().for_each(|(day, margin)| add(weeks.entry(monday(*day)).or_default(), *margin));
        weeks.into_values().map(value).collect()
    }
}

impl Cost {
    fn of(row: &Spent) -> Cost {
        let with = |time: i128| Money::unless(row.missing, row.money.saturating_add(time));
        Cost { point: row.cost(), low: with(row.time_low), high: with(row.time_high), unbounded: row.unbounded }
    }
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Cost) {
        self.point += other.point;
        self.low += other.low;
        self.high += other.high;
        self.unbounded |= other.unbounded;
    }
}
