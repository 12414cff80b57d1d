//! The engine of one partition: a pure function of its log.
//!
//! It sees offsets, broker timestamps and events; no clock, no I/O, no randomness, no hash order.
//! [`Engine::observe`] folds a record, [`Engine::flush`] says which rows changed, [`Engine::snapshot`] and
//! [`Engine::restore`] carry the state over. Flushes and snapshots only read: final rows are the same
//! whether it is flushed after every event or never. It holds roots and nothing else.

mod cascade;
mod clock;
mod fact;
mod head;
mod histogram;
mod index;
mod interner;
mod last;
mod life;
mod lives;
mod memory;
mod packed;
mod path;
mod people;
mod pseudonym;
mod rejected;
mod resumed;
mod rewriting;
mod rules;
mod scratch;
mod shape;
mod snapshot;
mod tally;
mod thread;
mod tree;
mod window;

#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

pub use last::LastRecord;
pub use pseudonym::{actor_pseudonym, visitor_pseudonym};
pub use rewriting::Gone;
pub use rules::{CLOCK_WITNESSES, Fingerprint, Limits, RULES_REVISION, Rules};
pub use snapshot::{FORMAT as SNAPSHOT_FORMAT, ForeignSnapshot, Inspection, Snapshot};
pub use tally::{BYTES_AN_ENTRY, Holdings, LATENESS_BOUNDS, Tally};

use crate::event::{Event, EventType, Reject};
use crate::record::{Millis, Offset, Record};
use crate::row::{Progress, Rows};
use clock::Clock;
use head::Head;
use interner::Interner;
use last::Last;
use life::Outcome;
use lives::{Lives, Slot};
use pseudonym::Pseudonyms;
use scratch::Scratch;

/// What changed since the last flush.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The rows that changed; `progress` holds one row.
    pub rows: Rows,
    /// The first offset that the rows do not cover: their version.
    pub next: Offset,
    /// How far the data reach, if any event came yet.
    pub watermark: Option<Millis>,
    /// What was counted.
    pub tally: Tally,
}

/// What is counted since the log's beginning, for the table `progress`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Counts {
    read: u64,
    accepted: u64,
    duplicates: u64,
    conflicting_copies: u64,
    rejected: u64,
    /// The accepted, by type (index: `EventType as usize`).
    by_type: [u64; EventType::ALL.len()],
}

/// One partition.
#[derive(Debug)]
pub struct Engine {
    rules: Rules,
    names: Pseudonyms,
    source: Arc<str>,
    first: Offset,
    next: Offset,
    clock: Clock,
    /// Greatest event time that is not from the future.
    greatest: Option<Millis>,
    counts: Counts,
    last: Last,
    lives: Lives,
    interner: Interner,
    /// Lives that changed. A slot may stand here twice, or for a life that is gone.
    dirty: Vec<Slot>,
    dirty_rows: usize,
    /// Rejects, facts, and last rows of evicted lives; the version of these last is set by the flush that takes them.
    pending: Rows,
    pending_weight: usize,
    tally: Tally,
    scratch: Scratch,
}

impl Engine {
    /// An engine that has seen nothing; `first` is where its log begins.
    #[must_use]
    pub fn new(rules: Rules, source: Arc<str>, first: Offset) -> Self {
        Engine {
            names: Pseudonyms::new(&rules.pseudonym_key),
            rules,
            source,
            first,
            next: first,
            clock: Clock::default(),
            greatest: None,
            counts: Counts::default(),
            last: Last::default(),
            lives: Lives::default(),
            interner: Interner::default(),
            dirty: Vec::new(),
            dirty_rows: 0,
            pending: Rows::default(),
            pending_weight: 0,
            tally: Tally::default(),
            scratch: Scratch::default(),
        }
    }

    /// Folds one record, read as an event or a reject. Records come in the order of their offsets; one
    /// below [`Engine::next`] was folded before and is ignored.
    pub fn observe(&mut self, record: &Record<'_>, event: Result<Event<'_>, Reject>) {
        if record.offset < self.next {
            return;
        }
        self.next = record.offset + 1;
        self.last.keep(record);
        self.counts.read += 1;
        self.move_clock(record.timestamp);
        self.evict_by_age();
        match event {
            Ok(event) => self.accept(event, record),
            Err(reject) => self.reject(record, &reject),
        }
        self.evict_by_budget();
        debug_assert!(self.is_conserved(), "I3: every record is counted once");
    }

    /// Says that the log reaches `next`, although no record came (control records, gaps).
    pub fn advance(&mut self, next: Offset) {
        self.next = self.next.max(next);
    }

    /// The first offset not covered.
    #[must_use]
    pub fn next(&self) -> Offset {
        self.next
    }

    /// The source it reads.
    #[must_use]
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// The last record read, to recognise the log by.
    #[must_use]
    pub fn last_record(&self) -> Option<LastRecord> {
        self.last.record(&self.names)
    }

    /// The log's time of the last record read since the start, if it has one.
    #[must_use]
    pub fn last_timestamp(&self) -> Option<Millis> {
        self.last.timestamp()
    }

    /// Whether a record is the one that was read last: the log is the one it was.
    #[must_use]
    pub fn recognises(&self, record: &Record<'_>) -> bool {
        let mut seen = Last::default();
        seen.keep(record);
        self.last_record() == seen.record(&self.names)
    }

    /// How many rows a flush would give now, about.
    #[must_use]
    pub fn dirty_rows(&self) -> usize {
        self.dirty_rows + self.pending.len() + self.pending_weight
    }

    /// What the engine holds; its memory, as it was at the last flush.
    #[must_use]
    pub fn holdings(&self) -> Holdings {
        let held = self.lives.holdings();
        Holdings { bytes: held.bytes + self.interner.bytes() + self.scratch.shape.bytes() as u64, ..held }
    }

    /// How far the data reach: the greatest event time that is not from the future, less the lag.
    #[must_use]
    pub fn watermark(&self) -> Option<Millis> {
        self.greatest.map(|time| time - self.rules.watermark_lag)
    }

    /// The rows that changed since the last flush, whole, at version `next`: so no row ever replaces one that knew
    /// more of the same life (I8).
    pub fn flush(&mut self) -> Batch {
        let mut rows = std::mem::take(&mut self.pending);
        rows.set_version(self.next);
        let mut dirty = std::mem::take(&mut self.dirty);
        // In the order of their opening, so that equal histories give equal batches.
        dirty.sort_unstable_by_key(|&slot| self.lives.get(slot).map(|life| life.opened));
        // The most and largest rows: grown step by step they would be copied again and again.
        let windows = dirty.iter().filter_map(|&slot| self.lives.get(slot)).map(|life| life.changed.windows.len());
        rows.activity_windows.reserve(windows.sum());
        for slot in dirty {
            self.settle(slot, &mut rows);
        }
        rows.progress.push(self.progress());
        (self.dirty_rows, self.pending_weight) = (0, 0);
        Batch { rows, next: self.next, watermark: self.watermark(), tally: std::mem::take(&mut self.tally) }
    }

    fn progress(&self) -> Progress {
        let Counts { read, accepted, duplicates, conflicting_copies, rejected, by_type } = self.counts;
        let by_type = EventType::ALL.map(|kind| (kind.as_str().to_owned(), by_type[kind as usize]));
        Progress {
            epoch: self.rules.epoch,
            source: Arc::clone(&self.source),
            first: self.first,
            version: self.next,
            watermark: self.watermark().unwrap_or_default().max(0),
            read,
            accepted,
            duplicates,
            conflicting_copies,
            rejected,
            accepted_by_type: by_type.into_iter().filter(|(_, count)| *count > 0).collect(),
            // Whoever reads the log fills it in, as the sink does the next.
            log_end: 0,
            written: 0,
        }
    }

    fn move_clock(&mut self, timestamp: Option<Millis>) {
        let Some(timestamp) = timestamp else { return };
        if self.clock.is_far_behind(timestamp, &self.rules) {
            self.tally.ahead += 1;
        }
        self.clock.observe(timestamp, &self.rules);
    }

    fn accept(&mut self, event: Event<'_>, record: &Record<'_>) {
        let kind = event.event_type();
        let life = event.root().map(|root| self.life_of(root, record.offset));
        match life.map_or(Outcome::Accepted, |slot| self.fold(slot, &event)) {
            Outcome::Accepted => {
                self.counts.accepted += 1;
                self.counts.by_type[kind as usize] += 1;
                self.tally.accepted[kind as usize] += 1;
                self.follow_time(event.time, record.timestamp);
                if event.is_fact() {
                    self.keep_fact(event, record, life);
                }
            }
            Outcome::Duplicate => self.count_duplicate(kind),
            Outcome::ConflictingCopy => {
                self.count_duplicate(kind);
                self.counts.conflicting_copies += 1;
                self.tally.conflicting_copies += 1;
            }
        }
    }

    fn count_duplicate(&mut self, kind: EventType) {
        self.counts.duplicates += 1;
        self.tally.duplicates[kind as usize] += 1;
    }

    fn follow_time(&mut self, time: Millis, timestamp: Option<Millis>) {
        if let Some(watermark) = self.watermark() {
            self.tally.late_by(watermark - time);
        }
        if timestamp.or(self.clock.end()).is_some_and(|timestamp| time > timestamp.saturating_add(self.rules.future_bound)) {
            self.tally.future += 1;
        } else {
            self.greatest = self.greatest.max(Some(time));
        }
    }

    /// Finds or opens the life of a root, and touches it.
    fn life_of(&mut self, root: &str, offset: Offset) -> Slot {
        let slot = self.lives.find_or_open(root, self.names.root(root), offset);
        self.lives.touch(slot, offset, self.clock.stamped());
        slot
    }

    fn fold(&mut self, slot: Slot, event: &Event<'_>) -> Outcome {
        let Engine { lives, names, interner, rules, .. } = self;
        let folded = lives.change(slot, |life| {
            let (known, before) = (life.changed.any, life.changed.rows());
            let outcome = life.fold(event, rules.window, names, interner);
            (outcome, life.changed.any && !known, life.changed.rows() - before)
        });
        let Some((outcome, is_news, rows)) = folded else { return Outcome::Accepted };
        self.note_change(slot, is_news, rows);
        outcome
    }

    /// Rows of a life are marked: whether none were before, and how many more there are.
    fn note_change(&mut self, slot: Slot, is_news: bool, rows: usize) {
        if is_news {
            self.dirty.push(slot);
        }
        self.dirty_rows += rows;
    }

    /// Adds the rows of a life that changed.
    fn settle(&mut self, slot: Slot, rows: &mut Rows) {
        let Some(changed) = self.lives.take_changed(slot) else { return };
        let Some(life) = self.lives.get(slot) else { return };
        let head = Head::of(life, self.rules.epoch, &self.source, self.next);
        if let Some(post) = life.post.as_deref().filter(|_| changed.root) {
            rows.roots.push(head.root_row(post));
        }
        if !changed.windows.is_empty() {
            window::add_rows(life, &head, self.rules.window, &changed.windows, &mut rows.activity_windows);
        }
        if let Some(tree) = life.cascade.as_deref().filter(|_| changed.cascade) {
            rows.cascades.push(cascade::row(life, tree, &mut self.scratch, &head));
        }
        if let Some(tree) = life.thread.as_deref().filter(|_| changed.thread) {
            let measure = thread::Measure { session_gap: self.rules.session_gap, names: &self.names };
            rows.threads.push(thread::row(life, tree, &mut self.scratch, &head, measure));
        }
    }

    fn evict_by_age(&mut self) {
        while let Some((slot, life)) = self.lives.least_recent()
            && self.clock.is_over(life.touched_stamped)
        {
            self.evict(slot);
            self.tally.evicted_by_age += 1;
        }
    }

    /// Keeps I7: what goes depends on the log alone, the state stays within its budget.
    fn evict_by_budget(&mut self) {
        while self.lives.entries() > self.rules.budget
            && let Some((slot, _)) = self.lives.least_recent()
        {
            self.evict(slot);
            self.tally.evicted_by_budget += 1;
        }
    }

    /// Ends a life; its last rows wait for the next flush.
    fn evict(&mut self, slot: Slot) {
        let mut pending = std::mem::take(&mut self.pending);
        self.settle(slot, &mut pending);
        self.pending = pending;
        self.lives.remove(slot);
    }

    fn is_conserved(&self) -> bool {
        let Counts { read, accepted, duplicates, rejected, .. } = self.counts;
        read == accepted + duplicates + rejected
    }
}
