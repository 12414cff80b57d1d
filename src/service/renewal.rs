//! Certificates, keys and passwords in files that are renewed: taken over while the worker runs, once they fit each other.
//!
//! Looked at by what they hold, so that a swapped link counts like a changed file. What does not fit is refused, and the old goes on. One for
//! the process; the environment's secrets cannot change.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{error, info};

use crate::certificates::{Files, Flaw};
use crate::config::{self, Secret};
use crate::metrics::Metrics;

/// How often. What was the same twice is whole: a half-written pair is not looked at.
const EVERY: Duration = Duration::from_secs(2);

/// Watches until it is dropped.
pub(super) async fn watch(clickhouse: config::ClickHouse, settings: watch::Sender<Arc<config::Kafka>>, metrics: Arc<Metrics>) {
    // Of what is used: what was refused may live longer.
    let note = |files: &Files<'_>| {
        for ((section, key), life) in files.lives() {
            metrics.record_certificate(&format!("{section}.{key}"), life);
        }
    };
    let at_the_start = Arc::clone(&settings.borrow());
    note(&Files::of_kafka(&at_the_start));
    let mut used = content(at_the_start).await;
    let mut before = used.clone();
    loop {
        // Each of its connections takes the newest that fits.
        let stores = Files::of_clickhouse(&clickhouse);
        if stores.flaws().is_empty() {
            note(&stores);
        }
        tokio::time::sleep(EVERY).await;
        let current = Arc::clone(&settings.borrow());
        let now = content(Arc::clone(&current)).await;
        if now != used && now == before {
            used.clone_from(&now);
            match renewed(&current) {
                Ok(renewed) => {
                    note(&Files::of_kafka(&renewed));
                    info!("certificates or passwords of Kafka were renewed: taking them over");
                    settings.send_replace(Arc::new(renewed));
                }
                Err(flaws) => {
                    let flaws: Vec<String> = flaws.iter().map(ToString::to_string).collect();
                    error!(problem = flaws.join(". "), "renewed files are refused, and the old certificates and passwords go on");
                }
            }
        }
        before = now;
    }
}

/// What all files hold. A file system may hang, which must not hold up whoever else this thread serves.
async fn content(settings: Arc<config::Kafka>) -> Vec<u8> {
    let read = move || {
        let mut all = Files::of_kafka(&settings).content();
        for file in [&settings.sasl_password_file, &settings.ssl_key_password_file].into_iter().flatten() {
            all.extend(std::fs::read(file).unwrap_or_default());
            all.push(0);
        }
        all
    };
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

/// The settings with what the files hold now.
fn renewed(settings: &config::Kafka) -> Result<config::Kafka, Vec<Flaw>> {
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
    flaws.extend(Files::of_kafka(&renewed).flaws());
    if flaws.is_empty() { Ok(renewed) } else { Err(flaws) }
}

fn no_secret(name: &'static str, problem: String) -> Flaw {
    Flaw { key: ("kafka", name), problem, cure: "name a readable file that holds the secret".to_owned() }
}
