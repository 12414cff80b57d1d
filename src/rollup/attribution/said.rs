//! What is kept of the parts of sales: all that answers need, and each part by itself only under the configured rule.
//!
//! Fifteen rules make up to fifteen parts of each touch. Returns by rule need their sums alone, and the range of a return those
//! of the five rules within the configured look-back, a line for each touch.

use std::collections::HashMap;

use ::clickhouse::Row;
use serde::Serialize;

use super::{Books, Place};
use crate::attribution::{Part, Rule, Sale, Touch, Who};
use crate::rollup::{LOOKBACK, RULE};

/// Nothing is missing: greater than every number of what may be.
const NOTHING_MISSING: u8 = 9;

/// A row of the answers `credit` and `credit_by_rule`. Money as whole numbers of the last decimal.
#[derive(Row, Serialize)]
pub(super) struct CreditRow {
    model: &'static str,
    lookback_days: u8,
    conversion: String,
    at: i64,
    day: u16,
    brand: String,
    kind: String,
    currency: String,
    margin_rate: Option<i32>,
    refund_of: String,
    sold_at: i64,
    touched: i64,
    touched_day: u16,
    visit: String,
    side: String,
    channel: String,
    community: String,
    campaign: String,
    root: String,
    click: String,
    direct: bool,
    tracked: bool,
    before_direct: bool,
    share: f64,
    credit: i128,
    margin: Option<i128>,
    base_currency: String,
    credit_base: Option<i128>,
    margin_base: Option<i128>,
}

/// The columns of the model `part`: a sale or refund and a touch that it credits within the configured look-back, its part and its
/// margin under each of the five rules, and its revenue under the configured one. Amounts in millionths of the brand's base currency.
pub(super) const PART: &str = "brand String, day Int32, side String, channel String, community String, campaign String, \
    root String, direct Bool, is_refund Bool, age Int64, share Array(Float64), margin Array(Int128), missing UInt8, sold_at Int64, \
    money_day Int32, basis Nullable(UInt8), revenue Int128, before_direct Bool";

/// A row of it.
#[derive(Row, Serialize)]
pub(super) struct PartRow {
    brand: String,
    day: i32,
    side: String,
    channel: String,
    community: String,
    campaign: String,
    root: String,
    direct: bool,
    is_refund: bool,
    age: i64,
    share: Vec<f64>,
    margin: Vec<i128>,
    missing: u8,
    sold_at: i64,
    money_day: i32,
    basis: Option<u8>,
    revenue: i128,
    before_direct: bool,
}

/// The columns of the model `ruled`: what each day, channel and side is credited with under each rule and look-back. Rows of one key
/// add up.
pub(super) const RULED: &str = "brand String, day Int32, channel String, side String, model String, lookback_days UInt16, \
    margin Int128, missing UInt8, conversions Float64";

/// A row of it.
#[derive(Row, Serialize)]
pub(super) struct RuledRow {
    brand: String,
    day: i32,
    channel: String,
    side: String,
    model: &'static str,
    lookback_days: u16,
    margin: i128,
    missing: u8,
    conversions: f64,
}

/// What sums are of: day of the touch, look-back, brand, channel and side. Numbers first, because they are compared faster.
type Cell = (u16, u16, String, String, String);

/// The sums of a cell, one a rule that gives it anything.
type Sums = [Option<Sum>; Rule::ALL.len()];

/// A sum.
#[derive(Clone, Copy, Debug)]
struct Sum {
    margin: i128,
    missing: u8,
    conversions: f64,
}

/// What was said of sales so far and is not written yet.
#[derive(Default)]
pub(super) struct Said {
    /// The base currency that each brand has now; amounts in another are not added to these.
    now: HashMap<String, String>,
    /// Whether every part is kept by itself, too.
    each: bool,
    pub(super) credit: Vec<CreditRow>,
    pub(super) parts: Vec<PartRow>,
    pub(super) by_rule: Vec<CreditRow>,
    /// Which of `sums` is a cell's.
    cells: HashMap<Cell, usize>,
    sums: Vec<Sums>,
}

impl Said {
    pub(super) fn new(now: HashMap<String, String>, each: bool) -> Said {
        Said { now, each, ..Said::default() }
    }

    /// Takes all parts of a sale, which come by look-back and rule.
    pub(super) fn of_sale(&mut self, who: &Who, sale: &Sale<Books>, parts: &[Part<'_, Place>]) {
        let is_other = self.now.get(&who.brand).map_or("", String::as_str) != sale.more.base_currency;
        for parts in parts.chunk_by(|one, other| one.lookback == other.lookback) {
            // Which gives every touch a part.
            let every: Vec<&Part<'_, Place>> = parts.iter().filter(|part| part.rule == Rule::Linear).collect();
            let cells: Vec<usize> = every.iter().map(|part| self.cell(who, sale, part)).collect();
            let before = self.parts.len();
            if every.first().is_some_and(|part| part.lookback.days == LOOKBACK) {
                self.parts.extend(every.iter().map(|part| part_row(who, sale, part)));
            }
            for part in parts {
                let missing = missing(part, is_other);
                self.add(cells[part.number], sale, part, missing);
                if part.lookback.days == LOOKBACK {
                    tell(&mut self.parts[before + part.number], part, missing);
                    self.credit.extend((part.rule == RULE).then(|| credit_row(who, sale, part)));
                }
                self.by_rule.extend(self.each.then(|| credit_row(who, sale, part)));
            }
        }
    }

    /// The number of the cell of a part.
    fn cell(&mut self, who: &Who, sale: &Sale<Books>, part: &Part<'_, Place>) -> usize {
        let channel = text(part, |touch| &touch.more.channel);
        let cell = (day(sale, part), part.lookback.days, who.brand.clone(), channel, side(part));
        *self.cells.entry(cell).or_insert_with(|| {
            self.sums.push(Sums::default());
            self.sums.len() - 1
        })
    }

    fn add(&mut self, cell: usize, sale: &Sale<Books>, part: &Part<'_, Place>, missing: u8) {
        let sum = self.sums[cell][part.rule as usize].get_or_insert(Sum { margin: 0, missing, conversions: 0.0 });
        sum.margin = sum.margin.saturating_add(part.margin_base.unwrap_or_default());
        sum.missing = sum.missing.min(missing);
        sum.conversions += if sale.is_refund() { 0.0 } else { part.share() };
    }

    /// How many sums there may be.
    pub(super) fn sums(&self) -> usize {
        self.sums.len() * Rule::ALL.len()
    }

    /// Takes the sums in the order of their cells: what comes later begins others.
    pub(super) fn take_sums(&mut self) -> impl Iterator<Item = RuledRow> + use<> {
        let mut cells: Vec<(Cell, usize)> = std::mem::take(&mut self.cells).into_iter().collect();
        cells.sort_unstable();
        let sums = std::mem::take(&mut self.sums);
        cells.into_iter().flat_map(move |(cell, number)| {
            let sums = Rule::ALL.into_iter().zip(sums[number]);
            sums.filter_map(move |(rule, sum)| sum.map(|sum| ruled_row(&cell, rule, sum))).collect::<Vec<_>>()
        })
    }
}

fn ruled_row((day, lookback_days, brand, channel, side): &Cell, rule: Rule, sum: Sum) -> RuledRow {
    RuledRow {
        brand: brand.clone(),
        day: (*day).into(),
        channel: channel.clone(),
        side: side.clone(),
        model: rule.name(),
        lookback_days: *lookback_days,
        margin: sum.margin,
        missing: sum.missing,
        conversions: sum.conversions,
    }
}

/// The first of what is missing of a part, as `returns` numbers it; whether its currency is not the one that the brand has now.
fn missing(part: &Part<'_, Place>, is_other: bool) -> u8 {
    match (part.credit_base, part.margin_base) {
        _ if is_other => 1,
        (None, _) => 3,
        (_, None) => 4,
        _ => NOTHING_MISSING,
    }
}

/// Something of the touch, '' of nobody's.
fn text(part: &Part<'_, Place>, get: fn(&Touch<Place>) -> &String) -> String {
    part.touch.map(get).cloned().unwrap_or_default()
}

fn side(part: &Part<'_, Place>) -> String {
    part.touch.map_or_else(|| "unattributed".to_owned(), |touch| touch.more.side.clone())
}

/// The day of the touch; of the sale where there was none.
fn day(sale: &Sale<Books>, part: &Part<'_, Place>) -> u16 {
    part.touch.map_or(sale.more.sold_day, |touch| touch.more.day)
}

/// A line of which no rule has said anything yet.
fn part_row(who: &Who, sale: &Sale<Books>, part: &Part<'_, Place>) -> PartRow {
    let touched = part.touch.map_or(sale.more.at, |touch| touch.time);
    PartRow {
        brand: who.brand.clone(),
        day: day(sale, part).into(),
        side: side(part),
        channel: text(part, |touch| &touch.more.channel),
        community: text(part, |touch| &touch.more.community),
        campaign: text(part, |touch| &touch.campaign),
        root: text(part, |touch| &touch.root),
        direct: part.direct(),
        is_refund: sale.is_refund(),
        age: sale.more.at.saturating_sub(touched),
        share: vec![0.0; Rule::ALL.len()],
        margin: vec![0; Rule::ALL.len()],
        missing: NOTHING_MISSING,
        sold_at: sale.sold_at,
        money_day: sale.more.day.into(),
        basis: basis(sale, part),
        revenue: 0,
        before_direct: false,
    }
}

/// What is known of the way to a sale, as `returns` numbers it; a refund that came later says nothing of its own.
fn basis(sale: &Sale<Books>, part: &Part<'_, Place>) -> Option<u8> {
    let is_known = |get: fn(&Touch<Place>) -> &String| part.touch.is_some_and(|touch| !get(touch).is_empty());
    match sale {
        _ if !sale.refund_of.is_empty() && sale.sold_at != sale.more.at => None,
        _ if is_known(|touch| &touch.root) => Some(3),
        _ if part.tracked() => Some(2),
        _ => Some(u8::from(is_known(|touch| &touch.more.visit))),
    }
}

/// Adds what a rule says to a line.
fn tell(line: &mut PartRow, part: &Part<'_, Place>, missing: u8) {
    let rule = part.rule as usize;
    line.share[rule] = part.share();
    line.margin[rule] = part.margin_base.unwrap_or_default();
    line.missing = line.missing.min(missing);
    if part.rule == RULE {
        line.revenue = part.credit_base.unwrap_or_default();
        line.before_direct = part.before_direct;
    }
}

fn credit_row(who: &Who, sale: &Sale<Books>, part: &Part<'_, Place>) -> CreditRow {
    CreditRow {
        model: part.rule.name(),
        lookback_days: u8::try_from(part.lookback.days).unwrap_or(u8::MAX),
        conversion: sale.id.clone(),
        at: sale.more.at,
        day: sale.more.day,
        brand: who.brand.clone(),
        kind: sale.more.kind.clone(),
        currency: sale.more.currency.clone(),
        margin_rate: sale.margin_rate,
        refund_of: sale.refund_of.clone(),
        sold_at: sale.sold_at,
        touched: part.touch.map_or(sale.more.at, |touch| touch.time),
        touched_day: day(sale, part),
        visit: text(part, |touch| &touch.more.visit),
        side: side(part),
        channel: text(part, |touch| &touch.more.channel),
        community: text(part, |touch| &touch.more.community),
        campaign: text(part, |touch| &touch.campaign),
        root: text(part, |touch| &touch.root),
        click: text(part, |touch| &touch.more.click),
        direct: part.direct(),
        tracked: part.tracked(),
        before_direct: part.before_direct,
        share: part.share(),
        credit: part.credit,
        margin: part.margin,
        base_currency: sale.more.base_currency.clone(),
        credit_base: part.credit_base,
        margin_base: part.margin_base,
    }
}
