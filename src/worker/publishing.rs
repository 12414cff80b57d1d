//! What is on its way, and how an attempt ends. A state is published here, under a deadline of its own.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::opening::Answer;
use super::patience::Patience;
use super::{Appended, Checkpoints};
use crate::assignment::{AssignmentId, Bounds, Promise, Publication, Stamps};
use crate::engine::Snapshot;
use crate::failure::Failure;
use crate::record::Offset;
use crate::row::Rows;

/// Snapshots may hold about so much, those under way included; other partitions wait for one of them to be published.
/// One is always taken, however large.
pub(super) const SNAPSHOT_KIB: u32 = 64 << 10;

/// What writing or reading a state may take: so long, and a second more for so many bytes. A store that hangs must not keep
/// others from it for ever.
const STATE_DEADLINE: Duration = Duration::from_secs(60);
const BYTES_A_SECOND: u64 = 4 << 20;

/// Something that was under way has ended.
pub(super) enum Outcome {
    /// An attempt to insert.
    Inserted(Box<FlushBatch>, Result<(), Failure>),
    /// An attempt to append its rows of `progress`.
    Appended(Box<FlushBatch>, Result<Appended, Failure>),
    /// The stores and the log were asked about a partition.
    Answered(Box<Answer>),
    /// A state was published, or not.
    Published(AssignmentId, Publication, Result<(), Failure>),
    /// Offsets were committed, or not.
    Committed(Vec<(AssignmentId, Offset)>, Result<(), Failure>),
    /// The bounds of a log that is doubted.
    Compared(AssignmentId, Result<Bounds, Failure>),
}

/// A partition in a flush.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cover {
    pub(super) id: AssignmentId,
    /// How far its rows reach.
    pub(super) next: Offset,
    /// Whether the tables show that they are whole before its `progress` is appended.
    pub(super) whole: bool,
}

/// The rows of one flush, and what is true once they are durable.
#[derive(Debug, Default)]
pub(super) struct FlushBatch {
    /// Which of the loop's flushes.
    pub(super) number: u64,
    /// What is being sent.
    pub(super) rows: Rows,
    /// What is sent after it, the last first.
    pub(super) later: Vec<Rows>,
    /// What was sent before it, kept until all of it is settled.
    pub(super) sent: Vec<Rows>,
    /// How far each partition's rows reach.
    pub(super) covers: Vec<Cover>,
    /// When the records of each were written; nothing of those whose `progress` is not appended.
    pub(super) stamps: Vec<Option<Stamps>>,
    /// States taken at this flush, to be published once the rows are durable.
    pub(super) checkpoints: Vec<PendingCheckpoint>,
    /// Attempts that failed, and how many of them for what was sent.
    pub(super) failures: u32,
    pub(super) refusals: u32,
    /// How long what nobody knows is taken to pass.
    pub(super) patience: Patience,
    /// The one partition of which it is, if it is a part of one that was refused.
    pub(super) apart: Option<AssignmentId>,
    /// Where its first rows were sent to.
    pub(super) place: usize,
    /// Of which sources its rows are, and up to where.
    pub(super) of: String,
}

impl FlushBatch {
    /// Its rows are complete. What posts say leaves first: no other row is to stand in the store without it. `progress`, which
    /// says that all others are there, leaves last.
    pub(super) fn seal(&mut self) {
        let roots = std::mem::take(&mut self.rows.roots);
        let progress = std::mem::take(&mut self.rows.progress);
        self.of = super::of(progress.iter());
        let most = std::mem::replace(&mut self.rows, Rows { roots, ..Rows::default() });
        self.later = vec![Rows { progress, ..Rows::default() }, most];
    }

    /// What was sent is there, and the next is to be sent. Says whether that is `progress`.
    pub(super) fn advance(&mut self) -> bool {
        let next = self.later.pop().unwrap_or_default();
        self.sent.push(std::mem::replace(&mut self.rows, next));
        self.later.is_empty()
    }

    /// Everything is sent again.
    pub(super) fn begin_again(&mut self) {
        while let Some(before) = self.sent.pop() {
            self.later.push(std::mem::replace(&mut self.rows, before));
        }
    }
}

/// The state of a partition, to be published.
#[derive(Debug)]
pub(super) struct PendingCheckpoint {
    pub(super) id: AssignmentId,
    pub(super) next: Offset,
    pub(super) promise: Promise,
    pub(super) state: Snapshot,
    /// Room for its bytes, until the last of them is away; a first checkpoint has that of its opening.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// Room for states of so many KiB.
pub(super) fn room(kib: u32) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(usize::try_from(kib).unwrap_or(usize::MAX)))
}

/// How much room a state of so many bytes takes; one that is too large takes all there is.
pub(super) fn kib(bytes: u64, most: u32) -> u32 {
    u32::try_from(bytes >> 10).unwrap_or(u32::MAX).clamp(1, most.max(1))
}

/// Publishes a state once, under its deadline.
pub(super) fn publish<'a, C: Checkpoints>(
    checkpoints: &'a C,
    source: Arc<str>,
    pending: PendingCheckpoint,
) -> LocalBoxFuture<'a, Outcome> {
    async move {
        let PendingCheckpoint { id, next, promise, state, room } = pending;
        let (started, bytes) = (Instant::now(), state.size());
        let outcome = in_time(bytes as u64, checkpoints.publish(&source, next, promise, state)).await;
        drop(room);
        Outcome::Published(id, Publication { next, bytes, took: started.elapsed() }, outcome)
    }
    .boxed_local()
}

/// What the checkpoint store answers about a state of so many bytes, if it does in time.
pub(super) async fn in_time<T>(bytes: u64, asked: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let limit = STATE_DEADLINE.saturating_add(Duration::from_secs(bytes / BYTES_A_SECOND));
    let hung = |_| Err(Failure::Transient(format!("the checkpoint store gave no answer within {limit:?}")));
    timeout(limit, asked).await.unwrap_or_else(hung)
}
