//! Figures of a period by hand: sums, interval, range, verdict, notes, and what is still to come.

use super::*;
use crate::answers::period::Span;
use crate::answers::reason::{Note, Reason, Verdict};
use crate::answers::roi::{By, Row, roi};

fn row(rows: &[Row], span: Span, side: Side) -> &Row {
    rows.iter().rfind(|row| row.side == side && row.period.span == span).unwrap()
}

#[track_caller]
fn is(found: Option<f64>, expected: f64) {
    assert!(found.is_some_and(|found| (found - expected).abs() < 1e-6), "{found:?} instead of {expected}");
}

/// Four posts that earned 100 each on 200 of cost.
fn four_posts() -> Ledger {
    let brand = Brand { active_weeks: vec![monday(150)], ..brand() };
    let earned = (150..154).map(|day| sale(day, Side::Broadcast, u64::try_from(day).unwrap(), 100)).collect();
    Ledger { brand, earned, spent: vec![hours(150, Side::Broadcast, 200)], written: Vec::new() }
}

#[test]
fn four_equal_posts_have_the_interval_of_four_units() {
    let rows = roi(&four_posts(), By::Brand);
    let row = row(&rows, Span::Last4Weeks, Side::Broadcast);
    is(row.roi, 1.0);
    // 3.182446 is t with 3 degrees of freedom; half = 3.182446 * 200 / 400, up by 1 + 0.6 * 0.5 * 0.5.
    is(row.roi_low, 2.0 * (-1.591_223_152_642_f64).exp() - 1.0);
    is(row.roi_high, 2.0 * (1.591_223_152_642_f64 * 1.15).exp() - 1.0);
    assert_eq!((row.roi_from, row.roi_to, row.verdict), (Some(1.0), Some(1.0), Some(Verdict::CannotTell)));
    assert_eq!((row.units, row.effective_units, row.conversions), (4, Some(4.0), 4.0));
}

#[test]
fn a_refund_stands_with_its_sale() {
    let mut ledger = four_posts();
    ledger.earned.push(Earned { is_refund: true, margin: [-40 * UNIT; 5], ..ledger.earned[0].clone() });
    let rows = roi(&ledger, By::Brand);
    let row = row(&rows, Span::Last4Weeks, Side::Broadcast);
    assert_eq!((row.margin_base, row.conversions, row.units), (Some(360 * UNIT), 4.0, 4));
    is(row.effective_units, 360.0 * 360.0 / (60.0 * 60.0 + 3.0 * 10_000.0));
}

#[test]
fn without_a_post_the_day_and_the_channel_are_the_unit() {
    let mut ledger = four_posts();
    ledger.earned.iter_mut().for_each(|row| row.root = None);
    ledger.earned[1].day = 150;
    ledger.earned[2].day = 150;
    ledger.earned[2].place = place("mail", "", "");
    let rows = roi(&ledger, By::Brand);
    let row = row(&rows, Span::Last4Weeks, Side::Broadcast);
    assert_eq!(
        (row.units, row.margin_traced, row.notes.as_slice()),
        (3, Some(0), [Note::PartlyTraced, Note::FewSales].as_slice())
    );
}

#[test]
fn the_range_is_over_rules_direct_traffic_seconds_and_cost_without_a_side() {
    let mut ledger = four_posts();
    // By the first touch they would have earned 90 each; 100 more are direct, of which broadcast has 400 of 500 to take by the last.
    ledger.earned.iter_mut().for_each(|row| row.margin[0] = 90 * UNIT);
    ledger.earned.push(sale(150, Side::Conversation, 9, 100));
    ledger.earned.push(Earned { direct: true, root: None, ..sale(151, Side::Other, 0, 100) });
    ledger.spent[0].time_low = 160 * UNIT;
    ledger.spent[0].time_high = 250 * UNIT;
    ledger.spent.push(hours(150, Side::Conversation, 100));
    ledger.spent.push(hours(150, Side::Unallocated, 30));
    let rows = roi(&ledger, By::Brand);
    let broadcast = row(&rows, Span::Last4Weeks, Side::Broadcast);
    is(broadcast.roi, 1.0);
    // The least: 360 on 250 and 20 of the 30; the greatest: 400 + 80 on 160.
    is(broadcast.roi_from, 360.0 / 270.0 - 1.0);
    is(broadcast.roi_to, 480.0 / 160.0 - 1.0);
    is(broadcast.cost_without_side_share, 30.0 / 330.0);
    let other = row(&rows, Span::Last4Weeks, Side::Other);
    assert_eq!((other.margin_base, other.cost_base, other.notes.contains(&Note::NoClicks)), (Some(100 * UNIT), Some(0), true));
}

#[test]
fn a_verdict_holds_at_the_nearer_end_of_the_range() {
    let verdict = |margin: i128, first: i128| {
        let mut ledger = steady();
        ledger.earned.iter_mut().for_each(|row| {
            row.margin = [margin * UNIT; 5];
            row.margin[0] = first * UNIT;
        });
        row(&roi(&ledger, By::Brand), Span::Last13Weeks, Side::Broadcast).verdict.unwrap()
    };
    assert_eq!(verdict(20, 20), Verdict::Positive);
    assert_eq!(verdict(20, 11), Verdict::CannotTell);
    assert_eq!(verdict(5, 5), Verdict::Negative);
    assert_eq!(verdict(5, 9), Verdict::CannotTell);
    assert_eq!(verdict(10, 10), Verdict::CannotTell);
}

#[test]
fn direct_traffic_is_shared_out_by_cost_where_nobody_sold_anything_else() {
    let mut ledger = four_posts();
    ledger.earned.iter_mut().for_each(|row| *row = Earned { direct: true, root: None, side: Side::Other, ..row.clone() });
    ledger.spent.push(hours(150, Side::Conversation, 100));
    let rows = roi(&ledger, By::Brand);
    // 400 direct, on 200 and on 100 that were spent: whoever says that neither brought anything has assumed it.
    for side in [Side::Broadcast, Side::Conversation] {
        let row = row(&rows, Span::Last4Weeks, side);
        assert_eq!((row.roi, row.roi_from, row.reason), (Some(-1.0), Some(-1.0), Some(Reason::NoValue)));
        is(row.roi_to, 400.0 / 300.0 - 1.0);
    }
    missing_cost(&mut ledger);
    assert_eq!(row(&roi(&ledger, By::Brand), Span::Last4Weeks, Side::Broadcast).roi_to, None);
}

/// An hour of conversation without a rate.
fn missing_cost(ledger: &mut Ledger) {
    ledger.spent.push(Spent { missing: Some(Missing::HourlyRate), ..hours(150, Side::Conversation, 0) });
}

#[test]
fn a_verdict_does_not_speak_against_its_own_return() {
    let mut ledger = four_posts();
    ledger.earned.iter_mut().for_each(|row| *row = Earned { direct: true, root: None, side: Side::Other, ..row.clone() });
    ledger.spent[0].side = Side::Other;
    ledger.earned.push(sale(150, Side::Broadcast, 9, 1));
    // Direct traffic doubled what was spent; if it credits nobody, or broadcast, nothing came back.
    let rows = roi(&ledger, By::Brand);
    let row = row(&rows, Span::Last4Weeks, Side::Other);
    is(row.roi, 1.0);
    assert_eq!((row.roi_from, row.roi_to, row.verdict), (Some(-1.0), Some(-1.0), Some(Verdict::CannotTell)));
}

#[test]
fn weeks_are_the_units_where_days_hang_together() {
    let mut ledger = steady();
    // 80 days low, 90 high: neighbours are alike.
    ledger.earned.iter_mut().filter(|row| row.day >= 80).for_each(|row| row.margin = [150 * UNIT; 5]);
    let rows = roi(&ledger, By::Brand);
    let whole = row(&rows, Span::All, Side::Broadcast);
    // Day 0 is a Thursday: 170 days are 24 whole weeks and parts of two.
    assert_eq!((whole.period.whole_weeks(), whole.units), (23, 25));
    assert_eq!(row(&rows, Span::Last4Weeks, Side::Broadcast).units, 28);
    assert_eq!(row(&roi(&steady(), By::Brand), Span::All, Side::Broadcast).units, 170);
}

#[test]
fn margin_of_posts_from_before_is_said() {
    let mut ledger = four_posts();
    ledger.earned[0].root_day = Some(100);
    ledger.earned[1].root_day = None;
    ledger.earned[2].root = None;
    let rows = roi(&ledger, By::Brand);
    let row = row(&rows, Span::Last4Weeks, Side::Broadcast);
    assert_eq!((row.margin_of_earlier_posts, row.margin_traced), (Some(100 * UNIT), Some(300 * UNIT)));
}

#[test]
fn notes_stand_beside_a_number() {
    let mut ledger = steady();
    assert!(row(&roi(&ledger, By::Brand), Span::Last4Weeks, Side::Broadcast).notes.is_empty());
    ledger.spent.extend((142..170).map(|day| hours(day, Side::Unallocated, 9)));
    ledger.brand.clicked = vec![Side::Conversation];
    let rows = roi(&ledger, By::Brand);
    let broadcast = row(&rows, Span::Last4Weeks, Side::Broadcast);
    assert_eq!((broadcast.notes.as_slice(), broadcast.margin_traced), ([Note::PartlyAllocated, Note::NoClicks].as_slice(), None));
    assert!(broadcast.roi.is_some() && broadcast.roi_low.is_some());
}

#[test]
fn a_week_so_far_has_the_share_that_usually_has_come() {
    let mut ledger = steady();
    // Half of the margin comes within a day and the other half after twenty.
    ledger.earned.iter_mut().filter(|row| row.day % 2 == 0).for_each(|row| row.age = 20 * DAY);
    let rows = roi(&ledger, By::Brand);
    // Day 200, a Monday, is not over; complete_to is its noon.
    is(row(&rows, Span::Week, Side::Broadcast).expected_share, 0.0);
    let week = rows.iter().find(|row| row.period.span == Span::Week && row.period.start == 193 && row.side == Side::Broadcast);
    // Of 91 days 46 are odd, and six days of the week are over for a day.
    is(week.unwrap().expected_share, 6.0 / 7.0 * 46.0 / 91.0);
    is(week.unwrap().roi_so_far, 0.5);
    assert_eq!(rows.iter().filter(|row| row.complete && row.roi_so_far.is_some()).count(), 0);
    ledger.earned.iter_mut().for_each(|row| row.share = [0.2; 5]);
    assert_eq!(row(&roi(&ledger, By::Brand), Span::Week, Side::Broadcast).expected_share, None);
}

#[test]
fn rows_of_a_kind_of_period_add_up() {
    let mut ledger = steady();
    ledger.earned.push(Earned { root: None, ..sale(30, Side::Unattributed, 0, 7) });
    ledger.spent.push(Spent { place: place("", "", "spring"), ..hours(31, Side::Unallocated, 8) });
    ledger.earned.push(Earned { place: place("mail", "b", "spring"), ..sale(32, Side::Broadcast, 5, 3) });
    let sums = |by, span| {
        let rows = roi(&ledger, by);
        let rows = rows.iter().filter(|row| row.period.span == span);
        rows.fold((0, 0), |sum, row| (sum.0 + row.margin_base.unwrap(), sum.1 + row.cost_base.unwrap()))
    };
    let whole = |kept: fn(Day) -> bool| {
        let earned = ledger.earned.iter().filter(|row| kept(row.day)).map(|row| row.margin[1]).sum::<i128>();
        (earned, ledger.spent.iter().filter(|row| kept(row.day)).map(|row| row.time).sum::<i128>())
    };
    for by in [By::Brand, By::Channel, By::Campaign, By::Place] {
        assert_eq!(sums(by, Span::Quarter), whole(|_| true));
        assert_eq!(sums(by, Span::All), whole(|day| day < RIPE));
    }
    assert_eq!(sums(By::Brand, Span::Week), whole(|_| true));
    assert_eq!(sums(By::Channel, Span::Week), (0, 0));
}

#[test]
fn cells_are_what_a_table_tells_apart() {
    let mut ledger = four_posts();
    ledger.earned[0].place = place("mail", "a", "spring");
    ledger.earned[1].place = place("forum", "b", "spring");
    let cells = |by| {
        let rows = roi(&ledger, by);
        let rows = rows.into_iter().filter(|row| row.period.span == Span::All);
        rows.map(|row| (row.place, row.margin_base.unwrap() / UNIT)).collect::<Vec<_>>()
    };
    assert_eq!(cells(By::Channel), [(place("forum", "", ""), 300), (place("mail", "", ""), 100)]);
    assert_eq!(cells(By::Campaign), [(place("", "", ""), 200), (place("", "", "spring"), 200)]);
    let places = [(place("forum", "a", ""), 200), (place("forum", "b", ""), 100), (place("mail", "a", ""), 100)];
    assert_eq!(cells(By::Place), places);
}

#[test]
fn the_order_of_the_ledger_does_not_matter() {
    let (ledger, mut reversed) = (steady(), steady());
    reversed.earned.reverse();
    reversed.spent.reverse();
    assert_eq!(roi(&ledger, By::Place), roi(&reversed, By::Place));
}

/// A ledger as large as a brand gets.
#[test]
fn a_brand_of_two_hundred_thousand_sales_is_answered() {
    let mut ledger = steady();
    let places: Vec<Place> = (0..200).map(|number| place("forum", &number.to_string(), "")).collect();
    let day = |number: u64| i32::try_from(number % 1000).unwrap();
    let earned = |number: u64| Earned {
        place: places[usize::try_from(number % 199).unwrap()].clone(),
        ..sale(day(number), if number.is_multiple_of(3) { Side::Conversation } else { Side::Broadcast }, number % 5000, 3)
    };
    ledger.earned = (0..600_000).map(earned).collect();
    let spent = |number: u64| Spent {
        place: places[usize::try_from(number % 199).unwrap()].clone(),
        ..hours(day(number), Side::Broadcast, 3)
    };
    ledger.spent = (0..200_000).map(spent).collect();
    ledger.brand.complete_to = 1040 * DAY;
    let counts = [By::Brand, By::Channel, By::Campaign, By::Place].map(|by| roi(&ledger, by).len());
    assert!(counts.iter().all(|count| *count > 0));
    assert!(!crate::answers::comparison::comparison(&ledger).is_empty());
}
