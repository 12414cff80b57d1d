//! The store over ClickHouse's HTTP interface: one insert a table and attempt, `progress` last.
//!
//! It keeps nothing between two attempts: whoever calls it keeps the rows until the store has said yes, and
//! sends the same ones again. It does not deduplicate either: rows replace each other by version.

use std::time::Duration;

use ::clickhouse::error::Error;
use ::clickhouse::{Client, RowOwned, RowWrite};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout};

use crate::config;
use crate::failure::Failure;
use crate::migrations::{self, SchemaProblem};
use crate::record::Offset;
use crate::row::{ActivityWindow, Progress, Rows};
use crate::worker::Sink;

mod errors;

use errors::is_drift;
pub use errors::{classify, classify_exception};

/// Rows of one insert. The server makes one block, and so one part a month, of up to a million rows; an insert
/// of several blocks could be written in part.
const ROWS_MAX: usize = 400_000;

/// The tables of facts.
pub const FACTS: [&str; 6] = ["click", "visit", "conversion", "cost", "assignment", "report"];

/// One insert, as it went.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The table.
    pub table: &'static str,
    /// How many rows were sent.
    pub rows: usize,
    /// How long it took, the answer included.
    pub duration: Duration,
    /// What went wrong, if anything.
    pub error: Option<&'a Failure>,
}

/// The client for a store. It connects when it is first used.
#[must_use]
pub fn client(config: &config::ClickHouse) -> Client {
    let client = Client::default().with_url(&config.url).with_database(&config.database).with_user(&config.user);
    // An empty password is sent as none: servers that ask for none refuse a header without a value.
    let client = if config.password.0.is_empty() { client } else { client.with_password(&config.password.0) };
    client.with_product_info("grapevine", env!("CARGO_PKG_VERSION"))
}

/// Asks the store for nothing much, under a deadline: the client itself waits for an answer for ever.
///
/// # Errors
/// When there is no answer, or none that a ClickHouse gives to this user.
pub async fn reach(config: &config::ClickHouse) -> Result<(), Failure> {
    // The database need not exist yet.
    let client = client(config).with_database("system");
    let limit = config.send_timeout;
    let asked = timeout(limit, client.query_raw("SELECT 1").fetch_one::<u8>()).await;
    match asked {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(classify(&error)),
        Err(_) => Err(Failure::Transient(format!("no answer within {limit:?}"))),
    }
}

/// The store.
pub struct ClickHouseSink {
    client: Client,
    epoch: u16,
    send_timeout: Duration,
    end_timeout: Duration,
    clock: fn() -> i64,
    observer: Box<dyn Fn(&Attempt<'_>) + Send + Sync>,
    /// Whether the server knows `deduplicate_insert`: an unknown setting is an error there.
    deduplicate_setting: OnceCell<bool>,
}

impl ClickHouseSink {
    /// A store that nothing is known of yet. `clock` says the milliseconds since 1970 that go into
    /// `progress.written`, the only clock in the tables.
    #[must_use]
    pub fn new(config: &config::ClickHouse, epoch: u16, clock: fn() -> i64) -> Self {
        ClickHouseSink {
            client: client(config),
            epoch,
            send_timeout: config.send_timeout,
            end_timeout: config.end_timeout,
            clock,
            observer: Box::new(|_| {}),
            deduplicate_setting: OnceCell::new(),
        }
    }

    /// Calls `observer` after every insert.
    #[must_use]
    pub fn with_observer(self, observer: impl Fn(&Attempt<'_>) + Send + Sync + 'static) -> Self {
        ClickHouseSink { observer: Box::new(observer), ..self }
    }

    /// Whether the store can be reached and its schema is right.
    ///
    /// # Errors
    /// What is wrong, and what to run.
    pub async fn ready(&self) -> Result<(), Failure> {
        self.within(async {
            let warning = migrations::check(&self.client).await.map_err(|problem| match problem {
                SchemaProblem::Store(error) => error,
                wrong @ (SchemaProblem::Behind { .. } | SchemaProblem::Changed { .. }) => Failure::Operator(wrong.to_string()),
            })?;
            if let Some(warning) = warning {
                tracing::warn!("{warning}");
            }
            Ok(())
        })
        .await
    }

    /// Runs something under the deadline of an attempt: not everything in the client has one of its own.
    async fn within<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let limit = self.send_timeout + self.end_timeout;
        timeout(limit, work).await.unwrap_or_else(|_| Err(Failure::Transient(format!("no answer within {limit:?}"))))
    }

    async fn insert_table<T: RowOwned + RowWrite>(&self, table: &'static str, rows: &[&T]) -> Result<(), Failure> {
        for chunk in rows.chunks(ROWS_MAX) {
            let started = Instant::now();
            let result = self.within(self.insert_once(table, chunk)).await;
            let duration = started.elapsed();
            (self.observer)(&Attempt { table, rows: chunk.len(), duration, error: result.as_ref().err() });
            result.map_err(|error| describe(&error, table, chunk.len()))?;
        }
        Ok(())
    }

    /// One insert; with another look at the table if the rows may only not fit what the client remembers of it.
    async fn insert_once<T: RowOwned + RowWrite>(&self, table: &'static str, rows: &[&T]) -> Result<(), Failure> {
        let deduplicate = *self.deduplicate_setting.get_or_try_init(|| self.has_deduplicate_setting()).await?;
        match self.send(table, rows, deduplicate).await {
            Err(error) if is_drift(&error) => {
                self.client.clear_cached_metadata().await;
                self.send(table, rows, deduplicate).await
            }
            other => other,
        }
        .map_err(|error| classify(&error))
    }

    async fn send<T: RowOwned + RowWrite>(&self, table: &str, rows: &[&T], deduplicate: bool) -> Result<(), Error> {
        let mut insert = self
            .client
            .insert::<T>(table)
            .await?
            .with_timeouts(Some(self.send_timeout), Some(self.end_timeout))
            // The answer must mean that the rows are there.
            .with_setting("async_insert", "0")
            // A repeated insert must never be dropped as a copy: versions settle that.
            .with_setting("insert_deduplicate", "0")
            // Old events are never refused for lying in many months.
            .with_setting("throw_on_max_partitions_per_insert_block", "0");
        if deduplicate {
            insert = insert.with_setting("deduplicate_insert", "disable");
        }
        for row in rows {
            insert.write(row).await?;
        }
        insert.end().await
    }

    async fn has_deduplicate_setting(&self) -> Result<bool, Failure> {
        let ask = "SELECT count() FROM system.settings WHERE name = 'deduplicate_insert'";
        let count: u64 = self.client.query_raw(ask).fetch_one().await.map_err(|error| classify(&error))?;
        Ok(count > 0)
    }
}

impl Sink for ClickHouseSink {
    async fn insert(&self, rows: &Rows) -> Result<(), Failure> {
        let Rows {
            activity_windows,
            cascades,
            threads,
            clicks,
            visits,
            conversions,
            costs,
            assignments,
            reports,
            rejects,
            progress,
        } = rows;
        // By time, so that an insert of many touches few partitions.
        let mut windows: Vec<&ActivityWindow> = activity_windows.iter().collect();
        windows.sort_by_key(|row| row.window_start);
        self.insert_table("activity_window", &windows).await?;
        self.insert_table("cascade", &references(cascades)).await?;
        self.insert_table("thread", &references(threads)).await?;
        self.insert_table("click", &references(clicks)).await?;
        self.insert_table("visit", &references(visits)).await?;
        self.insert_table("conversion", &references(conversions)).await?;
        self.insert_table("cost", &references(costs)).await?;
        self.insert_table("assignment", &references(assignments)).await?;
        self.insert_table("report", &references(reports)).await?;
        self.insert_table("rejects", &references(rejects)).await?;
        let written = (self.clock)();
        let progress: Vec<Progress> = progress.iter().map(|row| Progress { written, ..row.clone() }).collect();
        self.insert_table("progress", &references(&progress)).await
    }

    async fn newest_version(&self, source: &str) -> Result<Option<Offset>, Failure> {
        let tables = ["progress", "activity_window", "cascade", "thread"];
        let union: Vec<String> = tables
            .iter()
            .map(|table| {
                format!("SELECT max(version) AS v, count() AS n FROM {table} WHERE epoch = {{epoch:UInt16}} AND source = {{source:String}}")
            })
            .collect();
        // A reject's version says only where it was, and one more once it was replayed.
        let rejects =
            "SELECT max(offset) + 1 AS v, count() AS n FROM rejects WHERE epoch = {epoch:UInt16} AND source = {source:String}";
        // The version of a fact counts its offset down from the largest number.
        let facts = FACTS.iter().map(|table| {
            let first = "SELECT if(count() = 0, 0, bitNot(min(version)) + 1) AS v, count() AS n";
            format!("{first} FROM {table} WHERE epoch = {{epoch:UInt16}} AND source = {{source:String}}")
        });
        let union = union.into_iter().chain(facts).chain([rejects.to_owned()]).collect::<Vec<_>>().join(" UNION ALL ");
        let ask = format!("SELECT max(v) AS version, sum(n) AS rows FROM ({union})");
        let query = self.client.query_raw(&ask).param("epoch", self.epoch).param("source", source);
        let (version, rows): (u64, u64) =
            self.within(async { query.fetch_one().await.map_err(|error| classify(&error)) }).await?;
        Ok((rows > 0).then_some(version))
    }
}

fn references<T>(rows: &[T]) -> Vec<&T> {
    rows.iter().collect()
}

fn describe(error: &Failure, table: &str, rows: usize) -> Failure {
    match error {
        Failure::Transient(text) => Failure::Transient(format!("could not insert {rows} rows into \"{table}\": {text}")),
        Failure::Operator(text) => Failure::Operator(format!("could not insert {rows} rows into \"{table}\": {text}")),
    }
}
