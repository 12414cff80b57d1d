//! What the reader is told, and what it says: the words between it, its driver and the loop.
//!
//! Holds no state and decides nothing.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::words::{Note, Problem};
use crate::record::{Offset, Partition};

/// One message of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Item {
    /// A record at this offset.
    Record(Offset),
    /// The end of the partition.
    End(Offset),
    /// An error of the partition.
    Error {
        /// The offset that the client had asked for, if it says one.
        at: Option<Offset>,
        /// What it asks for.
        class: PartitionError,
        /// The client's number for it.
        code: i32,
    },
}

/// Where the log of a partition begins and ends, as far as the client has heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The first offset that it still holds.
    pub first: Option<Offset>,
    /// Where what can be read ends: before the first record of the oldest open transaction, if there is one.
    pub end: Option<Offset>,
    /// Where it ends.
    pub written: Option<Offset>,
}

impl Extent {
    /// What was heard later stands.
    pub(super) fn hear(&mut self, later: Extent) {
        self.first = later.first.or(self.first);
        self.end = later.end.or(self.end);
        self.written = later.written.or(self.written);
    }
}

/// How far a partition's reader is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Of which partition.
    pub partition: Partition,
    /// Offsets that can be read and are not handed out yet, if that is known.
    pub unread: Option<u64>,
    /// Once all that can be read is read: offsets behind it, which nobody may read before a transaction ends.
    pub hidden: u64,
    /// The first offset that the log still holds, if that is known.
    pub first: Option<Offset>,
}

/// What an error of one partition asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartitionError {
    /// The client comes back by itself.
    Recovers,
    /// The client has found, or believes, that the log does not hold the place where it reads.
    CutOff,
    /// Anything else.
    Fatal,
}

/// What an error of the whole client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientError {
    /// The client comes back by itself.
    Recovers,
    /// Somebody must act.
    NeedsOperator,
    /// The group has turned this member away for good: the client is of no use any more.
    Fenced,
    /// Any other end of the client.
    Fatal,
    /// A record came through the common queue.
    Astray,
}

/// The batches that the driver holds, at most one a partition.
pub trait Batches {
    /// What is at an index of a partition's batch.
    fn item(&self, partition: Partition, index: usize) -> Item;
    /// What the client says about the error at an index.
    fn text(&self, partition: Partition, index: usize) -> String;
}

/// What the client is to do. Those marked with `!` are answered by [`super::Reader::answered`], at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Work off one event of the client, and tell of it: rebalances, errors, ends.
    Poll,
    /// `!` Accept an assignment: assign nothing, incrementally.
    Accept,
    /// `!` Cut off the partition's queue, then assign it, incrementally.
    Fetch(Partition, Offset),
    /// `!` Unassign these, incrementally (possibly none): the answer to a revocation. Their queues and batches go.
    Unassign(Vec<Partition>),
    /// `!` Unassign it, throw away what is in its queue, and assign it again there.
    Refetch(Partition, Offset),
    /// Take what is in its queue for its batch; [`super::Reader::drained`] says how much that was.
    Drain(Partition),
    /// Free its batch.
    Drop(Partition),
    /// One seek for all of these, on another thread; [`super::Reader::moved`] says which were refused, all if it failed.
    Move {
        /// To be told with the answer.
        number: u64,
        /// Where to.
        places: Vec<(Partition, Offset)>,
    },
    /// `!` Subscribe to the topic.
    Subscribe,
    /// Unsubscribe: everything will be revoked.
    Unsubscribe,
    /// `!` Make a new client and let it subscribe; refused, it is told again after a wait.
    NewClient,
    /// Give up the client: unassign these, unsubscribe, destroy it on another thread; free all batches and queues.
    Leave(Vec<Partition>),
    /// Look at the group on another thread; [`super::Reader::group_seen`] says what it gives to whom.
    AskGroup,
}

/// What is handed to the loop. Their order is the order in which they happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Partitions were given to this member; nothing is read from them until [`super::Reader::start`].
    Assigned(Vec<Partition>),
    /// The records at these indices of the partition's batch.
    Records(Partition, Range<usize>),
    /// Everything below this offset has been handed out and it is the end of the partition now.
    End(Partition, Offset),
    /// The log may not be the one it was: reading stops until the partition is started again at the last record read.
    Doubted(Partition),
    /// Partitions must be given back: flush, then [`super::Reader::release`].
    Revoked(Vec<Partition>),
    /// Partitions were lost: another member may own them already.
    Lost(Vec<Partition>),
    /// The group has turned this member away, or it took too long to leave for another client: what it had is lost; it comes back by itself.
    Fenced(Vec<Partition>),
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// By the client.
    Do(Command),
    /// By the loop.
    Tell(Delivery),
    /// By the loop, if it can.
    Fail(Problem),
    /// By whoever reads logs.
    Note(Note),
    /// Nothing.
    Idle,
}

/// The client's answer to a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It did it.
    Done,
    /// It refused, because its group has turned it away: it will say so by itself.
    Fenced,
    /// It refused, and says why.
    Refused(String),
}

/// How many gaps there were between what was handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// They were filled when they were asked for again: a defect of the client's, or of the reader's.
    pub filled: u64,
    /// They were the same when they were asked for again: control records, aborted transactions.
    pub confirmed: u64,
    /// Believed without asking, because one was asked for within the last second.
    pub unasked: u64,
    /// Offsets in the last two kinds.
    pub offsets: u64,
}

impl Command {
    /// Whether the client says at once whether it did it.
    pub(super) fn is_answered(&self) -> bool {
        match self {
            Command::Accept | Command::Fetch(..) | Command::Unassign(_) | Command::Refetch(..) => true,
            Command::Subscribe | Command::NewClient => true,
            Command::Poll | Command::Drain(_) | Command::Drop(_) | Command::Move { .. } => false,
            Command::Unsubscribe | Command::Leave(_) | Command::AskGroup => false,
        }
    }

    /// What was not done when it was refused.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Command::Accept => "accept partitions",
            Command::Fetch(..) => "start a partition",
            Command::Unassign(_) => "give partitions back",
            Command::Refetch(..) => "start a partition anew",
            Command::Subscribe => "join the group again",
            Command::Poll | Command::Drain(_) | Command::Drop(_) | Command::Move { .. } | Command::NewClient => "read",
            Command::Unsubscribe | Command::Leave(_) | Command::AskGroup => "leave the group",
        }
    }
}
