//! What needs the operator, and goes on being tried until then.

use std::collections::BTreeMap;

use tracing::{error, info};

use super::{Notice, Observer};
use crate::record::Partition;

/// What needs the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Problem {
    /// The store refuses rows.
    Insert,
    /// The group refuses commits.
    Commit,
    /// A partition cannot be opened.
    Opening(Partition),
    /// The store does not keep what was promised of a partition, which waits for one that does.
    Forgotten(Partition),
    /// A partition must not be read on.
    Refused(Partition),
}

/// All that needs the operator now, and what to do.
#[derive(Debug, Default)]
pub(super) struct Problems(BTreeMap<Problem, String>);

impl Problems {
    /// Something needs the operator, and is tried again until then.
    pub(super) fn add(&mut self, problem: Problem, message: &str, observer: &impl Observer) {
        if let Problem::Refused(partition) = problem {
            error!(%partition, problem = message, "operator action required; this partition is put aside, the others go on");
        } else {
            error!(problem = message, "operator action required; retrying");
        }
        self.0.insert(problem, message.to_owned());
        self.show(observer);
    }

    /// It is solved, or nobody's any more.
    pub(super) fn resolve(&mut self, problem: Problem, observer: &impl Observer) {
        if self.0.remove(&problem).is_some() {
            if self.0.is_empty() {
                info!("all problems resolved");
            }
            self.show(observer);
        }
    }

    pub(super) fn has(&self, problem: Problem) -> bool {
        self.0.contains_key(&problem)
    }

    /// A partition is open, or nobody's any more.
    pub(super) fn opened(&mut self, partition: Partition, observer: &impl Observer) {
        self.resolve(Problem::Opening(partition), observer);
        self.resolve(Problem::Forgotten(partition), observer);
    }

    /// The store does not keep what was promised; whether that is news, whatever else kept the partition closed before. It is asked
    /// again and again, and has forgotten once.
    pub(super) fn forgotten(&mut self, partition: Partition, why: &str, observer: &impl Observer) -> bool {
        self.0.remove(&Problem::Opening(partition));
        let is_news = !self.has(Problem::Forgotten(partition));
        self.add(Problem::Forgotten(partition), why, observer);
        is_news
    }

    fn show(&self, observer: &impl Observer) {
        let mut all: Vec<&str> = self.0.values().map(String::as_str).collect();
        // What holds up every partition is said once.
        all.dedup();
        observer.notice(Notice::Problem((!all.is_empty()).then(|| all.join("; ")).as_deref()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody listens.
    struct Nobody;

    impl Observer for Nobody {
        fn notice(&self, _: Notice<'_>) {}
    }

    #[test]
    fn a_store_that_forgot_is_news_once_whatever_was_wrong_before() {
        let (mut problems, partition) = (Problems::default(), Partition(3));
        problems.add(Problem::Opening(partition), "its table is missing", &Nobody);
        assert!(problems.forgotten(partition, "it knows less", &Nobody));
        problems.add(Problem::Opening(partition), "it does not answer", &Nobody);
        assert!(!problems.forgotten(partition, "it knows less", &Nobody));
        assert!(problems.forgotten(Partition(4), "it knows less", &Nobody));
        problems.opened(partition, &Nobody);
        assert!(problems.forgotten(partition, "it knows less again", &Nobody));
    }
}
