//! What lies at a place, for commands that show, check and clear it. A worker does not need it.

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};

use super::objects::{Named, unescape};
use super::{CheckpointStore, EPOCH, envelope, place};
use crate::config;
use crate::failure::Failure;
use crate::record::{Millis, Offset};
use crate::worker::Promise;

pub use super::envelope::Unsound;

/// One object that is a checkpoint by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Whose state it is.
    pub source: String,
    /// The first offset that it does not cover.
    pub next: Offset,
    /// Its size, compressed.
    pub bytes: u64,
    /// When it was written.
    pub modified: Millis,
    path: Path,
}

impl Entry {
    /// Its name at the place.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.as_ref()
    }

    fn of(source: &str, object: ObjectMeta) -> Option<Entry> {
        let bytes = object.size;
        let Named { next, written, path, size: _ } = Named::read(object)?;
        Some(Entry { source: source.to_owned(), next, bytes, modified: written / 1000, path })
    }
}

impl CheckpointStore {
    /// The checkpoints of an epoch at a place that must be there: looking creates nothing.
    ///
    /// # Errors
    ///
    /// [`Failure::Operator`] when the place cannot be understood, or is a folder that does not exist.
    pub fn existing(config: &config::Checkpoint, epoch: u16) -> Result<CheckpointStore, Failure> {
        Ok(CheckpointStore::of(config, epoch, place::open_existing(&config.url)?))
    }

    /// The epochs that have something at a place, in their order.
    ///
    /// # Errors
    ///
    /// When the place cannot be understood or listed.
    pub async fn epochs(config: &config::Checkpoint) -> Result<Vec<u16>, Failure> {
        let (store, prefix) = place::open_existing(&config.url)?;
        let listed = store.list_with_delimiter(Some(&prefix)).await;
        let listed = listed.map_err(|error| CheckpointStore::of(config, 0, (store, prefix)).failure("list epochs", &error))?;
        let number = |folder: &Path| folder.filename()?.strip_prefix(EPOCH)?.parse().ok();
        let mut epochs: Vec<u16> = listed.common_prefixes.iter().filter_map(number).collect();
        epochs.sort_unstable();
        Ok(epochs)
    }

    /// The epoch's checkpoints by source, each source's newest first.
    ///
    /// # Errors
    ///
    /// When the place cannot be listed.
    pub async fn entries(&self) -> Result<Vec<Entry>, Failure> {
        let listed = self.store.list(Some(&self.folder)).try_collect::<Vec<_>>().await;
        let listed = listed.map_err(|error| self.failure("list checkpoints", &error))?;
        let entry = |object: ObjectMeta| {
            let mut parts = object.location.prefix_match(&self.folder)?;
            let (source, object_name) = (parts.next()?, parts.next()?);
            let source = unescape(source.as_ref())?;
            // Nothing of ours lies deeper.
            let is_ours = parts.next().is_none() && !object_name.as_ref().is_empty();
            drop(parts);
            is_ours.then(|| Entry::of(&source, object)).flatten()
        };
        let mut entries: Vec<Entry> = listed.into_iter().filter_map(entry).collect();
        entries.sort_by(|one, other| one.source.cmp(&other.source).then(other.next.cmp(&one.next)));
        Ok(entries)
    }

    /// Whether an object is what its name and size say; its content is not looked at.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn glance(&self, entry: &Entry) -> Result<Result<(), Unsound>, Failure> {
        let length = envelope::head_length(&entry.source).min(entry.bytes);
        let head = if length == 0 { Ok(Vec::new()) } else { self.store.get_range(&entry.path, 0..length).await.map(Vec::from) };
        match head {
            Ok(head) => Ok(envelope::glance(&entry.source, entry.next, &head, entry.bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(Err(Unsound::Pruned)),
            Err(error) => Err(self.failure("read a checkpoint", &error)),
        }
    }

    /// What an object promises and its state, checked as a restore does.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn state(&self, entry: &Entry) -> Result<Result<(Promise, Vec<u8>), Unsound>, Failure> {
        self.opened(&entry.source, entry.next, &entry.path).await
    }

    /// Whether the epoch has begun: its rules are remembered here.
    ///
    /// # Errors
    ///
    /// When the place cannot be asked.
    pub async fn remembers_rules(&self) -> Result<bool, Failure> {
        match self.store.head(&self.folder.clone().join("fingerprint.json")).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failure("look for the fingerprint of the epoch", &error)),
        }
    }

    /// Deletes everything of the sources that `chosen` says; of the epoch itself too, if nothing else is left of it.
    /// Says how many checkpoints are gone.
    ///
    /// # Errors
    ///
    /// When something cannot be listed or deleted; what was deleted stays so, and the same again does the rest.
    pub async fn clear(&self, chosen: impl Fn(&str) -> bool) -> Result<usize, Failure> {
        let entries = self.entries().await?;
        let (gone, left): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| chosen(&entry.source));
        for entry in &gone {
            self.delete(&entry.path).await?;
        }
        if left.is_empty() {
            let rest = self.store.list(Some(&self.folder)).try_collect::<Vec<_>>().await;
            for object in rest.map_err(|error| self.failure("list an epoch", &error))? {
                self.delete(&object.location).await?;
            }
        }
        Ok(gone.len())
    }

    async fn delete(&self, path: &Path) -> Result<(), Failure> {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failure("delete a checkpoint", &error)),
        }
    }
}
