//! Who says what memory there is when a state is to be opened, and who opens one alone.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::assignment::Memory;

/// Asked whenever a state is to be opened.
#[derive(Clone)]
pub struct AskMemory {
    ask: Rc<dyn Fn() -> Option<Memory>>,
    alone: Arc<Semaphore>,
}

impl AskMemory {
    /// `ask` says what memory there is, if anybody knows; all loops of a process share `alone`, of one permit.
    #[must_use]
    pub fn new(ask: impl Fn() -> Option<Memory> + 'static, alone: Arc<Semaphore>) -> AskMemory {
        AskMemory { ask: Rc::new(ask), alone }
    }

    pub(super) fn now(&self) -> Option<Memory> {
        (self.ask)()
    }

    /// Waits until no other state is being opened that might not fit together with an object of so many bytes.
    pub(super) async fn turn(&self, object: u64) -> Option<OwnedSemaphorePermit> {
        if self.now().is_none_or(|memory| !memory.is_tight(object)) {
            return None;
        }
        // It is never closed.
        Arc::clone(&self.alone).acquire_owned().await.ok()
    }
}

/// Nobody knows.
impl Default for AskMemory {
    fn default() -> AskMemory {
        AskMemory::new(|| None, Arc::new(Semaphore::new(1)))
    }
}

impl fmt::Debug for AskMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskMemory").finish_non_exhaustive()
    }
}
