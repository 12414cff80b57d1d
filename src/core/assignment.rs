//! A partition's life from the moment that the group gives it to a loop until it is given back.
//!
//! ```text
//! Opening ─► Starting ─► Running ─► Leaving ─► Gone
//!    │ ▲         ▲          │                   ▲
//!    ▼ │         │          ▼                   │
//! FirstCheckpoint┘       Refused ───────────────┘
//! ```
//!
//! One function from a state and what happened to the next state and what is to be done about it (`change.rs`). It waits for nothing
//! and knows no log and no store: the loop hands every answer in, and carries the commands out.
//!
//! Keeps, for each partition: a state is published only when its rows are durable, an offset committed only when its state
//! is published, nothing folded from a log that has not shown to be the one it was.

use std::sync::Arc;
use std::time::Duration;

use crate::backoff::Backoff;
use crate::engine::{Engine, Rules, Snapshot};
use crate::failure::Failure;
use crate::record::{Offset, Partition, Record};

mod change;
mod judgement;
mod leaving;
mod memory;
mod promise;
mod reading;
mod refusal;
mod stamps;

pub(crate) use judgement::restored;
pub use judgement::{Bounds, Found, StoredState};
pub use leaving::{Farewell, Undone};
pub use memory::Memory;
pub use promise::{Broken, Known, Promise, StoreId, written};
pub use reading::{Garbage, Position, Running};
pub use refusal::{another_store, forgotten, refused};
pub use stamps::Stamps;

use change::refuse;

/// One assignment of a partition, since the stores were asked about it last: answers to what was asked before, or of an
/// assignment before, are none to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AssignmentId {
    /// The partition.
    pub partition: Partition,
    /// Counted by the loop, question by question.
    pub number: u64,
}

/// What all assignments of a loop are told.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What rows depend on.
    pub rules: Rules,
    /// Whoever has more than so many records left to read is catching up.
    pub batch: u64,
    /// How often a partition publishes its state.
    pub checkpoint_interval: Duration,
    /// First and greatest wait between two attempts to publish.
    pub backoff: Backoff,
    /// When a partition holds so much that is no event that its topic must be a wrong one.
    pub garbage: Garbage,
    /// Where jitter comes from.
    pub seed: u64,
}

/// What happened to a partition.
#[derive(Debug)]
pub enum Event {
    /// The stores and the log have said what they know of it; and what the store must know from here on.
    Answered(Found, Promise, Bounds),
    /// One of them has not.
    NotAnswered,
    /// The log is read from where [`Command::Start`] said.
    Started,
    /// It is not.
    NotStarted,
    /// Its log may not be the one it was; said again until it is read from another place.
    Doubted,
    /// Where its doubted log begins and ends.
    Compared(Bounds),
    /// Nobody could say.
    NotCompared,
    /// All rows below this offset are in the store.
    Durable {
        /// The offset.
        next: Offset,
        /// Whether the tables have shown by then that they are whole.
        whole: bool,
    },
    /// The same, of an assignment before this one: what the store said when it was asked may not have it yet.
    DurableLate {
        /// The offset.
        next: Offset,
        /// Whether the tables have shown by then that they are whole.
        whole: bool,
    },
    /// Its rows are refused, or may be, and sent alone: it is not read and sends no more; or they were settled.
    Held(bool),
    /// The store knows less than it was said to know.
    Forgotten,
    /// Its state was published, or not.
    Published(Publication, Result<(), Failure>),
    /// The group has taken this offset.
    Committed(Offset),
    /// The group has not taken this offset.
    NotCommitted(Offset),
    /// The group has taken an offset of an assignment before this one, which may have set it back.
    CommittedLate,
    /// It is to be given back.
    Revoked(Farewell),
    /// It may have another owner already.
    Lost,
    /// Time went by.
    Tick,
}

/// A state that was to be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Where it continues.
    pub next: Offset,
    /// About, before compression.
    pub bytes: usize,
    /// How long it took.
    pub took: Duration,
}

/// What is to be done for a partition.
#[derive(Debug)]
pub enum Command {
    /// Ask the stores and the log what they know of it, after the wait that belongs to so many failures.
    Ask(u32),
    /// Publish this state before anything is read.
    PublishFirst(Offset, Promise, Box<Snapshot>),
    /// Read the log from this offset on.
    Start(Offset),
    /// Read the log once more from this offset on, to see whether it is the one it was.
    StartAgain(Offset),
    /// Stop the flow of its records, or let it go on.
    Hold(bool),
    /// Ask where its log begins and ends.
    Compare,
    /// Put it aside, and say why.
    PutAside(String),
    /// Give it back.
    Release {
        /// What was not done in time.
        undone: Option<Undone>,
        /// Where its newest checkpoint continues, if more was read than that.
        unpublished: Option<Offset>,
    },
}

/// One partition, as long as it is this loop's.
#[derive(Debug)]
pub struct Assignment {
    /// Which assignment this is.
    pub id: AssignmentId,
    /// The name of its source.
    pub source: Arc<str>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The stores and the log are being asked, after so many failures; and what was said to be durable since.
    Opening { failures: u32, heard: Promise },
    /// Its first checkpoint is being published before any row: nobody knows it, or its limits have changed.
    FirstCheckpoint { engine: Box<Engine>, promise: Promise, bounds: Bounds, failures: u32 },
    /// The log is being asked to hand out its records.
    Starting(Box<Running>),
    /// It is read.
    Running(Box<Running>),
    /// It is not read any more; what it holds is being written, published and committed.
    Leaving(Box<Running>, Farewell),
    /// It must not be read on, and why. It waits for the operator, who starts the worker again.
    Refused(String),
    /// It was given back.
    Gone,
}

impl Assignment {
    /// A partition that was just given to this loop, and the first thing to do about it.
    #[must_use]
    pub fn new(id: AssignmentId, source: Arc<str>) -> (Assignment, Command) {
        (Assignment { id, source, state: State::opening(0) }, Command::Ask(0))
    }

    /// Something happened. What does not belong to the state is no news: an answer that came too late, a word said twice.
    pub fn on(&mut self, now: Duration, event: Event, terms: &Terms) -> Vec<Command> {
        let command = self.change(now, event, terms);
        command.into_iter().chain(self.leave(now)).collect()
    }

    /// Folds records, in order. Whoever does not read drops them: they are read again by whoever does.
    pub fn fold(&mut self, records: &[Record<'_>]) -> Option<Command> {
        let State::Running(running) = &mut self.state else { return None };
        let why = running.fold(&self.source, records).err()?;
        self.put_aside(why)
    }

    /// Everything below `end` was handed out, and it is the end of the log now.
    pub fn end(&mut self, end: Offset) -> Option<Command> {
        let State::Running(running) = &mut self.state else { return None };
        let why = running.end(&self.source, end).err()?;
        self.put_aside(why)
    }

    /// Too much of what was read lately is no event: says why it must not be read on. One that leaves is not judged.
    pub fn garbage(&mut self, bound: Garbage) -> Option<Command> {
        let State::Running(running) = &mut self.state else { return None };
        let why = running.garbage(self.id.partition, bound)?;
        self.put_aside(why)
    }

    fn put_aside(&mut self, why: String) -> Option<Command> {
        let command;
        (self.state, command) = refuse(why);
        command
    }

    /// What it holds, if it is read, or was until it had to leave.
    #[must_use]
    pub fn running(&self) -> Option<&Running> {
        self.state.running()
    }

    /// The same, to be flushed.
    pub fn running_mut(&mut self) -> Option<&mut Running> {
        let (State::Running(running) | State::Leaving(running, _)) = &mut self.state else { return None };
        Some(running)
    }

    /// When its rows should leave, given when those of the others do: by time, or, while there is much to read, by size. One
    /// that has nothing to say shows now and then that it is read.
    #[must_use]
    pub fn rows_due(&self, at: Duration, by: Duration) -> Option<Duration> {
        let leaves = self.leaves_by().is_some();
        match self.running()? {
            running if running.is_held() => None,
            running if leaves && (running.has_moved() || running.is_unasked()) => Some(Duration::ZERO),
            running if running.has_moved() && running.is_behind() => Some(by),
            running if running.has_moved() => Some(at),
            running => (!leaves).then(|| running.sign_of_life_due()),
        }
    }

    /// Whether the tables must show that they are whole before `progress` is appended, although no state is taken now: nothing was
    /// written yet, the last state is taken later, and one that is at rest takes none.
    #[must_use]
    pub fn asks_whether_all_is_there(&self) -> bool {
        self.leaves_by().is_some()
            || self.running().is_some_and(|running| !running.has_moved() || running.promise().progress.is_none())
    }

    /// When its state should be taken along with its rows; `None` while one is under way or when it would say nothing new.
    #[must_use]
    pub fn checkpoint_due(&self) -> Option<Duration> {
        if let State::Running(running) = &self.state { running.checkpoint_due() } else { None }
    }

    /// Why it was put aside.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        if let State::Refused(why) = &self.state { Some(why) } else { None }
    }
}

impl State {
    fn opening(failures: u32) -> State {
        State::Opening { failures, heard: Promise::default() }
    }

    fn running(&self) -> Option<&Running> {
        if let State::Running(running) | State::Leaving(running, _) = self { Some(running) } else { None }
    }
}

fn release(running: Option<&Running>, undone: Option<Undone>) -> Command {
    Command::Release { undone, unpublished: running.and_then(Running::unpublished) }
}

#[cfg(test)]
mod tests;
