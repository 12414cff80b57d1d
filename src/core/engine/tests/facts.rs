//! Facts: each its row at once, the first copy standing, and a click with its way as the tree was then.

use proptest::prelude::*;

use super::*;
use crate::event::{Assignment, Conversion, Cost, Report, Utm, Visit};
use crate::row::{self, TargetKind};

fn fact(id: &str, body: Body<'static>) -> Told {
    Event { id: text(id), time: NOON, body }
}

fn rows_of(events: &[Told]) -> Rows {
    let mut engine = engine();
    events.iter().for_each(|event| observe(&mut engine, event));
    engine.flush().rows
}

fn clicks_of(events: &[Told]) -> Vec<row::Click> {
    rows_of(events).clicks
}

/// How the hash of a node's id is written in a path.
fn named(kind: EventType, id: &str) -> String {
    engine().names.event(kind, id).to_string()
}

fn hash_of(person: &str) -> u64 {
    engine().names.actor(Some(person))
}

#[test]
fn every_fact_becomes_one_row_with_its_own_columns() {
    let utm = Utm { source: "mail".into(), medium: "social".into(), ..Utm::default() };
    let visit = Visit { visitor: Some("v".into()), click: "c".into(), brand: "acme".into(), utm, ..Visit::default() };
    let sale = Conversion { amount: 12_500_000, currency: "EUR".into(), margin_rate: Some(400_000), ..Conversion::default() };
    let cost = Cost { seconds: Some(90), seconds_high: Some(120), role: "editor".into(), ..Cost::default() };
    let assignment = Assignment { unit: "v".into(), unit_type: "visitor".into(), ..Assignment::default() };
    let report = Report { origin: "ads".into(), value: -7, ..Report::default() };
    let rows = rows_of(&[
        fact("v1", Body::Visit(Box::new(visit))),
        fact("o1", Body::Conversion(Box::new(sale))),
        fact("k1", Body::Cost(Box::new(cost))),
        fact("a1", Body::Assign(Box::new(assignment.clone()))),
        fact("a2", Body::Assign(Box::new(Assignment { unit_type: "community".into(), ..assignment.clone() }))),
        fact("a3", Body::Assign(Box::new(Assignment { unit_type: "customer".into(), ..assignment.clone() }))),
        fact("r1", Body::Report(Box::new(report))),
    ]);
    assert_eq!(rows.facts(), 7);
    let visitor = engine().names.visitor(Some("v"));
    let visit = &rows.visits[0];
    assert_eq!((visit.id.as_str(), visit.version, visit.visitor, visit.has_visitor), ("v1", u64::MAX, visitor, true));
    assert_eq!((visit.click.as_str(), visit.utm_source.as_str(), visit.utm_medium.as_str()), ("c", "mail", "social"));
    let sale = &rows.conversions[0];
    assert_eq!((sale.amount, sale.currency.as_str(), sale.margin_rate), (12_500_000, "EUR", Some(400_000)));
    assert_eq!((sale.version, sale.visitor, sale.has_visitor), (u64::MAX - 1, 0, false));
    let cost = &rows.costs[0];
    assert_eq!((cost.amount, cost.seconds, cost.seconds_low, cost.seconds_high), (None, Some(90), None, Some(120)));
    // A person is stored as a hash only, wherever it stands.
    assert_eq!(rows.assignments[0].unit, visitor.to_string());
    assert_eq!(rows.assignments[1].unit, "v");
    assert_eq!(rows.assignments[2].unit, visitor.to_string(), "whatever is not known to be no person");
    assert_eq!((rows.reports[0].origin.as_str(), rows.reports[0].value), ("ads", -7));
    assert_eq!(rows.progress[0].accepted, 7);
}

#[test]
fn a_click_carries_the_way_to_its_target_as_known_then() {
    let told = [
        post("r", "ann", NOON),
        share("r", "s1", "r", "bob", NOON),
        share("r", "s2", "s1", "", NOON),
        reply("r", "a1", "r", "cat", NOON),
        click("r", "c1", Some("s2"), NOON),
        click("r", "c2", Some("a1"), NOON),
        click("r", "c3", None, NOON),
        click("r", "c4", Some("r"), NOON),
        click("r", "c5", Some("s9"), NOON),
        click("r", "c1", Some("s1"), NOON),
        share("r", "s9", "s8", "dan", NOON),
        click("r", "c6", Some("s9"), NOON),
        share("r", "s8", "s2", "eve", NOON),
        click("r", "c7", Some("s9"), NOON),
    ];
    let clicks = clicks_of(&told);
    let shares = |ids: &[&str]| -> Vec<String> {
        std::iter::once("r".to_owned()).chain(ids.iter().map(|id| named(EventType::Share, id))).collect()
    };
    let people =
        |names: &[&str]| -> Vec<u64> { names.iter().map(|name| if name.is_empty() { 0 } else { hash_of(name) }).collect() };
    let says = |row: &row::Click| (row.target_kind, row.target_inferred, row.depth, row.path_inferred);
    let found: Vec<_> = clicks.iter().map(|row| (row.id.as_str(), says(row))).collect();
    assert_eq!(
        found,
        [
            ("c1", (TargetKind::Share, false, 2, 0)),
            ("c2", (TargetKind::Reply, false, 1, 0)),
            ("c3", (TargetKind::Post, false, 0, 0)),
            ("c4", (TargetKind::Post, false, 0, 0)),
            ("c5", (TargetKind::Unknown, true, 0, 0)),
            // Its parent is not there yet: it hangs from the root, guessed; then it has moved.
            ("c6", (TargetKind::Share, true, 1, 1)),
            ("c7", (TargetKind::Share, false, 4, 0)),
        ],
        "the copy of c1 gives no row"
    );
    assert_eq!((&clicks[0].path, &clicks[0].path_actors), (&shares(&["s1", "s2"]), &people(&["ann", "bob", ""])));
    assert_eq!(clicks[1].path_actors, people(&["ann", "cat"]));
    assert_eq!((clicks[2].target.as_str(), clicks[4].target.as_str()), ("r", "s9"));
    assert_eq!((&clicks[4].path, &clicks[4].path_actors), (&shares(&[]), &people(&["ann"])));
    assert_eq!(clicks[6].path, shares(&["s1", "s2", "s8", "s9"]));
    assert_eq!((&*clicks[0].brand, &*clicks[0].channel), ("acme", "feed"));
}

#[test]
fn a_click_says_when_its_target_was_written_and_which_of_its_way_the_brand_wrote() {
    let mut own_post = post("r", "shop", NOON);
    let Body::Post(said) = &mut own_post.body else { unreachable!("it is a post") };
    said.is_brand = true;
    let mut own_reply = reply("r", "a2", "a1", "shop", NOON + 2);
    let Body::Reply(said) = &mut own_reply.body else { unreachable!("it is a reply") };
    said.is_brand = true;
    let clicks = clicks_of(&[
        click("r", "c0", None, NOON),
        own_post,
        reply("r", "a1", "r", "ann", NOON + 1),
        own_reply,
        share("r", "s1", "r", "bob", NOON + 3),
        click("r", "c1", None, NOON),
        click("r", "c2", Some("a2"), NOON),
        click("r", "c3", Some("s1"), NOON),
        click("r", "c4", Some("elsewhere"), NOON),
    ]);
    let found: Vec<_> = clicks.iter().map(|row| (row.target_time, &*row.path_is_brand)).collect();
    assert_eq!(
        found,
        [
            // Its kind is known, and the post is not.
            (None, &[false][..]),
            (Some(NOON), &[true]),
            (Some(NOON + 2), &[true, false, true]),
            (Some(NOON + 3), &[true, false]),
            (None, &[true]),
        ]
    );
}

#[test]
fn a_long_way_keeps_the_root_and_the_nearest_31_and_its_true_depth() {
    let mut told = vec![post("r", "ann", NOON)];
    for number in 1..=60 {
        let parent = if number == 1 { "r".to_owned() } else { format!("s{}", number - 1) };
        told.push(share("r", &format!("s{number}"), &parent, "bob", NOON));
    }
    told.push(click("r", "c", Some("s60"), NOON));
    let click = &clicks_of(&told)[0];
    assert_eq!((click.depth, click.path.len(), click.path_actors.len(), click.path_is_brand.len()), (60, 32, 32, 32));
    assert_eq!((&click.path[0], &click.path[1]), (&"r".to_owned(), &named(EventType::Share, "s30")));
    assert_eq!(click.path[31], named(EventType::Share, "s60"));
}

/// A chain of a hundred thousand nodes, clicked at its growing tip: every way is climbed a little only.
#[test]
fn many_clicks_on_a_long_chain_know_their_depth() {
    let mut engine = engine();
    observe(&mut engine, &post("r", "ann", NOON));
    let mut depths = Vec::new();
    for number in 1..=100_000_u32 {
        let parent = if number == 1 { "r".to_owned() } else { format!("s{}", number - 1) };
        observe(&mut engine, &share("r", &format!("s{number}"), &parent, "bob", NOON));
        observe(&mut engine, &click("r", &format!("c{number}"), Some(&format!("s{number}")), NOON));
        if number % 10_000 == 0 {
            depths.extend(engine.flush().rows.clicks.iter().map(|row| row.depth));
            // While a snapshot holds the tree nothing is written into it.
            drop(engine.snapshot());
        }
    }
    assert!(depths.iter().copied().eq(1..=100_000));
}

/// What a click remembered on the way of a long fragment holds no more when the fragment moves below its late parent.
#[test]
fn a_long_fragment_that_moves_is_climbed_anew() {
    let mut engine = engine();
    observe(&mut engine, &post("r", "ann", NOON));
    for number in 1..=3000_u32 {
        let parent = if number == 1 { "late".to_owned() } else { format!("s{}", number - 1) };
        observe(&mut engine, &share("r", &format!("s{number}"), &parent, "bob", NOON));
    }
    observe(&mut engine, &click("r", "before", Some("s3000"), NOON));
    observe(&mut engine, &share("r", "late", "r", "cleo", NOON));
    observe(&mut engine, &click("r", "after", Some("s3000"), NOON));
    let found: Vec<_> = engine.flush().rows.clicks.iter().map(|row| (row.depth, row.path_inferred)).collect();
    assert_eq!(found, [(3000, 1), (3001, 0)]);
}

proptest! {
    /// Against the obvious walk over the parents that are known at each click, whatever moves in between.
    #[test]
    fn depth_and_guessed_edges_equal_a_walk(steps in proptest::collection::vec((0..40usize, 0..40usize, any::<bool>()), 1..120)) {
        let mut engine = engine();
        let mut parents: BTreeMap<usize, usize> = BTreeMap::new();
        let mut walked = Vec::new();
        observe(&mut engine, &post("r", "ann", NOON));
        for (number, (node, below, clicks)) in steps.into_iter().enumerate() {
            if clicks {
                observe(&mut engine, &click("r", &format!("c{number}"), Some(&format!("s{node}")), NOON));
                walked.push(walk(&parents, node));
            } else if node < below {
                // Parents have greater numbers, so no cycle; they may come later.
                observe(&mut engine, &share("r", &format!("s{node}"), &format!("s{below}"), "bob", NOON));
                parents.entry(node).or_insert(below);
            }
        }
        let found: Vec<_> = engine.flush().rows.clicks.iter().map(|row| (row.depth, row.path_inferred)).collect();
        prop_assert_eq!(found, walked);
    }
}

/// Depth, and guessed edges, of a node: the head of a fragment hangs from the root.
fn walk(parents: &BTreeMap<usize, usize>, node: usize) -> (u32, u32) {
    let Some(mut at) = parents.get(&node) else { return (0, 0) };
    let mut depth = 1;
    while let Some(up) = parents.get(at) {
        depth += 1;
        at = up;
    }
    (depth, 1)
}
