//! Asks everybody, and puts together what they say of each partition.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::page::Page;
use crate::checkpoints::CheckpointStore;
use crate::command::admin::{Asker, own};
use crate::command::database::Database;
use crate::command::log::Log;
use crate::command::outcome::CommandError;
use crate::config::Config;
use crate::failure::causes;
use crate::migrations::SchemaProblem;
use crate::record::{Millis, Offset, Partition, source_name};
use crate::service::now;

/// Older answers are a problem: what GrapevineAnswersOld says.
const ANSWERS_OLD: Millis = 3 * 3_600_000;

/// How a fleet is.
#[derive(Debug, Default, Serialize)]
pub(super) struct Standing {
    /// The consumer group.
    pub(super) group: String,
    pub(super) workers: Vec<Worker>,
    pub(super) partitions: Vec<PartitionStanding>,
    /// The newest run of answers, if there is any, and whether ClickHouse has said so.
    pub(super) answers: Option<Answers>,
    #[serde(skip)]
    pub(super) is_answered: bool,
    /// What somebody should look at.
    pub(super) problems: Vec<String>,
    /// Who did not answer, and why.
    pub(super) unasked: Vec<String>,
}

/// A worker that answered.
#[derive(Debug, Serialize)]
pub(super) struct Worker {
    pub(super) worker: String,
    pub(super) ready: bool,
    pub(super) version: Option<String>,
    pub(super) up_seconds: Option<u64>,
    /// Shares of one.
    pub(super) memory: Option<f64>,
    pub(super) fresh: Option<f64>,
}

/// What is known of a partition: the rest stands for who could not be asked, or has nothing to say.
#[derive(Debug, Default, Serialize)]
pub(super) struct PartitionStanding {
    pub(super) partition: i32,
    /// Of those that were asked.
    pub(super) worker: Option<String>,
    /// Where its log ends.
    pub(super) end: Option<Offset>,
    /// Up to where its rows can be read.
    pub(super) readable: Option<Offset>,
    pub(super) committed: Option<Offset>,
    /// Records between the last two but one: what Kafka's own tools say.
    pub(super) lag: Option<u64>,
    /// Age of the last record that was read, while there are more.
    pub(super) behind_seconds: Option<u64>,
    /// Age of the newest checkpoint, by the checkpoint store.
    pub(super) checkpoint_seconds: Option<u64>,
}

/// A run of answers.
#[derive(Debug, Serialize)]
pub(super) struct Answers {
    pub(super) run: u64,
    pub(super) age_seconds: u64,
    pub(super) took_seconds: f64,
}

impl Standing {
    pub(super) async fn ask(config: &Config, workers: &[String]) -> Result<Standing, CommandError> {
        let mut standing = Standing { group: config.kafka.group_of(config.rules.epoch), ..Standing::default() };
        let workers = match own(&config.admin) {
            _ if !workers.is_empty() => workers.to_vec(),
            Ok(own) => vec![own],
            Err(why) => {
                standing.unasked.push(format!("{why}, or name workers with --worker"));
                Vec::new()
            }
        };
        let mut partitions: BTreeMap<i32, PartitionStanding> = BTreeMap::new();
        let asker = Asker::new()?;
        for worker in &workers {
            standing.ask_worker(&asker, worker, &mut partitions).await;
        }
        standing.ask_kafka(config, &mut partitions);
        standing.ask_store(config, &mut partitions).await;
        standing.ask_checkpoints(config, &mut partitions).await;
        for (number, partition) in &mut partitions {
            partition.partition = *number;
        }
        standing.partitions = partitions.into_values().collect();
        Ok(standing)
    }

    async fn ask_worker(&mut self, asker: &Asker, url: &str, partitions: &mut BTreeMap<i32, PartitionStanding>) {
        let worker = url.trim_start_matches("http://").to_owned();
        let (page, ready) = match (asker.get(url, "/metrics").await, asker.get(url, "/readyz").await) {
            (Ok((200, page)), Ok(ready)) => (Page::read(&page), ready),
            (Ok((status, _)), Ok(_)) => {
                return self.unasked.push(format!("{url}/metrics answers with status {status}: is it a worker?"));
            }
            (Err(why), _) | (_, Err(why)) => return self.unasked.push(why),
        };
        let is_ready = ready.0 == 200;
        let complaints = ready.1.lines().filter(|line| *line != "ok").map(|line| line.trim_start_matches("warning: ").to_owned());
        self.problems.extend(complaints.chain(page.problems()).map(|problem| format!("{worker}: {problem}")));
        let behind = page.by_partition("grapevine_kafka_consumer_lag_seconds");
        for number in page.by_partition("grapevine_partition_stalled_seconds").into_keys() {
            let partition = partitions.entry(number).or_default();
            partition.worker = Some(worker.clone());
            partition.behind_seconds = behind.get(&number).map(|seconds| whole(*seconds));
        }
        let started = page.value("process_start_time_seconds");
        self.workers.push(Worker {
            worker,
            ready: is_ready,
            version: page.label("grapevine_build_info", "version"),
            up_seconds: started.map(|started| whole(now() as f64 / 1000.0 - started)),
            memory: page.memory(),
            fresh: page.fresh(),
        });
    }

    fn ask_kafka(&mut self, config: &Config, partitions: &mut BTreeMap<i32, PartitionStanding>) {
        let mut ask = || {
            let log = Log::open(config, config.rules.epoch)?;
            let all = log.partitions()?;
            let committed = log.committed(&all)?;
            for number in all {
                let (_, end) = log.bounds(number)?;
                let partition = partitions.entry(number.0).or_default();
                partition.end = Some(end);
                partition.committed = committed.get(&number).copied();
                partition.lag = partition.committed.map(|committed| end.saturating_sub(committed));
            }
            Ok::<(), CommandError>(())
        };
        self.unasked.extend(ask().err().map(|error| error.to_string()));
    }

    async fn ask_store(&mut self, config: &Config, partitions: &mut BTreeMap<i32, PartitionStanding>) {
        let asked = async {
            let database = Database::open(&config.clickhouse).await?;
            let progress = database.progress().await?;
            let newest = "SELECT run, toUnixTimestamp64Milli(published), seconds FROM run ORDER BY run DESC LIMIT 1";
            let newest: Vec<(u64, Millis, f64)> = database.all("ask for the newest answers", database.query(newest)).await?;
            Ok::<_, CommandError>((progress, newest))
        };
        let (progress, newest) = match asked.await {
            Ok(answers) => answers,
            Err(CommandError::Schema(wrong)) if !matches!(wrong, SchemaProblem::Store(_)) => {
                return self.problems.push(wrong.to_string());
            }
            Err(error) => return self.unasked.push(causes(&error)),
        };
        for row in progress.iter().filter(|row| row.epoch == config.rules.epoch) {
            if let Some(number) = number_of(&config.worker.log, &row.source) {
                partitions.entry(number).or_default().readable = Some(row.version);
            }
        }
        self.is_answered = true;
        self.answers = newest.first().map(|(run, published, took)| {
            let age = now().saturating_sub(*published);
            if age > ANSWERS_OLD {
                self.problems
                    .push(format!("the answers are {} minutes old: grapevine rollup does not run, or fails", age / 60_000));
            }
            Answers { run: *run, age_seconds: seconds(age), took_seconds: *took }
        });
        if self.answers.is_none() && config.clickhouse.answers_expected {
            self.problems
                .push("no answers were ever made, and they are expected: grapevine rollup does not run, or fails".to_owned());
        }
    }

    async fn ask_checkpoints(&mut self, config: &Config, partitions: &mut BTreeMap<i32, PartitionStanding>) {
        let asked = async { CheckpointStore::existing(&config.checkpoint, config.rules.epoch)?.entries().await };
        let entries = match asked.await {
            Ok(entries) => entries,
            Err(failure) => return self.unasked.push(failure.to_string()),
        };
        // Of each source the newest comes first.
        let mut seen = BTreeSet::new();
        for entry in entries {
            if let Some(number) = number_of(&config.worker.log, &entry.source).filter(|number| seen.insert(*number)) {
                partitions.entry(number).or_default().checkpoint_seconds = Some(seconds(now().saturating_sub(entry.modified)));
            }
        }
    }
}

/// The partition of a source of this log.
fn number_of(log: &str, source: &str) -> Option<i32> {
    let number = source.rsplit('/').next()?.parse().ok()?;
    (*source_name(log, Partition(number)) == *source).then_some(number)
}

fn seconds(millis: Millis) -> u64 {
    u64::try_from(millis / 1000).unwrap_or(0)
}

/// Seconds without their parts; what is negative is a clock that differs.
fn whole(seconds: f64) -> u64 {
    std::time::Duration::try_from_secs_f64(seconds.max(0.0)).map_or(0, |duration| duration.as_secs())
}
