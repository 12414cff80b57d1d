//! The store as commands use it: one question or statement at a time, each under a deadline or none, with what was being
//! done in every error.

use std::collections::BTreeMap;
use std::time::Duration;

use ::clickhouse::query::Query;
use ::clickhouse::{Client, Row, RowOwned, RowRead};
use serde::Deserialize;
use tokio::time::timeout;

use super::outcome::CommandError;
use crate::clickhouse::{Layout, TABLES, classify, connect, late, synced};
use crate::config;
use crate::failure::Failure;
use crate::migrations;
use crate::row::Progress;

/// Every table that holds rows of an epoch: those that workers write, and what commands note beside them.
pub(crate) fn tables() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|table| table.name).chain(["gap", "loss"])
}

/// The store, reached, with the schema of this program.
pub(crate) struct Database {
    client: Client,
    limit: Duration,
}

/// Which epoch the views read of each source; 0 where nothing is said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ActiveEpochs(BTreeMap<String, u16>);

impl ActiveEpochs {
    pub(crate) fn of(&self, source: &str) -> u16 {
        self.0.get(source).copied().unwrap_or_default()
    }
}

#[derive(Row, Deserialize)]
struct Active {
    source: String,
    epoch: u16,
}

impl Database {
    pub(crate) async fn open(config: &config::ClickHouse) -> Result<Database, CommandError> {
        let database = Database::reached(config).await?;
        if let Some(warning) = migrations::check(&database.client, &config.layout).await? {
            eprintln!("grapevine: {warning}");
        }
        // A command asks for what was written, not for what one of several servers has of it by now.
        if config.layout != Layout::Single {
            let behind = |error| CommandError::Store("could not wait for what was written".to_owned(), error);
            let caught_up = timeout(database.limit, synced(&database.client, tables().chain(["active_epoch", "run"]))).await;
            caught_up.unwrap_or_else(|_| Err(late(database.limit))).map_err(behind)?;
        }
        Ok(database)
    }

    /// The database that people read, where a reader needs no grant but on its views.
    pub(crate) async fn of_people(config: &config::ClickHouse) -> Result<Database, CommandError> {
        let Database { client, limit } = Database::reached(config).await?;
        let name = &config.database;
        let database = Database { client: client.with_database("system"), limit };
        let query = "SELECT count() FROM tables WHERE database = {database:String} AND name = 'run'";
        let views: Vec<u64> = database.all("ask for what people read", database.query(query).param("database", name)).await?;
        if views == [0] {
            let shown = format!("database \"{name}\" shows this user nothing; run: grapevine migrate, or ask for SELECT on it");
            return Err(CommandError::Refused(shown));
        }
        Ok(Database { client: database.client.with_database(name), limit })
    }

    async fn reached(config: &config::ClickHouse) -> Result<Database, CommandError> {
        let unusable = |error| {
            CommandError::Store(format!("could not use ClickHouse at {} (clickhouse.urls)", config.urls.join(", ")), error)
        };
        let client = connect(config).await.map_err(unusable)?;
        Ok(Database { client, limit: config.send_timeout + config.end_timeout })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn query(&self, text: &str) -> Query {
        self.client.query_raw(text)
    }

    /// The rows that answer a question.
    pub(crate) async fn all<T: RowOwned + RowRead>(&self, doing: &str, query: Query) -> Result<Vec<T>, CommandError> {
        let asked = timeout(self.limit, query.fetch_all()).await;
        let answer = asked.map_err(|_| late(self.limit)).and_then(|answer| answer.map_err(|error| classify(&error)));
        answer.map_err(|error| CommandError::Store(format!("could not {doing}"), error))
    }

    /// The answer to a question as JSON, in the format `JSONCompact`.
    pub(crate) async fn json(&self, text: &str) -> Result<Vec<u8>, Failure> {
        let query = self.query(text);
        let asked = async { query.fetch_bytes("JSONCompact")?.collect().await };
        let answer = timeout(self.limit, asked).await.map_err(|_| late(self.limit))?;
        answer.map(Vec::from).map_err(|error| classify(&error))
    }

    /// Runs a statement, however long it takes.
    pub(crate) async fn run(&self, doing: &str, query: Query) -> Result<(), CommandError> {
        let ran = query.execute().await.map_err(|error| classify(&error));
        ran.map_err(|error| CommandError::Store(format!("could not {doing}"), error))
    }

    /// The newest row of `progress` of every source and epoch, in the order of both.
    pub(crate) async fn progress(&self) -> Result<Vec<Progress>, CommandError> {
        let query = "SELECT epoch, source, first, version, watermark, read, accepted, duplicates, conflicting_copies, \
                     rejected, accepted_by_type, log_end, written FROM progress FINAL ORDER BY source, epoch";
        self.all("ask how far sources are complete", self.query(query)).await
    }

    /// Lets the views read an epoch of these sources.
    pub(crate) async fn promote(&self, epoch: u16, sources: Vec<String>) -> Result<(), CommandError> {
        // One insert, so that all change at once.
        let promote = "INSERT INTO active_epoch (source, epoch, version) SELECT arrayJoin({sources:Array(String)}), \
                       {epoch:UInt16}, (SELECT max(version) + 1 FROM active_epoch)";
        self.run("promote the epoch", self.query(promote).param("sources", sources).param("epoch", epoch)).await
    }

    pub(crate) async fn active_epochs(&self) -> Result<ActiveEpochs, CommandError> {
        let query = self.query("SELECT source, epoch FROM active_epoch FINAL");
        let rows: Vec<Active> = self.all("ask which epochs are active", query).await?;
        Ok(ActiveEpochs(rows.into_iter().map(|row| (row.source, row.epoch)).collect()))
    }
}
