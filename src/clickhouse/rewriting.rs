//! What is asked and noted of a source that is written again: one attempt each, at the address that answers.

use ::clickhouse::query::Query;

use super::ClickHouseSink;
use crate::clickhouse::classify;
use crate::failure::Failure;
use crate::loss::{Loss, OF_RECORDS};

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

    /// The tables of facts and rejects that hold nothing of a source.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn empty_of_records(&self, source: &str) -> Result<Vec<&'static str>, Failure> {
        self.catch_up().await?;
        let of = |(table, _): &(&str, _)| {
            format!(
                "(SELECT '{table}' AS name FROM {table} WHERE epoch = {{epoch:UInt16}} AND source = {{source:String}} LIMIT 1)"
            )
        };
        let ask = OF_RECORDS.iter().map(of).collect::<Vec<_>>().join(" UNION ALL ");
        let filled = self.names(self.of_source(&ask, source).await?).await?;
        Ok(OF_RECORDS.iter().map(|(table, _)| *table).filter(|table| !filled.iter().any(|name| name == table)).collect())
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
