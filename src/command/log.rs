//! The log as commands look at it: a client that knows the group's name and never joins the group.
//!
//! Its questions block, each for a bounded time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rdkafka::client::{Client, ClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{ClientConfig, Offset as ClientOffset, TopicPartitionList};

use super::outcome::CommandError;
use crate::config::{self, Config};
use crate::kafka::{self, Tokens, security_settings};
use crate::record::{Offset, Partition};

/// How long a question to the brokers may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// As many events of the client's as may stand before the one that says why a question failed.
const EVENTS: usize = 100;

/// Keeps what a client says about its errors: the errors themselves say little more than that there was no answer.
#[derive(Default)]
pub(crate) struct Reasons(Mutex<Option<String>>);

impl Reasons {
    pub(crate) fn last(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Reasons {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        // That all brokers are down follows from what was said before.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for Reasons {}

/// The topic and the group of one epoch.
pub(crate) struct Log {
    client: Arc<BaseConsumer<Reasons>>,
    config: ClientConfig,
    tokens: Tokens,
    brokers: String,
    topic: String,
    group: String,
    /// What the topic's log is called: offsets of another one count for nothing.
    log: String,
}

/// Settings of any client of these brokers.
pub(crate) fn client_config(settings: &config::Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("client.id", "grapevine").set("bootstrap.servers", &settings.brokers);
    for (key, value) in security_settings(settings) {
        config.set(key, value);
    }
    config
}

impl Log {
    /// Nothing is contacted yet.
    pub(crate) fn open(Config { kafka: settings, worker, .. }: &Config, epoch: u16) -> Result<Log, CommandError> {
        let group = settings.group_of(epoch);
        let plain = client_config(settings);
        let mut config = plain.clone();
        // Asks and commits as somebody who is no member of the group: it never subscribes.
        config.set("group.id", &group).set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        let client = config.create_with_context(Reasons::default());
        let client = client.map_err(|error| CommandError::Kafka(format!("the Kafka client refuses its settings: {error}")))?;
        Ok(Log {
            client: Arc::new(client),
            config: plain,
            tokens: start_tokens(settings)?,
            brokers: settings.brokers.clone(),
            topic: settings.topic.clone(),
            group,
            log: worker.log.clone(),
        })
    }

    /// The client, with something to show to the brokers.
    fn client(&self) -> Result<&Arc<BaseConsumer<Reasons>>, CommandError> {
        give_token(&self.tokens, self.client.client())?;
        Ok(&self.client)
    }

    /// What other clients of these brokers may show to them.
    pub(crate) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    pub(crate) fn group(&self) -> &str {
        &self.group
    }

    /// The partitions of the topic.
    pub(crate) fn partitions(&self) -> Result<Vec<Partition>, CommandError> {
        let metadata =
            self.client()?.fetch_metadata(Some(&self.topic), DEADLINE).map_err(|error| self.failed("reach", &error))?;
        let topic = metadata.topics().first().filter(|topic| topic.error().is_none() && !topic.partitions().is_empty());
        let topic = topic.ok_or_else(|| {
            CommandError::Kafka(format!("topic {} is not at {}: check kafka.topic and kafka.brokers", self.topic, self.brokers))
        })?;
        let mut partitions: Vec<Partition> = topic.partitions().iter().map(|partition| Partition(partition.id())).collect();
        partitions.sort_unstable();
        Ok(partitions)
    }

    /// The first offset that a partition holds, and its end.
    pub(crate) fn bounds(&self, partition: Partition) -> Result<(Offset, Offset), CommandError> {
        let bounds = self.client()?.fetch_watermarks(&self.topic, partition.0, DEADLINE);
        let (first, end) = bounds.map_err(|error| self.failed("ask for the bounds of partitions from", &error))?;
        Ok((kafka::offset(first), kafka::offset(end)))
    }

    /// Whether records may be read: the end of a partition is asked for as a reader does, by nobody's member.
    pub(crate) fn may_read(&self, partition: Partition) -> Result<(), KafkaError> {
        let mut config = self.config.clone();
        config.set("group.id", &self.group).set("enable.auto.commit", "false").set("enable.partition.eof", "true");
        let client: BaseConsumer<Reasons> = config.create_with_context(Reasons::default())?;
        // The other client has been given the same one: what was given counts for one alone.
        self.tokens.clone().give(client.client());
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition.0, ClientOffset::End)?;
        client.assign(&list)?;
        let until = Instant::now() + DEADLINE;
        let mut last = KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut);
        while Instant::now() < until {
            match client.poll(Duration::from_millis(100)) {
                Some(Ok(_) | Err(KafkaError::PartitionEOF(_))) => return Ok(()),
                // It stays so until somebody grants it.
                Some(Err(error)) if error.rdkafka_error_code().is_some_and(is_denial) => return Err(error),
                Some(Err(error)) => last = error,
                None => {}
            }
        }
        Err(last)
    }

    /// What the group has committed.
    pub(crate) fn committed(&self, partitions: &[Partition]) -> Result<BTreeMap<Partition, Offset>, CommandError> {
        let answers = self.places(partitions)?;
        let elements = answers.elements();
        let next = elements.iter().map(|answer| (Partition(answer.partition()), kafka::committed(answer, &self.log)));
        Ok(next.filter_map(|(partition, next)| Some((partition, next?))).collect())
    }

    /// The group's offsets and what stands beside them, of whichever log.
    fn places(&self, partitions: &[Partition]) -> Result<TopicPartitionList, CommandError> {
        let failed = |error: KafkaError| self.failed("ask for committed offsets from", &error);
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.topic, partition.0);
        }
        let answers = self.client()?.committed_offsets(list, DEADLINE).map_err(failed)?;
        answers.elements().iter().try_for_each(|answer| answer.error()).map_err(failed)?;
        Ok(answers)
    }

    /// What is committed beside an offset; of one that is not committed yet, the name of the log.
    fn note_of(&self, partition: Partition, committed: Offset) -> Result<String, CommandError> {
        let answers = self.places(&[partition])?;
        let place = i64::try_from(committed).unwrap_or(i64::MAX);
        let mut answers = answers.elements().into_iter().filter(|answer| answer.offset().to_raw() == Some(place));
        let noted = answers.next().map(|answer| answer.metadata().to_owned());
        Ok(noted.unwrap_or_else(|| kafka::log_note(&self.log, None)))
    }

    /// Whether the group has members, by the word of the broker: it takes an offset from somebody who is no member only
    /// while there are none, whatever the group's protocol. Give what is committed already, and nothing changes.
    pub(crate) fn has_members(&self, partition: Partition, committed: Offset) -> Result<bool, CommandError> {
        let failed = |error: &KafkaError| self.failed("ask whether the group has members from", error);
        let mut list = TopicPartitionList::new();
        let place = ClientOffset::Offset(i64::try_from(committed).unwrap_or(i64::MAX));
        let note = self.note_of(partition, committed)?;
        let mut element = list.add_partition(&self.topic, partition.0);
        element.set_offset(place).map_err(|error| failed(&error))?;
        element.set_metadata(note);
        let client = Arc::clone(self.client()?);
        match within_deadline(move || client.commit(&list, CommitMode::Sync)) {
            Some(Ok(())) => Ok(false),
            Some(Err(error)) if error.rdkafka_error_code().is_some_and(means_members) => Ok(true),
            Some(Err(error)) => Err(failed(&error)),
            None => Err(failed(&KafkaError::ConsumerCommit(RDKafkaErrorCode::OperationTimedOut))),
        }
    }

    /// Refuses what must not be done while somebody may write; `place` is best an offset that is committed already: nothing changes then.
    pub(crate) fn refuse_members(&self, (partition, next): (Partition, Offset), epoch: u16) -> Result<(), CommandError> {
        if self.has_members(partition, next)? {
            return Err(CommandError::Refused(format!(
                "the group {} has members: stop every worker of epoch {epoch} first. One that was killed stays a member for \
                 kafka.session_timeout_ms; wait for that and try again",
                self.group
            )));
        }
        Ok(())
    }

    fn failed(&self, doing: &str, error: &KafkaError) -> CommandError {
        // It says why while it is polled.
        (0..EVENTS).for_each(|_| drop(self.client.poll(Duration::ZERO)));
        let reason = self.client.context().last().map(|reason| self.tokens.refusal(&reason).unwrap_or(reason));
        let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        CommandError::Kafka(format!(
            "could not {doing} {}: {error}{reason}; check kafka.brokers, the credentials, and what this user may do with topic {} \
             and group {}",
            self.brokers, self.topic, self.group
        ))
    }
}

fn is_denial(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    [Code::TopicAuthorizationFailed, Code::GroupAuthorizationFailed, Code::ClusterAuthorizationFailed].contains(&code)
}

/// What clients of these brokers show to them, if it is tokens.
pub(crate) fn start_tokens(settings: &config::Kafka) -> Result<Tokens, CommandError> {
    Tokens::start(settings).map_err(|failure| CommandError::Kafka(failure.to_string()))
}

/// Gives a client the newest token; waits for the first.
pub(crate) fn give_token<C: ClientContext>(tokens: &Tokens, client: &Client<C>) -> Result<(), CommandError> {
    tokens.wait().map_err(CommandError::Kafka)?;
    tokens.give(client);
    Ok(())
}

/// A broker that answers so has members to protect: the group is used, or about to be.
fn means_members(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    [
        Code::UnknownMemberId,
        Code::IllegalGeneration,
        Code::RebalanceInProgress,
        Code::StaleMemberEpoch,
        Code::FencedMemberEpoch,
        Code::FencedInstanceId,
    ]
    .contains(&code)
}

/// The answer of a call that knows no deadline itself, if it comes in time.
fn within_deadline<T: Send + 'static>(call: impl FnOnce() -> KafkaResult<T> + Send + 'static) -> Option<KafkaResult<T>> {
    let (done, heard) = mpsc::channel();
    // Nobody listens any more when the deadline has passed.
    std::thread::spawn(move || drop(done.send(call())));
    heard.recv_timeout(DEADLINE).ok()
}
