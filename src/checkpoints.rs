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
mod place;
mod probe;

use std::path::PathBuf;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use tracing::warn;

pub use catalogue::{Entry, Unsound};
pub use envelope::FORMAT;
pub(crate) use place::{reason, use_tls_of_the_program};

use crate::config;
use crate::engine::{Fingerprint, Snapshot};
use crate::failure::Failure;
use crate::record::Offset;
use crate::worker::{Checkpoints, Promise, StoredState};

/// What the names of epochs' folders begin with.
const EPOCH: &str = "epoch-";

/// States that are kept of a source, whoever wrote them.
const KEPT: usize = 3;

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

/// An object's name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    next: Offset,
    /// Of two states at one offset the later one stands: it was published again because limits had changed.
    written: i64,
    path: Path,
    size: u64,
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

    /// Remembers the rules of this epoch at its first start, and compares them at every other.
    ///
    /// # Errors
    ///
    /// [`Failure::Operator`] when the epoch began with other rules: the message says which, and what to do.
    pub async fn check_fingerprint(&self, fingerprint: &Fingerprint) -> Result<(), Failure> {
        let path = self.folder.clone().join("fingerprint.json");
        match self.said_first(&path, fingerprint::to_json(fingerprint).into(), "write the fingerprint of the epoch").await? {
            None => Ok(()),
            Some(found) => fingerprint::compare(fingerprint, &found, &format!("{}/{path}", self.url)),
        }
    }

    /// Writes what has not been said yet; else gives what was said first. It is looked for first: a place that is full, or that
    /// takes nothing any more, keeps no worker from starting where others have started before.
    async fn said_first(&self, path: &Path, now: PutPayload, doing: &str) -> Result<Option<Vec<u8>>, Failure> {
        match self.bytes(path).await {
            Ok(found) => return Ok(Some(found)),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(self.failure("read what the epoch began with", &error)),
        }
        match self.store.put_opts(path, now, PutMode::Create.into()).await {
            Ok(_) => Ok(None),
            // Two began at once.
            Err(object_store::Error::AlreadyExists { .. }) => self.read(path).await.map(Some),
            Err(error) => Err(self.failure(doing, &error)),
        }
    }

    /// The objects of a source, newest first.
    async fn list(&self, source: &str) -> Result<Vec<Named>, Failure> {
        let listed = self.store.list(Some(&self.folder_of(source))).try_collect::<Vec<_>>().await;
        let listed = listed.map_err(|error| self.failure("list checkpoints", &error))?;
        let mut named: Vec<Named> = listed.into_iter().filter_map(Named::read).collect();
        named.sort_by(|one, other| other.cmp(one));
        Ok(named)
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

    /// Deletes what is older than the newest three, never what was just written. What cannot be deleted now is
    /// deleted after the next publication.
    async fn prune(&self, source: &str, written: &Path) -> Result<(), Failure> {
        for old in self.list(source).await?.into_iter().skip(KEPT).filter(|old| old.path != *written) {
            match self.store.delete(&old.path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(self.failure("delete an old checkpoint", &error)),
            }
        }
        Ok(())
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

    fn folder_of(&self, source: &str) -> Path {
        self.folder.clone().join(escape(source))
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
        let path = self.folder.clone().join(format!("partitions-{}", escape(log)));
        let doing = "write how many partitions the topic has";
        let Some(found) = self.said_first(&path, now.to_string().into(), doing).await? else { return Ok(now) };
        let text = String::from_utf8(found).unwrap_or_default();
        text.trim().parse().map_err(|_| Failure::Operator(format!("{}/{path} holds no number", self.url)))
    }
}

impl Named {
    /// Takes a name apart; `None` for what is no checkpoint.
    fn read(object: ObjectMeta) -> Option<Named> {
        let (written, path, size) = (object.last_modified.timestamp_micros(), object.location, object.size);
        let (next, hash) = path.filename()?.strip_suffix(".ckpt")?.split_once('-')?;
        let digits = next.len() == 20 && next.bytes().all(|byte| byte.is_ascii_digit()) && hash.len() == 32;
        let next = digits.then(|| next.parse().ok()).flatten()?;
        Some(Named { next, written, path, size })
    }
}

/// A source's name as one part of a path that every file system and store takes.
fn escape(source: &str) -> String {
    source.bytes().fold(String::with_capacity(source.len()), |mut escaped, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => escaped.push(char::from(byte)),
            other => escaped.push_str(&format!("={other:02x}")),
        }
        escaped
    })
}

#[cfg(test)]
mod tests;
