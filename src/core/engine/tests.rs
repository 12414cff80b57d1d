//! What the engine promises, on small histories made up here.

mod adversarial;
mod clock;
mod facts;
mod lives;
mod marks;
mod naive;
mod oracles;
mod order;
mod quotes;
mod rewriting;
mod values;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::event::{Body, Click, Post, Reason, Reply, Share};
use crate::record::Millis;

/// Monday, 4 March 2024, 12:00 UTC.
pub(super) const NOON: Millis = 1_709_553_600_000;
pub(super) const MINUTE: Millis = 60_000;
pub(super) const DAY: Millis = 86_400_000;

pub(crate) fn rules() -> Rules {
    Rules {
        epoch: 0,
        pseudonym_key: *b"a key of 16 byte",
        window: 15 * MINUTE,
        session_gap: 30 * MINUTE,
        watermark_lag: MINUTE,
        future_bound: 5 * MINUTE,
        root_retention: 30 * DAY,
        clock_witnesses: CLOCK_WITNESSES,
        budget: 100_000_000,
        reject_bytes: 65_536,
    }
}

pub(super) fn engine() -> Engine {
    Engine::new(rules(), "t/0".into(), 0)
}

/// An event whose texts are its own.
pub(super) type Told = Event<'static>;

pub(super) fn actor(name: &str) -> Option<Cow<'static, str>> {
    (!name.is_empty()).then(|| Cow::Owned(name.to_owned()))
}

pub(super) fn text(text: &str) -> Cow<'static, str> {
    Cow::Owned(text.to_owned())
}

/// A root post; an empty author is a deleted account.
pub(super) fn post(id: &str, by: &str, time: Millis) -> Told {
    let post = Post { actor: actor(by), brand: "acme".into(), channel: "feed".into(), ..Post::default() };
    Event { id: text(id), time, body: Body::Post(Box::new(post)) }
}

pub(super) fn share(root: &str, id: &str, parent: &str, by: &str, time: Millis) -> Told {
    let share = Share { actor: actor(by), root: text(root), parent: text(parent), ..Share::default() };
    Event { id: text(id), time, body: Body::Share(share) }
}

pub(super) fn reply(root: &str, id: &str, parent: &str, by: &str, time: Millis) -> Told {
    let reply = Reply { actor: actor(by), root: text(root), parent: text(parent), ..Reply::default() };
    Event { id: text(id), time, body: Body::Reply(reply) }
}

pub(super) fn sample(root: &str, id: &str, metric: &str, value: f64, time: Millis) -> Told {
    Event { id: text(id), time, body: Body::Sample { root: text(root), metric: text(metric), value } }
}

pub(super) fn click(root: &str, id: &str, target: Option<&str>, time: Millis) -> Told {
    let click = Click { root: root.to_owned(), target: target.map(str::to_owned), ..Click::default() };
    Event { id: text(id), time, body: Body::Click(Box::new(click)) }
}

/// Gives an engine one event as the next record of its log, at a time of the log.
pub(super) fn observe_at(engine: &mut Engine, event: &Told, timestamp: Millis) {
    let record = Record { offset: engine.next(), timestamp: Some(timestamp), ..Record::default() };
    engine.observe(&record, Ok(event.clone()));
}

pub(super) fn observe(engine: &mut Engine, event: &Told) {
    observe_at(engine, event, NOON + DAY);
}

/// The tables: each row under its key, the greatest version standing, versions themselves left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tables {
    pub(super) roots: BTreeMap<(Arc<str>, u64), crate::row::Root>,
    pub(super) windows: BTreeMap<(Arc<str>, u64, u32), crate::row::ActivityWindow>,
    pub(super) cascades: BTreeMap<(Arc<str>, u64), crate::row::Cascade>,
    pub(super) threads: BTreeMap<(Arc<str>, u64), crate::row::Thread>,
    /// Version and content of each fact, by table and id.
    pub(super) facts: BTreeMap<(&'static str, String), (u64, String)>,
    pub(super) rejects: BTreeMap<u64, crate::row::Rejected>,
    pub(super) progress: Option<Progress>,
}

impl Tables {
    /// Writes a batch over what stands.
    pub(super) fn insert(&mut self, batch: Batch) {
        let mut rows = batch.rows;
        rows.set_version(0);
        self.roots.extend(rows.roots.into_iter().map(|row| ((row.root.clone(), row.opened), row)));
        self.windows.extend(rows.activity_windows.into_iter().map(|row| ((row.root.clone(), row.opened, row.window_start), row)));
        self.cascades.extend(rows.cascades.into_iter().map(|row| ((row.root.clone(), row.opened), row)));
        self.threads.extend(rows.threads.into_iter().map(|row| ((row.root.clone(), row.opened), row)));
        self.rejects.extend(rows.rejects.into_iter().map(|row| (row.offset, row)));
        self.progress = rows.progress.pop().or(self.progress.take());
        rows.clicks.iter().for_each(|row| self.keep("click", &row.id, row.version, row));
        rows.visits.iter().for_each(|row| self.keep("visit", &row.id, row.version, row));
        rows.conversions.iter().for_each(|row| self.keep("conversion", &row.id, row.version, row));
        rows.costs.iter().for_each(|row| self.keep("cost", &row.id, row.version, row));
        rows.assignments.iter().for_each(|row| self.keep("assignment", &row.id, row.version, row));
        rows.reports.iter().for_each(|row| self.keep("report", &row.id, row.version, row));
    }

    fn keep(&mut self, table: &'static str, id: &str, version: u64, row: &impl std::fmt::Debug) {
        let kept = self.facts.entry((table, id.to_owned())).or_default();
        *kept = (version, format!("{row:?}")).max(std::mem::take(kept));
    }

    pub(super) fn cascade(&self, root: &str) -> &crate::row::Cascade {
        self.cascades.values().find(|row| &*row.root == root).expect("the root has a cascade")
    }

    pub(super) fn thread(&self, root: &str) -> &crate::row::Thread {
        self.threads.values().find(|row| &*row.root == root).expect("the root has a thread")
    }
}

/// The tables after a straight pass with one flush at the end.
pub(super) fn fold(events: &[Told]) -> Tables {
    let mut engine = engine();
    events.iter().for_each(|event| observe(&mut engine, event));
    let mut tables = Tables::default();
    tables.insert(engine.flush());
    tables
}

/// Tables without what depends on the order of arrival: a life is named by its first offset.
pub(super) fn without_offsets(mut tables: Tables) -> Tables {
    let root_only = |root: &Arc<str>| root.clone();
    // Which copy of a fact came first, and how the tree stood at a click, is the order's.
    tables.facts.clear();
    tables.roots =
        tables.roots.into_values().map(|row| ((root_only(&row.root), 0), crate::row::Root { opened: 0, ..row })).collect();
    tables.windows = tables
        .windows
        .into_values()
        .map(|row| ((root_only(&row.root), 0, row.window_start), crate::row::ActivityWindow { opened: 0, ..row }))
        .collect();
    tables.cascades =
        tables.cascades.into_values().map(|row| ((root_only(&row.root), 0), crate::row::Cascade { opened: 0, ..row })).collect();
    tables.threads =
        tables.threads.into_values().map(|row| ((root_only(&row.root), 0), crate::row::Thread { opened: 0, ..row })).collect();
    tables
}

pub(super) fn a_reject() -> Result<Told, Reject> {
    Err(Reject { reason: Reason::BrokenJson, detail: "for a test".into() })
}
