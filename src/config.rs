//! `worker.toml` and the environment become one validated [`Config`].
//!
//! Three layers, the later one wins: the defaults (`config/worker.toml`, built in, the only place of a default), the
//! user's file, and variables `GRAPEVINE_<SECTION>_<KEY>`. All mistakes are named at once. Nothing is contacted.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub use crate::assignment::Garbage;
use crate::certificates::{Files, Flaw};
pub use crate::clickhouse::Layout;
use crate::engine::Rules;

mod judge;
mod layers;
mod mistake;
mod passed;
mod raw;
mod sasl;
mod store;
mod validate;

pub use mistake::{ConfigErrors, Mistake};

use judge::Judge;
use layers::Layers;
use raw::Raw;
use validate::PseudonymKey;

/// A key of the configuration: its section and its name.
pub type Key = (&'static str, &'static str);

/// Everything a worker is told.
#[derive(Clone)]
pub struct Config {
    /// Loops and names.
    pub worker: Worker,
    /// The log.
    pub kafka: Kafka,
    /// The store.
    pub clickhouse: ClickHouse,
    /// What rows depend on.
    pub rules: Rules,
    /// What memory there is.
    pub memory: Memory,
    /// When rows leave.
    pub flush: Flush,
    /// Where states are kept.
    pub checkpoint: Checkpoint,
    /// The admin server.
    pub admin: Admin,
    /// Logs.
    pub log: Log,
}

impl Config {
    /// Reads what a worker needs: the file, if any, over the defaults, and the environment over both.
    ///
    /// # Errors
    ///
    /// All mistakes, each with its place and cure. A missing key of pseudonyms is one.
    pub fn load(path: Option<&Path>, env: impl Iterator<Item = (String, String)>) -> Result<Config, ConfigErrors> {
        read(path, env, PseudonymKey::Required)
    }

    /// Reads what a command needs that stores nobody's pseudonym, such as `migrate`: the key may be missing, and is all
    /// zeros then.
    ///
    /// # Errors
    ///
    /// All mistakes, each with its place and cure.
    pub fn load_without_key(path: Option<&Path>, env: impl Iterator<Item = (String, String)>) -> Result<Config, ConfigErrors> {
        read(path, env, PseudonymKey::Optional)
    }

    /// Every key with the value in use, as TOML; secrets are masked.
    #[must_use]
    pub fn effective(&self) -> String {
        let mut text = toml::to_string(&Raw::of(self)).unwrap_or_default();
        for (_, key) in raw::SECRETS {
            text = text.replace(&format!("\n{key}_file = "), &format!("\n{key} = "));
        }
        text
    }
}

/// Prints the effective configuration: the rules hold the key of pseudonyms, which nobody may see.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.effective())
    }
}

fn read(path: Option<&Path>, env: impl Iterator<Item = (String, String)>, need: PseudonymKey) -> Result<Config, ConfigErrors> {
    let mut layers = Layers::defaults();
    if let Some(path) = path {
        layers.put_file(path);
    }
    layers.put_environment(env);
    let mut judge = Judge { mistakes: layers.mistakes.clone(), layers: &layers };
    let raw: Raw = match layers.table.clone().try_into() {
        Ok(raw) => raw,
        Err(error) => {
            judge.mistakes.push(Mistake::new("the defaults", error.to_string(), "this build is broken"));
            return Err(ConfigErrors(judge.mistakes));
        }
    };
    let config = validate::config(&mut judge, raw, need);
    if judge.mistakes.is_empty() { Ok(config) } else { Err(ConfigErrors(judge.mistakes)) }
}

/// Loops and names.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Identical loops, each a member of the consumer group.
    pub threads: usize,
    /// The first half of a source's name; by default the topic's name.
    pub log: String,
    /// How long a shutdown may take before the worker gives up (nothing is lost, the next start replays).
    pub shutdown_deadline: Duration,
    /// What stops the worker because it reads a wrong topic.
    pub garbage: Garbage,
}

/// A secret: never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub String);

impl Secret {
    /// The secret in a file, without one trailing line break.
    ///
    /// # Errors
    /// When it cannot be read, or is no text.
    pub fn read(path: &Path) -> std::io::Result<Secret> {
        let text = std::fs::read_to_string(path)?;
        let value = text.strip_suffix('\n').unwrap_or(&text);
        Ok(Secret(value.strip_suffix('\r').unwrap_or(value).to_owned()))
    }

    /// The secret in a file; an empty one is none.
    ///
    /// # Errors
    /// When there is none in it. `key` names the file.
    pub fn held(key: Key, file: &Path) -> Result<Secret, Flaw> {
        let problem = match Secret::read(file) {
            Ok(read) if !read.0.is_empty() => return Ok(read),
            Ok(_) => format!("{file:?} is empty"),
            Err(error) => format!("{file:?} cannot be read: {error}"),
        };
        Err(Flaw { key, problem, cure: "name a readable file that holds the secret".to_owned() })
    }
}

/// A secret that was renewed while the process runs, if it was; clones share it.
#[derive(Clone, Debug)]
pub struct Renewed(Arc<watch::Sender<Option<Secret>>>);

impl Default for Renewed {
    fn default() -> Self {
        Renewed(Arc::new(watch::Sender::new(None)))
    }
}

impl Renewed {
    /// From now on this one.
    pub fn renew(&self, secret: Secret) {
        self.0.send_replace(Some(secret));
    }

    /// The newest, if it was renewed.
    #[must_use]
    pub fn newest(&self) -> Option<Secret> {
        self.0.borrow().clone()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() { "(empty)" } else { "(secret)" })
    }
}

/// The log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "every key is described in config/worker.toml")]
pub struct Kafka {
    pub brokers: String,
    pub topic: String,
    /// The group's name without the epoch.
    pub group: String,
    /// `classic` or `consumer` (KIP-848).
    pub group_protocol: String,
    /// Empty: dynamic membership. Threads append their number.
    pub group_instance_id: String,
    /// `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.
    pub security_protocol: String,
    /// `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`, `OAUTHBEARER` or `AWS_MSK_IAM`; used with the two sasl protocols.
    pub sasl_mechanism: String,
    pub sasl_username: String,
    pub sasl_password: Secret,
    /// Where it came from, unless it was from its variable.
    pub sasl_password_file: Option<PathBuf>,
    pub oauth_token_url: String,
    pub oauth_client_id: String,
    pub oauth_client_secret: Secret,
    /// Where it came from, unless it was from its variable.
    pub oauth_client_secret_file: Option<PathBuf>,
    pub oauth_scope: String,
    /// Names and values.
    pub oauth_extensions: Vec<(String, String)>,
    pub oauth_ca_file: Option<PathBuf>,
    /// Written, or read off the brokers' names; empty where no signature is asked for.
    pub aws_region: String,
    pub ssl_ca_file: Option<PathBuf>,
    pub ssl_crl_file: Option<PathBuf>,
    pub ssl_certificate_file: Option<PathBuf>,
    pub ssl_key_file: Option<PathBuf>,
    pub ssl_key_password: Secret,
    /// Where it came from, unless it was from its variable.
    pub ssl_key_password_file: Option<PathBuf>,
    /// What the four files hold.
    pub ssl_files: Files,
    pub session_timeout: Duration,
    pub heartbeat_interval: Duration,
    pub max_poll_interval: Duration,
    pub fetch_wait: Duration,
    pub fetch_queue_backoff: Duration,
    /// Bytes of one partition, and of all, in one answer of a broker, compressed.
    pub fetch_partition_bytes: usize,
    pub fetch_bytes: usize,
    /// Bytes of fetched records kept by the client, a partition.
    pub queued_bytes: usize,
    /// How often the client's statistics (lag) are taken.
    pub statistics_interval: Duration,
    /// Empty: leaders are read.
    pub rack: String,
    /// Settings of the client itself, by its names.
    pub client: BTreeMap<String, String>,
}

impl Kafka {
    /// With what the files of certificates and keys hold now.
    #[must_use]
    pub fn with_files(mut self) -> Kafka {
        self.ssl_files = Files::of_kafka(&self);
        self
    }

    /// Whether clients of both show the same to the brokers and believe the same. Tokens are apart: clients that run are given new ones.
    #[must_use]
    pub fn connects_as(&self, other: &Kafka) -> bool {
        self.ssl_files == other.ssl_files && self.sasl_password == other.sasl_password
    }

    /// Whether brokers are shown a token or a signature, and no password.
    #[must_use]
    pub fn shows_tokens(&self) -> bool {
        self.security_protocol.starts_with("sasl_") && matches!(self.sasl_mechanism.as_str(), "OAUTHBEARER" | "AWS_MSK_IAM")
    }

    /// The mechanism as brokers call it: MSK takes its signatures as tokens.
    #[must_use]
    pub fn mechanism(&self) -> &str {
        if self.shows_tokens() { "OAUTHBEARER" } else { &self.sasl_mechanism }
    }

    /// The name of an epoch's consumer group: epochs are read side by side.
    #[must_use]
    pub fn group_of(&self, epoch: u16) -> String {
        format!("{}-epoch-{epoch}", self.group)
    }
}

/// The store.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "every key is described in config/worker.toml")]
pub struct ClickHouse {
    /// At least one: [`Config::load`] sees to it.
    pub urls: Vec<String>,
    pub layout: Layout,
    pub database: String,
    pub user: String,
    pub password: Secret,
    /// Where it may be renewed; none where a variable holds it.
    pub password_file: Option<PathBuf>,
    /// What it was renewed to since the start.
    pub renewed_password: Renewed,
    pub ca_file: Option<PathBuf>,
    pub certificate_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    /// Deadline of connecting and sending, an attempt.
    pub send_timeout: Duration,
    /// Deadline of the answer, an attempt.
    pub end_timeout: Duration,
    /// First and greatest wait between two attempts.
    pub backoff_min: Duration,
    pub backoff_max: Duration,
    /// `lz4` or `none`.
    pub compression: String,
    /// Whether somebody is to run `grapevine rollup` on it.
    pub answers_expected: bool,
    /// Settings of inserts, by the server's names.
    pub settings: BTreeMap<String, String>,
}

impl ClickHouse {
    /// The password of the start, or what it was renewed to since.
    #[must_use]
    pub fn current_password(&self) -> Secret {
        self.renewed_password.newest().unwrap_or_else(|| self.password.clone())
    }
}

/// What memory there is.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Bytes that the process may take; `None`: as many as the system says.
    pub limit: Option<u64>,
}

/// When rows leave. It decides when, never what.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "every key is described in config/worker.toml")]
pub struct Flush {
    pub interval: Duration,
    pub max_interval: Duration,
    /// Rows per second and partition that the interval is stretched to keep within.
    pub rows_per_second: u64,
    /// Rows that make a flush due at once (catching up).
    pub rows_max: usize,
    /// Bytes of one insert, before compression.
    pub bytes_max: usize,
}

/// Where states are kept.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "every key is described in config/worker.toml")]
pub struct Checkpoint {
    /// `file:///…`, a plain path, or the URL of an object store.
    pub url: String,
    pub interval: Duration,
    /// zstd level of the compression.
    pub compression_level: i32,
}

/// The admin server.
#[derive(Clone, Debug)]
pub struct Admin {
    /// `None`: no admin server.
    pub address: Option<SocketAddr>,
    /// Not healthy when a loop has not ticked for so long.
    pub stalled_after: Duration,
}

/// Logs.
#[derive(Clone, Debug)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives like `info,grapevine=debug`.
    pub level: String,
    /// `text` or `json`.
    pub format: String,
}
