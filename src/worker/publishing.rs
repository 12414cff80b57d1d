//! Rows, states and offsets on their way: each attempt runs by itself and ends as an outcome.
//!
//! An insert sends the same rows at every attempt; a publication and a commit have deadlines of their own.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use super::opening::Answer;
use super::{Append, Appended, Checkpoints, Sink};
use crate::assignment::{AssignmentId, Bounds, Promise, Publication};
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
    /// States taken at this flush, to be published once the rows are durable.
    pub(super) checkpoints: Vec<PendingCheckpoint>,
    /// Attempts that failed.
    pub(super) failures: u32,
    /// Where its first rows were sent to.
    pub(super) place: usize,
}

impl FlushBatch {
    /// Its rows are complete. What posts say leaves first: no other row is to stand in the store without it. `progress`, which
    /// says that all others are there, leaves last.
    pub(super) fn seal(&mut self) {
        let roots = std::mem::take(&mut self.rows.roots);
        let progress = std::mem::take(&mut self.rows.progress);
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

/// Room for a snapshot of this size, if there is any.
pub(super) fn room_for(snapshots: &Arc<Semaphore>, bytes: usize) -> Option<OwnedSemaphorePermit> {
    let free = u32::try_from(snapshots.available_permits()).unwrap_or(u32::MAX);
    Arc::clone(snapshots).try_acquire_many_owned(kib(bytes as u64, free)).ok()
}

/// Inserts the rows once, after a wait.
pub(super) fn insert<K: Sink>(sink: &K, mut batch: Box<FlushBatch>, wait: Duration) -> LocalBoxFuture<'_, Outcome> {
    async move {
        sleep(wait).await;
        if batch.sent.is_empty() {
            batch.place = sink.place();
        }
        let outcome = if batch.rows.is_empty() { Ok(()) } else { sink.insert(&batch.rows).await };
        Outcome::Inserted(batch, outcome)
    }
    .boxed_local()
}

/// Appends rows of `progress` once, after a wait.
pub(super) fn append<K: Sink>(
    sink: &K,
    batch: Box<FlushBatch>,
    rows: Vec<Append>,
    wait: Duration,
) -> LocalBoxFuture<'_, Outcome> {
    async move {
        sleep(wait).await;
        let outcome = if rows.is_empty() { Ok(Appended::Done) } else { sink.append(&rows).await };
        // Looked at afterwards: no state is published before this, and whatever was appended meanwhile is made good.
        let stayed = sink.place() == batch.place;
        Outcome::Appended(batch, if stayed { outcome } else { outcome.and_then(elsewhere) })
    }
    .boxed_local()
}

/// What was appended to a store that may not be where the rows are is not done.
fn elsewhere(appended: Appended) -> Result<Appended, Failure> {
    match appended {
        Appended::Done => {
            Err(Failure::Transient("the store is asked at another address now: the rows are sent there, too".to_owned()))
        }
        broken @ Appended::Broken(_) => Ok(broken),
    }
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::worker::Known;

    /// A store that is asked elsewhere from some attempt on.
    struct Moving {
        place: Cell<usize>,
        moves_at_append: bool,
        appended: Appended,
    }

    impl Sink for Moving {
        async fn insert(&self, _rows: &Rows) -> Result<(), Failure> {
            Ok(())
        }

        async fn append(&self, _rows: &[Append]) -> Result<Appended, Failure> {
            self.place.set(self.place.get() + usize::from(self.moves_at_append));
            Ok(self.appended.clone())
        }

        async fn known(&self, _source: &str) -> Result<Known, Failure> {
            Err(Failure::Transient("nobody asks".to_owned()))
        }

        async fn newest_version(&self, _source: &str) -> Result<Option<Offset>, Failure> {
            Ok(None)
        }

        fn place(&self) -> usize {
            self.place.get()
        }
    }

    /// What becomes of `progress`, if the store is asked elsewhere once rows were sent, or while it is appended.
    async fn appended(between: usize, moves_at_append: bool, appended: Appended) -> Result<Appended, Failure> {
        let sink = Moving { place: Cell::new(7), moves_at_append, appended };
        let outcome = insert(&sink, Box::default(), Duration::ZERO).await;
        let Outcome::Inserted(mut batch, Ok(())) = outcome else { panic!("it inserts") };
        batch.sent.push(Rows::default());
        sink.place.set(sink.place.get() + between);
        // The second part of its rows.
        let Outcome::Inserted(batch, Ok(())) = insert(&sink, batch, Duration::ZERO).await else { panic!("it inserts") };
        let row = Append { progress: crate::row::Progress::default(), promise: Promise::default(), whole: false };
        let Outcome::Appended(_, outcome) = append(&sink, batch, vec![row], Duration::ZERO).await else { panic!("it appends") };
        outcome
    }

    #[tokio::test]
    async fn progress_is_not_done_where_the_rows_may_not_be() {
        let broken = Appended::Broken(vec!["t/0".into()]);
        assert_eq!(appended(0, false, Appended::Done).await, Ok(Appended::Done));
        for (between, at_append) in [(1, false), (0, true)] {
            assert!(matches!(appended(between, at_append, Appended::Done).await, Err(Failure::Transient(_))));
            assert_eq!(appended(between, at_append, broken.clone()).await, Ok(broken.clone()), "another store is named");
        }
    }
}
