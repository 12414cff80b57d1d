//! An engine that goes on although its state is lost: with empty trees, from a given offset, with the counts of the
//! newest row of `progress`.

use std::sync::Arc;

use super::{Counts, Engine, Rules};
use crate::event::EventType;
use crate::record::Offset;
use crate::row::Progress;

impl Engine {
    /// An engine with empty trees that reads on at `next`. All its lives open there or later, so that no row of theirs
    /// has the key of an earlier one (I8). Without `progress` it counts from `next` on.
    #[must_use]
    pub fn resumed(rules: Rules, source: Arc<str>, next: Offset, progress: Option<&Progress>) -> Engine {
        let mut engine = Engine::new(rules, source, progress.map_or(next, |progress| progress.first));
        engine.next = next;
        if let Some(progress) = progress {
            let &Progress { read, accepted, duplicates, conflicting_copies, rejected, watermark, .. } = progress;
            let mut by_type = [0; EventType::ALL.len()];
            for (name, count) in &progress.accepted_by_type {
                if let Some(kind) = EventType::from_name(name) {
                    by_type[kind as usize] = *count;
                }
            }
            engine.counts = Counts { read, accepted, duplicates, conflicting_copies, rejected, by_type };
            // The row says 0 where nothing was seen.
            engine.greatest = (watermark > 0).then(|| watermark.saturating_add(engine.rules.watermark_lag));
        }
        engine
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::rules;
    use crate::event::parse;
    use crate::record::Record;

    #[test]
    fn counts_and_watermark_carry_on_and_trees_are_empty() {
        let mut before = Engine::new(rules(), "events/0".into(), 5);
        let payload = br#"{"type":"share","id":"s","time":1700000000000,"actor":"a","root":"r","parent":"r"}"#;
        let record = |offset| Record { offset, payload: Some(payload), ..Record::default() };
        before.observe(&record(5), parse(&record(5)));
        before.observe(&record(6), parse(&record(6)));
        let row = before.flush().rows.progress.remove(0);
        let mut after = Engine::resumed(rules(), "events/0".into(), 20, Some(&row));
        assert_eq!(after.holdings().roots, 0);
        assert_eq!(after.flush().rows.progress, [Progress { version: 20, ..row }]);
        after.observe(&record(20), parse(&record(20)));
        let batch = after.flush();
        assert_eq!((batch.rows.cascades[0].opened, batch.rows.cascades[0].size), (20, 2));
        assert_eq!((batch.rows.progress[0].read, batch.rows.progress[0].accepted), (3, 2));
        assert_eq!(batch.rows.progress[0].accepted_by_type, [("share".to_owned(), 2)]);
    }

    #[test]
    fn without_counts_it_counts_from_where_it_begins() {
        let mut engine = Engine::resumed(rules(), "events/0".into(), 20, None);
        let row = engine.flush().rows.progress.remove(0);
        assert_eq!((row.first, row.version, row.read, row.watermark), (20, 20, 0, 0));
    }
}
