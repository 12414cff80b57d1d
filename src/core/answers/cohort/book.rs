//! The weeks of a brand: what its posts are credited with, what the days cost, and what that amounts to.

use std::collections::BTreeMap;

use super::{Basis, Post, Reaction, Row};
use crate::answers::money::{Money, add, value};
use crate::answers::period::{Day, monday};
use crate::answers::reason::Reason;
use crate::answers::{DAY, Earned, Labour, Ledger, Rule, Side, Spent};
use crate::estimate::Unsaid;
use crate::estimate::sum::Sum;

/// The least part of the brand's weeks whose work is known that lets sides be compared.
const LABOUR_MIN: f64 = 0.8;

/// The whole, and the sides that posts and costs have.
const CELLS: [Option<Side>; 5] =
    [None, Some(Side::Broadcast), Some(Side::Conversation), Some(Side::Other), Some(Side::Unallocated)];

/// What is known of a brand, by week.
pub(super) struct Book<'a> {
    pub(super) ledger: &'a Ledger,
    labour: Labour,
    pub(super) weeks: BTreeMap<Day, Week<'a>>,
    /// The best evidence among the conversions of each week.
    evidence: BTreeMap<Day, Basis>,
    /// Margin of direct touches, under the configured rule.
    direct: Money,
    /// Known margin that posts are credited with.
    traced: i128,
    /// Known revenue that posts are credited with.
    traced_revenue: i128,
    /// Known revenue.
    revenue: i128,
}

#[derive(Default)]
pub(super) struct Week<'a> {
    pub(super) posts: Vec<&'a Post>,
    /// In the order of [`CELLS`].
    cells: [Cell; CELLS.len()],
}

/// What a side of a week earned and spent.
#[derive(Default)]
struct Cell {
    /// Whether there is anything at all.
    used: bool,
    /// By rule.
    margin: [Money; 5],
    revenue: Money,
    conversions: f64,
    /// The margin under the configured rule of touches that a direct one followed.
    before_direct: i128,
    /// The margin of each post under the configured rule.
    posts: BTreeMap<u64, i128>,
    without_post: Money,
    money: Money,
    time: Money,
    /// Money and time by the lowest estimate.
    low: Money,
    /// The same by the highest.
    high: Money,
    seconds: i64,
    unbounded: bool,
}

impl Week<'_> {
    /// The whole and one side.
    fn cells(&mut self, side: Side) -> impl Iterator<Item = &mut Cell> {
        CELLS.iter().zip(&mut self.cells).filter(move |(of, _)| of.is_none_or(|of| of == side)).map(|(_, cell)| cell)
    }

    /// Those of which there is a row: the whole, both sides, and of the others those that have something.
    fn shown(&self) -> impl Iterator<Item = (Option<Side>, &Cell)> {
        CELLS
            .into_iter()
            .zip(&self.cells)
            .enumerate()
            .filter(|(number, (_, cell))| *number < 3 || cell.used)
            .map(|(_, shown)| shown)
    }
}

impl<'a> Book<'a> {
    pub(super) fn open(ledger: &'a Ledger) -> Book<'a> {
        let mut weeks: BTreeMap<Day, Week> = BTreeMap::new();
        for row in &ledger.spent {
            weeks.entry(monday(row.day)).or_default().cells(row.side).for_each(|cell| cell.spend(row));
        }
        let (evidence, direct) = (BTreeMap::new(), Money::default());
        Book { ledger, labour: ledger.labour(), weeks, evidence, direct, traced: 0, traced_revenue: 0, revenue: 0 }
    }

    /// What a touch on one of the brand's posts is credited with.
    pub(super) fn trace(&mut self, row: &Earned, post: &Post) {
        let brand = &self.ledger.brand;
        add(&mut self.traced, row.credit(brand.rule).known().unwrap_or_default());
        add(&mut self.traced_revenue, row.revenue(brand.rule).known().unwrap_or_default());
        if row.sale.at <= post.at.saturating_add(i64::from(brand.lookback) * DAY) {
            let cells = self.weeks.entry(post.week).or_default().cells(row.side);
            cells.for_each(|cell| cell.earn(row, brand.rule, post.root));
        }
        self.note(row);
    }

    /// What a touch is credited with that no post of a brand has.
    pub(super) fn leave(&mut self, row: &Earned) {
        let rule = self.ledger.brand.rule;
        if row.root.is_none() && row.side.returns() && row.share[rule as usize] != 0.0 {
            let margin = row.credit(rule);
            for cell in self.weeks.entry(monday(row.day)).or_default().cells(row.side) {
                cell.used = true;
                cell.without_post += margin;
            }
        }
        self.note(row);
    }

    /// What any touch says of the brand.
    fn note(&mut self, row: &Earned) {
        let rule = self.ledger.brand.rule;
        add(&mut self.revenue, row.revenue(rule).known().unwrap_or_default());
        if row.direct {
            self.direct += row.credit(rule);
        }
        if let Some(basis) = row.sale.basis {
            let best = self.evidence.entry(monday(row.sale.day)).or_insert(basis);
            *best = basis.max(*best);
        }
    }

    pub(super) fn rows(&self, reached: i64) -> Vec<Row> {
        let shown = self.weeks.iter().flat_map(|(start, week)| week.shown().map(move |(side, cell)| (*start, week, side, cell)));
        shown.map(|(start, week, side, cell)| self.row(start, week, reached, (side, cell))).collect()
    }

    fn row(&self, start: Day, week: &Week, reached: i64, (side, cell): (Option<Side>, &Cell)) -> Row {
        let brand = &self.ledger.brand;
        let end = start.saturating_add(7).saturating_add(Day::from(brand.lookback));
        let known = self.evidence.range(start..=end).map(|(_, basis)| *basis).max();
        let newest = week.posts.iter().map(|post| post.at.saturating_add(i64::from(brand.lookback) * DAY)).max();
        let mature = newest.map_or(i64::from(end) * DAY < brand.complete_to, |ripe| ripe < reached);
        let (margin, cost) = (cell.margin[brand.rule as usize], cell.cost());
        let is_whole = side.is_none();
        let grounds = [
            (side == Some(Side::Unallocated), Reason::UnallocatedCost),
            (week.posts.is_empty(), Reason::NoPosts),
            (!mature, Reason::NotMature),
            (known.is_none(), Reason::NoConversions),
            (known == Some(Basis::Nothing), Reason::NoTouch),
            (known.is_some_and(|basis| basis < Basis::Clicks), Reason::NoClicks),
            (!is_whole && self.labour.coverage().is_none_or(|share| share < LABOUR_MIN), Reason::LabourCoverage),
            (cost.known().is_some_and(|cost| cost <= 0), Reason::NoCost),
        ];
        let grounds = grounds.into_iter().filter_map(|(holds, reason)| holds.then_some(reason));
        let missing = margin.missing().into_iter().chain(cost.missing()).map(Reason::from);
        let ground = grounds.chain(missing).min();
        let returned = Returned::of(cell, cost.value().filter(|_| ground.is_none()), brand.rule as usize, week.posts.len());
        let traced = known == Some(Basis::Clicks);
        let priced = cost.known().is_some();
        let reaction = is_whole.then(|| week.reaction(cost.value().filter(|_| mature && !week.posts.is_empty())));
        let (units, worth) = (cell.units(), margin.value().filter(|_| traced));
        let spent_money = cell.money.value().filter(|money| *money != 0.0 && ground.is_none_or(|why| why == Reason::NoCost));
        let earned = cell.revenue.known().filter(|_| traced);
        Row {
            brand: brand.name.clone(),
            week: start,
            side,
            posts: week.posts.len(),
            cost_base: cost.known(),
            money_base: cell.money.known().filter(|_| priced),
            time_base: cell.time.known().filter(|_| priced),
            hours: hours(cell.seconds),
            revenue_base: earned,
            margin_base: margin.known().filter(|_| traced),
            margin_without_post: cell.without_post.known(),
            conversions: traced.then_some(cell.conversions),
            roi: returned.roi,
            roi_low: returned.low,
            roi_high: returned.high,
            roi_lowest_model: returned.lowest,
            roi_highest_model: returned.highest,
            roi_direct_0: returned.direct_0,
            roi_direct_100: returned.roi.zip(self.direct_to_traced()).map(|(roi, part)| (1.0 + roi) * (1.0 + part) - 1.0),
            roas: earned.zip(spent_money).map(|(revenue, money)| value(revenue) / money),
            effective_roots: worth.and((units.squares > 0.0).then(|| units.effective())),
            top1_share: worth.filter(|worth| *worth > 0.0).map(|worth| units.largest / worth),
            traced_share: (self.revenue != 0).then(|| value(self.traced_revenue) / value(self.revenue)),
            labour_coverage: self.labour.coverage(),
            reaction,
            cost_per_acquisition: returned
                .roi
                .and(cost.value())
                .filter(|_| cell.conversions != 0.0)
                .map(|cost| cost / cell.conversions),
            mature,
            basis: known.unwrap_or(Basis::Nothing),
            reason: ground.or(returned.doubt),
            base_currency: brand.base_currency.clone(),
        }
    }

    /// How much direct margin there is for what posts are credited with.
    fn direct_to_traced(&self) -> Option<f64> {
        self.direct.value().filter(|_| self.traced > 0).map(|direct| direct / value(self.traced))
    }
}

impl Week<'_> {
    fn reaction(&self, cost: Option<f64>) -> Reaction {
        let count = |of: fn(&Post) -> u64| self.posts.iter().fold(0_u64, |sum, post| sum.saturating_add(of(post)));
        let (engagements, clicks) = (count(|post| post.engagements), count(|post| post.clicks));
        #[expect(clippy::cast_precision_loss, reason = "a number of clicks")]
        let each = |count: u64| cost.filter(|_| count > 0).map(|cost| cost / count as f64);
        Reaction { engagements, clicks, cost_per_engagement: each(engagements), cost_per_click: each(clicks) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of seconds")]
fn hours(seconds: i64) -> f64 {
    seconds as f64 / 3600.0
}

impl Cell {
    fn spend(&mut self, row: &Spent) {
        self.used = true;
        let with = |units: i128| Money::unless(row.missing, units);
        self.money += with(row.money);
        self.time += with(row.time);
        self.low += with(row.money.saturating_add(row.time_low));
        self.high += with(row.money.saturating_add(row.time_high));
        self.seconds = self.seconds.saturating_add(row.seconds);
        self.unbounded |= row.unbounded;
    }

    fn earn(&mut self, row: &Earned, rule: Rule, root: u64) {
        self.used = true;
        for rule in Rule::ALL {
            self.margin[rule as usize] += row.credit(rule);
        }
        self.revenue += row.revenue(rule);
        self.conversions += row.sold(rule);
        let margin = row.credit(rule).known().unwrap_or_default();
        add(self.posts.entry(root).or_default(), margin);
        if row.sale.before_direct {
            add(&mut self.before_direct, margin);
        }
    }

    fn cost(&self) -> Money {
        [self.money, self.time].into_iter().sum()
    }

    /// Of the posts that brought something: the others add nothing to a sum.
    fn units(&self) -> Sum {
        Sum::of(self.posts.values().map(|margin| value(*margin)).collect())
    }
}

/// What stands on a return.
#[derive(Default)]
struct Returned {
    roi: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    lowest: Option<f64>,
    highest: Option<f64>,
    direct_0: Option<f64>,
    /// Why there is no interval.
    doubt: Option<Reason>,
}

impl Returned {
    /// Of a cell with such a cost; without one nothing is returned.
    fn of(cell: &Cell, cost: Option<f64>, rule: usize, posts: usize) -> Returned {
        let Some((margin, cost)) = cell.margin[rule].value().zip(cost) else { return Returned::default() };
        let models: Option<Vec<f64>> = cell.margin.iter().map(|margin| margin.value()).collect();
        let of_models = |best: fn(f64, f64) -> f64| models.as_ref().and_then(|all| all.iter().copied().reduce(best));
        let spread = cell.units().spread_of(posts);
        let bounds = [cell.low, cell.high].map(|cost| cost.value().filter(|cost| *cost > 0.0 && !cell.unbounded));
        let bound =
            |shift: Option<f64>, cost: Option<f64>| shift.zip(cost).map(|(shift, cost)| margin * shift.exp() / cost - 1.0);
        Returned {
            roi: Some(margin / cost - 1.0),
            low: bound(spread.ok().map(|spread| -spread.half), bounds[1]),
            high: bound(spread.ok().map(|spread| spread.half_up), bounds[0]),
            lowest: of_models(f64::min).map(|margin| margin / cost - 1.0),
            highest: of_models(f64::max).map(|margin| margin / cost - 1.0),
            direct_0: Some((margin - value(cell.before_direct)) / cost - 1.0),
            doubt: match spread {
                Err(Unsaid::NoValue | Unsaid::NoCost) => Some(Reason::NoValue),
                Err(Unsaid::FewUnits) => Some(Reason::FewRoots),
                Ok(_) if cell.unbounded => Some(Reason::UnboundedEstimate),
                Ok(_) => bounds[0].is_none().then_some(Reason::NoCostAtLowEstimate),
            },
        }
    }
}
