//! How a partition takes its leave: its rows, its last state and its last offset go before it, in this order.

use std::time::Duration;

use super::{Assignment, Command, Promise, Running, State, release};
use crate::engine::Snapshot;
use crate::record::Offset;

/// How long the last commits of a partition may take: a group that does not answer holds nobody up.
pub(super) const LAST_COMMITS: Duration = Duration::from_secs(5);

/// How a partition takes its leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Farewell {
    /// It is given back by then, whatever is not done: the next owner reads that again.
    pub until: Duration,
    /// How often publishing its last state may fail.
    pub publications: u32,
    /// How often the commit of that state may fail.
    pub commits: u32,
}

/// What a partition had not done when it was given back. The next owner does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// Rows may not be in the store.
    Rows,
    /// The last state is in no checkpoint.
    Checkpoint,
    /// The group has not taken the last offset.
    Commit,
}

impl Assignment {
    /// Whether one that leaves has nothing left to do, or no time.
    pub(super) fn leave(&mut self, now: Duration) -> Option<Command> {
        let State::Leaving(running, farewell) = &mut self.state else { return None };
        let undone = running.undone();
        let done = match undone {
            None => true,
            Some(Undone::Rows) => false,
            Some(Undone::Checkpoint) if farewell.publications > 0 => false,
            Some(Undone::Checkpoint | Undone::Commit) => {
                farewell.until = farewell.until.min(now + LAST_COMMITS);
                farewell.commits == 0 || running.uncommitted().is_none()
            }
        };
        if !done && now < farewell.until {
            return None;
        }
        let command = release(Some(running), undone);
        self.state = State::Gone;
        Some(command)
    }

    /// The last state of one that leaves, if its rows are durable and it is time to publish it. It changes no more, so that
    /// it can be taken again after a failure.
    pub fn last_state(&mut self, now: Duration) -> Option<(Offset, Promise, Snapshot)> {
        if self.last_state_due()? > now {
            return None;
        }
        self.running_mut().map(Running::snapshot)
    }

    /// When that will be.
    #[must_use]
    pub fn last_state_due(&self) -> Option<Duration> {
        let State::Leaving(running, farewell) = &self.state else { return None };
        let wanted = farewell.publications > 0 && running.undone() == Some(Undone::Checkpoint);
        if wanted { running.last_state_due() } else { None }
    }

    /// By when it must be given back.
    #[must_use]
    pub fn leaves_by(&self) -> Option<Duration> {
        if let State::Leaving(_, farewell) = &self.state { Some(farewell.until) } else { None }
    }
}
