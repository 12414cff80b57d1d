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

    fn show(&self, observer: &impl Observer) {
        let mut all: Vec<&str> = self.0.values().map(String::as_str).collect();
        // What holds up every partition is said once.
        all.dedup();
        observer.notice(Notice::Problem((!all.is_empty()).then(|| all.join("; ")).as_deref()));
    }
}
