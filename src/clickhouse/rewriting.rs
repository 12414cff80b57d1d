//! What is asked and noted of a source that is written again: one attempt each, at the address that answers.

use std::ops::Range;

use ::clickhouse::query::Query;
use ::clickhouse::{RowOwned, RowRead};

use super::{ClickHouseSink, Setting};
use crate::clickhouse::{classify, local_database};
use crate::failure::Failure;
use crate::loss::{Loss, OF_RECORDS};
use crate::record::Offset;

/// Tables whose rows name a brand, so that `grapevine retain` removes some of them.
pub(crate) const OF_BRANDS: [&str; 5] = ["click", "visit", "conversion", "cost", "report"];

/// The tables from which rows are removed on purpose: those with a rule, and those of brands once anything of any was removed.
const TRIMMED: &str = "SELECT DISTINCT name FROM system.tables WHERE database IN (currentDatabase(), {local:String}) \
                       AND name IN {tables:Array(String)} AND (create_table_query LIKE '% TTL %' \
                       OR (name IN {of_brands:Array(String)} AND (SELECT count() FROM removal) > 0))";

/// What is asked in the order of a key is read in that order, as far as it is asked: a profile might sort the whole table.
const IN_ORDER: Setting = ("optimize_read_in_order", "1");

/// The id so many rows behind another one, in the order of a table's key.
fn further(table: &str) -> String {
    format!("SELECT max(id) FROM (SELECT id FROM {table} WHERE id > {{after:String}} ORDER BY id LIMIT {{rows:UInt64}})")
}

/// Of which oldest record each source has a row in a part of a table of facts, whose versions count offsets down from the largest number.
fn oldest_between(table: &str) -> String {
    format!(
        "SELECT toString(source), bitNot(max(version)) FROM {table} WHERE epoch = {{epoch:UInt16}} \
         AND id > {{after:String}} AND id <= {{upto:String}} GROUP BY source"
    )
}

/// The first reject of a source, in the order of their key: nothing behind it is looked at, nor before it but those of other epochs.
const OLDEST_REJECT: &str =
    "SELECT offset FROM rejects WHERE epoch = {epoch:UInt16} AND source = {source:String} ORDER BY source, offset LIMIT 1";

impl ClickHouseSink {
    /// Which of some clicks of a source are there, and of which version the first copy of each is: as many ids as fit into a request.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn clicks_there(&self, source: &str, ids: &[&str]) -> Result<Vec<(String, u64)>, Failure> {
        self.catch_up().await?;
        let ask = "SELECT id, max(version) FROM click \
                   WHERE id IN {ids:Array(String)} AND epoch = {epoch:UInt16} AND source = {source:String} GROUP BY id";
        self.answers(self.of_source(ask, source).await?.param("ids", ids)).await
    }

    /// Of which oldest record each source has a row in a part of a table of facts, and the last id of that part: it has so many rows
    /// behind an id, in the order of the table's key. Nothing where there are none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn oldest_facts(
        &self,
        table: &str,
        (after, rows): (&str, u64),
    ) -> Result<Option<(String, Vec<(String, Offset)>)>, Failure> {
        self.catch_up().await?;
        let ask = self.current(self.client().query_raw(&further(table))).await?.param("after", after).param("rows", rows);
        let upto: String = self.answer(ask.with_setting(IN_ORDER.0, IN_ORDER.1)).await?;
        if upto.is_empty() {
            return Ok(None);
        }
        let ask = self.current(self.client().query_raw(&oldest_between(table))).await?.param("epoch", self.epoch);
        let oldest = self.answers(ask.param("after", after).param("upto", &upto)).await?;
        Ok(Some((upto, oldest)))
    }

    /// The offset of the first reject of a source.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn oldest_reject(&self, source: &str) -> Result<Option<Offset>, Failure> {
        self.catch_up().await?;
        let ask = self.of_source(OLDEST_REJECT, source).await?.with_setting(IN_ORDER.0, IN_ORDER.1);
        self.within(async { ask.fetch_optional().await.map_err(|error| classify(&error)) }).await
    }

    /// The tables of facts and rejects from which rows are removed on purpose.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn trimmed(&self) -> Result<Vec<&'static str>, Failure> {
        let all = OF_RECORDS.map(|(table, _)| table);
        let local = local_database(self.client().database().unwrap_or("default"));
        let ask = self.current(self.client().query_raw(TRIMMED)).await?.param("tables", &all[..]);
        let trimmed: Vec<String> = self.answers(ask.param("of_brands", &OF_BRANDS[..]).param("local", local)).await?;
        Ok(all.into_iter().filter(|table| trimmed.iter().any(|name| name == table)).collect())
    }

    /// The offsets of a source that no count covers.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn uncounted(&self, source: &str) -> Result<Vec<Range<Offset>>, Failure> {
        let ask = "SELECT first, next FROM gap FINAL WHERE epoch = {epoch:UInt16} AND source = {source:String}";
        let gaps: Vec<(Offset, Offset)> = self.answers(self.of_source(ask, source).await?).await?;
        Ok(gaps.into_iter().map(|(first, next)| first..next).collect())
    }

    /// The rows that answer a question.
    async fn answers<T: RowOwned + RowRead>(&self, question: Query) -> Result<Vec<T>, Failure> {
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
