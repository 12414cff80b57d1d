//! Deletes what is left of an epoch: consumer group, checkpoints, rows, in this order, so that a worker that is started
//! in the middle finds rows without a checkpoint and refuses.

use std::collections::BTreeSet;
use std::io::{self, BufRead, IsTerminal};
use std::mem::ManuallyDrop;

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;

use crate::checkpoints::CheckpointStore;
use crate::clickhouse::{marks, rows_database};
use crate::command::CommandError;
use crate::command::database::{Database, tables};
use crate::command::log::{Log, client_config};
use crate::command::outcome::say;
use crate::command::table::Table;
use crate::config::Config;

/// Which epoch, and how sure.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Removal {
    /// The epoch to delete
    epoch: u16,
    /// Delete without asking
    #[arg(long)]
    yes: bool,
    /// Do not ask Kafka whether the epoch's workers still run: only where topic or brokers are gone
    #[arg(long)]
    offline: bool,
}

pub(super) async fn run(config: &Config, removal: &Removal) -> Result<(), CommandError> {
    let epoch = removal.epoch;
    let database = Database::open(&config.clickhouse).await?;
    let checkpoints = CheckpointStore::existing(&config.checkpoint, epoch)?;
    let log = format!("{}/", config.worker.log);
    let chosen = |source: &str| source.starts_with(&log);
    let rows = count(&database, epoch, &log).await?;
    let mut entries = checkpoints.entries().await?;
    entries.retain(|entry| chosen(&entry.source));
    if entries.is_empty() && rows.iter().all(|(_, rows)| *rows == 0) {
        return say(&format!("nothing is left of epoch {epoch} of {}\n", config.worker.log));
    }
    let mut sources = sources(&database, epoch, &log).await?;
    sources.extend(entries.iter().map(|entry| entry.source.clone()));
    refuse_active(&database, epoch, &sources).await?;
    say(&plan(config, epoch, &rows, entries.len()))?;
    if !removal.yes {
        confirm(epoch)?;
    }
    if !removal.offline {
        give_up_group(config, epoch).await?;
    }
    checkpoints.clear(chosen).await?;
    delete(config, &database, epoch, &log).await?;
    say(&format!("deleted epoch {epoch} of {}\n", config.worker.log))
}

/// How many rows each table holds of the epoch.
async fn count(database: &Database, epoch: u16, log: &str) -> Result<Vec<(&'static str, u64)>, CommandError> {
    let mut counts = Vec::new();
    for table in tables() {
        let text = format!("SELECT count() FROM {table} WHERE epoch = {{epoch:UInt16}} AND startsWith(source, {{log:String}})");
        let query = database.query(&text).param("epoch", epoch).param("log", log);
        let rows: Vec<u64> = database.all("count the rows of the epoch", query).await?;
        counts.push((table, rows.into_iter().sum()));
    }
    Ok(counts)
}

async fn sources(database: &Database, epoch: u16, log: &str) -> Result<BTreeSet<String>, CommandError> {
    let of = |table| {
        format!(
            "SELECT DISTINCT toString(source) FROM {table} WHERE epoch = {{epoch:UInt16}} AND startsWith(source, {{log:String}})"
        )
    };
    let text = tables().map(of).collect::<Vec<_>>().join(" UNION ALL ");
    let query = database.query(&text).param("epoch", epoch).param("log", log);
    Ok(database.all::<String>("ask for the sources of the epoch", query).await?.into_iter().collect())
}

async fn refuse_active(database: &Database, epoch: u16, sources: &BTreeSet<String>) -> Result<(), CommandError> {
    let active = database.active_epochs().await?;
    let read: Vec<&str> = sources.iter().map(String::as_str).filter(|source| active.of(source) == epoch).collect();
    if read.is_empty() {
        return Ok(());
    }
    Err(CommandError::Refused(format!(
        "the views read epoch {epoch} of {}: promote another epoch of them first (`grapevine epoch promote`)",
        read.join(", ")
    )))
}

fn plan(config: &Config, epoch: u16, rows: &[(&'static str, u64)], checkpoints: usize) -> String {
    let mut table = Table::new(["of epoch", "what", "how many"]);
    for (name, rows) in rows.iter().filter(|(_, rows)| *rows > 0) {
        table.row([epoch.to_string(), format!("rows of {}.{name}", config.clickhouse.database), rows.to_string()]);
    }
    table.row([epoch.to_string(), format!("checkpoints at {}", config.checkpoint.url), checkpoints.to_string()]);
    table.row([epoch.to_string(), format!("consumer group {}", config.kafka.group_of(epoch)), "1".to_owned()]);
    table.text()
}

/// Asks for the epoch's number where somebody can answer.
fn confirm(epoch: u16) -> Result<(), CommandError> {
    let input = io::stdin();
    if !input.is_terminal() {
        return Err(CommandError::Refused("nothing was deleted: say --yes to delete this".to_owned()));
    }
    eprint!("Deleted rows do not come back. Write the number of the epoch to delete it: ");
    let mut answer = String::new();
    match input.lock().read_line(&mut answer) {
        Ok(_) if answer.trim() == epoch.to_string() => Ok(()),
        Ok(_) | Err(_) => Err(CommandError::Refused("nothing was deleted".to_owned())),
    }
}

/// Deletes the group, unless it has members. Its offsets would keep a new fleet from beginning under the same number.
async fn give_up_group(config: &Config, epoch: u16) -> Result<(), CommandError> {
    let log = Log::open(config, epoch)?;
    let in_use = || {
        CommandError::Refused(format!(
            "nothing was deleted: the group {} has members; stop the workers of epoch {epoch} first. One that was killed stays \
             a member for kafka.session_timeout_ms",
            config.kafka.group_of(epoch)
        ))
    };
    let partitions = log.partitions()?;
    let committed = log.committed(&partitions)?;
    let place = committed.into_iter().next().or_else(|| Some((*partitions.first()?, 0)));
    if let Some((partition, next)) = place
        && log.has_members(partition, next)?
    {
        return Err(in_use());
    }
    let refused = |error| CommandError::Kafka(format!("the Kafka client refuses its settings: {error}"));
    let client: AdminClient<DefaultClientContext> = client_config(&config.kafka).create().map_err(refused)?;
    // Destroyed after a request that the brokers do not know, the client would abort the process: librdkafka 2.12 frees its
    // queue twice then. The process ends soon anyway.
    let client = ManuallyDrop::new(client);
    let answer = client.delete_groups(&[log.group()], &AdminOptions::new()).await;
    let stays = match answer.map(|groups| groups.into_iter().next()) {
        Ok(Some(Err((_, RDKafkaErrorCode::NonEmptyGroup)))) => return Err(in_use()),
        Ok(Some(Ok(_)) | None) | Ok(Some(Err((_, RDKafkaErrorCode::GroupIdNotFound)))) => None,
        Ok(Some(Err((_, code)))) => Some(code.to_string()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(why) = stays {
        eprintln!(
            "grapevine: the group {} stays, with its offsets, because it could not be deleted ({why}): delete it with Kafka's \
             own tools before epoch {epoch} is begun again",
            log.group()
        );
    }
    Ok(())
}

async fn delete(config: &Config, database: &Database, epoch: u16, log: &str) -> Result<(), CommandError> {
    let marks = [marks::mark(epoch, log), marks::mark(epoch, &marks::of_rewriting(log))];
    let which = format!(
        "(epoch = {{epoch:UInt16}} AND startsWith(source, {{log:String}})) OR \
         (epoch = {} AND arrayExists(mark -> startsWith(source, mark), {{marks:Array(String)}}))",
        marks::EPOCH
    );
    for table in tables() {
        let text = config.clickhouse.layout.delete_rows(table, &rows_database(&config.clickhouse.database), &which);
        let query = database.query(&text).param("epoch", epoch).param("log", log).param("marks", &marks[..]);
        let doing = format!("delete the rows of the epoch from {table} (needs ALTER DELETE; the same command does the rest)");
        database.run(&doing, query).await?;
    }
    Ok(())
}
