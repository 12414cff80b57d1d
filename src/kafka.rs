//! Source over Kafka: records, assignments and ends of partitions become deliveries, in order.
//!
//! A rebalance is an input like any other: the client's callback only notes it, [`Source::next`] hands
//! it out, and the loop answers with [`Source::start`] or [`Source::release`] when it is ready. Each
//! partition is read through its own queue, in batches. Where to begin is never left to the group's
//! committed offset or to a reset policy: the loop says it.
//!
//! Keeps: no record is handed out twice after one `start`, none is skipped, none after a revocation.

mod client;
mod coverage;
mod fencing;
mod group;
mod identity;
mod queue;
mod reading;

use std::collections::BTreeSet;
use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::{ClientConfig, Offset as ClientOffset, TopicPartitionList};
use tracing::{debug, warn};

use crate::config;
use crate::record::{Offset, Partition};
use crate::worker::{Bounds, Delivery, Gaps, Source, SourceError};

use client::{Client, Complaints, Rebalance};
pub(crate) use client::{committed, log_note, offset};
use coverage::Coverage;
use fencing::Fencing;
use identity::Identity;
use queue::{Batch, Front, PartitionQueue};
use reading::Reading;

/// How long a question to the brokers may take.
const REQUEST_DEADLINE: Duration = Duration::from_secs(10);

/// How long leaving the group may take: the client's own shutdown has no bound.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

/// A pause when nothing came: far below what anybody waits for, far above what costs CPU.
const IDLE: Duration = Duration::from_millis(5);

/// What any client needs to reach the brokers of a configuration: protocol, certificates, credentials.
#[must_use]
pub fn security_settings(settings: &config::Kafka) -> Vec<(String, String)> {
    client::security_settings(settings)
}

/// What one step found, without borrowing the source.
enum Step {
    Records(Partition, std::ops::Range<usize>),
    Other(Delivery<'static>),
    Nothing,
}

/// A member of the consumer group.
pub struct KafkaSource {
    // The batch and the queues hold the client too, so that it outlives them in any order of drops.
    batch: Option<Batch>,
    reading: Vec<Reading>,
    /// Index of the partition whose turn it is.
    turn: usize,
    owned: BTreeSet<Partition>,
    /// Partitions of the revocation under way that the loop has not released yet.
    revoking: Option<BTreeSet<Partition>>,
    /// Released partitions that the client still has; they go when the revocation is complete.
    releasing: Vec<Partition>,
    paused: bool,
    /// Since they were asked for last.
    gaps: Gaps,
    complaints: Complaints,
    topic: String,
    /// What the topic's log is called; committed with every offset.
    log: String,
    config: ClientConfig,
    fencing: Fencing,
    coverage: Coverage,
    identity: Identity,
    consumer: Option<Arc<Client>>,
}

impl KafkaSource {
    /// Joins the group of this epoch, to read the topic's log under the name `log`. Brokers are contacted in the
    /// background: only a wrong setting fails here.
    ///
    /// # Errors
    /// [`SourceError::Operator`] when the client refuses a setting.
    pub fn connect(settings: &config::Kafka, log: &str, epoch: u16, thread: usize) -> Result<Self, SourceError> {
        let config = client::client_config(settings, epoch, thread);
        let topic = settings.topic.as_str();
        let consumer = fencing::join(&config, topic)?;
        Ok(Self {
            batch: None,
            reading: Vec::new(),
            turn: 0,
            owned: BTreeSet::new(),
            revoking: None,
            releasing: Vec::new(),
            paused: false,
            gaps: Gaps::default(),
            complaints: Complaints::default(),
            topic: topic.to_owned(),
            log: log.to_owned(),
            coverage: Coverage::of(&config),
            identity: Identity::unknown(),
            config,
            fencing: Fencing::default(),
            consumer: Some(consumer),
        })
    }

    /// The partitions that belong to this member.
    #[must_use]
    pub fn assigned(&self) -> Vec<Partition> {
        self.owned.iter().copied().collect()
    }

    fn step(&mut self) -> Result<Step, SourceError> {
        if self.stays_away()? {
            return Ok(Step::Nothing);
        }
        if !self.paused
            && let Some(step) = self.rest_of_batch()?
        {
            return Ok(step);
        }
        if let Some(event) = self.serve_events()? {
            return Ok(Step::Other(event));
        }
        if self.paused {
            return Ok(Step::Nothing);
        }
        if let Some(partition) = self.reading.iter_mut().find_map(|reading| reading.tell_doubt()) {
            return Ok(Step::Other(Delivery::Doubted(partition)));
        }
        self.correct_positions()?;
        for _ in 0..self.reading.len() {
            self.turn = (self.turn + 1) % self.reading.len();
            let reading = &self.reading[self.turn];
            if reading.misplaced || reading.stopped {
                continue;
            }
            self.batch = reading.queue.drain();
            if let Some(step) = self.rest_of_batch()? {
                return Ok(step);
            }
        }
        Ok(Step::Nothing)
    }

    /// The next thing in the batch that was drained last.
    fn rest_of_batch(&mut self) -> Result<Option<Step>, SourceError> {
        let Some(batch) = &mut self.batch else { return Ok(None) };
        let partition = batch.partition();
        let Some(reading) = self.reading.iter_mut().find(|reading| reading.partition == partition && !reading.stopped) else {
            self.batch = None;
            return Ok(None);
        };
        loop {
            match batch.take_front(reading.position) {
                Front::Records { first, .. } if reading.doubts_gap(first) => {
                    self.batch = None;
                    return Ok(None);
                }
                Front::Records { first, run, next } => {
                    self.gaps.note(reading.gap_before(first));
                    reading.hand_out(next, false);
                    return Ok(Some(Step::Records(partition, run)));
                }
                Front::End(end) if reading.doubts_gap(end) => {
                    self.batch = None;
                    return Ok(None);
                }
                Front::End(end) if end >= reading.position => {
                    self.gaps.note(reading.gap_before(end));
                    reading.hand_out(end, true);
                    if let Some(client) = &self.consumer {
                        client.context().note_end(partition, end);
                    }
                    return Ok(Some(Step::Other(Delivery::End(partition, end))));
                }
                Front::End(_) => {}
                Front::Error { at, code, text } => {
                    let place = format!("{}/{partition} at offset {}", self.topic, reading.position);
                    if client::recovers(code) {
                        self.complaints.say(code, format!("could not read {place}: {text}"))?;
                        continue;
                    }
                    if reading.doubts_error(at) {
                        self.batch = None;
                        return Ok(None);
                    }
                    if client::says_cut_off(code) && reading.doubt_the_log() {
                        warn!(
                            "the client believes that the log does not hold {place} ({text}): comparing the last record that was read"
                        );
                        self.batch = None;
                        return Ok(None);
                    }
                    reading.stopped = true;
                    return Err(SourceError::Operator(client::unreadable(code, &place, &text)));
                }
                Front::Empty => {
                    self.batch = None;
                    return Ok(None);
                }
            }
        }
    }

    /// Lets the client work off one of its events: a rebalance, an error, statistics, a log line.
    fn serve_events(&mut self) -> Result<Option<Delivery<'static>>, SourceError> {
        let client = Arc::clone(self.client()?);
        match client.poll(Duration::ZERO) {
            None => {}
            Some(Ok(_)) => {
                return Err(SourceError::Operator(format!(
                    "the Kafka client handed out a record of {} outside its partition's queue; restart the worker",
                    self.topic
                )));
            }
            Some(Err(error)) => {
                if let Some(delivery) = self.on_error(&client, &error)? {
                    return Ok(Some(delivery));
                }
            }
        }
        while let Some(event) = client.context().take_rebalance() {
            let delivery = match event {
                Rebalance::Assigned(partitions) => self.on_assigned(&client, partitions)?,
                Rebalance::Revoked { partitions, lost } => self.on_revoked(&client, partitions, lost)?,
            };
            if delivery.is_some() {
                return Ok(delivery);
            }
        }
        self.watch_identity(&client)?;
        self.watch_coverage(&client)?;
        Ok(None)
    }

    fn list(&self, partitions: &[Partition]) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.topic, partition.0);
        }
        list
    }
}

impl Source for KafkaSource {
    async fn next(&mut self) -> Result<Delivery<'_>, SourceError> {
        match self.step()? {
            Step::Records(partition, run) => {
                let records = self.batch.as_ref().map(|batch| batch.records(run)).unwrap_or_default();
                Ok(Delivery::Records(partition, records))
            }
            Step::Other(delivery) => Ok(delivery),
            Step::Nothing => {
                tokio::time::sleep(IDLE).await;
                Ok(Delivery::Idle)
            }
        }
    }

    fn bounds(&self, partition: Partition) -> impl Future<Output = Result<Bounds, SourceError>> + 'static {
        let client = self.client().cloned();
        let (topic, log) = (self.topic.clone(), self.log.clone());
        let list = self.list(&[partition]);
        let what = format!("could not ask for the bounds of {topic}/{partition}");
        async move {
            let client = client?;
            client::ask(what, REQUEST_DEADLINE, move || {
                // A third of the time each, so that all answers fit.
                let (first, end) = client.fetch_watermarks(&topic, partition.0, REQUEST_DEADLINE / 3)?;
                let answers = client.committed_offsets(list, REQUEST_DEADLINE / 3)?;
                let mut committed = None;
                for answer in answers.elements() {
                    answer.error()?;
                    committed = client::committed(&answer, &log);
                }
                let metadata = client.fetch_metadata(Some(&topic), REQUEST_DEADLINE / 3)?;
                // A broker that has not heard of a new topic yet names none.
                let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
                Ok(Bounds { first: client::offset(first), end: client::offset(end), committed, partitions })
            })
            .await
        }
    }

    async fn start(&mut self, partition: Partition, next: Offset) -> Result<(), SourceError> {
        let client = Arc::clone(self.client()?);
        if !self.owned.contains(&partition) {
            return Err(SourceError::Transient(format!("{}/{partition} was taken away before it was started", self.topic)));
        }
        if let Some(reading) = self.reading.iter_mut().find(|reading| reading.partition == partition) {
            // Started before: its fetcher is moved.
            reading.begin_again(next);
            self.batch.take_if(|batch| batch.partition() == partition);
            return Ok(());
        }
        let refused = |error: String| SourceError::Operator(format!("could not start {}/{partition}: {error}", self.topic));
        let topic = CString::new(self.topic.as_str()).map_err(|error| refused(error.to_string()))?;
        // Before the fetcher exists: from now on no record of it can take the way through the common queue.
        let queue = PartitionQueue::open(&client, &topic, partition).ok_or_else(|| refused("no queue".to_owned()))?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition.0, client_offset(next))
            .and_then(|()| client.incremental_assign(&list))
            .map_err(|error| refused(error.to_string()))?;
        self.reading.push(Reading::new(partition, queue, next));
        debug!(topic = self.topic, partition = partition.0, next, "partition started");
        Ok(())
    }

    /// The client's own pause is not used: it throws away what was fetched. It stops fetching by itself
    /// when a partition's queue is full.
    fn pause(&mut self, paused: bool) -> Result<(), SourceError> {
        self.paused = paused;
        Ok(())
    }

    async fn release(&mut self, partitions: &[Partition]) -> Result<(), SourceError> {
        if self.fencing.is_away() {
            // All of them went with the client.
            return Ok(());
        }
        let client = Arc::clone(self.client()?);
        for partition in partitions {
            self.owned.remove(partition);
            if let Some(waiting) = &mut self.revoking {
                waiting.remove(partition);
            }
            if let Some(reading) = self.reading.iter_mut().find(|reading| reading.partition == *partition) {
                reading.stopped = true;
                if !self.releasing.contains(partition) {
                    self.releasing.push(*partition);
                }
            }
        }
        self.finish_revocation(&client)
    }

    async fn commit(&mut self, offsets: &[(Partition, Offset)]) -> Result<(), SourceError> {
        if offsets.is_empty() {
            return Ok(());
        }
        let client = Arc::clone(self.client()?);
        let what = format!("could not commit offsets of {}", self.topic);
        let mut list = TopicPartitionList::new();
        for (partition, next) in offsets {
            let mut place = list.add_partition(&self.topic, partition.0);
            place.set_offset(client_offset(*next)).map_err(|error| SourceError::Operator(format!("{what}: {error}")))?;
            place.set_metadata(client::log_note(&self.log));
        }
        client::ask(what, REQUEST_DEADLINE, move || client.commit(&list, CommitMode::Sync)).await
    }

    fn lag(&self) -> Vec<(Partition, Option<u64>)> {
        let Some(client) = &self.consumer else { return Vec::new() };
        let lag = |reading: &Reading| Some(client.context().end(reading.partition)?.saturating_sub(reading.position));
        self.reading.iter().map(|reading| (reading.partition, lag(reading))).collect()
    }

    fn take_gaps(&mut self) -> Gaps {
        std::mem::take(&mut self.gaps)
    }

    fn unassigned(&self) -> Option<usize> {
        self.coverage.unassigned()
    }

    async fn close(&mut self) -> Result<(), SourceError> {
        let Some(left) = self.leave() else { return Ok(()) };
        if tokio::time::timeout(CLOSE_DEADLINE, left).await.is_err() {
            warn!("left without the group's consent: it did not answer within {CLOSE_DEADLINE:?}");
        }
        Ok(())
    }
}

impl Drop for KafkaSource {
    fn drop(&mut self) {
        drop(self.leave());
    }
}

fn client_offset(offset: Offset) -> ClientOffset {
    ClientOffset::Offset(i64::try_from(offset).unwrap_or(i64::MAX))
}
