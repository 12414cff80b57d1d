//! What becomes of a partition when something happens to it: one function from a state and an event to the next state.

use std::time::Duration;

use super::judgement::{self, Opened};
use super::leaving::Farewell;
use super::reading::Noted;
use super::{Assignment, Bounds, Command, Event, Found, Promise, Running, State, Terms, Undone, release};
use crate::backoff::jitter;
use crate::engine::Engine;
use crate::record::Partition;

impl Assignment {
    pub(super) fn change(&mut self, now: Duration, event: Event, terms: &Terms) -> Option<Command> {
        let (state, command) = match (std::mem::replace(&mut self.state, State::Gone), event) {
            (State::Gone, _) => (State::Gone, None),
            (state, Event::Lost) => (State::Gone, Some(release(state.running(), None))),
            (State::Running(mut running), Event::Revoked(farewell)) => {
                running.forget_failures();
                (State::Leaving(running, farewell), None)
            }
            // A shutdown in the middle of a rebalance, or a rebalance in the middle of a shutdown.
            (State::Leaving(running, mut farewell), Event::Revoked(Farewell { until, .. })) => {
                farewell.until = farewell.until.min(until);
                (State::Leaving(running, farewell), None)
            }
            (state, Event::Revoked(_)) => (State::Gone, Some(release(state.running(), None))),
            (State::Opening { failures, heard }, Event::Answered(found, promise, bounds)) => {
                let promise = promise.and(heard.progress, heard.tables);
                self.opened(now, failures, (found, promise, bounds), terms)
            }
            (State::Opening { failures, .. }, Event::NotAnswered) => ask_again(failures),
            (State::Opening { failures, heard }, Event::DurableLate { next, whole }) => {
                (State::Opening { failures, heard: heard.and(Some(next), whole.then_some(next)) }, None)
            }
            (State::FirstCheckpoint { engine, promise, bounds, failures }, Event::DurableLate { next, whole }) => {
                let promise = promise.and(Some(next), whole.then_some(next));
                (State::FirstCheckpoint { engine, promise, bounds, failures }, None)
            }
            (State::Starting(mut running), event @ Event::DurableLate { .. }) => {
                running.note(now, &event, terms);
                (State::Starting(running), None)
            }
            (State::FirstCheckpoint { engine, promise, bounds, failures }, Event::Published(first, Ok(())))
                if first.next == engine.next() =>
            {
                start(self.id.partition, now, (*engine, promise, failures), bounds, terms)
            }
            // Everything is asked again: the log may begin elsewhere by the time that it succeeds.
            (State::FirstCheckpoint { failures, .. }, Event::Published(_, Err(_))) => ask_again(failures),
            (State::Starting(running), Event::Started) => (State::Running(running), None),
            (State::Starting(_), Event::NotStarted) => ask_again(0),
            // What it holds stands for rows that are gone. It is read again from a state whose rows are there.
            (State::Running(running), Event::Forgotten) => ask_again(running.times_forgotten()),
            (State::Leaving(running, _), Event::Forgotten) => (State::Gone, Some(release(Some(&running), Some(Undone::Rows)))),
            (State::Running(mut running), Event::Held(held)) => {
                running.hold(held);
                (State::Running(running), Some(Command::Hold(held)))
            }
            (State::Running(mut running), Event::Doubted) => {
                let command = running.doubt().then_some(Command::Compare);
                (State::Running(running), command)
            }
            (State::Running(mut running), Event::Compared(bounds)) if running.is_comparing() && !running.is_held() => {
                match running.compare(&self.source, bounds) {
                    Ok(from) => (State::Running(running), Some(Command::StartAgain(from))),
                    Err(why) => refuse(why),
                }
            }
            (State::Running(mut running), event) => {
                running.note(now, &event, terms);
                (State::Running(running), None)
            }
            (State::Leaving(mut running, mut farewell), event) => {
                match running.note(now, &event, terms) {
                    Noted::NotPublished => farewell.publications = farewell.publications.saturating_sub(1),
                    Noted::PublicationRefused => farewell.publications = 0,
                    Noted::NotCommitted => farewell.commits = farewell.commits.saturating_sub(1),
                    Noted::Other => {}
                }
                (State::Leaving(running, farewell), None)
            }
            (state, _) => (state, None),
        };
        self.state = state;
        command
    }

    /// What the stores and the log together say decides whether it may be read.
    fn opened(
        &self,
        now: Duration,
        failures: u32,
        (found, promise, bounds): (Found, Promise, Bounds),
        terms: &Terms,
    ) -> (State, Option<Command>) {
        match judgement::judge(&self.source, found, bounds, &terms.rules) {
            Ok(Opened::Known(engine)) => start(self.id.partition, now, (engine, promise, failures), bounds, terms),
            Ok(Opened::New(engine)) => {
                let first = Command::PublishFirst(engine.next(), promise, Box::new(engine.snapshot()));
                (State::FirstCheckpoint { engine: Box::new(engine), promise, bounds, failures }, Some(first))
            }
            Err(why) => refuse(why),
        }
    }
}

fn start(
    partition: Partition,
    now: Duration,
    (engine, promise, failures): (Engine, Promise, u32),
    bounds: Bounds,
    terms: &Terms,
) -> (State, Option<Command>) {
    // Partitions that came together publish one after another.
    let share = jitter(terms.seed, u64::from(partition.0.unsigned_abs()));
    let first_checkpoint_at = now + terms.checkpoint_interval.mul_f64(share);
    let (running, from) = Running::new(engine, (promise, failures), bounds, first_checkpoint_at, terms.batch);
    (State::Starting(Box::new(running)), Some(Command::Start(from)))
}

pub(super) fn refuse(why: String) -> (State, Option<Command>) {
    (State::Refused(why.clone()), Some(Command::PutAside(why)))
}

fn ask_again(failures: u32) -> (State, Option<Command>) {
    let failures = failures.saturating_add(1);
    (State::opening(failures), Some(Command::Ask(failures)))
}
