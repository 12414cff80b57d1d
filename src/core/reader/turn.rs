//! What comes next: the rest of what is in hand, then the group, then fetchers that stand wrong, then new batches.
//!
//! Keeps: partitions take turns, the client is asked for its events at least once a batch, and nothing is unassigned or
//! assigned but right after that, when the group wants nothing that is known.

use std::time::Duration;

use super::partition::{CutOff, Front, State};
use super::rebalance::Event;
use super::{Batches, Command, Delivery, Extent, Item, Moving, Note, PartitionError, Problem, Reader, Step};
use crate::record::Partition;

/// A fetcher that is starting or stopping cannot be moved for a moment. One that still cannot has ended: the client ends
/// it when it asks for an offset beyond the end, as it does when it resumes one too far.
const RESTART_AFTER: Duration = Duration::from_millis(500);

/// Between two tries to move a fetcher.
const MOVE_EVERY: Duration = Duration::from_millis(50);

/// The client moves fetchers within a second, or says that it did not. The group waits no longer for it.
const MOVE_DEADLINE: Duration = Duration::from_secs(5);

/// How often it is said that a log is doubted.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How far a turn has come.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Whose batch is in hand.
    drawn: Option<Partition>,
    /// Who was drained last, and how many have been since the turn began.
    last: Option<Partition>,
    drained: usize,
    polled: bool,
}

impl Turn {
    pub(super) fn draw(&mut self, partition: Partition) {
        self.drawn = Some(partition);
    }

    fn end(&mut self) {
        (self.polled, self.drained) = (false, 0);
    }
}

impl Reader {
    /// What is to be done now. `Idle` if there is nothing; then again after some milliseconds.
    pub fn step(&mut self, now: Duration, batches: &impl Batches) -> Step {
        loop {
            if let Some(step) = self.out.pop_front() {
                if let Step::Do(command) = &step
                    && command.is_answered()
                {
                    self.asked = Some(command.clone());
                }
                return step;
            }
            if self.closed || self.stays_away(now) {
                return Step::Idle;
            }
            if self.renews(now) {
                continue;
            }
            let todo = self
                .hand_out(now, batches)
                .or_else(|| self.rebalance(now))
                .or_else(|| self.poll())
                .or_else(|| self.look(now))
                .or_else(|| self.correct_positions(now))
                .or_else(|| self.fetch())
                .or_else(|| self.doubt(now))
                .or_else(|| self.drain());
            match todo {
                Some(step) => self.out.push_back(step),
                None if self.out.is_empty() => {
                    self.turn.end();
                    return Step::Idle;
                }
                None => {}
            }
        }
    }

    /// Whether this member is away. Comes back when it is time.
    fn stays_away(&mut self, now: Duration) -> bool {
        let Some(until) = self.fencing.away_until() else { return false };
        if now < until {
            return true;
        }
        self.fencing.come_back();
        self.out.push_back(Step::Note(Note::JoiningAgain));
        self.out.push_back(Step::Do(Command::NewClient));
        false
    }

    /// The next thing in the batch in hand; it is freed when there is none.
    fn hand_out(&mut self, now: Duration, batches: &impl Batches) -> Option<Step> {
        let partition = self.turn.drawn?;
        if let Some(reading) = self.readings.get_mut(&partition).filter(|reading| reading.has_rest()) {
            if self.paused {
                return None;
            }
            let (position, filled) = (reading.position, self.gaps.filled);
            match reading.take_front(now, |index| batches.item(partition, index), &mut self.gaps) {
                Front::Records(run) => {
                    if self.gaps.filled > filled {
                        self.out.push_back(Step::Note(Note::Filled { partition, position }));
                    }
                    return Some(Step::Tell(Delivery::Records(partition, run)));
                }
                Front::End(end) => {
                    self.log_extent(partition, Extent { end: Some(end), ..Extent::default() });
                    return Some(Step::Tell(Delivery::End(partition, end)));
                }
                Front::Error(index) => self.partition_error(now, partition, index, batches),
                Front::Nothing => {}
            }
        }
        if self.readings.get(&partition).is_some_and(super::Reading::has_rest) {
            return None;
        }
        self.turn.drawn = None;
        self.turn.end();
        Some(Step::Do(Command::Drop(partition)))
    }

    /// An error moves the client one too far, so its position is not believed whatever it says.
    fn partition_error(&mut self, now: Duration, partition: Partition, index: usize, batches: &impl Batches) {
        let Item::Error { at, class, code } = batches.item(partition, index) else { return };
        let Some(reading) = self.readings.get_mut(&partition) else { return };
        let (position, text) = (reading.position, batches.text(partition, index));
        match class {
            PartitionError::Recovers => {
                reading.misplace();
                self.complain(now, code, Problem::Stumbled { partition, position, text });
            }
            PartitionError::CutOff => match reading.cut_off(now, at) {
                CutOff::AskAgain => {}
                CutOff::Doubt => self.out.push_back(Step::Note(Note::LogDoubted { partition, position, text })),
                CutOff::GiveUp => self.out.push_back(Step::Fail(Problem::CutOff { partition, position, text })),
            },
            PartitionError::Fatal => {
                reading.stop();
                self.out.push_back(Step::Fail(Problem::Unreadable { partition, position, text }));
            }
        }
    }

    /// Takes up what the group wants, and answers it when that can be done: as soon as every fetcher that stays was asked
    /// to stand where it should, which it can do best while the client keeps it still.
    fn rebalance(&mut self, now: Duration) -> Option<Step> {
        // Whoever leaves anyhow takes up nothing new, and what the group wants ends with the client.
        if self.renewing.is_none()
            && let Some(event) = self.rebalance.next()
        {
            return Some(match event {
                Event::Assigned(partitions) => self.on_assigned(partitions),
                Event::Revoked { partitions, lost } => self.on_revoked(partitions, lost),
            });
        }
        let late = self.moving.as_ref().is_some_and(|moving| now.saturating_sub(moving.since) > MOVE_DEADLINE);
        let unsettled = |state| matches!(state, State::Misplaced(None) | State::Moving(..));
        if !late && self.readings.values().any(|reading| unsettled(reading.state)) {
            return None;
        }
        if self.rebalance.is_accepting() {
            return Some(Step::Do(Command::Accept));
        }
        if !self.rebalance.is_released() {
            return None;
        }
        let released = self.readings.iter().filter(|(_, reading)| reading.state == State::Released);
        Some(Step::Do(Command::Unassign(released.map(|(partition, _)| *partition).collect())))
    }

    fn on_assigned(&mut self, partitions: Vec<Partition>) -> Step {
        let note = Note::Assigned(partitions.clone());
        self.rebalance.accept(partitions);
        Step::Note(note)
    }

    pub(super) fn on_revoked(&mut self, partitions: Vec<Partition>, lost: bool) -> Step {
        for partition in &partitions {
            self.owned.remove(partition);
            if let Some(reading) = self.readings.get_mut(partition).filter(|reading| reading.state != State::Released) {
                reading.stop();
            }
        }
        self.rebalance.revoke(&partitions);
        let note = Note::Revoked { partitions: partitions.clone(), lost };
        if !partitions.is_empty() {
            let told = if lost { Delivery::Lost(partitions) } else { Delivery::Revoked(partitions) };
            self.out.push_back(Step::Tell(told));
        }
        Step::Note(note)
    }

    fn poll(&mut self) -> Option<Step> {
        let polled = std::mem::replace(&mut self.turn.polled, true);
        (!polled).then_some(Step::Do(Command::Poll))
    }

    /// Looks after the group, and after fetchers that say nothing.
    fn look(&mut self, now: Duration) -> Option<Step> {
        if self.coverage.leaves_too_long(now) {
            self.join_again();
        }
        if !self.paused {
            self.readings.values_mut().for_each(|reading| reading.listen(now, RESTART_AFTER));
        }
        self.coverage.is_due(now).then_some(Step::Do(Command::AskGroup))
    }

    /// Puts fetchers back to where the reader stands; nothing is read of one that cannot be moved yet. One move at a time,
    /// however long it takes: after its answer, nothing that it asked for is carried out behind what is asked later.
    fn correct_positions(&mut self, now: Duration) -> Option<Step> {
        if self.moving.is_some() {
            return None;
        }
        // While a rebalance waits for its answer, the client would take this for it.
        if !self.rebalance.is_under_way()
            && let Some(step) = self.refetch(now)
        {
            return Some(step);
        }
        self.move_all(now)
    }

    /// A fetcher that cannot be moved for so long has ended.
    fn refetch(&mut self, now: Duration) -> Option<Step> {
        let ended = |state| matches!(state, State::Misplaced(Some(since)) if now.saturating_sub(since) >= RESTART_AFTER);
        let (partition, reading) = self.readings.iter_mut().find(|(_, reading)| ended(reading.state))?;
        reading.drop_rest();
        Some(Step::Do(Command::Refetch(*partition, reading.position)))
    }

    fn move_all(&mut self, now: Duration) -> Option<Step> {
        let number = self.moves + 1;
        let again = now >= self.move_at;
        let mut places = Vec::new();
        for (partition, reading) in &mut self.readings {
            if let State::Misplaced(since) = reading.state
                && (since.is_none() || again)
            {
                reading.drop_rest();
                reading.state = State::Moving(number, since);
                places.push((*partition, reading.position));
            }
        }
        if places.is_empty() {
            return None;
        }
        (self.moves, self.move_at) = (number, now + MOVE_EVERY);
        let partitions = places.iter().map(|(partition, _)| *partition).collect();
        self.moving = Some(Moving { number, since: now, partitions });
        Some(Step::Do(Command::Move { number, places }))
    }

    /// Lets the client have a partition that was started; not before a move of an earlier time is over, which would lead it
    /// to where it was then.
    fn fetch(&mut self) -> Option<Step> {
        if self.rebalance.is_accepting() {
            return None;
        }
        let reached = |partition| self.moving.as_ref().is_some_and(|moving| moving.partitions.contains(partition));
        let starting = |reading: &super::Reading| reading.state == State::Starting;
        let (partition, reading) =
            self.readings.iter_mut().find(|(partition, reading)| starting(reading) && !reached(partition))?;
        (reading.state, reading.fetched) = (State::Reading, true);
        Some(Step::Do(Command::Fetch(*partition, reading.position)))
    }

    /// Says that a log is doubted, again and again until it is started again.
    fn doubt(&mut self, now: Duration) -> Option<Step> {
        if self.paused {
            return None;
        }
        self.readings.iter_mut().find_map(|(partition, reading)| {
            let State::Doubted(at) = &mut reading.state else { return None };
            if now < *at {
                return None;
            }
            *at = now + TELL_EVERY;
            Some(Step::Tell(Delivery::Doubted(*partition)))
        })
    }

    /// Asks for a batch of the next partition that is read.
    fn drain(&mut self) -> Option<Step> {
        if self.paused || self.turn.drawn.is_some() || self.turn.drained >= self.readings.len() {
            return None;
        }
        let last = self.turn.last.unwrap_or(Partition(i32::MIN));
        let behind = self.readings.iter().filter(|(partition, _)| **partition > last);
        let mut order = behind.chain(&self.readings).filter(|(_, reading)| reading.state == State::Reading);
        let partition = order.next().map(|(partition, _)| *partition)?;
        self.turn.last = Some(partition);
        self.turn.drained += 1;
        Some(Step::Do(Command::Drain(partition)))
    }
}
