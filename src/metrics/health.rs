//! Whether the worker lives and whether it does its work: what the loops say, gathered for probes.
//!
//! It reads no clock: whoever asks says what time it is.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::TopicProblem;

/// What can keep a loop, or the whole worker, from doing its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// The checkpoint store does not say what is needed to begin, or does not take it.
    Checkpoints,
    /// No partitions were assigned yet (an empty assignment counts as one: a spare loop is ready).
    Kafka,
    /// There is nothing that could be shown to the brokers.
    Token,
    /// Brokers cannot be talked to, or forbid something, until somebody acts.
    Connection,
    /// The topic does not exist.
    Topic,
    /// The store does not take rows.
    ClickHouse,
    /// The store's tables are not those of this version.
    Schema,
    /// Somebody must act before the loop goes on.
    Operator,
    /// A shutdown was asked for.
    Stopping,
}

/// What is not as it should be, although the worker does its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    /// The topic does not suit a worker.
    Topic(TopicProblem),
    /// Somebody else is in the group.
    ForeignMembers,
    /// The loop of this number cannot publish the states of partitions that it reads.
    Checkpoints(usize),
}

/// What all loops say. Shared; each loop touches only its own part.
#[derive(Debug)]
pub struct Health {
    stalled_after: Duration,
    loops: Mutex<Vec<LoopHealth>>,
    warnings: Mutex<BTreeMap<Warning, String>>,
}

#[derive(Debug)]
struct LoopHealth {
    ticked: Instant,
    paused: bool,
    obstacles: BTreeMap<Obstacle, String>,
}

impl Health {
    /// A worker of so many loops, none of which has asked anybody yet: each asks the checkpoint store, the store and the group, in
    /// this order, and nobody is blamed who was not asked.
    #[must_use]
    pub fn new(loops: usize, stalled_after: Duration, now: Instant) -> Health {
        let waiting = || {
            BTreeMap::from([
                (Obstacle::Checkpoints, "not asked yet".to_owned()),
                (Obstacle::Kafka, "not asked yet".to_owned()),
                (Obstacle::ClickHouse, "not asked yet".to_owned()),
                (Obstacle::Schema, "not checked yet".to_owned()),
            ])
        };
        let loops = (0..loops).map(|_| LoopHealth { ticked: now, paused: false, obstacles: waiting() }).collect();
        Health { stalled_after, loops: Mutex::new(loops), warnings: Mutex::default() }
    }

    /// Says that a loop lives. A loop that does not exist is ignored, here and below.
    pub fn tick(&self, number: usize, now: Instant) {
        self.change(number, |health| health.ticked = now);
    }

    /// Says that something keeps a loop from its work, and what.
    pub fn block(&self, number: usize, obstacle: Obstacle, reason: impl Into<String>) {
        let reason = reason.into().replace('\n', " ");
        self.change(number, |health| drop(health.obstacles.insert(obstacle, reason)));
    }

    /// Says that it does so no longer.
    pub fn clear(&self, number: usize, obstacle: Obstacle) {
        self.change(number, |health| drop(health.obstacles.remove(&obstacle)));
    }

    /// Says what is not as it should be, or that it is again.
    pub fn warn(&self, warning: Warning, text: Option<String>) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        match text {
            Some(text) => drop(warnings.insert(warning, text.replace('\n', " "))),
            None => drop(warnings.remove(&warning)),
        }
    }

    /// What is not as it should be, one line each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Says whether a loop has stopped reading because its rows cannot leave.
    pub fn pause(&self, number: usize, paused: bool) {
        self.change(number, |health| health.paused = paused);
    }

    /// How many loops have stopped reading.
    #[must_use]
    pub fn paused_loops(&self) -> usize {
        self.lock().iter().filter(|health| health.paused).count()
    }

    /// The loops that have not ticked for too long, one line each; empty if the worker lives.
    #[must_use]
    pub fn stalled(&self, now: Instant) -> Vec<String> {
        let silence = |health: &LoopHealth| now.saturating_duration_since(health.ticked);
        let loops = self.lock();
        let stalled = loops.iter().enumerate().filter(|(_, health)| silence(health) > self.stalled_after);
        stalled.map(|(number, health)| format!("loop {number}: no tick for {} s", silence(health).as_secs())).collect()
    }

    /// What keeps the worker from its work, one line each; empty if it is ready.
    #[must_use]
    pub fn obstacles(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (number, health) in self.lock().iter().enumerate() {
            for (obstacle, reason) in &health.obstacles {
                lines.push(format!("loop {number}: {}: {reason}", obstacle.as_str()));
            }
        }
        lines
    }

    fn change(&self, number: usize, change: impl FnOnce(&mut LoopHealth)) {
        if let Some(health) = self.lock().get_mut(number) {
            change(health);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<LoopHealth>> {
        self.loops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Obstacle {
    fn as_str(self) -> &'static str {
        match self {
            Obstacle::Checkpoints => "checkpoints",
            Obstacle::Kafka => "kafka",
            Obstacle::Token => "token",
            Obstacle::Connection => "connection",
            Obstacle::Topic => "topic",
            Obstacle::ClickHouse => "clickhouse",
            Obstacle::Schema => "schema",
            Obstacle::Operator => "operator",
            Obstacle::Stopping => "stopping",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_does_not_tick_is_named() {
        let start = Instant::now();
        let health = Health::new(2, Duration::from_secs(60), start);
        let later = start + Duration::from_secs(61);
        health.tick(0, later);
        assert_eq!(health.stalled(later), ["loop 1: no tick for 61 s"]);
        assert!(health.stalled(start + Duration::from_secs(60)).is_empty());
    }

    #[test]
    fn a_worker_is_ready_when_no_loop_has_an_obstacle() {
        let health = Health::new(1, Duration::from_secs(60), Instant::now());
        for obstacle in [Obstacle::Checkpoints, Obstacle::Kafka, Obstacle::ClickHouse, Obstacle::Schema] {
            assert!(!health.obstacles().is_empty());
            health.clear(0, obstacle);
        }
        assert!(health.obstacles().is_empty());
        health.block(0, Obstacle::Operator, "run this:\ngrapevine migrate");
        assert_eq!(health.obstacles(), ["loop 0: operator: run this: grapevine migrate"]);
    }

    #[test]
    fn what_is_warned_of_keeps_nobody_from_being_ready() {
        let health = Health::new(0, Duration::from_secs(60), Instant::now());
        health.warn(Warning::ForeignMembers, Some("somebody\nelse".to_owned()));
        health.warn(Warning::Topic(TopicProblem::ShortRetention), Some("a minute".to_owned()));
        health.warn(Warning::Topic(TopicProblem::Compacted), Some("compacted".to_owned()));
        health.warn(Warning::Topic(TopicProblem::ShortRetention), None);
        assert_eq!(health.warnings(), ["compacted", "somebody else"]);
        assert!(health.obstacles().is_empty());
    }

    #[test]
    fn a_loop_that_does_not_exist_changes_nothing() {
        let health = Health::new(0, Duration::from_secs(60), Instant::now());
        health.block(3, Obstacle::Kafka, "nobody");
        health.pause(3, true);
        assert_eq!((health.obstacles().len(), health.paused_loops()), (0, 0));
    }
}
