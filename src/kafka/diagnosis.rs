//! Why a connection to a broker does not come about: the files first, then a client of its own, then the broker's port.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext as _, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaError;
use tokio::time::timeout;
use tracing::debug;

use super::client::{self, CLIENT_ID};
use super::port;
use super::verdict::{self, Diagnosis};
use crate::certificates::Files;
use crate::config;

/// How often a client asks, and how long for an answer.
const TRIES: u32 = 4;
const DEADLINE: Duration = Duration::from_secs(1);

/// A look takes no longer. What is asked of a port that says nothing fits in; what has no bound of its own, such as a name server that is
/// silent, is given up.
pub const DIAGNOSED_WITHIN: Duration = Duration::from_secs(11);
const _: () = assert!(TRIES as u64 * DEADLINE.as_secs() + 2 * port::PATIENCE.as_secs() < DIAGNOSED_WITHIN.as_secs());

/// Looks into a broker at host:port, or into all that the settings name where the address is empty: the first that is fine says enough,
/// and one at which something is wrong says more than one that is away.
pub async fn diagnose(settings: Arc<config::Kafka>, address: String) -> Diagnosis {
    if !address.is_empty() {
        return in_time(settings, address).await;
    }
    let each = settings.brokers.split(',').map(|broker| in_time(Arc::clone(&settings), broker.trim().to_owned()));
    of_all(each.collect()).await
}

/// As soon as one is fine, whoever else is silent.
async fn of_all<F: Future<Output = Diagnosis>>(mut looks: FuturesUnordered<F>) -> Diagnosis {
    let mut worst = None;
    while let Some(found) = looks.next().await {
        match found {
            Diagnosis::Fine => return Diagnosis::Fine,
            Diagnosis::Away(_) if worst.is_some() => {}
            Diagnosis::Wrong(_) if matches!(worst, Some(Diagnosis::Wrong(_))) => {}
            found @ (Diagnosis::Wrong(_) | Diagnosis::Away(_)) => worst = Some(found),
        }
    }
    worst.unwrap_or(Diagnosis::Fine)
}

async fn in_time(settings: Arc<config::Kafka>, address: String) -> Diagnosis {
    let late = verdict::of_silence(&address);
    let Some(looking) = client::on_thread("kafka-diagnose", move || look(&settings, &address)) else { return Diagnosis::Fine };
    match timeout(DIAGNOSED_WITHIN, looking).await {
        Ok(found) => found.unwrap_or(Diagnosis::Fine),
        Err(_) => late,
    }
}

fn look(settings: &config::Kafka, address: &str) -> Diagnosis {
    let files = Files::of_kafka(settings);
    if settings.security_protocol.ends_with("ssl") {
        let flaws: Vec<String> = files.flaws().iter().map(ToString::to_string).collect();
        if !flaws.is_empty() {
            return Diagnosis::Wrong(flaws.join(". "));
        }
    }
    // This client has no token; what brokers make of one is told where tokens are watched.
    let tried = if settings.shows_tokens() { Err(String::new()) } else { try_client(settings, address) };
    // The client has the last word: whatever a broker makes of the questions below, one that it can talk to is well.
    let Err(said) = tried else { return Diagnosis::Fine };
    if let Some(refused) = verdict::of_creation(&said) {
        return refused;
    }
    let own = files.lives().into_iter().find(|(key, _)| *key == files.certificate.key).map(|(_, life)| life);
    let found = port::ask(settings, address);
    debug!(address, ?found, said, "looked at a broker");
    match verdict::of_port(settings, address, &found, own, crate::service::now() / 1000) {
        Some(of_port) => of_port,
        None if settings.shows_tokens() => Diagnosis::Fine,
        None => verdict::of_client(settings, address, &said),
    }
}

/// Connects as a loop would.
fn try_client(settings: &config::Kafka, address: &str) -> Result<(), String> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address).set("client.id", CLIENT_ID);
    for (key, value) in client::security_settings(settings) {
        config.set(key, value);
    }
    let client: BaseConsumer<Listening> =
        BaseConsumer::from_config_and_context(&config, Listening::default()).map_err(|error| error.to_string())?;
    let mut last = String::new();
    for _ in 0..TRIES {
        match client.fetch_metadata(Some(&settings.topic), DEADLINE) {
            Ok(_) => return Ok(()),
            Err(error) => last = error.to_string(),
        }
        // Its callbacks run in here.
        while client.poll(Duration::ZERO).is_some() {}
        let said = client.context().0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !said.is_empty() {
            return Err(said);
        }
    }
    Err(last)
}

/// Keeps what the client says of its connection.
#[derive(Default)]
struct Listening(Mutex<String>);

impl ClientContext for Listening {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        debug!(facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!("{error}: {reason}");
        // Behind every cause comes that all brokers are down.
        if !reason.contains("brokers are down") {
            reason.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl ConsumerContext for Listening {}

#[cfg(test)]
mod tests {
    use futures::future::{BoxFuture, FutureExt as _, pending, ready};

    use super::*;

    #[tokio::test]
    async fn one_that_is_fine_says_enough_and_what_is_wrong_says_more_than_who_is_away() {
        let (away, wrong) = (Diagnosis::Away("away".to_owned()), Diagnosis::Wrong("wrong".to_owned()));
        let found = |all: &[&Diagnosis]| {
            let looks: FuturesUnordered<_> = all.iter().map(|found| ready(Diagnosis::clone(found))).collect();
            of_all(looks).now_or_never()
        };
        assert_eq!(found(&[&away, &wrong, &away]), Some(wrong.clone()));
        assert_eq!(found(&[&away, &away]), Some(away.clone()));
        assert_eq!(found(&[&away, &Diagnosis::Fine, &wrong]), Some(Diagnosis::Fine));
        let silent: Vec<BoxFuture<'_, Diagnosis>> = vec![pending().boxed(), ready(Diagnosis::Fine).boxed(), pending().boxed()];
        assert_eq!(of_all(silent.into_iter().collect()).await, Diagnosis::Fine);
    }
}
