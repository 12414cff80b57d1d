//! What needs the operator, and goes on being tried until then.

use std::collections::{BTreeMap, BTreeSet};

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
    /// A partition is not read: it cannot be opened, waits for a store that keeps what was promised, or must not be read on.
    Partition(Partition),
    /// The store refuses its rows, or did when they were sent last.
    Untaken(Partition),
}

/// All that needs the operator now, and what to do: of a partition what was found out last, for it is in one state.
#[derive(Debug, Default)]
pub(super) struct Problems {
    all: BTreeMap<Problem, String>,
    /// Partitions of which the store was found to have forgotten something, until they are open.
    forgotten: BTreeSet<Partition>,
}

impl Problems {
    /// Something needs the operator, and is tried again until then.
    pub(super) fn add(&mut self, problem: Problem, message: &str, observer: &impl Observer) {
        error!(problem = message, "operator action required; retrying");
        self.put(problem, message, observer);
    }

    /// A partition must not be read on.
    pub(super) fn refused(&mut self, partition: Partition, why: &str, observer: &impl Observer) {
        error!(%partition, problem = why, "operator action required; this partition is put aside, the others go on");
        self.forgotten.remove(&partition);
        self.all.remove(&Problem::Untaken(partition));
        self.put(Problem::Partition(partition), why, observer);
    }

    /// The store refuses rows of a partition, or of others that were sent with it.
    pub(super) fn untaken(&mut self, partition: Partition, why: &str, observer: &impl Observer) {
        self.put(Problem::Untaken(partition), why, observer);
    }

    /// The store does not keep what was promised; whether that is news, whatever else kept the partition closed before. It is asked
    /// again and again, and has forgotten once.
    pub(super) fn forgotten(&mut self, partition: Partition, why: &str, observer: &impl Observer) -> bool {
        self.add(Problem::Partition(partition), why, observer);
        self.forgotten.insert(partition)
    }

    /// It is solved, or nobody's any more.
    pub(super) fn resolve(&mut self, problem: Problem, observer: &impl Observer) {
        if self.all.remove(&problem).is_some() {
            if self.all.is_empty() {
                info!("all problems resolved");
            }
            self.show(observer);
        }
    }

    /// A partition is this loop's no more, or is opened again.
    pub(super) fn closed(&mut self, partition: Partition, observer: &impl Observer) {
        self.resolve(Problem::Untaken(partition), observer);
        self.opened(partition, observer);
    }

    /// A partition is open.
    pub(super) fn opened(&mut self, partition: Partition, observer: &impl Observer) {
        self.forgotten.remove(&partition);
        self.resolve(Problem::Partition(partition), observer);
    }

    pub(super) fn has(&self, problem: Problem) -> bool {
        self.all.contains_key(&problem)
    }

    fn put(&mut self, problem: Problem, message: &str, observer: &impl Observer) {
        self.all.insert(problem, message.to_owned());
        self.show(observer);
    }

    fn show(&self, observer: &impl Observer) {
        // What holds up every partition is said once.
        let mut all: Vec<String> = Vec::new();
        let mut untaken: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (problem, why) in &self.all {
            if let Problem::Untaken(partition) = problem {
                untaken.entry(why).or_default().push(partition.to_string());
            } else if all.last() != Some(why) {
                all.push(why.clone());
            }
        }
        let named = |(why, partitions): (&str, Vec<String>)| {
            format!("the store refuses rows of partition {}, which waits until they are taken: {why}", partitions.join(", "))
        };
        all.extend(untaken.into_iter().map(named));
        observer.notice(Notice::Problem((!all.is_empty()).then(|| all.join("; ")).as_deref()));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Keeps what is shown.
    #[derive(Default)]
    struct Page(RefCell<Option<String>>);

    impl Observer for Page {
        fn notice(&self, notice: Notice<'_>) {
            if let Notice::Problem(text) = notice {
                self.0.replace(text.map(str::to_owned));
            }
        }
    }

    impl Page {
        fn shows(&self, text: &str) -> bool {
            self.0.borrow().as_deref().unwrap_or_default() == text
        }
    }

    const P: Partition = Partition(3);

    #[test]
    fn a_store_that_forgot_is_news_once_whatever_was_wrong_before() {
        let (mut problems, page) = (Problems::default(), Page::default());
        problems.add(Problem::Partition(P), "its table is missing", &page);
        assert!(problems.forgotten(P, "it knows less", &page));
        problems.add(Problem::Partition(P), "it does not answer", &page);
        assert!(!problems.forgotten(P, "it knows less", &page));
        assert!(problems.forgotten(Partition(4), "it knows less", &page));
        problems.opened(P, &page);
        assert!(problems.forgotten(P, "it knows less again", &page));
    }

    #[test]
    fn partitions_whose_rows_are_refused_are_named_and_each_reason_is_said_once() {
        let (mut problems, page) = (Problems::default(), Page::default());
        let said = || page.0.borrow().clone().unwrap_or_default();
        for (partition, why) in [(P, "a constraint"), (Partition(4), "no column"), (Partition(5), "a constraint")] {
            problems.untaken(partition, why, &page);
        }
        for words in
            ["rows of partition 3, 5, which", "are taken: a constraint", "rows of partition 4, which", "are taken: no column"]
        {
            assert_eq!(said().matches(words).count(), 1, "{}", said());
        }
        problems.opened(Partition(5), &page);
        assert!(said().contains("3, 5"), "that it is open says nothing of its rows: {}", said());
        problems.closed(Partition(5), &page);
        problems.resolve(Problem::Untaken(Partition(4)), &page);
        assert!(said().contains("rows of partition 3, which") && !said().contains("no column"), "{}", said());
        problems.refused(P, "another topic", &page);
        assert!(page.shows("another topic"), "what is not read sends no rows");
    }

    #[test]
    fn a_partition_has_one_problem_the_one_that_was_found_last() {
        let (mut problems, page) = (Problems::default(), Page::default());
        problems.forgotten(P, "it knows less", &page);
        problems.add(Problem::Partition(P), "no right to read", &page);
        assert!(page.shows("no right to read"), "{page:?}", page = page.0);
        problems.forgotten(P, "it knows less", &page);
        assert!(page.shows("it knows less"));
        problems.add(Problem::Insert, "no table", &page);
        problems.add(Problem::Partition(Partition(4)), "it knows less", &page);
        assert!(page.shows("no table; it knows less"), "what holds up several is said once");
        problems.refused(P, "another topic", &page);
        assert!(page.shows("no table; another topic; it knows less"));
        for partition in [P, Partition(4)] {
            problems.opened(partition, &page);
        }
        problems.resolve(Problem::Insert, &page);
        assert!(page.shows(""));
    }
}
