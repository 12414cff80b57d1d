//! The configuration as it is written: one field a key of `config/worker.toml`, in the same order, with units in the names.
//!
//! No defaults and no rules here: the former are in that file, the latter in `validate.rs`. Deserializing that file is
//! the proof that both have the same keys, because no field may be absent and none unknown.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Config, Secret};
use crate::record::Millis;

/// The secrets, `(section, key)`: they come from a variable, or from the file that the key with `_file` names.
pub(super) const SECRETS: [(&str, &str); 5] = [
    ("kafka", "sasl_password"),
    ("kafka", "oauth_client_secret"),
    ("kafka", "ssl_key_password"),
    ("clickhouse", "password"),
    ("rules", "pseudonym_key"),
];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub(super) worker: Worker,
    pub(super) kafka: Kafka,
    pub(super) clickhouse: ClickHouse,
    pub(super) rules: Rules,
    pub(super) memory: Memory,
    pub(super) flush: Flush,
    pub(super) checkpoint: Checkpoint,
    pub(super) admin: Admin,
    pub(super) log: Log,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Worker {
    pub(super) epoch: u64,
    pub(super) threads: u64,
    pub(super) log: String,
    pub(super) shutdown_deadline_seconds: u64,
    pub(super) garbage_percent: u64,
    pub(super) garbage_records: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kafka {
    pub(super) brokers: String,
    pub(super) topic: String,
    pub(super) group: String,
    pub(super) group_protocol: String,
    pub(super) group_instance_id: String,
    pub(super) security_protocol: String,
    pub(super) sasl_mechanism: String,
    pub(super) sasl_username: String,
    pub(super) sasl_password_file: String,
    pub(super) oauth_token_url: String,
    pub(super) oauth_client_id: String,
    pub(super) oauth_client_secret_file: String,
    pub(super) oauth_scope: String,
    pub(super) oauth_extensions: String,
    pub(super) oauth_ca_file: String,
    pub(super) aws_region: String,
    pub(super) ssl_ca_file: String,
    pub(super) ssl_crl_file: String,
    pub(super) ssl_certificate_file: String,
    pub(super) ssl_key_file: String,
    pub(super) ssl_key_password_file: String,
    pub(super) session_timeout_ms: u64,
    pub(super) heartbeat_interval_ms: u64,
    pub(super) max_poll_interval_ms: u64,
    pub(super) fetch_wait_ms: u64,
    pub(super) fetch_queue_backoff_ms: u64,
    pub(super) fetch_partition_kib: u64,
    pub(super) fetch_kib: u64,
    pub(super) queued_kib: u64,
    pub(super) statistics_interval_ms: u64,
    pub(super) rack: String,
    pub(super) client: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClickHouse {
    pub(super) urls: String,
    pub(super) layout: String,
    pub(super) cluster: String,
    pub(super) database: String,
    pub(super) user: String,
    pub(super) password_file: String,
    pub(super) ca_file: String,
    pub(super) certificate_file: String,
    pub(super) key_file: String,
    pub(super) send_timeout_seconds: u64,
    pub(super) end_timeout_seconds: u64,
    pub(super) backoff_min_ms: u64,
    pub(super) backoff_max_ms: u64,
    pub(super) compression: String,
    pub(super) answers: String,
    pub(super) settings: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    pub(super) pseudonym_key_file: String,
    pub(super) window_minutes: u64,
    pub(super) session_gap_minutes: u64,
    pub(super) watermark_lag_seconds: u64,
    pub(super) future_bound_minutes: u64,
    pub(super) root_retention_days: u64,
    pub(super) budget_entries: u64,
    pub(super) reject_kib: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memory {
    pub(super) limit_mib: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Flush {
    pub(super) interval_seconds: u64,
    pub(super) max_interval_seconds: u64,
    pub(super) rows_per_second: u64,
    pub(super) rows_max: u64,
    pub(super) bytes_max: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkpoint {
    pub(super) url: String,
    pub(super) interval_seconds: u64,
    pub(super) compression_level: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Admin {
    pub(super) address: String,
    pub(super) stalled_after_seconds: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) level: String,
    pub(super) format: String,
}

impl Raw {
    /// The way back, for people to read: what a file would have to say to give this configuration. Secrets are masked.
    pub(super) fn of(config: &Config) -> Raw {
        Raw {
            worker: Worker::of(config),
            kafka: Kafka::of(&config.kafka),
            clickhouse: ClickHouse::of(&config.clickhouse),
            rules: Rules::of(&config.rules),
            memory: Memory { limit_mib: config.memory.limit.map_or(0, |limit| limit >> 20) },
            flush: Flush {
                interval_seconds: config.flush.interval.as_secs(),
                max_interval_seconds: config.flush.max_interval.as_secs(),
                rows_per_second: config.flush.rows_per_second,
                rows_max: config.flush.rows_max as u64,
                bytes_max: config.flush.bytes_max as u64,
            },
            checkpoint: Checkpoint {
                url: config.checkpoint.url.clone(),
                interval_seconds: config.checkpoint.interval.as_secs(),
                compression_level: u64::from(config.checkpoint.compression_level.unsigned_abs()),
            },
            admin: Admin {
                address: config.admin.address.map(|address| address.to_string()).unwrap_or_default(),
                stalled_after_seconds: config.admin.stalled_after.as_secs(),
            },
            log: Log { level: config.log.level.clone(), format: config.log.format.clone() },
        }
    }
}

impl Worker {
    fn of(config: &Config) -> Worker {
        Worker {
            epoch: u64::from(config.rules.epoch),
            threads: config.worker.threads as u64,
            log: config.worker.log.clone(),
            shutdown_deadline_seconds: config.worker.shutdown_deadline.as_secs(),
            garbage_percent: config.worker.garbage.percent,
            garbage_records: config.worker.garbage.records,
        }
    }
}

impl Kafka {
    fn of(kafka: &super::Kafka) -> Kafka {
        Kafka {
            brokers: kafka.brokers.clone(),
            topic: kafka.topic.clone(),
            group: kafka.group.clone(),
            group_protocol: kafka.group_protocol.clone(),
            group_instance_id: kafka.group_instance_id.clone(),
            security_protocol: kafka.security_protocol.clone(),
            sasl_mechanism: kafka.sasl_mechanism.clone(),
            sasl_username: kafka.sasl_username.clone(),
            sasl_password_file: masked(&kafka.sasl_password),
            oauth_token_url: kafka.oauth_token_url.clone(),
            oauth_client_id: kafka.oauth_client_id.clone(),
            oauth_client_secret_file: masked(&kafka.oauth_client_secret),
            oauth_scope: kafka.oauth_scope.clone(),
            oauth_extensions: pairs(&kafka.oauth_extensions),
            oauth_ca_file: text(kafka.oauth_ca_file.as_ref()),
            aws_region: kafka.aws_region.clone(),
            ssl_ca_file: text(kafka.ssl_ca_file.as_ref()),
            ssl_crl_file: text(kafka.ssl_crl_file.as_ref()),
            ssl_certificate_file: text(kafka.ssl_certificate_file.as_ref()),
            ssl_key_file: text(kafka.ssl_key_file.as_ref()),
            ssl_key_password_file: masked(&kafka.ssl_key_password),
            session_timeout_ms: millis(kafka.session_timeout),
            heartbeat_interval_ms: millis(kafka.heartbeat_interval),
            max_poll_interval_ms: millis(kafka.max_poll_interval),
            fetch_wait_ms: millis(kafka.fetch_wait),
            fetch_queue_backoff_ms: millis(kafka.fetch_queue_backoff),
            fetch_partition_kib: kafka.fetch_partition_bytes as u64 / 1024,
            fetch_kib: kafka.fetch_bytes as u64 / 1024,
            queued_kib: kafka.queued_bytes as u64 / 1024,
            statistics_interval_ms: millis(kafka.statistics_interval),
            rack: kafka.rack.clone(),
            client: kafka.client.clone(),
        }
    }
}

impl ClickHouse {
    fn of(clickhouse: &super::ClickHouse) -> ClickHouse {
        ClickHouse {
            urls: clickhouse.urls.join(","),
            layout: clickhouse.layout.name().to_owned(),
            cluster: clickhouse.layout.cluster().unwrap_or_default().to_owned(),
            database: clickhouse.database.clone(),
            user: clickhouse.user.clone(),
            password_file: masked(&clickhouse.password),
            ca_file: text(clickhouse.ca_file.as_ref()),
            certificate_file: text(clickhouse.certificate_file.as_ref()),
            key_file: text(clickhouse.key_file.as_ref()),
            send_timeout_seconds: clickhouse.send_timeout.as_secs(),
            end_timeout_seconds: clickhouse.end_timeout.as_secs(),
            backoff_min_ms: millis(clickhouse.backoff_min),
            backoff_max_ms: millis(clickhouse.backoff_max),
            compression: clickhouse.compression.clone(),
            answers: if clickhouse.answers_expected { "expected" } else { "optional" }.to_owned(),
            settings: clickhouse.settings.clone(),
        }
    }
}

impl Rules {
    fn of(rules: &crate::engine::Rules) -> Rules {
        let key = if rules.pseudonym_key == [0; 16] { "" } else { "(secret)" };
        Rules {
            pseudonym_key_file: key.to_owned(),
            window_minutes: whole(rules.window, 60_000),
            session_gap_minutes: whole(rules.session_gap, 60_000),
            watermark_lag_seconds: whole(rules.watermark_lag, 1000),
            future_bound_minutes: whole(rules.future_bound, 60_000),
            root_retention_days: whole(rules.root_retention, 86_400_000),
            budget_entries: rules.budget,
            reject_kib: rules.reject_bytes as u64 / 1024,
        }
    }
}

fn masked(secret: &Secret) -> String {
    if secret.0.is_empty() { String::new() } else { "(secret)".to_owned() }
}

fn pairs(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}

fn text(path: Option<&PathBuf>) -> String {
    path.map(|path| path.display().to_string()).unwrap_or_default()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn whole(millis: Millis, unit: Millis) -> u64 {
    u64::try_from(millis / unit).unwrap_or(0)
}
