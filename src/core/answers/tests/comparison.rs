//! Two returns beside each other.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::answers::comparison::{Kind, Row, Winner, comparison};
use crate::answers::period::{Period, Span};
use crate::answers::reason::Reason;
use crate::estimate::difference::{self, Returned};
use crate::estimate::moments::Moments;

/// What a day brings beside the plan, the same in every run.
fn luck(day: Day, salt: i32) -> i128 {
    i128::from((day * 7919 + salt * 104_729).rem_euclid(11) - 5)
}

/// Broadcast returns three times what conversation returns, give or take.
fn unlike() -> Ledger {
    let mut ledger = steady();
    for row in &mut ledger.earned {
        let (margin, salt) = if row.side == Side::Broadcast { (60, 1) } else { (40, 2) };
        row.margin = [(margin + luck(row.day, salt)) * UNIT; 5];
    }
    ledger
}

fn find(rows: &[Row], kind: Kind, span: Span) -> &Row {
    rows.iter().rfind(|row| row.kind == kind && row.period.span == span).unwrap()
}

#[test]
fn the_side_that_returns_more_is_named() {
    let rows = comparison(&unlike());
    for span in [Span::Last13Weeks, Span::All] {
        let row = find(&rows, Kind::Sides, span);
        assert_eq!((row.verdict, row.reason), (Some(Winner::First), None));
        assert!((row.times.unwrap() - 3.0).abs() < 0.1 && row.p_first.unwrap() > 0.999, "{row:?}");
        assert!(row.log_ratio_low < row.log_ratio && row.log_ratio < row.log_ratio_high);
        let ratio = |at: usize| row.margin_base[at].unwrap() as f64 / row.cost_base[at].unwrap() as f64;
        assert!((row.log_ratio.unwrap() - (ratio(0) / ratio(1)).ln()).abs() < 1e-12);
    }
}

#[test]
fn what_both_share_drops_out() {
    let mut ledger = unlike();
    // A quiet and a loud half, the same for both.
    ledger.earned.iter_mut().filter(|row| row.day < 85).for_each(|row| row.margin = row.margin.map(|margin| margin / 10));
    let row = find(&comparison(&ledger), Kind::Sides, Span::All).clone();
    assert!((row.times.unwrap() - 3.0).abs() < 0.1 && row.log_ratio_low.unwrap() > 2.4_f64.ln(), "{row:?}");
}

#[test]
fn one_post_that_brings_most_over_many_days_is_one_event() {
    let mut ledger = unlike();
    let before = find(&comparison(&ledger), Kind::Sides, Span::All).clone();
    // All of broadcasting's sales by one post: days do not know it, units do.
    ledger.earned.iter_mut().filter(|row| row.side == Side::Broadcast).for_each(|row| row.root = Some(1));
    let row = find(&comparison(&ledger), Kind::Sides, Span::All).clone();
    assert_eq!((before.verdict, row.verdict), (Some(Winner::First), Some(Winner::CannotTell)));
    assert_eq!((before.log_ratio, before.margin_base, before.cost_base), (row.log_ratio, row.margin_base, row.cost_base));
}

#[test]
fn a_few_hits_among_posts_that_brought_nothing_are_few() {
    let mut ledger = unlike();
    // Ten posts that bring the same, each over seventeen days, and 1.2 times what conversation brings.
    for row in ledger.earned.iter_mut().filter(|row| row.side == Side::Broadcast) {
        row.root = Some(u64::try_from(row.day / 17).unwrap());
    }
    ledger.spent.iter_mut().filter(|row| row.side == Side::Broadcast).for_each(|row| row.time = 25 * UNIT);
    let hits = find(&comparison(&ledger), Kind::Sides, Span::All).clone();
    assert_eq!(hits.verdict, Some(Winner::First));
    let wrote = |side: Side, root: Day| Written { day: root, side, place: Place::default(), root: u64::try_from(root).unwrap() };
    // Each post of conversation brings something; that a hit was written is known already.
    ledger.written =
        (0..RIPE).map(|day| wrote(Side::Conversation, 1000 + day)).map(|post| Written { day: post.day - 1000, ..post }).collect();
    ledger.written.push(wrote(Side::Broadcast, 3));
    assert_eq!(find(&comparison(&ledger), Kind::Sides, Span::All), &hits);
    ledger.written.extend((0..RIPE).map(|day| Written { day, ..wrote(Side::Broadcast, 5000 + day) }));
    let among = find(&comparison(&ledger), Kind::Sides, Span::All).clone();
    assert_eq!((among.verdict, among.log_ratio), (Some(Winner::CannotTell), hits.log_ratio));
    // Ten among 180 differ nearly as much as ten that came by chance: by 1/√10.
    let half = (among.log_ratio_high.unwrap() - among.log_ratio.unwrap()) / 0.31;
    assert!((2.1..2.4).contains(&half), "{half}");
}

#[test]
fn a_period_is_compared_with_the_one_before() {
    let mut ledger = unlike();
    ledger.earned.iter_mut().filter(|row| row.day < RIPE - 28).for_each(|row| row.margin = row.margin.map(|margin| margin / 9));
    let rows = comparison(&ledger);
    let row = find(&rows, Kind::Period, Span::Last4Weeks);
    assert_eq!((row.side, row.verdict, row.period.start), (Some(Side::Conversation), Some(Winner::First), RIPE - 28));
    // February to May; January begins with the data and has none before it.
    let months: Vec<Day> = rows.iter().filter(|row| row.period.span == Span::Month).map(|row| row.period.start).collect();
    assert_eq!(months, [31, 31, 59, 59, 90, 90, 120, 120]);
    assert_eq!(rows.iter().filter(|row| row.period.span == Span::Quarter).count(), 0);
}

#[test]
fn a_place_is_compared_with_the_others() {
    let mut ledger = unlike();
    let community = |day: Day| ["a", "b", "c"][usize::try_from(day % 3).unwrap()];
    ledger.earned.iter_mut().for_each(|row| row.place = place("forum", community(row.day), "spring"));
    ledger.spent.iter_mut().for_each(|row| row.place = place("forum", community(row.day), ""));
    ledger.earned.iter_mut().filter(|row| &*row.place.community == "b").for_each(|row| row.margin = [200 * UNIT; 5]);
    // What names no place is in neither.
    ledger.earned.push(Earned { place: Place::default(), root: None, ..sale(150, Side::Other, 0, 1_000_000) });
    let rows = comparison(&ledger);
    let rows: Vec<_> = rows.iter().filter(|row| row.kind == Kind::Place && row.period.span == Span::All).collect();
    let names: Vec<_> = rows.iter().map(|row| (row.place.clone(), row.verdict.unwrap())).collect();
    let name = |community| place("forum", community, "");
    assert_eq!(names, [(name("a"), Winner::Second), (name("b"), Winner::First), (name("c"), Winner::Second)]);
    assert!(rows[1].margin_base[1].unwrap() < 100_000 * UNIT);
    let total = |row: &Row| row.cost_base[0].unwrap() + row.cost_base[1].unwrap();
    assert_eq!(rows.iter().map(|row| total(row)).collect::<Vec<_>>(), [170 * 30 * UNIT; 3]);
}

#[test]
fn a_difference_by_chance_is_none() {
    let mut ledger = unlike();
    ledger
        .earned
        .iter_mut()
        .for_each(|row| row.margin = [(20 + 2 * luck(row.day, if row.side == Side::Broadcast { 3 } else { 4 })) * UNIT; 5]);
    ledger.spent.iter_mut().for_each(|row| row.time = 20 * UNIT);
    assert_eq!(find(&comparison(&ledger), Kind::Sides, Span::Last13Weeks).verdict, Some(Winner::CannotTell));
}

#[test]
fn what_cannot_be_compared_says_why() {
    let reason = |change: &dyn Fn(&mut Ledger)| {
        let mut ledger = unlike();
        change(&mut ledger);
        let rows = comparison(&ledger);
        let row = find(&rows, Kind::Sides, Span::Last13Weeks);
        assert!(row.reason.is_none() || (row.log_ratio.is_none() && row.p_first.is_none() && row.verdict.is_none()));
        row.reason
    };
    assert_eq!(reason(&|_| ()), None);
    assert_eq!(reason(&|ledger| ledger.earned.retain(|row| row.side == Side::Broadcast)), Some(Reason::NoValue));
    assert_eq!(reason(&|ledger| ledger.spent.retain(|row| row.side == Side::Broadcast)), Some(Reason::NoCost));
    assert_eq!(reason(&|ledger| ledger.brand.first_visit = Some(100)), Some(Reason::PartialStart));
    assert_eq!(reason(&|ledger| ledger.brand.active_weeks.clear()), Some(Reason::LabourCoverage));
    assert_eq!(reason(&|ledger| missing(ledger, Some(Missing::MarginRate), None)), Some(Reason::MissingMarginRate));
    assert_eq!(reason(&|ledger| missing(ledger, None, Some(Missing::HourlyRate))), Some(Reason::MissingHourlyRate));
    let alike = |row: &mut Earned| row.margin = [10 * UNIT; 5];
    assert_eq!(reason(&|ledger| ledger.earned.iter_mut().for_each(alike)), Some(Reason::FewUnits));
}

/// What some rows of the ledger amount to, gone through one by one: margin of each day, units of each place, cost.
fn gone_through(ledger: &Ledger, period: Period, counts: impl Fn(&Place) -> bool) -> (Vec<f64>, Moments, f64) {
    let (mut days, mut units) = (vec![0; usize::try_from(period.days()).unwrap()], BTreeMap::new());
    for row in ledger.earned.iter().filter(|row| period.holds(row.day) && counts(&row.place)) {
        days[usize::try_from(row.day - period.start).unwrap()] += row.margin[0];
        *units.entry((&row.place, row.root)).or_default() += row.margin[0];
    }
    let spent = ledger.spent.iter().filter(|row| period.holds(row.day) && counts(&row.place));
    let value = |units: i128| units as f64 / 1e6;
    let units: Vec<f64> = units.into_values().map(value).collect();
    (days.into_iter().map(value).collect(), Moments::of(units), value(spent.map(|row| row.time).sum()))
}

proptest! {
    #[test]
    fn a_place_is_compared_with_what_all_the_others_amount_to(
        sold in prop::collection::vec((0..6_usize, 0..200, 0..9_u64, -20..100_i128), 1..120),
    ) {
        let names = ["a", "b", "c", "d", "e", "f"];
        let mut ledger = steady();
        let sell = |(at, day, root, margin): &(usize, Day, u64, i128)| Earned {
            place: place("forum", names[*at], "spring"), ..sale(*day, Side::Other, *root, *margin)
        };
        ledger.earned = sold.iter().map(sell).collect();
        let spend = |row: &Earned| Spent { place: row.place.clone(), ..hours(row.day, Side::Conversation, 7) };
        ledger.spent = ledger.earned.iter().map(spend).collect();
        // All work is known, on whatever days there was any.
        ledger.brand.active_weeks = vec![monday(0)];
        let rows = comparison(&ledger);
        let rows: Vec<&Row> = rows.iter().filter(|row| row.kind == Kind::Place).collect();
        let seen: BTreeSet<&str> = ledger.earned.iter().filter(|row| row.day < RIPE).map(|row| &*row.place.community).collect();
        prop_assert_eq!(rows.iter().filter(|row| row.period.span == Span::All).count(), seen.len());
        for row in rows {
            let [own, rest] = [true, false].map(|own| {
                gone_through(&ledger, row.period, |place| (place.community == row.place.community) == own)
            });
            let [first, second] = [&own, &rest].map(|(margin, units, cost)| Returned { margin, units: *units, cost: *cost });
            let found = difference::jointly(first, second);
            prop_assert_eq!(found.is_ok(), row.log_ratio.is_some());
            if let Ok(found) = found {
                let near = |own: Option<f64>, other: f64| own.is_some_and(|own| (own - other).abs() < 1e-9 * (1.0 + other.abs()));
                prop_assert!(near(row.log_ratio, found.log_ratio) && near(row.p_first, found.p_first), "{row:?} is not {found:?}");
                prop_assert!(near(row.log_ratio_low, found.low) && near(row.log_ratio_high, found.high), "{row:?} is not {found:?}");
            }
        }
    }
}
