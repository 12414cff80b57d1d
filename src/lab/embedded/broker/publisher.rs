//! Publishes records in their order, and no faster than a narrow log can take them.

use std::collections::VecDeque;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::bindings as sys;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{DeliveryResult, Header as ClientHeader, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::{ClientConfig, Offset as ClientOffset, TopicPartitionList};

use crate::record::{Header, Millis, Offset, Partition};

use super::{BrokerError, DEADLINE, bounds_of, broker, partition_count};

/// Bytes of a partition that may be published and not yet consumed. The broker keeps 5 MiB; what it counts
/// is compressed, what is counted here is not, and a batch is kept whole until its last record is consumed.
const OUTSTANDING_BYTES: usize = 3 << 20;

/// Records likewise: the broker keeps 100,000 batches, and a batch may be a single record.
const OUTSTANDING_RECORDS: usize = 90_000;

/// What a record costs beside its key, value and headers, at most.
const RECORD_OVERHEAD: usize = 32;

/// How often a group's commits are asked for, and how long an answer may take.
const FOLLOW_EVERY: Duration = Duration::from_millis(100);
const FOLLOW_DEADLINE: Duration = Duration::from_secs(2);

/// How far a topic has been consumed for good: what will never be asked for again.
#[derive(Debug)]
pub struct Consumed {
    next: Box<[AtomicU64]>,
    stopped: AtomicBool,
}

impl Consumed {
    /// Nothing of a topic with so many partitions.
    #[must_use]
    pub fn new(partitions: usize) -> Arc<Self> {
        Arc::new(Self { next: (0..partitions).map(|_| AtomicU64::new(0)).collect(), stopped: AtomicBool::new(false) })
    }

    /// Everything of the partition below `next` is consumed. Never goes back.
    pub fn advance(&self, partition: Partition, next: Offset) {
        if let Some(known) = usize::try_from(partition.0).ok().and_then(|index| self.next.get(index)) {
            known.fetch_max(next, Ordering::AcqRel);
        }
    }

    /// Nobody reads any more: publishers that wait give up.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// First offset of the partition that is not consumed.
    #[must_use]
    pub fn next(&self, partition: Partition) -> Offset {
        usize::try_from(partition.0).map_or(0, |index| self.next_of(index))
    }

    /// Notes what a group commits, until the follower is dropped. Committed is what no restart and no
    /// rebalance asks for again.
    ///
    /// # Errors
    /// [`BrokerError::Broker`] when the client refuses a setting.
    pub fn follow(self: &Arc<Self>, brokers: &str, group: &str, topic: &str) -> Result<Follower, BrokerError> {
        let what = "could not follow the group's commits";
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers).set("group.id", group).set("client.id", "grapevine");
        // It asks for the group's offsets; it never subscribes, so it is not a member.
        let client: BaseConsumer = config.create().map_err(broker(what))?;
        let mut list = TopicPartitionList::new();
        for partition in 0..i32::try_from(self.next.len()).unwrap_or(i32::MAX) {
            list.add_partition(topic, partition);
        }
        let (stop, stopped) = mpsc::channel::<()>();
        let consumed = Arc::clone(self);
        let ask = move || {
            while stopped.recv_timeout(FOLLOW_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
                // No answer this time: nothing new is known, and the next question comes soon.
                let Ok(answers) = client.committed_offsets(list.clone(), FOLLOW_DEADLINE) else { continue };
                for answer in answers.elements() {
                    if let ClientOffset::Offset(next) = answer.offset() {
                        consumed.advance(Partition(answer.partition()), Offset::try_from(next).unwrap_or(0));
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("kafka-follow".to_owned()).spawn(ask);
        let thread = thread.map_err(|error| BrokerError::Broker(format!("{what}: {error}")))?;
        Ok(Follower { stop: Some(stop), thread: Some(thread) })
    }

    fn next_of(&self, index: usize) -> Offset {
        self.next.get(index).map_or(0, |next| next.load(Ordering::Acquire))
    }
}

/// Follows a group until it is dropped.
#[derive(Debug)]
pub struct Follower {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        // The thread ends when nobody can tell it anything any more.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::warn!("the thread that follows a group's commits panicked");
        }
    }
}

/// One record to publish.
#[derive(Clone, Copy, Debug, Default)]
pub struct Message<'a> {
    /// Equal keys go to the same partition; records without one go round.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` is a tombstone.
    pub payload: Option<&'a [u8]>,
    /// Its headers.
    pub headers: &'a [Header<'a>],
    /// Its time; the present by default.
    pub timestamp: Option<Millis>,
}

/// What a partition has taken and nobody has consumed.
#[derive(Debug, Default)]
struct Backlog {
    /// First offset before anything was published here.
    start: Offset,
    /// Offset of the front of `sizes`.
    next: Offset,
    sizes: VecDeque<u32>,
    bytes: usize,
}

impl Backlog {
    fn consumed(&mut self, next: Offset) {
        while self.next < next {
            let Some(size) = self.sizes.pop_front() else { break };
            self.bytes -= size as usize;
            self.next += 1;
        }
    }

    /// A record that alone is too large still goes, once the partition is empty: the broker keeps one batch at least.
    fn has_room(&self, size: usize) -> bool {
        self.sizes.is_empty() || (self.bytes + size <= OUTSTANDING_BYTES && self.sizes.len() < OUTSTANDING_RECORDS)
    }
}

#[derive(Default)]
struct Failures(Mutex<Option<(u64, String)>>);

impl ClientContext for Failures {}

impl ProducerContext for Failures {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            failures.get_or_insert_with(|| (0, error.to_string())).0 += 1;
        }
    }
}

/// Publishes records in their order, in large compressed batches.
pub struct Publisher {
    producer: BaseProducer<Failures>,
    topic: String,
    backlogs: Vec<Backlog>,
    consumed: Option<Arc<Consumed>>,
    published: usize,
}

impl Publisher {
    /// Connects to the brokers and looks at the topic. With `consumed` it waits for the reader, as the embedded
    /// broker needs; it must then be the only publisher.
    ///
    /// # Errors
    /// [`BrokerError::Broker`] when a setting is wrong, the brokers do not answer, or the topic does not exist.
    pub fn new(
        brokers: &str,
        settings: &[(String, String)],
        topic: &str,
        consumed: Option<Arc<Consumed>>,
    ) -> Result<Self, BrokerError> {
        let mut config = ClientConfig::new();
        config
            .set("client.id", "grapevine")
            // Measured: a reader spends a quarter less than with zstd, and room is counted uncompressed.
            .set("compression.type", "lz4")
            .set("linger.ms", "20")
            .set("batch.num.messages", "10000")
            .set("batch.size", "262144")
            // A line of any sensible size is published; what it holds is the worker's affair.
            .set("message.max.bytes", "16777216")
            // In order and once, whatever is sent again.
            .set("enable.idempotence", "true");
        config.set("bootstrap.servers", brokers);
        for (key, value) in settings {
            config.set(key, value);
        }
        let what = "could not publish";
        let producer: BaseProducer<Failures> = config.create_with_context(Failures::default()).map_err(broker(what))?;
        let count = partition_count(producer.client(), topic)?;
        let mut backlogs = Vec::with_capacity(count);
        for partition in (0..count).filter_map(|index| i32::try_from(index).ok()) {
            let (_, end) = bounds_of(producer.client(), topic, partition).map_err(broker(what))?;
            backlogs.push(Backlog { start: end, next: end, ..Backlog::default() });
        }
        Ok(Self { producer, topic: topic.to_owned(), backlogs, consumed, published: 0 })
    }

    /// How many partitions the topic has.
    #[must_use]
    pub fn partitions(&self) -> usize {
        self.backlogs.len()
    }

    /// Publishes a record. Blocks while its partition is full.
    ///
    /// # Errors
    /// [`BrokerError::NotDelivered`] when an earlier record failed, [`BrokerError::Stopped`] when the reader has stopped.
    pub fn publish(&mut self, message: Message<'_>) -> Result<(), BrokerError> {
        let partition = self.partition_of(message.key);
        let size = size_of_message(&message);
        self.wait_for_room(partition, size)?;
        self.send(partition, message)?;
        if self.consumed.is_some() {
            let backlog = &mut self.backlogs[partition];
            backlog.sizes.push_back(u32::try_from(size).unwrap_or(u32::MAX));
            backlog.bytes += size;
        }
        self.published += 1;
        // Reports of deliveries pile up otherwise.
        if self.published.is_multiple_of(256) {
            self.producer.poll(Duration::ZERO);
            self.check()?;
        }
        Ok(())
    }

    /// Waits until the brokers have taken everything.
    ///
    /// # Errors
    /// [`BrokerError::NotDelivered`] when they did not.
    pub fn flush(&mut self) -> Result<(), BrokerError> {
        let flushed = self.producer.flush(DEADLINE).map_err(broker("could not publish everything"));
        self.check()?;
        flushed
    }

    /// Checks that the broker has dropped nothing that was not consumed.
    ///
    /// # Errors
    /// [`BrokerError::Dropped`] when it has.
    pub fn nothing_dropped(&self) -> Result<(), BrokerError> {
        for (index, backlog) in self.backlogs.iter().enumerate() {
            let partition = Partition(i32::try_from(index).unwrap_or(i32::MAX));
            let (first, _) = bounds_of(self.producer.client(), &self.topic, partition.0)
                .map_err(broker("could not ask where the log begins"))?;
            let consumed = self.consumed.as_ref().map_or(0, |consumed| consumed.next_of(index)).max(backlog.start);
            if first > consumed {
                return Err(BrokerError::Dropped { partition, first, consumed });
            }
        }
        Ok(())
    }

    /// The end of each partition now.
    ///
    /// # Errors
    /// [`BrokerError::Broker`] when the brokers do not answer.
    pub fn ends(&self) -> Result<Vec<Offset>, BrokerError> {
        let end = |index: usize| {
            let partition = i32::try_from(index).unwrap_or(i32::MAX);
            let bounds = bounds_of(self.producer.client(), &self.topic, partition);
            bounds.map(|(_, end)| end).map_err(broker("could not ask where the log ends"))
        };
        (0..self.backlogs.len()).map(end).collect()
    }

    fn partition_of(&self, key: Option<&[u8]>) -> usize {
        let Some(key) = key else { return self.published % self.backlogs.len() };
        let count = i32::try_from(self.backlogs.len()).unwrap_or(i32::MAX);
        // SAFETY: the function hashes the key's bytes as Kafka's own producers do, and looks at nothing else.
        let partition = unsafe {
            sys::rd_kafka_msg_partitioner_murmur2(null_mut(), key.as_ptr().cast(), key.len(), count, null_mut(), null_mut())
        };
        usize::try_from(partition).unwrap_or(0)
    }

    fn wait_for_room(&mut self, partition: usize, size: usize) -> Result<(), BrokerError> {
        let Some(consumed) = self.consumed.clone() else { return Ok(()) };
        while !self.backlogs[partition].has_room(size) {
            self.backlogs[partition].consumed(consumed.next_of(partition));
            if self.backlogs[partition].has_room(size) {
                break;
            }
            if consumed.stopped.load(Ordering::Acquire) {
                return Err(BrokerError::Stopped);
            }
            self.producer.poll(Duration::from_millis(5));
            self.check()?;
        }
        Ok(())
    }

    fn send(&self, partition: usize, message: Message<'_>) -> Result<(), BrokerError> {
        let mut record: BaseRecord<'_, [u8], [u8]> =
            BaseRecord::to(&self.topic).partition(i32::try_from(partition).unwrap_or(i32::MAX));
        record.key = message.key;
        record.payload = message.payload;
        record.timestamp = message.timestamp;
        if !message.headers.is_empty() {
            let empty = OwnedHeaders::new_with_capacity(message.headers.len());
            record.headers = Some(
                message
                    .headers
                    .iter()
                    .fold(empty, |headers, header| headers.insert(ClientHeader { key: header.name, value: header.value })),
            );
        }
        let started = Instant::now();
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((error, returned)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => {
                    record = returned;
                    self.producer.poll(Duration::from_millis(10));
                    self.check()?;
                    if started.elapsed() > DEADLINE {
                        return Err(broker("the brokers take nothing")(error));
                    }
                }
                Err((error, _)) => return Err(broker("could not publish a record")(error)),
            }
        }
    }

    fn check(&self) -> Result<(), BrokerError> {
        let failures = self.producer.context().0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.as_ref().map_or(Ok(()), |(count, first)| Err(BrokerError::NotDelivered { count: *count, first: first.clone() }))
    }
}

fn size_of_message(message: &Message<'_>) -> usize {
    let length = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
    let headers: usize = message.headers.iter().map(|header| header.name.len() + length(header.value) + 10).sum();
    length(message.key) + length(message.payload) + headers + RECORD_OVERHEAD
}
