//! Source over Kafka: what the reader decides, carried out by the client; what the client says, told to the reader.
//!
//! Decides nothing: `reader` (pure, and simulated) does. Here is one step of it after another, and the client's side of each command.

mod client;
mod complaints;
mod diagnosis;
mod errands;
mod errors;
mod group;
mod identity;
mod members;
mod note;
mod passed;
mod port;
mod queue;
mod request;
mod stretch;
mod survey;
mod tokens;
mod topic;
mod trace;
mod trial;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaResult;
use rdkafka::{ClientConfig, TopicPartitionList};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::config;
use crate::failure::Failure;
use crate::reader::{self, Answer, Batches as _, Command, Gaps, Item, Lag, Note, Problem, Reader, Step, Traced, Weight};
use crate::record::{Offset, Partition};
use crate::worker::{Bounds, Delivery, Source};

pub use client::security_settings;
use client::{Client, Notice};
pub(crate) use client::{committed, log_note, offset};
pub use complaints::Complaints;
pub use diagnosis::{DIAGNOSED_WITHIN, diagnose};
use errands::{Errands, Heard};
pub use identity::TopicWatch;
pub use members::Member;
pub(crate) use passed::{do_not_fit, may_pass};
use queue::Hand;
pub use stretch::{Part, Stretch};
pub use survey::{Described, Survey};
pub use tokens::{DEADLINE as TOKEN_DEADLINE, Tokens};
pub use topic::TopicSettings;
pub use trace::Trace;
pub(crate) use trial::refusal;
pub use verdict::Diagnosis;

/// How long leaving the group may take: the client's own shutdown has no bound.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

/// A pause when nothing came: far below what anybody waits for, far above what costs CPU.
const IDLE: Duration = Duration::from_millis(5);

/// The settings of connections, as they are now: certificates and passwords are renewed while clients run.
pub type Renewals = watch::Receiver<Arc<config::Kafka>>;

/// A member of the consumer group.
pub struct KafkaSource {
    // Batches and queues hold the client too, so that it outlives them in any order of drops.
    hand: Hand,
    reader: Reader,
    began: Instant,
    settings: Arc<config::Kafka>,
    /// What the topic's log is called; committed with every offset, with the topic's id.
    log: String,
    /// For the next client, and that of a client that could be made.
    config: ClientConfig,
    proven: ClientConfig,
    tokens: Tokens,
    epoch: u16,
    thread: usize,
    renewals: Option<Renewals>,
    identity: TopicWatch,
    complaints: Complaints,
    errands: Errands,
    trace: Trace,
    client: Option<Arc<Client>>,
}

impl KafkaSource {
    /// Joins the group of this epoch, to read the topic's log under the name `log`. Brokers are contacted in the
    /// background: only a wrong setting fails here. `tokens` are those of the same configuration.
    ///
    /// # Errors
    /// [`Failure::Operator`] when the client refuses a setting.
    pub fn connect(settings: &config::Kafka, tokens: &Tokens, log: &str, epoch: u16, thread: usize) -> Result<Self, Failure> {
        let config = client::client_config(settings, epoch, thread);
        let client = client::join(&config, &settings.topic, tokens)
            .map_err(|error| Failure::Operator(format!("the Kafka client refuses its settings: {error}")))?;
        let (named, broker_assigns) =
            (config.get("group.instance.id").is_some(), config.get("group.protocol") == Some("consumer"));
        Ok(Self {
            hand: Hand::default(),
            reader: Reader::new(named, broker_assigns, rand::random()),
            began: Instant::now(),
            settings: Arc::new(settings.clone()),
            log: log.to_owned(),
            proven: config.clone(),
            config,
            tokens: tokens.clone(),
            epoch,
            thread,
            renewals: None,
            identity: TopicWatch::default(),
            complaints: Complaints::default(),
            errands: Errands::new(),
            trace: Trace::of_environment(thread),
            client: Some(client),
        })
    }

    /// Shares the watch over the topic's identity with the other loops of this process: one question serves all.
    #[must_use]
    pub fn with_topic_watch(mut self, identity: &TopicWatch) -> Self {
        self.identity = identity.clone();
        self
    }

    /// Shares what the client complains of.
    #[must_use]
    pub fn with_complaints(mut self, complaints: &Complaints) -> Self {
        self.complaints = complaints.clone();
        self
    }

    /// Takes on other settings when there are any: leaves the group in order and comes back with them.
    #[must_use]
    pub fn with_renewals(mut self, renewals: &Renewals) -> Self {
        self.renewals = Some(renewals.clone());
        self
    }

    /// Writes down what the client is told and says.
    #[must_use]
    pub fn with_trace(mut self, trace: Trace) -> Self {
        self.trace = trace;
        self
    }

    /// The partitions that belong to this member.
    #[must_use]
    pub fn assigned(&self) -> Vec<Partition> {
        self.reader.owned().iter().copied().collect()
    }

    fn client(&self) -> Result<&Arc<Client>, Failure> {
        self.client.as_ref().ok_or_else(|| self.failure(&self.reader.absence()))
    }

    fn failure(&self, problem: &Problem) -> Failure {
        problem.failure(&self.settings.topic)
    }

    /// Tells the reader what other threads have found out meanwhile.
    fn hear(&mut self) {
        while let Some(heard) = self.errands.take() {
            match heard {
                Heard::Moved(number, refused) => {
                    self.trace.keep(|| Traced::Moved(number, refused.clone()));
                    self.reader.moved(self.began.elapsed(), number, &refused);
                }
                Heard::Group(seen) => self.reader.group_seen(self.began.elapsed(), seen),
            }
        }
        let renewals = self.renewals.as_mut().filter(|renewals| renewals.has_changed().is_ok_and(|changed| changed));
        if let Some(renewals) = renewals {
            let renewed = Arc::clone(&renewals.borrow_and_update());
            self.renew(renewed);
        }
        if let Some(client) = &self.client {
            self.reader.topic_id(self.identity.look(client, &self.settings.topic));
        }
    }

    fn renew(&mut self, settings: Arc<config::Kafka>) {
        if !settings.connects_as(&self.settings) {
            self.config = client::client_config(&settings, self.epoch, self.thread);
            self.reader.renew(self.began.elapsed());
        }
        self.settings = settings;
    }

    fn carry_out(&mut self, command: Command) {
        self.trace.keep(|| Traced::Told(command.clone()));
        if command == Command::NewClient {
            return self.join_again();
        }
        // The one before is given up last of all.
        let Some(client) = self.client.clone() else { return };
        match command {
            Command::Poll => self.poll(&client),
            Command::Accept => self.answer(&client, client.incremental_assign(&TopicPartitionList::new())),
            Command::Fetch(partition, from) => {
                let fetched = self.fetch(&client, partition, from);
                self.answer(&client, fetched);
            }
            Command::Unassign(partitions) => {
                let unassigned = client.incremental_unassign(&client::list(&self.settings.topic, &partitions));
                partitions.iter().for_each(|partition| self.hand.close(*partition));
                self.answer(&client, unassigned);
            }
            Command::Refetch(partition, at) => {
                let fetched = self.refetch(&client, partition, at);
                self.answer(&client, fetched);
            }
            Command::Drain(partition) => {
                let length = self.hand.drain(partition);
                self.trace.keep(|| Traced::drained(partition, length, |index| self.hand.item(partition, index)));
                if length > 0
                    && let Item::Error { code, .. } = self.hand.item(partition, length - 1)
                {
                    self.complaints.note(code, &self.hand.text(partition, length - 1));
                }
                self.reader.drained(self.began.elapsed(), partition, length);
            }
            Command::Drop(partition) => self.hand.free(partition),
            Command::Move { number, places } => self.errands.move_to(&client, number, &self.settings.topic, &places),
            Command::Subscribe => self.answer(&client, client.subscribe(&[&self.settings.topic])),
            Command::Unsubscribe => client.unsubscribe(),
            Command::Leave(partitions) => drop(self.leave(&partitions)),
            Command::AskGroup => {
                self.errands.look(&client, self.config.get("group.id").unwrap_or_default(), &self.settings.topic)
            }
            Command::NewClient => {}
        }
    }

    /// Lets the client work off one of its events, and hands on what its callbacks noted.
    fn poll(&mut self, client: &Client) {
        if let Some((class, code, text)) = errors::poll(client) {
            self.trace.keep(|| Traced::Failed(class, code));
            self.complaints.note(code, &text);
            self.reader.client_error(self.began.elapsed(), class, code, text);
        }
        while let Some(notice) = client.context().take() {
            match notice {
                Notice::Assigned(partitions) => {
                    client.context().tokens().accepted();
                    self.trace.keep(|| Traced::Assigned(partitions.clone()));
                    self.reader.assigned(partitions);
                }
                Notice::Revoked { partitions, lost } => {
                    self.trace.keep(|| Traced::Revoked { partitions: partitions.clone(), lost });
                    self.reader.revoked(partitions, lost);
                }
                Notice::Extent(partition, extent) => self.reader.log_extent(partition, extent),
            }
        }
    }

    fn answer(&mut self, client: &Client, done: KafkaResult<()>) {
        self.answered(errors::answer(client, done));
    }

    fn fetch(&mut self, client: &Arc<Client>, partition: Partition, from: Offset) -> KafkaResult<()> {
        // Before the fetcher exists: from now on no record of it can take the way through the common queue.
        self.hand.open(client, &self.settings.topic, partition)?;
        debug!(topic = self.settings.topic, partition = partition.0, from, "partition started");
        client.incremental_assign(&client::places(&self.settings.topic, &[(partition, from)])?)
    }

    fn refetch(&mut self, client: &Client, partition: Partition, at: Offset) -> KafkaResult<()> {
        let place = client::places(&self.settings.topic, &[(partition, at)])?;
        client.incremental_unassign(&place)?;
        self.hand.drain(partition);
        self.hand.free(partition);
        client.incremental_assign(&place)
    }

    fn join_again(&mut self) {
        let join = |config: &ClientConfig| client::join(config, &self.settings.topic, &self.tokens);
        let joined = match join(&self.config) {
            Ok(client) => Ok((client, self.config.clone())),
            Err(error) => join(&self.proven).map_err(|_| error.to_string()).map(|client| {
                warn!(%error, "no Kafka client can be made with the renewed certificates or passwords: the old ones go on");
                (client, self.proven.clone())
            }),
        };
        let answer = match joined {
            Ok((client, proven)) => {
                (self.client, self.proven) = (Some(client), proven);
                Answer::Done
            }
            Err(error) => Answer::Refused(error),
        };
        self.answered(answer);
    }

    fn note(&self, note: &Note) {
        let text = note.text(&self.settings.topic);
        match note.weight() {
            Weight::Warning => warn!("{text}"),
            Weight::News => info!("{text}"),
            Weight::Detail => debug!("{text}"),
        }
    }

    fn answered(&mut self, answer: Answer) {
        self.trace.keep(|| Traced::Answered(answer.clone()));
        self.reader.answered(self.began.elapsed(), answer);
    }

    /// Hands the client to a thread of its own that leaves the group and destroys it.
    fn leave(&mut self, started: &[Partition]) -> Option<tokio::sync::oneshot::Receiver<()>> {
        let client = self.client.take()?;
        self.hand = Hand::default();
        client::give_up(client, &client::list(&self.settings.topic, started))
    }
}

impl Source for KafkaSource {
    async fn next(&mut self) -> Result<Delivery<'_>, Failure> {
        self.hear();
        loop {
            match self.reader.step(self.began.elapsed(), &self.hand) {
                Step::Do(command) => self.carry_out(command),
                Step::Tell(told) => {
                    if matches!(told, reader::Delivery::Assigned(_) | reader::Delivery::Records(..) | reader::Delivery::End(..)) {
                        self.complaints.allowed();
                    }
                    return Ok(self.hand.deliver(told));
                }
                Step::Fail(problem) => return Err(self.failure(&problem)),
                Step::Note(note) => self.note(&note),
                Step::Idle => {
                    tokio::time::sleep(IDLE).await;
                    return Ok(Delivery::Idle);
                }
            }
        }
    }

    fn bounds(&self, partition: Partition) -> impl Future<Output = Result<Bounds, Failure>> + 'static {
        request::bounds(self.client().map(Arc::downgrade), &self.settings.topic, &self.log, partition)
    }

    fn start(&mut self, partition: Partition, next: Offset) -> Result<(), Failure> {
        self.reader.start(self.began.elapsed(), partition, next).map_err(|problem| self.failure(&problem))
    }

    fn pause(&mut self, only: Option<Partition>, paused: bool) {
        self.reader.pause(self.began.elapsed(), only, paused);
    }

    fn release(&mut self, partitions: &[Partition]) -> Result<(), Failure> {
        self.reader.release(partitions);
        Ok(())
    }

    fn commit(&self, offsets: &[(Partition, Offset)]) -> impl Future<Output = Result<(), Failure>> + 'static {
        request::commit(self.client().map(Arc::downgrade), &self.settings.topic, (&self.log, self.reader.topic()), offsets)
    }

    fn lag(&self) -> Vec<Lag> {
        self.reader.lag().collect()
    }

    fn take_gaps(&mut self) -> Gaps {
        self.reader.take_gaps()
    }

    fn unassigned(&self) -> Option<usize> {
        self.reader.unassigned()
    }

    async fn close(&mut self) -> Result<(), Failure> {
        let Some(started) = self.reader.close() else { return Ok(()) };
        let Some(left) = self.leave(&started) else { return Ok(()) };
        if tokio::time::timeout(CLOSE_DEADLINE, left).await.is_err() {
            warn!("left without the group's consent: it did not answer within {CLOSE_DEADLINE:?}");
        }
        Ok(())
    }
}

impl Drop for KafkaSource {
    fn drop(&mut self) {
        if let Some(started) = self.reader.close() {
            drop(self.leave(&started));
        }
    }
}

#[cfg(feature = "lab")]
#[cfg(test)]
mod tests;
