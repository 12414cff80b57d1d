//! The loop: source → event → engine → sink → checkpoint → commit. It owns all concurrency.
//!
//! One task, no locks, no clock but tokio's: the clock decides when rows leave, never what they hold.
//! A committed offset never passes a published checkpoint, a published checkpoint never passes durable
//! rows; so the loop may die between any two of its steps. It knows neither Kafka nor ClickHouse: the
//! three traits here are its only ways out, and each has a simulated twin in the tests.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crate::assignment::{Garbage, Terms};
use crate::backoff::Backoff;
use crate::config;
use crate::engine::{Rules, Snapshot};
use crate::failure::Failure;
use crate::reader::{Gaps, Lag};
use crate::record::{Offset, Partition, Record};
use crate::row::{Progress, Rows};

mod apart;
mod commands;
mod group;
mod in_flight;
mod leaving;
mod memory;
mod notice;
mod opening;
mod pace;
mod patience;
mod problem;
mod publishing;
mod turn;

pub use crate::assignment::{Bounds, Known, Memory, Position, Promise, StoreId, StoredState};
pub use memory::AskMemory;
pub use notice::{Notice, Observer, Silent};

/// What the log hands to the loop. Their order is the order in which they happened.
#[derive(Debug)]
pub enum Delivery<'a> {
    /// Partitions were given to this member; nothing is read from them until [`Source::start`].
    Assigned(Vec<Partition>),
    /// Records of one partition, in order.
    Records(Partition, Vec<Record<'a>>),
    /// Everything below this offset has been delivered and it is the end of the partition now
    /// (control records included).
    End(Partition, Offset),
    /// The log may not be the one it was: reading stops until the partition is started again at the last record that was read.
    Doubted(Partition),
    /// Partitions must be given back: flush, then call [`Source::release`].
    Revoked(Vec<Partition>),
    /// Partitions were lost: another member may own them already.
    Lost(Vec<Partition>),
    /// This member was fenced, so what it had is lost; it rejoins by itself.
    Fenced(Vec<Partition>),
    /// Nothing new.
    Idle,
}

/// The log: a member of a consumer group.
#[expect(async_fn_in_trait, reason = "the loop is single-threaded and generic; no Send bound is wanted")]
pub trait Source {
    /// The next thing that happened. Waits a little when there is nothing, then says [`Delivery::Idle`].
    ///
    /// The loop drops this future whenever something else is ready first: nothing may be lost by that.
    async fn next(&mut self) -> Result<Delivery<'_>, Failure>;
    /// The first offset that the log still holds, the end of the partition, and what the group has committed. The
    /// answer may take long: other partitions are read meanwhile.
    fn bounds(&self, partition: Partition) -> impl Future<Output = Result<Bounds, Failure>> + 'static;
    /// Starts reading an assigned partition at an offset.
    fn start(&mut self, partition: Partition, next: Offset) -> Result<(), Failure>;
    /// Stops and resumes the flow of records, of one partition or of all: what is wanted of all leaves what is wanted of one as it is.
    /// Assignments go on.
    fn pause(&mut self, only: Option<Partition>, paused: bool);
    /// Stops reading partitions. Revoked and lost ones go back to the group; others stay this member's, unread.
    fn release(&mut self, partitions: &[Partition]) -> Result<(), Failure>;
    /// Commits `next` as the group's offset. The answer may take long: everything else goes on meanwhile.
    fn commit(&self, offsets: &[(Partition, Offset)]) -> impl Future<Output = Result<(), Failure>> + 'static;
    /// How far behind each partition is that is read.
    fn lag(&self) -> Vec<Lag> {
        Vec::new()
    }
    /// Gaps in what was handed out, since this was asked last.
    fn take_gaps(&mut self) -> Gaps {
        Gaps::default()
    }
    /// How many partitions the stable group has assigned to no member, if one has looked.
    fn unassigned(&self) -> Option<usize> {
        None
    }
    /// Leaves the group.
    async fn close(&mut self) -> Result<(), Failure>;
}

/// The store.
#[expect(async_fn_in_trait, reason = "the loop is single-threaded and generic; no Send bound is wanted")]
pub trait Sink {
    /// One attempt to insert rows, which are none of `progress`. Any part may have been written before an error:
    /// the same rows again do no harm. Whose rows they are, and up to where, is for the store's own log ([`of`]).
    async fn insert(&self, rows: &Rows, of: &str) -> Result<(), Failure>;
    /// One attempt to append rows of `progress`: none that is sent together with one of which the store does not keep what was
    /// promised. Some may have been written before an error; the same rows again do no harm.
    async fn append(&self, rows: &[Append]) -> Result<Appended, Failure>;
    /// Whether what was sent may be the reason of a failure, so that rows of others may be taken meanwhile: not where the store is away, or
    /// takes nothing from anybody.
    fn refuses(&self, failure: &Failure) -> bool {
        matches!(failure, Failure::Operator(_))
    }
    /// Of a failure of which nobody knows whether it passes by itself.
    fn unknown(&self, _failure: &Failure) -> Option<Unknown> {
        None
    }
    /// A number that is another one as soon as what is asked next may be asked elsewhere: then rows that were inserted before may not be
    /// where `progress` would say that they are.
    fn place(&self) -> usize {
        0
    }
    /// Which store it is, and how far it says that a source is complete.
    async fn known(&self, source: &str) -> Result<Known, Failure>;
    /// The greatest version (`progress` and rows) known for a source in this epoch; `None` if it has no rows.
    async fn newest_version(&self, source: &str) -> Result<Option<Offset>, Failure>;
}

/// A failure of which nobody knows whether it passes by itself: it does not if the same rows fail of it for long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// What the store calls it.
    pub code: u32,
    /// What to do if it does not pass.
    pub cure: String,
}

/// A row of `progress`, and what the store must know before it is written.
#[derive(Clone, Debug)]
pub struct Append {
    /// The row.
    pub progress: Progress,
    /// What must be there.
    pub promise: Promise,
    /// Whether the tables of lives must show that they are whole, too, and say from then on that they are up to this row: a state is
    /// published on the strength of it.
    pub whole: bool,
}

/// Of which sources rows are, and up to where, as somebody looks for it in the log of the store: `events/0@1234 events/3@99`. As many are
/// named as fit into [`OF_BYTES`]: more would make a request too long for proxies, and far more for any server.
#[must_use]
pub fn of<'a>(progress: impl Iterator<Item = &'a Progress>) -> String {
    let mut named = String::new();
    for Progress { source, version, .. } in progress {
        let one = format!("{source}@{version}");
        if named.len() + one.len() >= OF_BYTES {
            break;
        }
        if !named.is_empty() {
            named.push(' ');
        }
        named.push_str(&one);
    }
    named
}

/// The bytes of what [`of`] says, at most.
pub const OF_BYTES: usize = 2_000;

/// What became of rows of `progress`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// They are in the store.
    Done,
    /// Not all are, because the store does not keep what was promised of these sources.
    Broken(Vec<Arc<str>>),
}

/// Where whole states are kept.
#[expect(async_fn_in_trait, reason = "the loop is single-threaded and generic; no Send bound is wanted")]
pub trait Checkpoints {
    /// The newest sound checkpoint of a source; of those that continue below an offset, if one is given.
    async fn newest(&self, source: &str, below: Option<Offset>) -> Result<Option<StoredState>, Failure>;
    /// About how many bytes the newest state takes where it is kept; 0 if there is none.
    async fn size(&self, source: &str) -> Result<u64, Failure>;
    /// Publishes a state, creating the object only if it is absent, and prunes all but the three newest.
    async fn publish(&self, source: &str, next: Offset, promise: Promise, snapshot: Snapshot) -> Result<(), Failure>;
    /// How many partitions a log had when this epoch began; `now` is remembered if nobody has said it before.
    async fn partitions_at_first(&self, log: &str, now: usize) -> Result<usize, Failure>;
}

/// The three seams of one loop.
#[derive(Debug)]
pub struct Seams<S, K, C> {
    /// The log.
    pub source: S,
    /// The store.
    pub sink: K,
    /// The checkpoint store.
    pub checkpoints: C,
}

/// What a loop is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The first half of the names of its sources.
    pub log: String,
    /// What rows depend on.
    pub rules: Rules,
    /// When rows leave.
    pub flush: config::Flush,
    /// How often a partition publishes its state.
    pub checkpoint_interval: Duration,
    /// When a partition holds so much that is no event that its topic must be a wrong one.
    pub garbage: Garbage,
    /// How long revoked partitions may take to flush before they are dropped instead.
    pub revoke_deadline: Duration,
    /// How long a shutdown may take.
    pub shutdown_deadline: Duration,
    /// Says what memory there is, before a state is opened.
    pub memory: AskMemory,
    /// First and greatest wait between two attempts.
    pub backoff: Backoff,
    /// Where jitter comes from; give every loop of a fleet another one.
    pub seed: u64,
}

impl Settings {
    /// The settings of a loop out of the configuration; nobody says what memory there is.
    #[must_use]
    pub fn of(config: &config::Config, seed: u64) -> Settings {
        Settings {
            log: config.worker.log.clone(),
            rules: config.rules.clone(),
            flush: config.flush.clone(),
            checkpoint_interval: config.checkpoint.interval,
            garbage: config.worker.garbage,
            revoke_deadline: REVOKE_DEADLINE,
            shutdown_deadline: config.worker.shutdown_deadline,
            memory: AskMemory::default(),
            backoff: Backoff { min: config.clickhouse.backoff_min, max: config.clickhouse.backoff_max },
            seed,
        }
    }

    fn terms(&self) -> Terms {
        Terms {
            rules: self.rules.clone(),
            batch: self.flush.rows_max as u64,
            checkpoint_interval: self.checkpoint_interval,
            backoff: self.backoff,
            garbage: self.garbage,
            seed: self.seed,
        }
    }
}

/// A rebalance waits for the slowest member, so giving partitions back is kept short; what is not durable
/// by then is read again by the next owner.
pub const REVOKE_DEADLINE: Duration = Duration::from_secs(5);

/// Why a loop ended.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// Somebody must act before a worker can read on: the message says how. Nothing is lost.
    #[error("{0}")]
    Operator(String),
    /// The loop was stopped before all that it had read was in a checkpoint: the sources, and where each checkpoint
    /// continues. Nothing is lost: the next start reads again from there.
    #[error(
        "stopped before everything was in a checkpoint: {0}. Nothing is lost, the next start reads on from there; do not change limits (budget_entries, root_retention_days, ...) before a later stop has succeeded"
    )]
    Unpublished(String),
}

/// Reads, folds, writes, publishes and commits until `shutdown` is ready; then finishes what is under way.
///
/// A partition that must not be read on is put aside and the others go on; a loop that has no others ends. However a
/// loop ends, what it holds besides is flushed, published and committed first.
///
/// Dropping the future at any point is as safe as killing the process.
///
/// # Errors
///
/// [`WorkerError::Operator`] when going on would be wrong, or a partition was put aside; [`WorkerError::Unpublished`]
/// when a shutdown did not get everything into checkpoints.
pub async fn run<S: Source, K: Sink, C: Checkpoints, O: Observer>(
    seams: Seams<S, K, C>,
    settings: &Settings,
    observer: &O,
    shutdown: impl Future<Output = ()>,
) -> Result<(), WorkerError> {
    let Seams { source, sink, checkpoints } = seams;
    let mut shutdown = pin!(shutdown);
    let seams = Seams { source, sink: &sink, checkpoints: &checkpoints };
    let mut turning = turn::Loop::new(seams, settings, observer);
    let reason = loop {
        match turning.turn(shutdown.as_mut()).await {
            Ok(true) => {}
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    turning.finish(reason).await
}
