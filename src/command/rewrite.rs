//! `grapevine rewrite`: writes again what the store has lost, as far as the newest states and the log still know it.
//!
//! For sources whose workers wait because the store forgot. What is done of each, and in which order, `crate::rewrite` decides. It refuses
//! while the group has members. Killed at any point, the same again does the rest.

mod asking;
mod carrying;
mod giving;
mod telling;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::database::Database;
use super::log::Log;
use super::outcome::{CommandError, say};
use super::sending::insist;
use crate::assignment::Memory;
use crate::checkpoints::CheckpointStore;
use crate::clickhouse::ClickHouseSink;
use crate::config::Config;
use crate::engine::Snapshot;
use crate::failure::Failure;
use crate::kafka::{Described, Part, Stretch, Survey};
use crate::loss::{Evidence, Loss, OfRecords};
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
    /// What was noted as lost.
    losses: Vec<Loss>,
    is_done: bool,
}

/// What was found of the partitions.
struct Looked {
    /// Those that have a state.
    sources: Vec<Source>,
    /// The names of those that have none although somebody has read them.
    stateless: Vec<Arc<str>>,
    /// Sources that have a state, and no partition any more.
    gone: BTreeSet<String>,
    failed: Vec<Failed>,
}

/// A source that could not be rewritten, and why.
type Failed = (Arc<str>, CommandError);

/// Rewrites every source of the configured log and epoch that the store has forgotten and no worker can heal. One that cannot be rewritten
/// does not stop the others.
///
/// # Errors
///
/// When there is nothing to rewrite, when it would be wrong, when a part cannot be reached, and when some source was not rewritten. What was
/// rewritten before an error stays so, and the same command does the rest.
pub async fn run(config: &Config, options: Options) -> Result<(), CommandError> {
    let log = Log::open(config, config.rules.epoch)?;
    let database = Database::open(&config.clickhouse).await?;
    let checkpoints = CheckpointStore::existing(&config.checkpoint, config.rules.epoch)?;
    let sink = ClickHouseSink::new(&config.clickhouse, config.flush.bytes_max, config.rules.epoch, service::now);
    let parts = Parts { config, database, sink, checkpoints, log, is_compacted: OnceCell::new() };
    let mut looked = parts.look().await?;
    if let Some(seen) = looked.sources.first().filter(|_| !options.plan) {
        let committed = looked.sources.iter().find_map(|source| Some((source.partition, source.bounds.committed?)));
        // Where nothing is committed, the beginning of the log says as much.
        parts.log.refuse_members(committed.unwrap_or((seen.partition, seen.bounds.first)), config.rules.epoch)?;
        // Whoever has just left may have published a state as its last act.
        looked = parts.look().await?;
    }
    let Looked { mut sources, stateless, gone, mut failed } = looked;
    let id = parts.id_to_give(&mut sources).await?;
    let mut standings = Vec::new();
    for source in sources {
        let standing = parts.standing(&source).await?;
        let is_asked_for = rewrite::is_asked_for(standing, &source.promise, options.all);
        standings.push((source, if is_asked_for { Standing::Forgotten } else { standing }));
    }
    let told = telling::told(&standings) + &telling::without_a_state(&stateless) + &telling::without_a_partition(&gone);
    if id.is_none() && failed.is_empty() && standings.iter().all(|(_, standing)| *standing != Standing::Forgotten) {
        return Err(telling::nothing_to_rewrite(&standings, &told));
    }
    let touched = standings.iter().filter(|(_, standing)| *standing != Standing::Whole);
    let touched: Vec<Arc<str>> = touched.map(|(source, _)| Arc::clone(&source.name)).collect();
    // Before anything is written.
    let mut plans = parts.plans(standings, &mut failed).await?;
    if plans.is_empty() && !failed.is_empty() {
        return Err(telling::not_rewritten(&failed, &plans));
    }
    say(&told)?;
    if !options.plan {
        if let Some(id) = id {
            parts.give_id(id).await?;
        }
        // First: whoever is killed on the way has sources that are whole, and are not looked at again.
        parts.give_active_epoch(&touched).await?;
        failed.extend(parts.carry_out_all(&mut plans).await);
    }
    say(&telling::report(&plans, id, options))?;
    if !failed.is_empty() {
        return Err(telling::not_rewritten(&failed, if options.plan { &[] } else { &plans }));
    }
    if !options.plan {
        say(telling::THEN)?;
    }
    say(&parts.empty_tables().await?)
}

/// Whether an error is one of a source, and not of what all of them need.
fn is_of_a_source(error: &CommandError) -> bool {
    match error {
        CommandError::Refused(_)
        | CommandError::Kafka(_)
        | CommandError::Store(_, Failure::Operator(_))
        | CommandError::Checkpoints(Failure::Operator(_)) => true,
        CommandError::Store(_, Failure::Transient(_))
        | CommandError::Checkpoints(Failure::Transient(_))
        | CommandError::Schema(_)
        | CommandError::Input(_)
        | CommandError::File(..)
        | CommandError::Output(_) => false,
    }
}

impl Parts<'_> {
    async fn look(&self) -> Result<Looked, CommandError> {
        let partitions = self.log.partitions()?;
        let committed = self.log.committed(&partitions)?;
        let (mut sources, mut stateless, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for &partition in &partitions {
            let name = source_name(&self.config.worker.log, partition);
            let committed = committed.get(&partition).copied();
            match self.source(&name, partition, (committed, partitions.len())).await {
                Ok(Some(source)) => sources.push(source),
                Ok(None) => stateless.extend(committed.is_some().then_some(name)),
                Err(error) if is_of_a_source(&error) => failed.push((name, error)),
                Err(error) => return Err(error),
            }
        }
        let of_log = format!("{}/", self.config.worker.log);
        let mut gone: BTreeSet<String> = self.checkpoints.entries().await?.into_iter().map(|entry| entry.source).collect();
        let has_a_partition =
            |source: &str| partitions.iter().any(|partition| *source_name(&self.config.worker.log, *partition) == *source);
        gone.retain(|source| source.starts_with(&of_log) && !has_a_partition(source));
        if sources.is_empty() && failed.is_empty() {
            return Err(CommandError::Refused(
                "nothing to rewrite from: no source has a sound checkpoint (`grapevine checkpoint ls`; docs/operations.md, \"Lost \
                 checkpoints\")"
                    .to_owned(),
            ));
        }
        Ok(Looked { sources, stateless, gone, failed })
    }

    /// A partition, if it has a state.
    async fn source(
        &self,
        name: &Arc<str>,
        partition: Partition,
        (committed, partitions): (Option<Offset>, usize),
    ) -> Result<Option<Source>, CommandError> {
        let Some(StoredState { next, promise, .. }) = self.newest(name).await? else { return Ok(None) };
        let known = self.known(name).await?;
        let (first, end) = self.log.bounds(partition)?;
        let bounds = Bounds { first, end, committed, partitions };
        Ok(Some(Source { partition, name: Arc::clone(name), next, promise, known, bounds }))
    }

    /// What will be done of the sources that need it, but for those of which it cannot be done.
    async fn plans(&self, standings: Vec<(Source, Standing)>, failed: &mut Vec<Failed>) -> Result<Vec<Plan>, CommandError> {
        let mut plans = Vec::new();
        for (source, _) in standings.into_iter().filter(|(_, standing)| *standing == Standing::Forgotten) {
            match self.open(&source, OfRecords::default()).await {
                Ok(rewrite) => plans.push(Plan {
                    evidence: rewrite.evidence().clone(),
                    to_read: rewrite.to_read(),
                    losses: Vec::new(),
                    is_done: false,
                    source,
                }),
                Err(error) if is_of_a_source(&error) => failed.push((source.name, error)),
                Err(error) => return Err(error),
            }
        }
        self.ask_what_is_held(&mut plans).await?;
        Ok(plans)
    }

    /// Rewrites one source after another, as far as what they need is there; says which could not be.
    async fn carry_out_all(&self, plans: &mut [Plan]) -> Vec<Failed> {
        let mut failed = Vec::new();
        for plan in plans {
            let Err(error) = self.carry_out(plan).await else { continue };
            let is_over = !is_of_a_source(&error);
            failed.push((Arc::clone(&plan.source.name), error));
            if is_over {
                break;
            }
        }
        failed
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
    async fn open(&self, source: &Source, records: OfRecords) -> Result<Rewrite, CommandError> {
        let Source { partition, name, next, known, bounds, .. } = source;
        let state = self.newest(name).await?.filter(|state| state.next == *next).ok_or_else(|| {
            CommandError::Refused(format!("the checkpoints of {name} changed meanwhile: somebody works on them; stop it"))
        })?;
        // What cannot be read is for the restore to refuse.
        self.fits(name, Snapshot::memory_of(&state.bytes).unwrap_or_default())?;
        let (first, end) = self.log.bounds(*partition)?;
        let failed = |error| CommandError::Store(format!("could not ask what is left of {name}"), error);
        let uncounted = insist(async || self.sink.uncounted(name).await).await.map_err(failed)?;
        let bounds = Bounds { first, end, ..*bounds };
        let found = Found { state: &state, known: known.clone(), bounds, records, uncounted };
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
