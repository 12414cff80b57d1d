//! A million of everything that trees in the wild do, each with a counted outcome.
//!
//! None of these would end within the patience of a test run if its cost were quadratic.

use super::*;

const MANY: usize = 1_000_000;

fn chain_link(node: usize) -> Told {
    let parent = if node == 0 { "r".to_owned() } else { format!("s{}", node - 1) };
    share("r", &format!("s{node}"), &parent, "a", NOON)
}

fn cascade(events: impl Iterator<Item = Told>) -> crate::row::Cascade {
    let mut engine = engine();
    events.for_each(|event| observe(&mut engine, &event));
    let mut tables = Tables::default();
    tables.insert(engine.flush());
    tables.cascade("r").clone()
}

fn is_a_chain(row: &crate::row::Cascade, shares: usize) {
    let n = shares as u128 + 1;
    assert_eq!(u128::from(row.size), n);
    assert_eq!(n * u128::from(row.s1) - row.s2, n * (n * n - 1) / 6);
    assert_eq!((row.inferred, row.max_depth as usize), (0, shares));
    assert_eq!(row.levels.len(), 65_536);
    assert_eq!(u128::from(row.levels[65_535]), n - 65_535);
    assert_eq!(row.depth_first_ms.len(), 65_536);
}

#[test]
fn a_chain_of_a_million_forward_and_backward() {
    is_a_chain(&cascade((0..MANY).map(chain_link)), MANY);
    is_a_chain(&cascade((0..MANY).rev().map(chain_link)), MANY);
}

#[test]
fn a_chain_whose_every_new_tip_has_a_waiting_child() {
    // Pairs arrive child first, and the pairs in order: every parent comes with a child and has a long way up.
    is_a_chain(&cascade((0..MANY / 2).flat_map(|pair| [chain_link(2 * pair + 1), chain_link(2 * pair)])), MANY);
}

#[test]
fn a_million_children_before_their_parent() {
    let children = (0..MANY).map(|node| share("r", &format!("s{node}"), "parent", "a", NOON));
    let row = cascade(children.chain([share("r", "parent", "r", "b", NOON)]));
    assert_eq!((row.inferred, &row.levels[..], row.max_children), (0, &[1, 1, 1_000_000][..], 1_000_000));
}

#[test]
fn a_hundred_thousand_orphans_that_are_never_resolved() {
    let row = cascade((0..100_000).map(|node| share("r", &format!("s{node}"), &format!("gone{node}"), "a", NOON)));
    assert_eq!((row.inferred, row.max_depth), (100_000, 1));
}

#[test]
fn a_subtree_moved_again_and_again() {
    // Heads arrive from the bottom up; each takes all that came before below itself.
    let crown = (0..1000).map(|node| share("r", &format!("leaf{node}"), "head0", "a", NOON));
    let heads = (0..100_000).map(|head| share("r", &format!("head{head}"), &format!("head{}", head + 1), "b", NOON));
    let row = cascade(crown.chain(heads));
    assert_eq!((row.inferred, row.max_depth, row.size), (1, 100_001, 101_001), "only the last head waits");
}

#[test]
fn cycles_of_two_by_the_hundred_thousand() {
    let pairs = (0..100_000).flat_map(|pair| {
        let (one, other) = (format!("a{pair}"), format!("b{pair}"));
        [share("r", &one, &other, "a", NOON), share("r", &other, &one, "b", NOON)]
    });
    let row = cascade(pairs);
    assert_eq!((row.cycles_cut, row.inferred, row.max_depth), (100_000, 100_000, 2));
}

#[test]
fn a_root_with_a_row_in_every_window_of_four_years() {
    let events = (0..140_000).map(|number| share("r", &format!("s{number}"), "r", "a", number * 15 * MINUTE));
    let mut engine = engine();
    events.for_each(|event| observe(&mut engine, &event));
    assert_eq!(engine.flush().rows.activity_windows.len(), 140_000);
}
