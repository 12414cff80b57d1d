//! Answers: what a brand's credited margin and its costs say, as rows. Functions of plain values; whoever calls them reads the
//! credit of sales and the days of costs, and writes the rows. The chapter "What ROI means here" of docs/roi.md says what each
//! figure means and when there is none.
//!
//! A [`Ledger`] is all that is known of one brand. [`roi`] makes rows of a period and those of every rule of credit,
//! [`comparison`] says which of two returns is higher, [`places`] which places return most and whether more work there brings more,
//! [`immediacy`] whether people come sooner to what was said in conversation, [`cohort`] what the posts of a week brought,
//! [`experiments`] what assigned units sold, [`response`] how many visits follow a reply.

pub mod cohort;
pub mod comparison;
pub mod experiments;
mod gather;
pub mod immediacy;
pub mod money;
pub mod period;
pub mod places;
pub mod reason;
pub mod response;
pub mod roi;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use crate::attribution::Rule;

use money::{Missing, Money};
use period::{Day, Period, monday};

/// Raised when an answer, an estimate or a rule of credit says something else of the same data: what two runs said may be compared
/// only under one revision.
pub const REVISION: u32 = 7;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// What a margin or a cost is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Posts and shares.
    Broadcast,
    /// Replies.
    Conversation,
    /// A touch that is neither.
    Other,
    /// Margin without a touch.
    Unattributed,
    /// Cost without a side.
    Unallocated,
}

impl Side {
    /// Its name in a row.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Side::Broadcast => "broadcast",
            Side::Conversation => "conversation",
            Side::Other => "other",
            Side::Unattributed => "unattributed",
            Side::Unallocated => "(unallocated)",
        }
    }

    /// Whether it can return something: it can have both a margin and a cost.
    #[must_use]
    pub fn returns(self) -> bool {
        matches!(self, Side::Broadcast | Side::Conversation | Side::Other)
    }
}

/// Where something stands: '' where that is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The channel.
    pub channel: Arc<str>,
    /// The community in it.
    pub community: Arc<str>,
    /// The campaign, as links spell it: trimmed, decoded, lower case.
    pub campaign: Arc<str>,
}

/// What one touch is credited with of one sale or refund, at the configured look-back. A sale without a touch is a row of its own
/// on [`Side::Unattributed`], on the day of the sale, with all of it under every rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Earned {
    /// The brand's day of the touch.
    pub day: Day,
    /// Not [`Side::Unallocated`].
    pub side: Side,
    /// Of the touch.
    pub place: Place,
    /// The root of what was clicked, by a number that stands for it; `None`: no post is known.
    pub root: Option<u64>,
    /// The brand's day on which the root was posted.
    pub root_day: Option<Day>,
    /// A visit that names no source.
    pub direct: bool,
    /// Money given back.
    pub is_refund: bool,
    /// Milliseconds from the touch until this sale or refund came.
    pub age: i64,
    /// The part of the sale, 0 to 1, in the order of [`Rule::ALL`].
    pub share: [f64; 5],
    /// The margin of that part in millionths of the brand's base currency, below 0 for refunds.
    pub margin: [i128; 5],
    /// Why the margin is not known in that currency.
    pub missing: Option<Missing>,
    /// What of the sale is looked at by the week of the post alone.
    pub sale: Sale,
}

/// What of a sale only [`cohort`] looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sale {
    /// When it was made, in milliseconds since 1970; of a refund, when its sale was.
    pub at: i64,
    /// The brand's day of its money.
    pub day: Day,
    /// What is known of the way to it; `None`: a refund that came later, which says nothing of its own.
    pub basis: Option<cohort::Basis>,
    /// Its revenue under the configured rule, in millionths of the brand's base currency.
    pub revenue: i128,
    /// A direct visit came after the touch.
    pub before_direct: bool,
}

/// What carries a common fate, and a name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Unit<'a> {
    Root(u64),
    Day(Day, &'a str),
}

impl Earned {
    /// What the touch is credited with under a rule; where it has no part of the sale nothing can be missing.
    fn credit(&self, rule: Rule) -> Money {
        if self.counts(rule) { Money::unless(self.missing, self.margin[rule as usize]) } else { Money::default() }
    }

    /// The post that carries its fate; without one the day and the channel do.
    fn unit(&self) -> Unit<'_> {
        self.root.map_or_else(|| Unit::Day(self.day, &self.place.channel), Unit::Root)
    }

    /// Whether the rule gives it a part of the sale.
    fn counts(&self, rule: Rule) -> bool {
        self.share[rule as usize] != 0.0 || self.margin[rule as usize] != 0
    }

    /// The revenue that the configured rule credits the touch with.
    fn revenue(&self, configured: Rule) -> Money {
        if self.share[configured as usize] == 0.0 {
            return Money::default();
        }
        Money::unless(self.missing.filter(|missing| *missing != Missing::MarginRate), self.sale.revenue)
    }

    /// How much of a sale it is under a rule: a refund is none.
    fn sold(&self, rule: Rule) -> f64 {
        if self.is_refund { 0.0 } else { self.share[rule as usize] }
    }
}

/// What was spent on one day of a cost, in millionths of the brand's base currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Spent {
    /// The brand's day.
    pub day: Day,
    /// [`Side::Unallocated`] where the cost names none; not [`Side::Unattributed`].
    pub side: Side,
    /// What it was spent on.
    pub place: Place,
    /// Money.
    pub money: i128,
    /// Time, at its hourly rate.
    pub time: i128,
    /// The same for the lowest estimate of the seconds.
    pub time_low: i128,
    /// The same for the highest estimate.
    pub time_high: i128,
    /// Seconds of work.
    pub seconds: i64,
    /// Whether the work of its week is known: time was logged or reckoned by a rule, and corrections have left some.
    pub timed: bool,
    /// Estimated seconds without a low and a high.
    pub unbounded: bool,
    /// Why the cost is not known in that currency.
    pub missing: Option<Missing>,
}

impl Spent {
    /// Money and time together.
    fn cost(&self) -> Money {
        Money::unless(self.missing, self.money.saturating_add(self.time))
    }
}

/// What is known of a brand as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Brand {
    /// Its name.
    pub name: Arc<str>,
    /// In which currency its money is kept; '' is the reference currency.
    pub base_currency: Arc<str>,
    /// The configured rule.
    pub rule: Rule,
    /// The configured look-back in days: no sale credits an older touch.
    pub lookback: u16,
    /// How far the log has been read, in milliseconds since 1970 on the brand's own clock.
    pub complete_to: i64,
    /// The first day with a visit.
    pub first_visit: Option<Day>,
    /// The first day with a cost.
    pub first_cost: Option<Day>,
    /// The sides of which any click is known.
    pub clicked: Vec<Side>,
    /// Mondays of the weeks in which the brand wrote something.
    pub active_weeks: Vec<Day>,
}

/// A day on which the brand wrote something: a post, or replies under one root.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The brand's day.
    pub day: Day,
    /// [`Side::Broadcast`] of posts, [`Side::Conversation`] of replies.
    pub side: Side,
    /// Of the root, without its campaign.
    pub place: Place,
    /// By the number that stands for it in [`Earned::root`].
    pub root: u64,
}

/// All that is known of one brand's margin and costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    /// Whose.
    pub brand: Brand,
    /// What its sales credit.
    pub earned: Vec<Earned>,
    /// What it spent.
    pub spent: Vec<Spent>,
    /// What it wrote, whether anything came of it or not.
    pub written: Vec<Written>,
}

impl Brand {
    /// The day up to which the log has been read.
    fn reached(&self) -> Day {
        Day::try_from(self.complete_to.div_euclid(DAY)).unwrap_or(Day::MAX)
    }

    /// The first day whose credit is not complete yet under a look-back of so many days: a sale may still come.
    fn ripe(&self, lookback: u16) -> Day {
        self.reached().saturating_sub(Day::from(lookback))
    }

    /// The first day that can be judged: before it there was no visit or no cost, and nothing could return, or cost, anything.
    fn start(&self) -> Option<Day> {
        self.first_visit.max(self.first_cost)
    }
}

impl Ledger {
    /// Weeks in which the brand wrote, and those of them whose work is known: somebody logged or reckoned time, or paid money for
    /// conversation.
    fn labour(&self) -> Labour {
        // Corrections may take back what was paid.
        let mut paid: BTreeMap<Day, i128> = BTreeMap::new();
        for spent in self.spent.iter().filter(|spent| spent.side == Side::Conversation) {
            let week = paid.entry(monday(spent.day)).or_default();
            *week = week.saturating_add(spent.money);
        }
        let timed = self.spent.iter().filter(|spent| spent.timed).map(|spent| monday(spent.day));
        let mut covered: Vec<Day> = paid.into_iter().filter(|(_, money)| *money > 0).map(|(week, _)| week).chain(timed).collect();
        covered.sort_unstable();
        covered.dedup();
        Labour { active: self.brand.active_weeks.clone(), covered }
    }
}

/// What is known of the brand's own work.
struct Labour {
    active: Vec<Day>,
    covered: Vec<Day>,
}

impl Labour {
    /// Whether the work of the period is known: of at least four in five of the weeks that begin in it and in which the brand
    /// wrote. A brand that is not known ever to have written has unknown work, not none.
    fn known(&self, period: Period) -> bool {
        let (weeks, covered) = self.weeks(|week| period.holds(week));
        !self.active.is_empty() && covered * 5 >= weeks * 4
    }

    /// The share of all weeks in which the brand wrote whose work is known; `None` if it is not known ever to have written.
    #[expect(clippy::cast_precision_loss, reason = "a number of weeks")]
    fn coverage(&self) -> Option<f64> {
        let (weeks, covered) = self.weeks(|_| true);
        (weeks > 0).then(|| covered as f64 / weeks as f64)
    }

    /// Of these weeks: in how many the brand wrote, and of how many of those its work is known.
    fn weeks(&self, counts: impl Fn(Day) -> bool) -> (usize, usize) {
        let weeks: Vec<&Day> = self.active.iter().filter(|week| counts(**week)).collect();
        (weeks.len(), weeks.iter().filter(|week| self.covered.binary_search(week).is_ok()).count())
    }
}
