//! I2 and I5: neither the order of arrival, nor flushes, nor snapshots change what is written in the end.

use proptest::prelude::*;

use super::*;

const ROOTS: [&str; 3] = ["r0", "r1", "r2"];
const PEOPLE: [&str; 6] = ["", "ann", "bob", "cat", "dan", "eve"];

/// A history without conflicting copies and without cycles: every id once, parents have lower numbers.
/// Some parents are of the other kind, in another root, missing, or the node itself.
pub(super) fn history() -> impl Strategy<Value = Vec<Told>> {
    let one = (0..8u8, 0..3usize, 0..1000usize, 0..6usize, 0..400i64, any::<bool>());
    proptest::collection::vec(one, 1..60)
        .prop_map(|draws| draws.into_iter().enumerate().map(|(number, draw)| event(number, draw)).collect())
}

fn event(number: usize, (kind, root, parent, by, minutes, marked): (u8, usize, usize, usize, i64, bool)) -> Told {
    let (root, by, time) = (ROOTS[root], PEOPLE[by], NOON + minutes * MINUTE / 2);
    let id = format!("n{number}");
    let parent = match parent % 10 {
        0 => "nowhere".to_owned(),
        1 => id.clone(),
        2..=3 => root.to_owned(),
        _ => format!("n{}", parent % number.max(1)),
    };
    match kind {
        0..=2 => {
            let mut event = share(root, &id, &parent, by, time);
            if let Body::Share(share) = &mut event.body {
                (share.is_quote, share.followers) = (marked, marked.then_some(u32::try_from(number).unwrap()));
            }
            event
        }
        3..=5 => {
            let mut event = reply(root, &id, &parent, by, time);
            if let Body::Reply(reply) = &mut event.body {
                (reply.is_brand, reply.mentions_brand) = (by == "ann", marked);
            }
            event
        }
        6 => sample(root, &id, if marked { "views" } else { "votes" }, f64::from(u8::try_from(minutes % 3).unwrap()), time),
        _ => match by {
            "ann" => {
                let mut event = post(root, by, time);
                if let Body::Post(post) = &mut event.body {
                    (post.is_brand, post.mentions_brand) = (marked, number.is_multiple_of(2));
                }
                event
            }
            "bob" => Event { id: text(&id), time, body: Body::Delete { root: text(root) } },
            "cat" => click(root, &id, marked.then_some(&*parent), time),
            _ => Event { id: text(&id), time, body: Body::Reaction { root: text(root) } },
        },
    }
}

/// Leaves the first of several posts of one root: copies that disagree are settled by the log's order.
pub(super) fn without_copies(events: Vec<Told>) -> Vec<Told> {
    let mut seen = std::collections::BTreeSet::new();
    events
        .into_iter()
        .filter(|event| seen.insert((event.event_type(), event.root().map(str::to_owned), event.id.clone())))
        .collect()
}

proptest! {
    #[test]
    fn any_order_of_arrival_gives_the_same_rows(
        (straight, shuffled) in history().prop_map(without_copies).prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
    ) {
        prop_assert_eq!(without_offsets(fold(&straight)), without_offsets(fold(&shuffled)));
    }

    #[test]
    fn any_flush_cadence_gives_the_same_rows(events in history(), flushes in proptest::collection::vec(any::<bool>(), 60)) {
        let (mut engine, mut tables) = (engine(), Tables::default());
        for (event, flush) in events.iter().zip(flushes) {
            observe(&mut engine, event);
            if flush {
                tables.insert(engine.flush());
            }
        }
        tables.insert(engine.flush());
        prop_assert_eq!(tables, fold(&events));
    }

    #[test]
    fn a_snapshot_anywhere_changes_nothing(events in history(), at in 0..60usize) {
        let (mut engine, mut tables) = (engine(), Tables::default());
        let at = at.min(events.len());
        events[..at].iter().for_each(|event| observe(&mut engine, event));
        tables.insert(engine.flush());
        let bytes = engine.snapshot().encode();
        let mut engine = Engine::restore(rules(), "t/0".into(), &bytes).expect("its own snapshot");
        prop_assert_eq!(&engine.snapshot().encode(), &bytes, "the same state is the same bytes");
        events[at..].iter().for_each(|event| observe(&mut engine, event));
        tables.insert(engine.flush());
        prop_assert_eq!(tables, fold(&events));
    }

    #[test]
    fn a_snapshot_stays_as_it_was_while_the_engine_goes_on(events in history(), at in 0..60usize) {
        let mut engine = engine();
        let at = at.min(events.len());
        events[..at].iter().for_each(|event| observe(&mut engine, event));
        engine.flush();
        let (frozen, then) = (engine.snapshot(), engine.snapshot().encode());
        events[at..].iter().for_each(|event| observe(&mut engine, event));
        engine.flush();
        prop_assert_eq!(frozen.encode(), then);
    }

    #[test]
    fn every_event_twice_changes_only_the_count_of_duplicates(events in history().prop_map(without_copies)) {
        let twice: Vec<Told> = events.iter().flat_map(|event| [event.clone(), event.clone()]).collect();
        let (once, mut twice) = (without_offsets(fold(&events)), without_offsets(fold(&twice)));
        let (ones, twos) = (once.progress.clone().unwrap(), twice.progress.clone().unwrap());
        prop_assert_eq!((twos.read, twos.accepted, twos.duplicates), (2 * ones.read, ones.accepted, ones.accepted));
        prop_assert_eq!(twos.conflicting_copies, 0);
        twice.progress = once.progress.clone();
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn windows_add_up_to_the_totals_of_their_life(events in history()) {
        let tables = fold(&events);
        for row in tables.cascades.values() {
            let windows = tables.windows.values().filter(|window| window.root == row.root);
            prop_assert_eq!(windows.map(|window| u64::from(window.shares)).sum::<u64>(), row.size - 1);
        }
        for row in tables.threads.values() {
            let windows = tables.windows.values().filter(|window| window.root == row.root);
            prop_assert_eq!(windows.map(|window| u64::from(window.replies)).sum::<u64>(), row.size - 1);
        }
    }

    #[test]
    fn shapes_keep_their_identities(events in history()) {
        let tables = fold(&events);
        for row in tables.cascades.values() {
            prop_assert_eq!(row.levels.iter().sum::<u64>(), row.size);
            prop_assert_eq!((0u64..).zip(&row.levels).map(|(depth, count)| depth * count).sum::<u64>(), row.s1);
            prop_assert!(row.max_children < row.size);
            let (n, w) = (u128::from(row.size), u128::from(row.size) * u128::from(row.s1) - row.s2);
            prop_assert!(w >= (n - 1) * (n - 1) && w <= n * (n * n - 1) / 6, "between a star's and a chain's");
        }
        for row in tables.threads.values() {
            prop_assert!(row.reciprocal_pairs <= row.dyads && row.two_way_replies <= row.nonself_replies);
            prop_assert_eq!(row.brand_replies + row.audience_replies, row.size - 1);
        }
    }
}
