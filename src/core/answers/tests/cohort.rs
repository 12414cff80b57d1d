//! Weeks of posts: what counts for them, what stands beside them, every reason once.

use super::*;
use crate::answers::cohort::{Basis, Post, Row, cohorts};
use crate::answers::reason::Reason;

/// A Monday whose posts have long been ripe.
const WEEK: Day = 4 + 7 * 10;

/// When the log has been read up to.
const REACHED: i64 = 200 * DAY;

fn post(root: u64, brand: &str, day: Day) -> Post {
    let at = i64::from(day) * DAY;
    Post { root, brand: brand.into(), week: monday(day), at, engagements: 10, clicks: 4 }
}

/// A sale so many days after the post, by a click on it.
fn sold(root: u64, side: Side, day: Day, after: i64, margin: i128) -> Earned {
    let sale = Sale {
        at: i64::from(day) * DAY + after * DAY,
        day: day + Day::try_from(after).unwrap(),
        basis: Some(Basis::Clicks),
        revenue: 2 * margin * UNIT,
        before_direct: false,
    };
    Earned { sale, ..super::sale(day, side, root, margin) }
}

/// A brand with three posts in one week, two sales on each and a cost on both sides.
fn week() -> (Ledger, Vec<Post>) {
    let days = [WEEK, WEEK + 2, WEEK + 6];
    let posts: Vec<Post> = days.iter().zip(1..).map(|(day, root)| post(root, "acme", *day)).collect();
    let sales = |(day, root): (&Day, u64)| {
        [sold(root, Side::Broadcast, *day, 3, 30), sold(root, Side::Conversation, *day, 4, 20 + i128::from(root))]
    };
    let earned = days.iter().zip(1..).flat_map(sales).collect();
    let spent = vec![hours(WEEK, Side::Broadcast, 50), hours(WEEK + 1, Side::Conversation, 40)];
    (Ledger { brand: Brand { active_weeks: vec![WEEK], ..brand() }, earned, spent, written: Vec::new() }, posts)
}

#[track_caller]
fn row(rows: &[Row], brand: &str, week: Day, side: Option<Side>) -> Row {
    rows.iter().find(|row| &*row.brand == brand && row.week == week && row.side == side).expect("a row").clone()
}

fn only(ledger: Ledger, posts: &[Post], side: Option<Side>) -> Row {
    row(&cohorts(&[ledger], posts, REACHED), "acme", WEEK, side)
}

#[test]
fn a_week_of_posts_by_hand() {
    let (ledger, posts) = week();
    let rows = cohorts(&[ledger], &posts, REACHED);
    assert_eq!(rows.iter().map(|row| row.side).collect::<Vec<_>>(), [None, Some(Side::Broadcast), Some(Side::Conversation)]);
    let whole = &rows[0];
    assert_eq!((whole.posts, whole.margin_base, whole.cost_base), (3, Some(156 * UNIT), Some(90 * UNIT)));
    assert_eq!((whole.revenue_base, whole.conversions, whole.hours), (Some(312 * UNIT), Some(6.0), 2.0));
    assert!((whole.roi.unwrap() - (156.0 / 90.0 - 1.0)).abs() < 1e-12);
    assert_eq!((whole.basis, whole.reason, whole.mature), (Basis::Clicks, None, true));
    assert_eq!(whole.traced_share, Some(1.0));
    let reaction = whole.reaction.unwrap();
    assert_eq!((reaction.engagements, reaction.clicks, reaction.cost_per_engagement), (30, 12, Some(3.0)));
    // Equal posts: the interval closes on the return, because their number is no chance.
    let broadcast = &rows[1];
    let (low, high) = broadcast.roi_low.zip(broadcast.roi_high).unwrap();
    assert!((low - broadcast.roi.unwrap()).abs() < 1e-6 && (high - low).abs() < 1e-6, "{broadcast:?}");
    assert!(broadcast.reaction.is_none());
    let spread = rows[2].roi_high.unwrap() - rows[2].roi_low.unwrap();
    assert!(spread > 0.01, "{spread}");
}

#[test]
fn a_sale_counts_up_to_the_look_back_after_its_post() {
    let (mut ledger, posts) = week();
    ledger.earned = vec![sold(1, Side::Broadcast, WEEK, 30, 7), sold(1, Side::Broadcast, WEEK, 31, 100)];
    let row = only(ledger, &posts, None);
    assert_eq!((row.margin_base, row.conversions), (Some(7 * UNIT), Some(1.0)));
}

#[test]
fn margin_without_a_post_stands_in_the_week_of_its_touch_and_in_no_other_column() {
    let (mut ledger, posts) = week();
    let unposted = |side, day, margin| Earned { root: None, root_day: None, ..sold(0, side, day, 0, margin) };
    ledger.earned.extend([
        unposted(Side::Broadcast, WEEK + 6, 5),
        unposted(Side::Other, WEEK + 7, 9),
        unposted(Side::Unattributed, WEEK, 1000),
        // A post of nobody's: it has a post, which is in no week of the brand's.
        sold(99, Side::Broadcast, WEEK, 0, 500),
    ]);
    let rows = cohorts(&[ledger], &posts, REACHED);
    let beside = |week, side| row(&rows, "acme", week, side).margin_without_post;
    assert_eq!((beside(WEEK, None), beside(WEEK, Some(Side::Broadcast))), (Some(5 * UNIT), Some(5 * UNIT)));
    assert_eq!((beside(WEEK + 7, None), beside(WEEK + 7, Some(Side::Other))), (Some(9 * UNIT), Some(9 * UNIT)));
    assert_eq!(row(&rows, "acme", WEEK, None).margin_base, Some(156 * UNIT));
    assert_eq!(row(&rows, "acme", WEEK + 7, None).reason, Some(Reason::NoPosts));
}

#[test]
fn a_sale_of_another_brand_counts_for_the_post_unless_its_money_is_another() {
    let (ledger, posts) = week();
    let sister = |currency: &str| Ledger {
        brand: Brand { name: "sister".into(), base_currency: currency.into(), ..brand() },
        earned: vec![sold(1, Side::Broadcast, WEEK, 1, 44)],
        spent: Vec::new(),
        written: Vec::new(),
    };
    let rows = cohorts(&[ledger.clone(), sister("EUR")], &posts, REACHED);
    assert_eq!(row(&rows, "acme", WEEK, None).margin_base, Some(200 * UNIT));
    assert!(!rows.iter().any(|row| &*row.brand == "sister"));
    let rows = cohorts(&[ledger, sister("USD")], &posts, REACHED);
    let foreign = row(&rows, "acme", WEEK, Some(Side::Broadcast));
    assert_eq!((foreign.reason, foreign.margin_base, foreign.roi), (Some(Reason::OtherCurrency), None, None));
    assert_eq!(row(&rows, "acme", WEEK, Some(Side::Conversation)).reason, None);
}

/// A change of the week, and the reason that it makes on one side.
type Change = (fn(&mut Ledger, &mut Vec<Post>), Option<Side>, Reason);

#[test]
fn every_reason_takes_away_what_it_should() {
    let changes: [Change; 14] = [
        (|ledger, _| ledger.spent.push(hours(WEEK, Side::Unallocated, 1)), Some(Side::Unallocated), Reason::UnallocatedCost),
        (|_, posts| posts.clear(), None, Reason::NoPosts),
        (|_, posts| posts[0].at = REACHED - 30 * DAY, None, Reason::NotMature),
        (|ledger, _| ledger.earned.clear(), None, Reason::NoConversions),
        (|ledger, _| ledger.earned.iter_mut().for_each(|row| row.sale.basis = Some(Basis::Nothing)), None, Reason::NoTouch),
        (|ledger, _| ledger.earned.iter_mut().for_each(|row| row.sale.basis = Some(Basis::Utm)), None, Reason::NoClicks),
        (|ledger, _| ledger.earned[0].missing = Some(Missing::MarginRate), None, Reason::MissingMarginRate),
        (|ledger, _| ledger.spent[0].missing = Some(Missing::HourlyRate), None, Reason::MissingHourlyRate),
        (|ledger, _| ledger.brand.active_weeks = vec![WEEK, WEEK + 7], Some(Side::Broadcast), Reason::LabourCoverage),
        (|ledger, _| ledger.spent.iter_mut().for_each(|row| row.time = 0), None, Reason::NoCost),
        (|ledger, _| ledger.earned.iter_mut().for_each(|row| row.margin = [-1; 5]), None, Reason::NoValue),
        (|ledger, _| ledger.earned.truncate(1), None, Reason::FewRoots),
        (|ledger, _| ledger.spent[0].unbounded = true, None, Reason::UnboundedEstimate),
        (|ledger, _| ledger.spent.iter_mut().for_each(|row| row.time_low = 0), None, Reason::NoCostAtLowEstimate),
    ];
    for (change, side, reason) in changes {
        let (mut ledger, mut posts) = week();
        change(&mut ledger, &mut posts);
        let row = only(ledger, &posts, side);
        assert_eq!(row.reason, Some(reason));
        assert_eq!(row.roi.is_some(), reason >= Reason::NoValue, "{reason:?}");
        assert!(row.roi_low.is_none() || reason == Reason::NoCostAtLowEstimate, "{reason:?}");
        assert!(row.roi_high.is_none() && row.roi_lowest_model.is_some() <= row.roi.is_some(), "{reason:?}");
    }
}

#[test]
fn weeks_without_known_work_have_a_return_of_the_whole() {
    let (mut ledger, posts) = week();
    ledger.brand.active_weeks = vec![WEEK, WEEK + 7];
    let row = only(ledger, &posts, None);
    assert_eq!((row.reason, row.labour_coverage), (None, Some(0.5)));
}
