//! The store as a run uses it: statement after statement, each as long as it takes, none of them twice.

use ::clickhouse::insert::Insert;
use ::clickhouse::query::{Query, RowCursor};
use ::clickhouse::{Client, Row, RowOwned, RowRead};
use serde::Serialize;

use crate::clickhouse::{Setting, TABLES, classify, known_settings, local_database, synced};
use crate::failure::Failure;

/// What every statement of a run says, of servers that know it: its share of the server, and that what is too much fails. By a
/// user's profile it might end early as if it were done.
const SETTINGS: [Setting; 28] = [
    // Every source stands in a statement by name.
    ("max_query_size", "268435456"),
    ("max_ast_elements", "10000000"),
    ("max_expanded_ast_elements", "10000000"),
    // What can be sorted or grouped on the disk is, beyond 1 GiB.
    ("max_bytes_before_external_group_by", "1073741824"),
    ("max_bytes_before_external_sort", "1073741824"),
    ("max_bytes_ratio_before_external_group_by", "0"),
    ("max_bytes_ratio_before_external_sort", "0"),
    ("timeout_overflow_mode", "throw"),
    ("read_overflow_mode", "throw"),
    ("sort_overflow_mode", "throw"),
    ("group_by_overflow_mode", "throw"),
    ("join_overflow_mode", "throw"),
    ("set_overflow_mode", "throw"),
    ("distinct_overflow_mode", "throw"),
    ("result_overflow_mode", "throw"),
    ("transfer_overflow_mode", "throw"),
    // To compile what is asked once a run takes longer than it saves.
    ("compile_expressions", "0"),
    ("compile_aggregate_expressions", "0"),
    ("compile_sort_description", "0"),
    // What changes the meaning of a question.
    ("limit", "0"),
    ("offset", "0"),
    ("final", "0"),
    ("join_use_nulls", "0"),
    ("union_default_mode", "DISTINCT"),
    ("use_query_cache", "0"),
    ("async_insert", "0"),
    ("insert_deduplicate", "0"),
    ("deduplicate_insert", "disable"),
];

/// A client with those settings, and where the tables of a run go.
pub(super) struct Store {
    client: Client,
    settings: Vec<Setting>,
    /// Bytes that a statement may take of the server's memory.
    memory: String,
    /// The database in which rows of facts lie: that of rows, models and answers by run, or where they are spread over shards that of the parts.
    pub(super) facts: String,
}

impl Store {
    pub(super) async fn open(client: &Client, memory: u64) -> Result<Store, Failure> {
        let settings = known_settings(client, &SETTINGS).await?;
        let rows = client.database().unwrap_or("default").to_owned();
        let spread =
            "SELECT count() FROM system.tables WHERE database = {rows:String} AND name = 'click' AND engine = 'Distributed'";
        let spread = client.query_raw(spread).param("rows", &rows).fetch_one::<u64>().await.map_err(|error| classify(&error))?;
        let facts = if spread > 0 { local_database(&rows) } else { rows };
        Ok(Store { client: client.clone(), settings, memory: memory.to_string(), facts })
    }

    /// Waits for what other servers of the store had by now.
    pub(super) async fn catch_up(&self) -> Result<(), Failure> {
        synced(&self.client, TABLES.iter().map(|table| table.name).chain(["gap"])).await
    }

    fn query(&self, text: &str) -> Query {
        let query = self.client.query_raw(text).with_setting("max_memory_usage", &self.memory);
        self.settings.iter().fold(query, |query, (name, value)| query.with_setting(*name, *value))
    }

    /// Runs a statement.
    pub(super) async fn run(&self, doing: &str, text: &str) -> Result<(), Failure> {
        self.query(text).execute().await.map_err(|error| classify(&error).on(doing))
    }

    /// The one row that answers a question.
    pub(super) async fn one<T: RowOwned + RowRead>(&self, doing: &str, question: &str) -> Result<T, Failure> {
        self.query(question).fetch_one().await.map_err(|error| classify(&error).on(doing))
    }

    /// The rows that answer a question, one after the other.
    pub(super) fn stream<T: Row>(&self, doing: &str, question: &str) -> Result<RowCursor<T>, Failure> {
        self.query(question).fetch().map_err(|error| classify(&error).on(doing))
    }

    /// Rows into a model.
    pub(super) async fn insert<T: Row>(&self, doing: &str, model: &str) -> Result<Insert<T>, Failure> {
        let insert = self.client.insert(model).await.map_err(|error| classify(&error).on(doing))?;
        Ok(self.settings.iter().fold(insert, |insert, (name, value)| insert.with_setting(*name, *value)))
    }

    /// Writes rows into a model.
    pub(super) async fn fill<T: for<'a> Row<Value<'a> = T> + Serialize>(
        &self,
        doing: &str,
        model: &str,
        rows: impl Iterator<Item = T>,
    ) -> Result<(), Failure> {
        let mut rows = rows.peekable();
        if rows.peek().is_none() {
            return Ok(());
        }
        let mut insert = self.insert::<T>(doing, model).await?;
        for row in rows {
            insert.write(&row).await.map_err(|error| classify(&error).on(doing))?;
        }
        insert.end().await.map_err(|error| classify(&error).on(doing))
    }

    /// The rows that answer a question.
    pub(super) async fn all<T: RowOwned + RowRead>(&self, doing: &str, question: &str) -> Result<Vec<T>, Failure> {
        self.query(question).fetch_all().await.map_err(|error| classify(&error).on(doing))
    }
}
