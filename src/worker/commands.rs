//! What belongs to a partition is told to it, and what it wants done about it is carried out.

use std::sync::Arc;

use futures::FutureExt;
use tokio::sync::OwnedSemaphorePermit;
use tracing::{info, warn};

use super::opening::{self, Answer, Findings, Question, Unanswered};
use super::problem::Problem;
use super::publishing::{self, Outcome, PendingCheckpoint};
use super::turn::Loop;
use super::{Checkpoints, Notice, Observer, Sink, Source, WorkerError};
use crate::assignment::{Assignment, AssignmentId, Command, Event, Found, Promise, Undone};
use crate::engine::Snapshot;
use crate::failure::Failure;
use crate::record::{Offset, Partition, source_name};

impl<S: Source, K: Sink, C: Checkpoints, O: Observer> Loop<'_, S, K, C, O> {
    /// What the stores and the log know of a partition has come, or not.
    pub(super) fn answered(&mut self, answer: Answer) -> Result<(), WorkerError> {
        // Held until it is restored.
        let Answer { id, found, began_with, room, alone: _alone } = answer;
        self.began_with = self.began_with.or(began_with);
        if !self.is_held(id) {
            return Ok(());
        }
        let event = match found {
            Ok((Findings { found, promise, forgotten, acknowledged }, bounds)) => {
                self.acknowledge(id.partition, acknowledged);
                self.warn_of_added(id.partition, bounds.partitions);
                if let Some(why) = forgotten {
                    warn!("{why}; but an older checkpoint is as old as the store: reading again from there");
                    self.observer.notice(Notice::Forgotten(id.partition));
                }
                if let Found::Checkpoint(state) | Found::CleanlyStopped(state) = &found {
                    let (partition, bytes) = (id.partition, state.bytes.len());
                    self.observer.notice(Notice::Restored { partition, bytes, published: state.published });
                }
                Event::Answered(found, promise, bounds)
            }
            Err(Unanswered::Log(Failure::Operator(message))) => return Err(WorkerError::Operator(message)),
            Err(unanswered) => {
                self.unanswered(id.partition, &unanswered);
                Event::NotAnswered
            }
        };
        self.tell_with(id.partition, event, room)
    }

    /// The store has acknowledged everything of a partition below an offset, or more, even if it has forgotten some of it since.
    pub(super) fn acknowledge(&mut self, partition: Partition, upto: Offset) {
        let known = self.acknowledged.entry(partition).or_default();
        *known = upto.max(*known);
    }

    /// The store knows less of a partition than was made durable: what is held of it stands for rows that are gone.
    pub(super) fn forgotten(&mut self, id: AssignmentId) -> Result<(), WorkerError> {
        warn!(partition = %id.partition, "the store has forgotten what was written to it: looking for a checkpoint as old as it is");
        self.observer.notice(Notice::Forgotten(id.partition));
        self.answer(id, Event::Forgotten)
    }

    fn unanswered(&mut self, partition: Partition, unanswered: &Unanswered) {
        let (what, failure) = match unanswered {
            Unanswered::Checkpoints(failure) => {
                self.observer.notice(Notice::CheckpointFailed(partition));
                ("could not look for a checkpoint, trying again", failure)
            }
            Unanswered::Store(failure) => ("could not ask the store for the newest rows, trying again", failure),
            Unanswered::Forgotten(why) => {
                if self.problems.forgotten(partition, why, self.observer) {
                    warn!(%partition, "{why}");
                    self.observer.notice(Notice::Forgotten(partition));
                }
                return;
            }
            Unanswered::TooLarge(why) => {
                self.observer.notice(Notice::TooLarge(partition));
                self.problems.add(Problem::Partition(partition), why, self.observer);
                return;
            }
            Unanswered::Log(failure) => ("could not ask where the partition begins and ends, trying again", failure),
            Unanswered::Released => return,
        };
        warn!(%partition, error = %failure, "{what}");
        if let Failure::Operator(message) = failure {
            self.problems.add(Problem::Partition(partition), message, self.observer);
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
            self.observer.notice(Notice::Added(partition));
        }
    }

    /// An assignment, if it is still this loop's: what belongs to a former one is ignored.
    pub(super) fn held(&self, id: AssignmentId) -> Option<&Assignment> {
        self.assignments.get(&id.partition).filter(|assignment| assignment.id == id)
    }

    pub(super) fn is_held(&self, id: AssignmentId) -> bool {
        self.held(id).is_some()
    }

    /// An answer, which is for one assignment only.
    pub(super) fn answer(&mut self, id: AssignmentId, event: Event) -> Result<(), WorkerError> {
        if self.is_held(id) { self.tell(id.partition, event) } else { Ok(()) }
    }

    /// Partitions are not this member's any more. A shutdown finishes all the same: what another owner writes is the same, and
    /// a broker that dies takes the partitions of everybody.
    pub(super) fn lost(&mut self, partitions: &[Partition]) -> Result<(), WorkerError> {
        if self.closing {
            return partitions.iter().try_for_each(|partition| self.give_back(*partition));
        }
        self.tell_all(partitions, || Event::Lost)
    }

    pub(super) fn tell_all(&mut self, partitions: &[Partition], event: impl Fn() -> Event) -> Result<(), WorkerError> {
        // All of them hear it, whatever the first of them makes of it.
        let told: Vec<_> = partitions
            .iter()
            .map(|&partition| {
                let held = self.assignments.contains_key(&partition);
                if held { self.tell(partition, event()) } else { self.give_back(partition) }
            })
            .collect();
        told.into_iter().collect()
    }

    pub(super) fn tell(&mut self, partition: Partition, event: Event) -> Result<(), WorkerError> {
        self.tell_with(partition, event, None)
    }

    fn tell_with(&mut self, partition: Partition, event: Event, room: Option<OwnedSemaphorePermit>) -> Result<(), WorkerError> {
        let now = self.now();
        let Some(assignment) = self.assignments.get_mut(&partition) else { return Ok(()) };
        let before = assignment.running().map(|running| running.position(partition));
        let commands = assignment.on(now, event, &self.terms);
        let after = assignment.running().map(|running| running.position(partition));
        if let Some(position) = after.filter(|_| before != after) {
            self.observer.notice(Notice::Moved(position));
        }
        self.carry_out_with(partition, commands, room)
    }

    /// Those whose time is over are given back; those whose rows are durable publish their last states.
    pub(super) fn let_go(&mut self) -> Result<(), WorkerError> {
        let leaving = self.assignments.values().filter(|assignment| assignment.leaves_by().is_some());
        let leaving: Vec<Partition> = leaving.map(|assignment| assignment.id.partition).collect();
        for partition in leaving {
            self.tell(partition, Event::Tick)?;
            self.publish_last(partition);
        }
        Ok(())
    }

    pub(super) fn carry_out(
        &mut self,
        partition: Partition,
        commands: impl IntoIterator<Item = Command>,
    ) -> Result<(), WorkerError> {
        self.carry_out_with(partition, commands, None)
    }

    fn carry_out_with(
        &mut self,
        partition: Partition,
        commands: impl IntoIterator<Item = Command>,
        mut room: Option<OwnedSemaphorePermit>,
    ) -> Result<(), WorkerError> {
        for command in commands {
            match command {
                Command::Ask(failures) => self.ask(partition, failures),
                Command::PublishFirst(next, promise, state) => {
                    info!(
                        source = &*source_name(&self.settings.log, partition),
                        next, "its first checkpoint comes before its first row"
                    );
                    self.publish(partition, (next, promise), *state, room.take());
                }
                Command::Start(from) => self.start(partition, from)?,
                Command::StartAgain(from) => self.start_again(partition, from)?,
                Command::Hold(held) => self.source.pause(Some(partition), held),
                Command::Compare => self.compare(partition),
                Command::PutAside(why) => self.put_aside(partition, why)?,
                Command::Release { undone, unpublished } => self.release(partition, undone, unpublished)?,
            }
        }
        Ok(())
    }

    /// Asks the stores and the log in the background; rebalances and other partitions go on meanwhile. An answer to a
    /// question before this one is none to it.
    fn ask(&mut self, partition: Partition, failures: u32) {
        let (wait, openings) = (self.wait(failures), Arc::clone(&self.openings));
        let Some(assignment) = self.assignments.get_mut(&partition) else { return };
        self.number += 1;
        assignment.id.number = self.number;
        self.problems.resolve(Problem::Untaken(partition), self.observer);
        let question = Question {
            sink: self.sink,
            checkpoints: self.checkpoints,
            id: assignment.id,
            source: Arc::downgrade(&assignment.source),
            limits: self.terms.rules.limits(),
            wait,
            began: self.began_with.is_none().then_some(&self.settings.log),
            openings,
            memory: &self.settings.memory,
        };
        self.under_way.push(opening::ask(question, self.source.bounds(partition)));
    }

    fn start(&mut self, partition: Partition, from: Offset) -> Result<(), WorkerError> {
        if let Some(message) = transient(self.source.start(partition, from))? {
            warn!(%partition, error = message, "could not start reading, trying again");
            return self.tell(partition, Event::NotStarted);
        }
        self.tell(partition, Event::Started)?;
        let acknowledged = self.acknowledged.get(&partition).copied().unwrap_or_default();
        if let Some(running) = self.assignments.get_mut(&partition).and_then(Assignment::running_mut) {
            running.acknowledged(acknowledged);
        }
        self.problems.opened(partition, self.observer);
        if self.paused {
            // A partition that starts while the others are stopped is stopped too.
            self.source.pause(None, true);
        }
        let Some(running) = self.assignments.get(&partition).and_then(Assignment::running) else { return Ok(()) };
        let (source, next, end) = (running.engine.source(), running.engine.next(), running.log_end);
        info!(source = &**source, next, end, "started");
        self.observer.notice(Notice::Started { partition, next, end });
        Ok(())
    }

    fn start_again(&mut self, partition: Partition, from: Offset) -> Result<(), WorkerError> {
        if let Some(message) = transient(self.source.start(partition, from))? {
            // Its log is still doubted, which the source says again.
            warn!(%partition, error = message, "could not compare the log with what was read of it, trying again");
        }
        Ok(())
    }

    fn compare(&mut self, partition: Partition) {
        let Some(assignment) = self.assignments.get(&partition) else { return };
        let (id, bounds) = (assignment.id, self.source.bounds(partition));
        self.under_way.push(async move { Outcome::Compared(id, bounds.await) }.boxed_local());
    }

    /// Publishes a state that continues at an offset, with what the store must know for it.
    pub(super) fn publish(
        &mut self,
        partition: Partition,
        (next, promise): (Offset, Promise),
        state: Snapshot,
        room: Option<OwnedSemaphorePermit>,
    ) {
        let Some(assignment) = self.assignments.get(&partition) else { return };
        let pending = PendingCheckpoint { id: assignment.id, next, promise, state, room };
        self.under_way.push(publishing::publish(self.checkpoints, Arc::clone(&assignment.source), pending));
    }

    /// Puts a partition aside that must not be read on: nothing of it is written, published or committed any more. Ends the
    /// loop with the reason if it has no other partition to go on with.
    fn put_aside(&mut self, partition: Partition, why: String) -> Result<(), WorkerError> {
        let goes_on = |assignment: &Assignment| assignment.refusal().is_none() && assignment.leaves_by().is_none();
        if !self.assignments.values().any(goes_on) {
            return Err(WorkerError::Operator(why));
        }
        self.problems.refused(partition, &why, self.observer);
        self.observer.notice(Notice::Refused(partition));
        self.give_back(partition)
    }

    fn release(&mut self, partition: Partition, undone: Option<Undone>, unpublished: Option<Offset>) -> Result<(), WorkerError> {
        let Some(assignment) = self.assignments.remove(&partition) else { return Ok(()) };
        let source = &*assignment.source;
        match undone {
            None => {}
            Some(Undone::Commit) => warn!(
                source,
                "the group did not take the last offset: its lag shows more than is left to read. Nothing is lost and nothing is \
                 read twice for it, because whoever reads on begins at the newest checkpoint"
            ),
            Some(Undone::Rows | Undone::Checkpoint) => {
                warn!(source, ?undone, "given back before everything was in a checkpoint; the next owner reads it again");
            }
        }
        if self.closing {
            self.unpublished.extend(unpublished.map(|from| format!("{source} from offset {from} on")));
        }
        self.problems.closed(partition, self.observer);
        self.observer.notice(Notice::Released(partition));
        self.give_back(partition)
    }

    /// Tells the source that a partition is not read any more.
    fn give_back(&mut self, partition: Partition) -> Result<(), WorkerError> {
        if let Some(message) = transient(self.source.release(&[partition]))? {
            warn!(%partition, error = message, "could not give it back; the group takes it when this member is gone");
        }
        Ok(())
    }
}

/// What passes by itself; what does not ends the loop, for whom the group would wait for ever.
fn transient(outcome: Result<(), Failure>) -> Result<Option<String>, WorkerError> {
    match outcome {
        Ok(()) => Ok(None),
        Err(Failure::Transient(message)) => Ok(Some(message)),
        Err(Failure::Operator(message)) => Err(WorkerError::Operator(message)),
    }
}
