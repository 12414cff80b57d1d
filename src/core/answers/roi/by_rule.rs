//! The same return under every rule of credit and look-back: what depends on the rule, side by side.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::judge::{Findings, grounds};
use crate::answers::gather::periods;
use crate::answers::money::Money;
use crate::answers::period::{Day, Period, Span};
use crate::answers::reason::Reason;
use crate::answers::{Ledger, Rule, Side};
use crate::attribution::Lookback;

/// What a rule credits to the touches of one day.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruled {
    /// The brand's day of the touches.
    pub day: Day,
    /// The channel, '' where there is none.
    pub channel: Arc<str>,
    /// The side.
    pub side: Side,
    /// The rule.
    pub rule: Rule,
    /// Its look-back in days.
    pub lookback: u16,
    /// Credited margin.
    pub margin: Money,
    /// Credited sales: the sum of their parts.
    pub conversions: f64,
}

/// What a side of a channel returned in a period under a rule. Money in millionths of the brand's base currency.
#[derive(Clone, Debug, PartialEq)]
pub struct RuledRow {
    /// The brand.
    pub brand: Arc<str>,
    /// The channel, '' where there is none.
    pub channel: Arc<str>,
    /// The side.
    pub side: Side,
    /// The period.
    pub period: Period,
    /// The rule.
    pub rule: Rule,
    /// Its look-back in days.
    pub lookback: u16,
    /// Whether every sale that may credit the period under that look-back has come.
    pub complete: bool,
    /// Credited margin, unless a part of it is not known.
    pub margin_base: Option<i128>,
    /// Cost, unless a part of it is not known.
    pub cost_base: Option<i128>,
    /// margin/cost − 1.
    pub roi: Option<f64>,
    /// Why there is none; the first that holds.
    pub reason: Option<Reason>,
}

/// The periods that there are rows of.
const SPANS: [Span; 4] = [Span::Month, Span::Quarter, Span::Last13Weeks, Span::All];

/// A cell: margin and cost of a side of a channel.
type Cells = BTreeMap<(Arc<str>, Side), (Money, Money)>;

/// The rows of a brand. `credit` is summed by day, channel, side, rule and look-back; the ledger has the costs. Trailing periods
/// are those of the configured look-back for all rules.
#[must_use]
pub fn by_rule(ledger: &Ledger, credit: &[Ruled]) -> Vec<RuledRow> {
    let labour = ledger.labour();
    let brand = &ledger.brand;
    let mut rules: BTreeMap<(u16, Rule), Vec<&Ruled>> = BTreeMap::new();
    credit.iter().for_each(|row| rules.entry((row.lookback, row.rule)).or_default().push(row));
    rules.values_mut().for_each(|rows| rows.sort_by_key(|row| row.day));
    // A sale has credit under every rule; a brand that sold nothing spent all the same.
    if rules.is_empty() {
        let every = Lookback::ALL.iter().flat_map(|lookback| Rule::ALL.map(|rule| (lookback.days, rule)));
        rules.extend(every.map(|rule| (rule, Vec::new())));
    }
    let mut rows = Vec::new();
    let days = credit.iter().map(|row| row.day).chain(ledger.spent.iter().map(|row| row.day));
    for period in SPANS.iter().flat_map(|span| periods(brand, *span, days.clone())) {
        let labour = labour.known(period);
        let costs = costs(ledger, period);
        for (&(lookback, rule), credit) in &rules {
            let (cells, sold) = cells(credit, costs.clone(), period);
            let findings = Findings {
                complete: period.end <= brand.ripe(lookback),
                partial_start: brand.start().is_some_and(|start| period.start < start),
                sold: sold.values().sum::<f64>() > 0.0,
                touched: sold.iter().any(|(side, sold)| *side != Side::Unattributed && *sold > 0.0),
                labour,
            };
            rows.extend(cells.into_iter().map(|((channel, side), (margin, cost))| {
                let reason = grounds(side, &findings, margin, cost).into_iter().map(|(reason, _)| reason).min();
                let ratio = margin.value().zip(cost.value()).filter(|_| reason.is_none()).map(|(margin, cost)| margin / cost);
                RuledRow {
                    brand: brand.name.clone(),
                    channel,
                    side,
                    period,
                    rule,
                    lookback,
                    complete: findings.complete,
                    margin_base: margin.known(),
                    cost_base: cost.known(),
                    roi: ratio.map(|ratio| ratio - 1.0),
                    reason,
                }
            }));
        }
    }
    rows
}

/// The cost of each side of each channel.
fn costs(ledger: &Ledger, period: Period) -> Cells {
    let mut cells = Cells::new();
    for row in ledger.spent.iter().filter(|row| period.holds(row.day)) {
        cells.entry((row.place.channel.clone(), row.side)).or_default().1 += row.cost();
    }
    cells
}

/// The margins of one rule, in the order of days, added to the costs; beside them the sales of each side.
fn cells(credit: &[&Ruled], mut cells: Cells, period: Period) -> (Cells, BTreeMap<Side, f64>) {
    let mut sold = BTreeMap::new();
    let at = |day: Day| credit.partition_point(|row| row.day < day);
    for row in &credit[at(period.start)..at(period.end)] {
        cells.entry((row.channel.clone(), row.side)).or_default().0 += row.margin;
        *sold.entry(row.side).or_default() += row.conversions;
    }
    (cells, sold)
}
