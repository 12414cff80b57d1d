//! Places by their returns, and what a reply there brings.

use super::*;
use crate::answers::places::{Effort, Row, Why, places};
use crate::answers::reason::Reason;
use crate::answers::roi::{By, roi};

/// What each of so many places brings on every third day, on the same posts; each costs 10 a day.
fn many(margins: &[i128]) -> Ledger {
    let mut ledger = Ledger { brand: brand(), earned: Vec::new(), spent: Vec::new(), written: Vec::new() };
    for (number, margin) in (0_i32..).zip(margins) {
        let place = place("forum", &format!("{number:02}"), "");
        for day in 0..=200 {
            let side = if day % 2 == 0 { Side::Conversation } else { Side::Broadcast };
            ledger.spent.push(Spent { place: place.clone(), ..hours(day, side, 10) });
            if (day + number) % 3 == 0 {
                let root = u64::try_from(1000 * number + day).unwrap();
                // Days differ, in each place alike.
                ledger.earned.push(Earned { place: place.clone(), ..sale(day, side, root, margin + i128::from(day / 3 % 7)) });
            }
        }
    }
    ledger
}

fn ranks(rows: &[Row]) -> Vec<(Option<usize>, bool)> {
    rows.iter().filter_map(|row| row.standing.map(|standing| (standing.place_rank, standing.tied))).collect()
}

#[test]
fn of_places_that_are_alike_none_is_the_first() {
    let rows = places(&many(&[30; 11]), &[]);
    assert_eq!(ranks(&rows), vec![(None, true); 11]);
    for row in &rows {
        let standing = row.standing.unwrap();
        assert_eq!((row.reason, standing.rank_low, standing.rank_high), (Some(Why::NoDifference), 1, 11));
        assert!((standing.p_top10 - 10.0 / 11.0).abs() < 1e-9 && row.roi_low < row.average_roi && row.average_roi < row.roi_high);
    }
}

#[test]
fn a_place_that_is_far_ahead_is_the_first() {
    let mut margins = [30; 14];
    margins[5] = 300;
    let rows = places(&many(&margins), &[]);
    let first = rows[5].standing.unwrap();
    assert_eq!((first.place_rank, first.tied, first.rank_high, rows[5].reason), (Some(1), false, 1, None));
    assert!(first.p_top10 > 0.999 && first.p_positive > 0.999);
    let of_others = rows.iter().filter_map(|row| row.standing).filter(|standing| standing.place_rank != Some(1));
    assert!(of_others.clone().all(|standing| standing.rank_low == 2 && !standing.tied && standing.place_rank.is_some()));
    assert_eq!(of_others.count(), 13);
    assert!((rows.iter().filter_map(|row| row.standing).map(|standing| standing.p_top10).sum::<f64>() - 10.0).abs() < 0.01);
}

#[test]
fn two_that_are_ahead_of_the_others_are_tied() {
    let mut margins = [30; 14];
    (margins[5], margins[9]) = (300, 301);
    let rows = places(&many(&margins), &[]);
    for (at, row) in rows.iter().enumerate() {
        let (standing, ahead) = (row.standing.unwrap(), at == 5 || at == 9);
        assert_eq!((standing.tied, standing.place_rank.is_none()), (ahead, ahead));
        assert_eq!(row.reason, ahead.then_some(Why::Tied));
    }
}

#[test]
fn a_place_returns_what_its_sides_do() {
    let mut ledger = many(&[30, 50, 70, 20]);
    // Cost without a side is the place's, too; margin and cost that name no place are a row by themselves.
    ledger.spent.push(Spent { place: place("forum", "01", ""), ..hours(50, Side::Unallocated, 700) });
    ledger.spent.push(Spent { place: place("", "", ""), ..hours(50, Side::Broadcast, 90) });
    ledger.earned.push(Earned { place: place("", "", ""), ..sale(51, Side::Other, 77, 40) });
    ledger.earned.push(Earned { place: place("", "", ""), ..sale(52, Side::Unattributed, 78, 40_000) });
    let (rows, sides) = (places(&ledger, &[]), roi(&ledger, By::Place));
    assert_eq!(rows.len(), 5);
    for row in &rows {
        let own = sides.iter().filter(|side| side.place == row.place && Some(side.period) == row.period);
        let own: Vec<_> = own.filter(|side| side.side != Side::Unattributed).collect();
        let sum = |of: fn(&crate::answers::roi::Row) -> Option<i128>| own.iter().map(|side| of(side).unwrap()).sum::<i128>();
        assert_eq!((row.margin_base, row.cost_base), (Some(sum(|side| side.margin_base)), Some(sum(|side| side.cost_base))));
        let ratio = row.margin_base.unwrap() as f64 / row.cost_base.unwrap() as f64;
        let named = !row.place.channel.is_empty();
        assert!(row.average_roi.is_none_or(|found| (found - (ratio - 1.0)).abs() < 1e-12), "{row:?}");
        assert_eq!((row.average_roi.is_some(), row.standing.is_some()), (named, named));
        assert_eq!(row.reason == Some(Why::NoPlace), !named);
    }
}

#[test]
fn without_a_return_the_reason_is_that_of_the_return() {
    let reason = |ledger: &Ledger| places(ledger, &[])[0].reason;
    let mut ledger = many(&[30; 5]);
    missing(&mut ledger, None, Some(Missing::HourlyRate));
    assert_eq!(reason(&ledger), Some(Why::Return(Reason::MissingHourlyRate)));
    let mut ledger = many(&[30; 5]);
    ledger.earned.clear();
    assert_eq!(reason(&ledger), Some(Why::Return(Reason::NoConversions)));
    let mut ledger = many(&[30; 5]);
    ledger.earned.truncate(1);
    assert_eq!(reason(&ledger), Some(Why::NoSpread));
    let mut ledger = many(&[30; 5]);
    ledger.spent.retain(|row| &*row.place.community != "00");
    assert_eq!(reason(&ledger), Some(Why::Return(Reason::NoCost)));
    let mut ledger = many(&[30; 5]);
    ledger.brand.first_visit = Some(RIPE);
    let rows = places(&ledger, &[effort(0, 0, 0, 3, 1)]);
    assert_eq!(
        rows.iter().map(|row| (row.reason, row.period, row.cost_base)).collect::<Vec<_>>(),
        [(Some(Why::NotComplete), None, None)]
    );
}

fn effort(number: u64, root: u64, week: u8, replies: u64, reply_visits: u64) -> Effort {
    let place = place("forum", &format!("{number:02}"), "");
    Effort { place, root, week, replies, reply_visits, posts: 0, post_visits: 0 }
}

#[test]
fn visits_are_those_of_what_was_written() {
    let of = |efforts: &[Effort]| places(&many(&[]), efforts).remove(0);
    let post = |root, visits| Effort { posts: 1, post_visits: visits, ..effort(0, root, 3, 0, 0) };
    let mut efforts: Vec<Effort> = (0..20).map(|root| effort(0, root, 12, 2, root % 4)).collect();
    efforts.extend([post(0, 30), post(50, 10)]);
    let row = of(&efforts);
    assert_eq!((row.replies.written, row.replies.each, row.replies.reason), (40, Some(30.0 / 40.0), ""));
    assert!(row.replies.low < row.replies.each && row.replies.each < row.replies.high);
    assert_eq!((row.posts.written, row.posts.each, row.posts.low, row.posts.reason), (2, Some(20.0), None, "few_roots"));
    assert_eq!(of(&efforts[..19]).replies.reason, "few_roots");
    assert_eq!(of(&efforts[20..]).replies.reason, "none_written");
    let silent: Vec<Effort> = (0..30).map(|root| effort(0, root, 1, 2, 0)).collect();
    assert_eq!((of(&silent).replies.each, of(&silent).replies.reason), (Some(0.0), "no_visits"));
    assert_eq!(row.busy.reason, "few_places");
}

#[test]
fn busy_weeks_are_those_above_the_median_of_a_place() {
    let mut efforts = Vec::new();
    for number in 0..20 {
        // Weeks of 1, 3 and 8 replies: 3 is the median and no more than usual. In busy weeks a reply brings a half more.
        for (week, replies, visits) in [(0, 1, 1), (4, 3, 3), (9, 8, 12)] {
            efforts.push(effort(number, 1, week, replies, visits + number % 3));
        }
    }
    let rows = places(&many(&[]), &efforts);
    // Beyond the half, number % 3 visits on 8 busy replies, and twice that on 4 quiet ones.
    let extra: f64 = (0..20).map(|number| f64::from(number % 3) * (1.0 / 8.0 - 2.0 / 4.0)).sum::<f64>() / 20.0;
    for row in &rows {
        assert!((row.busy.less_quiet.unwrap() - 0.5 - extra).abs() < 1e-12, "{row:?}");
        assert!(row.busy.low < row.busy.less_quiet && row.busy.less_quiet < row.busy.high && row.busy.reason.is_empty());
    }
    let fewer = efforts.iter().filter(|effort| &*effort.place.community != "07").cloned().collect::<Vec<_>>();
    assert_eq!(places(&many(&[]), &fewer)[0].busy.reason, "few_places");
    // Without a single visit nothing was measured, whatever 0 less 0 is.
    let unvisited: Vec<Effort> = efforts.iter().map(|effort| Effort { reply_visits: 0, ..effort.clone() }).collect();
    let busy = places(&many(&[]), &unvisited)[0].busy;
    assert_eq!((busy.less_quiet, busy.low, busy.reason), (None, None, "no_visits"));
    // A place with one week says nothing, and neither does what names no place.
    efforts.retain(|effort| &*effort.place.community != "07" || effort.week == 4);
    efforts.extend([
        Effort { place: place("", "", ""), ..effort(0, 1, 0, 1, 1) },
        Effort { place: place("", "", ""), ..effort(0, 1, 2, 5, 1) },
    ]);
    assert_eq!(places(&many(&[]), &efforts)[0].busy.reason, "few_places");
}
