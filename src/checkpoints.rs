//! States of partitions in a local folder or an object store.
//!
//! An object is created once and never changed: `epoch-{epoch}/{source}/{next}-{hash}.ckpt` below the
//! configured place. Whatever is torn, corrupt or foreign is found out when it is read, and skipped for the
//! newest sound one. This file knows bytes and names, not what a state means. The rules that an epoch began
//! with are kept in `epoch-{epoch}/fingerprint.json`, how many partitions a log had in
//! `epoch-{epoch}/partitions-{log}`.

mod catalogue;
mod envelope;
mod fingerprint;
mod leftovers;
mod objects;
mod place;
mod probe;

use std::path::PathBuf;
use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use tracing::warn;

pub use catalogue::{Entry, Unsound};
pub use envelope::FORMAT;
pub(crate) use place::{reason, use_tls_of_the_program};

use crate::config;
use crate::engine::Snapshot;
use crate::failure::Failure;
use crate::record::Offset;
use crate::worker::{Checkpoints, Promise, StoredState};

/// What the names of epochs' folders begin with.
const EPOCH: &str = "epoch-";

/// The checkpoints of one epoch.
#[derive(Clone, Debug)]
pub struct CheckpointStore {
    store: Arc<dyn ObjectStore>,
    /// Where the epoch's objects are.
    folder: Path,
    /// The place as it was configured, for messages.
    url: Arc<str>,
    /// The place, if it is a folder of this machine.
    local: Option<PathBuf>,
    compression_level: i32,
}

impl CheckpointStore {
    /// The checkpoints of an epoch at a configured place; a local folder is created if it is missing.
    ///
    /// # Errors
    ///
    /// [`Failure::Operator`] when the place cannot be understood or used.
    pub fn open(config: &config::Checkpoint, epoch: u16) -> Result<CheckpointStore, Failure> {
        Ok(CheckpointStore::of(config, epoch, place::open(&config.url)?))
    }

    fn of(config: &config::Checkpoint, epoch: u16, (store, prefix): (Arc<dyn ObjectStore>, Path)) -> CheckpointStore {
        CheckpointStore {
            store,
            folder: prefix.join(format!("{EPOCH}{epoch}")),
            url: config.url.as_str().into(),
            local: place::folder(&config.url),
            compression_level: config.compression_level,
        }
    }

    async fn read(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        self.bytes(path).await.map_err(|error| self.failure("read a checkpoint", &error))
    }

    async fn bytes(&self, path: &Path) -> object_store::Result<Vec<u8>> {
        self.store.get(path).await?.bytes().await.map(Vec::from)
    }

    /// The state of an object that was listed.
    async fn opened(&self, source: &str, next: Offset, path: &Path) -> Result<Result<(Promise, Vec<u8>), Unsound>, Failure> {
        match self.bytes(path).await {
            Ok(bytes) => Ok(envelope::open(source, next, bytes).await),
            Err(object_store::Error::NotFound { .. }) => Ok(Err(Unsound::Pruned)),
            Err(error) => Err(self.failure("read a checkpoint", &error)),
        }
    }

    /// Somebody has published the very same: the name holds the hash of the content. Only if the object has been
    /// damaged since is it written again.
    async fn replace_if_unsound(&self, source: &str, next: Offset, path: &Path, payload: PutPayload) -> Result<(), Failure> {
        let found = self.read(path).await?;
        let Err(unsound) = envelope::open(source, next, found).await else { return Ok(()) };
        warn!(%path, %unsound, "replaced a checkpoint");
        let replaced = self.store.put_opts(path, payload, PutMode::Overwrite.into()).await;
        replaced.map(|_| ()).map_err(|error| self.failure("publish a checkpoint", &error))
    }

    /// Errors in the words of the place: what was being done, where, and who must act.
    fn failure(&self, doing: &str, error: &object_store::Error) -> Failure {
        let message = format!("could not {doing} at {}: {}", self.url, place::reason(error));
        if place::needs_somebody(error) {
            return Failure::Operator(format!("{message}; the worker must be able to list, read, write and delete there"));
        }
        Failure::Transient(message)
    }
}

impl Checkpoints for CheckpointStore {
    async fn newest(&self, source: &str, below: Option<Offset>) -> Result<Option<StoredState>, Failure> {
        for named in self.list(source).await?.into_iter().filter(|named| below.is_none_or(|below| named.next < below)) {
            match self.opened(source, named.next, &named.path).await? {
                Ok((promise, bytes)) => {
                    let published = named.written / 1000;
                    return Ok(Some(StoredState { next: named.next, promise, bytes, published }));
                }
                // Newer ones are there.
                Err(Unsound::Pruned) => {}
                Err(unsound) => warn!(path = %named.path, %unsound, "skipped a checkpoint, trying the one before"),
            }
        }
        Ok(None)
    }

    async fn size(&self, source: &str) -> Result<u64, Failure> {
        // The newest may be torn, and then the one before is read.
        Ok(self.list(source).await?.iter().map(|named| named.size).max().unwrap_or(0))
    }

    async fn publish(&self, source: &str, next: Offset, promise: Promise, snapshot: Snapshot) -> Result<(), Failure> {
        let sealed = envelope::seal(source, next, promise, snapshot, self.compression_level).await;
        let (bytes, hash) = sealed.map_err(Failure::Transient)?;
        let path = self.folder_of(source).join(format!("{next:020}-{hash:032x}.ckpt"));
        let payload = PutPayload::from(bytes);
        match self.store.put_opts(&path, payload.clone(), PutMode::Create.into()).await {
            Ok(_) => {}
            Err(object_store::Error::AlreadyExists { .. }) => self.replace_if_unsound(source, next, &path, payload).await?,
            Err(error) => return Err(self.failure("publish a checkpoint", &error)),
        }
        if let Err(error) = self.prune(source, &path).await {
            warn!(source, %error, "old checkpoints stay until the next publication");
        }
        if let Some(local) = &self.local {
            leftovers::remove(local.join(self.folder_of(source).as_ref())).await;
        }
        Ok(())
    }

    async fn partitions_at_first(&self, log: &str, now: usize) -> Result<usize, Failure> {
        self.began_with(log, now).await
    }
}

#[cfg(test)]
mod tests;
