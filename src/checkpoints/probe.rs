//! Whether a place does what checkpoints need of it, tried with an object that is nobody's.

use futures::TryStreamExt;
use object_store::{ObjectStoreExt, PutMode, PutPayload};

use super::CheckpointStore;
use crate::failure::Failure;

const WRITTEN: &[u8] = b"grapevine check --probe was here; this may be deleted";

impl CheckpointStore {
    /// Writes an object beside the epochs, tries to write it again, which must be refused, reads, lists and deletes it.
    ///
    /// # Errors
    ///
    /// What the place does not do, and what to do about it.
    pub async fn probe(&self) -> Result<(), Failure> {
        let path = self.folder.clone().join(format!("probe-{:032x}", rand::random::<u128>()));
        let put = || self.store.put_opts(&path, PutPayload::from_static(WRITTEN), PutMode::Create.into());
        put().await.map_err(|error| self.failure("write", &error))?;
        let outcome = async {
            match put().await {
                Err(object_store::Error::AlreadyExists { .. }) => {}
                Ok(_) => {
                    return Err(Failure::Operator(format!(
                        "{} overwrites an object that is there, although it was asked not to (If-None-Match: *): two workers could replace \
                         each other's checkpoints; choose a store that refuses",
                        self.url
                    )));
                }
                Err(error) => return Err(self.failure("see an object refused that is there", &error)),
            }
            let read = self.bytes(&path).await.map_err(|error| self.failure("read", &error))?;
            let listed = self.store.list(Some(&self.folder)).try_collect::<Vec<_>>().await;
            let listed = listed.map_err(|error| self.failure("list", &error))?;
            if read != WRITTEN || !listed.iter().any(|object| object.location == path) {
                let why = format!("{} does not show what was written a moment ago: choose a store that is consistent", self.url);
                return Err(Failure::Operator(why));
            }
            Ok(())
        };
        let outcome = outcome.await;
        let deleted = self.store.delete(&path).await.map_err(|error| self.failure("delete", &error));
        outcome.and(deleted)
    }
}
