//! How old the answers are: asked of the store, because that is where they are read, whoever makes them and wherever.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::clickhouse::{classify, connect, late};
use crate::config;
use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::record::Millis;

/// How often.
const EVERY: Duration = Duration::from_secs(60);

/// Watches until it is dropped. What the store does not tell stays as it was, and grows older.
pub(super) async fn watch(config: config::ClickHouse, metrics: Arc<Metrics>) {
    loop {
        match newest(&config).await {
            Ok(newest) => {
                if config.answers_expected {
                    metrics.record_answers_missing(&config.database, newest.is_none());
                }
                newest.iter().for_each(|published| metrics.record_answers(&config.database, *published));
            }
            Err(error) => debug!(%error, "the age of the answers is not known"),
        }
        sleep(EVERY).await;
    }
}

/// When the newest run was published; nothing if none ever was.
async fn newest(config: &config::ClickHouse) -> Result<Option<Millis>, Failure> {
    let client = connect(config).await?;
    let newest = client.query_raw("SELECT toUnixTimestamp64Milli(max(r.published)) FROM run AS r").fetch_one::<Millis>();
    let answer = timeout(config.send_timeout, newest).await.map_err(|_| late(config.send_timeout))?;
    let newest = answer.map_err(|error| classify(&error))?;
    Ok((newest > 0).then_some(newest))
}
