//! Source over Kafka: what the reader decides, carried out by the client; what the client says, told to the reader.
//!
//! Decides nothing about partitions: `reader` (pure, and simulated) does. Here is one step of it after another, the client's
//! side of each command, and the answers that other threads bring.

mod client;
mod group;
mod identity;
mod members;
mod queue;
mod request;
mod survey;
mod topic;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaResult;
use rdkafka::{ClientConfig, TopicPartitionList};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::config;
use crate::failure::Failure;
use crate::reader::{self, Answer, Command, Gaps, Lag, Problem, Reader, Seen, Step};
use crate::record::{Offset, Partition};
use crate::worker::{Bounds, Delivery, Source};

use client::{Client, Notice};
pub(crate) use client::{committed, log_note, offset};
pub use identity::TopicWatch;
pub use members::Member;
use queue::Hand;
pub use survey::{Described, Survey};
pub use topic::TopicSettings;

/// How long the client may take to move fetchers; it is a message to another thread of this process.
const SEEK_DEADLINE: Duration = Duration::from_secs(1);

/// How long leaving the group may take: the client's own shutdown has no bound.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

/// A pause when nothing came: far below what anybody waits for, far above what costs CPU.
const IDLE: Duration = Duration::from_millis(5);

/// What any client needs to reach the brokers of a configuration: protocol, certificates, credentials.
#[must_use]
pub fn security_settings(settings: &config::Kafka) -> Vec<(String, String)> {
    client::security_settings(settings)
}

/// What other threads have found out.
enum Heard {
    Moved(u64, Vec<Partition>),
    Group(Option<Seen>),
}

/// The answer to a move, which the reader gets whatever becomes of the thread that makes it.
struct Moving {
    told: Sender<Heard>,
    number: u64,
    /// Who was not moved, as far as is known.
    refused: Vec<Partition>,
}

impl Drop for Moving {
    fn drop(&mut self) {
        // No source hears it any more when that is gone.
        drop(self.told.send(Heard::Moved(self.number, std::mem::take(&mut self.refused))));
    }
}

/// A member of the consumer group.
pub struct KafkaSource {
    // Batches and queues hold the client too, so that it outlives them in any order of drops.
    hand: Hand,
    reader: Reader,
    began: Instant,
    topic: String,
    /// What the topic's log is called; committed with every offset.
    log: String,
    config: ClientConfig,
    identity: TopicWatch,
    heard: (Sender<Heard>, Receiver<Heard>),
    client: Option<Arc<Client>>,
}

impl KafkaSource {
    /// Joins the group of this epoch, to read the topic's log under the name `log`. Brokers are contacted in the
    /// background: only a wrong setting fails here.
    ///
    /// # Errors
    /// [`Failure::Operator`] when the client refuses a setting.
    pub fn connect(settings: &config::Kafka, log: &str, epoch: u16, thread: usize) -> Result<Self, Failure> {
        let config = client::client_config(settings, epoch, thread);
        // With the consumer protocol the broker itself sees to it that every partition has an owner.
        let looks = config.get("group.instance.id").is_some() && config.get("group.protocol") != Some("consumer");
        let client = client::join(&config, &settings.topic)
            .map_err(|error| Failure::Operator(format!("the Kafka client refuses its settings: {error}")))?;
        Ok(Self {
            hand: Hand::default(),
            reader: Reader::new(looks, rand::random()),
            began: Instant::now(),
            topic: settings.topic.clone(),
            log: log.to_owned(),
            config,
            identity: TopicWatch::default(),
            heard: channel(),
            client: Some(client),
        })
    }

    /// Shares the watch over the topic's identity with the other loops of this process: one question serves all.
    #[must_use]
    pub fn with_topic_watch(mut self, identity: &TopicWatch) -> Self {
        self.identity = identity.clone();
        self
    }

    /// The partitions that belong to this member.
    #[must_use]
    pub fn assigned(&self) -> Vec<Partition> {
        self.reader.owned().iter().copied().collect()
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn client(&self) -> Result<&Arc<Client>, Failure> {
        let gone = || if self.reader.is_away() { Problem::Away } else { Problem::Closed };
        self.client.as_ref().ok_or_else(|| self.failure(&gone()))
    }

    fn failure(&self, problem: &Problem) -> Failure {
        let text = problem.text(&self.topic);
        if problem.is_transient() { Failure::Transient(text) } else { Failure::Operator(text) }
    }

    /// Tells the reader what other threads have found out meanwhile.
    fn hear(&mut self) {
        while let Ok(heard) = self.heard.1.try_recv() {
            match heard {
                Heard::Moved(number, refused) => self.reader.moved(self.began.elapsed(), number, &refused),
                Heard::Group(seen) => self.reader.group_seen(self.began.elapsed(), seen),
            }
        }
        if let Some(client) = &self.client
            && let Some(told) = self.identity.look(client, &self.topic)
        {
            self.reader.topic_id(Some(told));
        }
    }

    fn carry_out(&mut self, command: Command) {
        let Some(client) = self.client.clone() else {
            return if matches!(command, Command::NewClient) {
                self.join_again()
            };
        };
        match command {
            Command::Poll => self.poll(&client),
            Command::Accept => self.answer(&client, client.incremental_assign(&TopicPartitionList::new())),
            Command::Fetch(partition, from) => {
                let fetched = self.fetch(&client, partition, from);
                self.answer(&client, fetched);
            }
            Command::Unassign(partitions) => {
                let unassigned = client.incremental_unassign(&self.list(&partitions));
                partitions.iter().for_each(|partition| self.hand.close(*partition));
                self.answer(&client, unassigned);
            }
            Command::Refetch(partition, at) => {
                let fetched = self.refetch(&client, partition, at);
                self.answer(&client, fetched);
            }
            Command::Drain(partition) => {
                let length = self.hand.drain(partition);
                self.reader.drained(self.began.elapsed(), partition, length);
            }
            Command::Drop(partition) => self.hand.free(partition),
            Command::Move { number, places } => self.seek(client, number, &places),
            Command::Subscribe => self.answer(&client, client.subscribe(&[&self.topic])),
            Command::Unsubscribe => client.unsubscribe(),
            // The one before is gone already.
            Command::NewClient => self.join_again(),
            Command::Leave(partitions) => drop(self.leave(&partitions)),
            Command::AskGroup => self.look_at_group(client),
        }
    }

    /// Lets the client work off one of its events, and hands on what its callbacks noted.
    fn poll(&mut self, client: &Client) {
        let now = self.now();
        match client.poll(Duration::ZERO) {
            None => {}
            Some(Ok(_)) => self.reader.client_error(now, reader::ClientError::Astray, 0, String::new()),
            Some(Err(error)) => {
                let (class, code, text) = client::judged(client, &error);
                self.reader.client_error(now, class, code, text);
            }
        }
        while let Some(notice) = client.context().take() {
            match notice {
                Notice::Assigned(partitions) => self.reader.assigned(partitions),
                Notice::Revoked { partitions, lost } => self.reader.revoked(partitions, lost),
                Notice::Extent(partition, extent) => self.reader.log_extent(partition, extent),
            }
        }
    }

    fn answer(&mut self, client: &Client, done: KafkaResult<()>) {
        let answer = match done {
            Ok(()) => Answer::Done,
            Err(_) if client::turned_away(client).is_some() => Answer::Fenced,
            Err(error) => Answer::Refused(error.to_string()),
        };
        self.reader.answered(self.began.elapsed(), answer);
    }

    fn fetch(&mut self, client: &Arc<Client>, partition: Partition, from: Offset) -> KafkaResult<()> {
        // Before the fetcher exists: from now on no record of it can take the way through the common queue.
        self.hand.open(client, &self.topic, partition)?;
        debug!(topic = self.topic, partition = partition.0, from, "partition started");
        client.incremental_assign(&self.places(&[(partition, from)])?)
    }

    fn refetch(&mut self, client: &Client, partition: Partition, at: Offset) -> KafkaResult<()> {
        let place = self.places(&[(partition, at)])?;
        client.incremental_unassign(&place)?;
        self.hand.drain(partition);
        self.hand.free(partition);
        client.incremental_assign(&place)
    }

    fn seek(&mut self, client: Arc<Client>, number: u64, places: &[(Partition, Offset)]) {
        let all = places.iter().map(|(partition, _)| *partition).collect();
        let (list, moving) = (self.places(places), Moving { told: self.heard.0.clone(), number, refused: all });
        // Where there is no thread, it is dropped at once.
        drop(client::on_thread("kafka-seek", move || {
            let mut moving = moving;
            match list.and_then(|list| client.seek_partitions(list, SEEK_DEADLINE)) {
                Ok(answers) => moving.refused = client::refused(&answers),
                Err(error) => debug!("could not move fetchers: {error}"),
            }
        }));
    }

    fn look_at_group(&self, client: Arc<Client>) {
        let (group, topic, told) =
            (self.config.get("group.id").unwrap_or_default().to_owned(), self.topic.clone(), self.heard.0.clone());
        drop(client::on_thread("kafka-look", move || {
            let seen = group::look(&client, &group, &topic);
            drop(told.send(Heard::Group(seen)));
        }));
    }

    fn join_again(&mut self) {
        let answer = match client::join(&self.config, &self.topic) {
            Ok(client) => {
                self.client = Some(client);
                Answer::Done
            }
            Err(error) => Answer::Refused(error.to_string()),
        };
        self.reader.answered(self.began.elapsed(), answer);
    }

    /// Hands the client to a thread of its own that leaves the group and destroys it.
    fn leave(&mut self, started: &[Partition]) -> Option<tokio::sync::oneshot::Receiver<()>> {
        let client = self.client.take()?;
        self.hand = Hand::default();
        client::give_up(client, &self.list(started))
    }

    fn list(&self, partitions: &[Partition]) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.topic, partition.0);
        }
        list
    }

    fn places(&self, places: &[(Partition, Offset)]) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for (partition, next) in places {
            list.add_partition_offset(&self.topic, partition.0, client::client_offset(*next))?;
        }
        Ok(list)
    }
}

impl Source for KafkaSource {
    async fn next(&mut self) -> Result<Delivery<'_>, Failure> {
        self.hear();
        loop {
            match self.reader.step(self.now(), &self.hand) {
                Step::Do(command) => self.carry_out(command),
                Step::Tell(told) => return Ok(self.hand.deliver(told)),
                Step::Fail(problem) => return Err(self.failure(&problem)),
                Step::Note(note) if note.is_warning() => warn!("{}", note.text(&self.topic)),
                Step::Note(note) => info!("{}", note.text(&self.topic)),
                Step::Idle => {
                    tokio::time::sleep(IDLE).await;
                    return Ok(Delivery::Idle);
                }
            }
        }
    }

    fn bounds(&self, partition: Partition) -> impl Future<Output = Result<Bounds, Failure>> + 'static {
        request::bounds(self.client().map(Arc::downgrade), &self.topic, &self.log, partition)
    }

    fn start(&mut self, partition: Partition, next: Offset) -> Result<(), Failure> {
        self.reader.start(self.began.elapsed(), partition, next).map_err(|problem| self.failure(&problem))
    }

    fn pause(&mut self, paused: bool) -> Result<(), Failure> {
        self.reader.pause(self.began.elapsed(), paused);
        Ok(())
    }

    fn release(&mut self, partitions: &[Partition]) -> Result<(), Failure> {
        self.reader.release(partitions);
        Ok(())
    }

    fn commit(&self, offsets: &[(Partition, Offset)]) -> impl Future<Output = Result<(), Failure>> + 'static {
        request::commit(self.client().map(Arc::downgrade), &self.topic, &self.log, offsets)
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
