//! The rows of a simulated ledger, plain: what a world does not care about stands once.

use std::sync::Arc;

use grapevine_core::answers::period::Day;
use grapevine_core::answers::{Brand, Earned, Place, Rule, Sale, Side, Spent};

/// Milliseconds of a day.
pub(crate) const DAY: i64 = 86_400_000;

/// A brand that has visits and costs since a day, and is known up to a time.
pub(crate) fn brand(first: Day, complete_to: i64) -> Brand {
    Brand {
        name: Arc::from("acme"),
        base_currency: Arc::from("EUR"),
        rule: Rule::Last,
        lookback: 30,
        complete_to,
        first_visit: Some(first),
        first_cost: Some(first),
        clicked: vec![Side::Broadcast, Side::Conversation],
        active_weeks: vec![first],
    }
}

/// A whole sale by every rule, of no post.
pub(crate) fn earned(day: Day, side: Side, margin: i128) -> Earned {
    Earned {
        day,
        side,
        place: Place::default(),
        root: None,
        root_day: None,
        direct: false,
        is_refund: false,
        age: 0,
        share: [1.0; 5],
        margin: [margin; 5],
        missing: None,
        sale: Sale::default(),
    }
}

/// Time that was worked on a day, at what it costs.
pub(crate) fn worked(day: Day, side: Side, time: i128) -> Spent {
    Spent {
        day,
        side,
        place: Place::default(),
        money: 0,
        time,
        time_low: time,
        time_high: time,
        seconds: 0,
        timed: true,
        unbounded: false,
        missing: None,
    }
}
