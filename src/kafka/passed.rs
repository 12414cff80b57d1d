//! What an operator may tell the Kafka client itself (`[kafka.client]`): settings of connections, and of how much is fetched at once.
//! Everything else is refused, with the key of ours that does it, or with the reason why exactness forbids it.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::config;

/// Which clients a setting is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// Whoever reaches the brokers: the reader, the watch over the topic, commands.
    All,
    /// The reader alone.
    Reader,
}

/// What may be passed on, for whom, and what one does that for. Sorted by name; `config/worker.toml` lists the same.
pub(super) const PASSED: [(&str, For, &str); 27] = [
    ("api.version.request.timeout.ms", For::All, "a proxy is slow to connect"),
    ("broker.address.family", For::All, "names have addresses of both kinds, and one kind leads nowhere: v4, v6"),
    ("broker.address.ttl", For::All, "brokers change their addresses: how long an answer of DNS is believed"),
    ("client.dns.lookup", For::All, "one name stands for several brokers, whose certificates have the real ones"),
    ("connections.max.idle.ms", For::All, "a firewall drops idle connections without a word: less than its time"),
    ("coordinator.query.interval.ms", For::Reader, "how often a lost coordinator is looked for"),
    ("debug", For::All, "the client's own log for a support case, such as broker,security; with log.level = debug"),
    ("enable.metrics.push", For::All, "false: brokers that ask for figures of their clients (KIP-714) get none"),
    ("fetch.error.backoff.ms", For::Reader, "the wait after a fetch that failed"),
    ("fetch.min.bytes", For::Reader, "fewer and larger answers, for brokers that are short of CPU, at the cost of freshness"),
    ("log.connection.close", For::All, "false: connections that a broker closes are not logged"),
    ("metadata.recovery.rebootstrap.trigger.ms", For::All, "when kafka.brokers is asked anew because no known broker answers"),
    ("metadata.recovery.strategy", For::All, "none: kafka.brokers is asked at the start only"),
    ("queued.min.messages", For::Reader, "records that are fetched ahead; their bytes are bounded by kafka.queued_kib"),
    (
        "receive.message.max.bytes",
        For::All,
        "an answer is larger than 100 MB; at least 512 more than 50 MiB, and than kafka.fetch_kib",
    ),
    ("reconnect.backoff.max.ms", For::All, "the longest wait before a lost broker is tried again"),
    ("reconnect.backoff.ms", For::All, "the first of these waits"),
    ("retry.backoff.max.ms", For::All, "the longest wait before a question is asked again"),
    ("retry.backoff.ms", For::All, "the first of these waits"),
    ("socket.connection.setup.timeout.ms", For::All, "a far or busy network: TLS and SASL take longer than 30 s"),
    ("socket.keepalive.enable", For::All, "connections that died without a word are noticed"),
    ("socket.nagle.disable", For::All, "questions are sent at once"),
    ("socket.receive.buffer.bytes", For::All, "a long fat network"),
    ("socket.send.buffer.bytes", For::All, "a long fat network"),
    ("socket.timeout.ms", For::All, "a far network: how long an answer may take"),
    ("ssl.cipher.suites", For::All, "what an audit allows of TLS 1.2"),
    ("ssl.sigalgs.list", For::All, "what an audit allows of signatures"),
];

const OWN_OFFSETS: &str = "offsets follow checkpoints: committed earlier, records would be lost; remove it";
const LOGIN: &str = "use the keys kafka.security_protocol, kafka.sasl_… and kafka.ssl_…";
const WHOLE: &str = "every record has to come once, as it was written and committed; remove it";
const CHECKED: &str = "whoever answers would be taken for the broker; remove it, and name who signs in kafka.ssl_ca_file";

/// What is not passed on, by how its name begins: what to do instead.
const REFUSED: [(&str, &str); 46] = [
    ("allow.auto.create.topics", "a misspelled topic would be made, with the wrong number of partitions; remove it"),
    ("auto.commit.", OWN_OFFSETS),
    ("auto.offset.reset", "where to read on when the log lacks a position is for somebody to decide; remove it"),
    ("bootstrap.servers", "use kafka.brokers"),
    ("check.crcs", WHOLE),
    ("client.id", "workers know each other by it; remove it"),
    ("client.rack", "use kafka.rack"),
    ("enable.auto.", OWN_OFFSETS),
    ("enable.partition.eof", "the end of the log is told by it; remove it"),
    ("enable.random.seed", "it changes nothing here; remove it"),
    ("enable.sasl.", LOGIN),
    ("enable.ssl.certificate.verification", CHECKED),
    ("fetch.max.bytes", "use kafka.fetch_kib"),
    ("fetch.message.max.bytes", "use kafka.fetch_partition_kib"),
    ("fetch.queue.backoff.ms", "use kafka.fetch_queue_backoff_ms"),
    ("fetch.wait.max.ms", "use kafka.fetch_wait_ms"),
    ("group.id", "use kafka.group"),
    ("group.instance.id", "use kafka.group_instance_id"),
    ("group.protocol", "use kafka.group_protocol"),
    ("heartbeat.interval.ms", "use kafka.heartbeat_interval_ms"),
    ("isolation.level", WHOLE),
    ("log_level", "use log.level"),
    ("max.partition.fetch.bytes", "use kafka.fetch_partition_kib"),
    ("max.poll.interval.ms", "use kafka.max_poll_interval_ms"),
    ("message.max.bytes", "use kafka.fetch_kib"),
    ("metadata.broker.list", "use kafka.brokers"),
    ("metadata.max.age.ms", "new partitions are noticed by it; remove it"),
    ("offset.store.", OWN_OFFSETS),
    ("partition.assignment.strategy", "members that share partitions out in different ways end each other; remove it"),
    ("plugin.", "it would load a program; remove it"),
    ("queued.max.messages.kbytes", "use kafka.queued_kib"),
    ("sasl.", LOGIN),
    ("security.protocol", "use kafka.security_protocol"),
    ("session.timeout.ms", "use kafka.session_timeout_ms"),
    ("ssl.ca.", "use kafka.ssl_ca_file"),
    ("ssl.certificate.", "use kafka.ssl_certificate_file"),
    ("ssl.crl.", LOGIN),
    ("ssl.endpoint.identification.algorithm", CHECKED),
    ("ssl.engine.", LOGIN),
    ("ssl.key.", "use kafka.ssl_key_file"),
    ("ssl.keystore.", "use kafka.ssl_certificate_file and kafka.ssl_key_file"),
    ("ssl.providers", LOGIN),
    ("statistics.interval.ms", "use kafka.statistics_interval_ms"),
    ("topic.metadata.refresh.", "new partitions are noticed by it; remove it"),
    ("topic.blacklist", "the topic is kafka.topic; remove it"),
    ("transactional.id", "nothing is written with it; remove it"),
];

/// Whether a setting may be passed on to the client with this value; if not, what is wrong, and what to do.
///
/// # Errors
///
/// The problem and the cure.
pub(crate) fn may_pass(name: &str, value: &str) -> Result<(), (String, String)> {
    if !PASSED.iter().any(|(passed, ..)| *passed == name) {
        let refused = REFUSED.iter().find(|(beginning, _)| name.starts_with(beginning));
        let unknown = "config/worker.toml lists what is; remove it";
        return Err((format!("{name:?} is not passed on to the client"), refused.map_or(unknown, |(_, cure)| *cure).to_owned()));
    }
    let mut config = ClientConfig::new();
    config.set(name, value);
    let wrong = config.create_native_config().err();
    // The client says which values there are.
    wrong.map_or(Ok(()), |error| Err((format!("{name:?} cannot be {value:?}"), error.to_string())))
}

/// What an answer may have for a client that is no reader: its own default of `fetch.max.bytes`.
const ANSWER_MAX: u64 = 52_428_800;

/// What stands around records in an answer.
const AROUND: u64 = 512;

/// What does not go together of these settings, those of the client that nobody has said, and keys of ours, so that no client can be made: each
/// with what to do.
pub(crate) fn do_not_fit(settings: &config::Kafka) -> Vec<(String, String)> {
    let said = |name: &str| settings.client.get(name).and_then(|value| value.parse::<u64>().ok());
    let mut found = Vec::new();
    let [first, longest] = [("reconnect.backoff.ms", 100), ("reconnect.backoff.max.ms", 10_000)];
    let [before, after] = [first, longest].map(|(name, default)| said(name).unwrap_or(default));
    if before > after {
        let problem = format!("{:?} is {before} ms, and {:?}, the longest wait, {after} ms", first.0, longest.0);
        found.push((problem, "lower the first, or raise the second".to_owned()));
    }
    let needed = ANSWER_MAX.max(settings.fetch_bytes as u64) + AROUND;
    if let Some(room) = said("receive.message.max.bytes").filter(|room| *room < needed) {
        let problem = format!("\"receive.message.max.bytes\" is {room}, and an answer of a broker may have {needed}");
        found.push((problem, "raise it (512 more than 50 MiB, and than kafka.fetch_kib), or remove it".to_owned()));
    }
    found
}

/// Our keys of what [`LOGIN`] tells together, by how the client's names begin.
const OF_LOGIN: [(&str, &str); 5] = [
    ("sasl.mechanism", "sasl_mechanism"),
    ("sasl.password", "sasl_password_file"),
    ("sasl.username", "sasl_username"),
    ("ssl.crl.", "ssl_crl_file"),
    ("ssl.key.password", "ssl_key_password_file"),
];

/// What the client says of its settings, with our keys for those that it has from us, and the first of these keys, else that of what is passed on.
pub(super) fn in_our_words(said: &str) -> (&'static str, String) {
    let mut about = None;
    let words = said.split(' ').map(|word| {
        let name = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let name = name.split(|c: char| !c.is_ascii_alphanumeric() && !"._".contains(c)).next().unwrap_or_default();
        let of =
            |list: &[(&str, &'static str)]| list.iter().find(|(beginning, _)| name.starts_with(beginning)).map(|(_, says)| *says);
        let told = || of(&REFUSED)?.strip_prefix("use kafka.").filter(|key| !key.contains(' '));
        match of(&OF_LOGIN).or_else(told) {
            Some(key) => {
                about = about.or(Some(key));
                word.replace(name, &format!("kafka.{key}"))
            }
            None => word.to_owned(),
        }
    });
    let words = words.collect::<Vec<_>>().join(" ");
    (about.unwrap_or("client"), words)
}

/// Tells a client what the operator has said for it.
pub(super) fn pass(settings: &config::Kafka, whom: For, config: &mut ClientConfig) {
    for (name, value) in &settings.client {
        if PASSED.iter().any(|(passed, who, _)| passed == name && *who == whom) {
            config.set(name, value);
        }
    }
    if settings.client.contains_key("debug") {
        // Else the client keeps to itself what was asked for.
        config.set_log_level(RDKafkaLogLevel::Debug);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_known_to_the_client_and_each_has_its_reason() {
        assert!(PASSED.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (name, _, reason) in PASSED {
            let said = may_pass(name, "no value at all").map_or_else(|(_, cure)| cure, |()| String::new());
            assert!(!said.contains("No such configuration property"), "{name}: {said}");
            assert!(!reason.is_empty() && REFUSED.iter().all(|(beginning, _)| !name.starts_with(beginning)), "{name}");
        }
    }

    #[test]
    fn the_reference_file_lists_the_same_with_the_same_reasons() {
        let reference = include_str!("../../config/worker.toml");
        let listed: Vec<&str> = reference.lines().filter_map(|line| line.strip_prefix("#   \"")).collect();
        let wanted: Vec<String> = PASSED.iter().map(|(name, _, reason)| format!("{name}\": {reason}")).collect();
        assert_eq!(listed, wanted);
    }

    #[test]
    fn what_the_client_says_of_a_setting_names_our_key() {
        for (said, key, words) in [
            (
                "`max.poll.interval.ms`must be >= `session.timeout.ms`",
                "max_poll_interval_ms",
                "`kafka.max_poll_interval_ms`must be >= `kafka.session_timeout_ms`",
            ),
            ("ssl.certificate.pem failed: ee key too small", "ssl_certificate_file", "kafka.ssl_certificate_file failed: ee key"),
            ("ssl.crl.location failed: no start line", "ssl_crl_file", "kafka.ssl_crl_file failed: no start"),
            ("`sasl.mechanism` set to X but not supported", "sasl_mechanism", "`kafka.sasl_mechanism` set to X"),
            ("Unsupported value for \"sasl.mechanisms\"", "sasl_mechanism", "\"kafka.sasl_mechanism\""),
            (
                "sasl.username and sasl.password must be set",
                "sasl_username",
                "kafka.sasl_username and kafka.sasl_password_file must",
            ),
            ("ssl.key.password is wrong", "ssl_key_password_file", "kafka.ssl_key_password_file is wrong"),
            ("ssl.cipher.suites failed: no cipher match", "client", "ssl.cipher.suites failed"),
        ] {
            let (about, text) = in_our_words(said);
            assert!(about == key && text.contains(words), "{about}: {text}");
        }
    }

    #[test]
    fn a_refusal_names_the_key_or_the_reason() {
        for (name, cure) in [
            ("client.rack", "use kafka.rack"),
            ("enable.auto.commit", "offsets follow checkpoints"),
            ("isolation.level", "every record has to come once"),
            ("sasl.password", "kafka.sasl_"),
            ("no.such.setting", "config/worker.toml lists what is"),
        ] {
            let (problem, said) = may_pass(name, "x").unwrap_err();
            assert!(problem.contains(name) && said.contains(cure), "{problem}; {said}");
        }
        let (problem, said) = may_pass("socket.timeout.ms", "soon").unwrap_err();
        assert!(problem.contains("\"soon\"") && said.contains("socket.timeout.ms"), "{problem}; {said}");
        assert_eq!(may_pass("socket.timeout.ms", "30000"), Ok(()));
    }
}
