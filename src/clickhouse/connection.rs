//! Clients for the addresses of a store, and whether it answers and is as it should be.

use std::time::Duration;

use ::clickhouse::{Client, Compression};
use tokio::time::timeout;

use super::addresses::password::shown_by;
use super::databases::rows_database;
use super::settings::Setting;
use super::{ClickHouseSink, classify, errors, tls};
use crate::config;
use crate::failure::Failure;
use crate::migrations::{self, SchemaProblem};

/// The client for one address of a store, in the database of rows. It connects when it is first used.
#[must_use]
pub fn client(config: &config::ClickHouse, url: &str) -> Client {
    shown_by(without_password(config, url), config)
}

/// The same, for whoever adds the password each time.
pub(super) fn without_password(config: &config::ClickHouse, url: &str) -> Client {
    let client = tls::client(config).with_url(url).with_database(rows_database(&config.database)).with_user(&config.user);
    let compression = if config.compression == "lz4" { Compression::Lz4 } else { Compression::None };
    let settings = config.layout.settings().iter();
    let client = settings.fold(client, |client, (name, value)| client.with_setting(*name, *value));
    client.with_compression(compression).with_product_info("grapevine", env!("CARGO_PKG_VERSION"))
}

/// The client for the first address at which a ClickHouse answers, for whoever asks now and not for long.
///
/// # Errors
/// When none does, or one says no to this user.
pub async fn connect(config: &config::ClickHouse) -> Result<Client, Failure> {
    let mut silent = Vec::new();
    for url in &config.urls {
        let client = client(config, url);
        match reach(&client, config.send_timeout).await {
            Ok(()) => return Ok(client),
            Err(failure) if errors::is_silence(&failure) => silent.push(failure),
            Err(failure) => return Err(failure),
        }
    }
    let each = config.urls.iter().zip(&silent).map(|(url, failure)| format!("{url}: {failure}"));
    Err(match silent.as_slice() {
        [only] => only.clone(),
        _ => Failure::Transient(each.collect::<Vec<_>>().join("; ")),
    })
}

/// Asks for nothing much, under a deadline: the client itself waits for an answer for ever.
///
/// # Errors
/// When there is no answer, or none that a ClickHouse gives to this user.
pub async fn reach(client: &Client, limit: Duration) -> Result<(), Failure> {
    // The database need not exist yet.
    let asked = timeout(limit, client.clone().with_database("system").query_raw("SELECT 1").fetch_one::<u8>()).await;
    match asked {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(classify(&error)),
        Err(_) => Err(Failure::Transient(format!("no answer within {limit:?}: {}", errors::SILENT))),
    }
}

/// Those of some settings that the server knows: an unknown one is an error there.
pub(crate) async fn known_settings(client: &Client, wanted: &[Setting]) -> Result<Vec<Setting>, Failure> {
    let known: Vec<String> =
        client.query_raw("SELECT name FROM system.settings").fetch_all().await.map_err(|error| classify(&error))?;
    Ok(wanted.iter().filter(|(name, _)| known.iter().any(|known| known == name)).copied().collect())
}

impl ClickHouseSink {
    /// Whether the store can be reached and its schema is right.
    ///
    /// # Errors
    /// What is wrong, and what to run.
    pub async fn ready(&self) -> Result<(), Failure> {
        self.within(async {
            let warning = migrations::check(&self.client(), &self.layout).await.map_err(|problem| match problem {
                SchemaProblem::Store(error) => error,
                wrong @ (SchemaProblem::Behind { .. }
                | SchemaProblem::Changed { .. }
                | SchemaProblem::InTheWay { .. }
                | SchemaProblem::Servers(_)
                | SchemaProblem::Unseen { .. }) => Failure::Operator(wrong.to_string()),
            })?;
            if let Some(warning) = warning {
                tracing::warn!("{warning}");
            }
            Ok(())
        })
        .await
    }
}
