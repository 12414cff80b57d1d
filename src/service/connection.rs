//! Why brokers cannot be talked to: looked into when a client complains, said in the log and in `/readyz` until it is mended.
//!
//! One for the process. It changes nothing of what the loops do: these go on trying, because credentials, certificates and rights are mended
//! while they run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tracing::{error, info, warn};

use super::SAID_WITHIN;
use crate::config;
use crate::kafka::{Complaints, DIAGNOSED_WITHIN, Diagnosis, Renewals};
use crate::metrics::{Health, Obstacle};

/// How often it is looked whether somebody complains, and how often a broker at which something is wrong is asked again.
const EVERY: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_secs(4);
const _: () = assert!(AGAIN.as_secs() + DIAGNOSED_WITHIN.as_secs() <= SAID_WITHIN.as_secs());

/// Watches until it is dropped. `diagnose` looks into a broker, or into all of them where its address is empty.
pub(super) async fn watch<F: Future<Output = Diagnosis>>(
    complaints: Complaints,
    settings: Renewals,
    loops: usize,
    health: Arc<Health>,
    diagnose: impl Fn(Arc<config::Kafka>, String) -> F,
) {
    // At the start without a complaint: a client that nobody answers has none for half a minute.
    let open = BTreeMap::from([(String::new(), None)]);
    let mut watch = Watch { loops, health, open, said: None };
    loop {
        for broker in complaints.take() {
            watch.open.entry(broker).or_insert(None);
        }
        let current = Arc::clone(&settings.borrow());
        let asked: Vec<String> = watch.open.keys().cloned().collect();
        // Side by side: one that takes its time holds up no other.
        let found = join_all(asked.iter().map(|broker| diagnose(Arc::clone(&current), broker.clone()))).await;
        for (broker, diagnosis) in asked.into_iter().zip(found) {
            watch.diagnosed(broker, diagnosis);
        }
        // What a loop has had of them counts more than a look, for which a far broker may be too slow.
        if complaints.talks() {
            watch.open.remove("");
        }
        watch.say(complaints.denied());
        tokio::time::sleep(if watch.open.is_empty() { EVERY } else { AGAIN }).await;
    }
}

/// What is wrong, and what was said of it: a thing is said when it changes.
struct Watch {
    loops: usize,
    health: Arc<Health>,
    /// By broker, empty for all of them; nothing if it was not looked into yet.
    open: BTreeMap<String, Option<Diagnosis>>,
    said: Option<String>,
}

impl Watch {
    fn diagnosed(&mut self, broker: String, diagnosis: Diagnosis) {
        match diagnosis {
            Diagnosis::Fine => drop(self.open.remove(&broker)),
            // One of several that restarts is nothing to act upon, and is complained of again if it stays away.
            Diagnosis::Away(text) if !broker.is_empty() => {
                self.open.remove(&broker);
                warn!("{text}");
            }
            found @ (Diagnosis::Wrong(_) | Diagnosis::Away(_)) => drop(self.open.insert(broker, Some(found))),
        }
    }

    fn say(&mut self, denied: Option<&str>) {
        // The same may be wrong at all brokers, and at one by its name.
        let text = |found: &'_ Diagnosis| match found {
            Diagnosis::Wrong(text) | Diagnosis::Away(text) => Some(text.clone()),
            Diagnosis::Fine => None,
        };
        let found = self.open.values().flatten().filter_map(text);
        let mut all: Vec<String> = found.chain(denied.map(str::to_owned)).collect();
        all.sort_unstable();
        all.dedup();
        let text = (!all.is_empty()).then(|| all.join("; "));
        for number in 0..self.loops {
            match &text {
                Some(text) => self.health.block(number, Obstacle::Connection, text),
                None => self.health.clear(number, Obstacle::Connection),
            }
        }
        let is_wrong = denied.is_some() || self.open.values().any(|found| matches!(found, Some(Diagnosis::Wrong(_))));
        match (&self.said, &text) {
            (before, Some(text)) if before.as_ref() == Some(text) => {}
            (_, Some(text)) if is_wrong => error!(problem = text, "operator action required; retrying"),
            (_, Some(text)) => warn!(error = text, "the brokers cannot be talked to, trying again"),
            (Some(_), None) => info!("the brokers can be talked to again"),
            (None, None) => {}
        }
        self.said = text;
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::error::RDKafkaErrorCode;
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::config::Config;

    const BROKER: &str = "kafka.example:9093";

    fn health() -> Arc<Health> {
        Arc::new(Health::new(1, Duration::from_secs(60), std::time::Instant::now()))
    }

    /// What is said of connections.
    fn said(health: &Health) -> Vec<String> {
        health.obstacles().into_iter().filter_map(|line| Some(line.strip_prefix("loop 0: connection: ")?.to_owned())).collect()
    }

    fn settings() -> Renewals {
        let kafka = Config::load_without_key(None, std::iter::empty()).unwrap().kafka;
        tokio::sync::watch::channel(Arc::new(kafka)).1
    }

    /// The slowest answer that there is.
    async fn wrong(_: Arc<config::Kafka>, broker: String) -> Diagnosis {
        sleep(DIAGNOSED_WITHIN).await;
        Diagnosis::Wrong(format!("wrong at {broker:?}"))
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_wrong_at_the_start_is_said_in_time_although_no_client_complains() {
        let health = health();
        let watching = watch(Complaints::default(), settings(), 1, Arc::clone(&health), wrong);
        assert!(timeout(SAID_WITHIN, watching).await.is_err(), "it ends with the process");
        assert_eq!(said(&health), ["wrong at \"\""]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_complaint_is_looked_into_in_time_whatever_else_is_wrong() {
        let (health, complaints) = (health(), Complaints::default());
        let watching = watch(complaints.clone(), settings(), 1, Arc::clone(&health), wrong);
        let complain = async {
            // A moment after the watch has looked for complaints, and found nothing but what is wrong anyway: the worst one.
            sleep(DIAGNOSED_WITHIN + AGAIN + DIAGNOSED_WITHIN + Duration::from_millis(1)).await;
            complaints.note(RDKafkaErrorCode::SSL as i32, &format!("ssl://{BROKER}/1: SSL handshake failed"));
            sleep(SAID_WITHIN).await;
        };
        tokio::select! {
            () = watching => panic!("it ends with the process"),
            () = complain => {}
        }
        assert_eq!(said(&health), [format!("wrong at \"\"; wrong at {BROKER:?}")]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_hears_from_brokers_is_believed_more_than_a_look() {
        let (health, complaints) = (health(), Complaints::default());
        let watching = watch(complaints.clone(), settings(), 1, Arc::clone(&health), wrong);
        let hear = async {
            sleep(DIAGNOSED_WITHIN + AGAIN / 2).await;
            assert_eq!(said(&health).len(), 1);
            complaints.allowed();
            sleep(SAID_WITHIN).await;
        };
        tokio::select! {
            () = watching => panic!("it ends with the process"),
            () = hear => {}
        }
        assert_eq!(said(&health), Vec::<String>::new());
    }

    #[tokio::test(start_paused = true)]
    async fn brokers_that_are_well_are_looked_at_once() {
        let (health, looks) = (health(), std::cell::Cell::new(0));
        let fine = |_, _| {
            looks.set(looks.get() + 1);
            std::future::ready(Diagnosis::Fine)
        };
        let watching = watch(Complaints::default(), settings(), 1, Arc::clone(&health), fine);
        assert!(timeout(Duration::from_secs(3600), watching).await.is_err());
        assert_eq!((looks.get(), said(&health)), (1, Vec::new()));
    }
}
