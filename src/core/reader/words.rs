//! What is said about the log: each problem with its cure, and what only a log line tells.
//!
//! The only file of the reader with sentences in it; decides nothing.

use std::time::Duration;

use super::coverage::Seen;
use crate::failure::Failure;
use crate::record::{Offset, Partition};

/// Why the log cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// An error of one partition from which the client comes back by itself.
    Stumbled {
        /// Of which partition.
        partition: Partition,
        /// The first offset that was not handed out.
        position: Offset,
        /// What the client says.
        text: String,
    },
    /// An error of the whole client that waiting repairs.
    Waiting(String),
    /// A partition that is not this member's cannot be started.
    TakenAway(Partition),
    /// The group has turned this member away for now.
    Away,
    /// The reader is closed.
    Closed,
    /// The log does not hold the place where it should be read on.
    CutOff {
        /// Of which partition.
        partition: Partition,
        /// The first offset that was not handed out.
        position: Offset,
        /// What the client says.
        text: String,
    },
    /// A partition cannot be read on.
    Unreadable {
        /// Of which partition.
        partition: Partition,
        /// The first offset that was not handed out.
        position: Offset,
        /// What the client says.
        text: String,
    },
    /// The client cannot go on.
    GaveUp(String),
    /// The client needs the operator: rights, names, settings.
    NeedsOperator(String),
    /// The client handed out something in a way that it must not.
    Astray,
    /// Another topic has the topic's name.
    AnotherTopic,
    /// The client refused to do what it must do.
    Refused {
        /// What that was.
        what: &'static str,
        /// What it says.
        text: String,
    },
}

impl Problem {
    /// Whether it passes by itself.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Problem::Stumbled { .. } | Problem::Waiting(_) | Problem::TakenAway(_) | Problem::Away)
    }

    /// What the loop is told.
    #[must_use]
    pub fn failure(&self, topic: &str) -> Failure {
        let text = self.text(topic);
        if self.is_transient() { Failure::Transient(text) } else { Failure::Operator(text) }
    }

    /// What to tell the operator.
    fn text(&self, topic: &str) -> String {
        match self {
            Problem::Stumbled { partition, position, text } | Problem::Unreadable { partition, position, text } => {
                format!("could not read {topic}/{partition} at offset {position}: {text}")
            }
            Problem::Waiting(text) => format!("waiting for topic {topic}: {text}"),
            Problem::TakenAway(partition) => format!("{topic}/{partition} was revoked before it was started"),
            Problem::Away => "fenced by the group; rejoining".to_owned(),
            Problem::Closed => "the Kafka consumer is closed".to_owned(),
            Problem::CutOff { partition, position, text } => format!(
                "the log does not hold {topic}/{partition} at offset {position} ({text}): records are gone, or the topic was created \
                 again. If the topic was created again, give it another name in `worker.log`; if records are gone, raise `epoch`, \
                 which reads again all that the log still holds into rows of its own"
            ),
            Problem::GaveUp(text) => format!("the Kafka client gave up for good: {text}; restart the worker"),
            Problem::NeedsOperator(text) => format!("could not read topic {topic}: {text}"),
            Problem::Astray => {
                format!("the Kafka client handed out a record of {topic} outside its partition's queue; restart the worker")
            }
            Problem::AnotherTopic => format!(
                "topic id of {topic} changed: the topic was deleted and recreated under this worker, or other brokers answer for it \
                 now. If it was created again, give the new log another name in `worker.log`; what was read of it in the \
                 last second may stand in rows of the old one. If it is a copy of the same log, start the worker again: it \
                 compares the last record that its checkpoints know"
            ),
            Problem::Refused { what, text } => format!("could not {what}: {text}; restart the worker"),
        }
    }
}

/// What is worth a log line and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Partitions were assigned.
    Assigned(Vec<Partition>),
    /// Partitions were revoked.
    Revoked {
        /// Which.
        partitions: Vec<Partition>,
        /// Whether another member may own them already.
        lost: bool,
    },
    /// A fetcher that had ended was started anew.
    Refetched(Partition, Offset),
    /// The client had skipped records, which came when they were asked for again.
    Filled {
        /// Of which partition.
        partition: Partition,
        /// The first offset that was not handed out.
        position: Offset,
    },
    /// The client believes that the log does not hold a place.
    LogDoubted {
        /// Of which partition.
        partition: Partition,
        /// The first offset that was not handed out.
        position: Offset,
        /// What the client says.
        text: String,
    },
    /// This member was fenced.
    Fenced {
        /// How long it stays away.
        wait: Duration,
        /// What the client says.
        text: String,
    },
    /// There is no client: certificates, passwords or the system do not allow one now.
    NoClient {
        /// How long this member waits before it tries again.
        wait: Duration,
        /// What the client says.
        text: String,
    },
    /// This member has left, and comes back with other certificates or another password.
    Renewing,
    /// This member comes back.
    JoiningAgain,
    /// A stable group has unassigned partitions.
    Uncovered {
        /// What was seen.
        seen: Seen,
        /// For how long.
        since: Duration,
    },
    /// What was said a moment ago.
    Again(Problem),
}

/// How much a note matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// The operator should look at it.
    Warning,
    /// It changes what this member does.
    News,
    /// Only for whoever looks for something.
    Detail,
}

impl Note {
    /// How much it matters.
    #[must_use]
    pub fn weight(&self) -> Weight {
        match self {
            Note::Filled { .. }
            | Note::LogDoubted { .. }
            | Note::Fenced { .. }
            | Note::NoClient { .. }
            | Note::Uncovered { .. } => Weight::Warning,
            Note::Assigned(_) | Note::Revoked { .. } | Note::Refetched(..) | Note::Renewing | Note::JoiningAgain => Weight::News,
            // A client that cannot connect says it many times a second.
            Note::Again(_) => Weight::Detail,
        }
    }

    /// What to write.
    #[must_use]
    pub fn text(&self, topic: &str) -> String {
        match self {
            Note::Assigned(partitions) => format!("partitions of {topic} assigned: {partitions:?}"),
            Note::Revoked { partitions, lost } => format!("partitions revoked of {topic}: {partitions:?}, lost: {lost}"),
            Note::Refetched(partition, position) => format!("fetcher of {topic}/{partition} started anew at offset {position}"),
            Note::Filled { partition, position } => format!(
                "the Kafka client had skipped records of {topic}/{partition} from offset {position} on; asked for again, they came: \
                 please report this"
            ),
            Note::LogDoubted { partition, position, text } => format!(
                "the client believes that the log does not hold {topic}/{partition} at offset {position} ({text}): comparing the \
                 last record that was read"
            ),
            Note::Fenced { wait, text } => format!(
                "fenced: another member uses this group.instance.id or took its place ({text}); rejoining in {wait:?}. If this is said \
                 again and again, two workers have the same `kafka.group_instance_id`: give each its own"
            ),
            Note::NoClient { wait, text } => format!(
                "no Kafka client can be made ({text}), so nothing of {topic} is read; trying again in {wait:?}. If this is said again and \
                 again, look at the files of the keys kafka.ssl_*"
            ),
            Note::Renewing => format!("rejoining the group of {topic} with renewed certificates or passwords"),
            Note::JoiningAgain => format!("rejoining the group of {topic}"),
            Note::Uncovered { seen, since } => format!(
                "stable group has unassigned partitions; rejoining to force a rebalance ({topic} has {} partitions, assigned are {:?}, for \
                 {since:?})",
                seen.partitions, seen.given
            ),
            Note::Again(problem) => problem.text(topic),
        }
    }
}
