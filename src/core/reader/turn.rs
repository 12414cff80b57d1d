//! What comes next: the rest of what is in hand, then the group, then fetchers that stand wrong, then new batches.
//!
//! Keeps: partitions take turns, the client is asked for its events at least once a batch, and nothing is unassigned or
//! assigned but right after that, when the group wants nothing that is known.

use std::time::Duration;

use super::partition::{CutOff, Front, State};
use super::places::RESTART_AFTER;
use super::{Batches, Command, Delivery, Extent, Item, Note, PartitionError, Problem, Reader, Step};
use crate::record::Partition;

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

    /// Asks for a batch of the next partition that is read.
    fn drain(&mut self) -> Option<Step> {
        if self.paused || self.turn.drawn.is_some() || self.turn.drained >= self.readings.len() {
            return None;
        }
        let last = self.turn.last.unwrap_or(Partition(i32::MIN));
        let behind = self.readings.iter().filter(|(partition, _)| **partition > last);
        let mut order = behind.chain(&self.readings).filter(|(_, reading)| reading.state == State::Reading && !reading.held);
        let partition = order.next().map(|(partition, _)| *partition)?;
        self.turn.last = Some(partition);
        self.turn.drained += 1;
        Some(Step::Do(Command::Drain(partition)))
    }
}
