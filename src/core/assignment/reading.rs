//! A partition that is read: its engine, and how far its rows, states and offsets are.

use std::time::Duration;

use super::judgement::{Bounds, check_bounds};
use super::promise::Promise;
use super::refusal::{self, Unrecognised};
use super::stamps::Stamps;
use super::{Event, Publication, Terms, Undone};
use crate::engine::{Batch, Engine, Snapshot};
use crate::event::{self, UnknownFields};
use crate::failure::Failure;
use crate::record::{Offset, Partition, Record};

mod garbage;

pub use garbage::Garbage;
use garbage::Recent;

/// A checkpoint of so many bytes doubles the time to the next one: large states are written less often.
const BYTES_AN_INTERVAL: u64 = 64 << 20;

/// A partition to which nothing is written says so often in `progress` that it is read: nobody takes it for one that is behind.
const SIGN_OF_LIFE: Duration = Duration::from_hours(1);

/// A partition that is read.
#[derive(Debug)]
pub struct Running {
    /// What was folded.
    pub engine: Engine,
    /// Where its log ended when that was last known.
    pub log_end: Offset,
    /// `next` of the last flush; `None` before the first, which writes at least the row of `progress`.
    flushed: Option<Offset>,
    /// When that was.
    shown_at: Duration,
    durable: Option<Offset>,
    /// `next` of the last flush before whose `progress` the tables show that they are whole.
    asked: Option<Offset>,
    /// Up to where they have shown it since: what they said at the opening, another member may have brought about.
    whole: Option<Offset>,
    /// What the store must know by now.
    promise: Promise,
    /// How often opening failed before it was read, until the store has shown that it remembers.
    opened_after: u32,
    published: Offset,
    committed: Option<Offset>,
    /// Whether the log has still to show that it is the one that was read before.
    unrecognised: bool,
    /// Whether its bounds are being asked for, because its log is doubted.
    comparing: bool,
    /// Whether its rows are refused, and sent alone: until they are settled it is not read, and has nothing to say.
    held: bool,
    /// Whether more than a batch is still to be read.
    behind: bool,
    /// Where the state continues that waits for its rows, or for the checkpoint store.
    publishing: Option<Offset>,
    checkpoint_at: Duration,
    /// Checkpoints that failed since one succeeded.
    failures: u32,
    recent: Recent,
    /// Fields that nobody reads, since the last flush.
    unknown: UnknownFields,
    /// When the records since the last flush were written, but for those below this offset: they could be read before.
    stamps: Stamps,
    acknowledged: Offset,
}

/// What a partition that leaves must know of what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// Its last state was not published.
    NotPublished,
    /// And will not be until the operator acts.
    PublicationRefused,
    /// The offset of its newest checkpoint was not committed.
    NotCommitted,
    /// Nothing of the kind.
    Other,
}

/// How far one partition is. Everything below the offsets is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The partition.
    pub partition: Partition,
    /// Folded.
    pub next: Offset,
    /// In the store; `None` before the first rows.
    pub durable: Option<Offset>,
    /// In the newest published checkpoint.
    pub published: Offset,
    /// Committed to the group.
    pub committed: Option<Offset>,
}

impl Running {
    /// Reads on from an engine whose state is published; and the offset from which the log is read: the last record read is
    /// read once more, to see whether this is the log it was.
    pub(super) fn new(
        engine: Engine,
        (promise, opened_after): (Promise, u32),
        bounds: Bounds,
        checkpoint_at: Duration,
        batch: u64,
    ) -> (Running, Offset) {
        let next = engine.next();
        let mut running = Running {
            engine,
            log_end: bounds.end,
            flushed: None,
            shown_at: Duration::ZERO,
            durable: (next > bounds.first).then_some(next),
            asked: None,
            whole: None,
            promise,
            opened_after,
            published: next,
            committed: bounds.committed,
            unrecognised: false,
            comparing: false,
            held: false,
            behind: bounds.end.saturating_sub(next) > batch,
            publishing: None,
            checkpoint_at,
            failures: 0,
            recent: Recent::default(),
            unknown: UnknownFields::default(),
            stamps: Stamps::default(),
            acknowledged: 0,
        };
        let from = running.from(bounds);
        (running, from)
    }

    fn from(&mut self, bounds: Bounds) -> Offset {
        let last = self.engine.last_record().map(|last| last.offset).filter(|last| *last >= bounds.first);
        self.unrecognised = last.is_some();
        last.unwrap_or(self.engine.next())
    }

    /// The log may not be the one it was. Says whether that is news; the reader says it again to whoever is held.
    pub(super) fn doubt(&mut self) -> bool {
        !self.held && !std::mem::replace(&mut self.comparing, true)
    }

    /// Its rows are refused, or were settled. A state that was to be published with them is taken again.
    pub(super) fn hold(&mut self, held: bool) {
        (self.held, self.publishing) = (held, None);
    }

    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// Rows that would leave with a flush now.
    #[must_use]
    pub fn dirty_rows(&self) -> usize {
        if self.held { 0 } else { self.engine.dirty_rows() }
    }

    pub(super) fn is_comparing(&self) -> bool {
        self.comparing
    }

    /// Where a doubted log is to be read once more, as after a restore; or why it must not be.
    pub(super) fn compare(&mut self, source: &str, bounds: Bounds) -> Result<Offset, String> {
        self.comparing = false;
        let from = self.from(bounds);
        check_bounds(source, bounds, self.engine.next()).map(|()| from)
    }

    pub(super) fn fold(&mut self, source: &str, records: &[Record<'_>]) -> Result<(), String> {
        self.recognise(source, records.first())?;
        for record in records {
            // One that is read once more is counted once.
            if record.offset >= self.engine.next().max(self.acknowledged) {
                self.stamps.add(record);
            }
            let event = event::parse_noting(record, &mut self.unknown);
            self.engine.observe(record, event);
        }
        Ok(())
    }

    pub(super) fn end(&mut self, source: &str, end: Offset) -> Result<(), String> {
        // A broker that has just begun to lead may not know its end yet.
        if self.unrecognised && self.engine.last_record().is_some_and(|last| end <= last.offset) {
            return Ok(());
        }
        self.recognise(source, None)?;
        self.engine.advance(end);
        (self.behind, self.log_end) = (false, end);
        Ok(())
    }

    /// Reading starts at the last record read before, so that very record must come first; it is folded already, and the
    /// engine ignores it. It was committed when it was read: only compaction, or another log, can have taken it away.
    fn recognise(&mut self, source: &str, first: Option<&Record<'_>>) -> Result<(), String> {
        let Some(last) = std::mem::take(&mut self.unrecognised).then(|| self.engine.last_record()).flatten() else {
            return Ok(());
        };
        match first.filter(|first| first.offset == last.offset) {
            None => Err(refusal::unrecognised(source, last.offset, Unrecognised::Nothing)),
            Some(first) if self.engine.recognises(first) => Ok(()),
            Some(_) => Err(refusal::unrecognised(source, last.offset, Unrecognised::Another)),
        }
    }

    pub(super) fn garbage(&mut self, partition: Partition, bound: Garbage) -> Option<String> {
        let Recent { read, rejected } = self.recent.garbage(bound)?;
        Some(refusal::garbage(partition, rejected, read))
    }

    /// What changed since the last flush, and the fields that nobody read; and whether the tables will show that they are whole.
    pub fn flush(&mut self, now: Duration, whole: bool) -> (Batch, UnknownFields) {
        let mut batch = self.engine.flush();
        for progress in &mut batch.rows.progress {
            progress.log_end = self.log_end.max(batch.next);
        }
        (self.flushed, self.shown_at) = (Some(batch.next), now);
        self.asked = if whole { self.flushed } else { self.asked };
        self.recent.add(&batch.tally);
        (batch, std::mem::take(&mut self.unknown))
    }

    /// The store has acknowledged everything below this offset before.
    pub fn acknowledged(&mut self, upto: Offset) {
        self.acknowledged = upto;
    }

    /// When the records since the flush before were written, for whoever hears that their rows can be read.
    pub fn take_stamps(&mut self) -> Stamps {
        std::mem::take(&mut self.stamps)
    }

    /// Its state as of the last flush, to be published once the rows are durable, and what the store must know by then.
    pub fn snapshot(&mut self) -> (Offset, Promise, Snapshot) {
        let next = self.engine.next();
        self.publishing = Some(next);
        (next, Promise { progress: Some(next), tables: Some(next), ..self.promise }, self.engine.snapshot())
    }

    /// How often opening has failed, if the store forgets time and again: two stores behind one address do.
    pub(super) fn times_forgotten(&self) -> u32 {
        self.opened_after
    }

    /// What the store must know by now.
    #[must_use]
    pub fn promise(&self) -> Promise {
        self.promise
    }

    /// How far the log reaches is known, or not.
    pub fn lags(&mut self, unread: Option<u64>, batch: u64) {
        self.behind = unread.is_some_and(|unread| unread > batch);
        // While the last record is read once more, the log's reader stands before `next`.
        if let Some(unread) = unread.filter(|_| !self.unrecognised) {
            self.log_end = self.engine.next() + unread;
        }
    }

    /// Notes how far rows, states and offsets are.
    pub(super) fn note(&mut self, now: Duration, event: &Event, terms: &Terms) -> Noted {
        match event {
            Event::Durable { next, whole } => {
                self.durable = self.durable.max(Some(*next));
                // A last state is published up to here only.
                if *whole {
                    self.whole = self.whole.max(Some(*next));
                    self.promise.tables = self.promise.tables.max(self.whole);
                }
                self.promise.progress = self.promise.progress.max(Some(*next));
                self.opened_after = 0;
            }
            // Of rows that this engine may have yet to fold.
            Event::DurableLate { next, whole } => self.promise = self.promise.and(Some(*next), whole.then_some(*next)),
            Event::Published(publication, outcome) => return self.published(now, *publication, outcome, terms),
            Event::Committed(next) => self.committed = self.committed.max(Some(*next)),
            Event::NotCommitted(next) if *next == self.published => return Noted::NotCommitted,
            Event::Held(held) => self.hold(*held),
            Event::CommittedLate => self.committed = None,
            Event::Compared(_) | Event::NotCompared => self.comparing = false,
            Event::NotCommitted(_)
            | Event::Answered(..)
            | Event::NotAnswered
            | Event::Started
            | Event::NotStarted
            | Event::Doubted
            | Event::Forgotten
            | Event::Revoked(_)
            | Event::Lost
            | Event::Tick => {}
        }
        Noted::Other
    }

    fn published(&mut self, now: Duration, publication: Publication, outcome: &Result<(), Failure>, terms: &Terms) -> Noted {
        let Publication { next, bytes, took } = publication;
        self.publishing = self.publishing.filter(|under_way| *under_way != next);
        let Err(failure) = outcome else {
            self.published = self.published.max(next);
            self.failures = 0;
            self.checkpoint_at = now + spacing(terms.checkpoint_interval, bytes);
            return Noted::Other;
        };
        let again = terms.backoff.delay(self.failures, terms.seed);
        self.failures = self.failures.saturating_add(1);
        // An attempt that hangs in a file system cannot be called off and keeps its bytes: the longer one took, and the more
        // of them failed, the later comes the next.
        self.checkpoint_at = now + again.max(took.saturating_mul(self.failures));
        match failure {
            _ if next != self.engine.next() => Noted::Other,
            Failure::Transient(_) => Noted::NotPublished,
            Failure::Operator(_) => Noted::PublicationRefused,
        }
    }

    /// Whether a flush would say something new.
    pub(super) fn has_moved(&self) -> bool {
        self.flushed != Some(self.engine.next())
    }

    /// When a row of `progress` should say that it is read although nothing comes.
    pub(super) fn sign_of_life_due(&self) -> Duration {
        self.shown_at + SIGN_OF_LIFE
    }

    pub(super) fn is_behind(&self) -> bool {
        self.behind
    }

    pub(super) fn checkpoint_due(&self) -> Option<Duration> {
        let useful = !self.held && self.publishing.is_none() && self.engine.next() > self.published;
        useful.then_some(self.checkpoint_at)
    }

    /// What failed before it was to leave delays the last state by nothing.
    pub(super) fn forget_failures(&mut self) {
        self.failures = 0;
    }

    /// When the last state may be published: at once but after a failure, whatever older one is under way.
    pub(super) fn last_state_due(&self) -> Option<Duration> {
        let at = if self.failures == 0 { Duration::ZERO } else { self.checkpoint_at };
        (self.publishing != Some(self.engine.next())).then_some(at)
    }

    /// What the group should have committed by now. Nothing in a log that may not be the one that was read.
    #[must_use]
    pub fn uncommitted(&self) -> Option<Offset> {
        if self.unrecognised {
            return None;
        }
        (self.committed < Some(self.published)).then_some(self.published)
    }

    /// Where its newest checkpoint continues, if more was read than that.
    pub(super) fn unpublished(&self) -> Option<Offset> {
        (self.published < self.engine.next()).then_some(self.published)
    }

    /// Whether its last state still waits for tables that nobody has asked.
    pub(super) fn is_unasked(&self) -> bool {
        self.unpublished().is_some() && self.asked != Some(self.engine.next())
    }

    pub(super) fn undone(&self) -> Option<Undone> {
        let next = Some(self.engine.next());
        if self.has_moved() || self.durable < next || (self.unpublished().is_some() && self.whole < next) {
            return Some(Undone::Rows);
        }
        match self.unpublished() {
            Some(_) => Some(Undone::Checkpoint),
            None => self.uncommitted().map(|_| Undone::Commit),
        }
    }

    /// How far it is.
    #[must_use]
    pub fn position(&self, partition: Partition) -> Position {
        Position {
            partition,
            next: self.engine.next(),
            durable: self.durable,
            published: self.published,
            committed: self.committed,
        }
    }
}

/// The time from one checkpoint to the next.
fn spacing(interval: Duration, bytes: usize) -> Duration {
    let more = u64::try_from(bytes).unwrap_or(u64::MAX) / BYTES_AN_INTERVAL;
    interval.saturating_mul(u32::try_from(more).unwrap_or(u32::MAX).saturating_add(1))
}
