//! Rows that a store has lost come out again as they were.

use proptest::prelude::*;

use super::order::history;
use super::*;
use crate::event::parse;
use crate::row::Click as ClickRow;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The store has lost everything: what a restored state gives again, in pieces, is what it gave.
    #[test]
    fn living_lives_come_out_as_they_were(events in history(), rows_max in 1_usize..20) {
        let (mut engine, mut given) = (engine(), Tables::default());
        for event in &events {
            observe(&mut engine, event);
        }
        given.insert(engine.flush());
        let state = engine.snapshot().encode();
        let mut restored = Engine::restore(rules(), Arc::clone(engine.source()), &state).unwrap();
        let (mut again, mut from) = (Tables::default(), Some(0));
        while let Some(place) = from {
            from = restored.mark_whole(place, rows_max);
            again.insert(restored.flush());
        }
        prop_assert_eq!(given.roots, again.roots);
        prop_assert_eq!(given.windows, again.windows);
        prop_assert_eq!(given.cascades, again.cascades);
        prop_assert_eq!(given.threads, again.threads);
        prop_assert_eq!(restored.snapshot().encode(), state, "it only reads");
    }
}

const POST: &str = r#"{"type":"post","id":"r","time":1700000000000,"actor":"a","brand":"acme"}"#;
const SHARE: &str = r#"{"type":"share","id":"s","time":1700000001000,"actor":"b","root":"r","parent":"r"}"#;
const CLICK: &str = r#"{"type":"click","id":"c","time":1700000002000,"root":"r","target":"s"}"#;
const CLICK_ON_POST: &str = r#"{"type":"click","id":"p","time":1700000002000,"root":"r","target":"r"}"#;
const VISIT: &str = r#"{"type":"visit","id":"v","time":1700000003000,"visitor":"w","click":"c"}"#;

fn record(offset: u64, payload: &str) -> Record<'_> {
    Record { offset, payload: Some(payload.as_bytes()), ..Record::default() }
}

#[test]
fn facts_and_rejects_come_out_as_they_were_and_nothing_is_counted() {
    let lines = [POST, SHARE, CLICK, VISIT, "no event", CLICK_ON_POST];
    let mut engine = Engine::new(rules(), "t/0".into(), 0);
    for record in (0..).zip(lines).map(|(offset, line)| record(offset, line)) {
        engine.observe(&record, parse(&record));
    }
    let first = engine.flush().rows;
    for record in (0..).zip(lines).map(|(offset, line)| record(offset, line)) {
        assert_eq!(engine.write_again(&record, parse(&record)), None);
    }
    let again = engine.flush().rows;
    assert_eq!((&again.visits, &again.rejects, &again.progress), (&first.visits, &first.rejects, &first.progress));
    let [click, on_post] = again.clicks.as_slice() else { panic!("{again:?}") };
    assert_eq!(*on_post, first.clicks[1], "the way to the post is what it was");
    assert!(click.target_inferred && (click.path_inferred, click.depth) == (1, 1), "{click:?}");
    assert_eq!(*click, ClickRow { target_inferred: true, path_inferred: 1, ..first.clicks[0].clone() });
    assert!(again.roots.is_empty() && again.activity_windows.is_empty(), "no life has changed");
}

#[test]
fn what_belongs_to_no_living_life_is_said_and_a_click_on_it_has_a_way_of_nothing_but_the_root() {
    let mut engine = Engine::new(rules(), "t/0".into(), 5);
    let opened = record(5, SHARE);
    engine.observe(&opened, parse(&opened));
    engine.flush();
    let elsewhere = CLICK.replace(r#""root":"r""#, r#""root":"q""#);
    let mut gone = |offset, line| engine.write_again(&record(offset, line), parse(&record(offset, line))).map(|gone| gone.kind);
    assert_eq!(gone(4, POST), Some(EventType::Post), "the life that is here opened behind it");
    assert_eq!(gone(5, SHARE), None);
    assert_eq!(gone(3, &elsewhere), Some(EventType::Click));
    assert_eq!(gone(2, VISIT), None);
    let rows = engine.flush().rows;
    let [click] = rows.clicks.as_slice() else { panic!("{rows:?}") };
    assert_eq!((click.path.as_slice(), click.depth, click.target_inferred), (&["q".to_owned()][..], 0, true));
    assert_eq!(click.path_inferred, 1, "so no author has credit for it");
    assert_eq!(rows.visits.len(), 1);
}
