//! Why brokers cannot be talked to: looked into when a client complains, said in the log and in `/readyz` until it is mended.
//!
//! One for the process. It changes nothing of what the loops do: these go on trying, because credentials, certificates and rights are mended
//! while they run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info, warn};

use crate::kafka::{Complaints, Diagnosis, Renewals, diagnose};
use crate::metrics::{Health, Obstacle};

/// How often it is looked whether somebody complains, and how often a broker at which something is wrong is asked again.
const EVERY: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_secs(4);

/// Watches until it is dropped.
pub(super) async fn watch(complaints: Complaints, settings: Renewals, loops: usize, health: Arc<Health>) {
    let mut watch = Watch { loops, health, open: BTreeMap::new(), said: None };
    loop {
        for broker in complaints.take() {
            watch.open.entry(broker).or_insert(None);
        }
        let asked: Vec<String> = watch.open.keys().cloned().collect();
        for broker in asked {
            let settings = Arc::clone(&settings.borrow());
            let diagnosis = diagnose(&settings, &broker).await;
            watch.diagnosed(broker, diagnosis);
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
