//! A state as an object: what it is, whose it is, what it promises, compressed, and a checksum that says whether it is whole.
//!
//! Layout: magic (8), format (1), `next` (8), length of the source's name (4), the name, length of the compressed state (8), the
//! store's id (16), one more than what `progress` says there, or 0 (8), the compressed state, checksum of everything before (16). Numbers are
//! little-endian. Since format 4 the tables of lives say as much as `progress`; before, they said only that the source had begun.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::assignment::written;
use crate::engine::Snapshot;
use crate::record::Offset;
use crate::worker::{Promise, StoreId};

const MAGIC: &[u8; 8] = b"GRPVCKPT";
/// The format of the objects that this version writes.
pub const FORMAT: u8 = 4;
/// The oldest that it reads.
const OLDEST: u8 = 3;
const PROMISE: usize = 16 + 8;
const CHECKSUM: usize = 16;

/// A state that is decompressed to more than this is no state of ours.
const LARGEST: u64 = 64 << 30;

/// Why an object is not a sound state of its source.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// Something else.
    #[error("it is no checkpoint")]
    Foreign,
    /// Of another version.
    #[error("its format {0} is not known to this version")]
    Format(u8),
    /// Not what was written.
    #[error("it is torn or corrupt: {0}")]
    Corrupt(String),
    /// Renamed, or copied to another place.
    #[error("its name says another source or offset than its content")]
    Misnamed,
    /// Deleted between a listing and a look.
    #[error("it was pruned meanwhile: newer ones are there")]
    Pruned,
}

/// Encodes, compresses and seals a state away from the loop's thread. Returns the object and the hash for its name.
pub(super) async fn seal(
    source: &str,
    next: Offset,
    promise: Promise,
    state: Snapshot,
    level: i32,
) -> Result<(Vec<u8>, u128), String> {
    let source = source.to_owned();
    aside(move || {
        let bytes = state.encode();
        // What it shares with the engine need not be copied any more.
        drop(state);
        let compressed = zstd::bulk::compress(&bytes, level).map_err(|error| format!("could not compress a state: {error}"))?;
        Ok(wrap(&source, next, promise, &compressed))
    })
    .await?
}

/// Checks and decompresses an object away from the loop's thread; gives its promise and the state.
pub(super) async fn open(source: &str, next: Offset, object: Vec<u8>) -> Result<(Promise, Vec<u8>), Unsound> {
    let source = source.to_owned();
    let opened = aside(move || {
        let (promise, compressed) = unwrap(&source, next, &object)?;
        Ok((promise, decompress(compressed)?))
    });
    opened.await.map_err(Unsound::Corrupt)?
}

/// How many bytes at the beginning say what an object is.
pub(super) fn head_length(source: &str) -> u64 {
    (MAGIC.len() + 1 + 8 + 4 + source.len() + 8) as u64
}

/// Checks what the first bytes of an object and its size say; its content may be corrupt all the same.
pub(super) fn glance(source: &str, next: Offset, head: &[u8], size: u64) -> Result<(), Unsound> {
    if !head.starts_with(MAGIC) {
        return Err(Unsound::Foreign);
    }
    let format = *head.get(MAGIC.len()).unwrap_or(&FORMAT);
    if !(OLDEST..=FORMAT).contains(&format) {
        return Err(Unsound::Format(format));
    }
    let torn = || Unsound::Corrupt("it ends too early".to_owned());
    let compressed = size.checked_sub(head_length(source) + (PROMISE + CHECKSUM) as u64).ok_or_else(torn)?;
    let expected = begin(format, source, next, compressed);
    let named = expected.len() - size_of::<u64>();
    if head.get(..named) != expected.get(..named) {
        return Err(Unsound::Misnamed);
    }
    if head == expected { Ok(()) } else { Err(torn()) }
}

/// Everything before the promise.
fn begin(format: u8, source: &str, next: Offset, compressed: u64) -> Vec<u8> {
    let mut head = Vec::new();
    head.extend_from_slice(MAGIC);
    head.push(format);
    head.extend_from_slice(&next.to_le_bytes());
    head.extend_from_slice(&u32::try_from(source.len()).unwrap_or(u32::MAX).to_le_bytes());
    head.extend_from_slice(source.as_bytes());
    head.extend_from_slice(&compressed.to_le_bytes());
    head
}

fn wrap(source: &str, next: Offset, promise: Promise, compressed: &[u8]) -> (Vec<u8>, u128) {
    let mut object = begin(FORMAT, source, next, compressed.len() as u64);
    object.reserve_exact(PROMISE + compressed.len() + CHECKSUM);
    object.extend_from_slice(&promise.store.0.to_le_bytes());
    object.extend_from_slice(&written(promise.progress).to_le_bytes());
    object.extend_from_slice(compressed);
    let hash = checksum(&object);
    object.extend_from_slice(&hash.to_le_bytes());
    (object, hash)
}

fn unwrap<'a>(source: &str, next: Offset, object: &'a [u8]) -> Result<(Promise, &'a [u8]), Unsound> {
    let torn = || Unsound::Corrupt("it ends too early".to_owned());
    let rest = object.strip_prefix(MAGIC).ok_or(Unsound::Foreign)?;
    let (&format, _) = rest.split_first().ok_or_else(torn)?;
    if !(OLDEST..=FORMAT).contains(&format) {
        return Err(Unsound::Format(format));
    }
    let (body, sum) = object.split_last_chunk::<CHECKSUM>().ok_or_else(torn)?;
    if checksum(body) != u128::from_le_bytes(*sum) {
        return Err(Unsound::Corrupt("its checksum differs".to_owned()));
    }
    let rest = body.get(MAGIC.len() + 1..).ok_or_else(torn)?;
    let (stored_next, rest) = rest.split_first_chunk::<8>().ok_or_else(torn)?;
    let (name_length, rest) = rest.split_first_chunk::<4>().ok_or_else(torn)?;
    let name_length = usize::try_from(u32::from_le_bytes(*name_length)).map_err(|_| torn())?;
    let (name, rest) = rest.split_at_checked(name_length).ok_or_else(torn)?;
    let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(torn)?;
    let (store, rest) = rest.split_first_chunk::<16>().ok_or_else(torn)?;
    let (progress, compressed) = rest.split_first_chunk::<8>().ok_or_else(torn)?;
    if u64::from_le_bytes(*length) != compressed.len() as u64 {
        return Err(torn());
    }
    if name != source.as_bytes() || u64::from_le_bytes(*stored_next) != next {
        return Err(Unsound::Misnamed);
    }
    let store = StoreId(u128::from_le_bytes(*store));
    let progress = u64::from_le_bytes(*progress).checked_sub(1);
    // Marks that an older build made are of version 0.
    let tables = if format == OLDEST { progress.map(|_| 0) } else { progress };
    Ok((Promise { store, progress, tables }, compressed))
}

fn decompress(compressed: &[u8]) -> Result<Vec<u8>, Unsound> {
    let size = zstd::zstd_safe::get_frame_content_size(compressed).ok().flatten().filter(|size| *size <= LARGEST);
    let size =
        size.and_then(|size| usize::try_from(size).ok()).ok_or_else(|| Unsound::Corrupt("its size is not known".to_owned()))?;
    zstd::bulk::decompress(compressed, size).map_err(|error| Unsound::Corrupt(error.to_string()))
}

fn checksum(bytes: &[u8]) -> u128 {
    let mut hasher = SipHasher13::new();
    hasher.write(bytes);
    hasher.finish128().as_u128()
}

/// Runs what takes long where it holds up nobody, if there is such a place.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| format!("a background task ended: {error}"))
}
