//! What the group gives to whom, as its members tell each other through the brokers.
//!
//! Only looks; what follows from it is for the reader to decide.

use std::collections::BTreeSet;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaResult;
use tracing::debug;

use super::client::Client;
use crate::reader::Seen;
use crate::record::Partition;

/// How long an answer may take.
const LOOK_DEADLINE: Duration = Duration::from_secs(5);

/// Asks the brokers; nothing if they do not answer, if the group is not at rest, or if what they say cannot be understood.
pub(super) fn look(client: &Client, group: &str, topic: &str) -> Option<Seen> {
    let seen = ask(client, group, topic);
    if let Err(error) = &seen {
        debug!("could not look at the group: {error}");
    }
    seen.ok().flatten()
}

fn ask(client: &Client, group: &str, topic: &str) -> KafkaResult<Option<Seen>> {
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
}
