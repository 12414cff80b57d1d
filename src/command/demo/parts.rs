//! The parts around the worker: embedded, or somebody's own. Adapts the configuration to them.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::{Arguments, DemoError};
use crate::config::Config;
use crate::embedded::broker::{MockBroker, create_topic};
use crate::embedded::chdb;
use crate::embedded::clickhouse::EmbeddedClickHouse;
use crate::kafka;

/// The log's label in the demo: its sources are `demo/0`, `demo/1`, …, whatever the topic is called.
const LOG: &str = "demo";

/// Rows and checkpoints leave quickly: somebody is waiting, and the embedded broker forgets what it has no
/// room for.
const HURRY: Duration = Duration::from_millis(100);

/// Nothing needs to survive the demo but rows, and those are there before it ends.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// A pseudonym key for people who gave none: the demo's rows are to look at, not to protect.
const KEY: [u8; 16] = *b"grapevine's demo";

/// What runs beside the worker. Dropped, the embedded parts end.
pub(super) struct Parts {
    broker: Option<MockBroker>,
    clickhouse: Option<EmbeddedClickHouse>,
    _folder: TempDir,
}

impl Parts {
    /// Starts what is not given, and points the configuration at it all.
    pub(super) fn start(arguments: &Arguments, config: &mut Config) -> Result<Self, DemoError> {
        let ports = [("clickhouse-port", arguments.clickhouse_port), ("metrics-port", arguments.metrics_port)];
        for (option, port) in ports.into_iter().filter_map(|(option, port)| Some((option, port?))) {
            // Asked first, because a part that finds its port taken does not know which option gave it.
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|source| DemoError::Port { port, option, source })?;
        }
        let folder = tempfile::Builder::new().prefix("grapevine-demo-").tempdir();
        let folder = folder.map_err(|error| DemoError::Local("make a temporary folder", error))?;
        let clickhouse = match &arguments.clickhouse {
            Some(urls) => {
                config.clickhouse.urls = urls.split(',').map(|url| url.trim().to_owned()).collect();
                None
            }
            None => {
                let data = arguments.data.clone().unwrap_or_else(|| folder.path().join("clickhouse"));
                let started = start_clickhouse(&data, arguments.clickhouse_port.unwrap_or(0))?;
                config.clickhouse.urls = vec![started.url().to_owned()];
                // The embedded one knows no users.
                "default".clone_into(&mut config.clickhouse.user);
                config.clickhouse.password = crate::config::Secret::default();
                Some(started)
            }
        };
        let broker = match &arguments.brokers {
            Some(_) if config.kafka.shows_tokens() => return Err(DemoError::Tokens),
            Some(brokers) => {
                config.kafka.brokers.clone_from(brokers);
                None
            }
            None => Some(start_broker(config)?),
        };
        adapt(arguments, config, &folder);
        Ok(Parts { broker, clickhouse, _folder: folder })
    }

    pub(super) fn broker_is_embedded(&self) -> bool {
        self.broker.is_some()
    }

    /// Creates the demo's topic; on somebody's brokers it stays.
    pub(super) async fn create_topic(&self, arguments: &Arguments, config: &Config) -> Result<(), DemoError> {
        let (topic, partitions) = (&config.kafka.topic, usize::from(arguments.partitions));
        match &self.broker {
            Some(broker) => broker.create_topic(topic, partitions)?,
            None => create_topic(&config.kafka.brokers, &self.client_settings(config), topic, partitions).await?,
        }
        Ok(())
    }

    /// How a producer reaches the brokers.
    pub(super) fn client_settings(&self, config: &Config) -> Vec<(String, String)> {
        if self.broker_is_embedded() { Vec::new() } else { kafka::security_settings(&config.kafka) }
    }

    /// Says where everything is: to standard output, unless answers stand there.
    pub(super) fn say_where(&self, config: &Config, admin: Option<SocketAddr>, answered: bool) -> io::Result<()> {
        let mut text = format!(
            "broker      {}  (topic {})\nclickhouse  {}  (database {})\n",
            config.kafka.brokers,
            config.kafka.topic,
            config.clickhouse.urls.join(", "),
            config.clickhouse.database
        );
        if let Some(admin) = admin {
            text += &format!("metrics     http://{admin}/metrics\n");
        }
        let end = if self.clickhouse.is_some() { "Ctrl-C ends it all." } else { "Ctrl-C ends the worker." };
        text += &format!("{end}\n");
        if answered {
            io::stderr().write_all(text.as_bytes())
        } else {
            io::stdout().write_all(text.as_bytes())?;
            io::stdout().flush()
        }
    }
}

fn start_clickhouse(data: &Path, port: u16) -> Result<EmbeddedClickHouse, DemoError> {
    // Asked first, because the answer says what to run.
    chdb::find_library()?;
    std::fs::create_dir_all(data).map_err(|error| DemoError::Local("make the folder of the database", error))?;
    let exe = std::env::current_exe().map_err(|error| DemoError::Local("find this program", error))?;
    Ok(EmbeddedClickHouse::start_at(&exe, data, port)?)
}

fn start_broker(config: &mut Config) -> Result<MockBroker, DemoError> {
    let broker = MockBroker::start()?;
    broker.bootstrap_servers().clone_into(&mut config.kafka.brokers);
    "plaintext".clone_into(&mut config.kafka.security_protocol);
    "classic".clone_into(&mut config.kafka.group_protocol);
    config.kafka.group_instance_id.clear();
    // The embedded broker lets a rebalance wait for almost a whole session.
    config.kafka.session_timeout = Duration::from_millis(1500);
    config.kafka.heartbeat_interval = Duration::from_millis(200);
    // It does not wake a waiting fetch either.
    config.kafka.fetch_wait = Duration::from_millis(10);
    Ok(broker)
}

/// A topic, a group and checkpoints of this run alone.
fn adapt(arguments: &Arguments, config: &mut Config, folder: &TempDir) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    config.kafka.topic = format!("grapevine-demo-{now}");
    config.kafka.group.clone_from(&config.kafka.topic);
    LOG.clone_into(&mut config.worker.log);
    config.worker.shutdown_deadline = SHUTDOWN;
    // Whatever was given shall be shown, rejects too.
    config.worker.garbage.percent = 100;
    if let Some(threads) = arguments.threads {
        config.worker.threads = usize::from(threads);
    }
    if config.rules.pseudonym_key == [0; 16] {
        config.rules.pseudonym_key = KEY;
    }
    config.checkpoint.url = folder.path().join("checkpoints").display().to_string();
    config.checkpoint.interval = HURRY;
    config.flush.interval = HURRY;
    config.flush.max_interval = 2 * HURRY;
    config.flush.rows_per_second = u64::MAX;
    config.admin.address = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.metrics_port.unwrap_or(0))));
}
