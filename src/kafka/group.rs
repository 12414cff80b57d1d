//! The member's part in a rebalance: what is taken in, given back, and put right afterwards.
//!
//! Keeps: the group is answered exactly once per rebalance, and only when nothing of what it takes away is read.

use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer as _;
use tokio::time::Instant;
use tracing::{debug, info};

use crate::record::Partition;
use crate::worker::{Delivery, SourceError};

use super::client::{self, Client};
use super::{KafkaSource, client_offset};

/// How long the client may take to move one fetcher; it is a message to another thread of this process.
const SEEK_DEADLINE: Duration = Duration::from_secs(1);

/// A fetcher that is starting or stopping cannot be moved for a moment. One that still cannot has ended: the client ends
/// it when it asks for an offset beyond the end, as it does when it resumes one too far.
const RESTART_AFTER: Duration = Duration::from_millis(500);

impl KafkaSource {
    /// The group goes on at once; the partitions themselves are added one by one, by `start`.
    pub(super) fn on_assigned(
        &mut self,
        client: &Client,
        partitions: Vec<Partition>,
    ) -> Result<Option<Delivery<'static>>, SourceError> {
        Self::accepted(client, client.incremental_assign(&TopicPartitionList::new()), "accept partitions")?;
        info!(topic = self.topic, ?partitions, "partitions assigned");
        self.owned.extend(&partitions);
        self.distrust_positions();
        // An assignment of nothing is news too: this member is in the group, and spare.
        Ok(Some(Delivery::Assigned(partitions)))
    }

    pub(super) fn on_revoked(
        &mut self,
        client: &Client,
        partitions: Vec<Partition>,
        lost: bool,
    ) -> Result<Option<Delivery<'static>>, SourceError> {
        info!(topic = self.topic, ?partitions, lost, "partitions revoked");
        for reading in self.reading.iter_mut().filter(|reading| partitions.contains(&reading.partition)) {
            reading.stopped = true;
        }
        self.owned.retain(|partition| !partitions.contains(partition));
        self.revoking.get_or_insert_default().extend(&partitions);
        if partitions.is_empty() {
            self.finish_revocation(client)?;
            return Ok(None);
        }
        Ok(Some(if lost { Delivery::Lost(partitions) } else { Delivery::Revoked(partitions) }))
    }

    /// Tells the group that it may give away what was released, once all of it was.
    pub(super) fn finish_revocation(&mut self, client: &Client) -> Result<(), SourceError> {
        if self.revoking.as_ref().is_some_and(|waiting| !waiting.is_empty()) {
            return Ok(());
        }
        Self::accepted(client, client.incremental_unassign(&self.list(&self.releasing)), "give partitions back")?;
        let gone = std::mem::take(&mut self.releasing);
        // What is left of a partition that is still read is handed out: its fetcher has gone on behind it.
        self.batch.take_if(|batch| gone.contains(&batch.partition()));
        self.reading.retain(|reading| {
            let released = gone.contains(&reading.partition);
            if released {
                // What is left is outdated by now: the client frees it while it looks for what is not.
                drop(reading.queue.drain());
            }
            !released
        });
        if self.revoking.take().is_some() {
            self.distrust_positions();
        }
        self.join_again(client)
    }

    /// A rebalance makes the client pause and resume every fetcher, at the position that it believes was read.
    /// That is one too far after an end, and may be too early otherwise: the source's own positions count.
    pub(super) fn distrust_positions(&mut self) {
        for reading in &mut self.reading {
            reading.misplaced = true;
        }
    }

    /// Puts fetchers back to where the source stands; nothing is read of one that cannot be moved yet.
    pub(super) fn correct_positions(&mut self) -> Result<(), SourceError> {
        let Some(client) = &self.consumer else { return Ok(()) };
        let is_revoking = self.revoking.is_some();
        for reading in self.reading.iter_mut().filter(|reading| reading.wants_moving()) {
            let mut place = TopicPartitionList::new();
            let placed = place
                .add_partition_offset(&self.topic, reading.partition.0, client_offset(reading.position))
                .and_then(|()| client.seek_partitions(place.clone(), SEEK_DEADLINE))
                .and_then(|answers| answers.elements().iter().try_for_each(|answer| answer.error()));
            let Err(error) = placed else {
                (reading.misplaced, reading.refused_since) = (false, None);
                continue;
            };
            let refused_since = *reading.refused_since.get_or_insert_with(Instant::now);
            let what = format!("{}/{} at offset {}", self.topic, reading.partition, reading.position);
            // While a revocation waits for its answer, the client would take this for it.
            if !is_revoking && refused_since.elapsed() > RESTART_AFTER {
                info!(topic = self.topic, partition = reading.partition.0, position = reading.position, "fetcher started anew");
                client.incremental_unassign(&place).and_then(|()| client.incremental_assign(&place)).map_err(|error| {
                    SourceError::Operator(format!("could not start {what} anew: {error}; restart the worker"))
                })?;
                (reading.misplaced, reading.refused_since) = (false, None);
                continue;
            }
            debug!("waiting to read on {what}: {error}");
        }
        Ok(())
    }

    /// Hands the client to a thread of its own that leaves the group and destroys it.
    pub(super) fn leave(&mut self) -> Option<tokio::sync::oneshot::Receiver<()>> {
        let client = self.consumer.take()?;
        client.context().close();
        let started: Vec<Partition> = self.reading.iter().map(|reading| reading.partition).collect();
        // Whatever the group waits for is answered; a refusal means that it waits for nothing.
        for answer in [client.incremental_assign(&TopicPartitionList::new()), client.incremental_unassign(&self.list(&started))] {
            if let Err(error) = answer {
                debug!("on leaving the group: {error}");
            }
        }
        self.batch = None;
        self.reading.clear();
        self.owned.clear();
        Some(client::on_thread("kafka-close", move || {
            client.unsubscribe();
            drop(client);
        }))
    }
}
