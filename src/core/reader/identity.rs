//! Whether the topic is still the one that this process began to read: brokers give every topic an id when it is created.
//!
//! Asks nobody: one question a second and process is enough for all readers, and each is told the answer.

use super::Reader;

/// What brokers call a topic, whatever people call it.
pub type TopicId = (i64, i64);

/// The id that was told first.
#[derive(Debug, Default)]
pub(super) struct Identity {
    known: Option<TopicId>,
}

impl Identity {
    /// Brokers that say nothing, or that the topic is not there, say nothing about another one.
    pub(super) fn is_another(&mut self, told: Option<TopicId>) -> bool {
        let Some(told) = told else { return false };
        *self.known.get_or_insert(told) != told
    }
}

impl Reader {
    /// What the brokers called the topic when they were asked first: what was read is of no other.
    #[must_use]
    pub fn topic(&self) -> Option<TopicId> {
        self.identity.known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_id_is_another_topic() {
        let mut identity = Identity::default();
        assert!(!identity.is_another(None));
        assert!(!identity.is_another(Some((1, 2))));
        assert!(!identity.is_another(None), "not answered, or deleted");
        assert!(!identity.is_another(Some((1, 2))));
        assert!(identity.is_another(Some((1, 3))));
    }
}
