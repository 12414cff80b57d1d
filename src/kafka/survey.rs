//! What the brokers say of the topic and of the group, for whoever watches beside the reading.
//!
//! A client of its own that is no member of the group: it answers while no loop has begun to read, and hinders none.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::{Client, ClientContext};
use rdkafka::config::{FromClientConfigAndContext as _, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use tokio::time::timeout;
use tracing::debug;

use super::client::{self, CLIENT_ID};
use super::members::{self, Member};
use super::tokens::Tokens;
use super::topic::TopicSettings;
use crate::config;
use crate::failure::Failure;

/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// What became of the question for the topic's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Described {
    /// They are known.
    Settings(TopicSettings),
    /// This user may not ask.
    Denied,
    /// Nobody answered, or there is no such topic.
    Nothing,
}

/// Asks the brokers.
pub struct Survey {
    client: Arc<BaseConsumer<Quiet>>,
    admin: Arc<AdminClient<Quiet>>,
    topic: String,
    group: String,
}

impl Survey {
    /// Brokers are contacted in the background: only a wrong setting fails here.
    ///
    /// # Errors
    /// [`Failure::Operator`] when the client refuses a setting.
    pub fn new(settings: &config::Kafka, tokens: &Tokens, epoch: u16) -> Result<Survey, Failure> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &settings.brokers).set("client.id", CLIENT_ID);
        for (key, value) in client::security_settings(settings) {
            config.set(key, value);
        }
        // A consumer: a producer's questions for a topic would create it.
        let refused = |error| Failure::Operator(format!("the Kafka client refuses its settings: {error}"));
        let client = BaseConsumer::from_config_and_context(&config, Quiet(tokens.clone())).map_err(refused)?;
        let admin = AdminClient::from_config_and_context(&config, Quiet(tokens.clone())).map_err(refused)?;
        Ok(Survey {
            client: Arc::new(client),
            admin: Arc::new(admin),
            topic: settings.topic.clone(),
            group: settings.group_of(epoch),
        })
    }

    /// Whether the topic exists, if the brokers say so.
    pub async fn topic_exists(&self) -> Option<bool> {
        let topic = self.topic.clone();
        let exists = self.ask("look for the topic", move |client| {
            // Nobody else takes what the client tells of itself.
            while client.poll(Duration::ZERO).is_some() {}
            let metadata = client.fetch_metadata(Some(&topic), DEADLINE)?;
            let error = metadata.topics().first().and_then(|topic| topic.error()).map(RDKafkaErrorCode::from);
            Ok(match error {
                None => Some(true),
                Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => Some(false),
                Some(_) => None,
            })
        });
        exists.await.flatten()
    }

    /// What the topic keeps.
    pub async fn settings(&self) -> Described {
        give_token(self.admin.inner());
        let topic = ResourceSpecifier::Topic(&self.topic);
        let options = AdminOptions::new().request_timeout(Some(DEADLINE));
        let answers = match timeout(2 * DEADLINE, self.admin.describe_configs([&topic], &options)).await {
            Ok(Ok(answers)) => answers,
            Ok(Err(error)) => return nothing(&error),
            Err(late) => return nothing(&late),
        };
        match answers.into_iter().next() {
            Some(Ok(found)) => {
                let value = |name| found.get(name).and_then(|entry| entry.value.as_deref());
                Described::Settings(TopicSettings::of(value("cleanup.policy"), value("retention.ms")))
            }
            Some(Err(RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::ClusterAuthorizationFailed)) => {
                Described::Denied
            }
            Some(Err(code)) => nothing(&code),
            None => Described::Nothing,
        }
    }

    /// The members of the group that are no workers, if its coordinator answers.
    pub async fn foreign_members(&self) -> Option<Vec<Member>> {
        let group = self.group.clone();
        let members = self.ask("look at the group", move |client| members::members(client, &group, DEADLINE));
        Some(members.await?.into_iter().filter(|member| member.client != CLIENT_ID).collect())
    }

    async fn ask<T: Send + 'static>(
        &self,
        what: &str,
        call: impl FnOnce(&BaseConsumer<Quiet>) -> KafkaResult<T> + Send + 'static,
    ) -> Option<T> {
        let (client, admin) = (Arc::clone(&self.client), Arc::clone(&self.admin));
        let ask = move || {
            give_token(client.client());
            give_token(admin.inner());
            call(&client)
        };
        let answer = client::ask(format!("could not {what}"), 2 * DEADLINE, ask).await;
        answer.inspect_err(|failure| debug!("{failure}")).ok()
    }
}

impl Drop for Survey {
    fn drop(&mut self) {
        // Destroying a client may take long, and whoever waits last for an answer does it on a thread already.
        let clients = (Arc::clone(&self.client), Arc::clone(&self.admin));
        drop(client::on_thread("kafka-close", move || drop(clients)));
    }
}

fn nothing(error: &dyn std::fmt::Display) -> Described {
    debug!("could not describe the topic: {error}");
    Described::Nothing
}

/// Gives a client the newest token, if brokers are shown tokens, and waits for the first; the loops say why there is none.
fn give_token(client: &Client<Quiet>) {
    let Quiet(tokens) = &**client.context();
    drop(tokens.wait());
    tokens.give(client);
}

/// What this client suffers, the loops' clients say better.
struct Quiet(Tokens);

impl ClientContext for Quiet {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        debug!(facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!("{error}: {reason}");
    }
}

impl ConsumerContext for Quiet {}
