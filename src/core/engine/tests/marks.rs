//! I6: the rows that change with an event are exactly those that the next flush gives.

use proptest::prelude::*;

use super::order::history;
use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_flush_gives_exactly_the_rows_that_changed(events in history()) {
        let (mut engine, mut before) = (engine(), Tables::default());
        for end in 1..=events.len() {
            let event = &events[end - 1];
            observe(&mut engine, event);
            let mut given = Tables::default();
            given.insert(engine.flush());
            let now = fold(&events[..end]);
            let (roots, windows) = (changes(&before.roots, &now.roots), changes(&before.windows, &now.windows));
            let (mut cascades, mut threads) = (changes(&before.cascades, &now.cascades), changes(&before.threads, &now.threads));
            // Both shapes are measured from the post; that one comes and changes no figure of a shape is a rare accident.
            if !roots.is_empty() {
                cascades.extend(of_root(&now.cascades, event));
                threads.extend(of_root(&now.threads, event));
            }
            // The first reply of somebody under the brand's flag says that this person's shares are the brand's, if there are any.
            if is_first_of_brand(event, &events[..end - 1]) {
                cascades.extend(of_root(&now.cascades, event));
            }
            prop_assert_eq!(roots, given.roots);
            prop_assert_eq!(windows, given.windows);
            prop_assert_eq!(cascades, given.cascades);
            prop_assert_eq!(threads, given.threads);
            before = now;
        }
    }
}

fn is_first_of_brand(event: &Told, earlier: &[Told]) -> bool {
    let author = |event: &Told| {
        let Body::Reply(reply) = &event.body else { return None };
        reply.is_brand.then_some((reply.root.clone(), reply.actor.clone()?))
    };
    author(event).is_some_and(|by| !earlier.iter().any(|event| author(event).as_ref() == Some(&by)))
}

fn changes<K: Ord + Clone, V: PartialEq + Clone>(before: &BTreeMap<K, V>, now: &BTreeMap<K, V>) -> BTreeMap<K, V> {
    now.iter().filter(|(key, row)| before.get(*key) != Some(row)).map(|(key, row)| (key.clone(), row.clone())).collect()
}

type Shapes<V> = BTreeMap<(Arc<str>, u64), V>;

fn of_root<V: Clone>(shapes: &Shapes<V>, event: &Told) -> Shapes<V> {
    shapes.iter().filter(|((root, _), _)| event.root() == Some(&**root)).map(|(key, row)| (key.clone(), row.clone())).collect()
}

#[test]
fn a_flush_without_news_gives_progress_only() {
    let mut engine = engine();
    observe(&mut engine, &post("r", "a", NOON));
    engine.flush();
    let rows = engine.flush().rows;
    assert_eq!((rows.len(), rows.progress.len()), (1, 1));
}

#[test]
fn a_late_post_rewrites_four_rows_however_many_windows_its_root_has() {
    let mut engine = engine();
    for window in 0..500 {
        observe(&mut engine, &share("r", &format!("s{window}"), "r", "b", NOON + window * 15 * MINUTE));
        observe(&mut engine, &reply("r", &format!("m{window}"), "r", "c", NOON + window * 15 * MINUTE));
    }
    assert_eq!(engine.flush().rows.activity_windows.len(), 500);
    observe(&mut engine, &post("r", "a", NOON - 1));
    assert_eq!(engine.dirty_rows(), 4);
    let rows = engine.flush().rows;
    assert_eq!((rows.roots.len(), rows.activity_windows.len(), rows.cascades.len(), rows.threads.len()), (1, 1, 1, 1));
    assert_eq!((&*rows.roots[0].brand, rows.activity_windows[0].posts), ("acme", 1));
    assert_eq!(rows.len(), 5, "and progress");
}

#[test]
fn an_earlier_first_node_of_an_unseen_post_rewrites_its_own_rows() {
    let mut engine = engine();
    for window in 1..100 {
        observe(&mut engine, &share("r", &format!("s{window}"), "r", "b", NOON + window * 15 * MINUTE));
    }
    engine.flush();
    observe(&mut engine, &share("r", "first", "r", "b", NOON));
    let rows = engine.flush().rows;
    assert_eq!((rows.roots.len(), rows.activity_windows.len(), rows.cascades.len(), rows.threads.len()), (0, 1, 1, 0));
}
