//! What clicks say of the hypothesis.

use std::sync::Arc;

use crate::answers::immediacy::{Finding, Row, Share, immediacy};

fn ask(clusters: &[(Share, Share)]) -> Row {
    immediacy(&Arc::from("acme"), clusters)
}

fn share(part: u32, whole: u32) -> Share {
    Share { part: part.into(), whole: whole.into() }
}

/// So many roots, each with ten clicks a side, of which so many are early.
fn roots(number: usize, conversation: u32, broadcast: u32) -> Vec<(Share, Share)> {
    // Not all alike: one click of each second root is on the other side of the quarter of an hour.
    let root = |odd: usize| {
        let shift = u32::from(odd % 2 == 1);
        (share(conversation.saturating_sub(shift), 10), share(broadcast + shift, 10))
    };
    (0..number).map(root).collect()
}

#[test]
fn clicks_on_replies_that_come_sooner_support_the_hypothesis() {
    let say = |conversation, broadcast| ask(&roots(20, conversation, broadcast)).verdict;
    assert_eq!(say(10, 0), Some(Finding::Supported));
    assert_eq!(say(1, 9), Some(Finding::Refuted));
    assert_eq!(say(5, 4), Some(Finding::Undecided));
}

#[test]
fn twenty_roots_a_side_are_needed() {
    let row = ask(&roots(19, 10, 0));
    assert_eq!((row.verdict, row.difference, row.reason()), (None, None, "few_roots"));
    assert!(row.p_conversation.is_some() && row.p_broadcast.is_some());
    assert_eq!(ask(&roots(20, 10, 0)).reason(), "");
    assert_eq!(ask(&[]).reason(), "few_roots");
    // Roots without clicks on one side are none of that side.
    let mut one_sided = roots(19, 10, 0);
    one_sided.extend((0..10).map(|_| (share(5, 5), Share::default())));
    assert_eq!(ask(&one_sided).reason(), "few_roots");
}

#[test]
fn a_difference_of_less_than_ten_points_is_undecided_however_sure() {
    let clusters: Vec<_> = (0..1_000).map(|root| (share(500 + root % 3, 1_000), share(420 + root % 3, 1_000))).collect();
    let row = ask(&clusters);
    assert!(row.difference_low.is_some_and(|low| low > 0.0) && row.verdict == Some(Finding::Undecided), "{row:?}");
}
