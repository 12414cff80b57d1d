//! `grapevine checkpoint`: what lies at the place of the checkpoints, one of them in numbers, and whether all are sound.
//!
//! Only looks: nothing is created, deleted or repaired.

use super::outcome::{CommandError, say};
use super::table::{Table, instant, or_dash};
use crate::checkpoints::{CheckpointStore, Entry, Unsound};
use crate::config::{self, Config};
use crate::engine::Inspection;
use crate::worker::Promise;

/// What to look at.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Action {
    /// Lists checkpoints by epoch and source, newest first
    ///
    /// Reads the head of each only: STATE says whether it is as long as it must be. What is corrupt inside is found by
    /// `verify`.
    Ls(Which),
    /// Shows what one checkpoint holds: counts, roots, nodes, the last record read, the rules it was made under
    Show {
        /// The source, log/partition, as `ls` prints it
        source: String,
        /// Its offset, as `ls` prints it [default: the newest sound one]
        next: Option<u64>,
        /// The epoch [default: worker.epoch]
        #[arg(long)]
        epoch: Option<u16>,
    },
    /// Decodes every checkpoint: checksum, format, whether the trees hold together and the counts add up
    ///
    /// Ends with 1 if there is none, or if a source has no sound one: a worker would refuse to read it.
    Verify(Which),
}

/// Which checkpoints.
#[derive(Clone, Debug, clap::Args)]
pub struct Which {
    /// Only of this epoch [default: all that are at the place]
    #[arg(long)]
    epoch: Option<u16>,
    /// Only of this source, log/partition
    #[arg(long)]
    source: Option<String>,
}

/// Looks, and prints what there is.
///
/// # Errors
///
/// When the place cannot be read; `show` and `verify` also when there is nothing sound.
pub async fn run(config: &Config, action: &Action) -> Result<(), CommandError> {
    match action {
        Action::Ls(which) => list(&config.checkpoint, which).await,
        Action::Show { source, next, epoch } => {
            show(&config.checkpoint, epoch.unwrap_or(config.rules.epoch), source, *next).await
        }
        Action::Verify(which) => verify(&config.checkpoint, which).await,
    }
}

impl Which {
    /// The chosen epochs that are at the place.
    async fn epochs(&self, config: &config::Checkpoint) -> Result<Vec<u16>, CommandError> {
        let epochs = CheckpointStore::epochs(config).await?;
        Ok(epochs.into_iter().filter(|epoch| self.epoch.is_none_or(|wanted| wanted == *epoch)).collect())
    }

    async fn entries(&self, store: &CheckpointStore) -> Result<Vec<Entry>, CommandError> {
        let mut entries = store.entries().await?;
        entries.retain(|entry| self.source.as_ref().is_none_or(|wanted| *wanted == entry.source));
        Ok(entries)
    }
}

async fn list(config: &config::Checkpoint, which: &Which) -> Result<(), CommandError> {
    let mut table = Table::new(["epoch", "source", "next", "bytes", "modified", "state"]);
    for epoch in which.epochs(config).await? {
        let store = CheckpointStore::existing(config, epoch)?;
        for entry in which.entries(&store).await? {
            let state = match store.glance(&entry).await? {
                Ok(()) => "whole".to_owned(),
                Err(unsound) => unsound.to_string(),
            };
            let Entry { source, next, bytes, modified, .. } = entry;
            table.row([epoch.to_string(), source, next.to_string(), bytes.to_string(), instant(modified), state]);
        }
    }
    say(&table.text())
}

async fn verify(config: &config::Checkpoint, which: &Which) -> Result<(), CommandError> {
    let mut table = Table::new(["epoch", "source", "next", "bytes", "state"]);
    let mut without: Vec<String> = Vec::new();
    for epoch in which.epochs(config).await? {
        let store = CheckpointStore::existing(config, epoch)?;
        let mut sound = 0;
        let entries = which.entries(&store).await?;
        for (at, entry) in entries.iter().enumerate() {
            let state = match inspect(&store, entry).await? {
                Ok(_) => {
                    sound += 1;
                    "sound".to_owned()
                }
                Err(why) => {
                    // Only what is older than three others is pruned.
                    sound += usize::from(matches!(why, Unfit::Object(Unsound::Pruned)));
                    why.to_string()
                }
            };
            let Entry { source, next, bytes, .. } = entry;
            table.row([epoch.to_string(), source.clone(), next.to_string(), bytes.to_string(), state]);
            if entries.get(at + 1).is_none_or(|following| following.source != *source) {
                if sound == 0 {
                    without.push(format!("{source} in epoch {epoch}"));
                }
                sound = 0;
            }
        }
    }
    say(&table.text())?;
    if table.is_empty() {
        return Err(CommandError::Refused(format!("there is no checkpoint at {}: check checkpoint.url", config.url)));
    }
    if without.is_empty() {
        return Ok(());
    }
    Err(CommandError::Refused(format!(
        "no sound checkpoint of {}: bring them back from a backup, or go on without them as docs/operations.md says under \
         \"Lost checkpoints\"",
        without.join(", ")
    )))
}

async fn show(config: &config::Checkpoint, epoch: u16, source: &str, next: Option<u64>) -> Result<(), CommandError> {
    let store = CheckpointStore::existing(config, epoch)?;
    let mut entries = store.entries().await?;
    entries.retain(|entry| entry.source == source && next.is_none_or(|next| next == entry.next));
    let mut reasons = Vec::new();
    for entry in entries {
        match inspect(&store, &entry).await? {
            Ok((promise, found)) => return say(&description(epoch, &entry, promise, &found)),
            Err(why) => reasons.push(format!("{}: {why}", entry.next)),
        }
    }
    let at = next.map_or_else(String::new, |next| format!(" at offset {next}"));
    let found = if reasons.is_empty() { "see `grapevine checkpoint ls`".to_owned() } else { reasons.join("; ") };
    Err(CommandError::Refused(format!("there is no sound checkpoint of {source}{at} in epoch {epoch}: {found}")))
}

/// A checkpoint taken apart, or why it is not sound.
/// Why nobody could go on from a checkpoint.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error(transparent)]
    Object(Unsound),
    #[error("{0}")]
    Content(String),
}

async fn inspect(store: &CheckpointStore, entry: &Entry) -> Result<Result<(Promise, Inspection), Unfit>, CommandError> {
    let (promise, state) = match store.state(entry).await? {
        Ok(state) => state,
        Err(unsound) => return Ok(Err(Unfit::Object(unsound))),
    };
    Ok(match Inspection::of(&state) {
        Ok(found) if found.source != entry.source || found.next != entry.next => {
            Err(Unfit::Content(format!("its content is of {} at offset {}", found.source, found.next)))
        }
        Ok(found) => Ok((promise, found)),
        Err(foreign) => Err(Unfit::Content(foreign.to_string())),
    })
}

fn description(epoch: u16, entry: &Entry, promise: Promise, found: &Inspection) -> String {
    let Inspection { fingerprint, limits, source, first, next, last, clock, watermark, .. } = found;
    let Inspection { read, accepted, duplicates, rejected, roots, nodes, inferred, entries, .. } = found;
    let last = last.map(|last| format!("offset {}, {}", last.offset, or_dash(last.timestamp.map(instant))));
    let lines = [
        ("source", source.clone()),
        ("epoch", epoch.to_string()),
        ("next", next.to_string()),
        ("object", entry.name().to_owned()),
        ("store", promise.store.to_string()),
        ("progress there", or_dash(promise.progress)),
        ("bytes", format!("{}, compressed", entry.bytes)),
        ("modified", instant(entry.modified)),
        ("first offset counted", first.to_string()),
        ("last record read", or_dash(last)),
        ("log's clock", or_dash(clock.map(instant))),
        ("watermark", or_dash(watermark.map(instant))),
        ("read", read.to_string()),
        ("accepted", accepted.to_string()),
        ("duplicates", duplicates.to_string()),
        ("rejected", rejected.to_string()),
        ("roots", roots.to_string()),
        ("nodes", nodes.to_string()),
        ("inferred nodes", inferred.to_string()),
        ("entries", format!("{entries} of a budget of {}", limits.budget)),
        ("rules", format!("revision {}, windows of {} min", fingerprint.revision, fingerprint.window / 60_000)),
        ("key check", format!("{:016x}", fingerprint.key_check)),
    ];
    lines.iter().map(|(name, value)| format!("{name:<22}{value}\n")).collect()
}
