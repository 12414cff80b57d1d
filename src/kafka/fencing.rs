//! Errors of the whole client: what is waited for, what somebody must see, and a member that its group turns away.
//!
//! A member with a name (`kafka.group_instance_id`) is turned away when the group knows its name under another member: a
//! broker that restarts may have forgotten who came back last, or two workers have one name. The client is of no use any more then; a new one
//! takes the name over. With two of one name that goes on and on, ever more slowly, and exactness does not hang on it.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use tokio::time::Instant;
use tracing::{info, warn};

use super::KafkaSource;
use super::client::{self, Client, Context};
use crate::backoff::Backoff;
use crate::record::Partition;
use crate::worker::{Delivery, SourceError};

/// How long somebody who was turned away stays away.
const WAITS: Backoff = Backoff { min: Duration::from_secs(1), max: Duration::from_secs(60) };

/// Whoever was not turned away for so long has come back for good.
const SETTLED: Duration = Duration::from_secs(120);

/// How often this member was turned away in a row, and until when it stays away.
#[derive(Default)]
pub(super) struct Fencing {
    times: u32,
    last: Option<Instant>,
    away_until: Option<Instant>,
}

impl Fencing {
    pub(super) fn is_away(&self) -> bool {
        self.away_until.is_some()
    }

    /// Turned away once more: how long to stay away.
    fn stay_away(&mut self, now: Instant) -> Duration {
        if self.last.is_some_and(|last| now.duration_since(last) > SETTLED) {
            self.times = 0;
        }
        let wait = WAITS.delay(self.times, rand::random());
        self.times = self.times.saturating_add(1);
        (self.last, self.away_until) = (Some(now), Some(now + wait));
        wait
    }
}

/// Why the group has turned this member away for good, if it has.
pub(super) fn turned_away(client: &Client) -> Option<String> {
    let (code, reason) = client.client().fatal_error()?;
    matches!(code, RDKafkaErrorCode::FencedInstanceId | RDKafkaErrorCode::UnreleasedInstanceId).then_some(reason)
}

/// A client that asks to be a member of its group.
pub(super) fn join(config: &ClientConfig, topic: &str) -> Result<Arc<Client>, SourceError> {
    let refused = |error: KafkaError| SourceError::Operator(format!("the Kafka client refuses its settings: {error}"));
    let client: Client = config.create_with_context(Context::new(topic)).map_err(refused)?;
    client.subscribe(&[topic]).map_err(refused)?;
    Ok(Arc::new(client))
}

impl KafkaSource {
    /// The client of a member of the group.
    pub(super) fn client(&self) -> Result<&Arc<Client>, SourceError> {
        self.consumer.as_ref().ok_or_else(|| {
            if self.fencing.is_away() {
                return SourceError::Transient("the group has turned this member away for now".to_owned());
            }
            SourceError::Operator("the Kafka consumer is closed".to_owned())
        })
    }

    /// An error of the whole client. The first thing that a client says after it was turned away is that.
    pub(super) fn on_error(&mut self, client: &Client, error: &KafkaError) -> Result<Option<Delivery<'static>>, SourceError> {
        let reason = client.context().take_reason().unwrap_or_else(|| error.to_string());
        if let Some(reason) = turned_away(client) {
            return Ok(Some(self.go_away(&reason)));
        }
        if let KafkaError::MessageConsumptionFatal(_) = error {
            return Err(SourceError::Operator(format!("the Kafka client gave up for good: {reason}; restart the worker")));
        }
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
        if client::needs_operator(code) {
            return Err(SourceError::Operator(format!("could not read topic {}: {reason}", self.topic)));
        }
        self.complaints.say(code, format!("waiting for topic {}: {reason}", self.topic)).map(|()| None)
    }

    fn go_away(&mut self, reason: &str) -> Delivery<'static> {
        let mut lost = std::mem::take(&mut self.owned);
        lost.extend(self.revoking.take().into_iter().flatten());
        self.releasing.clear();
        // It says goodbye, or cannot, on a thread of its own; the name is taken over either way.
        drop(self.leave());
        let wait = self.fencing.stay_away(Instant::now());
        let partitions: Vec<Partition> = lost.into_iter().collect();
        warn!(
            topic = self.topic,
            ?partitions,
            reason,
            ?wait,
            "the group takes this member for somebody else's; it comes back under the same name after a while. If this is said again \
             and again, two workers have the same `kafka.group_instance_id`: give each its own"
        );
        Delivery::Fenced(partitions)
    }

    /// Comes back when it is time. Says whether this member is still away.
    pub(super) fn stays_away(&mut self) -> Result<bool, SourceError> {
        let Some(until) = self.fencing.away_until else { return Ok(false) };
        if Instant::now() < until {
            return Ok(true);
        }
        self.consumer = Some(join(&self.config, &self.topic)?);
        self.fencing.away_until = None;
        info!(topic = self.topic, "joining the group again");
        Ok(false)
    }

    /// The group's answer to what this member does in a rebalance. One that was turned away meanwhile will hear of it.
    pub(super) fn accepted(client: &Client, answer: KafkaResult<()>, what: &str) -> Result<(), SourceError> {
        match answer {
            Err(error) if turned_away(client).is_none() => {
                Err(SourceError::Operator(format!("could not {what}: {error}; restart the worker")))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_turned_away_again_and_again_stays_away_longer_each_time() {
        let (mut fencing, start) = (Fencing::default(), Instant::now());
        for times in 0..20 {
            let wait = fencing.stay_away(start);
            assert!((WAITS.min..=WAITS.ceiling(times)).contains(&wait), "{times}: {wait:?}");
        }
        assert_eq!(WAITS.ceiling(20), WAITS.max);
        let wait = fencing.stay_away(start + SETTLED + Duration::from_secs(1));
        assert!(wait <= WAITS.ceiling(0), "had come back for good: {wait:?}");
    }
}
