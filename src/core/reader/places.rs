//! Where fetchers stand, and where they should: they are moved, started, and doubted.
//!
//! Keeps: nothing is moved, started or unassigned but when the group wants nothing that is known.

use std::time::Duration;

use super::partition::State;
use super::rebalance::Event;
use super::{Command, Delivery, Moving, Note, Reader, Step};
use crate::record::Partition;

/// A fetcher that is starting or stopping cannot be moved for a moment. One that still cannot has ended: the client ends
/// it when it asks for an offset beyond the end, as it does when it resumes one too far.
pub(super) const RESTART_AFTER: Duration = Duration::from_millis(500);

/// Between two tries to move a fetcher.
const MOVE_EVERY: Duration = Duration::from_millis(50);

/// The client moves fetchers within a second, or says that it did not. The group waits no longer for it.
const MOVE_DEADLINE: Duration = Duration::from_secs(5);

/// How often it is said that a log is doubted.
const TELL_EVERY: Duration = Duration::from_secs(1);

impl Reader {
    /// Takes up what the group wants, and answers it when that can be done: as soon as every fetcher that stays was asked
    /// to stand where it should, which it can do best while the client keeps it still.
    pub(super) fn rebalance(&mut self, now: Duration) -> Option<Step> {
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

    /// Puts fetchers back to where the reader stands; nothing is read of one that cannot be moved yet. One move at a time,
    /// however long it takes: after its answer, nothing that it asked for is carried out behind what is asked later.
    pub(super) fn correct_positions(&mut self, now: Duration) -> Option<Step> {
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

    pub(super) fn pause_all(&mut self, now: Duration, paused: bool) {
        self.paused = paused;
        self.readings.values_mut().for_each(|reading| reading.hear(now));
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
    pub(super) fn fetch(&mut self) -> Option<Step> {
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
    pub(super) fn doubt(&mut self, now: Duration) -> Option<Step> {
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
}
