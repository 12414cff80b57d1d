//! What needs somebody, and the partitions that wait for that somebody while the others go on.

use tracing::{error, info};

use super::held::State;
use super::looping::Loop;
use super::{Checkpoints, Observer, Sink, Source, WorkerError};
use crate::record::Partition;

/// What needs somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// The store refuses rows.
    Insert,
    /// The group refuses commits.
    Commit,
    /// A partition cannot be opened.
    Opening(Partition),
    /// A partition must not be read on.
    Refused(Partition),
}

impl<S: Source, K: Sink, C: Checkpoints, O: Observer> Loop<'_, S, K, C, O> {
    /// Something needs somebody, and is tried again until then.
    pub(super) fn trouble(&mut self, trouble: Trouble, message: &str) {
        error!(problem = message, "somebody must act; trying again until then");
        self.troubles.insert(trouble, message.to_owned());
        self.show_troubles();
    }

    /// Something needs nobody any more.
    pub(super) fn settle(&mut self, trouble: Trouble) {
        if self.troubles.remove(&trouble).is_some() {
            if self.troubles.is_empty() {
                info!("nothing needs anybody any more");
            }
            self.show_troubles();
        }
    }

    fn show_troubles(&self) {
        let all: Vec<&str> = self.troubles.values().map(String::as_str).collect();
        self.around.observer.problem((!all.is_empty()).then(|| all.join("; ")).as_deref());
    }

    /// Puts a partition aside that must not be read on: nothing of it is written, published or committed any more. Ends
    /// the loop with the refusal if it has no other partition to go on with.
    pub(super) async fn refuse(&mut self, partition: Partition, refusal: WorkerError) -> Result<(), WorkerError> {
        let message = refusal.to_string();
        let Some(held) = self.held.get_mut(&partition) else { return Ok(()) };
        held.state = State::Refused(message.clone());
        if self.held.values().all(|held| matches!(held.state, State::Refused(_))) {
            return Err(refusal);
        }
        error!(%partition, problem = message, "somebody must act; this partition is put aside, the others go on");
        self.settle(Trouble::Opening(partition));
        self.troubles.insert(Trouble::Refused(partition), message);
        self.show_troubles();
        self.around.observer.refused(partition);
        self.give_back(&[partition]).await
    }

    /// Why a partition was put aside, if one was.
    pub(super) fn first_refusal(&self) -> Option<WorkerError> {
        self.held.values().find_map(|held| match &held.state {
            State::Refused(message) => Some(WorkerError::Operator(message.clone())),
            State::Opening | State::Founding(_) | State::Running(_) => None,
        })
    }
}
