//! The simulated store: of each key the row with the greatest version counts, as in ReplacingMergeTree.

use std::collections::{BTreeMap, BTreeSet};

use crate::figures::{self, ClickFigures, Figures};
use grapevine::record::Offset;
use grapevine::row::{self, ActivityWindow, Cascade, Progress, Rejected, Root, Rows, Thread};
use grapevine::worker::{Known, StoreId};

/// Of each key the newest row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    rows: BTreeMap<String, Stored>,
    newest: BTreeMap<String, Offset>,
    progress: BTreeMap<String, Span>,
    /// Up to where each table of lives says that it holds the rows of a source.
    marks: Marks,
    /// The sources of which somebody has written again what was lost.
    rewritten: BTreeSet<String>,
}

type Marks = BTreeMap<(&'static str, String), Offset>;

/// The tables that have marks.
pub(crate) const MARKED: [&str; 4] = ["root", "activity_window", "cascade", "thread"];

/// What a source's row of `progress` covers: from where on, and to where.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(crate) first: Offset,
    pub(crate) version: Offset,
}

/// A row: its version, all of its columns but the version, and those that the batch computation knows.
#[derive(Clone, Debug)]
struct Stored {
    version: Offset,
    content: String,
    figures: Figures,
}

impl Stored {
    fn is_of(&self, key: &str, table: &str, source: &str) -> bool {
        key.strip_prefix(table)
            .and_then(|rest| rest.strip_prefix(' ')?.strip_prefix(source))
            .is_some_and(|rest| rest.starts_with(' '))
    }

    /// The offset of the record that a fact or a reject is of.
    fn record(&self, key: &str) -> Offset {
        if matches!(self.figures, Figures::Reject(_)) {
            key.rsplit(' ').next().and_then(|offset| offset.parse().ok()).expect("its offset is in its key")
        } else {
            Offset::MAX - self.version
        }
    }
}

/// One row as a table sees it.
struct Cell {
    key: String,
    source: String,
    /// One past the last offset that the row tells of.
    reaches: Offset,
    row: Stored,
}

macro_rules! cell {
    ($row:ident, $figures:ident, $form:literal, $($key:ident),+) => {
        Cell {
            key: format!($form, $($row.$key),+),
            source: $row.source.to_string(),
            reaches: $row.version,
            row: Stored {
                version: $row.version,
                content: {
                    let mut content = $row.clone();
                    content.version = 0;
                    format!("{content:?}")
                },
                figures: figures::$figures($row),
            },
        }
    };
}

fn root(row: &Root) -> Cell {
    cell!(row, of_root, "root {} {} {}", source, root, opened)
}

fn window(row: &ActivityWindow) -> Cell {
    cell!(row, of_window, "activity_window {} {} {} {}", source, root, opened, window_start)
}

fn cascade(row: &Cascade) -> Cell {
    cell!(row, of_cascade, "cascade {} {} {}", source, root, opened)
}

fn thread(row: &Thread) -> Cell {
    cell!(row, of_thread, "thread {} {} {}", source, root, opened)
}

fn reject(row: &Rejected) -> Cell {
    cell!(row, of_reject, "rejects {} {}", source, offset)
}

fn progress(row: &Progress) -> Cell {
    // When it was written, and where the log ended by then, is all that does not follow from the log below the version.
    let row = &Progress { log_end: 0, written: 0, ..row.clone() };
    cell!(row, of_progress, "progress {}", source)
}

/// A fact: its version counts down from the largest number, so that the first copy stands.
macro_rules! fact {
    ($name:ident, $row:ident, $figures:ident, $form:literal) => {
        fn $name(row: &row::$row) -> Cell {
            let mut cell = cell!(row, $figures, $form, key_source, id);
            cell.reaches = Offset::MAX - row.version + 1;
            cell
        }
    };
}

fact!(click, Click, of_click, "click {} {}");
fact!(visit, Visit, of_visit, "visit {} {}");
fact!(conversion, Conversion, of_conversion, "conversion {} {}");
fact!(cost, Cost, of_cost, "cost {} {}");
fact!(assignment, Assignment, of_assignment, "assignment {} {}");
fact!(report, Report, of_report, "report {} {}");

/// Whether one of two rows of a click may have been written again: all of its way is inferred, so that the other one knows it better, or as
/// badly; or no way is known but to the post, which may have come after the click, and what was written again knows it.
fn is_written_again(one: &Figures, other: &Figures) -> bool {
    let (Figures::Click(one), Figures::Click(other)) = (one, other) else { return false };
    let is = |click: &ClickFigures| click.target_inferred && click.path_inferred == click.depth.max(1);
    is(one) || is(other) || (one.depth == 0 && other.depth == 0)
}

/// The source in a key: its second word.
fn source_of(key: &str) -> &str {
    key.split(' ').nth(1).unwrap_or_default()
}

impl Tables {
    /// Inserts the first `limit` rows, `progress` last.
    pub(crate) fn insert(&mut self, rows: &Rows, limit: usize) {
        let spans = rows.progress.iter().map(|row| (row.source.to_string(), Span { first: row.first, version: row.version }));
        let before = rows.len() - rows.progress.len();
        for (source, span) in spans.take(limit.saturating_sub(before)) {
            let known = self.progress.entry(source).or_insert(span);
            if span.version > known.version {
                *known = span;
            }
        }
        let cells = (rows.roots.iter().map(root))
            .chain(rows.activity_windows.iter().map(window))
            .chain(rows.cascades.iter().map(cascade))
            .chain(rows.threads.iter().map(thread))
            .chain(rows.clicks.iter().map(click))
            .chain(rows.visits.iter().map(visit))
            .chain(rows.conversions.iter().map(conversion))
            .chain(rows.costs.iter().map(cost))
            .chain(rows.assignments.iter().map(assignment))
            .chain(rows.reports.iter().map(report))
            .chain(rows.rejects.iter().map(reject))
            .chain(rows.progress.iter().map(progress));
        for cell in cells.take(limit) {
            self.put(cell);
        }
    }

    fn put(&mut self, cell: Cell) {
        let Cell { key, source, reaches, row } = cell;
        let is_rewritten = self.rewritten.contains(&source);
        let newest = self.newest.entry(source).or_insert(reaches);
        *newest = reaches.max(*newest);
        match self.rows.get(&key) {
            Some(known) if known.version == row.version && is_rewritten && is_written_again(&known.figures, &row.figures) => {
                drop(self.rows.insert(key, row));
            }
            Some(known) if known.version == row.version => {
                let version = row.version;
                assert_eq!(known.content, row.content, "{key} was written twice under version {version}, with different content");
            }
            Some(known) if known.version > row.version => {}
            Some(_) | None => drop(self.rows.insert(key, row)),
        }
    }

    /// Every row that the log asks for below an offset is here, as it was there or newer, or is excused.
    pub(crate) fn check_complete(&self, asked: &Tables, below: Offset, excuses: impl Fn(&str, Option<&Figures>) -> bool) {
        for (key, wanted) in asked.rows.iter().filter(|(key, _)| !key.starts_with("progress")) {
            let Some(known) = self.rows.get(key) else {
                assert!(excuses(key, None), "complete to {below}, says progress, but {key} is missing");
                continue;
            };
            assert!(
                known.version > wanted.version || known.content == wanted.content || excuses(key, Some(&known.figures)),
                "complete to {below}, says progress, but {key} is of version {}: {}, and not {}",
                known.version,
                known.content,
                wanted.content
            );
        }
    }

    /// Moves the marks of a source. One that was not told of any makes them, if nothing says that somebody has.
    pub(crate) fn mark(&mut self, source: &str, promised: Option<Offset>, version: Offset) {
        if promised.is_some() || !self.progress.contains_key(source) {
            for table in MARKED {
                let mark = self.marks.entry((table, source.to_owned())).or_insert(version);
                *mark = version.max(*mark);
            }
        }
    }

    /// Makes the mark of a source in a table anew.
    pub(crate) fn mark_anew(&mut self, table: &'static str, source: &str, version: Offset) {
        let mark = self.marks.entry((table, source.to_owned())).or_insert(version);
        *mark = version.max(*mark);
    }

    /// Of which oldest record a table holds a fact or a reject of a source.
    pub(crate) fn oldest(&self, table: &str, source: &str) -> Option<Offset> {
        self.rows.iter().filter(|(key, row)| row.is_of(key, table, source)).map(|(key, row)| row.record(key)).min()
    }

    /// The same without the facts and rejects of a table that are of records below an offset.
    pub(crate) fn without(mut self, table: &str, source: &str, below: Offset) -> Tables {
        self.rows.retain(|key, row| !(row.is_of(key, table, source) && row.record(key) < below));
        self
    }

    /// Somebody writes again what was lost of a source: from here on its clicks may know another way.
    pub(crate) fn is_rewritten(&mut self, source: &str) {
        self.rewritten.insert(source.to_owned());
    }

    /// Whether a click of a source is here, or an earlier copy of it.
    pub(crate) fn has_click(&self, source: &str, click: &grapevine::row::Click) -> bool {
        self.rows.get(&format!("click {source} {}", click.id)).is_some_and(|row| row.version >= click.version)
    }

    /// The offset of the event that a row says last.
    pub(crate) fn changed(&self, key: &str) -> Option<Offset> {
        let row = self.rows.get(key)?;
        let is_fact = matches!(row.figures, Figures::Click(_) | Figures::Fact(_));
        Some(if is_fact { Offset::MAX - row.version } else { row.version - 1 })
    }

    /// Forgets a source.
    pub(crate) fn forget(&mut self, source: &str) {
        self.rows.retain(|key, _| source_of(key) != source);
        self.newest.remove(source);
        self.progress.remove(source);
        self.marks.retain(|(_, marked), _| marked != source);
    }

    /// Up to where a table says that it holds the rows of a source.
    pub(crate) fn mark_of(&self, table: &'static str, source: &str) -> Option<Offset> {
        self.marks.get(&(table, source.to_owned())).copied()
    }

    /// Up to where all tables of lives do.
    pub(crate) fn marked(&self, source: &str) -> Option<Offset> {
        MARKED.into_iter().map(|table| self.mark_of(table, source)).min().flatten()
    }

    /// What it says of a source.
    pub(crate) fn known(&self, store: StoreId, source: &str) -> Known {
        let tables = MARKED.map(|table| (table, self.mark_of(table, source))).into();
        Known { store, progress: self.progress(source).map(|span| span.version), tables }
    }

    /// The same after one table alone became what it was in an older copy.
    pub(crate) fn with_table_of(&self, table: &'static str, older: &Tables) -> Tables {
        let mut tables = self.clone();
        tables.rows.retain(|key, _| key.split(' ').next() != Some(table));
        tables.marks.retain(|(marked, _), _| *marked != table);
        let rows = older.rows.iter().filter(|(key, _)| key.split(' ').next() == Some(table));
        tables.rows.extend(rows.map(|(key, row)| (key.clone(), row.clone())));
        let marks = older.marks.iter().filter(|((marked, _), _)| *marked == table);
        tables.marks.extend(marks.map(|(mark, version)| (mark.clone(), *version)));
        tables.rewritten.extend(older.rewritten.iter().cloned());
        tables
    }

    /// Takes in the rows of other sources.
    pub(crate) fn add(&mut self, other: Tables) {
        self.rows.extend(other.rows);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The sources that have rows.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &str> {
        self.newest.keys().map(String::as_str)
    }

    /// The sources of rows.
    pub(crate) fn sources_of(rows: &Rows) -> BTreeSet<String> {
        let mut tables = Tables::default();
        tables.insert(rows, usize::MAX);
        tables.newest.into_keys().collect()
    }

    /// Whether all rows of a source that are elsewhere are here, as they are there.
    pub(crate) fn has_all_of(&self, source: &str, other: &Tables) -> bool {
        let mut of_source = other.rows.iter().filter(|(key, _)| source_of(key) == source);
        of_source.all(|(key, row)| self.rows.get(key).is_some_and(|here| here.version == row.version))
    }

    /// Whether a source is whole here up to a later offset than elsewhere.
    pub(crate) fn is_further(&self, other: &Tables, source: &str) -> bool {
        let far = |tables: &Tables| (tables.marked(source), tables.progress(source).map(|span| span.version));
        far(self) > far(other)
    }

    /// Takes all rows of each source that is whole up to a later offset elsewhere, for those that are here.
    pub(crate) fn take_the_better(&mut self, other: &Tables) {
        for source in other.sources() {
            if !other.is_further(self, source) {
                continue;
            }
            self.rows.retain(|key, _| source_of(key) != source);
            let rows = other.rows.iter().filter(|(key, _)| source_of(key) == source);
            self.rows.extend(rows.map(|(key, row)| (key.clone(), row.clone())));
            self.newest.extend(other.newest.get_key_value(source).map(|(source, newest)| (source.clone(), *newest)));
            self.progress.extend(other.progress.get_key_value(source).map(|(source, span)| (source.clone(), *span)));
            let marks = other.marks.iter().filter(|((_, marked), _)| marked == source);
            self.marks.extend(marks.map(|(mark, version)| (mark.clone(), *version)));
            self.rewritten.extend(other.rewritten.get(source).cloned());
        }
    }

    /// The greatest version of a source's rows.
    pub(crate) fn newest_version(&self, source: &str) -> Option<Offset> {
        self.newest.get(source).copied()
    }

    /// How far a source is complete.
    pub(crate) fn progress(&self, source: &str) -> Option<Span> {
        self.progress.get(source).copied()
    }

    /// Content by key, without versions.
    pub(crate) fn content(&self) -> BTreeMap<&str, &str> {
        self.rows.iter().map(|(key, row)| (key.as_str(), row.content.as_str())).collect()
    }

    /// The columns that the batch computation knows, by key.
    pub(crate) fn figures(&self) -> BTreeMap<&str, &Figures> {
        self.rows.iter().map(|(key, row)| (key.as_str(), &row.figures)).collect()
    }
}
