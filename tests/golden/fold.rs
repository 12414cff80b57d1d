//! One history through parser and engine, and its rows as text for people.
//!
//! Everything that rows depend on is fixed here: the rules, the key of pseudonyms, the time of the log.

use std::collections::BTreeMap;
use std::fmt::Write;

use clickhouse::Row;
use grapevine::engine::{Batch, CLOCK_WITNESSES, Engine, Rules};
use grapevine::event::parse;
use grapevine::record::{Millis, Record};
use serde::Serialize;
use serde_json::Value;

const MINUTE: Millis = 60_000;
const DAY: Millis = 24 * 60 * MINUTE;
/// Tuesday, 5 March 2024, 12:00 UTC: what the log says of every record.
pub(crate) const LOGGED: Millis = 1_709_640_000_000;

/// A history and what became of it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) events: Vec<u8>,
    batch: Batch,
}

pub(crate) fn rules() -> Rules {
    Rules {
        epoch: 1,
        pseudonym_key: *b"the golden key!!",
        window: 15 * MINUTE,
        session_gap: 30 * MINUTE,
        watermark_lag: MINUTE,
        future_bound: 5 * MINUTE,
        root_retention: 30 * DAY,
        clock_witnesses: CLOCK_WITNESSES,
        budget: 1_000_000,
        reject_bytes: 65_536,
    }
}

impl Case {
    pub(crate) fn read(name: String) -> Case {
        let path = crate::golden("events").join(format!("{name}.jsonl"));
        let events = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut engine = Engine::new(rules(), "golden/0".into(), 0);
        for line in lines(&events) {
            let record = Record { offset: engine.next(), timestamp: Some(LOGGED), payload: Some(line), ..Record::default() };
            engine.observe(&record, parse(&record));
        }
        let batch = engine.flush();
        Case { name, events, batch }
    }

    /// Every row, one block each; columns that are 0, false or empty are left out.
    pub(crate) fn text(&self) -> String {
        let rows = &self.batch.rows;
        let mut text = String::new();
        rows.roots.iter().for_each(|row| write_row(&mut text, "root", row));
        rows.activity_windows.iter().for_each(|row| write_row(&mut text, "activity_window", row));
        rows.cascades.iter().for_each(|row| write_row(&mut text, "cascade", row));
        rows.threads.iter().for_each(|row| write_row(&mut text, "thread", row));
        rows.clicks.iter().for_each(|row| write_row(&mut text, "click", row));
        rows.visits.iter().for_each(|row| write_row(&mut text, "visit", row));
        rows.conversions.iter().for_each(|row| write_row(&mut text, "conversion", row));
        rows.costs.iter().for_each(|row| write_row(&mut text, "cost", row));
        rows.assignments.iter().for_each(|row| write_row(&mut text, "assignment", row));
        rows.reports.iter().for_each(|row| write_row(&mut text, "report", row));
        rows.rejects.iter().for_each(|row| write_row(&mut text, "rejects", row));
        rows.progress.iter().for_each(|row| write_row(&mut text, "progress", row));
        text
    }

    /// Why its rejects were rejected.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = &str> {
        self.batch.rows.rejects.iter().map(|row| &*row.reason)
    }

    /// I3 and I4, and the levels of every tree.
    pub(crate) fn adds_up(&self) {
        let (name, rows) = (&self.name, &self.batch.rows);
        let progress = &rows.progress[0];
        let read = u64::try_from(lines(&self.events).count()).expect("a count");
        assert_eq!(progress.read, read, "{name}: every line is read");
        assert_eq!(progress.read, progress.accepted + progress.duplicates + progress.rejected, "{name}: counted once");
        assert_eq!(self.batch.tally.read(), progress.read, "{name}: the tally says the same");
        assert_eq!(rows.rejects.len() as u64, progress.rejected, "{name}: a row a reject");
        let mut totals: BTreeMap<(&str, u64), (u64, u64)> = BTreeMap::new();
        for row in &rows.activity_windows {
            let total = totals.entry((&*row.root, row.opened)).or_default();
            *total = (total.0 + u64::from(row.shares), total.1 + u64::from(row.replies));
            assert_eq!(row.share_minutes.len(), row.shares as usize, "{name}: a minute a share");
            assert_eq!(row.reply_minutes.len(), row.replies as usize, "{name}: a minute a reply");
        }
        for row in &rows.cascades {
            let total = totals.get_mut(&(&*row.root, row.opened)).expect("a cascade has windows");
            assert_eq!(std::mem::take(&mut total.0), row.size - 1, "{name}: windows = totals");
            assert_eq!(row.levels.iter().sum::<u64>(), row.size, "{name}: levels add up to the size");
        }
        for row in &rows.threads {
            let total = totals.get_mut(&(&*row.root, row.opened)).expect("a thread has windows");
            assert_eq!(std::mem::take(&mut total.1), row.size - 1, "{name}: windows = totals");
            assert_eq!(row.levels.iter().sum::<u64>(), row.size, "{name}: levels add up to the size");
        }
        assert!(totals.values().all(|&left| left == (0, 0)), "{name}: no shares or replies without a shape");
    }
}

/// The records: whole lines, blank ones too.
pub(crate) fn lines(events: &[u8]) -> impl Iterator<Item = &[u8]> {
    events.strip_suffix(b"\n").unwrap_or(events).split(|&byte| byte == b'\n')
}

/// Writes a row's columns in the order of its table.
fn write_row<R: Row + Serialize>(text: &mut String, table: &str, row: &R) {
    let columns = serde_json::to_value(row).expect("a row is JSON");
    text.push_str(table);
    text.push('\n');
    for column in R::COLUMN_NAMES {
        let value = &columns[column];
        if is_empty(value) {
            continue;
        }
        let bytes = (*column == "payload").then(|| serde_json::from_value::<Vec<u8>>(value.clone()).expect("bytes"));
        let value = bytes.map_or_else(|| value.clone(), |bytes| String::from_utf8_lossy(&bytes).into());
        writeln!(text, "  {column}: {value}").expect("text grows");
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}
