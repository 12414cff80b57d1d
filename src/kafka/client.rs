//! How the client is set up, what its callbacks note, and what its errors ask for.
//!
//! Decides nothing about partitions: callbacks write down what happened, the source acts on it.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientConfig, TopicPartitionList};
use tokio::sync::oneshot;
use tracing::{debug, error, info, warn};

use crate::config;
use crate::record::{Offset, Partition};
use crate::worker::SourceError;

/// The consumer with its notes.
pub(super) type Client = BaseConsumer<Context>;

/// The client's settings for one loop of one epoch.
pub(super) fn client_config(settings: &config::Kafka, epoch: u16, thread: usize) -> ClientConfig {
    let mut config = ClientConfig::new();
    let millis = |duration: Duration| duration.as_millis().to_string();
    config
        .set("bootstrap.servers", &settings.brokers)
        .set("client.id", "grapevine")
        .set("group.id", format!("{}-epoch-{epoch}", settings.group))
        // Offsets follow checkpoints, never the reading.
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // A position that the log does not hold is for a person to decide about.
        .set("auto.offset.reset", "error")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        // Costs nothing that could be measured.
        .set("check.crcs", "true")
        .set("max.poll.interval.ms", millis(settings.max_poll_interval))
        .set("fetch.wait.max.ms", millis(settings.fetch_wait))
        .set("fetch.queue.backoff.ms", millis(settings.fetch_queue_backoff))
        // The client counts a partition's own queue by itself.
        .set("queued.max.messages.kbytes", (settings.queued_bytes / 1024).clamp(1, 2_097_151).to_string())
        .set("statistics.interval.ms", millis(settings.statistics_interval))
        // A topic that is created late, and new partitions, are noticed within this.
        .set("topic.metadata.refresh.interval.ms", "30000");
    if settings.group_protocol == "consumer" {
        // The broker decides about sessions and heartbeats; the client refuses to hear of them.
        config.set("group.protocol", "consumer");
    } else {
        config
            .set("group.protocol", "classic")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", millis(settings.session_timeout))
            .set("heartbeat.interval.ms", millis(settings.heartbeat_interval));
    }
    if !settings.group_instance_id.is_empty() {
        config.set("group.instance.id", format!("{}-{thread}", settings.group_instance_id));
    }
    set_security(&mut config, settings);
    config
}

fn set_security(config: &mut ClientConfig, settings: &config::Kafka) {
    config.set("security.protocol", &settings.security_protocol);
    if settings.security_protocol.starts_with("sasl_") {
        config
            .set("sasl.mechanism", &settings.sasl_mechanism)
            .set("sasl.username", &settings.sasl_username)
            .set("sasl.password", &settings.sasl_password.0);
    }
    if settings.security_protocol.ends_with("ssl") {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        // Without a file: wherever this system keeps its certificates.
        config.set("ssl.ca.location", settings.ssl_ca_file.as_deref().map_or_else(|| "probe".to_owned(), text));
        if let Some(file) = &settings.ssl_certificate_file {
            config.set("ssl.certificate.location", text(file));
        }
        if let Some(file) = &settings.ssl_key_file {
            config.set("ssl.key.location", text(file));
        }
        if !settings.ssl_key_password.0.is_empty() {
            config.set("ssl.key.password", &settings.ssl_key_password.0);
        }
    }
}

/// What the group wants.
#[derive(Debug)]
pub(super) enum Rebalance {
    Assigned(Vec<Partition>),
    Revoked { partitions: Vec<Partition>, lost: bool },
}

/// What the callbacks noted. They run inside `poll`, on the loop's own thread, or on the closing one.
pub(super) struct Context {
    topic: String,
    rebalances: Mutex<VecDeque<Rebalance>>,
    reason: Mutex<Option<String>>,
    ends: Mutex<BTreeMap<Partition, Offset>>,
    closing: AtomicBool,
}

impl Context {
    pub(super) fn new(topic: &str) -> Self {
        Self {
            topic: topic.to_owned(),
            rebalances: Mutex::default(),
            reason: Mutex::default(),
            ends: Mutex::default(),
            closing: AtomicBool::new(false),
        }
    }

    pub(super) fn take_rebalance(&self) -> Option<Rebalance> {
        lock(&self.rebalances).pop_front()
    }

    /// What the client said about the error that it is about to return.
    pub(super) fn take_reason(&self) -> Option<String> {
        lock(&self.reason).take()
    }

    /// The end of a partition, as far as the client has heard.
    pub(super) fn end(&self, partition: Partition) -> Option<Offset> {
        lock(&self.ends).get(&partition).copied()
    }

    pub(super) fn note_end(&self, partition: Partition, end: Offset) {
        let mut ends = lock(&self.ends);
        let known = ends.entry(partition).or_default();
        *known = end.max(*known);
    }

    /// From now on nobody asks for rebalances: they are answered at once.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
                error!(facility, "{message}");
            }
            RDKafkaLogLevel::Warning => warn!(facility, "{message}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => info!(facility, "{message}"),
            RDKafkaLogLevel::Debug => debug!(facility, "{message}"),
        }
    }

    fn stats(&self, statistics: Statistics) {
        let Some(topic) = statistics.topics.get(&self.topic) else { return };
        for (number, partition) in &topic.partitions {
            // With transactions only what is settled can be read; -1 and -1001 are not numbers.
            let end = if partition.ls_offset >= 0 { partition.ls_offset } else { partition.hi_offset };
            if let Ok(end) = Offset::try_from(end) {
                self.note_end(Partition(*number), end);
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        *lock(&self.reason) = Some(if reason.is_empty() { error.to_string() } else { reason.to_owned() });
    }
}

impl ConsumerContext for Context {
    fn rebalance(&self, client: &Client, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        if self.closing.load(Ordering::Acquire) {
            // Everything was taken off the client when it began to close, so there is nothing to name.
            let nothing = TopicPartitionList::new();
            let answer = match event {
                RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => client.incremental_assign(&nothing),
                _ => client.incremental_unassign(&nothing),
            };
            if let Err(error) = answer {
                debug!("on leaving the group: {error}");
            }
            return;
        }
        let partitions = list.elements().iter().map(|element| Partition(element.partition())).collect();
        lock(&self.rebalances).push_back(match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Rebalance::Assigned(partitions),
            _ => Rebalance::Revoked { partitions, lost: client.assignment_lost() },
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every write is one assignment: a panic in between leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An offset of the client's; its negative numbers are not offsets.
pub(super) fn offset(raw: i64) -> Offset {
    Offset::try_from(raw).unwrap_or(0)
}

/// The first offset that is not covered when `last` is.
pub(super) fn after(last: Offset) -> Offset {
    last + 1
}

/// Errors of one partition from which the client comes back by itself, at the same offset.
pub(super) fn recovers(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    [
        Code::BrokerTransportFailure,
        Code::AllBrokersDown,
        Code::OperationTimedOut,
        Code::RequestTimedOut,
        Code::NotLeaderForPartition,
        Code::LeaderNotAvailable,
        Code::ReplicaNotAvailable,
        Code::KafkaStorageError,
        Code::FencedLeaderEpoch,
        Code::UnknownLeaderEpoch,
        Code::OffsetNotAvailable,
        Code::UnknownTopicOrPartition,
        Code::UnknownTopic,
        Code::UnknownPartition,
    ]
    .contains(&code)
}

/// Errors of the whole client that no waiting repairs.
pub(super) fn needs_operator(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    [
        Code::Authentication,
        Code::SaslAuthenticationFailed,
        Code::UnsupportedSASLMechanism,
        Code::TopicAuthorizationFailed,
        Code::GroupAuthorizationFailed,
        Code::ClusterAuthorizationFailed,
        Code::InvalidTopic,
        Code::InvalidGroupId,
        Code::InconsistentGroupProtocol,
        Code::Fatal,
        Code::FencedInstanceId,
    ]
    .contains(&code)
}

/// Says what to do about a partition that cannot be read on.
pub(super) fn unreadable(code: RDKafkaErrorCode, place: &str, text: &str) -> String {
    if matches!(code, RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) {
        return format!(
            "the log no longer holds {place}, or never did ({text}): retention was shorter than the outage, or the topic was recreated"
        );
    }
    format!("could not read {place}: {text}")
}

/// Runs a call that blocks on a thread of its own; the receiver hears when it is done.
pub(super) fn on_thread<T: Send + 'static>(name: &str, call: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
    let (done, heard) = oneshot::channel();
    let run = move || {
        // Nobody waits any more when the deadline has passed.
        drop(done.send(call()));
    };
    if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn(run) {
        warn!("could not start a thread: {error}");
    }
    heard
}

/// Asks the brokers something without holding up the loop's other work.
///
/// Not the runtime's blocking pool: a call that hangs there would hold up its shutdown.
pub(super) async fn ask<T: Send + 'static>(
    what: String,
    deadline: Duration,
    call: impl FnOnce() -> KafkaResult<T> + Send + 'static,
) -> Result<T, SourceError> {
    match tokio::time::timeout(deadline, on_thread("kafka-ask", call)).await {
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(error))) if error.rdkafka_error_code().is_some_and(needs_operator) => {
            Err(SourceError::Operator(format!("{what}: {error}")))
        }
        Ok(Ok(Err(error))) => Err(SourceError::Transient(format!("{what}: {error}"))),
        Ok(Err(_)) => Err(SourceError::Transient(format!("{what}: the call was given up"))),
        Err(_) => Err(SourceError::Transient(format!("{what}: no answer within {deadline:?}"))),
    }
}
