//! What a store has lost of a source, and what of that cannot be had again: decided from what the newest state promises, what the store says
//! and where the log begins. Pure.
//!
//! Living lives are in the state, facts and rejects in the log. Lost for good are the last rows of lives that had left memory, and facts
//! and rejects of records that the log no longer holds.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::assignment::{Known, Promise};
use crate::engine::Gone;
use crate::event::EventType;
use crate::record::Offset;
use crate::row::Progress;

/// Tables of facts and rejects, and of which events they are.
pub const OF_RECORDS: [(&str, Option<EventType>); 7] = [
    ("click", Some(EventType::Click)),
    ("visit", Some(EventType::Visit)),
    ("conversion", Some(EventType::Conversion)),
    ("cost", Some(EventType::Cost)),
    ("assignment", Some(EventType::Assign)),
    ("report", Some(EventType::Report)),
    ("rejects", None),
];

/// What was lost of lives.
pub const LIVES: &str = "lives that had left memory";
/// What was lost of facts and rejects.
pub const RECORDS: &str = "records that the log no longer holds";

/// The same of a table from which rows are removed on purpose, too: nobody can tell which these were.
pub const RECORDS_OR_REMOVED: &str = "records that the log no longer holds, unless they were removed on purpose";

/// What of a source cannot be had again in one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The table.
    pub table: &'static str,
    /// Rows of events from this offset on may be missing.
    pub first: Offset,
    /// Up to before this one.
    pub next: Offset,
    /// Roots of which lives are known to be lost; nothing where the log does not reach back to `first`, so that nobody can count them, and
    /// of facts and rejects.
    pub lives: Option<u64>,
    /// What was lost, for people.
    pub reason: &'static str,
}

impl Loss {
    /// Whether of two notes of one source and table that begin at the same offset this one stands: the one that reaches further. So the
    /// table `loss` keeps them (its version is `next`): who runs the same again, when the log begins later or an older state is the newest,
    /// makes nothing narrower. Notes that begin elsewhere stand beside each other.
    #[must_use]
    pub fn stands_over(&self, noted: &Loss) -> bool {
        self.next >= noted.next
    }
}

/// What the tables of facts and rejects hold of a source.
#[derive(Clone, Debug, Default)]
pub struct OfRecords {
    /// Of which oldest record each holds a row, if it holds any, as far as was looked ([`Evidence::looked_for`]).
    pub oldest: BTreeMap<&'static str, Offset>,
    /// Those from which rows are removed on purpose, by age or by brand.
    pub trimmed: Vec<&'static str>,
}

impl OfRecords {
    /// A row of this record of it was seen in a table, if any was.
    pub fn see(&mut self, table: &'static str, record: Option<Offset>) {
        if let Some(record) = record {
            let oldest = self.oldest.entry(table).or_insert(record);
            *oldest = record.min(*oldest);
        }
    }

    /// Whether a table was seen to hold nothing of it from before an offset.
    #[must_use]
    pub fn lacks_before(&self, table: &str, offset: Offset) -> bool {
        self.oldest.get(table).is_none_or(|oldest| *oldest >= offset)
    }
}

/// How many records the log shows, by the table of their rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown([u64; OF_RECORDS.len()]);

impl Shown {
    /// The log holds an event, or a reject.
    pub fn note(&mut self, kind: Option<EventType>) {
        let of_kind = OF_RECORDS.iter().zip(&mut self.0).find(|((_, of), _)| *of == kind);
        of_kind.into_iter().for_each(|(_, shown)| *shown += 1);
    }
}

/// What is known of a source that a store has forgotten.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What its newest state promises.
    pub promise: Promise,
    /// What the store says.
    pub known: Known,
    /// The row of `progress` of the state.
    pub progress: Progress,
    /// The first offset that the log holds.
    pub log_first: Offset,
    /// What tables of facts and rejects hold.
    pub records: OfRecords,
}

impl Evidence {
    /// Up to where a table of lives holds what it held.
    fn held(&self, upto: Option<Offset>) -> Offset {
        let Evidence { promise, progress, .. } = self;
        let is_whole = upto.is_some() && upto >= promise.tables;
        if is_whole { progress.version } else { upto.unwrap_or(progress.first).clamp(progress.first, progress.version) }
    }

    /// Up to where all tables are as they were, as far as those of lives show: facts have no marks, and went where these went.
    fn all_held(&self) -> Offset {
        let Evidence { known, progress, .. } = self;
        let is_short = known.progress < self.promise.progress;
        let is_marked = known.tables.iter().all(|(_, upto)| self.held(*upto) == progress.version);
        if !is_short || is_marked {
            return progress.version;
        }
        known.progress.unwrap_or(progress.first).clamp(progress.first, progress.version)
    }

    /// The facts and rejects that cannot be had again: of what was there before the log begins, so of nothing if the log shows as many as
    /// there ever were. Known before anything is written, and forgotten by that: to be recorded first.
    #[must_use]
    pub fn lost_records(&self, shown: &Shown) -> Vec<Loss> {
        self.lost_of(&self.before_the_log(), |table| self.records.lacks_before(table, self.log_first), shown)
    }

    /// Whether it takes what the log shows to tell that some of them are lost: a table holds nothing from before the log begins, and
    /// nothing else says that it should.
    #[must_use]
    pub fn asks_the_log(&self) -> bool {
        let none = Shown::default();
        self.lost_records(&none) != self.lost_of(&self.before_the_log(), |_| false, &none)
    }

    /// Whether the log still begins where the rows did, or before.
    #[must_use]
    pub fn is_uncut(&self) -> bool {
        self.log_first <= self.progress.first
    }

    /// Which row of a table says all that the table can say: one of any record before this offset. Nothing where there never was any.
    #[must_use]
    pub fn looked_for(&self, kind: Option<EventType>) -> Option<Offset> {
        let before = if self.is_uncut() { Offset::MAX } else { self.log_first };
        self.written(kind, 0).then_some(before)
    }

    fn before_the_log(&self) -> Range<Offset> {
        self.progress.first..self.log_first
    }

    /// Those of a part of which the log turns out to lack records. Of a source that keeps its promise nobody knows any more which tables held
    /// nothing, if it was written again in part before.
    #[must_use]
    pub fn lost_records_of(&self, part: &Range<Offset>) -> Vec<Loss> {
        let keeps = self.promise.compare(&self.known).is_ok();
        self.lost_of(part, |table| keeps || !self.records.oldest.contains_key(table), &Shown::default())
    }

    /// What is lost of a part that the log does not hold; `lacks` says which tables may hold nothing of it, `shown` how many of all that
    /// there were stand elsewhere in the log.
    fn lost_of(&self, part: &Range<Offset>, lacks: impl Fn(&'static str) -> bool, shown: &Shown) -> Vec<Loss> {
        let Evidence { progress, records, .. } = self;
        let next = progress.version.min(part.end);
        let written = OF_RECORDS.iter().zip(shown.0).filter(|((_, kind), shown)| self.written(*kind, *shown));
        let loss = |((table, _), _): (&(&'static str, _), u64)| {
            let held = if lacks(table) { progress.first } else { self.all_held() };
            let first = held.max(part.start);
            let reason = if records.trimmed.contains(table) { RECORDS_OR_REMOVED } else { RECORDS };
            (first < next).then_some(Loss { table, first, next, lives: None, reason })
        };
        written.filter_map(loss).collect()
    }

    /// Whether there were more of a kind than the log shows.
    fn written(&self, kind: Option<EventType>, shown: u64) -> bool {
        let progress = &self.progress;
        let Some(kind) = kind else { return progress.rejected > shown };
        let accepted: u64 =
            progress.accepted_by_type.iter().filter(|(name, _)| *name == kind.as_str()).map(|(_, count)| *count).sum();
        // Of the facts, clicks alone have copies that were recognised, and not accepted: as many of those that the log shows may be some.
        let copies = if kind == EventType::Click { progress.duplicates } else { 0 };
        accepted > shown.saturating_sub(copies)
    }

    /// The tables of lives that lack something.
    #[must_use]
    pub fn lost_lives(&self) -> LostLives {
        let lacks = |(table, upto): &(&'static str, Option<Offset>)| {
            let held = self.held(*upto);
            (held < self.progress.version).then_some(Lacking { table, held, roots: BTreeSet::new() })
        };
        LostLives {
            tables: self.known.tables.iter().filter_map(lacks).collect(),
            seen_from: self.log_first,
            next: self.progress.version,
        }
    }
}

/// Which lives are lost, as far as the log shows while it is passed over.
#[derive(Clone, Debug)]
pub struct LostLives {
    tables: Vec<Lacking>,
    /// From here on the log shows every record.
    seen_from: Offset,
    next: Offset,
}

/// A table of lives that lacks something.
#[derive(Clone, Debug)]
struct Lacking {
    table: &'static str,
    /// It lacks rows of versions from this one on.
    held: Offset,
    roots: BTreeSet<u64>,
}

impl LostLives {
    /// The names of the tables.
    pub fn tables(&self) -> impl Iterator<Item = &'static str> {
        self.tables.iter().map(|lacking| lacking.table)
    }

    /// The record at an offset is of a life that has left memory.
    pub fn note(&mut self, offset: Offset, gone: Gone) {
        // Where the log does not reach back, the number would say too little, and is not said.
        let is_counted = |lacking: &&mut Lacking| self.seen_from <= lacking.held && offset >= lacking.held;
        for lacking in self.tables.iter_mut().filter(is_counted).filter(|lacking| has_row(lacking.table, gone.kind)) {
            lacking.roots.insert(gone.root);
        }
    }

    /// Before an offset the log does not show every record.
    pub fn cannot_count_before(&mut self, offset: Offset) {
        self.seen_from = self.seen_from.max(offset);
    }

    /// What is lost for good, once the log was passed over.
    #[must_use]
    pub fn losses(&self) -> Vec<Loss> {
        let loss = |Lacking { table, held, roots }: &Lacking| {
            let lives = (self.seen_from <= *held).then_some(roots.len() as u64);
            (lives != Some(0)).then_some(Loss { table, first: *held, next: self.next, lives, reason: LIVES })
        };
        self.tables.iter().filter_map(loss).collect()
    }
}

/// Whether such an event may change the row of a life in a table: a post, a delete, a reply of the brand's and a quote change the rows of
/// both trees. Which of them did is not known any more: rather one life too many is named.
fn has_row(table: &str, kind: EventType) -> bool {
    match table {
        "root" => kind == EventType::Post,
        "cascade" | "thread" => matches!(kind, EventType::Post | EventType::Share | EventType::Reply | EventType::Delete),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assignment::StoreId;

    const TABLES: [&str; 4] = ["root", "activity_window", "cascade", "thread"];

    /// A state at 100 that began at 10 and promised everything, before a store that says this; the log begins at `log_first`.
    fn evidence(progress: Option<Offset>, marks: [Option<Offset>; 4], log_first: Offset) -> Evidence {
        let store = StoreId(1);
        Evidence {
            promise: Promise { store, progress: Some(100), tables: Some(100) },
            known: Known { store, progress, tables: TABLES.into_iter().zip(marks).collect() },
            progress: Progress {
                first: 10,
                version: 100,
                rejected: 2,
                accepted_by_type: vec![("share".to_owned(), 5), ("visit".to_owned(), 3), ("click".to_owned(), 0)],
                ..Progress::default()
            },
            log_first,
            records: whole(),
        }
    }

    /// Every table holds a row of the first record.
    fn whole() -> OfRecords {
        OfRecords { oldest: OF_RECORDS.map(|(table, _)| (table, 10)).into(), trimmed: Vec::new() }
    }

    /// These hold no row that is older than offset 40.
    fn bare(tables: &[&'static str]) -> OfRecords {
        let mut records = whole();
        records.oldest.extend(tables.iter().map(|table| (*table, 40)));
        records
    }

    /// Those of which nothing but the state and the store is known.
    fn lost_records(evidence: &Evidence) -> Vec<Loss> {
        evidence.lost_records(&Shown::default())
    }

    fn of(losses: &[Loss]) -> Vec<(&str, Offset, Offset, Option<u64>)> {
        losses.iter().map(|loss| (loss.table, loss.first, loss.next, loss.lives)).collect()
    }

    #[test]
    fn of_an_emptied_store_everything_is_lost_that_the_log_does_not_hold() {
        let evidence = evidence(None, [None; 4], 40);
        assert_eq!(of(&lost_records(&evidence)), [("visit", 10, 40, None), ("rejects", 10, 40, None)]);
        let lives = TABLES.map(|table| (table, 10, 100, None));
        assert_eq!(of(&evidence.lost_lives().losses()), lives, "nobody can say how many");
    }

    #[test]
    fn a_log_that_reaches_back_says_which_lives_are_lost_and_that_none_is() {
        let evidence = evidence(None, [None; 4], 10);
        assert_eq!(lost_records(&evidence), []);
        let mut lives = evidence.lost_lives();
        assert_eq!(lives.losses(), []);
        for (root, kind) in
            [(1, EventType::Post), (1, EventType::Share), (1, EventType::Share), (2, EventType::Share), (3, EventType::Click)]
        {
            lives.note(50, Gone { root, kind });
        }
        let some = |table, lives| (table, 10, 100, Some(lives));
        assert_eq!(of(&lives.losses()), [some("root", 1), some("activity_window", 3), some("cascade", 2), some("thread", 2)]);
    }

    #[test]
    fn of_one_table_that_was_emptied_only_its_lives_are_lost() {
        let evidence = evidence(Some(100), [Some(100), Some(120), None, Some(100)], 40);
        assert_eq!(lost_records(&evidence), []);
        assert_eq!(of(&evidence.lost_lives().losses()), [("cascade", 10, 100, None)]);
    }

    #[test]
    fn of_a_store_that_came_back_from_a_copy_what_came_since_is_lost() {
        let evidence = evidence(Some(60), [Some(50); 4], 55);
        assert_eq!(lost_records(&evidence), [], "the log holds what came since");
        assert_eq!(of(&evidence.lost_lives().losses())[0], ("root", 50, 100, None));
        let later = Evidence { log_first: 70, ..evidence };
        assert_eq!(of(&lost_records(&later)), [("visit", 60, 70, None), ("rejects", 60, 70, None)]);
        let mut lives = Evidence { log_first: 50, ..later }.lost_lives();
        lives.note(49, Gone { root: 1, kind: EventType::Share });
        assert_eq!(lives.losses(), [], "its rows are there");
        lives.note(60, Gone { root: 1, kind: EventType::Delete });
        let stale = [("activity_window", 50, 100, Some(1)), ("cascade", 50, 100, Some(1)), ("thread", 50, 100, Some(1))];
        assert_eq!(of(&lives.losses()), stale, "what a delete changes of the trees is lost");
    }

    #[test]
    fn where_progress_alone_was_emptied_nothing_else_is_lost() {
        let evidence = evidence(None, [Some(100); 4], 40);
        assert_eq!((lost_records(&evidence), evidence.lost_lives().losses()), (vec![], vec![]));
    }

    #[test]
    fn a_table_of_facts_that_holds_nothing_is_lost_although_nothing_else_shows() {
        let mut evidence = Evidence { records: bare(&["visit", "click"]), ..evidence(Some(100), [Some(100); 4], 40) };
        assert_eq!(of(&lost_records(&evidence)), [("visit", 10, 40, None)], "no click was ever written");
        assert_eq!(lost_records(&evidence)[0].reason, RECORDS);
        evidence.records.trimmed = vec!["visit"];
        assert_eq!(lost_records(&evidence)[0].reason, RECORDS_OR_REMOVED);
    }

    #[test]
    fn a_table_that_holds_only_what_the_log_holds_lacks_something_if_there_was_more() {
        let all = OF_RECORDS.map(|(table, _)| table);
        let mut evidence = Evidence { records: bare(&all), ..evidence(Some(100), [Some(100); 4], 40) };
        evidence.progress.accepted_by_type[2].1 = 3;
        assert!(evidence.asks_the_log());
        let shows = |visits: u64, clicks: u64, rejects: u64| {
            let mut shown = Shown::default();
            let kinds = [(Some(EventType::Visit), visits), (Some(EventType::Click), clicks), (None, rejects)];
            kinds.into_iter().for_each(|(kind, times)| (0..times).for_each(|_| shown.note(kind)));
            shown.note(Some(EventType::Share));
            shown
        };
        assert_eq!(of(&evidence.lost_records(&shows(3, 3, 2))), [], "nothing was there before");
        assert_eq!(of(&evidence.lost_records(&shows(2, 3, 1))), [("visit", 10, 40, None), ("rejects", 10, 40, None)]);
        evidence.progress.duplicates = 2;
        let lost = evidence.lost_records(&shows(4, 4, 2));
        assert_eq!(of(&lost), [("click", 10, 40, None)], "two of the clicks that the log shows may be copies");
        let none_bare = Evidence { records: whole(), ..evidence.clone() };
        let at_its_beginning = Evidence { log_first: 10, ..evidence.clone() };
        let emptied =
            Evidence { known: Known { progress: None, tables: vec![("root", None)], ..evidence.known.clone() }, ..evidence };
        assert!(!none_bare.asks_the_log() && !at_its_beginning.asks_the_log());
        assert!(!emptied.asks_the_log(), "that everything is gone needs no other witness");
    }

    #[test]
    fn a_table_is_looked_through_only_as_far_as_it_says_something() {
        let cut = evidence(Some(100), [Some(100); 4], 40);
        assert_eq!(cut.looked_for(Some(EventType::Click)), None, "there never was any");
        assert_eq!((cut.looked_for(Some(EventType::Visit)), cut.looked_for(None)), (Some(40), Some(40)));
        let uncut = evidence(Some(100), [Some(100); 4], 10);
        assert!(uncut.is_uncut() && uncut.looked_for(None) == Some(Offset::MAX), "any row will do");
        let mut records = OfRecords::default();
        assert!(records.lacks_before("visit", Offset::MAX));
        [Some(50), None, Some(40), Some(60)].into_iter().for_each(|seen| records.see("visit", seen));
        assert!(records.lacks_before("visit", 40) && !records.lacks_before("visit", 41) && records.lacks_before("cost", 41));
    }

    #[test]
    fn a_note_is_never_made_narrower() {
        let note = |next, lives| Loss { table: "cascade", first: 10, next, lives, reason: LIVES };
        for (noted, again, stands) in [
            (note(40, None), note(60, None), true),
            (note(60, None), note(40, None), false),
            (note(60, None), note(60, None), true),
            (note(60, Some(3)), note(60, None), true),
            (note(60, None), note(40, Some(3)), false),
        ] {
            assert_eq!(again.stands_over(&noted), stands, "{again:?} over {noted:?}");
        }
    }

    #[test]
    fn where_nothing_is_missed_nobody_knows_which_rows_of_a_hole_in_the_log_are_there() {
        let whole = evidence(Some(100), [Some(100); 4], 10);
        assert_eq!(of(&whole.lost_records_of(&(20..30))), [("visit", 20, 30, None), ("rejects", 20, 30, None)]);
        let older = evidence(Some(60), [Some(50); 4], 10);
        assert_eq!(older.lost_records_of(&(20..30)), [], "they are in the copy");
        assert_eq!(of(&older.lost_records_of(&(20..70)))[0], ("visit", 60, 70, None));
    }
}
