//! How a partition comes: the newest sound checkpoint is restored and the log read from its `next`, or, if
//! nobody has ever seen the partition, an empty checkpoint is published first.
//!
//! A partition that somebody has seen, but whose state is gone, or whose log is not the one it was, is not
//! read: it is put aside, and the message says what to do.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::held::{Founding, Held, Recent, Running, State};
use super::insertion::{Frozen, Tenure};
use super::looping::Loop;
use super::refusal::{self, Unrecognised, check_bounds, foreign_checkpoint, no_checkpoint};
use super::trouble::Trouble;
use super::{Bounds, CheckpointError, Checkpoints, Observer, Sink, SinkError, Source, SourceError, WorkerError, pace};
use crate::engine::{Engine, Limits, Snapshot};
use crate::event::UnknownFields;
use crate::record::{Offset, Partition, source_name};

/// How long the number of partitions may be waited for.
const ADDED_DEADLINE: Duration = Duration::from_secs(5);

/// What the stores and the log know of a partition.
pub(super) struct Answer {
    tenure: Tenure,
    failures: u32,
    found: Result<(Found, Bounds), Failure>,
    /// How many partitions the topic had when this epoch began, if that was asked and answered.
    began_with: Option<usize>,
}

/// What the brokers say of a log that is doubted.
pub(super) struct Compared {
    tenure: Tenure,
    bounds: Result<Bounds, SourceError>,
}

enum Found {
    /// A state, and its `next`.
    Checkpoint(Offset, Vec<u8>),
    /// A state that was made under other limits, with nothing behind it, and its `next`.
    CleanlyStopped(Offset, Vec<u8>),
    /// A state that was made under other limits, its `next`, and rows behind it up to this version.
    OtherLimits(Limits, Offset, Offset),
    /// No state, but rows up to this version.
    Rows(Offset),
    /// Nothing.
    Nothing,
}

/// A partition that may be read.
enum Opened {
    /// From a state that is published.
    Known(Engine),
    /// As soon as this state is published.
    New(Engine),
}

enum Failure {
    Checkpoints(CheckpointError),
    Store(SinkError),
    Log(SourceError),
}

impl<S: Source, K: Sink, C: Checkpoints, O: Observer> Loop<'_, S, K, C, O> {
    /// Partitions were given to this loop. One that was held before is held anew: its old engine knows nothing
    /// of what another owner did.
    pub(super) fn assigned(&mut self, partitions: &[Partition]) {
        self.around.observer.assigned(partitions);
        for &partition in partitions {
            self.tenures += 1;
            let tenure = Tenure { partition, number: self.tenures };
            let source = source_name(&self.around.settings.log, partition);
            self.held.insert(partition, Held { tenure, source: Arc::clone(&source), state: State::Opening });
            self.ask(tenure, source, 0);
        }
    }

    /// Asks the stores and the log in the background; rebalances and other partitions go on meanwhile.
    fn ask(&mut self, tenure: Tenure, source: Arc<str>, failures: u32) {
        let (sink, checkpoints) = (self.around.sink, self.around.checkpoints);
        let (wait, limits) = (self.wait(failures), self.around.settings.rules.limits());
        let bounds = self.source.bounds(tenure.partition);
        // Asked until it is known.
        let log = self.began_with.is_none().then_some(&self.around.settings.log);
        self.asking.push(Box::pin(async move {
            sleep(wait).await;
            let found = async {
                let found = find(sink, checkpoints, &source, limits).await?;
                Ok((found, bounds.await.map_err(Failure::Log)?))
            };
            let found = found.await;
            let began_with = match (&found, log) {
                (Ok((_, bounds)), Some(log)) => partitions_at_first(checkpoints, log, bounds.partitions).await,
                _ => None,
            };
            Answer { tenure, failures, found, began_with }
        }));
    }

    fn ask_again(&mut self, tenure: Tenure, failures: u32) {
        if let Some(held) = self.held.get_mut(&tenure.partition) {
            held.state = State::Opening;
            let source = Arc::clone(&held.source);
            self.ask(tenure, source, failures.saturating_add(1));
        }
    }

    /// The stores and the log have answered: the partition is restored, founded, asked for again, or refused.
    pub(super) async fn open(&mut self, answer: Answer) -> Result<(), WorkerError> {
        let Answer { tenure, failures, found, began_with } = answer;
        self.began_with = self.began_with.or(began_with);
        let partition = tenure.partition;
        let Some(held) = self.held.get(&partition).filter(|held| held.tenure == tenure) else { return Ok(()) };
        let source = Arc::clone(&held.source);
        let (found, bounds) = match found {
            Ok(found) => found,
            Err(Failure::Log(SourceError::Operator(message))) => return Err(WorkerError::Operator(message)),
            Err(failure) => {
                self.not_answered(partition, failure);
                self.ask_again(tenure, failures);
                return Ok(());
            }
        };
        self.warn_of_added(partition, bounds.partitions);
        match self.judged(&source, bounds, found) {
            Ok(Opened::Known(engine)) => self.start(tenure, engine, bounds).await,
            Ok(Opened::New(engine)) => {
                self.publish_first(tenure, Founding { engine, bounds, failures });
                Ok(())
            }
            Err(refusal) => self.refuse(partition, refusal).await,
        }
    }

    /// What the stores and the log together say of a partition.
    fn judged(&self, source: &Arc<str>, bounds: Bounds, found: Found) -> Result<Opened, WorkerError> {
        match found {
            Found::Checkpoint(next, bytes) => self.restored(source, bounds, next, &bytes).map(Opened::Known),
            // From here on rows follow the new limits; whoever comes after a crash must know it.
            Found::CleanlyStopped(next, bytes) => self.restored(source, bounds, next, &bytes).map(Opened::New),
            Found::OtherLimits(then, next, newest) => {
                Err(refusal::other_limits(source, next, newest, then, self.around.settings.rules.limits()))
            }
            Found::Rows(version) => Err(no_checkpoint(source, &format!("the store holds its rows up to version {version}"))),
            Found::Nothing => match bounds.committed {
                Some(next) => Err(no_checkpoint(source, &format!("its group has committed offset {next}"))),
                None => Ok(Opened::New(self.established(source, bounds))),
            },
        }
    }

    /// Keys of a topic that was given more partitions may have moved: their roots open new lives.
    fn warn_of_added(&self, partition: Partition, now: usize) {
        let Some(began_with) = self.began_with else { return };
        if usize::try_from(partition.0).is_ok_and(|number| number >= began_with) {
            warn!(
                %partition,
                began_with,
                now,
                "the topic was given partitions after this epoch began: keys that moved open new lives, and views say \
                 `structure_exact` = 0 of them; a new topic and a new epoch would be exact"
            );
            self.around.observer.added(partition);
        }
    }

    fn not_answered(&mut self, partition: Partition, failure: Failure) {
        match failure {
            Failure::Checkpoints(error) => {
                warn!(%partition, %error, "could not look for a checkpoint, trying again");
                self.around.observer.checkpoint_failed(partition, &error);
                if let CheckpointError::Operator(message) = &error {
                    self.trouble(Trouble::Opening(partition), message);
                }
            }
            Failure::Store(SinkError::Operator(message)) => self.trouble(Trouble::Opening(partition), &message),
            Failure::Store(SinkError::Transient(message)) => {
                warn!(%partition, error = message, "could not ask the store for the newest rows, trying again");
            }
            Failure::Log(error) => {
                warn!(%partition, %error, "could not ask where the partition begins and ends, trying again");
            }
        }
    }

    fn restored(&self, source: &Arc<str>, bounds: Bounds, next: Offset, bytes: &[u8]) -> Result<Engine, WorkerError> {
        check_bounds(source, bounds, next)?;
        let engine = Engine::restore(self.around.settings.rules.clone(), Arc::clone(source), bytes)
            .map_err(|error| foreign_checkpoint(source, next, &error.to_string()))?;
        if engine.next() != next {
            return Err(foreign_checkpoint(source, next, &format!("its content continues at {}", engine.next())));
        }
        info!(source = &**source, next, end = bounds.end, "restored");
        Ok(engine)
    }

    /// Nobody has seen this partition: an empty state is published before its first row, so that rows without
    /// any checkpoint always mean that checkpoints were lost.
    fn established(&self, source: &Arc<str>, bounds: Bounds) -> Engine {
        info!(source = &**source, first = bounds.first, end = bounds.end, "never seen before");
        let mut engine = Engine::new(self.around.settings.rules.clone(), Arc::clone(source), bounds.first);
        // A snapshot is taken after a flush; the first rows say the same again.
        engine.flush();
        engine
    }

    /// Publishes a state before anything is read.
    fn publish_first(&mut self, tenure: Tenure, founding: Founding) {
        let snapshot = Frozen { tenure, next: founding.engine.next(), state: founding.engine.snapshot() };
        if let Some(held) = self.held.get_mut(&tenure.partition) {
            held.state = State::Founding(Box::new(founding));
        }
        self.publish(snapshot, Duration::ZERO);
    }

    /// The first checkpoint was published, or not: then everything is asked again, because the log may begin elsewhere by
    /// the time that it succeeds.
    pub(super) async fn founded(&mut self, tenure: Tenure, outcome: Result<(), CheckpointError>) -> Result<(), WorkerError> {
        let Some(held) = self.held.get_mut(&tenure.partition) else { return Ok(()) };
        let State::Founding(founding) = std::mem::replace(&mut held.state, State::Opening) else { return Ok(()) };
        let Founding { engine, bounds, failures } = *founding;
        let Err(error) = outcome else { return self.start(tenure, engine, bounds).await };
        if let CheckpointError::Operator(message) = &error {
            self.trouble(Trouble::Opening(tenure.partition), message);
        }
        self.ask_again(tenure, failures);
        Ok(())
    }

    /// The log does not show the record that was read last.
    pub(super) fn unrecognised(&mut self, partition: Partition, what: Unrecognised) -> WorkerError {
        let running = self.held.get_mut(&partition).and_then(Held::running);
        let last = running.and_then(|running| running.engine.last_record()).map(|last| last.offset);
        refusal::unrecognised(&source_name(&self.around.settings.log, partition), last, what)
    }

    /// The log may not be the one it was: the last record read is read once more, as it is after a restore. The source says
    /// it again if that cannot be done yet.
    pub(super) fn doubted(&mut self, partition: Partition) {
        let Some(held) = self.held.get_mut(&partition) else { return };
        let tenure = held.tenure;
        let Some(running) = held.running() else { return };
        if std::mem::replace(&mut running.comparing, true) {
            return;
        }
        let bounds = self.source.bounds(partition);
        self.comparing.push(async move { Compared { tenure, bounds: bounds.await } }.boxed_local());
    }

    /// The bounds of a log that is doubted are known, or not.
    pub(super) async fn compared(&mut self, compared: Compared) -> Result<(), WorkerError> {
        let Compared { tenure, bounds } = compared;
        let partition = tenure.partition;
        let Some(running) = self.tenant(tenure) else { return Ok(()) };
        running.comparing = false;
        let started = match bounds {
            Ok(bounds) => {
                let next = running.engine.next();
                let last = running.engine.last_record().map(|last| last.offset).filter(|last| *last >= bounds.first);
                running.unrecognised = last.is_some();
                let source = source_name(&self.around.settings.log, partition);
                if let Err(refusal) = check_bounds(&source, bounds, next) {
                    return self.refuse(partition, refusal).await;
                }
                self.source.start(partition, last.unwrap_or(next)).await
            }
            Err(error) => Err(error),
        };
        match started {
            Ok(()) => Ok(()),
            Err(SourceError::Operator(message)) => Err(WorkerError::Operator(message)),
            Err(SourceError::Transient(message)) => {
                warn!(%partition, error = message, "could not compare the log with what was read of it, trying again");
                Ok(())
            }
        }
    }

    /// Reads on from an engine whose state is published.
    async fn start(&mut self, tenure: Tenure, engine: Engine, bounds: Bounds) -> Result<(), WorkerError> {
        let partition = tenure.partition;
        let next = engine.next();
        // The last record read is read once more, to see whether this is the log it was.
        let last = engine.last_record().filter(|last| last.offset >= bounds.first);
        match self.source.start(partition, last.map_or(next, |last| last.offset)).await {
            Ok(()) => {}
            Err(SourceError::Operator(message)) => return Err(WorkerError::Operator(message)),
            Err(SourceError::Transient(message)) => {
                warn!(%partition, error = message, "could not start reading, trying again");
                self.ask_again(tenure, 0);
                return Ok(());
            }
        }
        let settings = self.around.settings;
        // Partitions that came together publish one after another.
        let share = pace::jitter(settings.seed, u64::from(partition.0.unsigned_abs()));
        let running = Running {
            engine,
            flushed: None,
            durable: (next > bounds.first).then_some(next),
            published: next,
            committed: bounds.committed,
            unrecognised: last.is_some(),
            comparing: false,
            behind: bounds.end.saturating_sub(next) > settings.flush.rows_max as u64,
            publishing: None,
            checkpoint_at: Instant::now() + settings.checkpoint_interval.mul_f64(share),
            failures: 0,
            recent: Recent::default(),
            unknown: UnknownFields::default(),
        };
        if let Some(held) = self.held.get_mut(&partition) {
            held.state = State::Running(Box::new(running));
        }
        self.settle(Trouble::Opening(partition));
        if self.paused {
            // A partition that starts while the others are stopped is stopped too.
            self.stop_flow(true);
        }
        self.around.observer.started(partition, next, bounds.end);
        self.report(partition);
        Ok(())
    }
}

/// Only a warning hangs on it, so nothing waits for it long, or twice.
async fn partitions_at_first<C: Checkpoints>(checkpoints: &C, log: &str, now: usize) -> Option<usize> {
    // A broker that has not heard of a new topic yet names none.
    if now == 0 {
        return None;
    }
    let asked = checkpoints.partitions_at_first(log, now);
    let answer = timeout(ADDED_DEADLINE, asked).await.ok().and_then(Result::ok);
    Some(answer.unwrap_or(usize::MAX))
}

async fn find<K: Sink, C: Checkpoints>(sink: &K, checkpoints: &C, source: &str, limits: Limits) -> Result<Found, Failure> {
    if let Some((next, bytes)) = checkpoints.newest(source).await.map_err(Failure::Checkpoints)? {
        // What cannot be read is for the restore to refuse.
        let then = Snapshot::limits_of(&bytes).unwrap_or(limits);
        if then == limits {
            return Ok(Found::Checkpoint(next, bytes));
        }
        // After a clean stop nothing was written behind the checkpoint, and nothing will be made twice.
        let newest = sink.newest_version(source).await.map_err(Failure::Store)?;
        return Ok(match newest.filter(|newest| *newest > next) {
            Some(newest) => Found::OtherLimits(then, next, newest),
            None => Found::CleanlyStopped(next, bytes),
        });
    }
    let newest = sink.newest_version(source).await.map_err(Failure::Store)?;
    Ok(newest.map_or(Found::Nothing, Found::Rows))
}
