//! What is in hand: the queue of each partition that is read, and the messages that were drained from it last. The part of the
//! client that has no safe face.
//!
//! Decides nothing: the reader says what is drained, handed out and freed. On a real broker draining in batches takes half the CPU
//! of polling message by message.
#![expect(unsafe_code, reason = "the client offers batches of one partition only through its C interface")]

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_void};
use std::ops::Range;
use std::ptr::{NonNull, null, null_mut};
use std::slice;
use std::sync::Arc;

use rdkafka::bindings as sys;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;

use crate::reader::{self, Batches, Item};
use crate::record::{Header, Millis, Offset, Partition, Record, StampedBy};
use crate::worker::Delivery;

use super::client::{self, Client};
use super::errors;

/// Messages taken at once. Measured: larger ones gain nothing.
const BATCH: usize = 2000;

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

    /// A run of records in a partition's batch.
    pub(super) fn records(&self, partition: Partition, run: Range<usize>) -> Vec<Record<'_>> {
        self.batch(partition).map(|batch| batch.records(run)).unwrap_or_default()
    }

    /// A delivery of the reader with the records that it names.
    pub(super) fn deliver(&self, told: reader::Delivery) -> Delivery<'_> {
        match told {
            reader::Delivery::Records(partition, run) => Delivery::Records(partition, self.records(partition, run)),
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

/// The queue of one partition, cut off from the consumer's common queue.
struct PartitionQueue {
    queue: NonNull<sys::rd_kafka_queue_t>,
    // Keeps the client alive until the queue is destroyed.
    client: Arc<Client>,
}

// SAFETY: the client's queues may be used from any thread; the handle is not shared, only moved.
unsafe impl Send for PartitionQueue {}

impl PartitionQueue {
    /// Cuts the partition off. Before it is assigned, so that nothing of it reaches the common queue.
    fn open(client: &Arc<Client>, topic: &CStr, partition: Partition) -> Option<Self> {
        // SAFETY: the client is alive, the name ends with a zero byte, and both are only read.
        let queue = unsafe { sys::rd_kafka_queue_get_partition(client.client().native_ptr(), topic.as_ptr(), partition.0) };
        let queue = NonNull::new(queue)?;
        // SAFETY: the handle is alive; no destination means that the queue keeps what comes.
        unsafe { sys::rd_kafka_queue_forward(queue.as_ptr(), null_mut()) };
        Some(Self { queue, client: Arc::clone(client) })
    }

    /// What has been fetched, if anything; never waits.
    fn drain(&self) -> Option<Batch> {
        let mut messages: Vec<*mut sys::rd_kafka_message_t> = Vec::with_capacity(BATCH);
        // SAFETY: the handle is alive, and the vector has room for `BATCH` pointers. With a timeout of 0 the
        // call returns what is there (with any other it waits for a full batch).
        let count = unsafe { sys::rd_kafka_consume_batch_queue(self.queue.as_ptr(), 0, messages.as_mut_ptr(), BATCH) };
        let count = usize::try_from(count).ok().filter(|count| *count > 0)?;
        // SAFETY: the call filled the first `count` places, and no more than it was allowed to.
        unsafe { messages.set_len(count.min(BATCH)) };
        Some(Batch { messages, _client: Arc::clone(&self.client) })
    }
}

impl Drop for PartitionQueue {
    fn drop(&mut self) {
        // SAFETY: the handle is alive and not used again.
        unsafe { sys::rd_kafka_queue_destroy(self.queue.as_ptr()) };
    }
}

/// Messages of one partition, freed when it is dropped.
struct Batch {
    messages: Vec<*mut sys::rd_kafka_message_t>,
    // Messages must be freed before the client is.
    _client: Arc<Client>,
}

// SAFETY: messages may be read and freed by any thread; they are not shared, only moved.
unsafe impl Send for Batch {}

impl Batch {
    fn len(&self) -> usize {
        self.messages.len()
    }

    /// What is at an index below the length.
    fn item(&self, index: usize) -> Item {
        let message = self.message(index);
        let error = message.err;
        if error == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Item::Record(self.offset(index));
        }
        if error == RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF {
            return Item::End(self.offset(index));
        }
        let class = errors::partition_error(error.into());
        Item::Error { at: Offset::try_from(message.offset).ok(), class, code: error as i32 }
    }

    /// What the client says about an error.
    fn text(&self, index: usize) -> String {
        let message = self.message(index);
        String::from_utf8_lossy(bytes(self, message.payload, message.len).unwrap_or_default()).into_owned()
    }

    /// The records of a run, borrowed from the client's memory.
    fn records(&self, run: Range<usize>) -> Vec<Record<'_>> {
        run.map(|index| self.record(index)).collect()
    }

    fn message(&self, index: usize) -> &sys::rd_kafka_message_t {
        // SAFETY: every pointer came from the client and is freed only when the batch is dropped.
        unsafe { &*self.messages[index] }
    }

    fn offset(&self, index: usize) -> Offset {
        client::offset(self.message(index).offset)
    }

    fn record(&self, index: usize) -> Record<'_> {
        let message = self.message(index);
        let (timestamp, stamped_by) = self.timestamp(index);
        Record {
            offset: self.offset(index),
            timestamp,
            stamped_by,
            key: bytes(self, message.key, message.key_len),
            payload: bytes(self, message.payload, message.len),
            headers: self.headers(index),
        }
    }

    fn timestamp(&self, index: usize) -> (Option<Millis>, StampedBy) {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive, and `kind` is written, not kept.
        let millis = unsafe { sys::rd_kafka_message_timestamp(self.messages[index], &raw mut kind) };
        let is_known = kind != sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && millis >= 0;
        let by_broker = kind == sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME;
        (is_known.then_some(millis), if by_broker { StampedBy::Broker } else { StampedBy::Producer })
    }

    fn headers(&self, index: usize) -> Vec<Header<'_>> {
        let mut list = null_mut();
        // SAFETY: the message is alive; it keeps the list that it hands out.
        let found = unsafe { sys::rd_kafka_message_headers(self.messages[index], &raw mut list) };
        if found != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Vec::new();
        }
        (0..).map_while(|at| self.header(list, at)).collect()
    }

    /// The header at an index of a list that belongs to one of this batch's messages.
    fn header(&self, list: *const sys::rd_kafka_headers_t, at: usize) -> Option<Header<'_>> {
        let (mut name, mut value, mut size) = (null(), null(), 0);
        // SAFETY: the list lives as long as its message; an index behind the last one is answered with an error.
        let found = unsafe { sys::rd_kafka_header_get_all(list, at, &raw mut name, &raw mut value, &raw mut size) };
        if found != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return None;
        }
        // SAFETY: names end with a zero byte and live as long as their message.
        let name: &CStr = unsafe { CStr::from_ptr(name) };
        // A name that is no text names nothing that anybody looks for.
        Some(Header { name: name.to_str().unwrap_or_default(), value: bytes(self, value, size) })
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        for message in self.messages.drain(..) {
            // SAFETY: each message is freed once, here; nothing borrowed from it outlives the batch.
            unsafe { sys::rd_kafka_message_destroy(message) };
        }
    }
}

/// Bytes inside a message of this batch; no pointer means no value, which is not the same as an empty one.
fn bytes(_owner: &Batch, start: *const c_void, length: usize) -> Option<&[u8]> {
    // SAFETY: the client says where the bytes are, and they live until the message is freed with its batch.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start.cast(), length) })
}
