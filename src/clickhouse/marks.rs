//! A mark of each source in each table of lives: a row that no view reads and nobody replaces. Where it is gone, so are the rows that
//! lay beside it (I9): `progress` alone does not show that another table was emptied, made anew or brought back from before.
//!
//! Marks are written once, before the first row of `progress`, and never again: a mark that is missing later is a loss. They lie in an
//! epoch that no worker may have, with nothing in them that changes a sum, and their times are in the year 2090: no rule that deletes by
//! age takes them, and decades can be added to them before a 32-bit time begins anew.

use super::{ClickHouseSink, Listed, TABLES, describe};
use crate::clickhouse::classify;
use crate::failure::Failure;

/// The epoch of marks.
pub const EPOCH: u16 = u16::MAX;

/// The source of the mark of a source in an epoch.
#[must_use]
pub fn mark(epoch: u16, source: &str) -> String {
    format!("{epoch}:{source}")
}

/// The tables that have marks.
pub(super) fn marked() -> impl Iterator<Item = &'static Listed> {
    TABLES.iter().filter(|table| !table.mark.is_empty())
}

/// Which tables have which of the marks `sources`, a row each.
pub(super) fn found() -> String {
    let of = |table: &Listed| {
        let Listed { name, mark, .. } = table;
        format!(
            "SELECT '{name}' AS place, toString(source) AS mark FROM {name} WHERE {mark} AND epoch = {EPOCH} AND source IN {{marks:Array(String)}}"
        )
    };
    marked().map(of).collect::<Vec<_>>().join(" UNION ALL ")
}

/// Writes marks into a table: columns that are not named hold nothing.
fn statement(table: &Listed) -> String {
    let value = |name: &str, kind: &str| match (name, kind) {
        ("epoch", _) => Some(EPOCH.to_string()),
        ("source", _) => Some("mark".to_owned()),
        // A tree of the post alone: no share, no reply.
        ("size", _) => Some("1".to_owned()),
        (_, "DateTime('UTC')") => Some("toDateTime(3786912000, 'UTC')".to_owned()),
        (_, "DateTime64(3, 'UTC')") => Some("toDateTime64(3786912000, 3, 'UTC')".to_owned()),
        _ => None,
    };
    let set = table.columns.iter().filter_map(|column| Some((column.name, value(column.name, column.kind)?)));
    let (names, values): (Vec<&str>, Vec<String>) = set.unzip();
    format!(
        "INSERT INTO {} ({}) SELECT {} FROM \
         (SELECT arrayJoin(arrayZip({{marks:Array(String)}}, {{sources:Array(String)}})) AS of, of.1 AS mark) \
         WHERE of.2 NOT IN (SELECT toString(source) FROM progress WHERE epoch = {{epoch:UInt16}} AND source IN {{sources:Array(String)}})",
        table.name,
        names.join(", "),
        values.join(", ")
    )
}

impl ClickHouseSink {
    /// Marks those of some sources that have no row of `progress` yet.
    pub(super) async fn mark(&self, sources: &[&str]) -> Result<(), Failure> {
        let marks: Vec<String> = sources.iter().map(|source| mark(self.epoch, source)).collect();
        for table in marked() {
            let marked = self.within(async {
                let query = self.current(self.client.query_raw(&statement(table))).await?;
                let query = query.param("marks", &marks).param("sources", sources).param("epoch", self.epoch);
                query.execute().await.map_err(|error| classify(&error))
            });
            marked.await.map_err(|error| describe(error, table.name, marks.len()))?;
        }
        Ok(())
    }
}
