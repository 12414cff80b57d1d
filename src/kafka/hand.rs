//! What is in hand: the queue of each partition that is read, and the batch that was drained from it last.
//!
//! Decides nothing: the reader says what is drained, handed out and freed.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::sync::Arc;

use rdkafka::error::{KafkaError, KafkaResult};

use super::client::Client;
use super::queue::{Batch, PartitionQueue};
use crate::reader::{self, Batches, Item};
use crate::record::Partition;
use crate::worker::Delivery;

/// Queues and batches by partition.
#[derive(Default)]
pub(super) struct Hand(BTreeMap<Partition, Held>);

struct Held {
    batch: Option<Batch>,
    queue: PartitionQueue,
}

impl Hand {
    /// Cuts a partition's queue off from the common one.
    pub(super) fn open(&mut self, client: &Arc<Client>, topic: &str, partition: Partition) -> KafkaResult<()> {
        let name = CString::new(topic)?;
        let queue = PartitionQueue::open(client, &name, partition)
            .ok_or_else(|| KafkaError::Subscription(format!("no queue for partition {partition}")))?;
        self.0.insert(partition, Held { batch: None, queue });
        Ok(())
    }

    /// Takes what is in a partition's queue; says how much that was.
    pub(super) fn drain(&mut self, partition: Partition) -> usize {
        let Some(held) = self.0.get_mut(&partition) else { return 0 };
        held.batch = held.queue.drain();
        held.batch.as_ref().map_or(0, Batch::len)
    }

    /// Frees a partition's batch.
    pub(super) fn free(&mut self, partition: Partition) {
        if let Some(held) = self.0.get_mut(&partition) {
            held.batch = None;
        }
    }

    /// Gives up a partition's queue, and whatever it holds.
    pub(super) fn close(&mut self, partition: Partition) {
        // What is left is outdated by now: the client frees it while it looks for what is not.
        self.drain(partition);
        self.0.remove(&partition);
    }

    fn batch(&self, partition: Partition) -> Option<&Batch> {
        self.0.get(&partition)?.batch.as_ref()
    }

    /// A delivery of the reader with the records that it names.
    pub(super) fn deliver(&self, told: reader::Delivery) -> Delivery<'_> {
        match told {
            reader::Delivery::Records(partition, run) => {
                Delivery::Records(partition, self.batch(partition).map(|batch| batch.records(run)).unwrap_or_default())
            }
            reader::Delivery::Assigned(partitions) => Delivery::Assigned(partitions),
            reader::Delivery::End(partition, end) => Delivery::End(partition, end),
            reader::Delivery::Doubted(partition) => Delivery::Doubted(partition),
            reader::Delivery::Revoked(partitions) => Delivery::Revoked(partitions),
            reader::Delivery::Lost(partitions) => Delivery::Lost(partitions),
            reader::Delivery::Fenced(partitions) => Delivery::Fenced(partitions),
        }
    }
}

impl Batches for Hand {
    fn item(&self, partition: Partition, index: usize) -> Item {
        // The reader asks for what it was told is there.
        self.batch(partition).map_or(Item::Record(0), |batch| batch.item(index))
    }

    fn text(&self, partition: Partition, index: usize) -> String {
        self.batch(partition).map(|batch| batch.text(index)).unwrap_or_default()
    }
}
