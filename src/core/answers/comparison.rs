//! Which of two returns is higher: what both share (demand, season, the margin rate) drops out, so a difference can be told
//! where a single return cannot. The headline of the report.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::money::{Money, add, value};
use super::period::{Day, Period, Span};
use super::reason::Reason;
use super::{Earned, Labour, Ledger, Place, Rule, Side, Unit};
use crate::estimate::difference::{self, Difference, Returned, Terms};
use crate::estimate::{Unsaid, holm};

/// The level at which the rows of one brand, kind and period are told apart together.
const LEVEL: f64 = 0.05;

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
#[derive(Clone, Debug, Default, PartialEq)]
struct Account {
    /// By day.
    margin: BTreeMap<Day, i128>,
    /// How much its units differ.
    units: Terms,
    all: Money,
    cost: Money,
}

/// The rows of a brand under its configured rule and look-back.
#[must_use]
pub fn comparison(ledger: &Ledger) -> Vec<Row> {
    let (labour, days) = (ledger.labour(), Days::of(ledger));
    let first = ledger.brand.start().or_else(|| ledger.earned.iter().map(|row| row.day).min());
    let end = ledger.brand.ripe(ledger.brand.lookback);
    let trailing = |span| first.and_then(|first| Period::trailing(span, first, end));
    let mut rows = Vec::new();
    for period in [Span::Last13Weeks, Span::All].into_iter().filter_map(trailing) {
        rows.extend(sides(ledger, &labour, &days, period));
        rows.extend(places(ledger, &labour, period));
    }
    rows.extend(trailing(Span::Last4Weeks).into_iter().flat_map(|period| periods(ledger, &labour, &days, &[period])));
    for span in [Span::Month, Span::Quarter] {
        rows.extend(periods(ledger, &labour, &days, &complete(first, end, span)));
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
fn sides(ledger: &Ledger, labour: &Labour, days: &Days, period: Period) -> Option<Row> {
    let question = Question::new(ledger, labour, Kind::Sides, &[period])?;
    Some(question.row(&days.account(period, Side::Broadcast), &days.account(period, Side::Conversation)))
}

/// Each place against the brand's other places: what names no place is in neither.
fn places(ledger: &Ledger, labour: &Labour, period: Period) -> Vec<Row> {
    let place = |place: &Place| Place { campaign: Arc::default(), ..place.clone() };
    let named = |place: &Place| !place.channel.is_empty();
    let rule = ledger.brand.rule;
    let mut places: BTreeMap<Place, (Account, Units)> = BTreeMap::new();
    for earned in ledger.earned.iter().filter(|row| row.side.returns() && period.holds(row.day) && named(&row.place)) {
        let (account, units) = places.entry(place(&earned.place)).or_default();
        account.earn(earned.day, earned.credit(rule));
        units.earn(earned, rule);
    }
    for spent in ledger.spent.iter().filter(|row| period.holds(row.day) && named(&row.place)) {
        places.entry(place(&spent.place)).or_default().0.cost += spent.cost();
    }
    let Some(question) = Question::new(ledger, labour, Kind::Place, &[period]) else { return Vec::new() };
    let (places, units): (Vec<_>, Vec<Vec<f64>>) =
        places.into_iter().map(|(place, (account, units))| ((place, account), units.values())).unzip();
    let all = places.iter().fold(Account::default(), |all, (_, account)| all.with(account));
    let compare = |(at, (place, account)): (usize, (Place, Account))| {
        let others = units[..at].iter().chain(&units[at + 1..]).flatten();
        let rest = Account { units: Terms::of_units(others.copied()), ..all.less(&account) };
        let own = Account { units: Terms::of_units(units[at].iter().copied()), ..account };
        Row { place, ..question.row(&own, &rest) }
    };
    places.into_iter().enumerate().map(compare).collect()
}

/// Each period against the one before it, for each side that has anything.
fn periods(ledger: &Ledger, labour: &Labour, days: &Days, periods: &[Period]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (period, before) in periods.iter().filter_map(|period| Some((*period, period.before()?))) {
        let Some(question) = Question::new(ledger, labour, Kind::Period, &[period, before]) else { continue };
        for side in [Side::Broadcast, Side::Conversation, Side::Other] {
            let [first, second] = [period, before].map(|period| days.account(period, side));
            if [&first, &second].iter().any(|account| **account != Account::default()) {
                rows.push(Row { side: Some(side), ..question.row(&first, &second) });
            }
        }
    }
    rows
}

/// Margin and cost of each day of a side, summed once for all periods.
struct Days<'a> {
    sums: BTreeMap<(Side, Day), (Money, Money)>,
    /// What each unit of the day earned.
    units: BTreeMap<(Side, Day, Unit<'a>), i128>,
}

impl<'a> Days<'a> {
    fn of(ledger: &'a Ledger) -> Days<'a> {
        let rule = ledger.brand.rule;
        let (mut sums, mut units): (BTreeMap<_, (Money, Money)>, BTreeMap<_, i128>) = (BTreeMap::new(), BTreeMap::new());
        for row in &ledger.earned {
            sums.entry((row.side, row.day)).or_default().0 += row.credit(rule);
            if row.counts(rule) {
                add(units.entry((row.side, row.day, row.unit())).or_default(), row.margin[rule as usize]);
            }
        }
        for row in &ledger.spent {
            sums.entry((row.side, row.day)).or_default().1 += row.cost();
        }
        Days { sums, units }
    }

    /// What the side earned and spent in the period.
    fn account(&self, period: Period, side: Side) -> Account {
        let mut account = Account::default();
        for ((_, day), (margin, cost)) in self.sums.range((side, period.start)..(side, period.end)) {
            account.earn(*day, *margin);
            account.cost += *cost;
        }
        let least = Unit::Root(0);
        let mut units = Units::default();
        for ((_, _, unit), margin) in self.units.range((side, period.start, least)..(side, period.end, least)) {
            add(units.0.entry(*unit).or_default(), *margin);
        }
        Account { units: Terms::of_units(units.values().into_iter()), ..account }
    }
}

/// The margin of each unit.
#[derive(Default)]
struct Units<'a>(BTreeMap<Unit<'a>, i128>);

impl<'a> Units<'a> {
    fn earn(&mut self, row: &'a Earned, rule: Rule) {
        if row.counts(rule) {
            add(self.0.entry(row.unit()).or_default(), row.margin[rule as usize]);
        }
    }

    fn values(self) -> Vec<f64> {
        self.0.into_values().map(value).collect()
    }
}

impl Account {
    fn earn(&mut self, day: Day, margin: Money) {
        self.all += margin;
        if let Some(units) = margin.known() {
            add(self.margin.entry(day).or_default(), units);
        }
    }

    /// Both together. How much the units differ is not known of the sum.
    fn with(mut self, other: &Account) -> Account {
        other.margin.iter().for_each(|(day, units)| add(self.margin.entry(*day).or_default(), *units));
        self.all += other.all;
        self.cost += other.cost;
        self
    }

    /// What is left of all of it without a part. How much the units differ is not known of the rest.
    fn less(&self, part: &Account) -> Account {
        let mut margin = self.margin.clone();
        part.margin.iter().for_each(|(day, units)| add(margin.entry(*day).or_default(), units.saturating_neg()));
        Account { margin, units: Terms::default(), all: self.all.less(part.all), cost: self.cost.less(part.cost) }
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

    /// Drawn jointly, unless the two have no day in common. Days on which neither has anything say nothing.
    fn difference(&self, first: &Account, second: &Account) -> Result<Difference, Reason> {
        let days: BTreeSet<Day> = first.margin.keys().chain(second.margin.keys()).copied().collect();
        let series = |account: &Account| -> Vec<f64> {
            days.iter().map(|day| account.margin.get(day).map_or(0.0, |units| value(*units))).collect()
        };
        let (own, other) = (series(first), series(second));
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
            rows[at].verdict = Some(match (p_value < LEVEL, p_first > 0.5) {
                (true, true) => Winner::First,
                (true, false) => Winner::Second,
                (false, _) => Winner::CannotTell,
            });
        }
    }
}
