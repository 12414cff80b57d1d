//! Rejects counted by source and reason.

use serde::Deserialize;

use super::Filter;
use crate::command::CommandError;
use crate::command::database::Database;
use crate::command::outcome::say;
use crate::command::table::{Table, instant};
use crate::config::Config;

#[derive(::clickhouse::Row, Deserialize)]
struct Group {
    source: String,
    reason: String,
    records: u64,
    cut: u64,
    replayed: u64,
    newest: u64,
    received: i64,
    detail: String,
}

const COUNT: &str = "SELECT toString(source) AS source, toString(reason) AS reason, count() AS records, countIf(truncated) AS cut, \
    countIf(replayed_before) AS replayed, max(offset) AS newest, argMax(received, offset) AS received, \
    argMax(detail, offset) AS detail FROM {rejects} GROUP BY source, reason ORDER BY source, reason";

pub(super) async fn run(config: &Config, filter: &Filter) -> Result<(), CommandError> {
    let database = Database::open(&config.clickhouse).await?;
    let query = filter.query(config, &database, COUNT);
    let mut table = Table::new(["source", "reason", "records", "cut", "replayed", "newest", "received", "detail of the newest"]);
    for group in database.all::<Group>("count rejects", query).await? {
        let Group { source, reason, records, cut, replayed, newest, received, detail } = group;
        let [records, cut, replayed, newest] = [records, cut, replayed, newest].map(|count| count.to_string());
        table.row([source, reason, records, cut, replayed, newest, instant(received), one_line(&detail)]);
    }
    say(&table.text())
}

/// A detail quotes what somebody sent: nothing of it may move the cursor.
fn one_line(detail: &str) -> String {
    detail.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
