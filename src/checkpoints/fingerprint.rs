//! What an epoch began with: what its rows depend on, and how many partitions each log had. The key itself is never stored.

use object_store::path::Path;
use object_store::{PutMode, PutPayload};

use super::CheckpointStore;
use super::objects::escape;
use crate::engine::Fingerprint;
use crate::failure::Failure;

pub(super) fn to_json(fingerprint: &Fingerprint) -> Vec<u8> {
    serde_json::to_vec_pretty(fingerprint).unwrap_or_default()
}

/// Compares with what an epoch began with.
fn compare(now: &Fingerprint, stored: &[u8], place: &str) -> Result<(), Failure> {
    let began: Fingerprint = serde_json::from_slice(stored).map_err(|error| {
        Failure::Operator(format!(
            "{place} cannot be read ({error}): bring it back from a backup, or raise `epoch`, which reads everything again"
        ))
    })?;
    let differences = differences(now, &began);
    if differences.is_empty() {
        return Ok(());
    }
    // Another revision is another build, whose tables may be others, too.
    let ways_out = if now.revision == began.revision {
        "Set them back, or raise `epoch`, which reads everything again into rows of its own"
    } else {
        "Run that program again, or give this one a new database and a new epoch (`clickhouse.database`, `epoch`), into which it reads \
         everything again"
    };
    Err(Failure::Operator(format!(
        "this epoch began with other rules ({place}): {}. Rows of both would not fit together. {ways_out}",
        differences.join(", ")
    )))
}

fn differences(now: &Fingerprint, began: &Fingerprint) -> Vec<String> {
    let Fingerprint { revision, window, session_gap, key_check } = now;
    let mut differences = Vec::new();
    let mut differ = |name: &str, now: i64, then: i64| {
        if now != then {
            differences.push(format!("{name} was {then} and is {now}"));
        }
    };
    differ("the revision of the rules in the program", i64::from(*revision), i64::from(began.revision));
    differ("the window in milliseconds", *window, began.window);
    differ("the session gap in milliseconds", *session_gap, began.session_gap);
    if *key_check != began.key_check {
        differences.push("the pseudonym key is another one".to_owned());
    }
    differences
}

impl CheckpointStore {
    /// Remembers the rules of this epoch at its first start, and compares them at every other.
    ///
    /// # Errors
    ///
    /// [`Failure::Operator`] when the epoch began with other rules: the message says which, and what to do.
    pub async fn check_fingerprint(&self, fingerprint: &Fingerprint) -> Result<(), Failure> {
        let path = self.folder.clone().join("fingerprint.json");
        match self.said_first(&path, to_json(fingerprint).into(), "write the fingerprint of the epoch").await? {
            None => Ok(()),
            Some(found) => compare(fingerprint, &found, &format!("{}/{path}", self.url)),
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

    /// How many partitions a log had at the first start of this epoch: so many as now, if this is the first.
    pub(super) async fn began_with(&self, log: &str, now: usize) -> Result<usize, Failure> {
        let path = self.folder.clone().join(format!("partitions-{}", escape(log)));
        let doing = "write how many partitions the topic has";
        let Some(found) = self.said_first(&path, now.to_string().into(), doing).await? else { return Ok(now) };
        let text = String::from_utf8(found).unwrap_or_default();
        text.trim().parse().map_err(|_| Failure::Operator(format!("{}/{path} holds no number", self.url)))
    }
}
