//! Certificates, keys and passwords in files that are renewed: taken over while the worker runs, once they fit each other.
//!
//! Looked at by what they hold, so that a swapped link counts like a changed file. What does not fit is refused, and the old goes on. One for
//! the process; the environment's secrets cannot change.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{error, info};

use crate::certificates::{Files, Flaw, Key, Lifetime};
use crate::config::{self, Secret};
use crate::metrics::Metrics;

/// How often. What was the same twice is whole: a half-written pair is not looked at.
const EVERY: Duration = Duration::from_secs(2);

/// How long certificates count, by the keys that name their files.
type Lives = Vec<(Key, Lifetime)>;

/// Watches until it is dropped. Files are read apart: a file system may hang, which must not hold up whoever else this thread serves.
pub(super) async fn watch(clickhouse: config::ClickHouse, settings: watch::Sender<Arc<config::Kafka>>, metrics: Arc<Metrics>) {
    // Of what is used: what was refused may live longer.
    let note = |lives: Lives| {
        for ((section, key), life) in lives {
            metrics.record_certificate(&format!("{section}.{key}"), life);
        }
    };
    let clickhouse = Arc::new(clickhouse);
    let at_the_start = Arc::clone(&settings.borrow());
    let (mut used, lives) = apart(move || (content(&at_the_start), Files::of_kafka(&at_the_start).lives())).await;
    note(lives);
    let mut before = used.clone();
    loop {
        // Each of its connections takes the newest that fits.
        let stores = Arc::clone(&clickhouse);
        note(apart(move || fitting(&Files::of_clickhouse(&stores))).await);
        tokio::time::sleep(EVERY).await;
        let current = Arc::clone(&settings.borrow());
        let asked = Arc::clone(&current);
        let now = apart(move || content(&asked)).await;
        if now != used && now == before {
            used.clone_from(&now);
            match apart(move || Some(renewed(&current))).await {
                Some(Ok((renewed, lives))) => {
                    note(lives);
                    info!("certificates or passwords of Kafka were renewed: taking them over");
                    settings.send_replace(Arc::new(renewed));
                }
                Some(Err(flaws)) => {
                    let flaws: Vec<String> = flaws.iter().map(ToString::to_string).collect();
                    error!(problem = flaws.join(". "), "renewed files are refused, and the old certificates and passwords go on");
                }
                None => {}
            }
        }
        before = now;
    }
}

/// On a thread that may wait for files.
async fn apart<T: Default + Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

/// How long certificates count that fit their keys.
fn fitting(files: &Files<'_>) -> Lives {
    if files.flaws().is_empty() { files.lives() } else { Vec::new() }
}

/// What all files hold.
fn content(settings: &config::Kafka) -> Vec<u8> {
    let mut all = Files::of_kafka(settings).content();
    for file in [&settings.sasl_password_file, &settings.ssl_key_password_file].into_iter().flatten() {
        all.extend(std::fs::read(file).unwrap_or_default());
        all.push(0);
    }
    all
}

/// The settings with what the files hold now, and how long their certificates count.
fn renewed(settings: &config::Kafka) -> Result<(config::Kafka, Lives), Vec<Flaw>> {
    let mut renewed = settings.clone();
    let mut flaws = Vec::new();
    let mut again = |name: &'static str, file: Option<&Path>, secret: &mut Secret| {
        let Some(file) = file else { return };
        match Secret::read(file) {
            Ok(read) if !read.0.is_empty() => *secret = read,
            Ok(_) => flaws.push(no_secret(name, format!("{file:?} is empty"))),
            Err(error) => flaws.push(no_secret(name, format!("{file:?} cannot be read: {error}"))),
        }
    };
    again("sasl_password_file", settings.sasl_password_file.as_deref(), &mut renewed.sasl_password);
    again("ssl_key_password_file", settings.ssl_key_password_file.as_deref(), &mut renewed.ssl_key_password);
    let files = Files::of_kafka(&renewed);
    flaws.extend(files.flaws());
    let lives = files.lives();
    if flaws.is_empty() { Ok((renewed, lives)) } else { Err(flaws) }
}

fn no_secret(name: &'static str, problem: String) -> Flaw {
    Flaw { key: ("kafka", name), problem, cure: "name a readable file that holds the secret".to_owned() }
}
