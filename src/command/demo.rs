//! `grapevine demo`: events into Kafka, through the very same worker, into ClickHouse, answers on the terminal.
//!
//! Whatever the machine lacks is embedded: a broker in this process, a ClickHouse in one of its own. It
//! ends well only if everything was folded and every record counted once.

mod answers;
mod feed;
mod input;
mod parts;
mod tables;
mod watch;

use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use tracing::info;

use super::run::asked_to_stop;
use super::world;
use crate::clickhouse;
use crate::config::{Config, ConfigErrors};
use crate::embedded::broker::BrokerError;
use crate::embedded::chdb::OpenError;
use crate::embedded::clickhouse::StartError;
use crate::failure::Failure;
use crate::generator::money::Economy;
use crate::logs::{self, LogsError};
use crate::migrations::{self, SchemaProblem};
use crate::service::{Service, ServiceError};
use answers::Answers;
use feed::Feed;
use parts::Parts;
use watch::{Folded, Watch};

/// What to fold, and what to show.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// A configuration as for `run`; what the demo provides itself is overridden
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Use these Kafka brokers instead of the embedded one; a topic of the demo's own is created there
    #[arg(long, value_name = "LIST")]
    pub brokers: Option<String>,
    /// Use this ClickHouse instead of the embedded one; several addresses with commas between them
    #[arg(long, value_name = "URLS")]
    pub clickhouse: Option<String>,
    /// Fold this file of events instead of the generator's (repeatable: merged by time, each file keeping
    /// its own order; JSON Lines, plain or gzip'd; `-` is standard input)
    #[arg(long, value_name = "FILE")]
    pub input: Vec<PathBuf>,
    /// Load this SQL (rates, brands, campaigns and the like, as `generate --dimensions` writes it) before anything is answered
    #[arg(long, value_name = "FILE")]
    pub dimensions: Option<PathBuf>,
    /// Run this in the database of rows once everything is folded, and print nothing else to standard output (repeatable)
    #[arg(long, value_name = "SQL")]
    pub query: Vec<String>,
    /// The format of answers to --query: any of ClickHouse's
    #[arg(long, default_value = "TSVWithNames")]
    pub format: String,
    /// Stay up afterwards, and say where broker, ClickHouse and metrics are
    #[arg(long)]
    pub serve: bool,
    /// Port of the embedded ClickHouse [default: any free one; so is always that of the embedded broker]
    #[arg(long, value_name = "PORT", requires = "serve", conflicts_with = "clickhouse", value_parser = clap::value_parser!(u16).range(1..))]
    pub clickhouse_port: Option<u16>,
    /// Port of the metrics [default: any free one]
    #[arg(long, value_name = "PORT", requires = "serve", value_parser = clap::value_parser!(u16).range(1..))]
    pub metrics_port: Option<u16>,
    /// Where the embedded database lives [default: a temporary folder, removed at the end]
    #[arg(long, value_name = "DIR", conflicts_with = "clickhouse")]
    pub data: Option<PathBuf>,
    /// The world to fold where there is no --input: the one that `generate --money` writes.
    #[command(flatten)]
    pub world: world::Arguments,
    /// What the demo does in any case; so that it takes every option of the world that `generate` takes.
    #[arg(long, hide = true, conflicts_with = "input")]
    pub money: bool,
    /// Partitions of the topic
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub partitions: u16,
    /// Threads of the worker [default: the configuration's]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: Option<u16>,
}

/// Why the demo did not end well.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The level of logs.
    #[error(transparent)]
    Logs(#[from] LogsError),
    /// The engine's library.
    #[error(transparent)]
    Library(#[from] OpenError),
    /// The embedded ClickHouse.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The broker.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// What the demo's producer cannot show.
    #[error(
        "the demo's producer has no tokens: give it brokers that take a password (`kafka.sasl_mechanism`), or none of your own"
    )]
    Tokens,
    /// The schema.
    #[error("could not prepare the database")]
    Schema(#[from] SchemaProblem),
    /// The worker.
    #[error("the worker ended")]
    Worker(#[from] ServiceError),
    /// A file of events or dimensions.
    #[error("could not read {0}")]
    Input(String, #[source] io::Error),
    /// A port that was asked for.
    #[error("port {port} is in use or not allowed: give --{option} another one, or leave it out and any free one is taken")]
    Port {
        /// The port.
        port: u16,
        /// The option that asked for it.
        option: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A folder or standard output.
    #[error("could not {0}")]
    Local(&'static str, #[source] io::Error),
    /// A question to ClickHouse.
    #[error("ClickHouse did not answer: {question}")]
    Query {
        /// The SQL.
        question: String,
        /// What it said.
        #[source]
        source: ::clickhouse::error::Error,
    },
    /// ClickHouse cannot be used.
    #[error("could not use ClickHouse at {0}")]
    ClickHouse(String, #[source] Failure),
    /// Answers were not made.
    #[error("could not make the answers")]
    Answers(#[source] Failure),
    /// Somebody asked it to stop before everything was folded.
    #[error("stopped by {0} before everything was folded")]
    Interrupted(&'static str),
    /// The worker ended; why is told instead wherever it is known.
    #[error("the worker ended before everything was folded")]
    WorkerEnded,
    /// Something was lost or counted twice.
    #[error("the counts do not add up: {0}")]
    NotConserved(String),
    /// Roots were evicted by the budget: their trees are cut.
    #[error("{0} roots were evicted by the budget, so shapes are not whole: raise rules.budget_entries")]
    Evicted(u64),
}

/// Folds events, checks that every one was counted, and shows answers.
///
/// # Errors
///
/// When a part fails, or when the counts do not add up.
pub fn run(arguments: &Arguments, env: impl Iterator<Item = (String, String)>) -> Result<(), DemoError> {
    let env: Vec<(String, String)> = env.collect();
    let mut config = Config::load_without_key(arguments.config.as_deref(), env.iter().cloned())?;
    // People at a terminal want answers; a log level that somebody asked for is another matter.
    if arguments.config.is_none() && !env.iter().any(|(name, _)| name == "GRAPEVINE_LOG_LEVEL") {
        "warn".clone_into(&mut config.log.level);
    }
    logs::start(&config.log)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| DemoError::Local("start a runtime", error))?;
    runtime.block_on(until_stopped(arguments, &mut config))
}

/// All of it. A signal ends it at any point, and nothing stays behind: no process, no folder.
async fn until_stopped(arguments: &Arguments, config: &mut Config) -> Result<(), DemoError> {
    let mut stop = pin!(asked_to_stop());
    let parts = tokio::select! {
        // Asked first, so that a signal during the start is noticed after it.
        biased;
        signal = &mut stop => return Err(DemoError::Interrupted(signal)),
        parts = async { Parts::start(arguments, config) } => parts?,
    };
    let folded = Folded::new(usize::from(arguments.partitions));
    let (service, answers) = tokio::select! {
        biased;
        signal = &mut stop => return Err(DemoError::Interrupted(signal)),
        started = start(arguments, config, &parts, &folded) => started?,
    };
    let mut outcome = tokio::select! {
        biased;
        signal = &mut stop => Err(DemoError::Interrupted(signal)),
        outcome = fold_and_answer(arguments, config, &parts, &folded, (&service, &answers)) => outcome,
    };
    folded.stop();
    if outcome.is_ok() && arguments.serve {
        let said = parts.say_where(config, service.admin, !arguments.query.is_empty());
        outcome = said.map_err(|error| DemoError::Local("say where everything is", error));
        tokio::select! {
            signal = &mut stop => info!(signal, "asked to stop"),
            () = super::run::until_ended(&service) => {}
        }
    }
    let ended = service.stop();
    drop(parts);
    match outcome {
        // What the worker says then is only the consequence.
        Err(error) if !matches!(error, DemoError::WorkerEnded) => Err(error),
        outcome => ended.map_err(DemoError::from).and(outcome),
    }
}

/// Prepares database and topic, and starts the worker.
async fn start(
    arguments: &Arguments,
    config: &mut Config,
    parts: &Parts,
    folded: &Arc<Folded>,
) -> Result<(Service, Answers), DemoError> {
    let working = wait("preparing the database");
    let reached = clickhouse::connect(&config.clickhouse).await;
    let reached = reached.map_err(|error| DemoError::ClickHouse(config.clickhouse.urls.join(", "), error))?;
    let answers = Answers::new(reached);
    migrations::apply(answers.client(), &config.clickhouse.layout).await?;
    config.rules.epoch = answers.free_epoch(config.rules.epoch).await?;
    parts.create_topic(arguments, config).await?;
    let service = Service::start(config, |_| Watch::of(folded)).await?;
    working.finish_and_clear();
    Ok((service, answers))
}

/// On a terminal: what somebody is waiting for.
fn wait(what: &'static str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what);
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

async fn fold_and_answer(
    arguments: &Arguments,
    config: &Config,
    parts: &Parts,
    folded: &Arc<Folded>,
    (service, answers): (&Service, &Answers),
) -> Result<(), DemoError> {
    let published = fold(arguments, config, parts, folded, service).await?;
    conclude(arguments, config, answers, folded, published).await
}

/// Publishes everything and waits until all of it is durable and committed; says how many records that were.
async fn fold(
    arguments: &Arguments,
    config: &Config,
    parts: &Parts,
    folded: &Arc<Folded>,
    service: &Service,
) -> Result<u64, DemoError> {
    let mut feed = Feed::start(arguments, config, parts, folded)?;
    let progress = feed::progress_bar();
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        progress.set_position(folded.durable());
        if !service.is_running() {
            progress.finish_and_clear();
            // Nobody waits for the publisher: it may be waiting for standard input.
            return Err(DemoError::WorkerEnded);
        }
        if feed.is_finished() {
            let fed = feed.ended()?;
            progress.set_length(fed.records);
            if folded.reached(&fed.ends) {
                progress.finish_and_clear();
                return Ok(fed.records);
            }
        }
    }
}

/// Makes the rows those that everybody reads, checks the sums, and answers.
async fn conclude(
    arguments: &Arguments,
    config: &Config,
    answers: &Answers,
    folded: &Folded,
    published: u64,
) -> Result<(), DemoError> {
    answers.check_conservation(config.rules.epoch, &config.worker.log, published).await?;
    if !arguments.input.is_empty() && folded.evicted() > 0 {
        return Err(DemoError::Evicted(folded.evicted()));
    }
    answers.promote(config.rules.epoch, &config.worker.log).await?;
    let settings = arguments.input.is_empty().then(|| arguments.world.settings());
    if let Some(settings) = &settings {
        answers.load(&Economy::dimensions(settings)).await?;
    }
    if let Some(path) = &arguments.dimensions {
        let text = std::fs::read_to_string(path).map_err(|error| DemoError::Input(path.display().to_string(), error))?;
        answers.load(&text).await?;
    }
    if arguments.query.is_empty() {
        let working = wait("making the answers");
        // Seconds of work, during which a signal must be heard.
        let whole = settings.filter(|settings| settings.without.is_none());
        let gap = tokio::task::spawn_blocking(move || whole.as_ref().map(tables::gap));
        answers.roll_up().await?;
        let gap = gap.await.map_err(|error| DemoError::Local("make the world again", error.into()))?;
        working.finish_and_clear();
        answers.show_tables(published, gap.as_deref()).await
    } else {
        answers.print(&arguments.query, &arguments.format).await
    }
}
