//! Answers on small ledgers: every reason, every note, every figure once by hand.

mod by_rule;
mod cohort;
mod comparison;
mod experiments;
mod immediacy;
mod oracle;
mod places;
mod reasons;
mod response;
mod revision;
mod roi;

use std::sync::Arc;

use super::money::Missing;
use super::period::{Day, monday};
use super::{Brand, DAY, Earned, Ledger, Place, Rule, Sale, Side, Spent, Written};

/// Millionths of one unit of currency.
const UNIT: i128 = 1_000_000;

/// The day up to which days are complete in [`steady`].
const RIPE: Day = 170;

fn place(channel: &str, community: &str, campaign: &str) -> Place {
    Place { channel: channel.into(), community: community.into(), campaign: campaign.into() }
}

/// A sale on a post of its own, by every rule.
fn sale(day: Day, side: Side, root: u64, margin: i128) -> Earned {
    Earned {
        day,
        side,
        place: place("forum", "a", ""),
        root: Some(root),
        root_day: Some(day),
        direct: false,
        is_refund: false,
        age: DAY,
        share: [1.0; 5],
        margin: [margin * UNIT; 5],
        missing: None,
        sale: Sale::default(),
    }
}

/// Hours of one day.
fn hours(day: Day, side: Side, cost: i128) -> Spent {
    let time = cost * UNIT;
    Spent {
        day,
        side,
        place: place("forum", "a", ""),
        money: 0,
        time,
        time_low: time,
        time_high: time,
        seconds: 3600,
        timed: true,
        unbounded: false,
        missing: None,
    }
}

fn brand() -> Brand {
    Brand {
        name: Arc::from("acme"),
        base_currency: Arc::from("EUR"),
        rule: Rule::Last,
        lookback: 30,
        complete_to: 200 * DAY + DAY / 2,
        first_visit: Some(0),
        first_cost: Some(0),
        clicked: vec![Side::Broadcast, Side::Conversation],
        active_weeks: (0..RIPE).step_by(7).map(monday).collect(),
    }
}

/// A brand that spends 10 a day on broadcast and 20 on conversation, and sells once a day on each, with 15 and 30 of margin.
fn steady() -> Ledger {
    let days = 0..=200;
    let sold = |day: Day| {
        let root = u64::try_from(day).unwrap();
        [sale(day, Side::Broadcast, root, 15), sale(day, Side::Conversation, 1000 + root, 30)]
    };
    Ledger {
        brand: brand(),
        earned: days.clone().flat_map(sold).collect(),
        spent: days.flat_map(|day| [hours(day, Side::Broadcast, 10), hours(day, Side::Conversation, 20)]).collect(),
        written: Vec::new(),
    }
}

fn missing(ledger: &mut Ledger, margin: Option<Missing>, cost: Option<Missing>) {
    ledger.earned.iter_mut().filter(|row| row.day == RIPE - 1).for_each(|row| row.missing = margin);
    ledger.spent.iter_mut().filter(|row| row.day == RIPE - 1).for_each(|row| row.missing = cost);
}
