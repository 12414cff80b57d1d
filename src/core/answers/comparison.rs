//! Which of two returns is higher: what both share (demand, season, the margin rate) drops out, so a difference can be told
//! where a single return cannot. The headline of the report.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::gather::{Book, Cell};
use super::money::{Money, add, value};
use super::period::{Day, Period, Span};
use super::reason::Reason;
use super::roi::one_a_place;
use super::{Labour, Ledger, Place, Rule, Side};
use crate::estimate::difference::{self, Difference, Returned};
use crate::estimate::moments::{self, Moments};
use crate::estimate::{Unsaid, holm};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Broadcast with conversation.
    Sides,
    /// A place with the brand's other places.
    Place,
    /// A period with the one before, of one side.
    Period,
}

impl Kind {
    /// Its name in a row.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Sides => "sides",
            Kind::Place => "place",
            Kind::Period => "period",
        }
    }
}

/// Which one returned more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Winner {
    /// The first.
    First,
    /// The second.
    Second,
    /// Chance could have made the difference.
    CannotTell,
}

impl Winner {
    /// Its word in a row.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Winner::First => "first",
            Winner::Second => "second",
            Winner::CannotTell => "cannot_tell",
        }
    }
}

/// Two returns. Money in millionths of the brand's base currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The brand.
    pub brand: Arc<str>,
    /// What is compared.
    pub kind: Kind,
    /// The period; of [`Kind::Period`] the first of the two.
    pub period: Period,
    /// The place, of [`Kind::Place`].
    pub place: Place,
    /// The side, of [`Kind::Period`].
    pub side: Option<Side>,
    /// Credited margin of the first and of the second.
    pub margin_base: [Option<i128>; 2],
    /// Cost of the first and of the second.
    pub cost_base: [Option<i128>; 2],
    /// log(margin/cost) of the first less that of the second.
    pub log_ratio: Option<f64>,
    /// Where it lies with 95 %.
    pub log_ratio_low: Option<f64>,
    /// Where it lies with 95 %.
    pub log_ratio_high: Option<f64>,
    /// How many times as much of each unit of cost came back of the first.
    pub times: Option<f64>,
    /// The probability that the first returned more.
    pub p_first: Option<f64>,
    /// Which returned more, corrected for the other rows of the brand, kind and period.
    pub verdict: Option<Winner>,
    /// Why nothing is said; the first that holds.
    pub reason: Option<Reason>,
}

/// What one of two sides earned and spent.
struct Account {
    /// The margin of each day of the period.
    margin: Vec<i128>,
    /// How much its units differ.
    units: Moments,
    all: Money,
    cost: Money,
}

/// The rows of a brand under its configured rule and look-back.
#[must_use]
pub fn comparison(ledger: &Ledger) -> Vec<Row> {
    let labour = ledger.labour();
    let by_side = Book::with_written(ledger, |_, side| (Place::default(), side));
    let by_place = Book::with_written(ledger, one_a_place);
    let first = ledger.brand.start().or_else(|| ledger.earned.iter().map(|row| row.day).min());
    let end = ledger.brand.ripe(ledger.brand.lookback);
    let trailing = |span| first.and_then(|first| Period::trailing(span, first, end));
    let mut rows = Vec::new();
    for period in [Span::Last13Weeks, Span::All].into_iter().filter_map(trailing) {
        rows.extend(sides(&by_side, &labour, period));
        rows.extend(places(&by_place, &labour, period));
    }
    rows.extend(trailing(Span::Last4Weeks).into_iter().flat_map(|period| periods(&by_side, &labour, &[period])));
    for span in [Span::Month, Span::Quarter] {
        rows.extend(periods(&by_side, &labour, &complete(first, end, span)));
    }
    judge(&mut rows);
    rows
}

/// The complete periods of a kind that have another before them in which something could be judged.
fn complete(first: Option<Day>, end: Day, span: Span) -> Vec<Period> {
    let mut periods = Vec::new();
    let mut next = Period::holding(span, end.saturating_sub(1)).filter(|period| period.end <= end);
    next = next.or_else(|| Period::holding(span, end)?.before());
    while let Some(period) = next.filter(|period| first.is_some_and(|first| period.start > first)) {
        periods.push(period);
        next = period.before();
    }
    periods.reverse();
    periods
}

/// Broadcast against conversation.
fn sides(book: &Book, labour: &Labour, period: Period) -> Option<Row> {
    let question = Question::new(book.ledger, labour, Kind::Sides, &[period])?;
    let cells = book.gather(period);
    let account = |side| Account::of(of_side(book, &cells, side), period, book.ledger.brand.rule);
    Some(question.row(&account(Side::Broadcast), &account(Side::Conversation)))
}

fn of_side<'c>(book: &Book, cells: &'c [Cell], side: Side) -> Option<&'c Cell> {
    book.cells.iter().zip(cells).find(|((_, of), cell)| *of == side && cell.used).map(|(_, cell)| cell)
}

/// Each place against the brand's other places: what names no place is in neither.
fn places(book: &Book, labour: &Labour, period: Period) -> Vec<Row> {
    let Some(question) = Question::new(book.ledger, labour, Kind::Place, &[period]) else { return Vec::new() };
    let named = |(place, side): &(Place, Side)| *side == Side::Other && !place.channel.is_empty();
    let cells = book.cells.iter().zip(book.gather(period)).filter(|(of, cell)| named(of) && cell.used);
    let mut cells: Vec<(&Place, Cell)> = cells.map(|((place, _), cell)| (place, cell)).collect();
    cells.sort_unstable_by_key(|(place, _)| *place);
    let account = |cell: &Cell| Account::of(Some(cell), period, book.ledger.brand.rule);
    // The days of all places at once would be much: those of one are made anew where they are needed.
    let (mut all, mut units) = (Account::of(None, period, book.ledger.brand.rule), Vec::with_capacity(cells.len()));
    for (_, cell) in &cells {
        let own = account(cell);
        all.add(&own);
        units.push(own.units);
    }
    let compare = |((place, cell), units): (&(&Place, Cell), Moments)| {
        let own = account(cell);
        let rest = Account { units, ..all.less(&own) };
        Row { place: (*place).clone(), ..question.row(&own, &rest) }
    };
    cells.iter().zip(moments::without_each(&units)).map(compare).collect()
}

/// Each period against the one before it, for each side that has anything.
fn periods(book: &Book, labour: &Labour, periods: &[Period]) -> Vec<Row> {
    let (mut rows, mut gathered) = (Vec::new(), BTreeMap::new());
    for (period, before) in periods.iter().filter_map(|period| Some((*period, period.before()?))) {
        let Some(question) = Question::new(book.ledger, labour, Kind::Period, &[period, before]) else { continue };
        for period in [period, before] {
            gathered.entry(period).or_insert_with(|| book.gather(period));
        }
        for side in [Side::Broadcast, Side::Conversation, Side::Other] {
            let cells = [period, before].map(|period| (of_side(book, &gathered[&period], side), period));
            if cells.iter().any(|(cell, _)| cell.is_some()) {
                let [first, second] = cells.map(|(cell, period)| Account::of(cell, period, book.ledger.brand.rule));
                rows.push(Row { side: Some(side), ..question.row(&first, &second) });
            }
        }
    }
    rows
}

impl Account {
    /// Of a cell, or of nothing.
    fn of(cell: Option<&Cell>, period: Period, rule: Rule) -> Account {
        let nothing = Cell::default();
        let cell = cell.unwrap_or(&nothing);
        // Posts that brought nothing differ from those that did.
        let mut units = cell.units.clone();
        units.resize(cell.chances, 0.0);
        let units = Moments::of(units);
        Account { margin: cell.by_day(period), units, all: cell.margin(rule), cost: cell.cost.point }
    }

    /// Adds all but how much the units differ.
    fn add(&mut self, part: &Account) {
        self.margin.iter_mut().zip(&part.margin).for_each(|(all, part)| add(all, *part));
        self.all += part.all;
        self.cost += part.cost;
    }

    /// What is left of all of it without a part, but for how much the units differ.
    fn less(&self, part: &Account) -> Account {
        let margin = self.margin.iter().zip(&part.margin).map(|(all, part)| all.saturating_sub(*part)).collect();
        Account { margin, units: Moments::default(), all: self.all.less(part.all), cost: self.cost.less(part.cost) }
    }
}

/// What is asked of two accounts.
struct Question<'a> {
    ledger: &'a Ledger,
    kind: Kind,
    period: Period,
    /// What stands against any answer.
    against: Option<Reason>,
}

impl<'a> Question<'a> {
    /// A question of these periods, the first of which gives the row its name.
    fn new(ledger: &'a Ledger, labour: &Labour, kind: Kind, periods: &[Period]) -> Option<Question<'a>> {
        let early = |period: &Period| ledger.brand.start().is_some_and(|start| period.start < start);
        let against = [
            periods.iter().any(early).then_some(Reason::PartialStart),
            periods.iter().any(|period| !labour.known(*period)).then_some(Reason::LabourCoverage),
        ];
        let period = *periods.first()?;
        Some(Question { ledger, kind, period, against: against.into_iter().flatten().min() })
    }

    fn row(&self, first: &Account, second: &Account) -> Row {
        let missing = [first.all, first.cost, second.all, second.cost].into_iter().filter_map(Money::missing);
        let against = missing.map(Reason::from).chain(self.against).min();
        let found = against.map_or_else(|| self.difference(first, second), Err);
        let of = |figure: fn(&Difference) -> f64| found.as_ref().ok().map(figure);
        Row {
            brand: self.ledger.brand.name.clone(),
            kind: self.kind,
            period: self.period,
            place: Place::default(),
            side: None,
            margin_base: [first.all.known(), second.all.known()],
            cost_base: [first.cost.known(), second.cost.known()],
            log_ratio: of(|found| found.log_ratio),
            log_ratio_low: of(|found| found.low),
            log_ratio_high: of(|found| found.high),
            times: of(|found| found.log_ratio.exp()),
            p_first: of(|found| found.p_first),
            verdict: None,
            reason: found.err(),
        }
    }

    /// Drawn jointly, unless the two have no day in common.
    fn difference(&self, first: &Account, second: &Account) -> Result<Difference, Reason> {
        let [own, other] = [first, second].map(|account| account.margin.iter().copied().map(value).collect::<Vec<f64>>());
        let cost = |account: &Account| account.cost.value().unwrap_or_default();
        let (first, second) = (
            Returned { margin: &own, units: first.units, cost: cost(first) },
            Returned { margin: &other, units: second.units, cost: cost(second) },
        );
        let found = match self.kind {
            Kind::Sides | Kind::Place => difference::jointly(first, second),
            Kind::Period => difference::apart(first, second),
        };
        found.map_err(|unsaid| match unsaid {
            Unsaid::NoValue => Reason::NoValue,
            Unsaid::NoCost => Reason::NoCost,
            Unsaid::FewUnits => Reason::FewUnits,
        })
    }
}

/// The verdicts: Holm's correction over the rows of a kind and a period, of those that say anything.
fn judge(rows: &mut [Row]) {
    let mut families: BTreeMap<(Kind, Span), Vec<(usize, f64)>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        if let Some(p_first) = row.p_first {
            families.entry((row.kind, row.period.span)).or_default().push((at, p_first));
        }
    }
    for family in families.into_values() {
        // Which of the two is higher is not asked beforehand: both tails count.
        let p_values: Vec<f64> = family.iter().map(|(_, p)| 2.0 * p.min(1.0 - p)).collect();
        for ((at, p_first), p_value) in family.into_iter().zip(holm::corrected(&p_values)) {
            rows[at].verdict = Some(match (p_value < holm::LEVEL, p_first > 0.5) {
                (true, true) => Winner::First,
                (true, false) => Winner::Second,
                (false, _) => Winner::CannotTell,
            });
        }
    }
}
