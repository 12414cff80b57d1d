//! A table of every source and epoch.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::command::CommandError;
use crate::command::database::Database;
use crate::command::log::Log;
use crate::command::outcome::say;
use crate::command::table::{Table, instant, or_dash};
use crate::config::Config;
use crate::record::{Offset, source_name};
use crate::row::Progress;

#[derive(::clickhouse::Row, Deserialize)]
struct Missing {
    epoch: u16,
    source: String,
    records: u64,
}

pub(super) async fn run(config: &Config) -> Result<(), CommandError> {
    let database = Database::open(&config.clickhouse).await?;
    let rows = database.progress().await?;
    let active = database.active_epochs().await?;
    let missing = missing(&database).await?;
    let ends = ends(config).unwrap_or_else(|error| {
        eprintln!("grapevine: the ends of the log are not known: {error}");
        BTreeMap::new()
    });
    let names = ["source", "epoch", "active", "first", "next", "end", "watermark", "read", "rejected", "in no count"];
    let mut table = Table::new(names);
    for row in rows {
        let Progress { epoch, source, first, version, watermark, read, rejected, .. } = row;
        let is_active = active.of(&source) == epoch;
        table.row([
            source.to_string(),
            epoch.to_string(),
            if is_active { "yes" } else { "no" }.to_owned(),
            first.to_string(),
            version.to_string(),
            or_dash(ends.get(&*source)),
            if watermark > 0 { instant(watermark) } else { or_dash(None::<u64>) },
            read.to_string(),
            rejected.to_string(),
            missing.get(&(source.to_string(), epoch)).copied().unwrap_or_default().to_string(),
        ]);
    }
    say(&table.text())
}

/// How many offsets no count covers.
async fn missing(database: &Database) -> Result<BTreeMap<(String, u16), u64>, CommandError> {
    let query =
        "SELECT epoch, toString(source) AS source, sum(toUInt64(next - first)) AS records FROM gap FINAL GROUP BY epoch, source";
    let rows: Vec<Missing> = database.all("ask for gaps", database.query(query)).await?;
    Ok(rows.into_iter().map(|Missing { epoch, source, records }| ((source, epoch), records)).collect())
}

/// Where the configured log ends, by source.
fn ends(config: &Config) -> Result<BTreeMap<String, Offset>, CommandError> {
    let log = Log::open(config, config.rules.epoch)?;
    let end = |partition| Ok((source_name(&config.worker.log, partition).to_string(), log.bounds(partition)?.1));
    log.partitions()?.into_iter().map(end).collect()
}
