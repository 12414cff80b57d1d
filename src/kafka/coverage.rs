//! Whether the group gives every partition to somebody, which members with names cannot take for granted.
//!
//! When partitions move from one member to another, the first gives them up and joins again so that the second is given them. If it
//! dies in between and comes back under its name, the group hands it what it had been left with, without a rebalance: what it gave up belongs
//! to nobody, and nobody hears of it. So whoever has a name looks now and then, says what it sees, and in the end asks
//! for a rebalance by leaving and joining again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaResult;
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::KafkaSource;
use super::client::{self, Client};
use crate::record::Partition;
use crate::worker::SourceError;

/// How often the group is looked at, and how long an answer may take.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const LOOK_DEADLINE: Duration = Duration::from_secs(5);

/// While somebody gives partitions up they belong to nobody; that takes the deadline of a revocation, and little more.
const UNCOVERED_FOR: Duration = Duration::from_secs(10);

/// One member asks for a rebalance; if that was not enough, all do.
const UNCOVERED_FOR_LONG: Duration = Duration::from_secs(40);

/// Leaving takes the deadline of a revocation.
const LEAVING_FOR: Duration = Duration::from_secs(10);

/// What a group at rest gives to whom.
struct Seen {
    partitions: usize,
    given: BTreeSet<Partition>,
}

/// What was seen of the group last. Members without a name look at nothing.
pub(super) struct Coverage {
    /// The group's name, if there is something to look at.
    group: Option<String>,
    look_at: Instant,
    asked: Option<oneshot::Receiver<KafkaResult<Option<Seen>>>>,
    unassigned: Option<usize>,
    uncovered_since: Option<Instant>,
    /// Since when this member is on its way out of the group, to join it again.
    leaving_since: Option<Instant>,
}

impl Coverage {
    /// With the consumer protocol the broker itself watches over this.
    pub(super) fn of(config: &ClientConfig) -> Coverage {
        let looks = config.get("group.instance.id").is_some() && config.get("group.protocol") != Some("consumer");
        let group = config.get("group.id").filter(|_| looks).map(str::to_owned);
        Coverage {
            group,
            look_at: Instant::now() + LOOK_EVERY,
            asked: None,
            unassigned: None,
            uncovered_since: None,
            leaving_since: None,
        }
    }

    /// How many partitions belong to nobody, as far as was seen.
    pub(super) fn unassigned(&self) -> Option<usize> {
        self.unassigned
    }

    /// An answer, if one has come; asks for the next one when it is time.
    fn look(&mut self, client: &Arc<Client>, topic: &str) -> Option<Seen> {
        let group = self.group.as_deref()?;
        if let Some(asked) = &mut self.asked {
            let answer = asked.try_recv();
            if matches!(answer, Err(TryRecvError::Empty)) {
                return None;
            }
            self.asked = None;
            if let Ok(Err(error)) = &answer {
                debug!("could not look at the group: {error}");
            }
            return answer.ok()?.ok()?;
        }
        let now = Instant::now();
        if now >= self.look_at {
            self.look_at = now + LOOK_EVERY;
            let (client, group, topic) = (Arc::clone(client), group.to_owned(), topic.to_owned());
            self.asked = Some(client::on_thread("kafka-look", move || look(&client, &group, &topic)));
        }
        None
    }

    /// For how long something has belonged to nobody.
    fn uncovered_for(&mut self, unassigned: usize, now: Instant) -> Duration {
        self.unassigned = Some(unassigned);
        self.uncovered_since = (unassigned > 0).then(|| self.uncovered_since.unwrap_or(now));
        self.uncovered_since.map_or(Duration::ZERO, |since| now.duration_since(since))
    }
}

/// Asks the brokers; nothing if the group is not at rest, or if what they say cannot be understood.
fn look(client: &Client, group: &str, topic: &str) -> KafkaResult<Option<Seen>> {
    let groups = client.fetch_group_list(Some(group), LOOK_DEADLINE)?;
    let metadata = client.fetch_metadata(Some(topic), LOOK_DEADLINE)?;
    let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    let Some(group) = groups.groups().first().filter(|group| group.state() == "Stable") else { return Ok(None) };
    let assignments = group.members().iter().map(|member| given(member.assignment().unwrap_or_default(), topic));
    let given: Option<BTreeSet<Partition>> =
        assignments.collect::<Option<Vec<_>>>().map(|all| all.into_iter().flatten().collect());
    Ok(given.map(|given| Seen { partitions, given }))
}

/// The partitions of a topic in a member's assignment, as members send it to each other through the brokers; `None` if it is
/// none. One without bytes is one of nothing.
fn given(assignment: &[u8], topic: &str) -> Option<Vec<Partition>> {
    let mut rest = assignment;
    let mut found = Vec::new();
    if rest.is_empty() {
        return Some(found);
    }
    let _version: [u8; 2] = take(&mut rest)?;
    for _ in 0..i32::from_be_bytes(take(&mut rest)?) {
        let length = usize::try_from(i16::from_be_bytes(take(&mut rest)?)).ok()?;
        let (name, others) = rest.split_at_checked(length)?;
        rest = others;
        for _ in 0..i32::from_be_bytes(take(&mut rest)?) {
            let partition = Partition(i32::from_be_bytes(take(&mut rest)?));
            if name == topic.as_bytes() {
                found.push(partition);
            }
        }
    }
    Some(found)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, others) = rest.split_first_chunk()?;
    *rest = others;
    Some(*first)
}

impl KafkaSource {
    /// Looks whether every partition belongs to somebody; if not for long, sees to it that the group shares them out.
    pub(super) fn watch_coverage(&mut self, client: &Arc<Client>) -> Result<(), SourceError> {
        let now = Instant::now();
        if self.coverage.leaving_since.is_some_and(|since| now.duration_since(since) > LEAVING_FOR) {
            self.join_again(client)?;
        }
        let Some(Seen { partitions, given }) = self.coverage.look(client, &self.topic) else { return Ok(()) };
        let uncovered_for = self.coverage.uncovered_for(partitions.saturating_sub(given.len()), now);
        if self.coverage.unassigned == Some(0) || self.coverage.leaving_since.is_some() {
            return Ok(());
        }
        // One is enough; which one, they agree about without a word.
        let first = given.first().is_none_or(|first| self.owned.contains(first));
        if uncovered_for < UNCOVERED_FOR || !first && uncovered_for < UNCOVERED_FOR_LONG {
            return Ok(());
        }
        warn!(
            topic = self.topic,
            partitions,
            ?given,
            ?uncovered_for,
            "some partitions belong to nobody although the group is at rest: leaving it and joining again, so that it shares them out"
        );
        self.coverage.uncovered_since = None;
        self.coverage.leaving_since = Some(now);
        client.unsubscribe();
        if self.owned.is_empty() { self.join_again(client) } else { Ok(()) }
    }

    /// The second half of a rebalance that this member asked for, once it has given everything back.
    pub(super) fn join_again(&mut self, client: &Client) -> Result<(), SourceError> {
        if self.coverage.leaving_since.take().is_none() {
            return Ok(());
        }
        Self::accepted(client, client.subscribe(&[&self.topic]), "join the group again")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An assignment of version 0 of some partitions of each topic, and no data of the assignor's.
    fn assignment(topics: &[(&str, &[i32])]) -> Vec<u8> {
        let length = |count: usize| i32::try_from(count).unwrap().to_be_bytes();
        let mut bytes = [&[0, 0][..], &length(topics.len())].concat();
        for (name, partitions) in topics {
            bytes.extend(i16::try_from(name.len()).unwrap().to_be_bytes());
            bytes.extend(name.as_bytes());
            bytes.extend(length(partitions.len()));
            bytes.extend(partitions.iter().flat_map(|partition| partition.to_be_bytes()));
        }
        bytes.extend((-1_i32).to_be_bytes());
        bytes
    }

    #[test]
    fn what_a_member_was_given_is_read_out_of_its_assignment() {
        let bytes = assignment(&[("others", &[7]), ("events", &[0, 3])]);
        assert_eq!(given(&bytes, "events"), Some(vec![Partition(0), Partition(3)]));
        assert_eq!(given(&bytes, "nothing"), Some(vec![]));
        assert_eq!(given(&[], "events"), Some(vec![]));
    }

    #[test]
    fn what_is_no_assignment_says_nothing() {
        let bytes = assignment(&[("events", &[0, 3])]);
        for length in 1..bytes.len() - 4 {
            assert_eq!(given(&bytes[..length], "events"), None, "{length}");
        }
    }

    #[test]
    fn only_what_stays_uncovered_grows_old() {
        let config = |protocol: &str, name: &str| {
            let mut config = ClientConfig::new();
            config.set("group.id", "g").set("group.protocol", protocol);
            if !name.is_empty() {
                config.set("group.instance.id", name);
            }
            Coverage::of(&config)
        };
        assert!(config("classic", "").group.is_none() && config("consumer", "one").group.is_none());
        let (mut coverage, start) = (config("classic", "one"), Instant::now());
        assert_eq!(coverage.unassigned(), None);
        let second = Duration::from_secs(1);
        assert_eq!(coverage.uncovered_for(2, start), Duration::ZERO);
        assert_eq!(coverage.uncovered_for(1, start + second), second);
        assert_eq!(coverage.uncovered_for(0, start + 2 * second), Duration::ZERO);
        assert_eq!(coverage.uncovered_for(1, start + 3 * second), Duration::ZERO);
        assert_eq!(coverage.unassigned(), Some(1));
    }
}
