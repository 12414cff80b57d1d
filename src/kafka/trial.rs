//! Whether clients can be made with some settings, found out by making them: the client knows best what goes together.
//!
//! They know no broker, so nobody is contacted.

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext as _, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::KafkaError;
use tracing::debug;

use super::{client, passed};
use crate::config;

/// Why no client can be made, the reader or another one: the key that it is about, and the client's words with our keys in them.
pub(crate) fn refusal(settings: &config::Kafka) -> Option<(&'static str, String)> {
    let mut other = ClientConfig::new();
    for (key, value) in client::security_settings(settings) {
        other.set(key, value);
    }
    [client::client_config(settings, 0, 0), other].into_iter().find_map(|mut config| {
        // Without a group there is nothing to leave.
        config.remove("bootstrap.servers").remove("group.id");
        match BaseConsumer::from_config_and_context(&config, Quiet).map(drop) {
            Ok(()) => None,
            Err(KafkaError::ClientCreation(said)) => Some(passed::in_our_words(&said)),
            Err(error) => Some(passed::in_our_words(&error.to_string())),
        }
    })
}

/// It misses its brokers.
struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        debug!(facility, "{message}");
    }
}

impl ConsumerContext for Quiet {}
