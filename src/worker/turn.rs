//! One turn after another: what is ready first, what a partition makes of it, and what it wants done about it.
//!
//! The log's deliveries and the ends of what is under way go to the partition they belong to (`commands.rs`). When rows,
//! states and offsets leave is `leaving.rs`.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use super::in_flight::InFlight;
use super::opening::OPENING_KIB;
use super::problem::Problems;
use super::publishing::{Outcome, SNAPSHOT_KIB, room};
use super::{Checkpoints, Delivery, Notice, Observer, Seams, Settings, Sink, Source, WorkerError};
use crate::assignment::{Assignment, Command, Event, Farewell, Running, Terms};
use crate::failure::Failure;
use crate::metrics::Phase;
use crate::record::{Offset, Partition};

/// After a failed read the log is not asked for so long at most: rebalances wait for it meanwhile.
const READ_WAIT_MAX: Duration = Duration::from_secs(1);

/// One loop.
pub(super) struct Loop<'a, S, K, C, O> {
    pub(super) source: S,
    pub(super) sink: &'a K,
    pub(super) checkpoints: &'a C,
    pub(super) observer: &'a O,
    pub(super) settings: &'a Settings,
    pub(super) terms: Terms,
    pub(super) assignments: BTreeMap<Partition, Assignment>,
    /// How often the stores were asked about a partition.
    pub(super) number: u64,
    /// Inserts, openings, publications, commits and comparisons that have not ended.
    pub(super) under_way: FuturesUnordered<LocalBoxFuture<'a, Outcome>>,
    /// Rows that are on their way.
    pub(super) in_flight: InFlight,
    /// Whether offsets are on their way: one commit at a time.
    pub(super) committing: bool,
    /// Room for states that are being restored, in KiB.
    pub(super) openings: Arc<Semaphore>,
    /// Room for snapshots of partitions that go on being read, and of those that leave.
    pub(super) snapshots: Arc<Semaphore>,
    pub(super) last_snapshots: Arc<Semaphore>,
    pub(super) paused: bool,
    /// After a shutdown was asked for nothing is read.
    pub(super) closing: bool,
    pub(super) problems: Problems,
    began: Instant,
    /// When the next flush may be, and when it must be even while there is more to read.
    pub(super) flush_at: Duration,
    pub(super) flush_by: Duration,
    pub(super) flushes: u64,
    /// After a failed commit: when to try again.
    pub(super) commit_at: Option<Duration>,
    pub(super) commit_failures: u32,
    /// After a failed read: when to try again, and how often it has failed.
    read_at: Option<Instant>,
    read_failures: u32,
    /// When to look at the lag again.
    pub(super) lag_at: Duration,
    /// How many partitions the topic had when this epoch began, once that is known.
    pub(super) began_with: Option<usize>,
    /// Up to where the store has acknowledged rows of a partition, whoever wrote them.
    pub(super) acknowledged: BTreeMap<Partition, Offset>,
    /// Sources that were given back before all that was read of them was in a checkpoint, and where that continues.
    pub(super) unpublished: Vec<String>,
}

/// What is ready first.
enum Step {
    Shutdown,
    Outcome(Outcome),
    Due,
    /// A delivery, and how long its records took to fold.
    Happened(Happened, Duration),
    Failed(Failure),
}

/// A delivery, after its records were folded.
enum Happened {
    /// Records were folded, or an end was noted.
    Folded(Partition, Option<Command>),
    Idle,
    Assigned(Vec<Partition>),
    Revoked(Vec<Partition>),
    Lost(Vec<Partition>),
    Fenced(Vec<Partition>),
    Doubted(Partition),
}

impl<'a, S: Source, K: Sink, C: Checkpoints, O: Observer> Loop<'a, S, K, C, O> {
    pub(super) fn new(seams: Seams<S, &'a K, &'a C>, settings: &'a Settings, observer: &'a O) -> Self {
        let Seams { source, sink, checkpoints } = seams;
        Loop {
            source,
            sink,
            checkpoints,
            observer,
            settings,
            terms: settings.terms(),
            assignments: BTreeMap::new(),
            number: 0,
            under_way: FuturesUnordered::new(),
            in_flight: InFlight::default(),
            committing: false,
            openings: room(OPENING_KIB),
            snapshots: room(SNAPSHOT_KIB),
            last_snapshots: room(SNAPSHOT_KIB),
            paused: false,
            closing: false,
            problems: Problems::default(),
            began: Instant::now(),
            flush_at: Duration::ZERO,
            flush_by: Duration::ZERO,
            flushes: 0,
            commit_at: None,
            commit_failures: 0,
            read_at: None,
            read_failures: 0,
            lag_at: Duration::ZERO,
            began_with: None,
            acknowledged: BTreeMap::new(),
            unpublished: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// One turn. Says whether there is another one: not after a shutdown was asked for.
    pub(super) async fn turn(&mut self, shutdown: Pin<&mut impl Future<Output = ()>>) -> Result<bool, WorkerError> {
        self.observer.notice(Notice::Ticked);
        self.watch_lag();
        match self.waited(shutdown).await {
            Step::Shutdown => return Ok(false),
            Step::Outcome(outcome) => self.ended(outcome)?,
            Step::Due => {}
            Step::Happened(happened, _) => self.happened(happened)?,
            Step::Failed(failure) => self.read_failed(failure)?,
        }
        self.let_go()?;
        if self.flush_is_due() {
            self.flush()?;
        }
        let started = Instant::now();
        self.commit();
        self.spent(Phase::Commit, started);
        self.regulate();
        // A log that always has records never waits: connections to the store need their turn too.
        tokio::task::yield_now().await;
        Ok(true)
    }

    /// Waits for the next step, and says what the time went into.
    async fn waited(&mut self, shutdown: Pin<&mut impl Future<Output = ()>>) -> Step {
        let started = Instant::now();
        let step = self.step(shutdown).await;
        let folding = if let Step::Happened(_, folding) = &step { *folding } else { Duration::ZERO };
        let waiting = if self.paused { Phase::Backpressure } else { Phase::Poll };
        self.observer.notice(Notice::Spent(waiting, started.elapsed().saturating_sub(folding)));
        self.observer.notice(Notice::Spent(Phase::Process, folding));
        step
    }

    fn spent(&self, phase: Phase, since: Instant) {
        self.observer.notice(Notice::Spent(phase, since.elapsed()));
    }

    /// Waits for whatever is ready first. Records come last, so that nothing waits behind a stream of them.
    async fn step(&mut self, shutdown: Pin<&mut impl Future<Output = ()>>) -> Step {
        let wake = self.next_due().map(|due| self.began + due);
        let Loop { source, assignments, under_way, read_at, .. } = self;
        tokio::select! {
            biased;
            () = shutdown => Step::Shutdown,
            Some(outcome) = under_way.next() => Step::Outcome(outcome),
            () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => Step::Due,
            step = listen(source, assignments, *read_at) => step,
        }
    }

    fn happened(&mut self, happened: Happened) -> Result<(), WorkerError> {
        self.read_at = None;
        if !matches!(happened, Happened::Idle) {
            self.read_failures = 0;
        }
        match happened {
            Happened::Idle => Ok(()),
            Happened::Folded(partition, command) => self.carry_out(partition, command),
            Happened::Doubted(partition) => self.tell(partition, Event::Doubted),
            Happened::Assigned(partitions) => self.assigned(&partitions),
            Happened::Revoked(partitions) => {
                self.observer.notice(Notice::Revoked(&partitions));
                // The group may refuse commits in the middle of a rebalance: one attempt must do, after one under way.
                let commits = 1 + u32::from(self.committing);
                let until = self.now() + self.settings.revoke_deadline;
                self.tell_all(&partitions, || Event::Revoked(Farewell { until, publications: 1, commits }))
            }
            Happened::Lost(partitions) => {
                self.observer.notice(Notice::Lost(&partitions));
                self.lost(&partitions)
            }
            Happened::Fenced(partitions) => {
                self.observer.notice(Notice::Fenced(&partitions));
                self.lost(&partitions)
            }
        }
    }

    fn read_failed(&mut self, failure: Failure) -> Result<(), WorkerError> {
        match failure {
            Failure::Operator(message) if !self.closing => Err(WorkerError::Operator(message)),
            Failure::Operator(message) | Failure::Transient(message) => {
                warn!(error = message, "could not read the log, trying again");
                self.read_failures = self.read_failures.saturating_add(1);
                self.read_at = Some(Instant::now() + self.wait(self.read_failures).min(READ_WAIT_MAX));
                Ok(())
            }
        }
    }

    /// Something that was under way has ended.
    fn ended(&mut self, outcome: Outcome) -> Result<(), WorkerError> {
        match outcome {
            Outcome::Inserted(batch, outcome) => self.inserted(batch, outcome),
            Outcome::Appended(batch, outcome) => self.appended(batch, outcome),
            Outcome::Answered(answer) => {
                let started = Instant::now();
                self.answered(*answer)?;
                self.spent(Phase::Rebalance, started);
                Ok(())
            }
            Outcome::Published(id, publication, outcome) => {
                self.published(id, publication, &outcome);
                self.answer(id, Event::Published(publication, outcome))
            }
            Outcome::Committed(offsets, outcome) => self.committed(offsets, outcome),
            Outcome::Compared(id, Ok(bounds)) => self.answer(id, Event::Compared(bounds)),
            Outcome::Compared(id, Err(Failure::Operator(message))) if self.is_held(id) => Err(WorkerError::Operator(message)),
            Outcome::Compared(id, Err(failure)) => {
                warn!(partition = %id.partition, error = %failure, "could not compare the log with what was read of it, trying again");
                self.answer(id, Event::NotCompared)
            }
        }
    }

    pub(super) fn running(&self) -> impl Iterator<Item = &Running> {
        self.assignments.values().filter_map(Assignment::running)
    }

    pub(super) fn wait(&self, failures: u32) -> Duration {
        let again = failures.checked_sub(1);
        again.map_or(Duration::ZERO, |attempt| self.settings.backoff.delay(attempt, self.settings.seed))
    }
}

/// Waits for the next delivery and folds its records at once: they are borrowed from the log's buffers.
async fn listen<S: Source>(
    source: &mut S,
    assignments: &mut BTreeMap<Partition, Assignment>,
    not_before: Option<Instant>,
) -> Step {
    if let Some(instant) = not_before {
        sleep_until(instant).await;
    }
    match source.next().await {
        Ok(delivery) => {
            let started = Instant::now();
            let happened = fold(assignments, delivery);
            Step::Happened(happened, started.elapsed())
        }
        Err(failure) => Step::Failed(failure),
    }
}

fn fold(assignments: &mut BTreeMap<Partition, Assignment>, delivery: Delivery<'_>) -> Happened {
    match delivery {
        Delivery::Assigned(partitions) => Happened::Assigned(partitions),
        Delivery::Revoked(partitions) => Happened::Revoked(partitions),
        Delivery::Lost(partitions) => Happened::Lost(partitions),
        Delivery::Fenced(partitions) => Happened::Fenced(partitions),
        Delivery::Doubted(partition) => Happened::Doubted(partition),
        Delivery::Idle => Happened::Idle,
        Delivery::Records(partition, records) => {
            let command = assignments.get_mut(&partition).and_then(|assignment| assignment.fold(&records));
            Happened::Folded(partition, command)
        }
        Delivery::End(partition, end) => {
            let command = assignments.get_mut(&partition).and_then(|assignment| assignment.end(end));
            Happened::Folded(partition, command)
        }
    }
}
