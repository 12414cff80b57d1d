//! Steps at the client's face, as trials write them down: what it was told to do, and what it said.
//!
//! Tests hold each against what the model of the client can do (`tests/allowed.rs`).

use serde::{Deserialize, Serialize};

use super::{Answer, ClientError, Command, Item};
use crate::record::{Offset, Partition};

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Traced {
    /// It was told to do something.
    Told(Command),
    /// What it said to that at once.
    Answered(Answer),
    /// What was drained from the queue of a partition.
    Drained(Partition, Vec<Run>),
    /// The group gives partitions to this member.
    Assigned(Vec<Partition>),
    /// The group wants partitions back, or has lost this member.
    Revoked {
        /// Which.
        partitions: Vec<Partition>,
        /// Whether they are lost already.
        lost: bool,
    },
    /// An error of all of it, and its number.
    Failed(ClientError, i32),
    /// The move of this number is over; these of it were refused.
    Moved(u64, Vec<Partition>),
}

/// Items of a batch that lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Run {
    /// A record at every offset from the first to the last.
    Records(Offset, Offset),
    /// An end or an error.
    Other(Item),
}

impl Traced {
    /// A batch of so many items.
    #[must_use]
    pub fn drained(partition: Partition, length: usize, item: impl Fn(usize) -> Item) -> Traced {
        let mut runs: Vec<Run> = Vec::new();
        for next in (0..length).map(item) {
            match (runs.last_mut(), next) {
                (Some(Run::Records(_, last)), Item::Record(offset)) if offset == *last + 1 => *last = offset,
                (_, Item::Record(offset)) => runs.push(Run::Records(offset, offset)),
                (_, other) => runs.push(Run::Other(other)),
            }
        }
        Traced::Drained(partition, runs)
    }

    /// Whether it says nothing: the client was asked for its events, a queue was looked into, a batch was freed.
    #[must_use]
    pub fn is_dull(&self) -> bool {
        match self {
            Traced::Told(Command::Poll | Command::Drain(_) | Command::Drop(_)) => true,
            Traced::Drained(_, runs) => runs.is_empty(),
            Traced::Told(_) | Traced::Answered(_) | Traced::Assigned(_) | Traced::Revoked { .. } => false,
            Traced::Failed(..) | Traced::Moved(..) => false,
        }
    }
}
