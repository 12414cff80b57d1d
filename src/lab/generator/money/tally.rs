//! Counts what is generated, by what caused it: the ground of the causal truth.
//!
//! It counts events as they are made, never as somebody would attribute them.

use std::collections::BTreeMap;

use super::figures::{BRANDS, Brand, RATES, as_of};
use super::settings::Side;
use crate::record::Millis;

/// Money in millionths of a unit.
pub(crate) type Micros = i128;

/// What made something happen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cause {
    pub(crate) brand: &'static str,
    /// `None`: it would have happened anyway.
    pub(crate) side: Option<Side>,
    pub(crate) channel: &'static str,
    pub(crate) community: String,
}

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) visits: i64,
    pub(crate) bot_visits: i64,
    pub(crate) clicks: i64,
    /// Sales, sign-ups and further purchases.
    pub(crate) conversions: i64,
    pub(crate) refunds: i64,
    /// By currency, refunds taken off.
    pub(crate) revenue: BTreeMap<&'static str, Micros>,
    /// The same in the brand's base currency, at the rates of the days.
    pub(crate) revenue_base: Micros,
    /// Of it, margin.
    pub(crate) margin_base: Micros,
}

/// An amount as its event says it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amount {
    pub(crate) time: Millis,
    pub(crate) cents: i64,
    pub(crate) currency: &'static str,
    /// The event's own, in 1/1,000.
    pub(crate) margin_rate: Option<u64>,
}

impl Figures {
    /// Adds what an amount is worth to the brand.
    pub(crate) fn add_amount(&mut self, brand: &Brand, amount: Amount) {
        let micros = Micros::from(amount.cents) * 10_000;
        *self.revenue.entry(amount.currency).or_default() += micros;
        let base = rounded(micros * rate(amount.currency, amount.time), rate(brand.base_currency, amount.time));
        let dated = || as_of(brand.margins.iter().copied(), amount.time);
        let margin = amount.margin_rate.or_else(dated).unwrap_or(0);
        self.revenue_base += base;
        self.margin_base += rounded(base * Micros::from(margin), 1_000);
    }

    /// Adds other figures, times 1 or -1.
    pub(crate) fn add(&mut self, other: &Figures, times: i64) {
        self.visits += times * other.visits;
        self.bot_visits += times * other.bot_visits;
        self.clicks += times * other.clicks;
        self.conversions += times * other.conversions;
        self.refunds += times * other.refunds;
        self.revenue_base += Micros::from(times) * other.revenue_base;
        self.margin_base += Micros::from(times) * other.margin_base;
        for (currency, micros) in &other.revenue {
            *self.revenue.entry(currency).or_default() += Micros::from(times) * micros;
        }
    }
}

/// What a unit of a currency is worth in the reference currency, in 1/100,000,000.
fn rate(currency: &str, time: Millis) -> Micros {
    let of_currency = RATES.iter().filter(|(_, name, _)| *name == currency).map(|&(from, _, rate)| (from, rate));
    Micros::from(as_of(of_currency, time).unwrap_or(100_000_000))
}

fn rounded(numerator: Micros, denominator: Micros) -> Micros {
    (2 * numerator + denominator).div_euclid(2 * denominator)
}

/// Everything that was generated, by cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    by_cause: BTreeMap<Cause, Figures>,
}

impl Tally {
    pub(crate) fn of(&mut self, cause: &Cause) -> &mut Figures {
        self.by_cause.entry(cause.clone()).or_default()
    }

    /// The sum over the causes that are wanted.
    pub(crate) fn sum(&self, wanted: impl Fn(&Cause) -> bool) -> Figures {
        let mut sum = Figures::default();
        for (_, figures) in self.by_cause.iter().filter(|(cause, _)| wanted(cause)) {
            sum.add(figures, 1);
        }
        sum
    }

    /// What each place brought: brand, channel, community, side.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&Cause, &Figures)> {
        self.by_cause.iter().filter(|(cause, _)| cause.side.is_some())
    }
}

/// The brand of that name; the first where there is none.
pub(crate) fn brand_named(name: &str) -> &'static Brand {
    BRANDS.iter().find(|brand| brand.name == name).unwrap_or(&BRANDS[0])
}
