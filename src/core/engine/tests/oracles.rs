//! Closed forms, and worked examples.

use super::*;

/// The cascade whose node i hangs from `parents[i - 1]`; node 0 is the post.
fn cascade_of(parents: &[usize]) -> crate::row::Cascade {
    let name = |node: usize| if node == 0 { "r".to_owned() } else { format!("s{node}") };
    let shares = parents.iter().zip(1..).map(|(&parent, node)| share("r", &name(node), &name(parent), &format!("u{node}"), NOON));
    fold(&std::iter::once(post("r", "author", NOON)).chain(shares).collect::<Vec<_>>()).cascade("r").clone()
}

fn wiener(row: &crate::row::Cascade) -> u128 {
    u128::from(row.size) * u128::from(row.s1) - row.s2
}

#[test]
fn a_star_has_the_least_virality() {
    let row = cascade_of(&[0; 50]);
    assert_eq!((row.size, row.s1, row.s2, wiener(&row)), (51, 50, 50, 2500));
    assert_eq!((row.max_depth, row.max_children, &row.levels[..]), (1, 50, &[1, 50][..]));
}

#[test]
fn a_chain_has_the_greatest_virality() {
    let row = cascade_of(&(0..99).collect::<Vec<_>>());
    let n = 100u128;
    assert_eq!((u128::from(row.s1), row.s2), (n * (n - 1) / 2, (n - 1) * n * (2 * n - 1) / 6));
    assert_eq!(wiener(&row), n * (n * n - 1) / 6);
    assert_eq!((row.max_depth, row.levels.len()), (99, 100));
}

#[test]
fn complete_trees_give_the_published_sums() {
    for (k, height, n, s1, s2, w) in [
        (2, 2, 7, 10, 22, 48),
        (2, 4, 31, 98, 734, 2304),
        (2, 10, 2047, 18434, 4_151_294, 33_583_104),
        (3, 3, 40, 102, 678, 3402),
        (3, 6, 1093, 6015, 590_763, 5_983_632),
        (10, 3, 1111, 3210, 136_310, 3_430_000),
    ] {
        let count: usize = (0..=height).map(|level| usize::pow(k, level)).sum();
        let row = cascade_of(&(1..count).map(|node| (node - 1) / k).collect::<Vec<_>>());
        assert_eq!((row.size, row.s1, row.s2, wiener(&row)), (n, s1, s2, w), "k = {k}, height = {height}");
    }
}

#[test]
fn a_broom_gives_its_closed_form() {
    let (c, m) = (20u128, 30u128);
    let parents: Vec<usize> = (0..19).chain(std::iter::repeat_n(19, 30)).collect();
    let row = cascade_of(&parents);
    assert_eq!(u128::from(row.s1), c * (c - 1) / 2 + m * c);
    assert_eq!(row.s2, m + (1..c).map(|j| (m + j) * (m + j)).sum::<u128>());
}

#[test]
fn the_golden_thread_gives_its_dialogue() {
    let parents = [0, 0, 0, 1, 4, 5, 2, 7, 3, 0];
    let authors = ["B", "A", "C", "D", "B", "A", "B", "B", "C", "D", "A"];
    let mut events = vec![post("r", "B", NOON)];
    let name = |node: usize| if node == 0 { "r".to_owned() } else { format!("m{node}") };
    for (node, &parent) in (1..).zip(&parents) {
        let mut event = reply("r", &name(node), &name(parent), authors[node], NOON + Millis::try_from(node).unwrap());
        if let Body::Reply(reply) = &mut event.body {
            reply.is_brand = authors[node] == "B";
        }
        events.push(event);
    }
    let tables = fold(&events);
    let row = tables.thread("r");
    assert_eq!((row.size, row.max_depth, &row.levels[..]), (11, 4, &[1, 4, 3, 2, 1][..]));
    assert_eq!((row.unique_actors, row.dyads, row.reciprocal_pairs), (4, 3, 2));
    assert_eq!((row.nonself_replies, row.two_way_replies), (9, 8));
    assert_eq!((row.aba, row.aba_eligible, row.longest_exchange, row.reentrants, row.h_index), (5, 5, 5, 4, 2));
}

#[test]
fn the_h_index_stops_at_the_first_depth_that_fails() {
    let parents = [0, 1, 2, 2, 2, 2, 2];
    let name = |node: usize| if node == 0 { "r".to_owned() } else { format!("m{node}") };
    let replies = (1..).zip(parents).map(|(node, parent)| reply("r", &name(node), &name(parent), "x", NOON));
    assert_eq!(fold(&replies.collect::<Vec<_>>()).thread("r").h_index, 1);
}

#[test]
fn sessions_end_after_half_an_hour_of_silence() {
    let minutes = [10, 35, 70, 80, 100, 300];
    let replies = minutes.iter().map(|&at| reply("r", &format!("m{at}"), "r", "x", NOON + at * MINUTE));
    let tables = fold(&std::iter::once(post("r", "a", NOON)).chain(replies).collect::<Vec<_>>());
    let row = tables.thread("r");
    assert_eq!((row.sessions, row.longest_session_ms, row.longest_session_messages), (3, 35 * 60_000, 3));
    assert_eq!(row.last_session_start, NOON + 300 * MINUTE);
}
