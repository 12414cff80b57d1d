//! Asks ClickHouse: is everything counted, which rows does everybody read, and the questions themselves.

use std::io::{self, IsTerminal, Write};

use clickhouse::Client;

use super::DemoError;
use super::tables::{CONTENT, GAP, MONEY};
use crate::clickhouse::marks;
use crate::command::database;
use crate::migrations::statements;
use crate::rollup::{self, ANSWERS, Request};

/// A client of the database.
pub(super) struct Answers {
    client: Client,
}

impl Answers {
    pub(super) fn new(client: Client) -> Self {
        Answers { client }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The wanted epoch in an empty database, else the one after the greatest.
    pub(super) async fn free_epoch(&self, wanted: u16) -> Result<u16, DemoError> {
        // `progress` is written last: a run that was killed may have left rows without it.
        let each = database::tables().map(|table| format!("SELECT DISTINCT epoch FROM {table} WHERE epoch != {}", marks::EPOCH));
        let epochs: Vec<u16> = self.all(&each.collect::<Vec<_>>().join(" UNION ALL ")).await?;
        Ok(epochs.into_iter().max().map_or(wanted, |greatest| greatest.saturating_add(1).max(wanted)))
    }

    /// Makes an epoch the one that views read, for every source of a log that has rows of any epoch: so what
    /// earlier runs left is hidden, whatever their number of partitions.
    pub(super) async fn promote(&self, epoch: u16, log: &str) -> Result<(), DemoError> {
        let promote = format!(
            "INSERT INTO active_epoch SELECT DISTINCT source, toUInt16({epoch}), (SELECT max(version) + 1 FROM active_epoch) \
             FROM progress WHERE startsWith(source, '{log}/')"
        );
        self.client.query_raw(&promote).execute().await.map_err(|source| DemoError::Query { question: promote.clone(), source })
    }

    /// Whether every record was read, and counted once.
    pub(super) async fn check_conservation(&self, epoch: u16, log: &str, published: u64) -> Result<(), DemoError> {
        let question = format!(
            "SELECT sum(read), sum(accepted) + sum(duplicates) + sum(rejected) FROM progress FINAL \
             WHERE epoch = {epoch} AND startsWith(source, '{log}/')"
        );
        let sums: Vec<(u64, u64)> = self.all(&question).await?;
        let lives = format!("SELECT count() FROM conservation WHERE epoch = {epoch} AND startsWith(source, '{log}/')");
        let at_fault: Vec<u64> = self.all(&lives).await?;
        match (&sums[..], &at_fault[..]) {
            ([(read, outcomes)], [0]) if *read == published && *outcomes == published => Ok(()),
            _ => Err(DemoError::NotConserved(format!(
                "published {published}; read, and accepted + duplicates + rejected: {sums:?}; lives whose windows are not their totals: {at_fault:?}"
            ))),
        }
    }

    /// Loads what only an operator knows.
    pub(super) async fn load(&self, sql: &str) -> Result<(), DemoError> {
        for statement in statements(sql) {
            let loaded = self.client.query_raw(statement).execute().await;
            loaded.map_err(|source| DemoError::Query { question: statement.to_owned(), source })?;
        }
        Ok(())
    }

    /// Makes all answers of what there is now.
    pub(super) async fn roll_up(&self) -> Result<(), DemoError> {
        let request = Request { credit_by_rule: true, ..Request::default() };
        rollup::run(&self.client, request).await.map(drop).map_err(DemoError::Answers)
    }

    /// Prints answers and nothing else. What a statement changes is in the answers of the questions after it.
    pub(super) async fn print(&self, queries: &[String], format: &str) -> Result<(), DemoError> {
        let mut are_fresh = false;
        for query in queries {
            if !is_question(query) {
                are_fresh = false;
            } else if !are_fresh && asks_for_answers(query) {
                self.roll_up().await?;
                are_fresh = true;
            }
            let answer = self.bytes(query, format).await?;
            write_out(&answer)?;
        }
        Ok(())
    }

    /// Prints the demo's own tables; those without a row are left out. `gap` is the question of the table of that name.
    pub(super) async fn show_tables(&self, published: u64, gap: Option<&str>) -> Result<(), DemoError> {
        write_out(format!("{published} events, from Kafka through the worker into ClickHouse.\n").as_bytes())?;
        let gap = gap.map(|question| (GAP, question));
        for (title, question) in MONEY.into_iter().chain(gap).chain(CONTENT) {
            let table = self.bytes(question, "PrettyCompactMonoBlock").await?;
            if !table.is_empty() {
                write_out(format!("\n{title}\n").as_bytes())?;
                write_out(&table)?;
            }
        }
        write_out(b"\nAsk your own with --query SQL, or stay connected with --serve; docs/sql.md explains the views.\n")
    }

    async fn all<T: clickhouse::RowOwned + clickhouse::RowRead>(&self, question: &str) -> Result<Vec<T>, DemoError> {
        self.client
            .query_raw(question)
            .fetch_all()
            .await
            .map_err(|source| DemoError::Query { question: question.to_owned(), source })
    }

    async fn bytes(&self, question: &str, format: &str) -> Result<Vec<u8>, DemoError> {
        let colours = if io::stdout().is_terminal() { "1" } else { "0" };
        let failed = |source| DemoError::Query { question: question.to_owned(), source };
        let answer = self
            .client
            .query_raw(question)
            .with_setting("output_format_pretty_color", colours)
            .with_setting("output_format_pretty_row_numbers", "0")
            .fetch_bytes(format)
            .map_err(failed)?
            .collect()
            .await
            .map_err(failed)?;
        Ok(answer.to_vec())
    }
}

/// Whether a statement only asks; one that begins in another way may change something.
fn is_question(statement: &str) -> bool {
    let first = statement.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    let first = first.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_uppercase();
    ["SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS"].contains(&first.as_str())
}

/// Whether a question names something that a run makes: those that do not need no run.
fn asks_for_answers(question: &str) -> bool {
    let mut words = question.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|word| word == "run" || ANSWERS.iter().any(|answer| word == answer.name))
}

/// A reader that went away (`| head`) is no fault of ours.
fn write_out(bytes: &[u8]) -> Result<(), DemoError> {
    let mut output = io::stdout().lock();
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(DemoError::Local("write the answers", error)),
        _ => Ok(()),
    }
}
