//! The objects of a source: what their names say, which are there, and how long they stay.

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};

use super::CheckpointStore;
use crate::failure::Failure;
use crate::record::Offset;

/// States that are kept of a source, whoever wrote them.
const KEPT: usize = 3;

/// An object's name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    pub(super) next: Offset,
    /// Of two states at one offset the later one stands: it was published again because limits had changed.
    pub(super) written: i64,
    pub(super) path: Path,
    pub(super) size: u64,
}

impl Named {
    /// Takes a name apart; `None` for what is no checkpoint.
    pub(super) fn read(object: ObjectMeta) -> Option<Named> {
        let (written, path, size) = (object.last_modified.timestamp_micros(), object.location, object.size);
        let (next, hash) = path.filename()?.strip_suffix(".ckpt")?.split_once('-')?;
        let digits = next.len() == 20 && next.bytes().all(|byte| byte.is_ascii_digit()) && hash.len() == 32;
        let next = digits.then(|| next.parse().ok()).flatten()?;
        Some(Named { next, written, path, size })
    }
}

impl CheckpointStore {
    /// The objects of a source, newest first.
    pub(super) async fn list(&self, source: &str) -> Result<Vec<Named>, Failure> {
        let listed = self.store.list(Some(&self.folder_of(source))).try_collect::<Vec<_>>().await;
        let listed = listed.map_err(|error| self.failure("list checkpoints", &error))?;
        let mut named: Vec<Named> = listed.into_iter().filter_map(Named::read).collect();
        named.sort_by(|one, other| other.cmp(one));
        Ok(named)
    }

    /// Deletes what is older than the newest three, never what was just written. What cannot be deleted now is
    /// deleted after the next publication.
    pub(super) async fn prune(&self, source: &str, written: &Path) -> Result<(), Failure> {
        for old in self.list(source).await?.into_iter().skip(KEPT).filter(|old| old.path != *written) {
            match self.store.delete(&old.path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(self.failure("delete an old checkpoint", &error)),
            }
        }
        Ok(())
    }

    pub(super) fn folder_of(&self, source: &str) -> Path {
        self.folder.clone().join(escape(source))
    }
}

/// A source's name as one part of a path that every file system and store takes.
pub(super) fn escape(source: &str) -> String {
    source.bytes().fold(String::with_capacity(source.len()), |mut escaped, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => escaped.push(char::from(byte)),
            other => escaped.push_str(&format!("={other:02x}")),
        }
        escaped
    })
}

/// The source whose folder has this name; `None` for what no source is called.
pub(super) fn unescape(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'=' => u8::from_str_radix(std::str::from_utf8(&[rest.next()?, rest.next()?]).ok()?, 16).ok()?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{escape, unescape};

    #[test]
    fn names_of_folders_are_read_back() {
        for source in ["events/3", "a.b=c/0", "", "ü/7"] {
            assert_eq!(unescape(&escape(source)).as_deref(), Some(source));
        }
        for name in ["=", "=f", "=zz", "=ff"] {
            assert_eq!(unescape(name), None, "{name}");
        }
    }
}
