//! What the readings of all rounds amount to: a table, and the goals that follow from it.

use crate::READERS;
use crate::Reader;
use crate::kinds::Log;
use crate::measure::Spread;

/// One reader, once: seconds of wall time and of CPU for the whole log.
#[derive(Clone, Copy, Default)]
pub(crate) struct Reading {
    pub(crate) wall: f64,
    /// The reader's own process.
    pub(crate) cpu: Option<f64>,
    /// The store's process.
    pub(crate) store: Option<f64>,
    pub(crate) rows: Option<f64>,
}

impl Reading {
    /// What is said while the others still read.
    pub(crate) fn of(&self, events: f64) -> String {
        let micros = |seconds: Option<f64>| seconds.map_or("–".to_owned(), |seconds| format!("{:.2}", seconds * 1e6 / events));
        let rate = events / self.wall / 1e3;
        format!("{rate:.0} k events/s, CPU of the reader {} us, of the store {} us", micros(self.cpu), micros(self.store))
    }
}

type Round = [Reading; READERS.len()];

/// Where the readers stand in [`READERS`].
const POLL: usize = 0;
const BATCHES: usize = 1;
const DISCARD: usize = 2;
const WORKERS: [usize; 2] = [3, 4];
const ENGINES: [usize; 2] = [5, 6];

/// All rounds on one log.
pub(crate) struct Table<'a> {
    log: &'a Log,
    rounds: Vec<Round>,
}

impl<'a> Table<'a> {
    pub(crate) fn new(log: &'a Log) -> Self {
        Table { log, rounds: Vec::new() }
    }

    pub(crate) fn add(&mut self, round: Round) {
        self.rounds.push(round);
    }

    /// Events a second of a worker with one thread and the store.
    pub(crate) fn rate_of_a_worker(&self) -> f64 {
        self.rates(WORKERS[0]).middle
    }

    fn over(&self, figure: impl Fn(&Round) -> f64) -> Spread {
        Spread::of(self.rounds.iter().map(figure).collect())
    }

    fn rates(&self, reader: usize) -> Spread {
        self.over(|round| self.log.events / round[reader].wall)
    }

    /// Microseconds an event.
    fn micros(&self, seconds: impl Fn(&Round) -> f64) -> Spread {
        self.over(|round| seconds(round) * 1e6 / self.log.events)
    }

    pub(crate) fn print(&self) {
        println!();
        println!("| reader | k events/s | reader's CPU, us | store's CPU, us | rows an event | events/s against |");
        println!("|---|---|---|---|---|---|");
        for (at, (name, reader)) in READERS.iter().enumerate() {
            let cell = |figure: fn(&Reading) -> Option<f64>| {
                let known = self.rounds.iter().all(|round| figure(&round[at]).is_some());
                known.then(|| self.micros(|round| figure(&round[at]).unwrap_or_default()))
            };
            let micros = |spread: Option<Spread>| spread.map_or("–".to_owned(), |spread| format!("{spread:.2}"));
            let rows = self.rounds[0][at].rows.map_or("–".to_owned(), |rows| format!("{:.2}", rows / self.log.events));
            let thousands = self.over(|round| self.log.events / round[at].wall / 1e3);
            println!(
                "| {name} | {thousands:.0} | {} | {} | {rows} | {} |",
                micros(cell(|reading| reading.cpu)),
                micros(cell(|reading| reading.store)),
                self.against(at, reader),
            );
        }
        self.goals();
    }

    fn against(&self, at: usize, reader: &Reader) -> String {
        let to = |reference: usize| self.over(|round| round[reference].wall / round[at].wall);
        match reader {
            Reader::Consumer("poll") => "–".to_owned(),
            Reader::Consumer(_) => format!("poll loop: {:.2}", to(POLL)),
            Reader::Worker { store: "discard", .. } => format!("batches: {:.2}", to(BATCHES)),
            Reader::Worker { .. } | Reader::Engine(..) => {
                format!("best engine: {:.2}", self.over(|round| fastest(round, ENGINES) / round[at].wall))
            }
        }
    }

    fn goals(&self) {
        println!();
        println!("| goal | needed | measured | |");
        println!("|---|---|---|---|");
        let speed = self.over(|round| fastest(round, ENGINES) / fastest(round, WORKERS));
        at_least("events/s with the store, against ClickHouse's engine, both at their best of 1 and 2", 2.0, speed);
        let both = |at: usize| move |round: &Round| round[at].cpu.unwrap_or_default() + round[at].store.unwrap_or_default();
        let own = |at: usize| move |round: &Round| round[at].cpu.unwrap_or_default();
        for (at, threads) in WORKERS.into_iter().zip(["1 thread", "2 threads"]) {
            at_most(&format!("CPU of worker and store together, us an event, {threads}"), 3.5, self.micros(both(at)));
        }
        let worker = own(WORKERS[0]);
        at_most("worker's CPU with the store, against the poll loop", 1.5, self.over(|round| worker(round) / own(POLL)(round)));
        let against = self.over(|round| worker(round) / own(BATCHES)(round));
        at_most("worker's CPU with the store, against the batches", 2.5, against);
        let discarding = self.over(|round| round[BATCHES].wall / round[DISCARD].wall);
        at_least("events/s with a store that discards, against the batches", 0.6, discarding);
        let row = |round: &Round| round[WORKERS[0]].store.unwrap_or_default() / round[WORKERS[0]].rows.unwrap_or_default() * 1e6;
        at_most("store's CPU a row of any table, us, merges included", 3.0, self.over(row));
        let rows = self.over(|round| round[WORKERS[0]].rows.unwrap_or_default() / self.log.rows_at_least);
        at_most("rows written, against distinct windows and shapes", 1.2, rows);
    }
}

/// The shortest wall time of a round.
fn fastest(round: &Round, readers: [usize; 2]) -> f64 {
    readers.map(|at| round[at].wall).into_iter().fold(f64::INFINITY, f64::min)
}

/// Judged by the middle of the rounds.
fn at_least(goal: &str, needed: f64, measured: Spread) {
    print_goal(goal, &format!("≥ {needed}"), measured, measured.middle >= needed);
}

fn at_most(goal: &str, needed: f64, measured: Spread) {
    print_goal(goal, &format!("≤ {needed}"), measured, measured.middle <= needed);
}

fn print_goal(goal: &str, needed: &str, measured: Spread, met: bool) {
    println!("| {goal} | {needed} | {measured:.2} | {} |", if met { "met" } else { "**missed**" });
}
