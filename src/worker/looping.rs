//! One turn after another: what is ready first, then what is due.
//!
//! The state of a loop, its inserts, checkpoints and commits. How partitions come is `opening.rs`, how they
//! go is `parting.rs`.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;
use tracing::warn;

use super::held::{Held, Recent, Running, State};
use super::insertion::{self, Attempt, Frozen, Sealed, Tenure, seal};
use super::listening::{Happened, Step, at, earliest, ended, first_of, listen};
use super::opening::{Answer, Compared};
use super::publishing::{Committed, Published};
use super::trouble::Trouble;
use super::{Checkpoints, Observer, Settings, Sink, SinkError, Source, SourceError, WorkerError, pace, refusal};
use crate::metrics::Phase;
use crate::record::Partition;

/// After a failed read the log is not asked for so long at most: rebalances wait for it meanwhile.
const READ_WAIT_MAX: Duration = Duration::from_secs(1);

/// How often somebody is told how far the loop is behind.
const LAG_INTERVAL: Duration = Duration::from_secs(1);

/// What a loop works with beside its source.
pub(super) struct Around<'a, K, C, O> {
    pub(super) sink: &'a K,
    pub(super) checkpoints: &'a C,
    pub(super) observer: &'a O,
    pub(super) settings: &'a Settings,
}

/// One loop.
pub(super) struct Loop<'a, S, K, C, O> {
    pub(super) source: S,
    pub(super) around: Around<'a, K, C, O>,
    pub(super) held: BTreeMap<Partition, Held>,
    /// The rows on their way: one insert at a time.
    pub(super) inserting: Option<LocalBoxFuture<'a, Attempt>>,
    /// Offsets on their way to the group: one commit at a time.
    pub(super) committing: Option<LocalBoxFuture<'static, Committed>>,
    /// Partitions whose log is being compared with what was read of it.
    pub(super) comparing: FuturesUnordered<LocalBoxFuture<'static, Compared>>,
    /// Partitions whose stores are being asked.
    pub(super) asking: FuturesUnordered<LocalBoxFuture<'a, Answer>>,
    /// States on their way to the checkpoint store.
    pub(super) publishing: FuturesUnordered<LocalBoxFuture<'a, Published>>,
    pub(super) paused: bool,
    /// Whatever needs somebody now, and what to do.
    pub(super) troubles: BTreeMap<Trouble, String>,
    /// When the next flush may be, and when it must be even while there is more to read.
    flush_at: Instant,
    flush_by: Instant,
    flushes: u64,
    /// After a failed commit: when to try again.
    pub(super) commit_at: Option<Instant>,
    pub(super) commit_failures: u32,
    /// After a failed read: when to try again, and how often it has failed.
    read_at: Option<Instant>,
    read_failures: u32,
    pub(super) tenures: u64,
    /// When to look at the lag again.
    lag_at: Instant,
    /// How many partitions the topic had when this epoch began, once that is known.
    pub(super) began_with: Option<usize>,
}

impl<'a, S: Source, K: Sink, C: Checkpoints, O: Observer> Loop<'a, S, K, C, O> {
    pub(super) fn new(source: S, around: Around<'a, K, C, O>) -> Self {
        let now = Instant::now();
        Loop {
            source,
            around,
            held: BTreeMap::new(),
            inserting: None,
            committing: None,
            comparing: FuturesUnordered::new(),
            asking: FuturesUnordered::new(),
            publishing: FuturesUnordered::new(),
            paused: false,
            troubles: BTreeMap::new(),
            flush_at: now,
            flush_by: now,
            flushes: 0,
            commit_at: None,
            commit_failures: 0,
            read_at: None,
            read_failures: 0,
            tenures: 0,
            lag_at: now,
            began_with: None,
        }
    }

    /// One turn. Says whether there is another one: not after a shutdown was asked for.
    pub(super) async fn turn(&mut self, shutdown: Pin<&mut impl Future<Output = ()>>) -> Result<bool, WorkerError> {
        self.around.observer.ticked();
        self.watch_lag();
        match self.waited(shutdown).await {
            Step::Shutdown => return Ok(false),
            Step::Attempted(attempt) => self.attempted(*attempt),
            Step::Answered(answer) => {
                let started = Instant::now();
                self.open(answer).await?;
                self.spent(Phase::Rebalance, started);
            }
            Step::Published(published) => self.published(published).await?,
            Step::Committed(committed) => self.committed(committed),
            Step::Compared(compared) => self.compared(compared).await?,
            Step::Due => {}
            Step::Happened(happened, _) => self.happened(happened).await?,
            Step::Failed(error) => self.read_failed(error)?,
        }
        if self.flush_is_due() {
            self.flush().await?;
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
        self.around.observer.spent(waiting, started.elapsed().saturating_sub(folding));
        self.around.observer.spent(Phase::Process, folding);
        step
    }

    fn spent(&self, phase: Phase, since: Instant) {
        self.around.observer.spent(phase, since.elapsed());
    }

    /// Says now and then how far each partition is behind.
    fn watch_lag(&mut self) {
        let now = Instant::now();
        if now < self.lag_at {
            return;
        }
        self.lag_at = now + LAG_INTERVAL;
        self.around.observer.unassigned(self.source.unassigned());
        self.around.observer.gaps(self.source.take_gaps());
        let batch = self.around.settings.flush.rows_max as u64;
        for (partition, unread) in self.source.lag() {
            let Some(running) = self.held.get_mut(&partition).and_then(Held::running) else { continue };
            running.behind = unread.is_some_and(|unread| unread > batch);
            let since_commit = running.engine.next().saturating_sub(running.committed.unwrap_or(running.published));
            self.around.observer.lagging(partition, unread.map(|unread| unread + since_commit), running.engine.last_timestamp());
        }
    }

    /// Waits for whatever is ready first. Records come last, so that nothing waits behind a stream of them.
    async fn step(&mut self, shutdown: Pin<&mut impl Future<Output = ()>>) -> Step {
        let wake = earliest(self.next_flush(), self.next_commit());
        let Loop { source, held, inserting, committing, comparing, asking, publishing, read_at, .. } = self;
        tokio::select! {
            biased;
            () = shutdown => Step::Shutdown,
            attempt = ended(inserting) => Step::Attempted(Box::new(attempt)),
            answer = first_of(asking) => Step::Answered(answer),
            published = first_of(publishing) => Step::Published(published),
            committed = ended(committing) => Step::Committed(committed),
            compared = first_of(comparing) => Step::Compared(compared),
            () = at(wake) => Step::Due,
            step = listen(source, held, *read_at) => step,
        }
    }

    async fn happened(&mut self, happened: Happened) -> Result<(), WorkerError> {
        self.read_at = None;
        if !matches!(happened, Happened::Idle) {
            self.read_failures = 0;
        }
        match happened {
            Happened::Folded | Happened::Idle => {}
            Happened::Assigned(partitions) => self.assigned(&partitions),
            Happened::Revoked(partitions) => {
                let started = Instant::now();
                self.revoked(&partitions).await?;
                self.spent(Phase::Rebalance, started);
            }
            Happened::Lost(partitions) => self.lost(&partitions).await?,
            Happened::Fenced(partitions) => self.fenced(&partitions).await?,
            Happened::Doubted(partition) => self.doubted(partition),
            Happened::Unrecognised(partition, what) => {
                let refusal = self.unrecognised(partition, what);
                self.refuse(partition, refusal).await?;
            }
        }
        Ok(())
    }

    fn read_failed(&mut self, error: SourceError) -> Result<(), WorkerError> {
        match error {
            SourceError::Operator(message) => Err(WorkerError::Operator(message)),
            SourceError::Transient(message) => {
                warn!(error = message, "could not read the log, trying again");
                self.read_failures = self.read_failures.saturating_add(1);
                self.read_at = Some(Instant::now() + self.wait(self.read_failures).min(READ_WAIT_MAX));
                Ok(())
            }
        }
    }

    /// When rows or a checkpoint should leave; `None` while that is impossible or there is nothing to say.
    fn next_flush(&self) -> Option<Instant> {
        if self.inserting.is_some() {
            return None;
        }
        let rows = self.running().filter(|running| running.has_moved()).map(|running| self.due(running)).min();
        let checkpoint = self.running().filter_map(Running::checkpoint_due).min();
        if self.room_for_snapshots() > 0 { earliest(rows, checkpoint) } else { rows }
    }

    /// When the rows of a partition should leave. Catching up goes by size: what leaves early is only written again.
    fn due(&self, running: &Running) -> Instant {
        if running.behind { self.flush_by } else { self.flush_at }
    }

    fn next_commit(&self) -> Option<Instant> {
        self.commit_at
            .filter(|_| self.committing.is_none())
            .filter(|_| self.running().any(|running| running.uncommitted().is_some()))
    }

    fn flush_is_due(&self) -> bool {
        let full = self.inserting.is_none() && self.is_full();
        full || self.next_flush().is_some_and(|due| due <= Instant::now())
    }

    fn is_full(&self) -> bool {
        let rows: usize = self.running().map(|running| running.engine.dirty_rows()).sum();
        rows >= self.around.settings.flush.rows_max
    }

    pub(super) fn running(&self) -> impl Iterator<Item = &Running> {
        self.held.values().filter_map(|held| match &held.state {
            State::Running(running) => Some(&**running),
            State::Opening | State::Founding(_) | State::Refused(_) => None,
        })
    }

    /// Seals the rows of all partitions that are due, takes the snapshots that are due, and sends the rows.
    async fn flush(&mut self) -> Result<(), WorkerError> {
        let started = Instant::now();
        let (full, at, by) = (self.is_full(), self.flush_at, self.flush_by);
        let mut sealed = Sealed::default();
        let (mut copied, mut garbage) = (Duration::ZERO, Vec::new());
        let mut room = self.room_for_snapshots();
        for held in self.held.values_mut() {
            let tenure = held.tenure;
            let Some(running) = held.running() else { continue };
            let checkpoint = room > 0 && running.checkpoint_due().is_some_and(|due| due <= started);
            let due = if running.behind { by } else { at };
            if !checkpoint && !(running.has_moved() && (full || due <= started)) {
                continue;
            }
            let next = seal(&mut sealed, tenure, running, self.around.observer);
            if let Some(Recent { read, rejected }) = running.recent.garbage(self.around.settings.garbage) {
                garbage.push((tenure.partition, refusal::garbage(tenure.partition, rejected, read)));
                continue;
            }
            if checkpoint {
                let copying = Instant::now();
                let state = running.engine.snapshot();
                copied += copying.elapsed();
                room = room.saturating_sub(state.size());
                running.publishing = Some(state.size());
                sealed.snapshots.push(Frozen { tenure, next, state });
            }
        }
        self.around.observer.spent(Phase::Flush, started.elapsed().saturating_sub(copied));
        self.around.observer.spent(Phase::Checkpoint, copied);
        self.schedule(&sealed, started, full || by <= started);
        self.send(sealed);
        for (partition, refusal) in garbage {
            self.refuse(partition, refusal).await?;
        }
        Ok(())
    }

    /// Seals and sends the rows of some partitions, whatever the time.
    pub(super) fn flush_only(&mut self, partitions: &[Partition]) {
        let mut sealed = Sealed::default();
        for partition in partitions {
            let Some(held) = self.held.get_mut(partition) else { continue };
            let tenure = held.tenure;
            if let Some(running) = held.running().filter(|running| running.has_moved()) {
                seal(&mut sealed, tenure, running, self.around.observer);
            }
        }
        self.send(sealed);
    }

    fn send(&mut self, sealed: Sealed) {
        self.inserting = Some(insertion::attempt(self.around.sink, sealed, Duration::ZERO));
    }

    fn schedule(&mut self, sealed: &Sealed, started: Instant, everything: bool) {
        let settings = self.around.settings;
        let interval = pace::interval(&settings.flush, sealed.rows.len(), sealed.covers.len(), started.elapsed());
        self.flushes += 1;
        // A fifth of jitter keeps the loops of a fleet from inserting in step.
        let jittered = interval.mul_f64(0.9 + 0.2 * pace::jitter(settings.seed, self.flushes));
        let now = Instant::now();
        self.flush_at = now + jittered;
        if everything {
            self.flush_by = now + settings.flush.max_interval.max(jittered);
        }
    }

    /// An attempt to insert ended: its rows are durable, or they are sent again as they are.
    pub(super) fn attempted(&mut self, attempt: Attempt) {
        let Attempt { mut sealed, took, outcome } = attempt;
        self.inserting = None;
        self.around.observer.inserted(sealed.rows.len(), took, outcome.as_ref().copied());
        let wait = match outcome {
            Ok(()) => {
                self.settle(Trouble::Insert);
                return self.durable(sealed);
            }
            Err(SinkError::Transient(message)) => {
                let wait = self.wait(sealed.failures.saturating_add(1));
                warn!(error = message, rows = sealed.rows.len(), ?wait, "could not insert, trying again");
                wait
            }
            Err(SinkError::Operator(message)) => {
                self.trouble(Trouble::Insert, &message);
                self.around.settings.backoff.max
            }
        };
        sealed.failures = sealed.failures.saturating_add(1);
        self.inserting = Some(insertion::attempt(self.around.sink, sealed, wait));
    }

    fn durable(&mut self, sealed: Sealed) {
        let Sealed { rows: _, covers, snapshots, failures: _ } = sealed;
        for (tenure, next) in covers {
            if let Some(running) = self.tenant(tenure) {
                running.durable = running.durable.max(Some(next));
                self.report(tenure.partition);
            }
        }
        for snapshot in snapshots {
            if self.tenant(snapshot.tenure).is_some() {
                self.publish(snapshot, Duration::ZERO);
            }
        }
    }

    /// Stops the flow of records while a second flush would be due before the first is durable.
    fn regulate(&mut self) {
        let wanted = self.inserting.is_some() && (self.is_full() || self.troubles.contains_key(&Trouble::Insert));
        if wanted != self.paused && self.stop_flow(wanted) {
            self.paused = wanted;
            self.around.observer.paused(wanted);
        }
    }

    /// Stops or resumes the flow of records. After a failure the next turn tries again; what comes meanwhile
    /// is folded, within the budget.
    pub(super) fn stop_flow(&mut self, stopped: bool) -> bool {
        let outcome = self.source.pause(stopped);
        if let Err(error) = &outcome {
            warn!(%error, stopped, "could not stop or resume the flow of records");
        }
        outcome.is_ok()
    }

    /// The partition of a tenure, if it is still held and read.
    pub(super) fn tenant(&mut self, tenure: Tenure) -> Option<&mut Running> {
        self.held.get_mut(&tenure.partition).filter(|held| held.tenure == tenure).and_then(Held::running)
    }

    pub(super) fn report(&mut self, partition: Partition) {
        if let Some(running) = self.held.get_mut(&partition).and_then(Held::running) {
            self.around.observer.moved(running.position(partition));
        }
    }

    pub(super) fn wait(&self, failures: u32) -> Duration {
        let again = failures.checked_sub(1);
        again.map_or(Duration::ZERO, |attempt| self.around.settings.backoff.delay(attempt, self.around.settings.seed))
    }
}
