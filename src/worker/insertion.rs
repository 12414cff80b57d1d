//! Rows of one flush on their way to the store: frozen, so that every attempt sends the same.

use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio::time::{Instant, sleep};

use super::held::Running;
use super::{Observer, Sink, SinkError};
use crate::engine::Snapshot;
use crate::record::{Offset, Partition};
use crate::row::Rows;

/// A partition as it was held at some time. A partition that was given back and came again is another tenure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tenure {
    pub(super) partition: Partition,
    pub(super) number: u64,
}

/// The rows of one flush, and what is true once they are durable.
#[derive(Debug, Default)]
pub(super) struct Sealed {
    pub(super) rows: Rows,
    /// How far each partition's rows reach.
    pub(super) covers: Vec<(Tenure, Offset)>,
    /// States taken at this flush, to be published once the rows are durable.
    pub(super) snapshots: Vec<Frozen>,
    /// Attempts that failed.
    pub(super) failures: u32,
}

/// The state of a partition at a flush.
#[derive(Debug)]
pub(super) struct Frozen {
    pub(super) tenure: Tenure,
    pub(super) next: Offset,
    pub(super) state: Snapshot,
}

/// One attempt that ended.
pub(super) struct Attempt {
    pub(super) sealed: Sealed,
    pub(super) took: Duration,
    pub(super) outcome: Result<(), SinkError>,
}

/// Inserts the rows once, after a wait.
pub(super) fn attempt<K: Sink>(sink: &K, sealed: Sealed, wait: Duration) -> LocalBoxFuture<'_, Attempt> {
    async move {
        sleep(wait).await;
        let started = Instant::now();
        let outcome = if sealed.rows.is_empty() { Ok(()) } else { sink.insert(&sealed.rows).await };
        Attempt { sealed, took: started.elapsed(), outcome }
    }
    .boxed_local()
}

/// Adds what changed in one partition.
pub(super) fn seal<O: Observer>(sealed: &mut Sealed, tenure: Tenure, running: &mut Running, observer: &O) -> Offset {
    let batch = running.engine.flush();
    observer.flushed(tenure.partition, &batch, running.engine.holdings());
    observer.unknown_fields(std::mem::take(&mut running.unknown));
    running.flushed = Some(batch.next);
    running.recent.add(&batch.tally);
    sealed.covers.push((tenure, batch.next));
    sealed.rows.append(batch.rows);
    batch.next
}
