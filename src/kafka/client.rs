//! How the client is set up, and what its callbacks note.
//!
//! Decides nothing about partitions: callbacks write down what happened, the reader acts on it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientConfig, Offset as ClientOffset, TopicPartitionList};
use tokio::sync::oneshot;
use tracing::{debug, error, info, warn};

use super::errors;
use super::note;
pub(crate) use super::note::log_note;
use super::passed::{self, For};
use super::tokens::Tokens;
use crate::certificates::File;
use crate::config;
use crate::failure::Failure;
use crate::reader::Extent;
use crate::record::{Offset, Partition};

/// The consumer with its notes.
pub(super) type Client = BaseConsumer<Context>;

/// What every member that is a worker calls itself: whoever else is in the group is told from them by it.
pub(super) const CLIENT_ID: &str = "grapevine";

/// The client's settings for one loop of one epoch.
pub(super) fn client_config(settings: &config::Kafka, epoch: u16, thread: usize) -> ClientConfig {
    let mut config = ClientConfig::new();
    let millis = |duration: Duration| duration.as_millis().to_string();
    config
        .set("bootstrap.servers", &settings.brokers)
        .set("client.id", CLIENT_ID)
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
        // An answer is unpacked at once, so these bound what somebody else's compression can make of this process's memory.
        // The second bounds the first, too: the client doubles that one after each answer of aborted records alone.
        .set("fetch.message.max.bytes", settings.fetch_partition_bytes.to_string())
        .set("fetch.max.bytes", settings.fetch_bytes.to_string())
        // Of producers; a consumer only refuses to fetch less at once.
        .set("message.max.bytes", settings.fetch_bytes.clamp(1000, 1_000_000).to_string())
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
    if !settings.rack.is_empty() {
        config.set("client.rack", &settings.rack);
    }
    set_security(&mut config, settings);
    passed::pass(settings, For::All, &mut config);
    passed::pass(settings, For::Reader, &mut config);
    config
}

/// What any client needs to reach the brokers of a configuration: protocol, certificates, credentials, and what the operator says of connections.
#[must_use]
pub fn security_settings(settings: &config::Kafka) -> Vec<(String, String)> {
    let mut config = ClientConfig::new();
    set_security(&mut config, settings);
    passed::pass(settings, For::All, &mut config);
    // The map hides secrets; `get` does not.
    let value = |key: &str| config.get(key).unwrap_or_default().to_owned();
    config.config_map().keys().map(|key| ((*key).to_owned(), value(key))).collect()
}

fn set_security(config: &mut ClientConfig, settings: &config::Kafka) {
    config.set("security.protocol", &settings.security_protocol);
    if settings.security_protocol.starts_with("sasl_") {
        config.set("sasl.mechanism", settings.mechanism());
        if !settings.shows_tokens() {
            config.set("sasl.username", &settings.sasl_username).set("sasl.password", &settings.sasl_password.0);
        }
    }
    if settings.security_protocol.ends_with("ssl") {
        // Without a file: wherever this system keeps its certificates.
        let files = &settings.ssl_files;
        if !files.authorities.is_named() {
            config.set("ssl.ca.location", "probe");
        }
        set_file(config, ["ssl.ca.pem", "ssl.ca.location"], &files.authorities);
        set_file(config, ["ssl.certificate.pem", "ssl.certificate.location"], &files.certificate);
        set_file(config, ["ssl.key.pem", "ssl.key.location"], &files.key);
        if let Some(file) = &settings.ssl_crl_file {
            config.set("ssl.crl.location", file.to_string_lossy());
        }
        if !settings.ssl_key_password.0.is_empty() {
            config.set("ssl.key.password", &settings.ssl_key_password.0);
        }
    }
}

/// Gives the client what a file held when it was judged, so that every client of this configuration is the same whatever becomes of the
/// file; only its name where that is no text, so that the client reads it itself, or says that it cannot.
fn set_file(config: &mut ClientConfig, [content, location]: [&str; 2], file: &File) {
    let Some(path) = &file.path else { return };
    match file.content().map(std::str::from_utf8) {
        Some(Ok(text)) => config.set(content, text),
        _ => config.set(location, path.to_string_lossy()),
    };
}

/// What the callbacks noted, in the order in which it happened.
#[derive(Debug)]
pub(super) enum Notice {
    Assigned(Vec<Partition>),
    Revoked {
        partitions: Vec<Partition>,
        lost: bool,
    },
    /// Where a partition begins and ends.
    Extent(Partition, Extent),
}

/// What the callbacks noted. They run inside `poll`, on the loop's own thread, or on the closing one.
pub(super) struct Context {
    topic: String,
    tokens: Tokens,
    notices: Mutex<VecDeque<Notice>>,
    reason: Mutex<Option<String>>,
    closing: AtomicBool,
    fetched: AtomicU64,
}

impl Context {
    pub(super) fn new(topic: &str, tokens: &Tokens) -> Self {
        Self {
            topic: topic.to_owned(),
            tokens: tokens.clone(),
            notices: Mutex::default(),
            reason: Mutex::default(),
            closing: AtomicBool::new(false),
            fetched: AtomicU64::new(0),
        }
    }

    /// How far the partition that it has got furthest in was fetched by its last statistics, whether or not anything was handed out.
    pub(super) fn fetched(&self) -> Offset {
        self.fetched.load(Ordering::Relaxed)
    }

    /// What its client shows to the brokers.
    pub(super) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The first thing that was noted and not taken yet.
    pub(super) fn take(&self) -> Option<Notice> {
        lock(&self.notices).pop_front()
    }

    /// What the client said of its last error.
    pub(super) fn take_reason(&self) -> Option<String> {
        lock(&self.reason).take()
    }

    fn note(&self, notice: Notice) {
        lock(&self.notices).push_back(notice);
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // The same comes as an error, which is said once, with what it means.
        let said_elsewhere = facility == "FAIL" && level as i32 == RDKafkaLogLevel::Error as i32;
        match level {
            RDKafkaLogLevel::Error if said_elsewhere => debug!(facility, "{message}"),
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
            // -1 and -1001 are not numbers. With transactions only what is settled can be read.
            let [first, settled, written] =
                [partition.lo_offset, partition.ls_offset, partition.hi_offset].map(|offset| Offset::try_from(offset).ok());
            self.note(Notice::Extent(Partition(*number), Extent { first, end: settled.or(written), written }));
            self.fetched.fetch_max(offset(partition.next_offset), Ordering::Relaxed);
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
        self.note(if gives {
            Notice::Assigned(partitions)
        } else {
            Notice::Revoked { partitions, lost: client.assignment_lost() }
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

/// An offset as the client takes it.
pub(super) fn client_offset(offset: Offset) -> ClientOffset {
    ClientOffset::Offset(i64::try_from(offset).unwrap_or(i64::MAX))
}

/// What a group has committed for this log. An offset without a note counts: it may be of any log.
pub(crate) fn committed(answer: &TopicPartitionListElem<'_>, log: &str) -> Option<Offset> {
    let noted = answer.metadata();
    if !note::counts(noted, log) {
        warn!(partition = answer.partition(), "the group's offset is of another log ({noted}) and counts for nothing here");
        return None;
    }
    if let ClientOffset::Offset(offset) = answer.offset() { Offset::try_from(offset).ok() } else { None }
}

/// A client that asks to be a member of its group.
pub(super) fn join(config: &ClientConfig, topic: &str, tokens: &Tokens) -> KafkaResult<Arc<Client>> {
    let client: Client = config.create_with_context(Context::new(topic, tokens))?;
    client.subscribe(&[topic])?;
    Ok(Arc::new(client))
}

/// Leaves the group and destroys the client on a thread of its own, after giving back what it has.
pub(super) fn give_up(client: Arc<Client>, started: &TopicPartitionList) -> Option<oneshot::Receiver<()>> {
    // From now on nobody asks for rebalances: they are answered at once.
    client.context().closing.store(true, Ordering::Release);
    // Whatever the group waits for is answered; a refusal means that it waits for nothing.
    for answer in [client.incremental_assign(&TopicPartitionList::new()), client.incremental_unassign(started)] {
        if let Err(error) = answer {
            debug!("on leaving the group: {error}");
        }
    }
    on_thread("kafka-close", move || {
        client.unsubscribe();
        drop(client);
    })
}

/// Partitions without an offset.
pub(super) fn list(topic: &str, partitions: &[Partition]) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition(topic, partition.0);
    }
    list
}

/// Partitions, and where each is to be read on.
pub(super) fn places(topic: &str, places: &[(Partition, Offset)]) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (partition, next) in places {
        list.add_partition_offset(topic, partition.0, client_offset(*next))?;
    }
    Ok(list)
}

/// The partitions that a seek did not move.
pub(super) fn refused(answers: &TopicPartitionList) -> Vec<Partition> {
    let elements = answers.elements();
    let refused = elements.iter().filter(|element| element.error().is_err());
    refused.map(|element| Partition(element.partition())).collect()
}

/// Runs a call that blocks on a thread of its own; the receiver hears when it is done. Nothing if there is no thread for it.
pub(super) fn on_thread<T: Send + 'static>(
    name: &str,
    call: impl FnOnce() -> T + Send + 'static,
) -> Option<oneshot::Receiver<T>> {
    let (done, heard) = oneshot::channel();
    let run = move || {
        // Nobody waits any more when the deadline has passed.
        drop(done.send(call()));
    };
    match std::thread::Builder::new().name(name.to_owned()).spawn(run) {
        Ok(_) => Some(heard),
        Err(error) => {
            warn!("could not start a thread: {error}");
            None
        }
    }
}

/// Asks the brokers something without holding up the loop's other work.
///
/// Not the runtime's blocking pool: a call that hangs there would hold up its shutdown.
pub(super) async fn ask<T: Send + 'static>(
    what: String,
    deadline: Duration,
    call: impl FnOnce() -> KafkaResult<T> + Send + 'static,
) -> Result<T, Failure> {
    let Some(answer) = on_thread("kafka-ask", call) else {
        return Err(Failure::Transient(format!("{what}: there is no thread to ask on")));
    };
    match tokio::time::timeout(deadline, answer).await {
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(error))) if error.rdkafka_error_code().is_some_and(errors::needs_operator) => {
            Err(Failure::Operator(format!("{what}: {error}")))
        }
        Ok(Ok(Err(error))) => Err(Failure::Transient(format!("{what}: {error}"))),
        Ok(Err(_)) => Err(Failure::Transient(format!("{what}: the call was given up"))),
        Err(_) => Err(Failure::Transient(format!("{what}: no answer within {deadline:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::certificates::Files;
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
            sasl_password_file: None,
            oauth_token_url: "https://id/token".to_owned(),
            oauth_client_id: "worker".to_owned(),
            oauth_client_secret: Secret("hidden".to_owned()),
            oauth_client_secret_file: None,
            oauth_scope: String::new(),
            oauth_extensions: Vec::new(),
            oauth_ca_file: None,
            aws_region: "eu-west-1".to_owned(),
            ssl_ca_file: None,
            ssl_crl_file: None,
            ssl_certificate_file: None,
            ssl_key_file: None,
            ssl_key_password: Secret::default(),
            ssl_key_password_file: None,
            ssl_files: Files::default(),
            session_timeout: Duration::from_secs(45),
            heartbeat_interval: Duration::from_secs(3),
            max_poll_interval: Duration::from_secs(300),
            fetch_wait: Duration::from_millis(50),
            fetch_queue_backoff: Duration::from_millis(10),
            fetch_partition_bytes: 16 << 10,
            fetch_bytes: 32 << 10,
            queued_bytes: 8 << 20,
            statistics_interval: Duration::from_secs(5),
            rack: String::new(),
            client: BTreeMap::new(),
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
            ("fetch.message.max.bytes", "16384"),
            ("fetch.max.bytes", "32768"),
            ("queued.max.messages.kbytes", "8192"),
            ("session.timeout.ms", "45000"),
        ] {
            assert_eq!(effective.get(key).map(String::as_str), Some(value), "{key}");
        }
        assert!(!effective.contains_key("group.instance.id"));
    }

    #[test]
    fn what_the_operator_may_say_of_the_client_is_nothing_that_the_worker_says() {
        let settings = Kafka {
            rack: "zone-a".to_owned(),
            group_instance_id: "pod".to_owned(),
            security_protocol: "sasl_ssl".to_owned(),
            ssl_ca_file: Some("ca.pem".into()),
            ssl_certificate_file: Some("worker.pem".into()),
            ssl_key_file: Some("worker.key".into()),
            ssl_key_password: Secret("opens".to_owned()),
            ..settings()
        }
        .with_files();
        for key in effective(&settings).keys() {
            let (_, cure) = passed::may_pass(key, "x").expect_err(key);
            assert!(!cure.contains("config/worker.toml"), "{key} is refused without a word why");
        }
    }

    #[test]
    fn what_the_operator_says_of_connections_goes_to_every_client_and_what_of_reading_to_the_reader() {
        let said = [("socket.timeout.ms", "30000"), ("fetch.min.bytes", "1000")];
        let client = said.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let settings = Kafka { rack: "zone-a".to_owned(), client, ..settings() };
        let reader = effective(&settings);
        assert_eq!((reader["socket.timeout.ms"].as_str(), reader["fetch.min.bytes"].as_str()), ("30000", "1000"));
        assert_eq!(reader["client.rack"], "zone-a");
        let others: BTreeMap<String, String> = security_settings(&settings).into_iter().collect();
        assert_eq!(others["socket.timeout.ms"], "30000");
        assert!(!others.contains_key("fetch.min.bytes") && !others.contains_key("client.rack"), "{others:?}");
    }

    #[test]
    fn plaintext_sends_no_secret() {
        assert_eq!(security(&effective(&settings())), [("security.protocol", "plaintext")]);
    }

    #[test]
    fn what_a_file_holds_goes_into_the_configuration_and_not_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, "content").unwrap();
        let settings = Kafka { security_protocol: "ssl".to_owned(), ssl_ca_file: Some(file), ..settings() }.with_files();
        std::fs::write(folder.path().join("ca.pem"), "written since").unwrap();
        assert_eq!(client_config(&settings, 3, 1).get("ssl.ca.pem"), Some("content"));
        assert_eq!(client_config(&settings, 3, 1).get("ssl.ca.location"), None);
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
        }
        .with_files();
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
    fn tokens_and_signatures_take_one_mechanism_and_no_password() {
        for mechanism in ["OAUTHBEARER", "AWS_MSK_IAM"] {
            let settings = Kafka { security_protocol: "sasl_ssl".to_owned(), sasl_mechanism: mechanism.to_owned(), ..settings() };
            let expected = [("sasl.mechanism", "OAUTHBEARER"), ("security.protocol", "sasl_ssl"), ("ssl.ca.location", "probe")];
            assert_eq!(security(&effective(&settings)), expected);
        }
    }

    #[test]
    fn every_client_of_the_settings_has_the_password() {
        let settings = Kafka { security_protocol: "sasl_plaintext".to_owned(), ..settings() };
        assert!(security_settings(&settings).contains(&("sasl.password".to_owned(), "password".to_owned())));
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
        assert_eq!(committed_with("log=new"), Some(7));
        assert_eq!(committed_with(&log_note("new", Some((1, 2)))), Some(7));
        assert_eq!(committed_with(""), Some(7), "committed by an earlier version, or by another tool");
        assert_eq!(committed_with("by hand"), Some(7));
        assert_eq!(committed_with("log=old"), None);
        assert_eq!(committed_with(&log_note("old", Some((1, 2)))), None);
    }

    /// What a group's offsets look like that a build before this one has committed: what is beside them, the offset, the log. As of every
    /// format of it one file, never changed.
    #[test]
    fn offsets_that_builds_before_have_committed_count_for_their_log_alone() {
        // Of brokers that tell no topic's id, and of those that do.
        let without_id = (None, include_str!("../../tests/golden/offsets/notes-1.txt"));
        let with_id = (Some((-1, 7)), include_str!("../../tests/golden/offsets/notes-2.txt"));
        for (topic, kept) in [without_id, with_id] {
            for line in kept.lines() {
                let [note, offset, log] = *line.split('\t').collect::<Vec<_>>() else { panic!("{line:?}") };
                let offset: Offset = offset.parse().unwrap();
                let mut list = TopicPartitionList::new();
                let mut place = list.add_partition("events", 0);
                place.set_offset(ClientOffset::Offset(i64::try_from(offset).unwrap())).unwrap();
                place.set_metadata(note);
                assert_eq!(committed(&place, log), Some(offset), "{line:?}");
                let of_another = committed(&place, "another");
                assert_eq!(of_another.is_none(), !note.is_empty(), "{line:?}: {of_another:?}");
                let is_ours = log_note(log, topic) == note;
                assert!(note.is_empty() || is_ours, "{line:?}: a new format is a new file beside this one");
            }
        }
        assert_eq!([without_id, with_id].map(|(_, kept)| kept.lines().count()), [4, 3]);
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
