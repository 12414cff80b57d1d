//! What is committed beside an offset: the name of the log, and which topic it is of.
//!
//! Brokers keep a group's offsets when a topic is deleted and created again, and only the name tells those of the old log from those of
//! the new one. Only the topic's id tells a new log from the same one under a new name, which would be counted a second time.

use super::client::Client;
use super::identity;
use crate::failure::Failure;
use crate::reader::TopicId;

/// What stands beside an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Note<'a> {
    topic: Option<&'a str>,
    log: &'a str,
}

/// The note of a log, committed with its offsets; without a topic's id where brokers told none.
pub(crate) fn log_note(log: &str, topic: Option<TopicId>) -> String {
    topic.map_or_else(|| format!("log={log}"), |topic| format!("topic={} log={log}", id(topic)))
}

/// A topic's id in hexadecimal digits.
fn id((most, least): TopicId) -> String {
    format!("{most:016x}{least:016x}")
}

/// Nothing where another tool has committed.
fn read(metadata: &str) -> Option<Note<'_>> {
    let (topic, rest) = match metadata.strip_prefix("topic=").and_then(|rest| rest.split_once(' ')) {
        Some((topic, rest)) => (Some(topic), rest),
        None => (None, metadata),
    };
    Some(Note { topic, log: rest.strip_prefix("log=")? })
}

/// Whether an offset with this note counts for a log: without a note it may be of any.
pub(super) fn counts(metadata: &str, log: &str) -> bool {
    read(metadata).is_none_or(|note| note.log == log)
}

/// Refuses to read the very log of a note under another name. Asks the brokers for the topic's id only where the names differ.
pub(super) fn same_name(metadata: &str, log: &str, client: &Client, topic: &str) -> Result<(), Failure> {
    let Some(Note { topic: Some(noted), log: other }) = read(metadata).filter(|note| note.log != log) else { return Ok(()) };
    // Brokers that have told an id before tell one again.
    let Some(told) = identity::topic_id(client, topic) else {
        let what = format!("the group's offsets are of the log {other:?}, and not of {log:?} (`worker.log`)");
        return Err(Failure::Transient(format!("{what}: the brokers do not say whether {topic} is still the same topic")));
    };
    if id(told) != noted {
        return Ok(());
    }
    Err(Failure::Operator(format!(
        "`worker.log` is {log:?}, but the workers of this epoch have read {topic}, which was not created again since, as {other:?}: under \
         another name all of it would be counted a second time, so nothing was read. Set `worker.log` back to {other:?} (empty, if that is \
         the topic's name); or, if all of it is to be read again into rows of its own, raise `epoch`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_what_was_written_into_it() {
        for log in ["events", "events again=1", "topic=1 log=2"] {
            let topic = format!("{}{}", "f".repeat(16), "0000000000000007");
            assert_eq!(read(&log_note(log, Some((-1, 7)))), Some(Note { topic: Some(&topic), log }));
            assert_eq!(read(&log_note(log, None)), Some(Note { topic: None, log }), "of brokers without ids");
        }
        assert_eq!([read(""), read("by hand"), read("topic=1"), read("topic=1 by hand")], [None; 4]);
    }
}
