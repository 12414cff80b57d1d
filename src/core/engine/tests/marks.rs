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
            observe(&mut engine, &events[end - 1]);
            let mut given = Tables::default();
            given.insert(engine.flush());
            let now = fold(&events[..end]);
            prop_assert_eq!(changes(&before.windows, &now.windows), given.windows);
            prop_assert_eq!(changes(&before.cascades, &now.cascades), given.cascades);
            prop_assert_eq!(changes(&before.threads, &now.threads), given.threads);
            before = now;
        }
    }
}

fn changes<K: Ord + Clone, V: PartialEq + Clone>(before: &BTreeMap<K, V>, now: &BTreeMap<K, V>) -> BTreeMap<K, V> {
    now.iter().filter(|(key, row)| before.get(*key) != Some(row)).map(|(key, row)| (key.clone(), row.clone())).collect()
}

#[test]
fn a_flush_without_news_gives_progress_only() {
    let mut engine = engine();
    observe(&mut engine, &post("r", "a", NOON));
    engine.flush();
    let rows = engine.flush().rows;
    assert_eq!((rows.len(), rows.progress.len()), (1, 1));
}
