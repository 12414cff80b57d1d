//! What is asked and noted of a source that is written again: one attempt each, at the address that answers.

use std::ops::Range;

use ::clickhouse::query::Query;

use super::ClickHouseSink;
use crate::clickhouse::{classify, local_database};
use crate::failure::Failure;
use crate::loss::{Loss, OF_RECORDS, OfRecords};
use crate::record::Offset;

/// Tables whose rows name a brand, so that `grapevine retain` removes some of them.
pub(crate) const OF_BRANDS: [&str; 5] = ["click", "visit", "conversion", "cost", "report"];

/// The tables from which rows are removed on purpose: those with a rule, and those of brands once anything of any was removed.
const TRIMMED: &str = "SELECT DISTINCT name FROM system.tables WHERE database IN (currentDatabase(), {local:String}) \
                       AND name IN {tables:Array(String)} AND (create_table_query LIKE '% TTL %' \
                       OR (name IN {of_brands:Array(String)} AND (SELECT count() FROM removal) > 0))";

/// Asks which tables of facts and rejects hold something of a source under a condition.
fn holding(condition: impl Fn(&'static str) -> &'static str) -> String {
    let of = |(table, _)| {
        let condition = condition(table);
        format!(
            "(SELECT '{table}' AS name FROM {table} WHERE epoch = {{epoch:UInt16}} AND source = {{source:String}} AND {condition} LIMIT 1)"
        )
    };
    OF_RECORDS.map(of).join(" UNION ALL ")
}

/// Rows of records before an offset.
fn before_the_log(table: &str) -> &'static str {
    // The version of a fact counts its offset down from the largest number.
    if table == "rejects" { "offset < {first:UInt64}" } else { "version > bitNot({first:UInt64})" }
}

impl ClickHouseSink {
    /// Which of some clicks of a source are there: as many ids as fit into a request.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn clicks_there(&self, source: &str, ids: &[&str]) -> Result<Vec<String>, Failure> {
        self.catch_up().await?;
        let ask = "SELECT DISTINCT id FROM click WHERE id IN {ids:Array(String)} AND epoch = {epoch:UInt16} AND source = {source:String}";
        self.names(self.of_source(ask, source).await?.param("ids", ids)).await
    }

    /// What the tables of facts and rejects hold of a source whose log begins at an offset.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn of_records(&self, source: &str, log_first: Offset) -> Result<OfRecords, Failure> {
        self.catch_up().await?;
        let filled = self.names(self.of_source(&holding(|_| "1"), source).await?).await?;
        let older = self.of_source(&holding(before_the_log), source).await?.param("first", log_first);
        let older = self.names(older).await?;
        let all = OF_RECORDS.map(|(table, _)| table);
        let local = local_database(self.client().database().unwrap_or("default"));
        let trimmed = self.of_source(TRIMMED, source).await?.param("tables", &all[..]).param("of_brands", &OF_BRANDS[..]);
        let trimmed = self.names(trimmed.param("local", local)).await?;
        let is_in = |names: &[String], table: &str| names.iter().any(|name| name == table);
        Ok(OfRecords {
            empty: all.into_iter().filter(|table| !is_in(&filled, table)).collect(),
            bare: all.into_iter().filter(|table| !is_in(&older, table)).collect(),
            trimmed: all.into_iter().filter(|table| is_in(&trimmed, table)).collect(),
        })
    }

    /// The offsets of a source that no count covers.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn uncounted(&self, source: &str) -> Result<Vec<Range<Offset>>, Failure> {
        let ask = "SELECT first, next FROM gap FINAL WHERE epoch = {epoch:UInt16} AND source = {source:String}";
        let ask = self.of_source(ask, source).await?;
        let gaps: Vec<(Offset, Offset)> = self.within(async { ask.fetch_all().await.map_err(|error| classify(&error)) }).await?;
        Ok(gaps.into_iter().map(|(first, next)| first..next).collect())
    }

    async fn names(&self, question: Query) -> Result<Vec<String>, Failure> {
        self.within(async { question.fetch_all().await.map_err(|error| classify(&error)) }).await
    }

    /// Notes what of a source is lost for good. Noted again, what reaches further stands.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn note_loss(&self, source: &str, loss: &Loss) -> Result<(), Failure> {
        let Loss { table, first, next, lives, reason } = loss;
        let note = "INSERT INTO loss (epoch, source, table, first, next, lives, reason, recorded) SELECT {epoch:UInt16}, \
                    {source:String}, {table:String}, {first:UInt64}, {next:UInt64}, {lives:Nullable(UInt64)}, {reason:String}, now64(3)";
        self.within(async {
            let note = self.of_source(note, source).await?.param("table", table).param("first", first).param("next", next);
            let note = note.param("lives", lives).param("reason", reason);
            note.execute().await.map_err(|error| classify(&error))
        })
        .await
    }
}
