//! One process: identical loops on threads of their own; beside them the admin server, and watches over topic and group, over connections,
//! over tokens, over files that are renewed and over the age of the answers.
//!
//! The loops share metrics and health and nothing else. It decides nothing about rows.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tracing::{error, info};

use crate::admin;
use crate::checkpoints::CheckpointStore;
use crate::clickhouse::{Attempt, ClickHouseSink};
use crate::config::Config;
use crate::failure::Failure;
use crate::kafka::{Complaints, KafkaSource, Renewals, Tokens, TopicWatch, diagnose};
use crate::memory;
use crate::metrics::{Health, InsertResult, LoopWatch, Metrics, Obstacle, Table};
use crate::worker::{self, AskMemory, Memory, Observer, Seams, Settings, WorkerError};

mod answers;
mod beginning;
mod connection;
mod renewal;
pub mod supervisor;
mod survey;
mod tokens;

use beginning::Beginning;

/// Within this a mistake is in the log and in `/readyz`, counted from the start, or from when it began to matter: what is asked, how often,
/// and how long an answer may take, adds up to less.
const SAID_WITHIN: Duration = Duration::from_secs(15);

/// Why a service could not start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Somebody must act before a worker can go on: the message says how.
    #[error("{0}")]
    Operator(String),
    /// The admin server cannot listen.
    #[error("could not listen on {0} (`admin.address`)")]
    Admin(SocketAddr, #[source] io::Error),
    /// A loop ended.
    #[error(transparent)]
    Loop(#[from] WorkerError),
    /// The system refuses a thread or a runtime.
    #[error("could not start a loop")]
    Thread(#[source] io::Error),
    /// Whoever waited for the loops panicked.
    #[error("could not wait for the loops")]
    Watcher(#[source] tokio::task::JoinError),
    /// A loop panicked. Nothing is lost: its partitions are read again from their newest checkpoints.
    #[error("loop {0} panicked; nothing is lost, but this is a defect: please report the message above")]
    Panicked(usize),
}

impl From<Failure> for ServiceError {
    fn from(error: Failure) -> Self {
        ServiceError::Operator(error.to_string())
    }
}

/// Running loops. Dropping it asks them to stop and does not wait; [`Service::stop`] does both.
#[derive(Debug)]
pub struct Service {
    loops: Vec<thread::JoinHandle<Result<(), ServiceError>>>,
    shutdown: watch::Sender<bool>,
    running: Arc<AtomicUsize>,
    health: Arc<Health>,
    /// Where the admin server listens: until the last loop has ended.
    pub admin: Option<SocketAddr>,
    /// Dropped with the service, which ends the admin server.
    _admin_open: watch::Sender<bool>,
}

/// What every loop is made from.
struct Shared {
    config: Config,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    shutdown: watch::Receiver<bool>,
    topic: TopicWatch,
    tokens: Tokens,
    complaints: Complaints,
    renewals: Renewals,
    /// For states that may not fit beside another one.
    alone: Arc<Semaphore>,
}

impl Service {
    /// Starts the admin server and the loops, which wait for their stores. `observer` makes one more observer for
    /// each loop.
    ///
    /// # Errors
    ///
    /// When the admin address is taken, or the system refuses a thread.
    pub async fn start<O: Observer + Send + 'static>(
        config: &Config,
        observer: impl Fn(usize) -> O,
    ) -> Result<Service, ServiceError> {
        let threads = config.worker.threads;
        let health = Arc::new(Health::new(threads, config.admin.stalled_after, Instant::now()));
        let metrics = Metrics::new(&Registry::new(), &config.kafka.topic, Arc::clone(&health))
            .map_err(|error| ServiceError::Operator(format!("could not register metrics: {error}")))?;
        let metrics = Arc::new(metrics);
        metrics.record_memory_limit(memory_limit(config));
        let (shutdown, asked) = watch::channel(false);
        let (admin_open, admin_closed) = watch::channel(false);
        let admin = serve_admin(config, &metrics, &health, admin_closed).await?;
        let (renewing, renewals) = watch::channel(Arc::new(config.kafka.clone()));
        let tokens = Tokens::following(&renewals)?;
        let watching = tokens::watch(tokens.clone(), threads, Arc::clone(&metrics), Arc::clone(&health));
        let complaints = Complaints::default();
        let surveying =
            survey::watch(config.clone(), tokens.clone(), renewals.clone(), Arc::clone(&metrics), Arc::clone(&health));
        let ageing = answers::watch(config.clickhouse.clone(), Arc::clone(&metrics));
        let connecting = connection::watch(complaints.clone(), renewals.clone(), threads, Arc::clone(&health), diagnose);
        let renewing = renewal::watch(config.clickhouse.clone(), renewing, Arc::clone(&metrics));
        let until = asked.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = self::asked(until) => {}
                ((), (), (), (), ()) = async { tokio::join!(watching, surveying, ageing, connecting, renewing) } => {}
            }
        });
        let shared = Arc::new(Shared {
            config: config.clone(),
            metrics,
            health: Arc::clone(&health),
            shutdown: asked,
            topic: TopicWatch::default(),
            tokens,
            complaints,
            renewals,
            alone: Arc::new(Semaphore::new(1)),
        });
        let running = Arc::new(AtomicUsize::new(threads));
        let mut loops = Vec::with_capacity(threads);
        for number in 0..threads {
            let (shared, running, observer) = (Arc::clone(&shared), Arc::clone(&running), observer(number));
            let body = move || {
                let outcome = run_loop(number, &shared, observer);
                running.fetch_sub(1, Ordering::AcqRel);
                outcome
            };
            loops.push(thread::Builder::new().name(format!("loop-{number}")).spawn(body).map_err(ServiceError::Thread)?);
        }
        Ok(Service { loops, shutdown, running, health, admin, _admin_open: admin_open })
    }

    /// Whether every loop still runs. One that ended by itself has a reason, which [`Service::stop`] tells.
    #[must_use]
    pub fn is_running(&self) -> bool {
        // A thread that panicked has not counted itself out.
        self.running.load(Ordering::Acquire) == self.loops.len() && !self.loops.iter().any(thread::JoinHandle::is_finished)
    }

    /// Whether every loop lives: what `/healthz` says.
    #[must_use]
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    /// Asks every loop to flush, checkpoint, commit and leave; waits for them. Blocks. The admin server answers meanwhile, so
    /// that the counts of the last flush can be scraped and a slow end can be watched; the worker is not ready any more.
    ///
    /// # Errors
    ///
    /// The first reason for which a loop ended otherwise.
    pub fn stop(self) -> Result<(), ServiceError> {
        // Nobody listens any more when all loops have ended by themselves.
        self.shutdown.send_replace(true);
        for number in 0..self.loops.len() {
            self.health.block(number, Obstacle::Stopping, "flushing, checkpointing, committing");
        }
        let ends: Vec<Result<(), ServiceError>> = self
            .loops
            .into_iter()
            .enumerate()
            .map(|(number, ended)| ended.join().unwrap_or(Err(ServiceError::Panicked(number))))
            .collect();
        ends.into_iter().collect()
    }
}

async fn serve_admin(
    config: &Config,
    metrics: &Arc<Metrics>,
    health: &Arc<Health>,
    shutdown: watch::Receiver<bool>,
) -> Result<Option<SocketAddr>, ServiceError> {
    let Some(address) = config.admin.address else { return Ok(None) };
    let refused = |error| ServiceError::Admin(address, error);
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    info!(address = %bound, "admin server listens");
    let serving = admin::serve(listener, admin::BOUNDS, Arc::clone(metrics), Arc::clone(health), asked(shutdown));
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            error!(%error, "the admin server failed");
        }
    });
    Ok(Some(bound))
}

fn run_loop<O: Observer>(number: usize, shared: &Shared, observer: O) -> Result<(), ServiceError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ServiceError::Thread)?;
    let outcome = runtime.block_on(serve_loop(number, shared, observer));
    // A call that hangs in the file system of the checkpoints must not hold up the end.
    runtime.shutdown_background();
    if let Err(error) = &outcome {
        error!(loop_number = number, %error, "a loop ended");
        shared.health.block(number, Obstacle::Operator, error.to_string());
    }
    outcome
}

async fn serve_loop<O: Observer>(number: usize, shared: &Shared, observer: O) -> Result<(), ServiceError> {
    let Shared { config, metrics, health, shutdown, topic, tokens, complaints, renewals, alone } = shared;
    let watch = LoopWatch::new(number, Arc::clone(metrics), Arc::clone(health));
    let counted = Arc::clone(metrics);
    let sink = ClickHouseSink::new(&config.clickhouse, config.flush.bytes_max, config.rules.epoch, now)
        .with_observer(move |attempt| count(&counted, attempt));
    let limit = memory_limit(config);
    let ask = move || memory_within(limit);
    let settings = Settings { memory: AskMemory::new(ask, Arc::clone(alone)), ..Settings::of(config, seed(number)) };
    let checkpoints = CheckpointStore::open(&config.checkpoint, config.rules.epoch)?;
    let rules = config.rules.fingerprint();
    let beginning = Beginning { number, health, settings: &settings };
    let compare = async || checkpoints.check_fingerprint(&rules).await.inspect_err(|_| metrics.record_checkpoint_failed());
    tokio::select! {
        biased;
        () = asked(shutdown.clone()) => return Ok(()),
        same = beginning.until_compared(&config.checkpoint.url, compare) => same?,
    }
    tokio::select! {
        biased;
        () = asked(shutdown.clone()) => return Ok(()),
        () = beginning.until_ready(&config.clickhouse.urls, async || sink.ready().await) => {}
    }
    health.block(number, Obstacle::Kafka, "waiting for an assignment");
    let settings_now = Arc::clone(&renewals.borrow());
    let source = KafkaSource::connect(&settings_now, tokens, &config.worker.log, config.rules.epoch, number)?
        .with_topic_watch(topic)
        .with_complaints(complaints)
        .with_renewals(renewals);
    let seams = Seams { source, sink, checkpoints };
    Ok(worker::run(seams, &settings, &(watch, observer), asked(shutdown.clone())).await?)
}

/// The memory of this process under a limit, if anybody knows.
pub(crate) fn memory_within(limit: Option<u64>) -> Option<Memory> {
    Some(Memory { limit: limit?, taken: memory::resident()? })
}

/// What this process may take, if anybody knows.
pub(crate) fn memory_limit(config: &Config) -> Option<u64> {
    config.memory.limit.or_else(memory::limit)
}

fn count(metrics: &Metrics, attempt: &Attempt<'_>) {
    let result = match attempt.error {
        None => InsertResult::Ok,
        Some(Failure::Transient(_)) => InsertResult::Transient,
        Some(Failure::Operator(_)) => InsertResult::Operator,
    };
    if let Some(table) = Table::named(attempt.table) {
        metrics.record_insert(table, result, attempt.rows, attempt.duration);
    }
}

/// Ready when a shutdown was asked for, or nobody is left to ask.
async fn asked(mut shutdown: watch::Receiver<bool>) {
    // An error says that the sender is gone, which is as good as being asked.
    drop(shutdown.wait_for(|asked| *asked).await);
}

/// Jitter must differ between the loops of a fleet; nothing else depends on it.
fn seed(number: usize) -> u64 {
    rand::random::<u64>().wrapping_add(number as u64)
}

/// Milliseconds since 1970, for `progress.written`: the one clock in the tables.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or_default()
}
