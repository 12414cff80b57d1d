//! Where checkpoints are kept: a plain path, a `file://` URL, or the URL of an object store.
//!
//! Credentials of object stores come from the environment, by the names that each store's own tools use.

use std::error::Error as _;
use std::io::ErrorKind;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Url;

use crate::failure::{Failure, causes};

/// A request may take so long: a checkpoint of gigabytes goes out in one, over whatever network there is.
const REQUEST_DEADLINE: (ClientConfigKey, &str) = (ClientConfigKey::Timeout, "600s");

/// Whoever asks tries again by itself, so the client's own attempts are few.
const RETRIES: usize = 3;
const RETRY_DEADLINE: Duration = Duration::from_secs(30);

/// Parts of the addresses at which machines of the three clouds are told their credentials, and the variables that would
/// have given some.
const METADATA_SERVICES: [(&str, &str); 3] = [
    ("/latest/api/token", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    ("/computeMetadata/", "GOOGLE_SERVICE_ACCOUNT, the path of a key file"),
    ("/metadata/identity/", "AZURE_STORAGE_ACCOUNT_KEY"),
];

/// A service's working folder is nobody's home.
const RELATIVE: &str = "it is no absolute path: write the whole of it, /folder or file:///folder, without ~";

/// The store behind a configured place, and the prefix of its objects. A local folder is created if it is missing.
pub(super) fn open(place: &str) -> Result<(Arc<dyn ObjectStore>, Path), Failure> {
    if let Ok(Ok(folder)) = local(place) {
        std::fs::create_dir_all(&folder).map_err(|error| unusable(place, &format!("could not create the folder: {error}")))?;
    }
    open_existing(place)
}

/// The same for who only looks: a local folder must be there.
pub(super) fn open_existing(place: &str) -> Result<(Arc<dyn ObjectStore>, Path), Failure> {
    match local(place).map_err(|why| unusable(place, &why))? {
        Ok(folder) => {
            let store = LocalFileSystem::new_with_prefix(&folder).map_err(|error| unusable(place, &reason(&error)))?;
            // A checkpoint that was published must survive a power cut: the offset is committed after it.
            Ok((Arc::new(store.with_fsync(true)), Path::default()))
        }
        Err(url) => remote(&url).map_err(|why| unusable(place, &why)),
    }
}

fn unusable(place: &str, why: &str) -> Failure {
    Failure::Operator(format!("`checkpoint.url` = \"{place}\" cannot be used: {why}"))
}

/// An object store. Only variables of that store are looked at: one called `TOKEN` or `REGION` is not for us.
fn remote(url: &Url) -> Result<(Arc<dyn ObjectStore>, Path), String> {
    let unknown = || "it is no place that this program knows: a folder, s3://, gs://, az:// or abfss://".to_owned();
    let (scheme, prefix) = ObjectStoreScheme::parse(url).map_err(|_| unknown())?;
    let text = |error: object_store::Error| reason(&error);
    use_tls_of_the_program();
    let (deadline, seconds) = REQUEST_DEADLINE;
    let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: RETRIES, retry_timeout: RETRY_DEADLINE };
    let store: Arc<dyn ObjectStore> = match scheme {
        ObjectStoreScheme::AmazonS3 => {
            let builder = AmazonS3Builder::from_env().with_url(url.as_str()).with_retry(retry);
            Arc::new(builder.with_config(AmazonS3ConfigKey::Client(deadline), seconds).build().map_err(text)?)
        }
        ObjectStoreScheme::GoogleCloudStorage => {
            let builder = GoogleCloudStorageBuilder::from_env().with_url(url.as_str()).with_retry(retry);
            Arc::new(builder.with_config(GoogleConfigKey::Client(deadline), seconds).build().map_err(text)?)
        }
        ObjectStoreScheme::MicrosoftAzure => {
            let builder = MicrosoftAzureBuilder::from_env().with_url(url.as_str()).with_retry(retry);
            Arc::new(builder.with_config(AzureConfigKey::Client(deadline), seconds).build().map_err(text)?)
        }
        ObjectStoreScheme::Local | ObjectStoreScheme::Memory | ObjectStoreScheme::Http | _ => return Err(unknown()),
    };
    Ok((store, prefix))
}

/// The client of object stores, and of whatever else is asked by HTTP, takes whatever TLS the process has chosen.
pub(crate) fn use_tls_of_the_program() {
    // An error says that it is chosen already.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// The folder of a place, if it is one of this machine.
pub(super) fn folder(place: &str) -> Option<PathBuf> {
    local(place).ok()?.ok()
}

/// A folder, or else a URL of something else.
fn local(place: &str) -> Result<Result<PathBuf, Url>, String> {
    if place.is_empty() {
        return Err("it is empty".to_owned());
    }
    if !place.contains("://") {
        let folder = FilePath::new(place);
        return if folder.is_absolute() { Ok(Ok(folder.to_owned())) } else { Err(RELATIVE.to_owned()) };
    }
    let url = Url::parse(place).map_err(|error| error.to_string())?;
    if url.scheme() != "file" {
        return Ok(Err(url));
    }
    url.to_file_path().map(Ok).map_err(|()| RELATIVE.to_owned())
}

/// Whether an error stays until somebody acts.
pub(super) fn needs_somebody(error: &object_store::Error) -> bool {
    use object_store::Error;
    let lasting = [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem, ErrorKind::NotADirectory, ErrorKind::NotFound];
    let denied = matches!(
        error,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } | Error::InvalidPath { .. } | Error::NotFound { .. }
    );
    denied || io_kind(error).is_some_and(|kind| lasting.contains(&kind)) || missing_credentials(&causes(error)).is_some()
}

/// Without credentials in the environment the client asks the machine for some, which only a cloud's machine can answer.
fn missing_credentials(reason: &str) -> Option<&'static str> {
    METADATA_SERVICES.iter().find(|(service, _)| reason.contains(service)).map(|(_, variables)| *variables)
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

/// An error with its causes, and what to do where that is not plain.
pub(crate) fn reason(error: &object_store::Error) -> String {
    let reason = causes(error);
    match missing_credentials(&reason) {
        Some(variables) => format!("no credentials are set ({variables}), and this machine was given none: {reason}"),
        None => reason,
    }
}
