//! `grapevine rewrite`: writes again what the store has lost, as far as the newest states and the log still know it.
//!
//! For sources whose workers wait because the store forgot. What is done of each, and in which order, `crate::rewrite` decides. It refuses
//! while the group has members. Killed at any point, the same again does the rest.

mod carrying;
mod giving;

use std::ops::Range;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::database::Database;
use super::log::Log;
use super::outcome::{CommandError, say};
use super::sending::insist;
use super::table::{Table, or_dash};
use crate::assignment::{Memory, StoreId};
use crate::checkpoints::CheckpointStore;
use crate::clickhouse::ClickHouseSink;
use crate::config::Config;
use crate::engine::Snapshot;
use crate::failure::Failure;
use crate::kafka::{Described, Part, Stretch, Survey};
use crate::loss::{Evidence, Loss};
use crate::record::{Offset, Partition, source_name};
use crate::rewrite::{self, Found, Rewrite, Standing};
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
    /// Whether the topic is known to be compacted, once somebody has asked.
    is_compacted: OnceCell<bool>,
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

/// A source that will be rewritten.
struct Plan {
    source: Source,
    evidence: Evidence,
    /// The part of the log that is passed over.
    to_read: Range<Offset>,
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
    let parts = Parts { config, database, sink, checkpoints, log, is_compacted: OnceCell::new() };
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
        let is_asked_for = rewrite::is_asked_for(standing, &source.promise, options.all);
        standings.push((source, if is_asked_for { Standing::Forgotten } else { standing }));
    }
    let told = told(&standings) + &without_a_state(&stateless);
    if id.is_none() && standings.iter().all(|(_, standing)| *standing != Standing::Forgotten) {
        return Err(nothing_to_rewrite(&standings, &told));
    }
    let touched = standings.iter().filter(|(_, standing)| *standing != Standing::Whole);
    let touched: Vec<Arc<str>> = touched.map(|(source, _)| Arc::clone(&source.name)).collect();
    let mut plans = Vec::new();
    // Before anything is written: what cannot be rewritten is refused.
    for (source, _) in standings.into_iter().filter(|(_, standing)| *standing == Standing::Forgotten) {
        let rewrite = parts.open(&source).await?;
        plans.push(Plan { evidence: rewrite.evidence().clone(), to_read: rewrite.to_read(), source });
    }
    say(&told)?;
    let mut losses: Vec<(Arc<str>, Loss)> = Vec::new();
    if !options.plan {
        if let Some(id) = id {
            parts.give_id(id).await?;
        }
        // First: whoever is killed on the way has sources that are whole, and are not looked at again.
        parts.give_active_epoch(&touched).await?;
        for plan in &mut plans {
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
    for Plan { source: Source { name, next, .. }, evidence, to_read } in plans {
        text += &format!(
            "\n{name}: facts and rejects of offsets {} to {next}, and every living root at version {next} {} written\n",
            to_read.start,
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
            let Some(StoredState { next, promise, .. }) = self.newest(&name).await? else {
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
        insist(async || self.sink.known(source).await).await.map_err(failed)
    }

    /// What a worker would find. The store is taken for the one that the states name.
    async fn standing(&self, source: &Source) -> Result<Standing, CommandError> {
        let Source { name, next, promise, known, bounds, .. } = source;
        let (mut state, mut is_newest) = ((*next, *promise), true);
        loop {
            if let Some(standing) = rewrite::standing(state, known, bounds.first, is_newest) {
                return Ok(standing);
            }
            let Some(older) = self.checkpoints.newest(name, Some(state.0)).await? else { return Ok(Standing::Forgotten) };
            (state, is_newest) = ((older.next, older.promise), false);
        }
    }

    /// A source that can be rewritten, as its log is now.
    async fn open(&self, source: &Source) -> Result<Rewrite, CommandError> {
        let Source { partition, name, next, known, bounds, .. } = source;
        let state = self.newest(name).await?.filter(|state| state.next == *next).ok_or_else(|| {
            CommandError::Refused(format!("the checkpoints of {name} changed meanwhile: somebody works on them; stop it"))
        })?;
        // What cannot be read is for the restore to refuse.
        self.fits(name, Snapshot::memory_of(&state.bytes).unwrap_or_default())?;
        let (first, end) = self.log.bounds(*partition)?;
        let empty = insist(async || self.sink.empty_of_records(name).await).await;
        let empty = empty.map_err(|error| CommandError::Store(format!("could not ask what is left of {name}"), error))?;
        let bounds = Bounds { first, end, ..*bounds };
        let found = Found { state: &state, known: known.clone(), bounds, empty };
        let opened = Rewrite::open(&self.config.rules, name, found, self.config.flush.rows_max);
        let mut rewrite = opened.map_err(CommandError::Refused)?;
        self.heed_compaction(&mut rewrite).await?;
        if let Some(at) = rewrite.witness() {
            let mut stretch = self.stretch(*partition, (at, at + 1))?;
            let found = match stretch.records().await.map_err(CommandError::Kafka)? {
                Part::Records(records) => records,
                Part::NotHeld(_) | Part::Over => Vec::new(),
            };
            rewrite.recognise(found.first()).map_err(CommandError::Refused)?;
        }
        Ok(rewrite)
    }

    /// Asks whether the topic is compacted, where nothing else shows what is missing. If nobody may say, or does, it may be.
    async fn heed_compaction(&self, rewrite: &mut Rewrite) -> Result<(), CommandError> {
        if rewrite.is_counted() {
            return Ok(());
        }
        let ask = async || {
            let survey = Survey::new(&self.config.kafka, self.log.tokens(), self.config.rules.epoch)?;
            Ok::<bool, Failure>(!matches!(survey.settings().await, Described::Settings(settings) if !settings.compacted))
        };
        if *self.is_compacted.get_or_try_init(ask).await? {
            rewrite.suspect_gaps();
        }
        Ok(())
    }

    /// The newest state of a source, if there is the memory to read it.
    async fn newest(&self, source: &str) -> Result<Option<StoredState>, CommandError> {
        self.fits(source, Memory::at_least(self.checkpoints.size(source).await?))?;
        Ok(self.checkpoints.newest(source, None).await?)
    }

    fn fits(&self, source: &str, state: u64) -> Result<(), CommandError> {
        let memory = service::memory_within(service::memory_limit(self.config));
        memory.map_or(Ok(()), |memory| memory.fits_a_command(source, state)).map_err(CommandError::Refused)
    }

    fn stretch(&self, partition: Partition, of: (Offset, Offset)) -> Result<Stretch, CommandError> {
        let opened = Stretch::open(&self.config.kafka, self.log.tokens(), self.config.rules.epoch, partition, of);
        opened.map_err(|error| CommandError::Kafka(format!("could not read from {}: {error}", self.config.kafka.brokers)))
    }
}
