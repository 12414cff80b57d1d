//! A broker inside this process, and a publisher that fits its narrow log.
//!
//! The broker is the Kafka client's own test cluster: real protocol on loopback, nothing durable. A
//! partition keeps 5 MiB and drops the oldest without a word, so whoever publishes into it must wait for
//! whoever reads: see [`Consumed`]. The publisher also serves real brokers, where nothing has to wait.
#![expect(unsafe_code, reason = "the test cluster's settings and the partitioner are offered only in C")]

use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::bindings as sys;
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header as ClientHeader, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::types::RDKafkaRespErr;

use crate::record::{Header, Millis, Offset, Partition};

/// Bytes of a partition that may be published and not yet consumed. The broker keeps 5 MiB; what it counts
/// is compressed, what is counted here is not, and a batch is kept whole until its last record is consumed.
const OUTSTANDING_BYTES: usize = 3 << 20;

/// Records likewise: the broker keeps 100,000 batches, and a batch may be a single record.
const OUTSTANDING_RECORDS: usize = 90_000;

/// What a record costs beside its key, value and headers, at most.
const RECORD_OVERHEAD: usize = 32;

/// How long the brokers may take to answer a question, or to take what was published.
const DEADLINE: Duration = Duration::from_secs(30);

/// The broker, or what is published into it, failed.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The broker could not be started or asked.
    #[error("{0}")]
    Broker(String),
    /// The topic exists, but not as it was asked for.
    #[error("topic {topic} has {found} partitions already, not {wanted}; name another topic, or delete it")]
    OtherPartitions {
        /// The topic.
        topic: String,
        /// How many it has.
        found: usize,
        /// How many it was to have.
        wanted: usize,
    },
    /// The broker did not take records.
    #[error("{count} records were not delivered; the first because: {first}")]
    NotDelivered {
        /// How many.
        count: u64,
        /// Why the first was not.
        first: String,
    },
    /// Whoever reads has stopped, so the log has no room for more.
    #[error("the reader has stopped")]
    Stopped,
    /// Records were dropped before they were consumed.
    #[error(
        "partition {partition} begins at {first}, but only offsets below {consumed} were consumed: the broker dropped the rest"
    )]
    Dropped {
        /// The partition.
        partition: Partition,
        /// First offset that it still holds.
        first: Offset,
        /// First offset that was not consumed.
        consumed: Offset,
    },
}

fn broker(what: &str) -> impl FnOnce(KafkaError) -> BrokerError {
    move |error| BrokerError::Broker(format!("{what}: {error}"))
}

/// A broker in this process, gone when it is dropped.
pub struct MockBroker {
    cluster: NonNull<sys::rd_kafka_mock_cluster_t>,
    addresses: String,
    // Owns the threads that the cluster runs on; destroyed after the cluster.
    _owner: BaseProducer,
}

// SAFETY: the cluster does its work on a thread of its own; every call is a message to that thread.
unsafe impl Send for MockBroker {}
// SAFETY: as above.
unsafe impl Sync for MockBroker {}

impl MockBroker {
    /// Starts a broker on a free port of loopback.
    ///
    /// # Errors
    /// [`BrokerError::Broker`] when no port or no thread is to be had.
    pub fn start() -> Result<Self, BrokerError> {
        let owner: BaseProducer = ClientConfig::new().create().map_err(broker("could not start the embedded broker"))?;
        // SAFETY: the owner is alive, and outlives the cluster because it is dropped after it.
        let cluster = unsafe { sys::rd_kafka_mock_cluster_new(owner.client().native_ptr(), 1) };
        let cluster = NonNull::new(cluster)
            .ok_or_else(|| BrokerError::Broker("could not start the embedded broker: no free port".to_owned()))?;
        // SAFETY: the cluster is alive. Members join at once instead of after three seconds.
        unsafe { sys::rd_kafka_mock_group_initial_rebalance_delay_ms(cluster.as_ptr(), 0) };
        // SAFETY: the cluster keeps the text as long as it lives; it is copied here.
        let addresses = unsafe { CStr::from_ptr(sys::rd_kafka_mock_cluster_bootstraps(cluster.as_ptr())) };
        Ok(Self { cluster, addresses: addresses.to_string_lossy().into_owned(), _owner: owner })
    }

    /// Where clients connect to.
    #[must_use]
    pub fn bootstrap_servers(&self) -> &str {
        &self.addresses
    }

    /// Creates a topic.
    ///
    /// # Errors
    /// [`BrokerError::Broker`] when it exists already or its name is none.
    pub fn create_topic(&self, name: &str, partitions: usize) -> Result<(), BrokerError> {
        let failed = |why: &str| BrokerError::Broker(format!("could not create topic {name}: {why}"));
        let text = CString::new(name).map_err(|error| failed(&error.to_string()))?;
        let count = i32::try_from(partitions).map_err(|error| failed(&error.to_string()))?;
        // SAFETY: the cluster is alive and copies the name.
        let answer = unsafe { sys::rd_kafka_mock_topic_create(self.cluster.as_ptr(), text.as_ptr(), count, 1) };
        match answer {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
            other => Err(failed(&RDKafkaErrorCode::from(other).to_string())),
        }
    }
}

impl Drop for MockBroker {
    fn drop(&mut self) {
        // SAFETY: alive, not used again, and destroyed before its owner, as the client demands.
        unsafe { sys::rd_kafka_mock_cluster_destroy(self.cluster.as_ptr()) };
    }
}

/// Creates a topic on a real broker; one that exists with as many partitions is taken as it is.
///
/// # Errors
/// [`BrokerError::OtherPartitions`] when it exists otherwise, [`BrokerError::Broker`] when the broker refuses.
pub async fn create_topic(
    brokers: &str,
    settings: &[(String, String)],
    name: &str,
    partitions: usize,
) -> Result<(), BrokerError> {
    let what = format!("could not create topic {name}");
    let client: AdminClient<DefaultClientContext> = client_config(brokers, settings).create().map_err(broker(&what))?;
    let count = i32::try_from(partitions).map_err(|error| BrokerError::Broker(format!("{what}: {error}")))?;
    // As many replicas as the cluster makes by default.
    let topic = NewTopic::new(name, count, TopicReplication::Fixed(-1));
    let options = AdminOptions::new().operation_timeout(Some(DEADLINE)).request_timeout(Some(DEADLINE));
    let answers = client.create_topics([&topic], &options).await.map_err(broker(&what))?;
    for answer in answers {
        match answer {
            Ok(_) => {}
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {
                let found = partition_count(client.inner(), name)?;
                if found != partitions {
                    return Err(BrokerError::OtherPartitions { topic: name.to_owned(), found, wanted: partitions });
                }
            }
            Err((_, code)) => return Err(BrokerError::Broker(format!("{what}: {code}"))),
        }
    }
    Ok(())
}

fn client_config(brokers: &str, settings: &[(String, String)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    for (key, value) in settings {
        config.set(key, value);
    }
    config
}

fn partition_count<C: ClientContext>(client: &rdkafka::client::Client<C>, topic: &str) -> Result<usize, BrokerError> {
    let what = format!("could not look at topic {topic}");
    let metadata = client.fetch_metadata(Some(topic), DEADLINE).map_err(broker(&what))?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    match found.map(|found| found.partitions().len()) {
        Some(count) if count > 0 => Ok(count),
        _ => Err(BrokerError::Broker(format!("{what}: it does not exist"))),
    }
}

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

    fn next(&self, index: usize) -> Offset {
        self.next.get(index).map_or(0, |next| next.load(Ordering::Acquire))
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
            // Smallest in the log and cheapest to read.
            .set("compression.type", "zstd")
            .set("linger.ms", "20")
            .set("batch.num.messages", "10000")
            .set("batch.size", "262144")
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
            let (_, end) = producer.client().fetch_watermarks(topic, partition, DEADLINE).map_err(broker(what))?;
            let end = Offset::try_from(end).unwrap_or(0);
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
            let (first, _) = self
                .producer
                .client()
                .fetch_watermarks(&self.topic, partition.0, DEADLINE)
                .map_err(broker("could not ask where the log begins"))?;
            let first = Offset::try_from(first).unwrap_or(0);
            let consumed = self.consumed.as_ref().map_or(0, |consumed| consumed.next(index)).max(backlog.start);
            if first > consumed {
                return Err(BrokerError::Dropped { partition, first, consumed });
            }
        }
        Ok(())
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
            self.backlogs[partition].consumed(consumed.next(partition));
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
