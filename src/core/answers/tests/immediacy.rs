//! Lags of clicks and what they say.

use super::*;
use crate::answers::immediacy::{Bin, Click, Finding, LagRow, Row, Target, immediacy};

const NOW: i64 = 200 * DAY;
const MINUTE: i64 = 60_000;

fn click(root: u64, target: Target, age: i64, visitor: u64) -> Click {
    let posted = 150 * DAY;
    Click {
        time: posted + age,
        root,
        channel: Arc::from("forum"),
        community: Arc::from("a"),
        target: root * 10 + target as u64,
        posted: Some((posted, target)),
        visitor: Some(visitor),
        participant: false,
    }
}

fn ask(clicks: &[Click]) -> (Vec<LagRow>, Row) {
    immediacy(&Arc::from("acme"), NOW, clicks)
}

/// On each of so many roots ten visitors click a reply after one age and ten a post after another.
fn clicks(roots: u64, reply: i64, post: i64) -> Vec<Click> {
    let on = |root: u64| {
        let both = move |visitor| [click(root, Target::Reply, reply, visitor), click(root, Target::Post, post, visitor)];
        (0..10).flat_map(both).chain([click(root, Target::Post, 20 * MINUTE, 99), click(root, Target::Reply, 20 * MINUTE, 99)])
    };
    (0..roots).flat_map(on).collect()
}

#[test]
fn clicks_on_replies_that_come_sooner_support_the_hypothesis() {
    let say = |reply, post| ask(&clicks(20, reply, post)).1.verdict;
    assert_eq!(say(3 * MINUTE, 300 * MINUTE), Some(Finding::Supported));
    assert_eq!(say(300 * MINUTE, 3 * MINUTE), Some(Finding::Refuted));
    assert_eq!(say(3 * MINUTE, 3 * MINUTE), Some(Finding::Undecided));
}

#[test]
fn twenty_roots_a_side_are_needed() {
    let row = ask(&clicks(19, 3 * MINUTE, 300 * MINUTE)).1;
    assert_eq!((row.verdict, row.difference, row.reason()), (None, None, "few_roots"));
    assert_eq!((row.p_conversation, row.p_broadcast), (Some(10.0 / 11.0), Some(0.0)));
    assert_eq!(ask(&clicks(20, MINUTE, DAY / 2)).1.reason(), "");
    assert_eq!(ask(&[]).1.reason(), "few_roots");
}

#[test]
fn machines_and_clocks_that_differ_are_in_no_share() {
    let mut all = clicks(20, 3 * MINUTE, 300 * MINUTE);
    let before = ask(&all).1;
    all.extend((0..20).flat_map(|root| [click(root, Target::Post, 2_000, 500), click(root, Target::Post, -MINUTE, 501)]));
    assert_eq!(ask(&all).1, before);
}

#[test]
fn bins_hold_their_lower_end() {
    let ages = [
        (-1, "before"),
        (0, "0-10 s"),
        (9_999, "0-10 s"),
        (10_000, "10-60 s"),
        (MINUTE, "1-5 min"),
        (5 * MINUTE, "5-15 min"),
        (15 * MINUTE, "15-60 min"),
        (60 * MINUTE, "1-4 h"),
        (240 * MINUTE, "4-24 h"),
        (DAY - 1, "4-24 h"),
    ];
    for (age, name) in ages {
        let lags = ask(&[click(1, Target::Reply, age, 1)]).0;
        assert_eq!((lags.len(), lags[0].bin.name(), lags[0].clicks), (1, name, 1), "{age}");
    }
    assert!(ask(&[click(1, Target::Reply, DAY, 1)]).0.is_empty());
}

#[test]
fn each_click_counts_once_where_it_belongs() {
    let own = |age, visitor: Option<u64>, participant| Click { visitor, participant, ..click(1, Target::Reply, age, 0) };
    let lags = ask(&[
        own(MINUTE, Some(7), false),
        // The same visitor once more, somebody without a visit, somebody who wrote before.
        own(2 * MINUTE, Some(7), false),
        own(2 * MINUTE, None, false),
        own(2 * MINUTE, Some(8), true),
        Click { posted: None, ..own(3 * MINUTE, Some(9), false) },
    ])
    .0;
    let found: Vec<_> = lags.iter().map(|lag| (lag.bin, lag.clicks, lag.unconfirmed, lag.participant)).collect();
    assert_eq!(found, [(Bin::TargetUnknown, 1, 0, 0), (Bin::Minutes5, 1, 2, 1)]);
}

#[test]
fn the_first_click_of_a_visitor_counts_in_whatever_order_they_come() {
    let mut clicks = vec![click(1, Target::Reply, 2 * MINUTE, 1), click(1, Target::Reply, 90 * MINUTE, 1)];
    let lags = ask(&clicks).0;
    clicks.reverse();
    assert_eq!(lags, ask(&clicks).0);
    assert_eq!((lags[0].bin, lags[0].clicks, lags[1].unconfirmed), (Bin::Minutes5, 1, 1));
}

#[test]
fn days_whose_clicks_may_still_come_are_left_out() {
    let at = |posted: i64, age: i64| Click {
        time: posted + age,
        posted: Some((posted, Target::Post)),
        ..click(1, Target::Post, 0, 1)
    };
    let count = |click| ask(&[click]).0.len();
    assert_eq!(count(at(NOW - DAY - 1, 0)), 1);
    assert_eq!(count(at(NOW - DAY, 0)), 0);
    // The target is too young, though the click is not.
    assert_eq!(count(at(NOW - DAY + 1, -MINUTE)), 0);
    assert_eq!(count(at(NOW - 92 * DAY, 0)), 1);
    assert_eq!(count(at(NOW - 92 * DAY - 1, 0)), 0);
}
