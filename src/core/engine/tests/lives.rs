//! Lives: when they end, and what opens the next.

use super::*;

#[test]
fn a_root_untouched_for_longer_than_the_retention_ends() {
    let mut engine = Engine::new(Rules { clock_witnesses: 2, ..rules() }, "t/0".into(), 0);
    let mut tables = Tables::default();
    observe_at(&mut engine, &share("r", "s", "r", "a", NOON), NOON);
    for other in ["p", "q"] {
        observe_at(&mut engine, &post(other, "b", NOON), NOON + MINUTE);
    }
    for other in ["u", "v"] {
        observe_at(&mut engine, &post(other, "b", NOON), NOON + 31 * DAY);
    }
    let batch = engine.flush();
    assert_eq!((batch.tally.evicted_by_age, engine.holdings().roots), (3, 2));
    tables.insert(batch);
    assert_eq!(tables.cascade("r").size, 2, "the last rows of a life are written");
    observe_at(&mut engine, &share("r", "t", "s", "a", NOON), NOON + 40 * DAY);
    tables.insert(engine.flush());
    let lives: Vec<_> =
        tables.cascades.values().filter(|row| &*row.root == "r").map(|row| (row.opened, row.size, row.inferred)).collect();
    assert_eq!(lives, vec![(0, 2, 0), (5, 2, 1)], "a later event opens a new life");
}

#[test]
fn the_budget_ends_the_least_recently_touched_first() {
    let mut engine = Engine::new(Rules { budget: 40, ..rules() }, "t/0".into(), 0);
    for root in ["a", "b", "c"] {
        observe(&mut engine, &post(root, "x", NOON));
    }
    observe(&mut engine, &share("a", "s", "a", "y", NOON));
    observe(&mut engine, &post("d", "x", NOON));
    let batch = engine.flush();
    assert!(batch.tally.evicted_by_budget > 0);
    assert!(engine.holdings().entries <= 40);
    let mut again = Tables::default();
    observe(&mut engine, &share("a", "s", "a", "y", NOON));
    again.insert(engine.flush());
    assert_eq!(again.progress.unwrap().duplicates, 1, "the root touched last still lives");
}

#[test]
fn a_root_larger_than_the_budget_is_bounded_too() {
    let mut engine = Engine::new(Rules { budget: 50, ..rules() }, "t/0".into(), 0);
    let mut tables = Tables::default();
    for node in 0..200 {
        observe(&mut engine, &share("r", &format!("s{node}"), "r", "x", NOON));
        assert!(engine.holdings().entries <= 50);
    }
    tables.insert(engine.flush());
    assert_eq!(tables.cascades.values().map(|row| row.size - 1).sum::<u64>(), 200, "lives add up");
}

#[test]
fn eviction_depends_on_the_log_alone() {
    let rules = Rules { budget: 300, ..rules() };
    let run = |flush_every: usize| {
        let mut engine = Engine::new(rules.clone(), "t/0".into(), 0);
        let mut tables = Tables::default();
        for number in 0..500usize {
            observe(&mut engine, &share(&format!("r{}", number * 7 % 23), &format!("s{number}"), "x", "a", NOON));
            if number.is_multiple_of(flush_every) {
                tables.insert(engine.flush());
                engine = Engine::restore(rules.clone(), "t/0".into(), &engine.snapshot().encode()).unwrap();
            }
        }
        tables.insert(engine.flush());
        tables
    };
    assert_eq!(run(1), run(97));
}

#[test]
fn a_life_that_is_gone_leaves_nothing_behind() {
    let mut engine = Engine::new(Rules { budget: 20, ..rules() }, "t/0".into(), 0);
    for number in 0..100 {
        observe(&mut engine, &sample(&format!("r{number}"), "s", "views", 1.0, NOON));
    }
    observe(&mut engine, &share(&"x".repeat(512), "s", "y", "a", NOON));
    engine.flush();
    let held = engine.holdings();
    assert!(held.roots <= 2 && held.entries <= 20 && held.nodes <= 1 && held.inferred == held.nodes, "{held:?}");
}

#[test]
fn a_snapshot_under_other_rules_is_refused() {
    let mut engine = engine();
    engine.flush();
    let bytes = engine.snapshot().encode();
    let other_window = Rules { window: 60 * MINUTE, ..rules() };
    let other_key = Rules { pseudonym_key: [7; 16], ..rules() };
    for other in [other_window, other_key] {
        assert!(matches!(Engine::restore(other, "t/0".into(), &bytes), Err(ForeignSnapshot::OtherRules(..))));
    }
    assert!(matches!(Engine::restore(rules(), "t/1".into(), &bytes), Err(ForeignSnapshot::OtherSource(_))));
    assert!(matches!(Engine::restore(rules(), "t/0".into(), &bytes[..bytes.len() - 1]), Err(ForeignSnapshot::Unreadable(_))));
    assert!(Engine::restore(Rules { budget: 1, root_retention: DAY, ..rules() }, "t/0".into(), &bytes).is_ok());
}

#[test]
fn the_last_record_is_recognised_after_a_restore() {
    let mut engine = engine();
    let record = Record { offset: 3, timestamp: Some(NOON), payload: Some(b"abc"), ..Record::default() };
    engine.observe(&record, a_reject());
    engine.flush();
    let restored = Engine::restore(rules(), "t/0".into(), &engine.snapshot().encode()).unwrap();
    assert!(restored.recognises(&record));
    assert!(!restored.recognises(&Record { payload: Some(b"abd"), ..record.clone() }));
    assert!(!restored.recognises(&Record { timestamp: None, ..record }));
}

#[test]
fn the_last_record_is_known_by_its_key_and_headers_and_nothing_is_not_empty() {
    let header = |name, value| crate::record::Header { name, value };
    let record = Record { offset: 3, key: Some(b"k"), headers: vec![header("a", Some(b"1"))], ..Record::default() };
    let others = [
        Record { key: None, ..record.clone() },
        Record { key: Some(b""), ..record.clone() },
        Record { payload: Some(b""), ..record.clone() },
        Record { key: None, payload: Some(b"k"), ..record.clone() },
        Record { headers: vec![header("a", None)], ..record.clone() },
        Record { headers: vec![header("a1", Some(b""))], ..record.clone() },
        Record { headers: Vec::new(), ..record.clone() },
    ];
    let mut engine = engine();
    engine.observe(&record, a_reject());
    engine.flush();
    let restored = Engine::restore(rules(), "t/0".into(), &engine.snapshot().encode()).unwrap();
    assert!(restored.recognises(&record));
    for other in others {
        assert!(!restored.recognises(&other), "{other:?}");
    }
}

#[test]
fn memory_is_counted_with_the_lives_that_take_it_and_no_longer() {
    let mut engine = Engine::new(Rules { budget: 200, ..rules() }, "t/0".into(), 0);
    for number in 0..2_000 {
        let (root, id) = (format!("r{}", number % 700), format!("s{number}"));
        observe(&mut engine, &share(&root, &id, &root, "a", NOON + number));
        if number % 100 == 0 {
            engine.flush();
        }
    }
    engine.flush();
    let again = Engine::restore(engine.rules.clone(), "t/0".into(), &engine.snapshot().encode()).unwrap();
    let (held, restored) = (engine.holdings(), again.holdings());
    assert_eq!((held.roots, held.entries), (restored.roots, restored.entries));
    // Tables that have grown do not shrink; nothing of two thousand lives is left over but that.
    assert!((restored.bytes..restored.bytes + 64_000).contains(&held.bytes), "{held:?}, {restored:?}");
}

#[test]
fn what_no_row_shows_takes_memory_all_the_same() {
    let mut engine = engine();
    observe(&mut engine, &sample("r", "last", "views", 1.0, NOON + MINUTE));
    engine.flush();
    let before = engine.holdings().bytes;
    for number in 1..=1_000 {
        observe(&mut engine, &sample("r", &format!("s{number}"), "views", 2.0, NOON + MINUTE - number));
    }
    assert_eq!(engine.dirty_rows(), 0, "earlier values show nothing");
    engine.flush();
    let more = engine.holdings().bytes - before;
    assert!((8 * 1_000..40 * 1_000).contains(&more), "{more} bytes for the ids of a thousand");
}
