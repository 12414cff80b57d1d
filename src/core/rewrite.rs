//! `grapevine rewrite` of one source, as a pure state machine: what its newest state, the store and the log say decides what is written
//! again, in which order, and what is lost for good.
//!
//! ```text
//! (Read …) ─► Record (facts, rejects) ─► Read ⇄ Insert ─► Record (lives, holes) ─► Insert … ─► Mark ─► Append ─► Done
//! ```
//!
//! Where only the log shows whether facts or rejects are lost, it is counted first. It hands out one step after another, and is told what
//! the log gave; the command and the simulator carry the steps out. Keeps: a loss is noted before anything is written that would hide it
//! from whoever runs the same again; marks are made when every row is there, and only where the tables of lives are still those that were
//! asked in the beginning; `progress` is written last, so that a worker opens only what is whole.

use std::ops::Range;
use std::sync::Arc;

use crate::assignment::{self, Bounds, Broken, Known, Promise, StoreId, StoredState};
use crate::engine::{Engine, Rules};
use crate::event::{self, Event};
use crate::loss::{Evidence, Loss, LostLives, OfRecords, Shown};
use crate::record::{Offset, Record};
use crate::row::{Progress, Rows};

mod passed;

use passed::Passed;

/// What a source needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Whole,
    /// A worker: a kept state is as old as the store.
    Heals,
    /// To be rewritten.
    Forgotten,
}

/// The number of a run, by which it knows its own marks again: greater than that of any before, also where the clock was set back since.
/// `lot`, drawn by chance, tells it from another one that begins at the same time.
#[must_use]
pub fn number_of_run(clock: u64, newest: Option<u64>, lot: u16) -> u64 {
    clock.max(assignment::written(newest)).saturating_add(lot.into())
}

/// What a source needs, by one of its states, of which the newer ones have not said it; `None` where an older state must. A worker would
/// find the same. Where there is no older one, it is forgotten.
#[must_use]
pub fn standing((next, promise): (Offset, Promise), known: &Known, log_first: Offset, is_newest: bool) -> Option<Standing> {
    match promise.compare(known) {
        Ok(_) if is_newest => Some(Standing::Whole),
        Ok(_) if next >= log_first => Some(Standing::Heals),
        Ok(_) | Err(Broken::Emptied) => Some(Standing::Forgotten),
        Err(Broken::Forgotten | Broken::Another) => None,
    }
}

/// Whether a source is rewritten: those that are forgotten; with `all` also those of which nothing is missed, if they have written anything
/// that may be lost.
#[must_use]
pub fn is_asked_for(standing: Standing, promise: &Promise, all: bool) -> bool {
    standing == Standing::Forgotten || (all && standing == Standing::Whole && promise.progress.is_some())
}

/// The id that an empty store must have, if its own is another than that which the states of sources name: from there on it is taken for
/// that one. A store in which somebody has written is another one: whose it is, only a person knows.
///
/// # Errors
/// Why nothing may be given to this one.
pub fn id_to_give<'a>(
    sources: impl Iterator<Item = (&'a str, Promise, StoreId)> + Clone,
    is_empty: bool,
) -> Result<Option<StoreId>, String> {
    let mut others = sources.filter(|(_, promise, here)| promise.progress.is_some() && promise.store != *here);
    let Some((_, Promise { store: wanted, .. }, _)) = others.clone().next() else { return Ok(None) };
    match others.find(|(_, promise, _)| !is_empty || promise.store != wanted) {
        None => Ok(Some(wanted)),
        Some((source, promise, here)) => Err(format!(
            "the store is not empty, or was made for states of several stores: {}",
            assignment::another_store(source, promise.store, here)
        )),
    }
}

/// What is known of a source that is to be rewritten.
#[derive(Debug)]
pub struct Found<'a> {
    /// Its newest state.
    pub state: &'a StoredState,
    /// What the store says, once each table of lives holds something by which it is known again ([`Step::Mark`]).
    pub known: Known,
    /// Where its log begins and ends.
    pub bounds: Bounds,
    /// What tables of facts and rejects hold of it.
    pub records: OfRecords,
    /// Offsets that no count covers (`grapevine resume`).
    pub uncounted: Vec<Range<Offset>>,
}

/// What is to be done next.
#[derive(Debug)]
pub enum Step {
    /// Note what is lost for good.
    Record(Vec<Loss>),
    /// Give the next records of this part of the log to [`Rewrite::read`]; where there are no more, say [`Rewrite::read_to`]; where the log
    /// does not begin before it any more, [`Rewrite::begins_at`].
    Read(Range<Offset>),
    /// Insert rows, but for clicks that are there, as this copy or an earlier one: only those know the way to their target.
    Insert(Rows),
    /// Make the marks of the source anew, if each table of lives is known again; else what was written into it is gone, and the source is
    /// to be rewritten once more.
    Mark(Progress),
    /// Append `progress`.
    Append(Progress),
    /// Nothing: it is whole.
    Done,
}

/// One source on its way.
#[derive(Debug)]
pub struct Rewrite {
    engine: Engine,
    evidence: Evidence,
    lives: LostLives,
    counted: Counted,
    passed: Passed,
    log_end: Offset,
    rows_max: usize,
    /// What is to be noted before anything else.
    unrecorded: Vec<Loss>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Count,
    Records,
    /// The place of the next life.
    Lives(usize),
    Marks,
    Progress,
    Over,
}

/// What the log shows when it is counted.
#[derive(Debug)]
struct Counted {
    next: Offset,
    shown: Shown,
}

impl Rewrite {
    /// A source that is to be rewritten, in pieces of about so many rows.
    ///
    /// # Errors
    /// Why it cannot be, and what to do.
    pub fn open(rules: &Rules, source: &Arc<str>, found: Found<'_>, rows_max: usize) -> Result<Rewrite, String> {
        let Found { state, known, bounds, records, uncounted } = found;
        let mut engine = assignment::restored(source, rules, bounds, state)?;
        let progress = engine.flush().rows.progress.remove(0);
        let evidence = Evidence { promise: state.promise, known, progress, log_first: bounds.first, records };
        let (next, shown) = (evidence.progress.first.max(bounds.first), Shown::default());
        let (phase, unrecorded) =
            if evidence.asks_the_log() { (Phase::Count, Vec::new()) } else { (Phase::Records, evidence.lost_records(&shown)) };
        Ok(Rewrite {
            lives: evidence.lost_lives(),
            counted: Counted { next, shown },
            passed: Passed::new(next, uncounted),
            log_end: bounds.end,
            rows_max,
            unrecorded,
            phase,
            engine,
            evidence,
        })
    }

    /// The offset of the record by which the log must show that it is the one it was, if it still begins before it.
    #[must_use]
    pub fn witness(&self) -> Option<Offset> {
        self.engine.last_record().map(|last| last.offset).filter(|offset| *offset >= self.evidence.log_first)
    }

    /// Looks at what the log holds there.
    ///
    /// # Errors
    /// When it is another log.
    pub fn recognise(&self, found: Option<&Record<'_>>) -> Result<(), String> {
        let Some(offset) = self.witness() else { return Ok(()) };
        let is_it = found.is_some_and(|record| record.offset == offset && self.engine.recognises(record));
        if is_it { Ok(()) } else { Err(self.another_log(offset)) }
    }

    fn another_log(&self, witness: Offset) -> String {
        format!(
            "the log of {} does not hold at offset {witness} the record that was read there: it is another one, or was cut; raise `epoch`",
            self.engine.source()
        )
    }

    /// The log goes on at an offset with this record, or with none: it may have become another one since it was looked at.
    fn stays(&self, at: Offset, record: Option<&Record<'_>>) -> Result<(), String> {
        let Some(witness) = self.witness() else { return Ok(()) };
        let is_skipped = (self.next()..at).contains(&witness);
        let is_another = witness == at && record.is_some_and(|record| !self.engine.recognises(record));
        if is_skipped || is_another { Err(self.another_log(witness)) } else { Ok(()) }
    }

    /// Whether the log reaches back to where all of its records were counted: then it shows by itself that some are missing. Marks of
    /// transactions leave gaps, too; elsewhere only the settings of the topic speak of it.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        self.passed.is_uncut && self.evidence.is_uncut()
    }

    /// The topic is compacted: where records are not counted, every gap is one of some that were there.
    pub fn suspect_gaps(&mut self) {
        self.passed.is_compacted = true;
    }

    /// From the first gap to the last, if records are missing that were there.
    fn hole(&self) -> Option<Range<Offset>> {
        let Passed { records, gaps, is_compacted, .. } = &self.passed;
        let is_holed = if self.is_counted() { *records < self.evidence.progress.read } else { *is_compacted };
        gaps.clone().filter(|_| is_holed)
    }

    /// What is known to be lost, or may be.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The offsets that are passed over.
    #[must_use]
    pub fn to_read(&self) -> Range<Offset> {
        self.passed.next..self.evidence.progress.version
    }

    /// What is to be done next; what was handed out before has been done.
    pub fn step(&mut self) -> Step {
        if !self.unrecorded.is_empty() {
            return Step::Record(std::mem::take(&mut self.unrecorded));
        }
        match self.phase {
            Phase::Count => self.count(),
            Phase::Records => self.pass_over(),
            Phase::Lives(place) => {
                let next = self.engine.mark_whole(place, self.rows_max);
                self.phase = next.map_or(Phase::Marks, Phase::Lives);
                let rows = self.rows();
                if rows.is_empty() { self.step() } else { Step::Insert(rows) }
            }
            Phase::Marks => {
                self.phase = Phase::Progress;
                Step::Mark(self.progress())
            }
            Phase::Progress => {
                self.phase = Phase::Over;
                Step::Append(self.progress())
            }
            Phase::Over => Step::Done,
        }
    }

    /// How many facts and rejects the log still holds below the state: nothing is written before it is known which are lost.
    fn count(&mut self) -> Step {
        let left = self.counted.next..self.evidence.progress.version;
        if !left.is_empty() {
            return Step::Read(left);
        }
        self.unrecorded = self.evidence.lost_records(&self.counted.shown);
        self.phase = Phase::Records;
        self.step()
    }

    /// Facts and rejects of all that the log still holds below the state.
    fn pass_over(&mut self) -> Step {
        let left = self.to_read();
        let due = if left.is_empty() { 1 } else { self.rows_max.max(1) };
        if self.engine.dirty_rows() >= due {
            return Step::Insert(self.rows());
        }
        if !left.is_empty() {
            return Step::Read(left);
        }
        if let Some(hole) = self.hole() {
            self.lose(hole);
        }
        self.unrecorded.extend(self.lives.losses());
        self.phase = Phase::Lives(0);
        self.step()
    }

    /// The log gave these records, in order.
    ///
    /// # Errors
    /// When it has become another log.
    pub fn read(&mut self, records: &[Record<'_>]) -> Result<(), String> {
        let next = self.next();
        for record in records.iter().filter(|record| (next..self.evidence.progress.version).contains(&record.offset)) {
            self.stays(record.offset, Some(record))?;
            let event = event::parse(record);
            if self.is_counting() {
                if self.passed.counts(record.offset) {
                    self.counted.shown.note(event.as_ref().map(Event::event_type).ok());
                }
                self.counted.next = record.offset + 1;
                continue;
            }
            self.passed.note(record.offset);
            if let Some(gone) = self.engine.write_again(record, event) {
                self.lives.note(record.offset, gone);
            }
        }
        Ok(())
    }

    fn is_counting(&self) -> bool {
        matches!(self.phase, Phase::Count)
    }

    /// From where on it is read.
    fn next(&self) -> Offset {
        if self.is_counting() { self.counted.next } else { self.passed.next }
    }

    /// The log holds no more records below an offset.
    ///
    /// # Errors
    /// When it has become another log.
    pub fn read_to(&mut self, next: Offset) -> Result<(), String> {
        let next = next.min(self.evidence.progress.version);
        self.stays(next, None)?;
        if self.is_counting() {
            self.counted.next = next
        } else {
            self.passed.go_on(next)
        }
        Ok(())
    }

    /// The log begins at an offset by now: retention has taken what was to be read before it.
    pub fn begins_at(&mut self, first: Offset) {
        if self.is_counting() {
            // What went is named when it is passed over.
            self.counted.next = self.counted.next.max(first);
            return;
        }
        let Passed { next, .. } = self.passed;
        if first > next {
            self.passed.next = first.min(self.evidence.progress.version);
            self.passed.is_uncut = false;
            self.lose(next..first);
        }
    }

    /// Records are missing that were there.
    fn lose(&mut self, part: Range<Offset>) {
        self.unrecorded.extend(self.evidence.lost_records_of(&part));
        self.lives.cannot_count_before(part.end);
    }

    /// Rows that are to be written; how far the source is, is said last.
    fn rows(&mut self) -> Rows {
        let mut rows = self.engine.flush().rows;
        rows.progress.clear();
        rows
    }

    fn progress(&self) -> Progress {
        let progress = self.evidence.progress.clone();
        Progress { log_end: self.log_end.max(progress.version), ..progress }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::engine::tests::rules;
    use crate::loss::{LIVES, RECORDS};

    const HERE: StoreId = StoreId(1);
    const TABLES: [&str; 4] = ["root", "activity_window", "cascade", "thread"];

    /// A tree, three facts between them, and what is no event.
    const LOG: [&str; 6] = [
        r#"{"type":"post","id":"r","time":1700000000000,"actor":"a"}"#,
        r#"{"type":"visit","id":"v1","time":1700000001000}"#,
        r#"{"type":"share","id":"s","time":1700000002000,"actor":"b","root":"r","parent":"r"}"#,
        r#"{"type":"visit","id":"v2","time":1700000003000}"#,
        "no event",
        r#"{"type":"visit","id":"v3","time":1700000004000}"#,
    ];

    fn record(offset: Offset) -> Record<'static> {
        let line = LOG[usize::try_from(offset).unwrap()];
        Record { offset, timestamp: Some(1_700_000_010_000), payload: Some(line.as_bytes()), ..Record::default() }
    }

    /// The state behind all of it.
    fn state() -> StoredState {
        let mut engine = Engine::new(rules(), "t/0".into(), 0);
        (0..6).map(record).for_each(|record| engine.observe(&record, event::parse(&record)));
        engine.flush();
        let promise = Promise { store: HERE, progress: Some(6), tables: Some(6) };
        StoredState { next: 6, promise, bytes: engine.snapshot().encode(), published: 0 }
    }

    fn known(progress: Option<Offset>, tables: Option<Offset>) -> Known {
        Known { store: HERE, progress, tables: TABLES.map(|table| (table, tables)).into() }
    }

    /// A source of which everything is lost.
    fn lost(state: &StoredState, first: Offset) -> Found<'_> {
        let bounds = Bounds { first, end: 9, committed: None, partitions: 1 };
        Found { state, known: known(None, None), bounds, records: OfRecords::default(), uncounted: Vec::new() }
    }

    fn of(found: Found<'_>) -> Rewrite {
        Rewrite::open(&rules(), &"t/0".into(), found, 2).unwrap()
    }

    /// A source of which everything is lost; its log begins at an offset.
    fn opened(first: Offset, is_compacted: bool) -> Rewrite {
        let mut rewrite = of(lost(&state(), first));
        if is_compacted {
            rewrite.suspect_gaps();
        }
        rewrite
    }

    fn steps(rewrite: &mut Rewrite, held: &[Offset]) -> String {
        carried_out(rewrite, held).0
    }

    /// The steps in a word each, when the log gives these records, two at once; and what was noted.
    fn carried_out(rewrite: &mut Rewrite, held: &[Offset]) -> (String, Vec<Loss>) {
        let (mut words, mut noted) = (Vec::new(), Vec::new());
        loop {
            match rewrite.step() {
                Step::Record(losses) => {
                    words.extend(losses.iter().map(|Loss { table, first, next, .. }| format!("{table}:{first}-{next}")));
                    noted.extend(losses);
                }
                Step::Read(part) => {
                    let records: Vec<_> = held.iter().filter(|at| part.contains(at)).take(2).copied().map(record).collect();
                    if records.is_empty() { rewrite.read_to(part.end) } else { rewrite.read(&records) }.unwrap();
                    words.push("read".to_owned());
                }
                Step::Insert(rows) => {
                    assert!(rows.progress.is_empty(), "it is said last");
                    assert!(rows.cascades.iter().all(|row| row.version == 6), "as the state says them");
                    words.push(format!("{}+{}", rows.facts() + rows.rejects.len(), rows.cascades.len()));
                }
                Step::Mark(progress) => words.push(format!("mark@{}", progress.version)),
                Step::Append(progress) => words.push(format!("append@{} of {}", progress.version, progress.log_end)),
                Step::Done => return (words.join(" "), noted),
            }
        }
    }

    #[test]
    fn facts_come_first_then_lives_then_marks_and_how_far_it_is_last() {
        let mut rewrite = opened(0, false);
        assert_eq!((rewrite.witness(), rewrite.to_read()), (Some(5), 0..6));
        assert_eq!(rewrite.recognise(Some(&record(5))), Ok(()));
        assert!(rewrite.recognise(Some(&record(4))).is_err() && rewrite.recognise(None).is_err());
        assert_eq!(steps(&mut rewrite, &[0, 1, 2, 3, 4, 5]), "read read 2+0 read 2+0 0+1 mark@6 append@6 of 9");
    }

    #[test]
    fn what_retention_took_is_named_before_anything_is_written() {
        let (said, noted) = carried_out(&mut opened(2, false), &[2, 3, 4, 5]);
        let lives = "root:0-6 activity_window:0-6 cascade:0-6 thread:0-6";
        assert_eq!(said, format!("visit:0-2 rejects:0-2 read read 3+0 {lives} 0+1 mark@6 append@6 of 9"));
        assert_eq!(noted.iter().filter(|loss| loss.reason == RECORDS).count(), 2);
        assert!(noted.iter().filter(|loss| loss.reason == LIVES).all(|loss| loss.lives.is_none()), "nobody can count");
    }

    #[test]
    fn what_retention_takes_meanwhile_is_named_when_it_is_seen() {
        let mut rewrite = opened(0, false);
        assert!(matches!(rewrite.step(), Step::Read(part) if part == (0..6)));
        rewrite.read(&[record(0), record(1)]).unwrap();
        rewrite.begins_at(4);
        let said = steps(&mut rewrite, &[4, 5]);
        assert!(said.starts_with("visit:2-4 rejects:2-4 read "), "{said}");
        assert!(said.contains(" root:0-6 "), "lives can be counted no more: {said}");
        rewrite.begins_at(9);
        assert_eq!(steps(&mut rewrite, &[]), "", "it has been read");
    }

    #[test]
    fn a_log_that_becomes_another_one_while_it_is_read_is_not_read_to_its_end() {
        let another = |offset| Record { payload: Some(b"another"), ..record(offset) };
        let reading = |records: &[Record<'_>]| {
            let mut rewrite = opened(0, false);
            assert!(matches!(rewrite.step(), Step::Read(part) if part == (0..6)));
            let said = rewrite.read(records).err();
            (rewrite, said)
        };
        let (mut rewrite, said) = reading(&[record(0), another(1), record(2)]);
        assert_eq!(said, None, "only the last one that was read is known");
        assert!(rewrite.read(&[record(3), another(5)]).unwrap_err().contains("the log of t/0 does not hold at offset 5"));
        let (mut rewrite, _) = reading(&[record(0), record(4)]);
        assert!(rewrite.read_to(6).unwrap_err().contains("raise `epoch`"), "it is gone");
        let (mut rewrite, _) = reading(&[record(0), record(4)]);
        rewrite.begins_at(6);
        assert_eq!(rewrite.read_to(6), Ok(()), "retention took it");
        // The same where it is counted first.
        let state = state();
        let found = Found { known: known(Some(6), Some(6)), ..lost(&state, 2) };
        let mut rewrite = of(found);
        assert!(matches!(rewrite.step(), Step::Read(part) if part == (2..6)));
        assert!(rewrite.read(&[record(2), another(5)]).is_err() && rewrite.read_to(6).is_err());
    }

    #[test]
    fn a_record_that_is_missing_although_the_log_begins_before_it_is_named() {
        let held = [0, 1, 2, 4, 5];
        let said = steps(&mut opened(0, false), &held);
        assert!(said.contains(" visit:3-4 rejects:3-4 "), "{said}");
        // Where not all records are counted, a gap may be a mark of a transaction.
        let said = steps(&mut opened(1, false), &held[1..]);
        assert!(!said.contains(":3-4"), "{said}");
        let said = steps(&mut opened(1, true), &held[1..]);
        assert!(said.contains(" visit:3-4 rejects:3-4 "), "{said}");
    }

    #[test]
    fn records_that_no_count_covers_stand_for_none_that_is_missing() {
        let mut engine = Engine::new(rules(), "t/0".into(), 0);
        (0..3).map(record).for_each(|record| engine.observe(&record, event::parse(&record)));
        // Resumed at 5, without what was read of 3 and 4.
        let mut engine = Engine::resumed(rules(), "t/0".into(), 5, engine.flush().rows.progress.first());
        engine.observe(&record(5), event::parse(&record(5)));
        engine.flush();
        let state = StoredState { bytes: engine.snapshot().encode(), ..state() };
        let said = |uncounted: Option<Range<Offset>>, held: &[Offset]| {
            steps(&mut of(Found { uncounted: uncounted.into_iter().collect(), ..lost(&state, 0) }), held)
        };
        let named = said(Some(3..5), &[0, 1, 3, 4, 5]);
        assert!(named.contains(" visit:2-3 "), "{named}");
        for (uncounted, held) in [(Some(3..5), &[0, 1, 2, 3, 4, 5][..]), (Some(3..5), &[0, 1, 2, 5]), (None, &[0, 1, 2, 5])] {
            let named = said(uncounted, held);
            assert!(!named.contains("visit:"), "all that was counted is there: {named}");
        }
        // Nor for one that a table lacks although nothing is missed: what was counted is 0, 1, 2 and 5.
        let records = OfRecords { oldest: [("rejects", 0)].into(), ..OfRecords::default() };
        let found =
            Found { known: known(Some(6), Some(6)), records, uncounted: Some(3..5).into_iter().collect(), ..lost(&state, 2) };
        let named = steps(&mut of(found), &[2, 3, 4, 5]);
        assert!(named.contains(" visit:0-2 "), "{named}");
    }

    #[test]
    fn what_a_table_lacks_although_nothing_is_missed_is_counted_before_anything_is_written() {
        let state = state();
        let whole = |first| Found { known: known(Some(6), Some(6)), ..lost(&state, first) };
        let said = steps(&mut of(whole(2)), &[2, 3, 4, 5]);
        assert_eq!(said, "read read visit:0-2 read read 3+0 0+1 mark@6 append@6 of 9", "the only reject stands in the log");
        let said = steps(&mut of(whole(0)), &[0, 1, 2, 3, 4, 5]);
        assert!(said.starts_with("read read 2+0 "), "before its beginning there was nothing: {said}");
        // Retention takes something while it is counted.
        let mut rewrite = of(whole(2));
        assert!(matches!(rewrite.step(), Step::Read(part) if part == (2..6)));
        rewrite.begins_at(4);
        assert!(matches!(rewrite.step(), Step::Read(part) if part == (4..6)));
        let mut said = steps(&mut rewrite, &[4, 5]);
        assert!(said.starts_with("read visit:0-2 read "), "{said}");
        rewrite = of(whole(2));
        rewrite.begins_at(9);
        assert!(matches!(rewrite.step(), Step::Record(lost) if lost.iter().all(|loss| (loss.first, loss.next) == (0, 2))));
        assert!(matches!(rewrite.step(), Step::Read(part) if part == (2..6)));
        rewrite.begins_at(9);
        said = steps(&mut rewrite, &[]);
        assert!(said.starts_with("visit:2-6 rejects:2-6 "), "{said}");
    }

    /// What the table of losses keeps.
    fn keep(kept: &mut BTreeMap<(&'static str, Offset), Loss>, noted: Vec<Loss>) {
        for loss in noted {
            let before = kept.get(&(loss.table, loss.first));
            if before.is_none_or(|before| loss.stands_over(before)) {
                kept.insert((loss.table, loss.first), loss);
            }
        }
    }

    #[test]
    fn what_was_noted_by_one_that_was_killed_stands_when_the_log_begins_later() {
        let mut kept = BTreeMap::new();
        // The first record is missing, and the fourth.
        keep(&mut kept, carried_out(&mut opened(0, false), &[1, 2, 4, 5]).1);
        assert_eq!(kept[&("visit", 0)].next, 4);
        // Now nobody can count any more.
        let (_, noted) = carried_out(&mut opened(2, false), &[2, 4, 5]);
        assert!(noted.iter().any(|loss| (loss.table, loss.first, loss.next) == ("visit", 0, 2)));
        keep(&mut kept, noted);
        assert_eq!(kept[&("visit", 0)].next, 4, "of the fourth record nothing else says that it is missing");
    }

    #[test]
    fn what_a_source_needs_is_what_a_worker_would_find() {
        let promise = |upto| Promise { store: HERE, progress: Some(upto), tables: Some(upto) };
        let of = |upto, known: &Known, is_newest| standing((upto, promise(upto)), known, 40, is_newest);
        assert_eq!(of(100, &known(Some(100), Some(100)), true), Some(Standing::Whole));
        let older = known(Some(60), Some(60));
        assert_eq!(of(100, &older, true), None, "an older state may be as old");
        assert_eq!(of(50, &older, false), Some(Standing::Heals));
        assert_eq!(of(30, &older, false), Some(Standing::Forgotten), "the log does not reach back to it");
        assert_eq!(of(100, &known(Some(100), None), true), Some(Standing::Forgotten), "no state is old enough");
        let nothing = Promise { progress: None, ..promise(0) };
        assert!(is_asked_for(Standing::Whole, &promise(9), true) && !is_asked_for(Standing::Whole, &nothing, true));
        assert!(!is_asked_for(Standing::Whole, &promise(9), false) && !is_asked_for(Standing::Heals, &promise(9), true));
    }

    #[test]
    fn a_run_has_a_greater_number_than_any_before_whatever_the_clock_says() {
        assert_eq!(number_of_run(50, None, 7), 57);
        assert_eq!(number_of_run(50, Some(40), 0), 50);
        for lot in [0, 7] {
            let behind = number_of_run(50, Some(90), lot);
            assert_eq!(behind, 91 + u64::from(lot), "the clock was set back");
            assert!(number_of_run(50, Some(behind), 0) > behind);
        }
    }

    #[test]
    fn only_an_empty_store_is_given_an_id_and_only_that_of_all_states() {
        let of = |store, progress| Promise { store: StoreId(store), progress, tables: None };
        let give = |states: &[Promise], is_empty| id_to_give(states.iter().map(|promise| ("t/0", *promise, HERE)), is_empty);
        assert_eq!(give(&[of(1, Some(5))], false), Ok(None), "it is the right one");
        assert_eq!(give(&[of(2, None)], false), Ok(None), "nothing was written to another one");
        assert_eq!(give(&[of(2, Some(5)), of(3, None)], true), Ok(Some(StoreId(2))));
        assert!(give(&[of(2, Some(5))], false).is_err() && give(&[of(2, Some(5)), of(3, Some(5))], true).is_err());
    }
}
