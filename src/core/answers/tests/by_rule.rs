//! The same return under every rule.

use super::*;
use crate::answers::money::Money;
use crate::answers::period::Span;
use crate::answers::reason::Reason;
use crate::answers::roi::{Ruled, by_rule};

fn credit(lookback: u16, rule: Rule, side: Side, margin: i128) -> Ruled {
    let margin = Money::units(margin * UNIT);
    Ruled { day: 150, channel: Arc::from("forum"), side, rule, lookback, margin, conversions: 1.0 }
}

#[test]
fn every_rule_has_its_own_margin_and_the_same_cost() {
    let credit: Vec<Ruled> = Rule::ALL.iter().zip(10..).map(|(rule, n)| credit(30, *rule, Side::Broadcast, n * 28)).collect();
    let rows = by_rule(&steady(), &credit);
    let rows = rows.iter().filter(|row| row.period.span == Span::Last13Weeks && row.side == Side::Broadcast);
    let found: Vec<_> = rows
        .map(|row| (row.rule.name(), row.margin_base.unwrap() / UNIT, row.cost_base.unwrap() / UNIT, row.roi.is_some()))
        .collect();
    let cost = |name, margin| (name, margin, 910, true);
    let expected = [cost("first", 280), cost("last", 308), cost("linear", 336), cost("position", 364), cost("time_decay", 392)];
    assert_eq!(found, expected);
}

#[test]
fn a_longer_look_back_is_complete_later() {
    let credit = [7, 30, 90].map(|lookback| credit(lookback, Rule::Last, Side::Broadcast, 100));
    let rows = by_rule(&steady(), &credit);
    let last = |lookback| {
        rows.iter()
            .find(|row| row.lookback == lookback && row.period.span == Span::Last13Weeks && row.side == Side::Broadcast)
            .unwrap()
    };
    assert_eq!([last(7).reason, last(30).reason, last(90).reason], [None, None, Some(Reason::NotComplete)]);
    assert!(last(90).roi.is_none() && last(90).margin_base.is_some() && !last(90).complete);
    // A month that ended 90 days ago has passed for all of them: 59 is the end of February.
    let february =
        rows.iter().filter(|row| row.period.span == Span::Month && row.period.end == 59 && row.side == Side::Broadcast);
    assert_eq!(february.map(|row| row.complete).collect::<Vec<_>>(), [true; 3]);
}

#[test]
fn what_sold_nothing_has_its_costs_under_every_rule() {
    let rows = by_rule(&steady(), &[]);
    let rows = rows.iter().filter(|row| row.period.span == Span::Last13Weeks && row.side == Side::Broadcast && row.complete);
    let found: Vec<_> = rows.map(|row| (row.cost_base.map(|cost| cost / UNIT), row.reason)).collect();
    assert_eq!(found, [(Some(910), Some(Reason::NoConversions)); 10]);
}

#[test]
fn what_a_rule_cannot_say_it_does_not() {
    let reason = |credit: Ruled, side| {
        let mut ledger = steady();
        ledger.spent.push(hours(150, Side::Unallocated, 5));
        let rows = by_rule(&ledger, &[credit]);
        rows.iter().find(|row| row.period.span == Span::All && row.side == side).unwrap().reason
    };
    assert_eq!(reason(credit(30, Rule::Last, Side::Unattributed, 5), Side::Unattributed), Some(Reason::Unattributed));
    assert_eq!(reason(credit(30, Rule::Last, Side::Unattributed, 5), Side::Broadcast), Some(Reason::NoTouch));
    assert_eq!(reason(credit(30, Rule::Last, Side::Broadcast, 5), Side::Unallocated), Some(Reason::UnallocatedCost));
    assert_eq!(reason(credit(30, Rule::Last, Side::Other, 5), Side::Other), Some(Reason::NoCost));
    let unknown = Ruled { margin: Money::unless(Some(Missing::MarginRate), 0), ..credit(30, Rule::Last, Side::Broadcast, 5) };
    assert_eq!(reason(unknown, Side::Broadcast), Some(Reason::MissingMarginRate));
    let refund = Ruled { conversions: 0.0, ..credit(30, Rule::Last, Side::Broadcast, -5) };
    assert_eq!(reason(refund, Side::Broadcast), Some(Reason::NoConversions));
}
