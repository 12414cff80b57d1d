//! What values have to mean: each alone, then together. The outcome is a [`Config`] and all mistakes.
//!
//! Nothing is contacted here, and no file but those that the configuration names is read.

use std::hash::Hasher;
use std::net::SocketAddr;
use std::path::PathBuf;

use object_store::ObjectStoreScheme;
use siphasher::sip128::{Hasher128, SipHasher24};
use url::Url;

use super::judge::Judge;
use super::layers::variable;
use super::passed;
use super::raw::{self, Raw};
use super::{Admin, Checkpoint, Config, Flush, Garbage, Kafka, Key, Log, Memory, Secret, Worker, sasl, store};
use crate::certificates::{File, Files};
use crate::engine::{CLOCK_WITNESSES, Rules};

/// The seconds in which a revoked partition is flushed or dropped: a shutdown needs more.
const REVOKE_SECONDS: u64 = 5;

/// The fewest bytes of a secret that is worth the name of a key.
const KEY_BYTES_MIN: usize = 16;

/// What the client takes: an answer has to fit beside its protocol's own bytes.
const FETCH_KIB_MAX: u64 = 1_000_000_000 / 1024;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// Whether a command makes pseudonyms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PseudonymKey {
    /// It does: without a key it must not start.
    Required,
    /// It writes no rows of people.
    Optional,
}

pub(super) fn config(judge: &mut Judge<'_>, raw: Raw, need: PseudonymKey) -> Config {
    let Raw { worker, kafka, clickhouse, rules, memory, flush, checkpoint, admin, log } = raw;
    let mib = judge.within(("memory", "limit_mib"), memory.limit_mib, 0..=1 << 30);
    let epoch = u16::try_from(judge.within(("worker", "epoch"), worker.epoch, 0..=65_534)).unwrap_or_default();
    let kafka = self::kafka(judge, kafka);
    let config = Config {
        worker: self::worker(judge, worker, &kafka.topic),
        kafka,
        clickhouse: store::clickhouse(judge, clickhouse),
        rules: self::rules(judge, rules, epoch, need),
        memory: Memory { limit: (mib > 0).then_some(mib << 20) },
        flush: self::flush(judge, &flush),
        checkpoint: self::checkpoint(judge, checkpoint),
        admin: self::admin(judge, &admin),
        log: self::log(judge, log),
    };
    if config.checkpoint.interval < config.flush.interval {
        let problem =
            format!("{} s is shorter than a flush, and a checkpoint follows a flush", config.checkpoint.interval.as_secs());
        judge.wrong(("checkpoint", "interval_seconds"), problem, "raise it, or lower flush.interval_seconds");
    }
    config
}

fn worker(judge: &mut Judge<'_>, raw: raw::Worker, topic: &str) -> Worker {
    let log = if raw.log.is_empty() { topic.to_owned() } else { raw.log };
    if log.contains('/') || log.chars().any(char::is_control) {
        judge.wrong(
            ("worker", "log"),
            format!("{log:?} holds a slash or a control character"),
            "use letters, digits, dots and dashes",
        );
    }
    let deadline = ("worker", "shutdown_deadline_seconds");
    Worker {
        threads: judge.size(("worker", "threads"), raw.threads, 1..=64),
        log,
        shutdown_deadline: judge.seconds(deadline, raw.shutdown_deadline_seconds, REVOKE_SECONDS + 1..=3600),
        garbage: Garbage {
            percent: judge.within(("worker", "garbage_percent"), raw.garbage_percent, 1..=100),
            records: judge.within(("worker", "garbage_records"), raw.garbage_records, 1..=1_000_000_000),
        },
    }
}

fn kafka(judge: &mut Judge<'_>, raw: raw::Kafka) -> Kafka {
    let key = |name| ("kafka", name);
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let before = judge.mistakes.len();
    brokers(judge, &raw.brokers);
    let kafka = Kafka {
        topic: judge.name(key("topic"), raw.topic, legal, "ASCII letters, digits, dots, underscores and dashes"),
        group: judge.name(key("group"), raw.group, |c| !c.is_control(), "characters without control characters"),
        group_protocol: judge.one_of(key("group_protocol"), raw.group_protocol, &["classic", "consumer"]),
        group_instance_id: raw.group_instance_id,
        security_protocol: judge.one_of(
            key("security_protocol"),
            raw.security_protocol,
            &["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"],
        ),
        aws_region: sasl::region(raw.aws_region, &raw.sasl_mechanism, &raw.brokers),
        brokers: raw.brokers,
        sasl_mechanism: judge.one_of(key("sasl_mechanism"), raw.sasl_mechanism, &sasl::MECHANISMS),
        sasl_username: raw.sasl_username,
        sasl_password: judge.secret(key("sasl_password"), key("sasl_password_file"), &raw.sasl_password_file),
        oauth_token_url: raw.oauth_token_url,
        oauth_client_id: raw.oauth_client_id,
        oauth_client_secret: judge.secret(
            key("oauth_client_secret"),
            key("oauth_client_secret_file"),
            &raw.oauth_client_secret_file,
        ),
        oauth_client_secret_file: judge.secret_file(key("oauth_client_secret"), &raw.oauth_client_secret_file),
        oauth_scope: raw.oauth_scope,
        oauth_extensions: sasl::extensions(&raw.oauth_extensions),
        oauth_ca_file: path(raw.oauth_ca_file),
        sasl_password_file: judge.secret_file(key("sasl_password"), &raw.sasl_password_file),
        ssl_ca_file: path(raw.ssl_ca_file),
        ssl_crl_file: path(raw.ssl_crl_file),
        ssl_certificate_file: path(raw.ssl_certificate_file),
        ssl_key_file: path(raw.ssl_key_file),
        ssl_key_password: judge.secret(key("ssl_key_password"), key("ssl_key_password_file"), &raw.ssl_key_password_file),
        ssl_key_password_file: judge.secret_file(key("ssl_key_password"), &raw.ssl_key_password_file),
        ssl_files: Files::default(),
        session_timeout: judge.millis(key("session_timeout_ms"), raw.session_timeout_ms, 1..=1_800_000),
        heartbeat_interval: judge.millis(key("heartbeat_interval_ms"), raw.heartbeat_interval_ms, 1..=600_000),
        max_poll_interval: judge.millis(key("max_poll_interval_ms"), raw.max_poll_interval_ms, 1..=86_400_000),
        fetch_wait: judge.millis(key("fetch_wait_ms"), raw.fetch_wait_ms, 1..=5000),
        fetch_queue_backoff: judge.millis(key("fetch_queue_backoff_ms"), raw.fetch_queue_backoff_ms, 0..=10_000),
        fetch_partition_bytes: judge
            .size(key("fetch_partition_kib"), raw.fetch_partition_kib, 1..=FETCH_KIB_MAX)
            .saturating_mul(1024),
        fetch_bytes: judge.size(key("fetch_kib"), raw.fetch_kib, 1..=FETCH_KIB_MAX).saturating_mul(1024),
        queued_bytes: judge.size(key("queued_kib"), raw.queued_kib, 64..=2_097_151).saturating_mul(1024),
        statistics_interval: judge.millis(key("statistics_interval_ms"), raw.statistics_interval_ms, 100..=600_000),
        rack: raw.rack,
        client: passed::to_kafka(judge, raw.client),
    }
    .with_files();
    if kafka.fetch_bytes < kafka.fetch_partition_bytes {
        let problem = format!("{} KiB are less than one partition may have of them", kafka.fetch_bytes / 1024);
        judge.wrong(key("fetch_kib"), problem, "choose at least kafka.fetch_partition_kib, or lower that");
    }
    group_times(judge, &kafka);
    sasl::sasl(judge, &kafka);
    tls(judge, &kafka);
    let is_well = judge.mistakes.len() == before;
    passed::fit_kafka(judge, &kafka, is_well);
    kafka
}

fn brokers(judge: &mut Judge<'_>, brokers: &str) {
    for broker in brokers.split(',') {
        let (host, port) = broker.trim().rsplit_once(':').unwrap_or((broker.trim(), "9092"));
        if host.is_empty() || host.contains("://") || port.parse::<u16>().is_err() {
            let cure = "write host:port, several with commas between them";
            judge.wrong(("kafka", "brokers"), format!("{broker:?} is no broker"), cure);
        }
    }
}

fn group_times(judge: &mut Judge<'_>, kafka: &Kafka) {
    let session = ("kafka", "session_timeout_ms");
    if kafka.session_timeout <= 3 * kafka.heartbeat_interval {
        let problem = format!("{} ms leaves no room for a lost heartbeat", kafka.session_timeout.as_millis());
        let cure =
            format!("choose more than three times kafka.heartbeat_interval_ms (3 x {} ms)", kafka.heartbeat_interval.as_millis());
        judge.wrong(session, problem, cure);
    }
    if kafka.max_poll_interval < kafka.session_timeout {
        let problem = format!("{} ms is shorter than the session", kafka.max_poll_interval.as_millis());
        let cure = format!("choose at least kafka.session_timeout_ms ({} ms)", kafka.session_timeout.as_millis());
        judge.wrong(("kafka", "max_poll_interval_ms"), problem, cure);
    }
}

fn tls(judge: &mut Judge<'_>, kafka: &Kafka) {
    let wanted = kafka.security_protocol.ends_with("ssl");
    for file in kafka.ssl_files.named().filter(|_| !wanted) {
        judge.wrong(file.key, "is set, but kafka.security_protocol would not use it", "choose ssl or sasl_ssl, or remove it");
    }
    hold_what_they_should(judge, &kafka.ssl_files);
}

pub(super) fn hold_what_they_should(judge: &mut Judge<'_>, files: &Files) {
    let Files { certificate, key, .. } = files;
    match [certificate, key].map(File::is_named) {
        [true, false] => judge.wrong(key.key, "is empty", "a certificate needs its key: name both or none"),
        [false, true] => judge.wrong(certificate.key, "is empty", "a key needs its certificate: name both or none"),
        _ => {}
    }
    for flaw in files.flaws() {
        judge.wrong(flaw.key, flaw.problem, flaw.cure);
    }
}

/// What a key names; nothing if it is empty.
pub(super) fn path(text: String) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

/// An address that is asked by HTTP, if it is one: without a user or a password, for which there is something else.
pub(super) fn web_address(judge: &mut Judge<'_>, key: Key, address: &str, cure: &str, instead: String) -> Option<Url> {
    match Url::parse(address) {
        Err(error) => judge.wrong(key, format!("is no URL: {error}"), cure),
        Ok(url) if !matches!(url.scheme(), "http" | "https") || url.host().is_none() => {
            judge.wrong(key, format!("has the scheme {:?}", url.scheme()), cure);
        }
        Ok(url) if has_credentials(&url) => judge.wrong(key, "holds a user or a password", instead),
        Ok(url) => return Some(url),
    }
    None
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn rules(judge: &mut Judge<'_>, raw: raw::Rules, epoch: u16, need: PseudonymKey) -> Rules {
    let key = |name| ("rules", name);
    let secret = judge.secret(key("pseudonym_key"), key("pseudonym_key_file"), &raw.pseudonym_key_file);
    let window = judge.event_time(key("window_minutes"), raw.window_minutes, 1..=60, MINUTE);
    if DAY % window != 0 {
        let problem = format!("{} does not divide a day", raw.window_minutes);
        judge.wrong(key("window_minutes"), problem, "choose a divisor of 1440, such as 5, 10, 15, 30 or 60");
    }
    Rules {
        epoch,
        pseudonym_key: pseudonym_key(judge, &secret, need),
        window,
        session_gap: judge.event_time(key("session_gap_minutes"), raw.session_gap_minutes, 1..=43_200, MINUTE),
        watermark_lag: judge.event_time(key("watermark_lag_seconds"), raw.watermark_lag_seconds, 0..=86_400, 1000),
        future_bound: judge.event_time(key("future_bound_minutes"), raw.future_bound_minutes, 0..=1440, MINUTE),
        root_retention: judge.event_time(key("root_retention_days"), raw.root_retention_days, 1..=3650, DAY),
        clock_witnesses: CLOCK_WITNESSES,
        budget: judge.within(key("budget_entries"), raw.budget_entries, 1..=4_000_000_000),
        reject_bytes: judge.size(key("reject_kib"), raw.reject_kib, 1..=16_384).saturating_mul(1024),
    }
}

/// The 16 bytes that pseudonyms are made with: SipHash-2-4 with 128 bits of output over the bytes of the secret, keyed with
/// the constant below. Fixed for ever, because another outcome would make another person of everybody.
fn pseudonym_key(judge: &mut Judge<'_>, secret: &Secret, need: PseudonymKey) -> [u8; 16] {
    let key = ("rules", "pseudonym_key");
    let set = format!("set {} or rules.pseudonym_key_file", variable("rules", "pseudonym_key"));
    if secret.0.is_empty() && need == PseudonymKey::Optional {
        return [0; 16];
    }
    if secret.0.is_empty() {
        judge.wrong(
            key,
            "is missing, and ids of people are stored only under it",
            format!("{set}, for example from `openssl rand -hex 32`"),
        );
    } else if secret.0.len() < KEY_BYTES_MIN {
        let problem = format!("has {} bytes, few enough to be guessed", secret.0.len());
        judge.wrong(key, problem, format!("{set} to a text of at least {KEY_BYTES_MIN} bytes"));
    }
    let mut hasher = SipHasher24::new_with_key(b"grapevine people");
    hasher.write(secret.0.as_bytes());
    hasher.finish128().as_bytes()
}

fn flush(judge: &mut Judge<'_>, raw: &raw::Flush) -> Flush {
    let key = |name| ("flush", name);
    let flush = Flush {
        interval: judge.seconds(key("interval_seconds"), raw.interval_seconds, 1..=3600),
        max_interval: judge.seconds(key("max_interval_seconds"), raw.max_interval_seconds, 1..=3600),
        rows_per_second: judge.within(key("rows_per_second"), raw.rows_per_second, 1..=100_000_000),
        rows_max: judge.size(key("rows_max"), raw.rows_max, 1..=10_000_000),
        bytes_max: judge.size(key("bytes_max"), raw.bytes_max, 65_536..=536_870_912),
    };
    if flush.max_interval < flush.interval {
        let problem =
            format!("{} s is less than flush.interval_seconds ({} s)", flush.max_interval.as_secs(), flush.interval.as_secs());
        judge.wrong(key("max_interval_seconds"), problem, "raise it, or lower the other");
    }
    flush
}

fn checkpoint(judge: &mut Judge<'_>, raw: raw::Checkpoint) -> Checkpoint {
    checkpoint_address(judge, &raw.url);
    let level = judge.within(("checkpoint", "compression_level"), raw.compression_level, 1..=19);
    Checkpoint {
        url: raw.url,
        interval: judge.seconds(("checkpoint", "interval_seconds"), raw.interval_seconds, 1..=86_400),
        compression_level: i32::try_from(level).unwrap_or(1),
    }
}

fn checkpoint_address(judge: &mut Judge<'_>, address: &str) {
    let key = ("checkpoint", "url");
    let cure = "write file:///folder, an absolute path, or a URL such as s3://bucket/folder";
    if address.is_empty() {
        return judge.wrong(key, "is empty", cure);
    }
    if address.starts_with('/') {
        return;
    }
    let is_file = address.starts_with("file:") && !address.starts_with("file:///");
    if is_file || !address.contains(':') {
        let cure = "write the whole path, /folder or file:///folder, without ~: a service may start in any folder";
        return judge.wrong(key, format!("{address:?} is no absolute path"), cure);
    }
    match Url::parse(address) {
        Err(error) => judge.wrong(key, format!("is no URL: {error}"), cure),
        // In URLs of Azure the container stands where others have the user.
        Ok(url) if has_credentials(&url) && (url.password().is_some() || !url.scheme().starts_with('a')) => {
            judge.wrong(key, "holds a user or a password", "give credentials as the object store's own variables do");
        }
        Ok(url) if url.scheme() != "file" && !is_object_store(&url) => {
            judge.wrong(key, format!("{address:?} is no place that this program knows"), cure);
        }
        Ok(_) => {}
    }
}

fn is_object_store(url: &Url) -> bool {
    use ObjectStoreScheme::{AmazonS3, GoogleCloudStorage, MicrosoftAzure};
    matches!(ObjectStoreScheme::parse(url), Ok((AmazonS3 | GoogleCloudStorage | MicrosoftAzure, _)))
}

fn admin(judge: &mut Judge<'_>, raw: &raw::Admin) -> Admin {
    let address = match raw.address.parse::<SocketAddr>() {
        Ok(address) => Some(address),
        Err(_) if raw.address.is_empty() => None,
        Err(_) => {
            let cure = "write an IP address and a port, such as 127.0.0.1:9464, or nothing for no admin server";
            judge.wrong(("admin", "address"), format!("{:?} is no address", raw.address), cure);
            None
        }
    };
    let stalled_after = ("admin", "stalled_after_seconds");
    Admin { address, stalled_after: judge.seconds(stalled_after, raw.stalled_after_seconds, 2 * REVOKE_SECONDS..=86_400) }
}

fn log(judge: &mut Judge<'_>, raw: raw::Log) -> Log {
    if let Err(problem) = crate::logs::directives(&raw.level) {
        judge.wrong(
            ("log", "level"),
            problem,
            "write error, warn, info, debug, trace, or directives such as info,grapevine=debug",
        );
    }
    Log { level: raw.level, format: judge.one_of(("log", "format"), raw.format, &["text", "json"]) }
}
