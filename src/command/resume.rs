//! `grapevine resume`: goes on where the rows end, for sources whose checkpoints are lost.
//!
//! Publishes empty trees at an offset that no row and no commit is beyond, and records the offsets that no count covers.
//! Nothing is overwritten: lives that open from there on have keys of their own. It refuses while the group has members,
//! for one of them may still write. Run twice, it does nothing the second time.

use std::sync::Arc;

use super::database::Database;
use super::log::Log;
use super::outcome::{CommandError, say};
use super::table::{Table, or_dash};
use crate::checkpoints::{CheckpointStore, FORMAT, Unsound};
use crate::clickhouse::ClickHouseSink;
use crate::config::Config;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::record::{Offset, Partition, source_name};
use crate::row::Progress;
use crate::service;
use crate::worker::{Append, Appended, Checkpoints as _, Promise, Sink as _};

/// How to resume.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Options {
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub plan: bool,
}

/// What is known of a partition whose checkpoint is looked for.
struct Seen {
    partition: Partition,
    source: Arc<str>,
    /// Where its newest sound checkpoint continues.
    checkpoint: Option<Offset>,
    committed: Option<Offset>,
    first: Offset,
    end: Offset,
}

/// A source that will be resumed.
struct Plan {
    source: Arc<str>,
    /// Where counting ended.
    counted: Offset,
    next: Offset,
    progress: Option<Progress>,
}

/// What the command asks.
struct Parts<'a> {
    config: &'a Config,
    database: Database,
    sink: ClickHouseSink,
    checkpoints: CheckpointStore,
    log: Log,
}

/// Resumes every source of the configured log and epoch that has rows or a committed offset but no sound checkpoint.
///
/// # Errors
///
/// When there is nothing to resume, when it would be wrong, and when a part cannot be reached. What was resumed before
/// an error stays so, and the same command does the rest.
pub async fn run(config: &Config, options: Options) -> Result<(), CommandError> {
    let log = Log::open(config, config.rules.epoch)?;
    let partitions = log.partitions()?;
    let database = Database::open(&config.clickhouse).await?;
    let checkpoints = CheckpointStore::open(&config.checkpoint, config.rules.epoch)?;
    let sink = ClickHouseSink::new(&config.clickhouse, config.flush.bytes_max, config.rules.epoch, service::now);
    let parts = Parts { config, database, sink, checkpoints, log };
    parts.check_rules().await?;
    let mut seen = parts.look(&partitions).await?;
    if parts.lost(&seen).await?.is_empty() {
        return Err(nothing_to_resume(&seen));
    }
    if !options.plan {
        parts.refuse_members(&seen)?;
        // Whoever has just left may have published a state as its last act.
        seen = parts.look(&partitions).await?;
    }
    let lost = parts.lost(&seen).await?;
    if lost.is_empty() {
        return Err(nothing_to_resume(&seen));
    }
    // Asked for once nobody writes any more.
    let mut plans = Vec::new();
    for partition in lost {
        plans.push(parts.plan(partition).await?);
    }
    if !options.plan {
        // Remembered where they were lost.
        parts.checkpoints.check_fingerprint(&config.rules.fingerprint()).await?;
        for plan in &plans {
            parts.carry_out(plan).await?;
        }
    }
    say(&report(&plans, options))
}

fn nothing_to_resume(seen: &[Seen]) -> CommandError {
    let mut table = Table::new(["source", "checkpoint", "committed", "log begins", "log ends"]);
    let mut cut = "";
    for Seen { partition: _, source, checkpoint, committed, first, end } in seen {
        table.row([source.to_string(), or_dash(*checkpoint), or_dash(*committed), first.to_string(), end.to_string()]);
        if checkpoint.is_some_and(|next| next < *first || next > *end) {
            cut = "; but the log does not hold where one of them continues: raise `epoch`, which reads again all that it holds";
        }
    }
    CommandError::Refused(format!(
        "nothing to resume: every source with rows or a committed offset has a sound checkpoint, and a worker goes on from \
         it{cut}\n\n{}",
        table.text().trim_end()
    ))
}

fn report(plans: &[Plan], options: Options) -> String {
    let mut table = Table::new(["source", "counted to", "resumed at", "records in no count"]);
    for Plan { source, counted, next, .. } in plans {
        table.row([source.to_string(), counted.to_string(), next.to_string(), (next - counted).to_string()]);
    }
    let ending = if options.plan {
        "nothing was done: this is a plan"
    } else {
        "start the workers: they read on from there; the view `gaps` keeps what is in no count"
    };
    format!("{}\n{ending}\n", table.text())
}

impl Parts<'_> {
    /// Other rules than those that the epoch began with would make rows that do not fit to the old ones.
    async fn check_rules(&self) -> Result<(), CommandError> {
        if self.checkpoints.remembers_rules().await? {
            return Ok(self.checkpoints.check_fingerprint(&self.config.rules.fingerprint()).await?);
        }
        eprintln!(
            "grapevine: what the rules of epoch {} were is lost with its checkpoints: make sure yourself that the pseudonym key \
             and the values of [rules] marked \"epoch\" are the same as before",
            self.config.rules.epoch
        );
        Ok(())
    }

    async fn look(&self, partitions: &[Partition]) -> Result<Vec<Seen>, CommandError> {
        let committed = self.log.committed(partitions)?;
        let mut seen = Vec::new();
        for &partition in partitions {
            let source = source_name(&self.config.worker.log, partition);
            let checkpoint = self.checkpoints.newest(&source, None).await?.map(|newest| newest.next);
            let (first, end) = self.log.bounds(partition)?;
            seen.push(Seen { partition, source, checkpoint, committed: committed.get(&partition).copied(), first, end });
        }
        Ok(seen)
    }

    /// Those that somebody has read, and whose state is gone. One that nobody has read begins by itself.
    async fn lost<'a>(&self, seen: &'a [Seen]) -> Result<Vec<&'a Seen>, CommandError> {
        let mut lost = Vec::new();
        for partition in seen.iter().filter(|seen| seen.checkpoint.is_none()) {
            if partition.committed.is_some() || self.newest_version(&partition.source).await?.is_some() {
                lost.push(partition);
            }
        }
        Ok(lost)
    }

    fn refuse_members(&self, seen: &[Seen]) -> Result<(), CommandError> {
        let probed =
            seen.iter().find(|seen| seen.committed.is_some()).or_else(|| seen.iter().find(|seen| seen.checkpoint.is_none()));
        let Some(Seen { partition, committed, first, .. }) = probed else { return Ok(()) };
        self.log.refuse_members((*partition, committed.unwrap_or(*first)), self.config.rules.epoch)
    }

    async fn newest_version(&self, source: &str) -> Result<Option<Offset>, CommandError> {
        let failed = |error: Failure| CommandError::Store(format!("could not ask for the newest row of {source}"), error);
        self.sink.newest_version(source).await.map_err(failed)
    }

    async fn plan(&self, seen: &Seen) -> Result<Plan, CommandError> {
        let Seen { partition: _, source, checkpoint: _, committed, first, end } = seen;
        let epoch = self.config.rules.epoch;
        let rows = self.newest_version(source).await?;
        let progress = self.database.progress().await?.into_iter().find(|row| row.source == *source && row.epoch == epoch);
        // A checkpoint is published after its rows: a name that is left of one says how far they reached.
        let entries = self.checkpoints.entries().await?;
        let mut named = None;
        for entry in entries.into_iter().filter(|entry| *entry.source == **source) {
            if let Err(Unsound::Format(format)) = self.checkpoints.glance(&entry).await? {
                let age = if format > FORMAT { "a newer" } else { "an older" };
                return Err(CommandError::Refused(format!(
                    "the checkpoint {} is of format {format}, which {age} version wrote: run that version, for nothing is lost",
                    entry.name()
                )));
            }
            named = named.max(Some(entry.next));
        }
        let next = rows.max(*committed).max(named).unwrap_or_default().max(*first);
        if next > *end {
            return Err(CommandError::Refused(format!(
                "the log of {source} ends at offset {end}, before offset {next} where its rows end: records are gone, or the \
                 topic was created again. If it was created again, give it another name in `worker.log`; else raise `epoch`"
            )));
        }
        let counted = progress.as_ref().map_or(*first, |progress| progress.version).min(next);
        Ok(Plan { source: Arc::clone(source), counted, next, progress })
    }

    /// First the gap, then `progress`, then the checkpoint: cut in between, the same again does the rest.
    async fn carry_out(&self, plan: &Plan) -> Result<(), CommandError> {
        let Plan { source, counted, next, progress } = plan;
        let failed = |error: Failure| CommandError::Store(format!("could not resume {source}"), error);
        let known = self.sink.known(source).await.map_err(failed)?;
        let lacking = known.lacking(None);
        if !lacking.is_empty() {
            return Err(CommandError::Refused(format!(
                "the store has lost what it held of {source} in {}: bring it back, or raise `epoch`, which reads again all that the \
                 log still holds (docs/operations.md, \"A store that forgot\")",
                lacking.join(", ")
            )));
        }
        self.record_gap(source, *counted, *next).await?;
        let mut engine = Engine::resumed(self.config.rules.clone(), Arc::clone(source), *next, progress.as_ref());
        // A snapshot is taken after a flush, which has nothing but how far the source is.
        let progress = engine.flush().rows.progress;
        // Nothing else is known of what was promised.
        let here = Promise { store: known.store, progress: None, tables: known.least() };
        let rows: Vec<Append> = progress.into_iter().map(|progress| Append { progress, promise: here, whole: true }).collect();
        if let Appended::Broken(_) = self.sink.append(&rows).await.map_err(failed)? {
            return Err(failed(Failure::Transient("another store has come in its place".to_owned())));
        }
        let promise = Promise { progress: Some(*next), tables: Some(*next), ..here };
        Ok(self.checkpoints.publish(source, *next, promise, engine.snapshot()).await?)
    }

    /// What was recorded before it was cut stands: from then on counts reach to `next`.
    async fn record_gap(&self, source: &str, counted: Offset, next: Offset) -> Result<(), CommandError> {
        let record = "INSERT INTO gap (epoch, source, first, next, recorded, reason) SELECT {epoch:UInt16}, {source:String}, \
                      {first:UInt64}, {next:UInt64}, now64(3), 'checkpoints were lost' WHERE NOT EXISTS (SELECT 1 FROM gap WHERE \
                      epoch = {epoch:UInt16} AND source = {source:String} AND next = {next:UInt64})";
        let query = self.database.query(record).param("epoch", self.config.rules.epoch).param("source", source);
        self.database.run("record the gap", query.param("first", counted).param("next", next)).await
    }
}
