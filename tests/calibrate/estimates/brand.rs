//! A brand's plan of effort, what it brings by chance, and what it brings on average.

use std::sync::Arc;

use super::dice::Dice;
use super::ledger::{self, DAY};
use grapevine_core::answers::period::{Day, Period, Span};
use grapevine_core::answers::{Brand, Earned, Ledger, Place, Side, Spent, Written};

/// Days of the plan, and the first day that is not complete. Day 0 stands for 2024-01-01, a Monday, so that
/// quarters and weeks fall where calendars have them.
const ORIGIN: Day = 19_723;
const DAYS: Day = 250;
const RIPE: Day = ORIGIN + DAYS - 30;

/// The mean of an order's margin, of the part that is given back, and of what a post's appeal brings per day after it.
const ORDER: f64 = 20.0;
const GIVEN_BACK: f64 = 0.05;
const LAGS: [f64; 8] = [0.45, 0.2, 0.12, 0.08, 0.06, 0.04, 0.03, 0.02];

/// What kind of demand there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum World {
    /// Weekends are quiet, one month is; the rest is chance.
    Plain,
    /// The same, with few posts that bring most of it.
    HeavyTails,
    /// Demand drifts for weeks.
    PersistentDemand,
    /// A fifth of the posts.
    FewPosts,
    /// One post in twenty brings all, the others nothing; those that bring something are alike.
    RareHits,
}

impl World {
    pub(crate) fn name(self) -> &'static str {
        match self {
            World::Plain => "plain",
            World::HeavyTails => "heavy tails",
            World::PersistentDemand => "persistent demand",
            World::FewPosts => "few posts",
            World::RareHits => "rare hits",
        }
    }
}

/// A post or a thread, and how many sales it brings on average.
struct Post {
    day: Day,
    side: Side,
    sales: f64,
}

/// What the brand does and spends: the same in every world that is drawn of it.
pub(crate) struct Plan {
    world: World,
    number: u64,
    posts: Vec<Post>,
    /// Mailings, which bring sales of the side broadcast that no post is known of.
    mailings: Vec<Day>,
    spent: Vec<Spent>,
}

/// Demand of weekdays, the same for both sides.
fn season(day: Day) -> f64 {
    if (day - ORIGIN) % 7 >= 5 { 0.6 } else { 1.16 }
}

/// A month in which the brand does little.
fn effort(day: Day) -> f64 {
    if (ORIGIN + 91..ORIGIN + 121).contains(&day) { 0.35 } else { 1.0 }
}

fn spent(day: Day, side: Side, money: f64) -> Spent {
    Spent { money: (money * 1e6) as i128, ..ledger::worked(day, side, 0) }
}

impl Plan {
    /// One of the plans of a world.
    pub(crate) fn drawn(world: World, number: u64) -> Plan {
        let mut dice = Dice::new(1, number);
        let (mut posts, mut mailings, mut costs) = (Vec::new(), Vec::new(), Vec::new());
        for day in ORIGIN..ORIGIN + DAYS {
            for (side, rate, sales) in [(Side::Broadcast, 0.7, 2.5), (Side::Conversation, 2.0, 0.7)] {
                let rate = if world == World::FewPosts { rate / 5.0 } else { rate };
                for _ in 0..dice.poisson(rate * effort(day)) {
                    posts.push(Post { day, side, sales: sales * (0.5 + dice.unit()) });
                }
            }
            if (day - ORIGIN) % 14 == 9 {
                mailings.push(day);
            }
            // Hours by the day, an agency's invoice once in 30 days.
            costs.push(spent(day, Side::Broadcast, 18.0 * effort(day)));
            costs.push(spent(day, Side::Conversation, 19.0 * effort(day)));
            if (day - ORIGIN) % 30 == 3 {
                costs.push(spent(day, Side::Broadcast, 600.0));
            }
        }
        Plan { world, number, posts, mailings, spent: costs }
    }

    /// A trailing period of the plan.
    pub(crate) fn period(&self, span: Span) -> Period {
        Period::trailing(span, ORIGIN, RIPE).expect("a trailing period")
    }

    /// What the period returns on average.
    pub(crate) fn truth(&self, side: Side, period: Period) -> f64 {
        let inside = |day: Day| if period.holds(day) { season(day) } else { 0.0 };
        let after = |day: Day| LAGS.iter().zip(day..).map(|(part, day)| part * inside(day)).sum::<f64>();
        let posts = self.posts.iter().filter(|post| post.side == side).map(|post| post.sales * after(post.day)).sum::<f64>();
        let mailings = self.mailings.iter().map(|day| MAILING * inside(*day)).sum::<f64>();
        let sales = posts + if side == Side::Broadcast { mailings } else { 0.0 };
        let cost: i128 = self.spent.iter().filter(|row| row.side == side && period.holds(row.day)).map(|row| row.money).sum();
        sales * ORDER * (1.0 - GIVEN_BACK) / (cost as f64 / 1e6) - 1.0
    }

    /// One draw of what comes of it.
    pub(crate) fn draw(&self, number: u64) -> Ledger {
        let mut dice = Dice::new(1000 + self.number, number);
        let demand = self.demand(&mut dice);
        let mut earned = Vec::new();
        for (root, post) in (1..).zip(&self.posts) {
            let appeal = self.appeal(&mut dice, post.side);
            for (part, day) in LAGS.iter().zip(post.day..) {
                let mean = post.sales * appeal * part * season(day) * at(&demand, day);
                for _ in 0..dice.poisson(mean) {
                    sell(&mut dice, &mut earned, (day, post.side, Some((root, post.day))));
                }
            }
        }
        for day in &self.mailings {
            let mean = MAILING * dice.skewed(0.5) * season(*day) * at(&demand, *day);
            for _ in 0..dice.poisson(mean) {
                sell(&mut dice, &mut earned, (*day, Side::Broadcast, None));
            }
        }
        let active_weeks = (ORIGIN..ORIGIN + DAYS).step_by(7).collect();
        let brand = Brand { active_weeks, ..ledger::brand(ORIGIN, i64::from(ORIGIN + DAYS) * DAY) };
        let wrote = |(root, post): (u64, &Post)| Written { day: post.day, side: post.side, place: forum(), root };
        let written = (1..).zip(&self.posts).map(wrote).collect();
        Ledger { brand, earned, spent: self.spent.clone(), written }
    }

    /// How much more or less than planned a post brings; 1 on average, one in fifty is a hit.
    fn appeal(&self, dice: &mut Dice, side: Side) -> f64 {
        if self.world == World::RareHits {
            return if dice.chance(0.05) { 20.0 } else { 0.0 };
        }
        let (spread, hit) = match (self.world, side) {
            (World::HeavyTails, Side::Broadcast) => (1.6, 12.0),
            (World::HeavyTails, _) => (1.4, 12.0),
            (_, Side::Broadcast) => (0.8, 8.0),
            _ => (0.6, 4.0),
        };
        let usual = 1.0 / (0.98 + 0.02 * hit);
        dice.skewed(spread) * usual * if dice.chance(0.02) { hit } else { 1.0 }
    }

    /// The demand of each day, 1 on average; its logarithm forgets a tenth of itself a day.
    fn demand(&self, dice: &mut Dice) -> Vec<f64> {
        let (keep, spread) = (0.9_f64, if self.world == World::PersistentDemand { 0.5 } else { 0.0 });
        let mut state = dice.normal();
        let days = (0..DAYS + 10).map(|_| {
            state = keep * state + (1.0 - keep * keep).sqrt() * dice.normal();
            (spread * state - spread * spread / 2.0).exp()
        });
        days.collect()
    }
}

/// Sales that a mailing brings on average.
const MAILING: f64 = 6.0;

fn at(demand: &[f64], day: Day) -> f64 {
    usize::try_from(day - ORIGIN).ok().and_then(|day| demand.get(day)).copied().unwrap_or(1.0)
}

fn forum() -> Place {
    Place { channel: Arc::from("forum"), ..Place::default() }
}

fn sell(dice: &mut Dice, earned: &mut Vec<Earned>, (day, side, post): (Day, Side, Option<(u64, Day)>)) {
    let margin = (ORDER * dice.skewed(0.8) * 1e6) as i128;
    let sale = Earned {
        place: if post.is_some() { forum() } else { Place { channel: Arc::from("mail"), ..Place::default() } },
        root: post.map(|(root, _)| root),
        root_day: post.map(|(_, day)| day),
        age: (dice.unit() * 20.0 * DAY as f64) as i64,
        ..ledger::earned(day, side, margin)
    };
    if dice.chance(GIVEN_BACK) {
        earned.push(Earned { is_refund: true, margin: [-margin; 5], ..sale.clone() });
    }
    earned.push(sale);
}
