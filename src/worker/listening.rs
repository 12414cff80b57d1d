//! Waits for whatever is ready first, and folds the records of a delivery at once.

use std::collections::BTreeMap;
use std::future::pending;
use std::time::Duration;

use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use super::held::{Held, Running};
use super::insertion::Attempt;
use super::opening::{Answer, Compared};
use super::publishing::{Committed, Published};
use super::refusal::Unrecognised;
use super::{Delivery, Source, SourceError};
use crate::event;
use crate::record::{Partition, Record};

/// What is ready first.
pub(super) enum Step {
    Shutdown,
    Attempted(Box<Attempt>),
    Answered(Answer),
    Published(Published),
    Committed(Committed),
    Compared(Compared),
    Due,
    /// A delivery, and how long its records took to fold.
    Happened(Happened, Duration),
    Failed(SourceError),
}

/// A delivery, after its records were folded.
pub(super) enum Happened {
    /// Records were folded, or an end was noted.
    Folded,
    /// Nothing came.
    Idle,
    Assigned(Vec<Partition>),
    Revoked(Vec<Partition>),
    Lost(Vec<Partition>),
    Fenced(Vec<Partition>),
    /// The log may not be the one it was: the record that was read last is to be read again.
    Doubted(Partition),
    /// The log does not show the record that was read last: it is not the log it was.
    Unrecognised(Partition, Unrecognised),
}

/// Waits for the next delivery and folds its records at once: they are borrowed from the log's buffers.
pub(super) async fn listen<S: Source>(source: &mut S, held: &mut BTreeMap<Partition, Held>, not_before: Option<Instant>) -> Step {
    if let Some(instant) = not_before {
        sleep_until(instant).await;
    }
    match source.next().await {
        Ok(delivery) => {
            let started = Instant::now();
            let happened = fold(held, delivery);
            Step::Happened(happened, started.elapsed())
        }
        Err(error) => Step::Failed(error),
    }
}

fn fold(held: &mut BTreeMap<Partition, Held>, delivery: Delivery<'_>) -> Happened {
    match delivery {
        Delivery::Assigned(partitions) => return Happened::Assigned(partitions),
        Delivery::Revoked(partitions) => return Happened::Revoked(partitions),
        Delivery::Lost(partitions) => return Happened::Lost(partitions),
        Delivery::Fenced(partitions) => return Happened::Fenced(partitions),
        Delivery::Doubted(partition) => return Happened::Doubted(partition),
        Delivery::Idle => return Happened::Idle,
        Delivery::Records(partition, records) => {
            if let Some(running) = held.get_mut(&partition).and_then(Held::running) {
                if let Some(problem) = recognise(running, records.first()) {
                    return Happened::Unrecognised(partition, problem);
                }
                for record in &records {
                    let event = event::parse_noting(record, &mut running.unknown);
                    running.engine.observe(record, event);
                }
            }
        }
        Delivery::End(partition, end) => {
            if let Some(running) = held.get_mut(&partition).and_then(Held::running) {
                // A broker that has just begun to lead may not know its end yet.
                if running.unrecognised && running.engine.last_record().is_some_and(|last| end <= last.offset) {
                    return Happened::Folded;
                }
                if let Some(problem) = recognise(running, None) {
                    return Happened::Unrecognised(partition, problem);
                }
                running.engine.advance(end);
                running.behind = false;
            }
        }
    }
    Happened::Folded
}

/// Reading starts at the last record read before, so that very record must come first; it is folded already, and the
/// engine ignores it. It was committed when it was read: only compaction, or another log, can have taken it away.
fn recognise(running: &mut Running, first: Option<&Record<'_>>) -> Option<Unrecognised> {
    if !std::mem::take(&mut running.unrecognised) {
        return None;
    }
    let last = running.engine.last_record()?;
    let Some(first) = first.filter(|first| first.offset == last.offset) else { return Some(Unrecognised::Nothing) };
    (!running.engine.recognises(first)).then_some(Unrecognised::Another)
}

pub(super) fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

pub(super) async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}

/// The end of what is under way, which stays where it is if this is dropped.
pub(super) async fn ended<T>(under_way: &mut Option<LocalBoxFuture<'_, T>>) -> T {
    match under_way {
        Some(future) => future.await,
        None => pending().await,
    }
}

pub(super) async fn first_of<F: Future>(futures: &mut FuturesUnordered<F>) -> F::Output {
    match futures.next().await {
        Some(output) => output,
        None => pending().await,
    }
}
