//! What the stores and the log together say of a partition: whether it may be read, and from which state.
//!
//! A partition that somebody has seen, but whose state is gone, or whose topic was recreated, is not read: reading on
//! would lose events, count them twice, or put two contents under one version.

use std::sync::Arc;

use super::promise::Promise;
use super::refusal;
use crate::engine::{Engine, Limits, Rules};
use crate::record::{Millis, Offset};

/// Where a partition begins and ends, and what its group has committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// First offset that the log still holds.
    pub first: Offset,
    /// One past the last offset (the last stable one, with transactions).
    pub end: Offset,
    /// The group's committed offset.
    pub committed: Option<Offset>,
    /// How many partitions the topic has now.
    pub partitions: usize,
}

/// A whole state, as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredState {
    /// Where it continues.
    pub next: Offset,
    /// What the store must know.
    pub promise: Promise,
    /// The engine's bytes.
    pub bytes: Vec<u8>,
    /// When it was published, by the clock of whoever keeps it.
    pub published: Millis,
}

/// What the stores know of a partition.
#[derive(Debug)]
pub enum Found {
    /// A state.
    Checkpoint(StoredState),
    /// A state that was made under other limits, with nothing behind it.
    CleanlyStopped(StoredState),
    /// A state that was made under other limits, its `next`, and rows behind it up to this version.
    OtherLimits(Limits, Offset, Offset),
    /// No state, but rows up to this version.
    Rows(Offset),
    /// Nothing.
    Nothing,
}

/// A partition that may be read.
#[derive(Debug)]
pub(super) enum Opened {
    /// From a state that is published.
    Known(Engine),
    /// As soon as this state is published.
    New(Engine),
}

pub(super) fn judge(source: &Arc<str>, found: Found, bounds: Bounds, rules: &Rules) -> Result<Opened, String> {
    match found {
        Found::Checkpoint(state) => restored(source, rules, bounds, &state).map(Opened::Known),
        // From here on rows follow the new limits; whoever comes after a crash must know it.
        Found::CleanlyStopped(state) => restored(source, rules, bounds, &state).map(Opened::New),
        Found::OtherLimits(then, next, newest) => Err(refusal::other_limits(source, next, newest, then, rules.limits())),
        Found::Rows(version) => Err(refusal::no_checkpoint(source, &format!("the store holds its rows up to version {version}"))),
        Found::Nothing => match bounds.committed {
            Some(next) => Err(refusal::no_checkpoint(source, &format!("its group has committed offset {next}"))),
            None => Ok(Opened::New(established(source, rules, bounds))),
        },
    }
}

/// The engine of a state, if the log still holds the place where it reads on.
pub(crate) fn restored(source: &Arc<str>, rules: &Rules, bounds: Bounds, state: &StoredState) -> Result<Engine, String> {
    let next = state.next;
    check_bounds(source, bounds, next)?;
    let engine = Engine::restore(rules.clone(), Arc::clone(source), &state.bytes)
        .map_err(|error| refusal::foreign_checkpoint(source, next, &error.to_string()))?;
    if engine.next() != next {
        return Err(refusal::foreign_checkpoint(source, next, &format!("its content continues at {}", engine.next())));
    }
    Ok(engine)
}

/// Nobody has seen this partition: an empty state is published before its first row, so that rows without any checkpoint
/// always mean that checkpoints were lost.
fn established(source: &Arc<str>, rules: &Rules, bounds: Bounds) -> Engine {
    let mut engine = Engine::new(rules.clone(), Arc::clone(source), bounds.first);
    // A snapshot is taken after a flush; the first rows say the same again.
    engine.flush();
    engine
}

/// The log must begin before, and end behind, the place where reading goes on.
pub(super) fn check_bounds(source: &str, bounds: Bounds, next: Offset) -> Result<(), String> {
    let Bounds { first, end, committed: _, partitions: _ } = bounds;
    if next < first {
        return Err(refusal::begins_later(source, first, next));
    }
    if next > end {
        return Err(refusal::ends_earlier(source, end, next));
    }
    Ok(())
}
