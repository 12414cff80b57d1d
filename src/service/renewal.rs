//! Certificates, keys and passwords in files that are renewed: taken over while the worker runs, once they fit each other.
//!
//! Looked at by what they hold, so that a swapped link counts like a changed file. What does not fit is refused, and the old goes on; what
//! fits is handed on as it was judged. One for the process; the environment's secrets cannot change.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{error, info};

use crate::certificates::{Files, Flaw, Lifetime};
use crate::config::{self, Key, Secret};
use crate::metrics::Metrics;

/// How often. What was the same twice is whole: a half-written pair is not looked at.
const EVERY: Duration = Duration::from_secs(2);

/// How long certificates count, by the keys that name their files.
type Lives = Vec<(Key, Lifetime)>;

/// The settings with what their files hold at one moment, and which secrets could not be read then.
type Seen = (config::Kafka, Vec<Flaw>);

/// Watches until it is dropped. Files are read apart: a file system may hang, which must not hold up whoever else this thread serves.
pub(super) async fn watch(clickhouse: config::ClickHouse, settings: watch::Sender<Arc<config::Kafka>>, metrics: Arc<Metrics>) {
    // Of what is used: what was refused may live longer.
    let note = |lives: Lives| {
        for ((section, key), life) in lives {
            metrics.record_certificate(&format!("{section}.{key}"), life);
        }
    };
    let clickhouse = Arc::new(clickhouse);
    let mut known: Seen = (config::Kafka::clone(&settings.borrow()), Vec::new());
    note(known.0.ssl_files.lives());
    let mut before = known.clone();
    loop {
        // Each of its connections takes the newest that fits.
        let stores = Arc::clone(&clickhouse);
        note(apart(move || fitting(&Files::of_clickhouse(&stores))).await.unwrap_or_default());
        tokio::time::sleep(EVERY).await;
        let current = Arc::clone(&settings.borrow());
        let looked_at = Arc::clone(&current);
        let Some(seen) = apart(move || look(&looked_at)).await else { continue };
        if seen != known && seen == before {
            known.clone_from(&seen);
            let (renewed, mut flaws) = seen.clone();
            flaws.extend(renewed.ssl_files.flaws());
            if flaws.is_empty() && renewed == *current {
                info!("the files of Kafka are again those that are used");
            } else if flaws.is_empty() {
                note(renewed.ssl_files.lives());
                info!("certificates, passwords or secrets of Kafka were renewed: taking them over");
                settings.send_replace(Arc::new(renewed));
            } else {
                let flaws: Vec<String> = flaws.iter().map(ToString::to_string).collect();
                error!(problem = flaws.join(". "), "renewed files are refused, and the old certificates and passwords go on");
            }
        }
        before = seen;
    }
}

/// On a thread that may wait for files; nothing if there is none.
async fn apart<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(read).await.ok()
}

/// How long certificates count that fit their keys.
fn fitting(files: &Files) -> Lives {
    if files.flaws().is_empty() { files.lives() } else { Vec::new() }
}

/// Reads everything anew; a secret that cannot be read stays what it was.
fn look(settings: &config::Kafka) -> Seen {
    let mut seen = settings.clone();
    let mut flaws = Vec::new();
    let mut again = |name: &'static str, file: Option<&Path>, secret: &mut Secret| {
        let Some(file) = file else { return };
        match Secret::read(file) {
            Ok(read) if !read.0.is_empty() => *secret = read,
            Ok(_) => flaws.push(no_secret(name, format!("{file:?} is empty"))),
            Err(error) => flaws.push(no_secret(name, format!("{file:?} cannot be read: {error}"))),
        }
    };
    again("sasl_password_file", settings.sasl_password_file.as_deref(), &mut seen.sasl_password);
    again("ssl_key_password_file", settings.ssl_key_password_file.as_deref(), &mut seen.ssl_key_password);
    again("oauth_client_secret_file", settings.oauth_client_secret_file.as_deref(), &mut seen.oauth_client_secret);
    (seen.with_files(), flaws)
}

fn no_secret(name: &'static str, problem: String) -> Flaw {
    Flaw { key: ("kafka", name), problem, cure: "name a readable file that holds the secret".to_owned() }
}
