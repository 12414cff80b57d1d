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
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientConfig, Offset as ClientOffset, TopicPartitionList};
use tokio::sync::oneshot;
use tokio::time::Instant;
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
        .set("group.id", settings.group_of(epoch))
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

/// Protocol, certificates and credentials as a list.
pub(super) fn security_settings(settings: &config::Kafka) -> Vec<(String, String)> {
    let mut config = ClientConfig::new();
    set_security(&mut config, settings);
    config.config_map().iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
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
        // What was heard last, also where it is less: a log that was cut has an earlier end.
        lock(&self.ends).insert(partition, end);
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
        let gives = event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.closing.load(Ordering::Acquire) {
            // Everything was taken off the client when it began to close, so there is nothing to name.
            let nothing = TopicPartitionList::new();
            let answer = if gives { client.incremental_assign(&nothing) } else { client.incremental_unassign(&nothing) };
            if let Err(error) = answer {
                debug!("on leaving the group: {error}");
            }
            return;
        }
        let partitions = list.elements().iter().map(|element| Partition(element.partition())).collect();
        lock(&self.rebalances).push_back(if gives {
            Rebalance::Assigned(partitions)
        } else {
            Rebalance::Revoked { partitions, lost: client.assignment_lost() }
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every write is one assignment: a panic in between leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An offset of the client's; its negative numbers are not offsets.
pub(crate) fn offset(raw: i64) -> Offset {
    Offset::try_from(raw).unwrap_or(0)
}

/// What is committed beside an offset: brokers keep a group's offsets when a topic is deleted and created again, and
/// only this tells those of the old log from those of the new one.
pub(crate) fn log_note(log: &str) -> String {
    format!("log={log}")
}

/// What a group has committed for this log. An offset without a note counts: it may be of any log.
pub(crate) fn committed(answer: &TopicPartitionListElem<'_>, log: &str) -> Option<Offset> {
    let note = answer.metadata();
    if note.starts_with("log=") && note != log_note(log) {
        warn!(partition = answer.partition(), "the group's offset is of another log ({note}) and counts for nothing here");
        return None;
    }
    if let ClientOffset::Offset(offset) = answer.offset() { Offset::try_from(offset).ok() } else { None }
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
    ]
    .contains(&code)
}

/// The same trouble is said again only after this long.
const REPEAT_AFTER: Duration = Duration::from_secs(30);

/// The same trouble again and again is one message, not a flood.
#[derive(Default)]
pub(super) struct Complaints(Vec<(RDKafkaErrorCode, Instant)>);

impl Complaints {
    pub(super) fn say(&mut self, code: RDKafkaErrorCode, message: String) -> Result<(), SourceError> {
        let now = Instant::now();
        self.0.retain(|(_, said)| now.duration_since(*said) < REPEAT_AFTER);
        if self.0.iter().any(|(known, _)| *known == code) {
            debug!("{message}");
            return Ok(());
        }
        self.0.push((code, now));
        Err(SourceError::Transient(message))
    }
}

/// The client has found, or believes, that the log does not hold the place where it reads.
pub(super) fn says_cut_off(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::AutoOffsetReset | Code::OffsetOutOfRange | Code::LogTruncation)
}

/// Says what to do about a partition that cannot be read on.
pub(super) fn unreadable(code: RDKafkaErrorCode, place: &str, text: &str) -> String {
    if says_cut_off(code) {
        return format!(
            "the log does not hold {place} ({text}): records are gone, or the topic was created again. If the topic was \
             created again, give it another name in `worker.log`; if records are gone, raise `epoch`, which reads again all \
             that the log still holds into rows of its own"
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Kafka, Secret};

    fn settings() -> Kafka {
        Kafka {
            brokers: "one:9092,two:9092".to_owned(),
            topic: "events".to_owned(),
            group: "grapevine".to_owned(),
            group_protocol: "classic".to_owned(),
            group_instance_id: String::new(),
            security_protocol: "plaintext".to_owned(),
            sasl_mechanism: "SCRAM-SHA-512".to_owned(),
            sasl_username: "worker".to_owned(),
            sasl_password: Secret("password".to_owned()),
            ssl_ca_file: None,
            ssl_certificate_file: None,
            ssl_key_file: None,
            ssl_key_password: Secret::default(),
            session_timeout: Duration::from_secs(45),
            heartbeat_interval: Duration::from_secs(3),
            max_poll_interval: Duration::from_secs(300),
            fetch_wait: Duration::from_millis(50),
            fetch_queue_backoff: Duration::from_millis(10),
            queued_bytes: 8 << 20,
            statistics_interval: Duration::from_secs(5),
        }
    }

    /// The settings as the client gets them, which it must also accept.
    fn effective(settings: &Kafka) -> BTreeMap<String, String> {
        let config = client_config(settings, 3, 1);
        config.create_native_config().expect("the client knows every setting");
        // The map hides secrets from whoever prints it; `get` does not.
        let value = |key: &str| config.get(key).unwrap_or_default().to_owned();
        config.config_map().keys().map(|key| ((*key).to_owned(), value(key))).collect()
    }

    fn security(effective: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
        let about = |key: &str| ["security.", "sasl.", "ssl."].iter().any(|start| key.starts_with(start));
        effective.iter().filter(|(key, _)| about(key)).map(|(key, value)| (key.as_str(), value.as_str())).collect()
    }

    #[test]
    fn offsets_are_never_committed_or_reset_by_the_client() {
        let effective = effective(&settings());
        for (key, value) in [
            ("group.id", "grapevine-epoch-3"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "error"),
            ("enable.partition.eof", "true"),
            ("isolation.level", "read_committed"),
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("fetch.queue.backoff.ms", "10"),
            ("queued.max.messages.kbytes", "8192"),
            ("session.timeout.ms", "45000"),
        ] {
            assert_eq!(effective.get(key).map(String::as_str), Some(value), "{key}");
        }
        assert!(!effective.contains_key("group.instance.id"));
    }

    #[test]
    fn plaintext_sends_no_secret() {
        assert_eq!(security(&effective(&settings())), [("security.protocol", "plaintext")]);
    }

    #[test]
    fn ssl_without_files_trusts_the_system() {
        let settings = Kafka { security_protocol: "ssl".to_owned(), ..settings() };
        assert_eq!(security(&effective(&settings)), [("security.protocol", "ssl"), ("ssl.ca.location", "probe")]);
    }

    #[test]
    fn ssl_with_files_identifies_both_sides() {
        let settings = Kafka {
            security_protocol: "ssl".to_owned(),
            ssl_ca_file: Some("ca.pem".into()),
            ssl_certificate_file: Some("worker.pem".into()),
            ssl_key_file: Some("worker.key".into()),
            ssl_key_password: Secret("opens".to_owned()),
            ..settings()
        };
        let expected = [
            ("security.protocol", "ssl"),
            ("ssl.ca.location", "ca.pem"),
            ("ssl.certificate.location", "worker.pem"),
            ("ssl.key.location", "worker.key"),
            ("ssl.key.password", "opens"),
        ];
        assert_eq!(security(&effective(&settings)), expected);
    }

    #[test]
    fn sasl_carries_name_and_password_with_and_without_ssl() {
        for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
            let settings = Kafka { sasl_mechanism: mechanism.to_owned(), ..settings() };
            let plain = Kafka { security_protocol: "sasl_plaintext".to_owned(), ..settings.clone() };
            let mut expected = vec![
                ("sasl.mechanism", mechanism),
                ("sasl.password", "password"),
                ("sasl.username", "worker"),
                ("security.protocol", "sasl_plaintext"),
            ];
            assert_eq!(security(&effective(&plain)), expected);
            let encrypted = Kafka { security_protocol: "sasl_ssl".to_owned(), ..settings };
            expected[3].1 = "sasl_ssl";
            expected.push(("ssl.ca.location", "probe"));
            assert_eq!(security(&effective(&encrypted)), expected);
        }
    }

    #[test]
    fn an_offset_counts_unless_it_says_that_it_is_of_another_log() {
        let committed_with = |note: &str| {
            let mut list = TopicPartitionList::new();
            let mut place = list.add_partition("events", 0);
            place.set_offset(ClientOffset::Offset(7)).unwrap();
            place.set_metadata(note);
            committed(&place, "new")
        };
        assert_eq!(committed_with(&log_note("new")), Some(7));
        assert_eq!(committed_with(""), Some(7), "committed by an earlier version, or by another tool");
        assert_eq!(committed_with("by hand"), Some(7));
        assert_eq!(committed_with(&log_note("old")), None);
    }

    #[test]
    fn the_consumer_protocol_leaves_sessions_to_the_broker() {
        let settings = Kafka { group_protocol: "consumer".to_owned(), group_instance_id: "pod-7".to_owned(), ..settings() };
        let effective = effective(&settings);
        assert_eq!(effective["group.protocol"], "consumer");
        assert_eq!(effective["group.instance.id"], "pod-7-1");
        for key in ["session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"] {
            assert!(!effective.contains_key(key), "{key}");
        }
    }
}
