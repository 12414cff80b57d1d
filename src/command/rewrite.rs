//! `grapevine rewrite`: writes again what the store has lost, as far as the newest states and the log still know it.
//!
//! For sources whose workers wait because the store forgot. Facts and rejects come out of what the log holds, living lives out of the
//! newest state, at its version; marks and `progress` are written last, so that a worker opens only what is whole. What cannot be had
//! again stands in the table `loss`. It refuses while the group has members. Killed at any point, the same again does the rest.

mod carrying;
mod giving;

use std::sync::Arc;

use super::database::Database;
use super::log::Log;
use super::outcome::{CommandError, say};
use super::table::{Table, or_dash};
use crate::assignment::{self, StoreId};
use crate::checkpoints::CheckpointStore;
use crate::clickhouse::ClickHouseSink;
use crate::config::Config;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::kafka::Stretch;
use crate::loss::{Evidence, Loss};
use crate::record::{Offset, Partition, source_name};
use crate::service;
use crate::worker::{Bounds, Checkpoints as _, Known, Promise, Sink as _, StoredState};

/// How to rewrite.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Options {
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub plan: bool,
    /// Sources of which nothing is missed, too: facts or rejects alone are gone, which no worker notices. Those that a worker heals stay its
    #[arg(long)]
    pub all: bool,
}

/// What the command asks.
struct Parts<'a> {
    config: &'a Config,
    database: Database,
    sink: ClickHouseSink,
    checkpoints: CheckpointStore,
    log: Log,
}

/// A partition that has a state.
struct Source {
    partition: Partition,
    name: Arc<str>,
    next: Offset,
    promise: Promise,
    known: Known,
    bounds: Bounds,
}

/// What a source needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Nothing.
    Whole,
    /// A worker: a kept state is as old as the store.
    Heals,
    /// To be rewritten.
    Forgotten,
}

/// A source that will be rewritten.
struct Plan {
    source: Source,
    evidence: Evidence,
    /// Where the log is passed over from.
    from: Offset,
}

/// Rewrites every source of the configured log and epoch that the store has forgotten and no worker can heal.
///
/// # Errors
///
/// When there is nothing to rewrite, when it would be wrong, and when a part cannot be reached. What was rewritten before an error stays
/// so, and the same command does the rest.
pub async fn run(config: &Config, options: Options) -> Result<(), CommandError> {
    let log = Log::open(config, config.rules.epoch)?;
    let database = Database::open(&config.clickhouse).await?;
    let checkpoints = CheckpointStore::existing(&config.checkpoint, config.rules.epoch)?;
    let sink = ClickHouseSink::new(&config.clickhouse, config.flush.bytes_max, config.rules.epoch, service::now);
    let parts = Parts { config, database, sink, checkpoints, log };
    let (mut sources, mut stateless) = parts.look().await?;
    if let Some(seen) = sources.first().filter(|_| !options.plan) {
        let committed = sources.iter().find_map(|source| Some((source.partition, source.bounds.committed?)));
        // Where nothing is committed, the beginning of the log says as much.
        parts.log.refuse_members(committed.unwrap_or((seen.partition, seen.bounds.first)), config.rules.epoch)?;
        // Whoever has just left may have published a state as its last act.
        (sources, stateless) = parts.look().await?;
    }
    let id = parts.id_to_give(&mut sources).await?;
    let mut standings = Vec::new();
    for source in sources {
        let standing = parts.standing(&source).await?;
        // Of a source that has written nothing, nothing can be lost.
        let is_asked_for = options.all && standing == Standing::Whole && source.promise.progress.is_some();
        standings.push((source, if is_asked_for { Standing::Forgotten } else { standing }));
    }
    let told = told(&standings) + &without_a_state(&stateless);
    if id.is_none() && standings.iter().all(|(_, standing)| *standing != Standing::Forgotten) {
        return Err(nothing_to_rewrite(&standings, &told));
    }
    let touched = standings.iter().filter(|(_, standing)| *standing != Standing::Whole);
    let touched: Vec<Arc<str>> = touched.map(|(source, _)| Arc::clone(&source.name)).collect();
    let mut plans = Vec::new();
    for (source, _) in standings.into_iter().filter(|(_, standing)| *standing == Standing::Forgotten) {
        plans.push(parts.plan(source).await?);
    }
    say(&told)?;
    let mut losses: Vec<(Arc<str>, Loss)> = Vec::new();
    if !options.plan {
        if let Some(id) = id {
            parts.give_id(id).await?;
        }
        // First: whoever is killed on the way has sources that are whole, and are not looked at again.
        parts.give_active_epoch(&touched).await?;
        for plan in &plans {
            let lost = parts.carry_out(plan).await?;
            losses.extend(lost.into_iter().map(|loss| (Arc::clone(&plan.source.name), loss)));
        }
    }
    say(&report(&plans, &losses, id, options))?;
    say(&parts.empty_tables().await?)
}

fn nothing_to_rewrite(standings: &[(Source, Standing)], told: &str) -> CommandError {
    let heals = standings.iter().any(|(_, standing)| *standing == Standing::Heals);
    let why = if heals {
        "of what the store has lost, a kept checkpoint is as old: start the workers, which read on from there and write it again exactly"
    } else {
        "the store holds what the checkpoints say of every source. If facts or rejects alone are gone, which nothing shows, say --all"
    };
    CommandError::Refused(format!("nothing to rewrite: {why}\n\n{}", told.trim_end()))
}

/// The sources, and what each needs.
fn told(standings: &[(Source, Standing)]) -> String {
    let mut table = Table::new(["source", "state at", "in the store", "lacking", "log begins", "needs"]);
    for (Source { name, next, known, promise, bounds, .. }, standing) in standings {
        let needs = match standing {
            Standing::Whole => "nothing",
            Standing::Heals => "a worker: an older checkpoint fits",
            Standing::Forgotten => "to be rewritten",
        };
        let lacking = known.lacking(promise.tables).join(" ");
        let lacking = if lacking.is_empty() { "-".to_owned() } else { lacking };
        table.row([
            name.to_string(),
            next.to_string(),
            or_dash(known.progress),
            lacking,
            bounds.first.to_string(),
            needs.to_owned(),
        ]);
    }
    table.text()
}

/// Partitions that somebody has read, and of which no checkpoint is left to write again from.
fn without_a_state(sources: &[Arc<str>]) -> String {
    if sources.is_empty() {
        return String::new();
    }
    format!("without a sound checkpoint: {}; nothing of them is written again (`grapevine resume`)\n", sources.join(", "))
}

fn report(plans: &[Plan], losses: &[(Arc<str>, Loss)], id: Option<StoreId>, options: Options) -> String {
    let mut text = String::new();
    let verb = |now: &'static str, then: &'static str| if options.plan { then } else { now };
    if let Some(id) = id {
        text += &format!("\nthe empty store {} the id {id}, which the checkpoints name\n", verb("was given", "would be given"));
    }
    for Plan { source, evidence, from } in plans {
        let Source { name, next, .. } = source;
        text += &format!(
            "\n{name}: facts and rejects of offsets {from} to {next}, and every living root at version {next} {} written\n",
            verb("were", "would be")
        );
        if evidence.log_first <= evidence.progress.first {
            text += "  the log still begins where the rows did: a new epoch is exact for everything, this is not\n";
        }
    }
    if options.plan {
        for (plan, loss) in plans.iter().flat_map(|plan| plan.evidence.lost_records().into_iter().map(move |loss| (plan, loss))) {
            text +=
                &format!("  lost of {} in {}: {}, {} to {}\n", plan.source.name, loss.table, loss.reason, loss.first, loss.next);
        }
        for plan in plans {
            let tables: Vec<&str> = plan.evidence.lost_lives().tables().collect();
            if !tables.is_empty() {
                text += &format!(
                    "  of roots of {} that have left memory, if any, the rows in {} are lost\n",
                    plan.source.name,
                    tables.join(", ")
                );
            }
        }
        return text + "\nnothing was done: this is a plan\n";
    }
    if !losses.is_empty() {
        let mut table = Table::new(["source", "table", "first", "next", "lives", "lost"]);
        for (source, Loss { table: name, first, next, lives, reason }) in losses {
            let lives = or_dash(*lives);
            table.row([source.to_string(), (*name).to_owned(), first.to_string(), next.to_string(), lives, (*reason).to_owned()]);
        }
        text += &format!("\n{}", table.text());
    }
    text + "\nstart the workers: they read on from there; the view `losses` keeps what is lost\n"
}

impl Parts<'_> {
    /// The partitions that have a state; and the names of those that have none although somebody has read them.
    async fn look(&self) -> Result<(Vec<Source>, Vec<Arc<str>>), CommandError> {
        let partitions = self.log.partitions()?;
        let committed = self.log.committed(&partitions)?;
        let (mut sources, mut stateless) = (Vec::new(), Vec::new());
        for &partition in &partitions {
            let name = source_name(&self.config.worker.log, partition);
            let Some(StoredState { next, promise, .. }) = self.checkpoints.newest(&name, None).await? else {
                stateless.extend(committed.contains_key(&partition).then_some(name));
                continue;
            };
            let known = self.known(&name).await?;
            let (first, end) = self.log.bounds(partition)?;
            let bounds = Bounds { first, end, committed: committed.get(&partition).copied(), partitions: partitions.len() };
            sources.push(Source { partition, name, next, promise, known, bounds });
        }
        if sources.is_empty() {
            return Err(CommandError::Refused(
                "nothing to rewrite from: no source has a sound checkpoint (`grapevine checkpoint ls`; docs/operations.md, \"Lost \
                 checkpoints\")"
                    .to_owned(),
            ));
        }
        Ok((sources, stateless))
    }

    async fn known(&self, source: &str) -> Result<Known, CommandError> {
        let failed = |error: Failure| CommandError::Store(format!("could not ask what is known of {source}"), error);
        self.sink.known(source).await.map_err(failed)
    }

    /// What a worker would find. The store is taken for the one that the states name.
    async fn standing(&self, source: &Source) -> Result<Standing, CommandError> {
        let Source { name, next, promise, known, bounds, .. } = source;
        let (mut promise, mut next) = (*promise, *next);
        let mut standing = Standing::Whole;
        while promise.compare(known).is_err() {
            standing = Standing::Heals;
            // Where a whole table is gone, no state is old enough; see `src/worker/opening.rs`.
            let older = if known.lacking(None).is_empty() { self.checkpoints.newest(name, Some(next)).await? } else { None };
            match older.filter(|older| older.next >= bounds.first) {
                Some(older) => (promise, next) = (older.promise, older.next),
                None => return Ok(Standing::Forgotten),
            }
        }
        Ok(standing)
    }

    /// Looks whether a source can be rewritten, and what of it cannot.
    async fn plan(&self, source: Source) -> Result<Plan, CommandError> {
        let Source { partition, name, next, bounds, .. } = &source;
        assignment::check_bounds(name, *bounds, *next).map_err(CommandError::Refused)?;
        let mut engine = self.restored(&source).await?;
        if let Some(last) = engine.last_record().filter(|last| last.offset >= bounds.first) {
            let mut stretch = self.stretch(*partition, (last.offset, last.offset + 1))?;
            let found = stretch.records().await.map_err(CommandError::Kafka)?;
            if !found.first().is_some_and(|record| record.offset == last.offset && engine.recognises(record)) {
                return Err(CommandError::Refused(format!(
                    "the log of {name} does not hold at offset {} the record that was read there: it is another one, or was cut; raise \
                     `epoch`",
                    last.offset
                )));
            }
        }
        let progress = engine.flush().rows.progress.remove(0);
        let from = progress.first.max(bounds.first);
        let empty = self.empty_of_records(name).await?;
        let evidence =
            Evidence { promise: source.promise, known: source.known.clone(), progress, log_first: bounds.first, empty };
        Ok(Plan { source, evidence, from })
    }

    /// The engine of the newest state, as it was when it was looked for.
    async fn restored(&self, source: &Source) -> Result<Engine, CommandError> {
        let Source { name, next, .. } = source;
        let state = self.checkpoints.newest(name, None).await?.filter(|state| state.next == *next);
        let Some(state) = state else {
            return Err(CommandError::Refused(format!(
                "the checkpoints of {name} changed meanwhile: somebody works on them; stop it"
            )));
        };
        Engine::restore(self.config.rules.clone(), Arc::clone(name), &state.bytes)
            .map_err(|error| CommandError::Refused(format!("the checkpoint of {name} at offset {next} cannot be used: {error}")))
    }

    fn stretch(&self, partition: Partition, of: (Offset, Offset)) -> Result<Stretch, CommandError> {
        let opened = Stretch::open(&self.config.kafka, self.log.tokens(), self.config.rules.epoch, partition, of);
        opened.map_err(|error| CommandError::Kafka(format!("could not read from {}: {error}", self.config.kafka.brokers)))
    }
}
