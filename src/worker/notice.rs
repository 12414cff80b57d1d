//! What the loop tells whoever watches it: metrics, readiness, the demo's progress. The loop counts nothing itself.

use std::time::Duration;

use crate::assignment::{Position, Stamps};
use crate::engine::{Batch, Holdings};
use crate::event::UnknownFields;
use crate::failure::Failure;
use crate::metrics::Phase;
use crate::reader::Gaps;
use crate::record::{Millis, Offset, Partition};

/// Something that whoever watches a loop may want to know.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// The loop turned: it is alive.
    Ticked,
    /// The group gave partitions to this loop.
    Assigned(&'a [Partition]),
    /// A partition was given to this loop that the topic did not have when the epoch began.
    Added(Partition),
    /// The newest checkpoint of a partition was read.
    Restored {
        /// The partition.
        partition: Partition,
        /// The size of its state.
        bytes: usize,
        /// When it was published.
        published: Millis,
    },
    /// A partition is read.
    Started {
        /// The partition.
        partition: Partition,
        /// The first offset that is not folded yet.
        next: Offset,
        /// Where its log ended then.
        end: Offset,
    },
    /// The store knows less of a partition than was made durable.
    Forgotten(Partition),
    /// The state of a partition does not fit into memory: it is not opened.
    TooLarge(Partition),
    /// A partition must not be read on: it was put aside, and the others go on.
    Refused(Partition),
    /// The group wants partitions back.
    Revoked(&'a [Partition]),
    /// Partitions were lost.
    Lost(&'a [Partition]),
    /// This member was fenced, and lost these partitions; it rejoins by itself.
    Fenced(&'a [Partition]),
    /// A partition is not this loop's any more.
    Released(Partition),
    /// So many partitions were unassigned when the group was last looked at.
    Unassigned(usize),
    /// So many gaps were in what the log handed out since this was said last.
    Gaps(&'a Gaps),
    /// A partition was flushed: what changed, and what its engine holds.
    Flushed {
        /// The partition.
        partition: Partition,
        /// What changed.
        batch: &'a Batch,
        /// What its engine holds.
        holdings: Holdings,
    },
    /// So many fields of events were read by nobody since the last flush.
    UnknownFields(&'a UnknownFields),
    /// An attempt to insert rows ended.
    Inserted(Result<(), &'a Failure>),
    /// The store has acknowledged the rows of a flush for the first time: of records that were written at these times.
    Acknowledged {
        /// The partition.
        partition: Partition,
        /// When its records were written.
        stamps: &'a Stamps,
    },
    /// A partition moved: rows became durable, a checkpoint was published, an offset committed.
    Moved(Position),
    /// A checkpoint of so many bytes was published.
    Published(Partition, usize),
    /// A checkpoint could not be read or published; it will be tried again.
    CheckpointFailed(Partition),
    /// The flow of records was stopped, or resumed.
    Paused(bool),
    /// How far a partition is behind.
    Lagging {
        /// The partition.
        partition: Partition,
        /// How many records lie between what is committed and the end, if that is known.
        lag: Option<u64>,
        /// How many of them cannot be read before a transaction ends.
        hidden: u64,
        /// The first offset that the log still holds, if that is known.
        first: Option<Offset>,
        /// When the last record that was read was written.
        last_record: Option<Millis>,
    },
    /// Time went into something.
    Spent(Phase, Duration),
    /// The operator must act, and the text says how; `None`: the last problem has gone. Not ready meanwhile.
    Problem(Option<&'a str>),
}

/// Watches one loop.
pub trait Observer {
    /// Hears of everything; nobody waits for what it does.
    fn notice(&self, notice: Notice<'_>);
}

/// Two that watch the same loop.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn notice(&self, notice: Notice<'_>) {
        self.0.notice(notice);
        self.1.notice(notice);
    }
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn notice(&self, _notice: Notice<'_>) {}
}
