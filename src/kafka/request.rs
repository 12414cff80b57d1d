//! What the brokers are asked for: where a partition begins and ends, and to keep the group's offsets.
//!
//! Each waits on a thread of its own, so that the loop waits for none.

use std::sync::{Arc, Weak};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::KafkaResult;

use super::client::{self, Client};
use super::note;
use crate::failure::Failure;
use crate::reader::TopicId;
use crate::record::{Offset, Partition};
use crate::worker::Bounds;

/// How long a question may take.
const QUESTION_DEADLINE: Duration = Duration::from_secs(10);

/// How long it may take to ask whose offsets a group has, where they are of another log; seldom.
const IDENTITY_DEADLINE: Duration = Duration::from_secs(10);

/// How long a commit may take: nothing waits for it, and the client asks again by itself where the coordinator has moved.
const COMMIT_DEADLINE: Duration = Duration::from_secs(30);

/// Bounds of a partition, and what the group has committed for this log.
pub(super) fn bounds(
    client: Result<Weak<Client>, Failure>,
    topic: &str,
    log: &str,
    partition: Partition,
) -> impl Future<Output = Result<Bounds, Failure>> + 'static {
    let (topic, log) = (topic.to_owned(), log.to_owned());
    async move {
        let (client, what) = (held(client)?, format!("could not ask for the bounds of {topic}/{partition}"));
        let asked = client::ask(what, QUESTION_DEADLINE + IDENTITY_DEADLINE, move || {
            // A third of the time each, so that these answers fit.
            let (first, end) = client.fetch_watermarks(&topic, partition.0, QUESTION_DEADLINE / 3)?;
            let mut list = TopicPartitionList::new();
            list.add_partition(&topic, partition.0);
            let answers = client.committed_offsets(list, QUESTION_DEADLINE / 3)?;
            let mut committed = None;
            for answer in answers.elements() {
                answer.error()?;
                if let Err(renamed) = note::same_name(answer.metadata(), &log, &client, &topic) {
                    return Ok(Err(renamed));
                }
                committed = client::committed(&answer, &log);
            }
            let metadata = client.fetch_metadata(Some(&topic), QUESTION_DEADLINE / 3)?;
            // A broker that has not heard of a new topic yet names none.
            let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
            Ok(Ok(Bounds { first: client::offset(first), end: client::offset(end), committed, partitions }))
        });
        asked.await?
    }
}

/// Commits offsets, each with the log's name and the topic's id beside it.
pub(super) fn commit(
    client: Result<Weak<Client>, Failure>,
    topic: &str,
    (log, id): (&str, Option<TopicId>),
    offsets: &[(Partition, Offset)],
) -> impl Future<Output = Result<(), Failure>> + 'static {
    let what = format!("could not commit offsets of {topic}");
    let list = noted(topic, &note::log_note(log, id), offsets).map_err(|error| Failure::Operator(format!("{what}: {error}")));
    async move {
        let (client, list) = (held(client)?, list?);
        client::ask(what, COMMIT_DEADLINE, move || client.commit(&list, CommitMode::Sync)).await
    }
}

/// The client, if the source still has it: whoever waits to ask must not be the last to hold it, and destroy it.
fn held(client: Result<Weak<Client>, Failure>) -> Result<Arc<Client>, Failure> {
    client?.upgrade().ok_or_else(|| Failure::Transient("the Kafka client is closed".to_owned()))
}

fn noted(topic: &str, note: &str, offsets: &[(Partition, Offset)]) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (partition, next) in offsets {
        let mut place = list.add_partition(topic, partition.0);
        place.set_offset(client::client_offset(*next))?;
        place.set_metadata(note);
    }
    Ok(list)
}
