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

/// What was measured of each reader.
type Round = [Option<Reading>; READERS.len()];

/// Where the readers stand in [`READERS`].
const POLL: usize = 0;
const BATCHES: usize = 1;
const DISCARD: usize = 2;
const WORKERS: [usize; 2] = [3, 4];
const ENGINES: [usize; 2] = [5, 6];

/// Those that say enough of data that is there for one weakness.
pub(crate) const FEW: [usize; 6] = [BATCHES, DISCARD, WORKERS[0], WORKERS[1], ENGINES[0], ENGINES[1]];

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
        self.over(|round| Some(self.log.events / wall(round, WORKERS[0])?)).expect("it is always measured").middle
    }

    /// A figure of every round; none if it is not known of each.
    fn over(&self, figure: impl Fn(&Round) -> Option<f64>) -> Option<Spread> {
        Some(Spread::of(self.rounds.iter().map(figure).collect::<Option<_>>()?))
    }

    /// Microseconds an event.
    fn micros(&self, seconds: impl Fn(&Round) -> Option<f64>) -> Option<Spread> {
        self.over(|round| Some(seconds(round)? * 1e6 / self.log.events))
    }

    pub(crate) fn print(&self) {
        println!();
        println!("| reader | k events/s | reader's CPU, us | store's CPU, us | rows an event | events/s against |");
        println!("|---|---|---|---|---|---|");
        for (at, (name, reader)) in READERS.iter().enumerate() {
            let Some(thousands) = self.over(|round| Some(self.log.events / wall(round, at)? / 1e3)) else { continue };
            let micros = |figure: fn(&Round, usize) -> Option<f64>| {
                self.micros(|round| figure(round, at)).map_or("–".to_owned(), |spread| format!("{spread:.2}"))
            };
            let rows = rows(&self.rounds[0], at).map_or("–".to_owned(), |rows| format!("{:.2}", rows / self.log.events));
            println!("| {name} | {thousands:.0} | {} | {} | {rows} | {} |", micros(cpu), micros(store), self.against(at, reader),);
        }
        self.goals();
    }

    fn against(&self, at: usize, reader: &Reader) -> String {
        let to = |what: &str, reference: &dyn Fn(&Round) -> Option<f64>| {
            let ratio = self.over(|round| Some(reference(round)? / wall(round, at)?));
            ratio.map_or("–".to_owned(), |ratio| format!("{what}: {ratio:.2}"))
        };
        match reader {
            Reader::Consumer("poll") => "–".to_owned(),
            Reader::Consumer(_) => to("poll loop", &|round| wall(round, POLL)),
            Reader::Worker { store: "discard", .. } => to("batches", &|round| wall(round, BATCHES)),
            Reader::Worker { .. } | Reader::Engine(..) => to("best engine", &|round| fastest(round, ENGINES)),
        }
    }

    /// Those that can be told from what was measured.
    fn goals(&self) {
        println!();
        println!("| goal | needed | measured | |");
        println!("|---|---|---|---|");
        let speed = self.over(|round| Some(fastest(round, ENGINES)? / fastest(round, WORKERS)?));
        at_least("events/s with the store, against ClickHouse's engine, both at their best of 1 and 2", 2.0, speed);
        for (at, threads) in WORKERS.into_iter().zip(["1 thread", "2 threads"]) {
            let both = self.micros(|round| Some(cpu(round, at)? + store(round, at)?));
            at_most(&format!("CPU of worker and store together, us an event, {threads}"), 3.5, both);
        }
        let worker = |round: &Round, reference| Some(cpu(round, WORKERS[0])? / cpu(round, reference)?);
        at_most("worker's CPU with the store, against the poll loop", 1.5, self.over(|round| worker(round, POLL)));
        at_most("worker's CPU with the store, against the batches", 2.5, self.over(|round| worker(round, BATCHES)));
        let discarding = self.over(|round| Some(wall(round, BATCHES)? / wall(round, DISCARD)?));
        at_least("events/s with a store that discards, against the batches", 0.6, discarding);
        let row = |round: &Round| Some(store(round, WORKERS[0])? / rows(round, WORKERS[0])? * 1e6);
        at_most("store's CPU a row of any table, us, merges included", 3.0, self.over(row));
        let written = self.over(|round| Some(rows(round, WORKERS[0])? / self.log.rows_at_least));
        at_most("rows written, against distinct windows and shapes", 1.2, written);
    }
}

fn wall(round: &Round, reader: usize) -> Option<f64> {
    Some(round[reader]?.wall)
}

fn cpu(round: &Round, reader: usize) -> Option<f64> {
    round[reader]?.cpu
}

fn store(round: &Round, reader: usize) -> Option<f64> {
    round[reader]?.store
}

fn rows(round: &Round, reader: usize) -> Option<f64> {
    round[reader]?.rows
}

/// The shortest wall time of those of them that were measured.
fn fastest(round: &Round, readers: [usize; 2]) -> Option<f64> {
    readers.into_iter().filter_map(|reader| wall(round, reader)).reduce(f64::min)
}

/// Judged by the middle of the rounds.
fn at_least(goal: &str, needed: f64, measured: Option<Spread>) {
    print_goal(goal, &format!("≥ {needed}"), measured, |middle| middle >= needed);
}

fn at_most(goal: &str, needed: f64, measured: Option<Spread>) {
    print_goal(goal, &format!("≤ {needed}"), measured, |middle| middle <= needed);
}

fn print_goal(goal: &str, needed: &str, measured: Option<Spread>, met: impl Fn(f64) -> bool) {
    let Some(measured) = measured else { return };
    println!("| {goal} | {needed} | {measured:.2} | {} |", if met(measured.middle) { "met" } else { "**missed**" });
}
