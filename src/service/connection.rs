//! Why brokers cannot be talked to: looked into at the start and when a client complains, said in the log and in `/readyz` until it is mended.
//!
//! One for the process. It changes nothing of what the loops do: these go on trying, because credentials, certificates and rights are mended
//! while they run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::sleep;
use tracing::{error, info, warn};

use super::SAID_WITHIN;
use crate::config;
use crate::kafka::{Complaints, DIAGNOSED_WITHIN, Diagnosis, Renewals};
use crate::metrics::{Health, Obstacle};

/// How often it is asked whether somebody complains, and after what time a broker at which something is wrong is looked at again.
const EVERY: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_secs(4);
const _: () = assert!(EVERY.as_secs() + DIAGNOSED_WITHIN.as_secs() <= SAID_WITHIN.as_secs());
const _: () = assert!(AGAIN.as_secs() + DIAGNOSED_WITHIN.as_secs() <= SAID_WITHIN.as_secs());

/// Watches until it is dropped. `diagnose` looks into a broker, or into all of them where its address is empty.
pub(super) async fn watch<F: Future<Output = Diagnosis>>(
    complaints: Complaints,
    settings: Renewals,
    loops: usize,
    health: Arc<Health>,
    diagnose: impl Fn(Arc<config::Kafka>, String) -> F,
) {
    let (settings, diagnose) = (&settings, &diagnose);
    let look = |broker: String, after: Duration| async move {
        sleep(after).await;
        let current = Arc::clone(&settings.borrow());
        let found = diagnose(current, broker.clone()).await;
        (broker, found)
    };
    let mut watch = Watch { loops, health, open: BTreeMap::new(), complained_of_all: false, said: None };
    // Side by side: one that takes its time holds up no other.
    let mut looks = FuturesUnordered::new();
    // At the start without a complaint: a client that nobody answers has none for half a minute.
    watch.open.insert(String::new(), Look::default());
    looks.push(look(String::new(), Duration::ZERO));
    loop {
        tokio::select! {
            Some((broker, found)) = looks.next() => {
                if let Some(after) = watch.diagnosed(&broker, found, complaints.talks()) {
                    looks.push(look(broker, after));
                }
            }
            () = sleep(EVERY) => {}
        }
        for broker in complaints.take() {
            if watch.complained(&broker) {
                looks.push(look(broker, Duration::ZERO));
            }
        }
        watch.say(complaints.talks(), complaints.denied());
    }
}

/// A broker that is looked at, now or after a while.
#[derive(Default)]
struct Look {
    /// What was found last.
    found: Option<Diagnosis>,
    /// Whether a client has complained since: what was well before may be so no longer.
    complained: bool,
}

/// What is wrong, and what was said of it: a thing is said when it changes.
struct Watch {
    loops: usize,
    health: Arc<Health>,
    /// By broker, empty for all of them.
    open: BTreeMap<String, Look>,
    complained_of_all: bool,
    said: Option<String>,
}

impl Watch {
    /// Whether nobody looks at it yet.
    fn complained(&mut self, broker: &str) -> bool {
        self.complained_of_all |= broker.is_empty();
        let known = self.open.get_mut(broker);
        let is_new = known.is_none();
        match known {
            Some(look) => look.complained = true,
            None => drop(self.open.insert(broker.to_owned(), Look::default())),
        }
        is_new
    }

    /// After what time it is to be looked at again, if at all.
    fn diagnosed(&mut self, broker: &str, found: Diagnosis, talks: bool) -> Option<Duration> {
        let is_excused = broker.is_empty() && self.is_excused(talks);
        let look = self.open.get_mut(broker)?;
        let complained = std::mem::take(&mut look.complained);
        match found {
            Diagnosis::Fine if complained => {
                look.found = None;
                return Some(Duration::ZERO);
            }
            Diagnosis::Fine => {}
            Diagnosis::Wrong(_) | Diagnosis::Away(_) if is_excused => {}
            // One of several that restarts is nothing to act upon, and is complained of again if it stays away.
            Diagnosis::Away(text) if !broker.is_empty() => warn!("{text}"),
            found @ (Diagnosis::Wrong(_) | Diagnosis::Away(_)) => {
                look.found = Some(found);
                return Some(AGAIN);
            }
        }
        self.open.remove(broker);
        None
    }

    /// What a loop has had of the brokers counts more than the look at the start, for which a far broker may be too slow. It counts nothing
    /// against a client that has lost all of them: records that came before are handed out for a long time.
    fn is_excused(&self, talks: bool) -> bool {
        talks && !self.complained_of_all
    }

    fn say(&mut self, talks: bool, denied: Option<&str>) {
        if self.is_excused(talks)
            && let Some(look) = self.open.get_mut("")
        {
            look.found = None;
        }
        // The same may be wrong at all brokers, and at one by its name.
        let text = |found: &'_ Diagnosis| match found {
            Diagnosis::Wrong(text) | Diagnosis::Away(text) => Some(text.clone()),
            Diagnosis::Fine => None,
        };
        let found = self.open.values().filter_map(|look| text(look.found.as_ref()?));
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
        let is_wrong = denied.is_some() || self.open.values().any(|look| matches!(look.found, Some(Diagnosis::Wrong(_))));
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
    use tokio::time::timeout;

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
            // A moment after the second look has begun at what is wrong anyway: the worst one, if it had to be waited for.
            sleep(DIAGNOSED_WITHIN + AGAIN + Duration::from_millis(1)).await;
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
    async fn records_that_came_before_hide_nothing_that_a_client_complains_of() {
        let (health, complaints) = (health(), Complaints::default());
        complaints.allowed();
        let watching = watch(complaints.clone(), settings(), 1, Arc::clone(&health), wrong);
        let hand_out = async {
            complaints.note(RDKafkaErrorCode::AllBrokersDown as i32, "3/3 brokers are down");
            for second in 0..120 {
                sleep(Duration::from_secs(1)).await;
                complaints.allowed();
                assert!(second < SAID_WITHIN.as_secs() || said(&health) == ["wrong at \"\""], "after {second} s");
            }
        };
        tokio::select! {
            () = watching => panic!("it ends with the process"),
            () = hand_out => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_complaint_during_a_look_is_looked_into_after_it() {
        let (health, complaints, looks) = (health(), Complaints::default(), std::cell::Cell::new(0));
        let once_fine = |_, broker| {
            looks.set(looks.get() + 1);
            let is_first = looks.get() == 1;
            async move {
                sleep(AGAIN).await;
                if is_first { Diagnosis::Fine } else { Diagnosis::Wrong(format!("wrong at {broker:?}")) }
            }
        };
        let watching = watch(complaints.clone(), settings(), 1, Arc::clone(&health), once_fine);
        let complain = async {
            sleep(AGAIN / 2).await;
            complaints.note(RDKafkaErrorCode::AllBrokersDown as i32, "3/3 brokers are down");
            sleep(SAID_WITHIN).await;
        };
        tokio::select! {
            () = watching => panic!("it ends with the process"),
            () = complain => {}
        }
        assert_eq!(said(&health), ["wrong at \"\""]);
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
