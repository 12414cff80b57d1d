//! Where checkpoints are kept: a plain path, a `file://` URL, or the URL of an object store.

use std::error::Error as _;
use std::io::ErrorKind;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use url::Url;

use crate::worker::CheckpointError;

/// The store behind a configured place, and the prefix of its objects.
pub(super) fn open(place: &str) -> Result<(Arc<dyn ObjectStore>, Path), CheckpointError> {
    let unusable = |why: String| CheckpointError::Operator(format!("`checkpoint.url` = \"{place}\" cannot be used: {why}"));
    match local(place).map_err(unusable)? {
        Ok(folder) => {
            std::fs::create_dir_all(&folder).map_err(|error| unusable(format!("could not create the folder: {error}")))?;
            let store = LocalFileSystem::new_with_prefix(&folder).map_err(|error| unusable(reason(&error)))?;
            // A checkpoint that was published must survive a power cut: the offset is committed after it.
            Ok((Arc::new(store.with_fsync(true)), Path::default()))
        }
        Err(url) => {
            // Names that are no text are not ours, and no reason to stop.
            let environment = std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?.to_ascii_lowercase(), value.into_string().ok()?)));
            let (store, prefix) = object_store::parse_url_opts(&url, environment).map_err(|error| unusable(reason(&error)))?;
            Ok((Arc::from(store), prefix))
        }
    }
}

/// A folder, or else a URL of something else.
fn local(place: &str) -> Result<Result<PathBuf, Url>, String> {
    if place.is_empty() {
        return Err("it is empty".to_owned());
    }
    if !place.contains("://") {
        return Ok(Ok(FilePath::new(place).to_owned()));
    }
    let url = Url::parse(place).map_err(|error| error.to_string())?;
    if url.scheme() != "file" {
        return Ok(Err(url));
    }
    url.to_file_path().map(Ok).map_err(|()| "it is no absolute path; file:///folder has three slashes".to_owned())
}

/// Whether an error stays until somebody acts.
pub(super) fn needs_somebody(error: &object_store::Error) -> bool {
    use object_store::Error;
    let lasting = [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem, ErrorKind::NotADirectory, ErrorKind::NotFound];
    let denied = matches!(error, Error::PermissionDenied { .. } | Error::Unauthenticated { .. } | Error::InvalidPath { .. });
    denied || io_kind(error).is_some_and(|kind| lasting.contains(&kind))
}

/// What the operating system said, if it was asked.
fn io_kind(error: &object_store::Error) -> Option<ErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        cause = error.source();
    }
    None
}

/// An error with its causes, each said once.
pub(super) fn reason(error: &object_store::Error) -> String {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !reason.contains(&text) {
            reason = format!("{reason}: {text}");
        }
        cause = error.source();
    }
    reason
}
