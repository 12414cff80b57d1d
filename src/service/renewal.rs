//! Certificates, keys and passwords in files that are renewed: taken over while the worker runs, once they fit each other.
//!
//! Looked at by what they hold, so that a swapped link counts like a changed file. What does not fit is refused, and the old goes on; what
//! fits is handed on as it was judged. One for the process; the environment's secrets cannot change.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{error, info};

use crate::certificates::{Flaw, Lifetime};
use crate::clickhouse::taken;
use crate::config::{self, Key, Secret};
use crate::kafka::refusal;
use crate::metrics::Metrics;

/// How often. What was the same twice is whole: a half-written pair is not looked at.
const EVERY: Duration = Duration::from_secs(2);

/// The settings with what their files hold at one moment, and which secrets could not be read then.
type Seen = (config::Kafka, Vec<Flaw>);

/// Watches until it is dropped. Files are read apart: a file system may hang, which must not hold up whoever else this thread serves.
pub(super) async fn watch(clickhouse: config::ClickHouse, settings: watch::Sender<Arc<config::Kafka>>, metrics: Arc<Metrics>) {
    let clickhouse = Arc::new(clickhouse);
    let mut known: Seen = (config::Kafka::clone(&settings.borrow()), Vec::new());
    let mut notes = Notes { metrics, refused: BTreeMap::new() };
    notes.in_use(known.0.ssl_files.lives());
    let (mut before, mut flaws_before) = (known.clone(), Vec::new());
    let mut password_before = None;
    loop {
        let store = Arc::clone(&clickhouse);
        if let Some((read, lives, flaws)) = apart(move || taken(&store)).await {
            if let Some(renewed) = read.clone().filter(|new| read == password_before && *new != clickhouse.current_password()) {
                info!("the password of ClickHouse was renewed: taking it over");
                clickhouse.renewed_password.renew(renewed);
            }
            password_before = read;
            // Each of its connections takes the newest that fits.
            notes.in_use(lives);
            if flaws == flaws_before {
                notes.refused("clickhouse", &flaws);
            }
            flaws_before = flaws;
        }
        tokio::time::sleep(EVERY).await;
        let current = Arc::clone(&settings.borrow());
        let looked_at = Arc::clone(&current);
        let Some(seen) = apart(move || look(&looked_at)).await else { continue };
        if seen != known && seen == before {
            let renewed = seen.clone();
            let Some(flaws) = apart(move || judged(&renewed)).await else { continue };
            known.clone_from(&seen);
            notes.refused("kafka", &flaws);
            if flaws.is_empty() && seen.0 == *current {
                info!("the files of Kafka are again those that are used");
            } else if flaws.is_empty() {
                notes.in_use(seen.0.ssl_files.lives());
                info!("certificates, passwords or secrets of Kafka were renewed: taking them over");
                settings.send_replace(Arc::new(seen.0.clone()));
            }
        }
        before = seen;
    }
}

/// What is in use, and what is not although it was renewed.
struct Notes {
    metrics: Arc<Metrics>,
    /// By section of the configuration.
    refused: BTreeMap<&'static str, Vec<Flaw>>,
}

impl Notes {
    /// Of what is used alone: what was refused may live longer.
    fn in_use(&self, lives: Vec<(Key, Lifetime)>) {
        for ((section, key), life) in lives {
            self.metrics.record_certificate(&format!("{section}.{key}"), life);
        }
    }

    /// What is wrong now with the files of a section; said when it is another thing than before.
    fn refused(&mut self, section: &'static str, flaws: &[Flaw]) {
        let before = self.refused.insert(section, flaws.to_vec()).unwrap_or_default();
        self.metrics.record_refused_renewals(self.refused.values().map(Vec::len).sum());
        if before != flaws && !flaws.is_empty() {
            let flaws: Vec<String> = flaws.iter().map(ToString::to_string).collect();
            error!(problem = flaws.join(". "), "renewed files are refused, and the old certificates and passwords go on");
        }
    }
}

/// On a thread that may wait for files; nothing if there is none.
async fn apart<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(read).await.ok()
}

/// What is wrong with renewed files, the client's own opinion included: none of the loops finds out that it can make no client with them.
fn judged((renewed, unread): &Seen) -> Vec<Flaw> {
    let mut flaws = unread.clone();
    flaws.extend(renewed.ssl_files.flaws());
    if flaws.is_empty()
        && let Some((key, said)) = refusal(renewed)
    {
        let cure = "correct what it names".to_owned();
        flaws.push(Flaw { key: ("kafka", key), problem: format!("lets no Kafka client be made: {said}"), cure });
    }
    flaws
}

/// Reads everything anew; a secret that cannot be read stays what it was.
fn look(settings: &config::Kafka) -> Seen {
    let mut seen = settings.clone();
    let mut flaws = Vec::new();
    let mut again = |name: &'static str, file: Option<&Path>, secret: &mut Secret| match file
        .map(|file| Secret::held(("kafka", name), file))
    {
        Some(Ok(read)) => *secret = read,
        Some(Err(flaw)) => flaws.push(flaw),
        None => {}
    };
    again("sasl_password_file", settings.sasl_password_file.as_deref(), &mut seen.sasl_password);
    again("ssl_key_password_file", settings.ssl_key_password_file.as_deref(), &mut seen.ssl_key_password);
    again("oauth_client_secret_file", settings.oauth_client_secret_file.as_deref(), &mut seen.oauth_client_secret);
    (seen.with_files(), flaws)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Instant;

    use prometheus::Registry;
    use tokio::time::sleep;

    use super::*;
    use crate::certificates::tests::self_signed;
    use crate::config::Config;
    use crate::metrics::Health;

    /// How many bits a key needs, and has when it is of no use to anybody.
    const GOOD: u32 = 2048;
    const WEAK: u32 = 512;

    /// A folder with a certificate of so many days, and its key.
    struct Folder(tempfile::TempDir);

    impl Folder {
        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn show(&self, bits: u32, days: u32) {
            let (certificate, key) = self_signed(bits, days);
            std::fs::write(self.path("tls.crt"), certificate.to_pem().unwrap()).unwrap();
            std::fs::write(self.path("tls.key"), key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        }
    }

    /// Days that are left, by the page of metrics, and how many mistakes are refused.
    fn shown(metrics: &Metrics, file: &str) -> String {
        let page = metrics.page().unwrap();
        let value = |name: &str| -> f64 { page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap() };
        let left = value(&format!("grapevine_certificate_expiry_seconds{{file=\"{file}\"}}"));
        format!("{:.0} days, {} refused", left / 86_400.0, value("grapevine_renewal_refused"))
    }

    /// The metric tells of what is in use, whatever lies in the files.
    #[tokio::test(start_paused = true)]
    async fn a_pair_that_no_client_takes_is_refused_and_the_metric_tells_of_the_old_one() {
        let folder = Folder(tempfile::tempdir().unwrap());
        folder.show(GOOD, 10);
        let name = |variable: &str, value: String| (format!("GRAPEVINE_{variable}"), value);
        let [certificate, key] = ["tls.crt", "tls.key"].map(|file| folder.path(file).display().to_string());
        let variables = [
            name("KAFKA_SECURITY_PROTOCOL", "ssl".to_owned()),
            name("KAFKA_SSL_CERTIFICATE_FILE", certificate.clone()),
            name("KAFKA_SSL_KEY_FILE", key.clone()),
            name("CLICKHOUSE_URLS", "https://store:8443".to_owned()),
            name("CLICKHOUSE_CERTIFICATE_FILE", certificate),
            name("CLICKHOUSE_KEY_FILE", key),
        ];
        let config = Config::load_without_key(None, variables.into_iter()).unwrap();
        let health = Arc::new(Health::new(1, Duration::from_secs(60), Instant::now()));
        let metrics = Arc::new(Metrics::new(&Registry::new(), "events", health).unwrap());
        let (renew, renewals) = watch::channel(Arc::new(config.kafka.clone()));
        let mut watching = std::pin::pin!(watch(config.clickhouse.clone(), renew, Arc::clone(&metrics)));
        let both = ["kafka.ssl_certificate_file", "clickhouse.certificate_file"];
        let mut seen = async || {
            tokio::select! {
                () = &mut watching => panic!("it ends with the process"),
                () = sleep(4 * EVERY) => {}
            }
            (both.map(|file| shown(&metrics, file)), renewals.has_changed().unwrap())
        };
        let now = |left: &str, is_taken_over: bool| ([left.to_owned(), left.to_owned()], is_taken_over);
        assert_eq!(seen().await, now("10 days, 0 refused", false));
        folder.show(WEAK, 90);
        assert_eq!(seen().await, now("10 days, 2 refused", false), "both refuse the key, and neither uses it");
        folder.show(GOOD, 50);
        assert_eq!(seen().await, now("50 days, 0 refused", true));
    }
}
