//! Rows of `progress` are appended only to a store that knows what was promised: compare and append, in one statement.
//!
//! The store compares before a row is on its way: either all rows of a statement are written or none. Between that and the
//! write lies a moment in which a store may still forget.

use std::borrow::Cow;
use std::sync::Arc;

use ::clickhouse::query::Query;
use tracing::warn;

use super::known::{ID, store_id};
use super::{ClickHouseSink, Layout, Table, errors, marks};
use crate::assignment::written;
use crate::clickhouse::classify;
use crate::failure::Failure;
use crate::row::Progress;
use crate::worker::{Append, Appended, of};

/// So many rows are sent in one statement: its parameters must fit into a request.
const ROWS_MAX: usize = 256;

/// What the store says when it does not keep a promise, and nobody else does.
pub(super) const BROKEN: &str = "grapevine: the store knows less than was written to it";

/// What is said where two answers do not fit together.
const CONTRADICTED: &str = "the store knew less than was written to it, and asked again it knows everything: two servers that are \
                            no copies of each other answer at clickhouse.urls. Let it lead to one of them; servers that copy \
                            take a new database and a clickhouse.layout of several";

/// Whether the tables are copies of others, as ClickHouse Cloud makes them behind one address: then a server may lag.
const LAGS: &str = "toBool(coalesce((SELECT any(engine) FROM system.tables WHERE database = currentDatabase() AND name = 'progress'), '') \
                    NOT LIKE 'Replacing%')";

/// `said`: one more than how far each source is, 0 for one without a row.
fn said() -> String {
    format!(
        "(SELECT mapFromArrays(groupArray(toString(source)), groupArray(newest)) FROM \
         (SELECT source, max(version) + 1 AS newest FROM progress WHERE epoch = {{asked:UInt16}} AND source IN \
         {{sources:Array(String)}} GROUP BY source)) AS said, {ID} AS id"
    )
}

/// `marked`: one more than up to where all tables of lives say that they hold the rows of each mark, 0 where one of them says nothing.
fn marked() -> String {
    format!(
        "(SELECT mapFromArrays(groupArray(mark), groupArray(least)) FROM \
         (SELECT mark, if(uniqExact(place) = {}, min(upto) + 1, 0) AS least FROM ({}) GROUP BY mark)) AS marked",
        marks::marked().count(),
        marks::found()
    )
}

/// The sources of which a promise is not kept, as far as `progress` says.
const SHORT: &str = "arrayFilter((source, promised, store) -> promised > said[source] OR store != id, \
                     {sources:Array(String)}, {promised:Array(UInt64)}, {stores:Array(String)})";

/// And those of which tables lack rows.
const LACKING: &str = "arrayFilter((source, mark, promised) -> promised > marked[mark], \
                       {sources:Array(String)}, {marks:Array(String)}, {tables:Array(UInt64)})";

/// The statement: its values are parameters, so that no text of a row is ever read as SQL.
fn statement() -> String {
    let names = Progress::COLUMNS.iter().map(|column| format!("`{}`", column.name)).collect::<Vec<_>>().join(", ");
    let arrays = Progress::COLUMNS.iter().map(|column| format!("{{{}:Array({})}}", column.name, sent_as(column.kind)));
    let values = (1..).zip(Progress::COLUMNS).map(|(at, column)| match column.kind {
        // Whatever the number is, as in a block of columns.
        kind if kind.starts_with("DateTime64") => format!("reinterpret(row.{at}, '{}')", kind.replace('\'', "\\'")),
        kind if kind == sent_as(kind) => format!("row.{at}"),
        kind => format!("CAST(row.{at}, '{kind}')"),
    });
    format!(
        "INSERT INTO progress ({names}) WITH {} SELECT {} FROM (SELECT arrayJoin(arrayZip({})) AS row) \
         WHERE throwIf(notEmpty({SHORT}), '{BROKEN}') = 0",
        said(),
        values.collect::<Vec<_>>().join(", "),
        arrays.collect::<Vec<_>>().join(", ")
    )
}

/// Times are sent as the numbers that they are stored as, a map as its pairs.
fn sent_as(kind: &'static str) -> Cow<'static, str> {
    match kind.strip_prefix("Map(") {
        Some(pair) => format!("Array(Tuple({pair})").into(),
        None if kind.starts_with("DateTime64") => "Int64".into(),
        None => kind.into(),
    }
}

/// The epoch, source and watermark of a row, and its counts but those by type.
fn values(row: &Progress) -> (u16, &str, i64, [u64; 8]) {
    // Every column by name: one that is new does not compile unnoticed.
    let Progress {
        epoch,
        source,
        first,
        version,
        watermark,
        read,
        accepted,
        duplicates,
        conflicting_copies,
        rejected,
        accepted_by_type: _,
        log_end,
        written: _,
    } = row;
    let counts = [first, version, read, accepted, duplicates, conflicting_copies, rejected, log_end];
    (*epoch, source, *watermark, counts.map(|count| *count))
}

/// The values of the columns, an array each.
fn with_rows(query: Query, rows: &[Append], written: i64) -> Query {
    let by_type: Vec<_> = rows.iter().map(|append| &append.progress.accepted_by_type).collect();
    let rows: Vec<_> = rows.iter().map(|append| values(&append.progress)).collect();
    let query = query
        .param("epoch", rows.iter().map(|row| row.0).collect::<Vec<_>>())
        .param("source", rows.iter().map(|row| row.1).collect::<Vec<_>>())
        .param("watermark", rows.iter().map(|row| row.2).collect::<Vec<_>>())
        .param("accepted_by_type", by_type)
        .param("written", vec![written; rows.len()]);
    let counts = ["first", "version", "read", "accepted", "duplicates", "conflicting_copies", "rejected", "log_end"];
    (0..).zip(counts).fold(query, |query, (at, name)| {
        let values: Vec<u64> = rows.iter().map(|row| row.3[at]).collect();
        query.param(name, values)
    })
}

impl ClickHouseSink {
    /// Appends so many rows at most as one statement takes.
    pub(super) async fn append_all(&self, rows: &[Append]) -> Result<Appended, Failure> {
        for chunk in rows.chunks(ROWS_MAX) {
            if let broken @ Appended::Broken(_) = self.append_some(chunk).await? {
                return Ok(broken);
            }
        }
        Ok(Appended::Done)
    }

    async fn append_some(&self, rows: &[Append]) -> Result<Appended, Failure> {
        let whole: Vec<Append> = rows.iter().filter(|append| append.whole).cloned().collect();
        if !whole.is_empty() && !self.mark(&whole).await? {
            return self.broken(rows).await;
        }
        let mut is_broken = false;
        let appended = self.attempt(Progress::NAME, rows.len(), async {
            let query = with_rows(self.client().query_raw(&statement()), rows, (self.clock)());
            let query = self.inserting(query, rows).await?;
            self.with_promises(query, rows).execute().await.map_err(|error| {
                is_broken = errors::says(&error, BROKEN);
                classify(&error)
            })
        });
        let outcome = appended.await;
        if is_broken { self.broken(rows).await } else { outcome.map(|()| Appended::Done) }
    }

    /// Which promises are not kept.
    async fn broken(&self, rows: &[Append]) -> Result<Appended, Failure> {
        // A server that only lagged has forgotten nothing.
        self.catch_up().await?;
        let asked = self.client().query_raw(&format!(
            "WITH {}, {} SELECT arrayConcat({SHORT}, {LACKING}) AS short, id, {LAGS} AS lags",
            said(),
            marked()
        ));
        let asked = self.with_promises(self.current(asked).await?, rows);
        let (short, id, lags): (Vec<String>, String, bool) = self.answer(asked).await?;
        // A table that this user does not see has forgotten nothing.
        store_id(&id)?;
        if short.is_empty() && self.layout == Layout::Single && !lags {
            // A server that copies from nobody does not lag, so another one has answered: what of these sources went there is written again.
            warn!("{CONTRADICTED}");
            return Ok(Appended::Broken(rows.iter().map(|append| Arc::clone(&append.progress.source)).collect()));
        }
        if short.is_empty() {
            return Err(Failure::Transient(format!("{BROKEN}; asked again, it knows everything")));
        }
        let sources = rows.iter().map(|row| &row.progress.source);
        Ok(Appended::Broken(sources.filter(|source| short.iter().any(|short| **short == ***source)).cloned().collect()))
    }

    /// The same for a statement that inserts: with what every insert says besides.
    pub(super) async fn inserting(&self, query: Query, rows: &[Append]) -> Result<Query, Failure> {
        let of = of(rows.iter().map(|append| &append.progress));
        let query = self.current(query).await?;
        Ok(self.added(&of).fold(query, |query, (name, value)| query.with_setting(name, value)))
    }

    pub(super) fn with_promises(&self, query: Query, rows: &[Append]) -> Query {
        query
            .param("asked", self.epoch)
            .param("sources", rows.iter().map(|row| &*row.progress.source).collect::<Vec<_>>())
            .param("marks", rows.iter().map(|append| marks::mark(self.epoch, &append.progress.source)).collect::<Vec<_>>())
            .param("promised", rows.iter().map(|row| written(row.promise.progress)).collect::<Vec<_>>())
            .param("tables", rows.iter().map(|row| written(row.promise.tables)).collect::<Vec<_>>())
            .param("stores", rows.iter().map(|row| row.promise.store.to_string()).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_a_parameter_of_its_type() {
        let statement = statement();
        for column in Progress::COLUMNS {
            assert!(statement.contains(&format!("{{{}:Array(", column.name)), "{}", column.name);
        }
        assert!(statement.contains("reinterpret(row.5, 'DateTime64(3, \\'UTC\\')')"), "{statement}");
        assert!(statement.contains("{accepted_by_type:Array(Array(Tuple(String, UInt64)))}"), "{statement}");
    }
}
