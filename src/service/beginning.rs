//! What a loop waits for before it reads: that the checkpoint store has said which rules the epoch began with, then that ClickHouse takes rows.
//!
//! Each is asked until it answers well. One that is asked and says nothing is named long before the attempt is over.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tracing::{error, warn};

use super::SAID_WITHIN;
use crate::failure::Failure;
use crate::metrics::{Health, Obstacle};
use crate::worker::Settings;

/// How long somebody may think before it is said that he does. Both are asked in a row.
const SILENT_FOR: Duration = Duration::from_secs(6);
const _: () = assert!(2 * SILENT_FOR.as_secs() < SAID_WITHIN.as_secs());

/// How often a loop that waits says that it lives.
const TICK: Duration = Duration::from_secs(1);

/// One loop, and what is said of it.
#[derive(Clone, Copy)]
pub(super) struct Beginning<'a> {
    pub(super) number: usize,
    pub(super) health: &'a Health,
    pub(super) settings: &'a Settings,
}

impl Beginning<'_> {
    /// Waits until the checkpoint store has said whether the epoch began with these rules. `place` is what it is called.
    pub(super) async fn until_compared(
        &self,
        place: &str,
        compare: impl AsyncFn() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for attempt in 0_u32.. {
            match self.heard(Obstacle::Checkpoints, &format!("`checkpoint.url` ({place})"), compare()).await {
                Err(Failure::Transient(message)) => {
                    warn!(error = message, "the checkpoint store cannot be used yet, trying again");
                    self.health.block(self.number, Obstacle::Checkpoints, message);
                    self.wait(attempt).await;
                }
                compared => {
                    self.health.clear(self.number, Obstacle::Checkpoints);
                    return compared;
                }
            }
        }
        Ok(())
    }

    /// Waits until the store can be reached and has the schema: a worker without them would only fill its memory.
    pub(super) async fn until_ready(&self, urls: &[String], ready: impl AsyncFn() -> Result<(), Failure>) {
        for attempt in 0_u32.. {
            match self.heard(Obstacle::ClickHouse, &format!("`clickhouse.urls` ({})", urls.join(", ")), ready()).await {
                Ok(()) => {
                    self.health.clear(self.number, Obstacle::ClickHouse);
                    self.health.clear(self.number, Obstacle::Schema);
                    return;
                }
                Err(Failure::Transient(message)) => {
                    warn!(error = message, "ClickHouse cannot be reached yet, trying again");
                    self.health.block(self.number, Obstacle::ClickHouse, message);
                }
                Err(Failure::Operator(message)) => {
                    error!(problem = message, "operator action required; retrying");
                    self.health.clear(self.number, Obstacle::ClickHouse);
                    self.health.block(self.number, Obstacle::Schema, message);
                }
            }
            self.wait(attempt).await;
        }
    }

    /// What somebody answers, however long that takes. Meanwhile the loop lives, and it is said who keeps it waiting.
    async fn heard<T>(&self, obstacle: Obstacle, whom: &str, answer: impl Future<Output = T>) -> T {
        let (mut answer, since, mut said) = (pin!(answer), Instant::now(), false);
        loop {
            if let Ok(answer) = timeout(TICK, &mut answer).await {
                return answer;
            }
            self.tick();
            if !said && since.elapsed() >= SILENT_FOR {
                said = true;
                let message = format!(
                    "no answer from {whom} for {} s, and still waiting: look whether it runs, and whether this machine reaches it",
                    SILENT_FOR.as_secs()
                );
                warn!("{message}");
                self.health.block(self.number, obstacle, message);
            }
        }
    }

    /// Waits before the next attempt.
    async fn wait(&self, attempt: u32) {
        let until = Instant::now() + self.settings.backoff.delay(attempt, self.settings.seed);
        while Instant::now() < until {
            self.tick();
            tokio::time::sleep_until(until.min(Instant::now() + TICK)).await;
        }
    }

    fn tick(&self) {
        self.health.tick(self.number, std::time::Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::sleep;

    use super::*;
    use crate::config::Config;

    fn health() -> Health {
        Health::new(1, Duration::from_secs(60), std::time::Instant::now())
    }

    fn settings() -> Settings {
        Settings::of(&Config::load_without_key(None, std::iter::empty()).unwrap(), 1)
    }

    /// The line of a kind, which there is once.
    fn said(health: &Health, kind: &str) -> String {
        let all = health.obstacles();
        let found: Vec<&String> = all.iter().filter(|line| line.starts_with(&format!("loop 0: {kind}: "))).collect();
        assert_eq!(found.len(), 1, "{all:?}");
        found[0].clone()
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_silent_is_named_in_time_by_its_key_whoever_thought_for_long_before() {
        let (health, settings) = (health(), settings());
        let beginning = Beginning { number: 0, health: &health, settings: &settings };
        // The first is slow, but not so slow that it would be named; the second says nothing at all.
        let slow = async || {
            sleep(SILENT_FOR - TICK / 2).await;
            Ok(())
        };
        let begin = async {
            beginning.until_compared("s3://states", slow).await.unwrap();
            beginning.until_ready(&["http://store:8123".to_owned()], async || std::future::pending().await).await;
        };
        assert!(timeout(SAID_WITHIN, begin).await.is_err(), "it waits");
        let line = said(&health, "clickhouse");
        assert!(line.contains("no answer from `clickhouse.urls` (http://store:8123)"), "{line}");
        assert!(!health.obstacles().iter().any(|line| line.contains("checkpoints")), "who has answered is not to blame");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_checkpoint_store_is_named_until_it_answers() {
        let (health, settings) = (health(), settings());
        let beginning = Beginning { number: 0, health: &health, settings: &settings };
        let asked = Cell::new(0);
        // Minutes, as an attempt at an object store may take; then an error, then well.
        let compare = async || {
            asked.set(asked.get() + 1);
            match asked.get() {
                1 => {
                    sleep(Duration::from_secs(300)).await;
                    Err(Failure::Transient("the bucket is away".to_owned()))
                }
                2 => {
                    assert!(said(&health, "checkpoints").ends_with("the bucket is away"));
                    Ok(())
                }
                _ => panic!("it has answered"),
            }
        };
        let comparing = beginning.until_compared("s3://states", compare);
        let mut comparing = pin!(comparing);
        assert!(timeout(SAID_WITHIN, &mut comparing).await.is_err());
        assert!(said(&health, "checkpoints").contains("`checkpoint.url` (s3://states)"));
        comparing.await.unwrap();
        assert!(!health.obstacles().iter().any(|line| line.contains("checkpoints")));
    }
}
