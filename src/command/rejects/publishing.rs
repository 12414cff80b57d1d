//! Publishes rejects and says which of them the brokers have taken.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};

use super::REPLAY_OF;
use crate::command::CommandError;
use crate::command::log::{Reasons, client_config, give_token, start_tokens};
use crate::config::Config;
use crate::kafka::Tokens;
use crate::row::Rejected;

/// How long the brokers may take for one part.
const DEADLINE: Duration = Duration::from_secs(60);

/// What became of the records of one part, by their place in it.
#[derive(Default)]
struct Deliveries {
    taken: Mutex<Vec<usize>>,
    failed: Mutex<Option<String>>,
    reasons: Reasons,
}

impl ClientContext for Deliveries {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        self.reasons.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<usize>;

    fn delivery(&self, result: &DeliveryResult<'_>, place: Box<usize>) {
        match result {
            Ok(_) => self.taken.lock().unwrap_or_else(PoisonError::into_inner).push(*place),
            Err((error, _)) => self.fail(error),
        }
    }
}

impl Deliveries {
    fn fail(&self, error: &KafkaError) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.to_string());
    }
}

/// What became of a part.
pub(super) struct Published {
    /// Those that the brokers have.
    pub(super) taken: Vec<Rejected>,
    /// Why not all of them, if so.
    pub(super) failed: Option<String>,
}

/// Publishes to the configured topic.
pub(super) struct Publisher<'a> {
    producer: BaseProducer<Deliveries>,
    tokens: Tokens,
    config: &'a Config,
    partitions: usize,
}

impl<'a> Publisher<'a> {
    pub(super) fn new(config: &'a Config, partitions: usize) -> Result<Self, CommandError> {
        let mut settings = client_config(&config.kafka);
        settings
            // In order and once, whatever is sent again.
            .set("enable.idempotence", "true")
            .set("compression.type", "lz4")
            .set("linger.ms", "20")
            .set("message.timeout.ms", DEADLINE.as_millis().to_string())
            // What was stored was a record once; the brokers' own limit decides.
            .set("message.max.bytes", "16777216")
            // As Kafka's own producers choose, for those whose partition is not known.
            .set("partitioner", "murmur2_random");
        let refused = |error| CommandError::Kafka(format!("the Kafka client refuses its settings: {error}"));
        let producer = settings.create_with_context(Deliveries::default()).map_err(refused)?;
        Ok(Publisher { producer, tokens: start_tokens(&config.kafka)?, config, partitions })
    }

    /// Publishes a part and waits until the brokers have answered for every record of it.
    pub(super) fn publish(&self, part: Vec<Rejected>) -> Published {
        if let Err(error) = give_token(&self.tokens, self.producer.client()) {
            return Published { taken: Vec::new(), failed: Some(error.to_string()) };
        }
        for (place, reject) in part.iter().enumerate() {
            if let Err(error) = self.send(place, reject) {
                self.deliveries().fail(&error);
                break;
            }
        }
        if let Err(error) = self.producer.flush(DEADLINE + Duration::from_secs(5)) {
            self.deliveries().fail(&error);
        }
        let taken = std::mem::take(&mut *self.deliveries().taken.lock().unwrap_or_else(PoisonError::into_inner));
        let failed = self.deliveries().failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        let failed = failed.map(|error| match self.deliveries().reasons.last() {
            Some(reason) => format!("{error} ({})", self.tokens.refusal(&reason).unwrap_or(reason)),
            None => error,
        });
        let mut is_taken = vec![false; part.len()];
        taken.into_iter().for_each(|place| is_taken[place] = true);
        Published {
            taken: part.into_iter().zip(is_taken).filter_map(|(reject, taken)| taken.then_some(reject)).collect(),
            failed,
        }
    }

    fn deliveries(&self) -> &Deliveries {
        let client: &Client<Deliveries> = self.producer.client();
        client.context()
    }

    fn send(&self, place: usize, reject: &Rejected) -> Result<(), KafkaError> {
        let mut record: BaseRecord<'_, [u8], [u8], Box<usize>> =
            BaseRecord::with_opaque_to(&self.config.kafka.topic, Box::new(place)).headers(headers(reject));
        // A record without a key, or without a value, is stored with an empty one.
        record.key = (!reject.key.is_empty()).then_some(&**reject.key);
        record.payload = (!reject.payload.is_empty()).then_some(&**reject.payload);
        record.partition = self.partition(&reject.source);
        loop {
            match self.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), returned)) => {
                    record = returned;
                    self.producer.poll(Duration::from_millis(100));
                }
                Err((error, _)) => return Err(error),
            }
        }
        self.producer.poll(Duration::ZERO);
        Ok(())
    }

    /// The partition that a record came from, so that it meets the events of its root; by its key if it came from another
    /// log.
    fn partition(&self, source: &str) -> Option<i32> {
        let (log, number) = source.rsplit_once('/')?;
        let number: usize = number.parse().ok()?;
        (log == self.config.worker.log && number < self.partitions).then(|| i32::try_from(number).ok())?
    }
}

/// The record's own headers, and which record it is.
fn headers(reject: &Rejected) -> OwnedHeaders {
    let own = OwnedHeaders::new_with_capacity(reject.headers.len() + 1);
    let own = reject.headers.iter().fold(own, |all, (name, value)| all.insert(Header { key: name, value: Some(&**value) }));
    if reject.headers.iter().any(|(name, _)| name == REPLAY_OF) {
        return own;
    }
    own.insert(Header { key: REPLAY_OF, value: Some(&format!("{}@{}", reject.source, reject.offset)) })
}
