//! Every reason, provoked, and what it takes away.

use super::*;
use crate::answers::period::Span;
use crate::answers::reason::Reason;
use crate::answers::roi::{By, Row, roi};

/// The row of a side over the last four weeks.
fn row(ledger: &Ledger, side: Side) -> Row {
    row_of(ledger, side, Span::Last4Weeks)
}

fn row_of(ledger: &Ledger, side: Side, span: Span) -> Row {
    let rows = roi(ledger, By::Brand);
    rows.into_iter().rfind(|row| row.side == side && row.period.span == span).unwrap()
}

fn changed(change: impl FnOnce(&mut Ledger)) -> Ledger {
    let mut ledger = steady();
    change(&mut ledger);
    ledger
}

fn each(change: impl Fn(&mut Earned)) -> Ledger {
    changed(|ledger| ledger.earned.iter_mut().for_each(change))
}

fn each_cost(change: impl Fn(&mut Spent)) -> Ledger {
    changed(|ledger| ledger.spent.iter_mut().for_each(change))
}

#[track_caller]
fn takes_everything(row: &Row, reason: Reason) {
    assert_eq!(row.reason, Some(reason));
    assert_eq!((row.roi, row.roi_low, row.roi_high, row.roi_from, row.roi_to), (None, None, None, None, None));
    assert_eq!(row.verdict, None);
}

#[track_caller]
fn takes_the_interval(row: &Row, reason: Reason) {
    assert_eq!((row.reason, row.roi_low, row.roi_high, row.verdict), (Some(reason), None, None, None));
    assert!(row.roi.is_some() && row.roi_from.is_some() && row.roi_to.is_some());
}

#[test]
fn a_steady_brand_has_every_figure() {
    let row = row(&steady(), Side::Broadcast);
    assert_eq!((row.reason, row.complete, row.units, row.conversions), (None, true, 28, 28.0));
    assert_eq!((row.margin_base, row.cost_base), (Some(28 * 15 * UNIT), Some(28 * 10 * UNIT)));
    assert!((row.roi.unwrap() - 0.5).abs() < 1e-12 && (row.effective_units.unwrap() - 28.0).abs() < 1e-9);
    assert!(row.roi_low < row.roi && row.roi < row.roi_high && row.verdict.is_some());
}

#[test]
fn margin_without_a_touch_is_unattributed() {
    let ledger = changed(|ledger| ledger.earned.push(Earned { root: None, ..sale(RIPE - 1, Side::Unattributed, 0, 9) }));
    let row = row(&ledger, Side::Unattributed);
    takes_everything(&row, Reason::Unattributed);
    assert_eq!((row.margin_base, row.cost_base), (Some(9 * UNIT), Some(0)));
}

#[test]
fn cost_without_a_side_is_unallocated() {
    let row = row(&changed(|ledger| ledger.spent.push(hours(RIPE - 1, Side::Unallocated, 9))), Side::Unallocated);
    takes_everything(&row, Reason::UnallocatedCost);
    assert_eq!((row.margin_base, row.cost_base), (Some(0), Some(9 * UNIT)));
}

#[test]
fn a_week_whose_sales_may_still_come_is_not_complete() {
    let row = row_of(&steady(), Side::Broadcast, Span::Week);
    takes_everything(&row, Reason::NotComplete);
    assert!(!row.complete && row.margin_base.is_some() && row.cost_base.is_some());
    assert!((row.roi_so_far.unwrap() - 0.5).abs() < 1e-12 && row.expected_share.is_some());
}

#[test]
fn a_period_that_begins_before_visits_or_costs_were_known_starts_partially() {
    for late in [Brand { first_visit: Some(150), ..brand() }, Brand { first_cost: Some(150), ..brand() }] {
        takes_everything(&row(&Ledger { brand: late, ..steady() }, Side::Broadcast), Reason::PartialStart);
    }
}

#[test]
fn a_brand_that_sold_nothing_has_no_conversions() {
    takes_everything(&row(&changed(|ledger| ledger.earned.clear()), Side::Broadcast), Reason::NoConversions);
    takes_everything(&row(&each(|row| row.is_refund = true), Side::Broadcast), Reason::NoConversions);
}

#[test]
fn sales_without_any_touch_are_not_taken_for_a_loss() {
    takes_everything(&row(&each(|row| row.side = Side::Unattributed), Side::Broadcast), Reason::NoTouch);
}

#[test]
fn a_side_without_a_sale_has_lost_its_cost() {
    let lost = row(&each(|row| row.side = Side::Conversation), Side::Broadcast);
    takes_the_interval(&lost, Reason::NoValue);
    assert_eq!((lost.roi, lost.conversions), (Some(-1.0), 0.0));
}

#[test]
fn what_is_missing_is_said_in_its_order() {
    use Missing::{ExchangeRate, HourlyRate, MarginRate, OtherCurrency};
    let said = |margin, cost| {
        let row = row(&changed(|ledger| missing(ledger, margin, cost)), Side::Broadcast);
        takes_everything(&row, row.reason.unwrap());
        assert_eq!((row.margin_base.is_none(), row.cost_base.is_none()), (margin.is_some(), cost.is_some()));
        row.reason.unwrap()
    };
    assert_eq!(said(Some(OtherCurrency), Some(HourlyRate)), Reason::OtherCurrency);
    assert_eq!(said(Some(MarginRate), Some(HourlyRate)), Reason::MissingHourlyRate);
    assert_eq!(said(Some(MarginRate), Some(ExchangeRate)), Reason::MissingExchangeRate);
    assert_eq!(said(Some(MarginRate), None), Reason::MissingMarginRate);
    assert_eq!(said(None, Some(ExchangeRate)), Reason::MissingExchangeRate);
}

#[test]
fn what_has_no_part_of_a_sale_has_nothing_missing() {
    let mut ledger = steady();
    let nothing = Earned { share: [0.0; 5], margin: [0; 5], missing: Some(Missing::MarginRate), ..ledger.earned[0].clone() };
    ledger.earned.push(Earned { day: RIPE - 1, ..nothing });
    assert_eq!(row(&ledger, Side::Broadcast), row(&steady(), Side::Broadcast));
}

#[test]
fn a_rate_that_only_another_rule_needs_takes_the_range() {
    let share = [1.0, 0.0, 0.0, 0.0, 0.0];
    let first =
        Earned { share, margin: [UNIT, 0, 0, 0, 0], missing: Some(Missing::MarginRate), ..sale(RIPE - 1, Side::Broadcast, 7, 0) };
    let row = row(&changed(|ledger| ledger.earned.push(first)), Side::Broadcast);
    assert_eq!((row.reason, row.roi_from, row.roi_to, row.verdict), (Some(Reason::MissingMarginRate), None, None, None));
    assert!(row.roi.is_some() && row.roi_low.is_some());
}

#[test]
fn work_that_nobody_logged_is_no_return() {
    takes_everything(&row(&each_cost(|row| row.timed = false), Side::Broadcast), Reason::LabourCoverage);
    takes_everything(&row(&changed(|ledger| ledger.brand.active_weeks.clear()), Side::Broadcast), Reason::LabourCoverage);
    // Four in five are enough, and so is money for conversation.
    let weeks = |kept: usize| each_cost(move |row| row.timed = usize::try_from(monday(row.day) / 7).unwrap_or(0) % 5 < kept);
    assert_eq!(row_of(&weeks(4), Side::Broadcast, Span::All).reason, None);
    assert_eq!(row_of(&weeks(3), Side::Broadcast, Span::All).reason, Some(Reason::LabourCoverage));
    let paid = each_cost(|row| (row.money, row.time, row.timed) = (row.time, 0, false));
    assert_eq!(row(&paid, Side::Broadcast).reason, None);
}

#[test]
fn a_period_in_which_the_brand_did_not_write_needs_no_hours() {
    let quiet = changed(|ledger| {
        ledger.spent.iter_mut().for_each(|row| row.timed = row.day < 100);
        ledger.brand.active_weeks.retain(|week| *week < 100);
    });
    assert_eq!(row(&quiet, Side::Broadcast).reason, None);
}

#[test]
fn nothing_returns_on_no_cost() {
    let free = each_cost(|row| row.side = Side::Conversation);
    takes_everything(&row(&free, Side::Broadcast), Reason::NoCost);
}

#[test]
fn a_margin_below_nothing_has_a_return_but_no_interval() {
    let row = row(&each(|row| row.margin = row.margin.map(|margin| -margin)), Side::Broadcast);
    takes_the_interval(&row, Reason::NoValue);
    assert!((row.roi.unwrap() + 2.5).abs() < 1e-12);
}

#[test]
fn one_post_says_nothing_of_another() {
    let row = row(&each(|row| row.root = Some(1)), Side::Broadcast);
    takes_the_interval(&row, Reason::FewUnits);
    assert_eq!((row.units, row.effective_units), (1, Some(1.0)));
}

#[test]
fn weeks_are_too_short() {
    let rows = roi(&steady(), By::Brand);
    let week = rows.iter().find(|row| row.period.span == Span::Week && row.period.start == monday(100)).unwrap();
    takes_the_interval(week, Reason::ShortPeriod);
}

#[test]
fn a_brand_of_three_weeks_is_too_short() {
    let young = changed(|ledger| {
        (ledger.brand.first_visit, ledger.brand.first_cost) = (Some(RIPE - 21), Some(RIPE - 21));
    });
    takes_the_interval(&row_of(&young, Side::Broadcast, Span::All), Reason::ShortPeriod);
}

#[test]
fn hours_without_bounds_have_no_range() {
    for ledger in [each_cost(|row| row.unbounded = true), each_cost(|row| row.time_low = 0)] {
        let row = row(&ledger, Side::Broadcast);
        assert_eq!((row.reason, row.roi_from, row.roi_to, row.verdict), (Some(Reason::UnboundedEstimate), None, None, None));
        assert!(row.roi.is_some() && row.roi_low.is_some());
    }
}

#[test]
fn an_empty_ledger_has_no_rows() {
    let empty = Ledger { earned: Vec::new(), spent: Vec::new(), ..steady() };
    for by in [By::Brand, By::Channel, By::Campaign, By::Place] {
        assert!(roi(&empty, by).is_empty());
    }
    assert!(crate::answers::comparison::comparison(&empty).iter().all(|row| row.verdict.is_none()));
}
