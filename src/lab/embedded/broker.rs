//! A broker inside this process, and a publisher that fits its narrow log.
//!
//! The broker is the Kafka client's own test cluster: real protocol on loopback, nothing durable. A
//! partition keeps 5 MiB and drops the oldest without a word, so whoever publishes into it must wait for
//! whoever reads: see [`Consumed`]. The publisher also serves real brokers, where nothing has to wait.
#![expect(unsafe_code, reason = "the test cluster's settings and the partitioner are offered only in C")]

mod publisher;

use std::ffi::{CStr, CString};
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::bindings as sys;
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, Producer as _};
use rdkafka::types::RDKafkaRespErr;

use crate::record::{Offset, Partition};

pub use publisher::{Consumed, Follower, Message, Publisher};

/// How long the brokers may take to answer a question, or to take what was published.
const DEADLINE: Duration = Duration::from_secs(30);

/// What a broker says of a partition while it has no leader, or another one than the client knows.
const LEADERLESS: [RDKafkaErrorCode; 4] = [
    RDKafkaErrorCode::NotLeaderForPartition,
    RDKafkaErrorCode::LeaderNotAvailable,
    RDKafkaErrorCode::UnknownTopicOrPartition,
    RDKafkaErrorCode::UnknownLeaderEpoch,
];
const LEADER_WAIT: Duration = Duration::from_millis(100);

/// How long creating a topic may take.
const ADMIN_DEADLINE: Duration = Duration::from_secs(10);

/// The brokers of two that lead partitions, and that coordinate.
const LEADER: i32 = 1;
const COORDINATOR: i32 = 2;

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
    /// A second broker coordinates a group; the first leads every partition.
    apart: bool,
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
        Self::start_with(1)
    }

    /// Starts two brokers: the first leads every partition, the second does nothing but coordinate one group. Clients are sent
    /// to `relay`, a port of loopback, for the second. Returned beside the brokers is its address, to which whoever listens there hands
    /// clients on, or does not. (librdkafka can take a broker away by itself, but ends the process where the port is taken meanwhile.)
    ///
    /// # Errors
    /// [`BrokerError::Broker`] when no port or no thread is to be had, or the group's name is none.
    pub fn start_with_coordinator_apart(group: &str, relay: u16) -> Result<(Self, String), BrokerError> {
        let mut broker = Self::start_with(2)?;
        let name = CString::new(group).map_err(|error| BrokerError::Broker(format!("the group {group}: {error}")))?;
        let (raw, kind) = (broker.cluster.as_ptr(), c"group");
        // SAFETY: the cluster is alive and copies both names.
        let answer = unsafe { sys::rd_kafka_mock_coordinator_set(raw, kind.as_ptr(), name.as_ptr(), COORDINATOR) };
        refused("could not choose a coordinator", answer)?;
        // SAFETY: the cluster is alive and copies the host.
        unsafe { sys::rd_kafka_mock_broker_set_host_port(raw, COORDINATOR, c"127.0.0.1".as_ptr(), i32::from(relay)) };
        broker.apart = true;
        let (leader, coordinator) = broker
            .addresses
            .split_once(',')
            .ok_or_else(|| BrokerError::Broker(format!("{} is not two brokers", broker.addresses)))?;
        let (leader, coordinator) = (leader.to_owned(), coordinator.to_owned());
        broker.addresses = leader;
        Ok((broker, coordinator))
    }

    fn start_with(brokers: i32) -> Result<Self, BrokerError> {
        let owner: BaseProducer = ClientConfig::new().create().map_err(broker("could not start the embedded broker"))?;
        // SAFETY: the owner is alive, and outlives the cluster because it is dropped after it.
        let cluster = unsafe { sys::rd_kafka_mock_cluster_new(owner.client().native_ptr(), brokers) };
        let cluster = NonNull::new(cluster)
            .ok_or_else(|| BrokerError::Broker("could not start the embedded broker: no free port".to_owned()))?;
        // SAFETY: the cluster is alive. Members join at once instead of after three seconds.
        unsafe { sys::rd_kafka_mock_group_initial_rebalance_delay_ms(cluster.as_ptr(), 0) };
        // SAFETY: the cluster keeps the text as long as it lives; it is copied here.
        let addresses = unsafe { CStr::from_ptr(sys::rd_kafka_mock_cluster_bootstraps(cluster.as_ptr())) };
        Ok(Self { cluster, apart: false, addresses: addresses.to_string_lossy().into_owned(), _owner: owner })
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
        if answer != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(failed(&RDKafkaErrorCode::from(answer).to_string()));
        }
        for partition in (0..count).filter(|_| self.apart) {
            // SAFETY: the cluster is alive and copies the name.
            let answer =
                unsafe { sys::rd_kafka_mock_partition_set_leader(self.cluster.as_ptr(), text.as_ptr(), partition, LEADER) };
            refused("could not choose a leader", answer)?;
        }
        Ok(())
    }
}

fn refused(what: &str, answer: RDKafkaRespErr) -> Result<(), BrokerError> {
    if answer == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    Err(BrokerError::Broker(format!("{what}: {}", RDKafkaErrorCode::from(answer))))
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
    let what = format!("could not create topic {name} on {brokers}");
    let client: AdminClient<DefaultClientContext> = client_config(brokers, settings).create().map_err(broker(&what))?;
    let count = i32::try_from(partitions).map_err(|error| BrokerError::Broker(format!("{what}: {error}")))?;
    // As many replicas as the cluster makes by default.
    let topic = NewTopic::new(name, count, TopicReplication::Fixed(-1));
    let options = AdminOptions::new().operation_timeout(Some(ADMIN_DEADLINE)).request_timeout(Some(ADMIN_DEADLINE));
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

/// Where a partition begins and ends. Waits for its leader: a new topic has none for a moment, and it may move at any time.
fn bounds_of<C: ClientContext>(
    client: &rdkafka::client::Client<C>,
    topic: &str,
    partition: i32,
) -> Result<(Offset, Offset), KafkaError> {
    let until = Instant::now() + DEADLINE;
    loop {
        match client.fetch_watermarks(topic, partition, DEADLINE) {
            Ok((first, end)) => return Ok((Offset::try_from(first).unwrap_or(0), Offset::try_from(end).unwrap_or(0))),
            Err(KafkaError::MetadataFetch(code)) if LEADERLESS.contains(&code) && Instant::now() < until => {
                std::thread::sleep(LEADER_WAIT);
            }
            Err(error) => return Err(error),
        }
    }
}
