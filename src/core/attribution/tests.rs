//! Every sentence of the rules as a table; the examples of the document; and properties against a model that goes step by step.

mod document;
mod example;
mod model;
mod money;
mod streams;

use super::*;
use example::Example;

/// A part without its borrows. Touches pass a number through.
#[derive(Clone, Debug, PartialEq)]
struct Found {
    /// The place of its sale among the sales.
    sale: usize,
    rule: Rule,
    days: u16,
    touch: Option<usize>,
    share: (u64, u64),
    credit: Millionths,
    margin: Option<i128>,
    credit_base: Option<Millionths>,
    margin_base: Option<Millionths>,
    before_direct: bool,
}

/// Every part of the sales of one person, in order.
fn parts_of<N>(touches: &[Touch<usize>], sales: &[Sale<N>]) -> Vec<Found> {
    let who = Who { person: "p".to_owned(), brand: "b".to_owned() };
    let touches = touches.iter().map(|touch| Ok::<_, ()>((who.clone(), touch.clone())));
    let sales = sales.iter().enumerate().map(|(place, sale)| {
        let (id, refund_of) = (sale.id.clone(), sale.refund_of.clone());
        let &Sale { sold_at, amount, margin_rate, base_rate, .. } = sale;
        Ok((who.clone(), Sale { id, sold_at, amount, refund_of, margin_rate, base_rate, more: place }))
    });
    let mut found = Vec::new();
    credit(touches, sales, |_, sale, parts| {
        found.extend(parts.iter().map(|part| Found {
            sale: sale.more,
            rule: part.rule,
            days: part.lookback.days,
            touch: part.touch.map(|touch| touch.more),
            share: (part.weight, part.of_weight),
            credit: part.credit,
            margin: part.margin,
            credit_base: part.credit_base,
            margin_base: part.margin_base,
            before_direct: part.before_direct,
        }));
        Ok(())
    })
    .unwrap();
    found
}

/// A person's touch through a post, a campaign, or neither.
fn touch(number: usize, time: Millis, root: &str, campaign: &str) -> Touch<usize> {
    let (root, campaign) = (root.to_owned(), campaign.to_owned());
    let direct = root.is_empty() && campaign.is_empty();
    Touch { time, kind: Kind::Visit, id: format!("{number:04}"), root, campaign, direct, tracked: !direct, more: number }
}

fn sale(sold_at: Millis, amount: Millionths) -> Sale<()> {
    Sale { id: "o".to_owned(), sold_at, amount, ..Sale::default() }
}

/// Tests that are a table: a name that says the sentence, and what happens.
macro_rules! sentences {
    ($($name:ident: $($line:literal)+;)+) => {$(
        #[test]
        fn $name() {
            assert!(Example::read(&[$($line),+]).unwrap().check() > 0);
        }
    )+};
}

sentences! {
    a_session_is_one_touch_and_its_first_stands_for_it:
        "| when | what | first | last | linear |"
        "|---|---|---|---|---|"
        "| day 1, 10:00 | google | 100 | 100 | 100 |"
        "| day 1, 10:20 | google | | | |"
        "| day 1, 10:50 | google | | | |"
        "| day 1, 11:00 | sale of 100 | | | |";

    more_than_thirty_minutes_end_a_session_and_thirty_do_not:
        "| when | what | linear |"
        "|---|---|---|"
        "| day 1, 10:00 | google | 50 |"
        "| day 1, 10:30 | google | |"
        "| day 1, 11:00:00.001 | google | 50 |"
        "| day 1, 11:00:00.001 | sale of 100 | |";

    a_click_on_another_post_ends_a_session:
        "| when | what | first | last | linear |"
        "|---|---|---|---|---|"
        "| day 2, 10:00 | post A, campaign a | 100 | | 50 |"
        "| day 2, 10:10 | post B, campaign b | | 100 | 50 |"
        "| day 2, 10:15 | sale of 100 | | | |";

    another_post_of_the_same_campaign_ends_a_session:
        "| when | what | linear |"
        "|---|---|---|"
        "| day 2, 10:00 | post A, campaign a | 50 |"
        "| day 2, 10:10 | post B, campaign a | 50 |"
        "| day 2, 10:15 | sale of 100 | |";

    another_campaign_ends_a_session:
        "| when | what | first | last | linear |"
        "|---|---|---|---|---|"
        "| day 2, 12:00 | campaign a | 60 | | 30 |"
        "| day 2, 12:00:10 | campaign b | | 60 | 30 |"
        "| day 2, 12:05 | sale of 60 | | | |";

    the_same_post_or_campaign_again_is_the_same_touch:
        "| when | what | last | linear |"
        "|---|---|---|---|"
        "| day 1, 10:00 | post A, campaign a | 100 | 100 |"
        "| day 1, 10:10 | post A, campaign a | | |"
        "| day 1, 10:20 | campaign a | | |"
        "| day 1, 10:30 | post A | | |"
        "| day 1, 10:40 | sale of 100 | | |";

    going_back_to_the_first_post_is_a_session_of_its_own:
        "| when | what | first | last | linear |"
        "|---|---|---|---|---|"
        "| day 1, 10:00 | post A | 90 | | 30 |"
        "| day 1, 10:05 | post B | | | 30 |"
        "| day 1, 10:10 | post A | | 90 | 30 |"
        "| day 1, 10:15 | sale of 90 | | | |";

    a_return_without_a_source_or_through_a_payment_page_ends_no_session:
        "| when | what | last | linear |"
        "|---|---|---|---|"
        "| day 1, 10:00 | post A | 100 | 100 |"
        "| day 1, 10:20 | direct | | |"
        "| day 1, 10:40 | google | | |"
        "| day 1, 10:45 | payment page | | |"
        "| day 1, 11:05 | post A | | |"
        "| day 1, 11:06 | sale of 100 | | |";

    a_payment_page_does_not_prolong_a_session_because_it_is_no_touch:
        "| when | what | linear |"
        "|---|---|---|"
        "| day 1, 10:00 | post A | 50 |"
        "| day 1, 10:20 | payment page | |"
        "| day 1, 10:40 | post A | 50 |"
        "| day 1, 10:41 | sale of 100 | |";

    a_click_does_not_end_a_session_that_has_named_none:
        "| when | what | first | last | linear |"
        "|---|---|---|---|---|"
        "| day 1, 10:00 | direct | | | |"
        "| day 1, 10:05 | google | 100 | 100 | 100 |"
        "| day 1, 10:10 | post A, campaign a | | | |"
        "| day 1, 10:15 | sale of 100 | | | |";

    a_campaign_does_not_end_a_session_that_has_named_none:
        "| when | what | first | last | linear |"
        "|---|---|---|---|---|"
        "| day 1, 10:00 | direct | | | |"
        "| day 1, 10:05 | campaign a | 100 | 100 | 100 |"
        "| day 1, 10:10 | sale of 100 | | | |";

    what_a_session_takes_on_is_what_it_is_ended_by:
        "| when | what | linear |"
        "|---|---|---|"
        "| day 1, 10:00 | google | 50 |"
        "| day 1, 10:10 | post A | |"
        "| day 1, 10:20 | post B | 50 |"
        "| day 1, 10:25 | sale of 100 | |";

    a_post_without_a_campaign_is_ended_by_a_campaign:
        "| when | what | linear |"
        "|---|---|---|"
        "| day 1, 10:00 | post A | 50 |"
        "| day 1, 10:10 | campaign a | 50 |"
        "| day 1, 10:15 | sale of 100 | |";

    a_campaign_without_a_post_is_not_ended_by_a_post_without_a_campaign:
        "| when | what | linear |"
        "|---|---|---|"
        "| day 1, 10:00 | campaign a | 50 |"
        "| day 1, 10:10 | post A | |"
        "| day 1, 10:20 | post B | 50 |"
        "| day 1, 10:25 | sale of 100 | |";

    the_same_post_with_another_campaign_ends_a_session:
        "| when | what | linear |"
        "|---|---|---|"
        "| day 1, 10:00 | post A, campaign a | 50 |"
        "| day 1, 10:10 | post A, campaign b | 50 |"
        "| day 1, 10:25 | sale of 100 | |";

    clicks_on_two_targets_of_one_root_are_one_touch_the_first:
        "| when | what | last | linear |"
        "|---|---|---|---|"
        "| day 1, 10:00 | reply under A | 100 | 100 |"
        "| day 1, 10:10 | post A | | |"
        "| day 1, 10:25 | sale of 100 | | |";

    last_is_the_last_that_is_not_direct:
        "| when | what | first | last | linear |"
        "|---|---|---|---|---|"
        "| day 1, 10:00 | post A | 100 | 100 | 50 |"
        "| day 3, 10:00 | direct | | | 50 |"
        "| day 3, 10:25 | sale of 100 | | | |";

    last_is_the_last_direct_one_if_all_are:
        "| when | what | first | last |"
        "|---|---|---|---|"
        "| day 1, 10:00 | direct | 100 | |"
        "| day 3, 10:00 | direct | | 100 |"
        "| day 3, 10:25 | sale of 100 | | |";

    position_gives_forty_twenty_forty:
        "| when | what | position |"
        "|---|---|---|"
        "| day 1, 10:00 | post A | 40 |"
        "| day 2, 10:00 | google | 10 |"
        "| day 3, 10:00 | direct | 10 |"
        "| day 4, 10:00 | post B | 40 |"
        "| day 4, 10:25 | sale of 100 | |";

    position_of_two_is_a_half_each:
        "| when | what | position |"
        "|---|---|---|"
        "| day 1, 10:00 | post A | 50 |"
        "| day 4, 10:00 | post B | 50 |"
        "| day 4, 10:25 | sale of 100 | |";

    position_is_exact_however_large_the_amount:
        "| when | what | position |"
        "|---|---|---|"
        "| day 1, 10:00 | post A | 400000000000000 |"
        "| day 2, 10:00 | google | 100000000000000 |"
        "| day 3, 10:00 | direct | 100000000000000 |"
        "| day 4, 10:00 | post B | 400000000000000 |"
        "| day 4, 10:25 | sale of 1000000000000000 | |";

    time_decay_halves_every_seven_days_before_the_last_touch:
        "| when | what | time_decay |"
        "|---|---|---|"
        "| day 1, 10:00 | post A | 10 |"
        "| day 8, 10:00 | post B | 20 |"
        "| day 15, 10:00 | post C | 40 |"
        "| day 25, 10:25 | sale of 70 | |";

    the_edge_of_the_lookback_is_outside_and_the_time_of_the_sale_inside:
        "| when | what | first, 7 days | first | first, 90 days | last |"
        "|---|---|---|---|---|---|"
        "| day 10, 10:00 | post A | | | | |"
        "| day 10, 10:00:00.001 | post B | | | 100 | |"
        "| day 70, 10:00 | post C | | | | |"
        "| day 70, 10:00:00.001 | post D | | 100 | | |"
        "| day 93, 10:00 | post E | | | | |"
        "| day 93, 10:00:00.001 | post F | 100 | | | |"
        "| day 100, 10:00 | post G | | | | 100 |"
        "| day 100, 10:00 | sale of 100 | | | | |"
        "| day 100, 10:00:00.001 | post H | | | | |";

    the_lookback_cuts_a_session_and_its_rest_stands_for_itself:
        "| when | what | last, 7 days | last |"
        "|---|---|---|---|"
        "| day 1, 10:00 | post A | | |"
        "| day 1, 10:10 | direct | | |"
        "| day 1, 10:20 | google | 100 | |"
        "| day 1, 10:30 | post B | | 100 |"
        "| day 8, 10:05 | sale of 100 | | |";

    a_sale_within_a_session_has_what_came_before_it:
        "| when | what | last | last of o2 |"
        "|---|---|---|---|"
        "| day 1, 10:00 | direct | 100 | |"
        "| day 1, 10:05 | sale of 100 | | |"
        "| day 1, 10:10 | post A | | 50 |"
        "| day 1, 10:15 | sale o2 of 50 | | |";

    a_refund_stands_on_the_touches_of_its_sale_however_late:
        "| when | what | last | last of refund | linear of refund |"
        "|---|---|---|---|---|"
        "| day 1, 10:00 | post A | | | -15 |"
        "| day 2, 10:00 | post B | 100 | -30 | -15 |"
        "| day 2, 10:05 | sale of 100 | | | |"
        "| day 3, 10:00 | post C | | | |"
        "| day 200, 10:00 | refund of 30 | | | |";

    a_refund_of_an_unknown_sale_stands_on_its_own_touches:
        "| when | what | last |"
        "|---|---|---|"
        "| day 3, 10:00 | post C | -30 |"
        "| day 20, 10:00 | refund of 30 | |";

    a_negative_sale_takes_back_on_its_own_touches:
        "| when | what | last | last of r1 |"
        "|---|---|---|---|"
        "| day 1, 10:00 | post A | 100 | |"
        "| day 2, 10:05 | sale of 100 | | |"
        "| day 3, 10:00 | post B | | -100 |"
        "| day 4, 10:00 | sale r1 of -100 | | |";

    a_click_without_a_visit_is_a_touch_ten_seconds_after_its_target:
        "| when | what | first | last | linear |"
        "|---|---|---|---|---|"
        "| day 1, 10:00 | click on post A without a visit, 9.999 s after it | | | |"
        "| day 1, 10:00 | click on post B without a visit, 10 s after it | 100 | | 50 |"
        "| day 2, 10:00 | click on post C without a visit, at an unknown age | | 100 | 50 |"
        "| day 2, 10:05 | sale of 100 | | | |";

    a_sale_without_a_touch_is_unattributed:
        "| when | what | first | last | linear | position | time_decay |"
        "|---|---|---|---|---|---|---|"
        "| day 1, 10:00 | payment page | | | | | |"
        "| day 1, 10:05 | sale of 100 | 100 | 100 | 100 | 100 | 100 |";

    what_does_not_divide_goes_to_the_earlier_touches:
        "| when | what | linear |"
        "|---|---|---|"
        "| day 1, 10:00 | post A | 0.000002 |"
        "| day 2, 10:00 | post B | 0.000002 |"
        "| day 3, 10:00 | post C | 0.000001 |"
        "| day 3, 10:05 | sale of 0.000005 | |";

    a_gift_has_parts_of_nothing:
        "| when | what | linear |"
        "|---|---|---|"
        "| day 1, 10:00 | post A | 0 |"
        "| day 2, 10:00 | post B | 0 |"
        "| day 3, 10:05 | sale of 0 | |";
}

#[test]
fn a_refund_is_what_names_a_sale_or_is_negative() {
    let of = |amount, refund_of: &str| Sale { refund_of: refund_of.to_owned(), ..sale(0, amount) }.is_refund();
    assert_eq!([of(1, ""), of(0, ""), of(-1, ""), of(-1, "o"), of(0, "o")], [false, false, true, true, true]);
}

#[test]
fn a_click_long_before_its_target_is_no_touch_and_nothing_overflows() {
    assert!(!lone_click_is_touch(0, Some(1_000_000)));
    assert!(!lone_click_is_touch(Millis::MIN, Some(Millis::MAX)));
    assert!(lone_click_is_touch(Millis::MAX, Some(Millis::MIN)));
}

#[test]
fn only_the_last_rule_says_that_a_direct_session_followed() {
    let touches = [touch(0, DAY_MS, "A", ""), touch(1, 2 * DAY_MS, "", "")];
    let of = |touches: &[Touch<usize>]| {
        let found = parts_of(touches, &[sale(3 * DAY_MS, 1)]).into_iter().filter(|part| part.before_direct);
        found.map(|part| (part.rule, part.days, part.touch)).collect::<Vec<_>>()
    };
    assert_eq!(of(&touches), [7, 30, 90].map(|days| (Rule::Last, days, Some(0))));
    assert_eq!(of(&touches[..1]), []);
    assert_eq!(of(&touches[1..]), [], "no other came before it");
    assert_eq!(of(&[]), []);
}

#[test]
fn of_equal_times_visits_come_before_clicks_and_then_ids_decide() {
    let mut touches: Vec<Touch<usize>> = (0..4).map(|i| touch(i, DAY_MS, ["D", "B", "A", "C"][i], "")).collect();
    touches[1].kind = Kind::Click;
    let order = |touches: Vec<Touch<usize>>| {
        let trail = Trail::new(touches);
        let sessions = trail.sessions(DAY_MS, Lookback { days: 1 });
        sessions.map(|touch| touch.more).collect::<Vec<_>>()
    };
    assert_eq!(order(touches.clone()), [0, 2, 3, 1]);
    touches.reverse();
    assert_eq!(order(touches), [0, 2, 3, 1]);
}

#[test]
fn names_of_rules_are_those_of_the_tables() {
    assert_eq!(Rule::ALL.map(Rule::name), ["first", "last", "linear", "position", "time_decay"]);
    assert_eq!(Lookback::ALL.map(|lookback| lookback.days), [7, 30, 90]);
}
