//! A mark of each source in each table of lives: a row that no view reads, whose version says up to where the table holds the rows of the
//! source. Where it is gone, or older than it was, so are the rows that lay beside it (I9): `progress` alone does not show that another
//! table was emptied, made anew or brought back from an older copy.
//!
//! Marks move when the rows of a flush are there and before its `progress`, with every state; and only where the table still says what it
//! said when they moved last: compare and append, as of `progress`. So a table that came back alone is noticed unless its copy was made
//! since. They lie in an epoch that no worker may have, with nothing in them that changes a sum, and their times are in the year 2090: no
//! rule that deletes by age takes them, and decades can be added to them before a 32-bit time begins anew.

use super::append::BROKEN;
use super::known::ID;
use super::{ClickHouseSink, Listed, TABLES, describe, errors};
use crate::clickhouse::classify;
use crate::failure::Failure;
use crate::worker::Append;

/// The epoch of marks.
pub const EPOCH: u16 = u16::MAX;

/// The source of the mark of a source in an epoch.
#[must_use]
pub fn mark(epoch: u16, source: &str) -> String {
    format!("{epoch}:{source}")
}

/// The source of the mark by which whoever writes a source again knows its tables again. It ends with the source, so that it lies where the
/// rows of that do.
#[must_use]
pub fn of_rewriting(source: &str) -> String {
    format!("rewrite:{source}")
}

/// The tables that have marks.
pub(super) fn marked() -> impl Iterator<Item = &'static Listed> {
    TABLES.iter().filter(|table| !table.mark.is_empty())
}

/// Which tables have which of `marks`, and up to where they say that they hold rows.
pub(super) fn found() -> String {
    marked().map(found_in).collect::<Vec<_>>().join(" UNION ALL ")
}

fn found_in(table: &Listed) -> String {
    let Listed { name, mark, .. } = table;
    format!(
        "SELECT '{name}' AS place, toString(source) AS mark, max(version) AS upto FROM {name} \
         WHERE {mark} AND epoch = {EPOCH} AND source IN {{marks:Array(String)}} GROUP BY source"
    )
}

/// No mark is, against what was promised of it, as a condition says.
fn no_mark(is: &str) -> String {
    format!("throwIf(arrayExists((mark, promised) -> {is}, {{marks:Array(String)}}, {{tables:Array(UInt64)}}), '{BROKEN}') = 0")
}

/// The store is the one that is named: of two that answer in turn, no more than one says that it holds the rows.
fn here() -> String {
    format!("throwIf(arrayExists(store -> store != {ID}, {{stores:Array(String)}}), '{BROKEN}') = 0")
}

/// What must hold for marks to move: the store is the one that is named, and all of them are there as they were promised. A source that has
/// no mark gets one, but not where it has `progress`: whoever wrote that has made one, which is lost.
fn kept() -> String {
    format!(
        "{} AND {} AND (moved.3 > 0 OR moved.2 NOT IN \
         (SELECT toString(source) FROM progress WHERE epoch = {{asked:UInt16}} AND source IN {{sources:Array(String)}}))",
        here(),
        no_mark("promised > said[mark]")
    )
}

/// What must hold for marks to be made anew: the store is the one that is named, and what was promised is there, no less and no more: what
/// is newer is of somebody else who does the same.
fn ours() -> String {
    format!("{} AND {}", here(), no_mark("promised > 0 AND promised != said[mark]"))
}

/// Moves marks in a table under a condition: columns that are not named hold nothing.
fn statement(table: &Listed, condition: &str) -> String {
    let value = |name: &str, kind: &str| match (name, kind) {
        ("epoch", _) => Some(EPOCH.to_string()),
        ("source", _) => Some("moved.1".to_owned()),
        ("version", _) => Some("moved.4".to_owned()),
        // A tree of the post alone: no share, no reply.
        ("size", _) => Some("1".to_owned()),
        (_, "DateTime('UTC')") => Some("toDateTime(3786912000, 'UTC')".to_owned()),
        (_, "DateTime64(3, 'UTC')") => Some("toDateTime64(3786912000, 3, 'UTC')".to_owned()),
        _ => None,
    };
    let set = table.columns.iter().filter_map(|column| Some((column.name, value(column.name, column.kind)?)));
    let (names, values): (Vec<&str>, Vec<String>) = set.unzip();
    format!(
        "INSERT INTO {} ({}) \
         WITH (SELECT mapFromArrays(groupArray(mark), groupArray(upto + 1)) FROM ({})) AS said \
         SELECT {} FROM (SELECT arrayJoin(arrayZip( \
         {{marks:Array(String)}}, {{sources:Array(String)}}, {{tables:Array(UInt64)}}, {{versions:Array(UInt64)}})) AS moved) \
         WHERE {condition}",
        table.name,
        names.join(", "),
        found_in(table),
        values.join(", ")
    )
}

impl ClickHouseSink {
    /// Moves the marks of the sources of some rows up to these; says whether all tables are as whole as was promised.
    pub(super) async fn mark(&self, rows: &[Append]) -> Result<bool, Failure> {
        self.move_marks(rows, &kept()).await
    }

    /// Makes the marks of the sources of some rows anew, if each table still has those of them that are promised: for whoever has just
    /// written again what it had lost. Says whether it has, and the store is the one of the promises.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn mark_anew(&self, rows: &[Append]) -> Result<bool, Failure> {
        self.catch_up().await?;
        self.move_marks(rows, &ours()).await
    }

    /// The newest version that the mark of a source has in any table.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn newest_mark(&self, source: &str) -> Result<Option<u64>, Failure> {
        self.catch_up().await?;
        let ask = self.current(self.client().query_raw(&format!("SELECT maxOrNull(upto) FROM ({})", found()))).await?;
        self.answer(ask.param("marks", vec![mark(self.epoch, source)])).await
    }

    async fn move_marks(&self, rows: &[Append], condition: &str) -> Result<bool, Failure> {
        let versions: Vec<_> = rows.iter().map(|append| append.progress.version).collect();
        for table in marked() {
            let mut is_broken = false;
            let moved = self.within(async {
                let query = self.inserting(self.client().query_raw(&statement(table, condition)), rows).await?;
                self.with_promises(query, rows).param("versions", &versions).execute().await.map_err(|error| {
                    is_broken = errors::says(&error, BROKEN);
                    classify(&error)
                })
            });
            let moved = moved.await;
            if is_broken {
                return Ok(false);
            }
            moved.map_err(|error| describe(error, table.name, rows.len()))?;
        }
        Ok(true)
    }
}
