//! `grapevine check --probe`: asks Kafka, ClickHouse and the checkpoint store whether a worker could do its work with them.
//!
//! Nothing is read from the log, no row is written, and no member joins the group. One object is written beside the checkpoints, and deleted.

use std::time::Duration;

use ::clickhouse::Client;

use crate::checkpoints::CheckpointStore;
use crate::clickhouse::{ClickHouseSink, SETTINGS, TABLES, classify, client, known_settings, reach};
use crate::command::log::Log;
use crate::config::{self, Config};
use crate::failure::Failure;
use crate::kafka::{Described, Survey};
use crate::record::Partition;
use crate::worker::{Sink as _, StoreId};
use crate::{migrations, service};

/// What was found out, a line each.
#[derive(Debug, Default)]
pub(super) struct Findings {
    lines: Vec<String>,
    /// Whether something has to be cured.
    pub(super) wrong: bool,
}

impl Findings {
    fn ok(&mut self, key: &str, what: impl AsRef<str>) {
        self.lines.push(format!("ok       {key}: {}", what.as_ref()));
    }

    /// Not known, and no reason not to start.
    fn unknown(&mut self, key: &str, what: &str) {
        self.lines.push(format!("unknown  {key}: {what}"));
    }

    fn wrong(&mut self, key: &str, what: impl AsRef<str>) {
        self.wrong = true;
        self.lines.push(format!("wrong    {key}: {}", what.as_ref().replace('\n', " ")));
    }

    fn said<E: std::fmt::Display>(&mut self, key: &str, outcome: Result<String, E>) -> bool {
        match outcome {
            Ok(what) => self.ok(key, what),
            Err(why) => {
                self.wrong(key, why.to_string());
                return false;
            }
        }
        true
    }

    /// All of them.
    pub(super) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// Asks everybody.
pub(super) async fn ask(config: &Config) -> Findings {
    let mut findings = Findings::default();
    kafka(config, &mut findings).await;
    let mut stores = Vec::new();
    for url in &config.clickhouse.urls {
        let client = client(&config.clickhouse, url);
        if findings.said("clickhouse.urls", address(&client, url, config.clickhouse.send_timeout).await) {
            let known = clickhouse(config, (url, &client), &mut findings).await;
            stores.extend(known.map(|store| (url, store)));
        }
    }
    are_one(&stores, &mut findings);
    checkpoints(config, &mut findings).await;
    findings
}

async fn kafka(config: &Config, findings: &mut Findings) {
    let settings = &config.kafka;
    let log = match Log::open(config, config.rules.epoch) {
        Ok(log) => log,
        Err(error) => return findings.wrong("kafka", error.to_string()),
    };
    let partitions = match log.partitions() {
        Ok(partitions) => partitions,
        Err(error) => return findings.wrong("kafka.brokers", error.to_string()),
    };
    findings.ok("kafka.topic", format!("{} is at {}, with {} partitions", settings.topic, settings.brokers, partitions.len()));
    if let Some(first) = partitions.first() {
        findings.said("kafka.topic", may_read(config, &log, *first));
    }
    let committed = log.committed(&partitions).map(|committed| {
        format!("{} may be asked; it has committed {} of {} partitions", log.group(), committed.len(), partitions.len())
    });
    findings.said("kafka.group", committed);
    let described = match Survey::new(settings, log.tokens(), config.rules.epoch) {
        Ok(survey) => survey.settings().await,
        Err(failure) => return findings.wrong("kafka", failure.to_string()),
    };
    match described {
        Described::Settings(topic) => {
            let problems = topic.problems(&settings.topic, config.checkpoint.interval);
            let kept = topic
                .retention
                .map_or_else(|| "for ever".to_owned(), |retention| humantime::format_duration(retention).to_string());
            if problems.is_empty() {
                findings.ok("kafka.topic", format!("records are kept {kept}, and none are taken away before"));
            }
            problems.iter().for_each(|(_, text)| findings.wrong("kafka.topic", text));
        }
        Described::Denied => {
            findings.unknown("kafka.topic", "cleanup.policy and retention.ms: grant DESCRIBE_CONFIGS on it to see them watched")
        }
        Described::Nothing => findings.unknown("kafka.topic", "cleanup.policy and retention.ms: the brokers do not tell"),
    }
}

fn may_read(config: &Config, log: &Log, partition: Partition) -> Result<String, String> {
    let topic = &config.kafka.topic;
    log.may_read(partition)
        .map(|()| format!("{topic} may be read"))
        .map_err(|error| format!("{error}: grant READ on topic {topic}, and on group {}", log.group()))
}

/// Whether a ClickHouse is at an address, and which.
async fn address(client: &Client, url: &str, limit: Duration) -> Result<String, String> {
    reach(client, limit).await.map_err(|failure| format!("{url}: {failure}"))?;
    let version = client.clone().with_database("system").query_raw("SELECT version()").fetch_one::<String>().await;
    version.map(|version| format!("{url} is a ClickHouse {version}")).map_err(|error| format!("{url}: {}", classify(&error)))
}

/// Whether a worker could do its work with the store at one address; which store it is.
async fn clickhouse(config: &Config, (url, client): (&String, &Client), findings: &mut Findings) -> Option<StoreId> {
    let at = |what: &str| format!("{url}: {what}");
    match migrations::check(client, &config.clickhouse.layout).await {
        Ok(None) => findings.ok("clickhouse.database", at("its tables and views are those of this version")),
        Ok(Some(warning)) => findings.wrong("clickhouse.database", at(&warning)),
        // Nothing else can be asked of it.
        Err(problem) => {
            findings.wrong("clickhouse.database", at(&problem.to_string()));
            return None;
        }
    }
    let engines = engines(client).await;
    findings.said("clickhouse.database", engines.map(|what| at(&what)).map_err(|why| at(&why)));
    let may_insert = may_insert(config, client).await;
    findings.said("clickhouse.user", may_insert.map(|what| at(&what)).map_err(|failure| failure.on(url)));
    let one = config::ClickHouse { urls: vec![url.clone()], ..config.clickhouse.clone() };
    let sink = ClickHouseSink::new(&one, config.flush.bytes_max, config.rules.epoch, service::now);
    let known = sink.known(&format!("{}/0", config.worker.log)).await.map_err(|failure| failure.on(url));
    let store = known.as_ref().ok().map(|known| known.store);
    findings.said("clickhouse.database", known.map(|known| at(&format!("it is store {}", known.store))));
    store
}

/// Rows that one address takes must be seen at the others.
fn are_one(stores: &[(&String, StoreId)], findings: &mut Findings) {
    let Some(((first, store), others)) = stores.split_first() else { return };
    for (url, other) in others.iter().filter(|(_, other)| other != store) {
        findings.wrong(
            "clickhouse.urls",
            format!(
                "{first} is store {store} and {url} is store {other}, no copies of each other: half of the rows would lie in each; name \
                 the addresses of one store"
            ),
        );
    }
}

/// Rows replace each other by their version: whatever the engine is called, it must do that.
async fn engines(client: &Client) -> Result<String, String> {
    let ask = "SELECT name, engine FROM system.tables WHERE database = currentDatabase() AND has({tables:Array(String)}, name)";
    let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
    let found: Vec<(String, String)> =
        client.query_raw(ask).param("tables", names).fetch_all().await.map_err(|error| classify(&error).to_string())?;
    let others = found.iter().filter(|(_, engine)| !engine.ends_with("ReplacingMergeTree") && engine != "Distributed");
    let others: Vec<String> = others.map(|(name, engine)| format!("{name} is a {engine}")).collect();
    if others.is_empty() {
        return Ok("rows of its tables replace each other by version".to_owned());
    }
    Err(format!(
        "{}: old rows would stand beside new ones; make the table again with ReplacingMergeTree(version)",
        others.join(", ")
    ))
}

/// An insert of no row into each table, with the settings of inserts: the user may do it, and the server knows what is set.
async fn may_insert(config: &Config, client: &Client) -> Result<String, Failure> {
    let settings = known_settings(client, &SETTINGS).await?;
    for table in TABLES {
        let columns = table.columns.iter().map(|column| format!("`{}`", column.name)).collect::<Vec<_>>().join(", ");
        let name = table.name;
        let insert = client.query_raw(&format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM {name} WHERE 0"));
        let insert = settings.iter().fold(insert, |insert, (name, value)| insert.with_setting(*name, *value));
        let insert = config.clickhouse.settings.iter().fold(insert, |insert, (name, value)| insert.with_setting(name, value));
        insert.execute().await.map_err(|error| classify(&error).on(&format!("could not insert into \"{name}\"")))?;
    }
    Ok(format!("{} may select from and insert into all tables", config.clickhouse.user))
}

async fn checkpoints(config: &Config, findings: &mut Findings) {
    let store = match CheckpointStore::open(&config.checkpoint, config.rules.epoch) {
        Ok(store) => store,
        Err(failure) => return findings.wrong("checkpoint.url", failure.to_string()),
    };
    let url = &config.checkpoint.url;
    let probed =
        store.probe().await.map(|()| format!("{url} may be written, listed, read and deleted, and refuses what is there"));
    if !findings.said("checkpoint.url", probed) {
        return;
    }
    let began = async {
        if !store.remembers_rules().await? {
            return Ok(format!("epoch {} begins here", config.rules.epoch));
        }
        store.check_fingerprint(&config.rules.fingerprint()).await?;
        Ok::<_, Failure>(format!("epoch {} began with these rules", config.rules.epoch))
    };
    findings.said("rules", began.await);
}
