//! Which places deserve the next hour: what each returned, drawn towards the brand's other places; how many visits a reply and a post
//! there bring; and whether weeks with more replies bring more visits a reply.
//!
//! Nothing here says what one more hour brings: only an experiment does.

mod traffic;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::money::Money;
use super::period::Period;
use super::reason::Reason;
use super::roi::{Together, together};
use super::{Ledger, Place};
use crate::estimate::pooling::{self, Estimate, Pool};
use crate::estimate::ranking::{self, Known};
use crate::estimate::sum::Spread;
use crate::estimate::{Unsaid, normal};

pub use traffic::{Busy, Effort, Visits};
use traffic::{Traffic, busy};

/// How many are the best.
const BEST: usize = 10;

/// How many standard deviations of the pooled return lie to either side of it in 90 of 100 cases: what ranks stand on.
const ERRORS_90: f64 = 1.645;

/// The effective number of units of all places together that says how much they vary.
const EFFECTIVE_MIN: f64 = 2.0;

/// Why a place has no rank, or nothing at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is what names no place.
    NoPlace,
    /// No day can be judged yet.
    NotComplete,
    /// There is no return.
    Return(Reason),
    /// Too few units in all places together to say how much they vary.
    NoSpread,
    /// Places are no further apart than chance puts them.
    NoDifference,
    /// It cannot be told apart from the first, or it is the first.
    Tied,
}

impl Why {
    /// Its word in a row.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Why::NoPlace => "no_place",
            Why::NotComplete => Reason::NotComplete.text(),
            Why::Return(reason) => reason.text(),
            Why::NoSpread => "no_spread",
            Why::NoDifference => "no_difference",
            Why::Tied => "tied",
        }
    }
}

/// A place's return among those of the brand's other places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// The return, drawn towards the brand's mean.
    pub roi_pooled: f64,
    /// What is not known of it.
    pub sd: f64,
    /// The probability that it is above 0.
    pub p_positive: f64,
    /// The probability that it is among the ten best.
    pub p_top10: f64,
    /// By `roi_pooled`; `None` where the place is tied.
    pub place_rank: Option<usize>,
    /// The best rank that it may have.
    pub rank_low: usize,
    /// The worst.
    pub rank_high: usize,
    /// It may be the first, and the first is not known.
    pub tied: bool,
}

/// A place. Money in millionths of the brand's base currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The brand.
    pub brand: Arc<str>,
    /// The place; '' and '' for what names none.
    pub place: Place,
    /// All days that can be judged.
    pub period: Option<Period>,
    /// Credited margin.
    pub margin_base: Option<i128>,
    /// Cost.
    pub cost_base: Option<i128>,
    /// margin/cost − 1.
    pub average_roi: Option<f64>,
    /// Where another draw of as much effort would lie with 95 %.
    pub roi_low: Option<f64>,
    /// The same.
    pub roi_high: Option<f64>,
    /// Units with credit, as in the answer `roi`.
    pub units: usize,
    /// How many units of equal size would spread as they do.
    pub effective_units: Option<f64>,
    /// The part of the margin that the largest unit has.
    pub top1_share: Option<f64>,
    /// Among the brand's other places.
    pub standing: Option<Standing>,
    /// The first thing that is missing of the return.
    pub reason: Option<Why>,
    /// The brand's replies in the place, and the visits by clicks on them.
    pub replies: Visits,
    /// The same of its posts.
    pub posts: Visits,
    /// Of all places of the brand together, the same in each row.
    pub busy: Busy,
}

/// The rows of a brand, by place. `efforts` are what it wrote in 13 weeks and what that brought.
#[must_use]
pub fn places(ledger: &Ledger, efforts: &[Effort]) -> Vec<Row> {
    let returned = together(ledger);
    let period = returned.as_ref().map(|returned| returned.period);
    let of_nothing = returned.as_ref().map_or(Why::NotComplete, |returned| Why::Return(returned.of_nothing));
    let returned: BTreeMap<Place, Together> =
        returned.into_iter().flat_map(|returned| returned.places).map(|together| (together.place.clone(), together)).collect();
    let mut traffic: BTreeMap<&Place, Traffic> = BTreeMap::new();
    for effort in efforts {
        traffic.entry(&effort.place).or_default().note(effort);
    }
    let busy = busy(traffic.iter().filter(|(place, _)| named(place)).map(|(_, traffic)| traffic));
    let (standings, tau2) = standings(&returned);
    let every: BTreeSet<&Place> = returned.keys().chain(traffic.keys().copied()).collect();
    let mut rows = Vec::with_capacity(every.len());
    for place in every {
        let mut row = nothing(&ledger.brand.name, place, period, of_nothing);
        row.busy = busy;
        row.standing = standings.get(place).copied();
        if let Some(traffic) = traffic.get(place) {
            (row.replies, row.posts) = (traffic.replies(), traffic.posts());
        }
        if let Some(returned) = returned.get(place) {
            tell(&mut row, returned, tau2);
        }
        rows.push(row);
    }
    rows
}

fn named(place: &Place) -> bool {
    !place.channel.is_empty()
}

/// A row of a place that earned nothing and cost nothing.
fn nothing(brand: &Arc<str>, place: &Place, period: Option<Period>, reason: Why) -> Row {
    let none = period.map(|_| 0);
    Row {
        brand: brand.clone(),
        place: place.clone(),
        period,
        margin_base: none,
        cost_base: none,
        average_roi: None,
        roi_low: None,
        roi_high: None,
        units: 0,
        effective_units: None,
        top1_share: None,
        standing: None,
        reason: Some(if named(place) { reason } else { Why::NoPlace }),
        replies: Visits::NONE,
        posts: Visits::NONE,
        busy: Busy::NONE,
    }
}

/// What a place returned.
fn tell(row: &mut Row, returned: &Together, tau2: f64) {
    let margin = returned.margin.value();
    let ratio = returned.ratio.ok().filter(|_| named(&row.place));
    let spread = returned.sum.spread();
    let bound = |shift: fn(Spread) -> f64| ratio.zip(spread.ok()).map(|(ratio, spread)| ratio * shift(spread).exp() - 1.0);
    row.margin_base = returned.margin.known();
    row.cost_base = returned.cost.known();
    row.average_roi = ratio.map(|ratio| ratio - 1.0);
    row.roi_low = bound(|spread| -spread.half);
    row.roi_high = bound(|spread| spread.half_up);
    row.units = returned.units;
    row.effective_units = margin.map(|_| returned.sum.effective());
    row.top1_share = margin.filter(|margin| *margin > 0.0).map(|margin| returned.sum.largest / margin);
    row.reason = why(row, returned.ratio.err(), spread.err(), tau2);
}

/// The first that holds.
fn why(row: &Row, against: Option<Reason>, unsaid: Option<Unsaid>, tau2: f64) -> Option<Why> {
    if !named(&row.place) {
        return Some(Why::NoPlace);
    }
    let Some(standing) = row.standing else { return Some(against.map_or(Why::NoSpread, Why::Return)) };
    match unsaid {
        Some(Unsaid::NoValue) => Some(Why::Return(Reason::NoValue)),
        Some(Unsaid::NoCost) => Some(Why::Return(Reason::NoCost)),
        Some(Unsaid::FewUnits) => Some(Why::Return(Reason::FewUnits)),
        None if tau2 == 0.0 => Some(Why::NoDifference),
        None => standing.tied.then_some(Why::Tied),
    }
}

/// Where each place that has a return stands, and how far places are from one another.
///
/// What a unit of cost brings varies alike in all places: the variance of a return is Σx²/Σcost over the units x of all of them, over the
/// place's own cost. A place's own units alone would make those sure that have seen no hit yet, and shrink those that have.
fn standings(returned: &BTreeMap<Place, Together>) -> (BTreeMap<Place, Standing>, f64) {
    let all: Vec<(&Place, f64, f64, &Together)> = returned
        .iter()
        .filter(|(place, _)| named(place))
        .filter_map(|(place, of)| Some((place, of.ratio.ok()? - 1.0, of.cost.value()?, of)))
        .collect();
    let sum = |figure: fn(&Together) -> f64| all.iter().map(|(.., of)| figure(of)).sum::<f64>();
    let (value, squares) = (sum(|of| of.sum.value), sum(|of| of.sum.squares));
    let per_cost = squares / sum(|of| Money::value(of.cost).unwrap_or_default());
    let estimates: Vec<Estimate> =
        all.iter().map(|(_, roi, cost, _)| Estimate { value: *roi, variance: per_cost / cost }).collect();
    let enough = value * value >= EFFECTIVE_MIN * squares;
    let Ok(pool) = pooling::pooled(if enough { &estimates } else { &[] }) else { return (BTreeMap::new(), 0.0) };
    let stand = stand(&pool);
    (all.into_iter().zip(stand).map(|((place, ..), standing)| (place.clone(), standing)).collect(), pool.tau2)
}

/// Ranks and probabilities. Where places are no further apart than chance puts them chance alone says who is among the best, and
/// whoever may be the first is tied; so it is where the first may be another.
#[expect(clippy::cast_precision_loss, reason = "a number of places")]
fn stand(pool: &Pool) -> Vec<Standing> {
    let count = pool.of.len();
    let known = |sd: fn(&pooling::Pooled) -> f64| -> Vec<Known> {
        pool.of.iter().map(|of| Known { mean: of.value, sd: sd(of) }).collect()
    };
    let alike = pool.tau2 == 0.0;
    let ranges = ranking::ranges(&known(|of| of.sd), ERRORS_90);
    let among = if alike {
        vec![(BEST as f64 / count as f64).min(1.0); count]
    } else {
        ranking::among_best(&known(|of| of.own_sd), BEST)
    };
    let mut values: Vec<f64> = pool.of.iter().map(|of| of.value).collect();
    values.sort_unstable_by(f64::total_cmp);
    let rank = |value: f64| 1 + count - values.partition_point(|other| *other <= value);
    let unknown = alike || pool.of.iter().zip(&ranges).any(|(of, range)| rank(of.value) == 1 && range.1 > 1);
    let of = |((of, (rank_low, rank_high)), p_top10): ((&pooling::Pooled, (usize, usize)), f64)| {
        let tied = unknown && rank_low == 1;
        Standing {
            roi_pooled: of.value,
            sd: of.sd,
            p_positive: normal::below(of.value / of.sd),
            p_top10,
            place_rank: (!tied).then(|| rank(of.value)),
            rank_low,
            rank_high,
            tied,
        }
    };
    pool.of.iter().zip(ranges).zip(among).map(of).collect()
}
