//! Whether a topic suits a worker: one that must be able to read again what is not in a checkpoint yet.
//!
//! A function of the topic's settings; asks nobody.

use std::time::Duration;

use crate::metrics::TopicProblem;

/// A worker that was away for less than this has to find its records.
const OUTAGE: Duration = Duration::from_secs(3600);

/// What a topic keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicSettings {
    /// Whether compaction takes records away.
    pub compacted: bool,
    /// How long records are kept; `None`: for ever.
    pub retention: Option<Duration>,
}

impl TopicSettings {
    /// Reads the values of `cleanup.policy` and `retention.ms`. A negative retention is none.
    pub(super) fn of(policy: Option<&str>, retention: Option<&str>) -> TopicSettings {
        let compacted = policy.is_some_and(|policy| policy.split(',').any(|word| word.trim() == "compact"));
        // A topic that is only compacted keeps its newest records whatever their age.
        let deletes = policy.is_none_or(|policy| policy.split(',').any(|word| word.trim() == "delete"));
        let retention = retention.and_then(|millis| millis.parse().ok()).map(Duration::from_millis);
        TopicSettings { compacted, retention: retention.filter(|_| deletes) }
    }

    /// What is wrong with the topic for a worker that publishes checkpoints this often, and what to do about it.
    #[must_use]
    pub fn problems(&self, topic: &str, checkpoint_interval: Duration) -> Vec<(TopicProblem, String)> {
        let compacted = || {
            format!(
                "topic {topic} is compacted (cleanup.policy): records are taken away that every count will lack, and that nobody can \
                 read again; set cleanup.policy=delete on it"
            )
        };
        let least = OUTAGE.max(2 * checkpoint_interval);
        let short = |retention: Duration| {
            format!(
                "topic {topic} keeps its records for {retention:?} only (retention.ms={}): what is in no checkpoint by then, such as \
                 after a longer outage, is lost; set retention.ms to {} at least, better to days",
                retention.as_millis(),
                least.as_millis()
            )
        };
        let short = self.retention.filter(|retention| *retention < least).map(short);
        let compacted = self.compacted.then(compacted).map(|text| (TopicProblem::Compacted, text));
        compacted.into_iter().chain(short.map(|text| (TopicProblem::ShortRetention, text))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn problems(policy: &str, retention: &str) -> Vec<TopicProblem> {
        let settings = TopicSettings::of(Some(policy), Some(retention));
        settings.problems("events", MINUTE / 2).into_iter().map(|(problem, _)| problem).collect()
    }

    #[test]
    fn a_topic_that_is_compacted_or_keeps_records_for_less_than_an_hour_is_named() {
        assert_eq!(problems("delete", "604800000"), []);
        assert_eq!(problems("delete", "-1"), []);
        assert_eq!(problems("delete", "3600000"), []);
        assert_eq!(problems("delete", "3599999"), [TopicProblem::ShortRetention]);
        assert_eq!(problems("compact", "60000"), [TopicProblem::Compacted]);
        assert_eq!(problems("compact,delete", "60000"), [TopicProblem::Compacted, TopicProblem::ShortRetention]);
        assert_eq!(problems("delete, compact", "-1"), [TopicProblem::Compacted]);
    }

    #[test]
    fn rare_checkpoints_need_a_longer_retention() {
        let hours = |retention: u32| TopicSettings { compacted: false, retention: Some(60 * MINUTE * retention) };
        assert_eq!(hours(47).problems("events", 60 * MINUTE * 24).len(), 1);
        assert_eq!(hours(48).problems("events", 60 * MINUTE * 24).len(), 0);
    }

    #[test]
    fn a_problem_names_its_setting_and_the_cure() {
        let found = TopicSettings::of(Some("compact,delete"), Some("60000")).problems("events", MINUTE);
        assert!(found[0].1.contains("cleanup.policy=delete"), "{}", found[0].1);
        assert!(found[1].1.contains("retention.ms=60000") && found[1].1.contains("3600000"), "{}", found[1].1);
    }
}
