//! One history: a reader, its client, a driver without a decision, and a loop that does what loops do; trouble first, calm
//! weather at the end, in which everything has to be read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::allowed;
use super::client::Client;
use super::dice::Dice;
use super::driver::{Hand, Mover};
use super::fault::{Fault, Faults};
use super::group::Group;
use super::log::Log;
use super::looping::Plan;
use super::oracle::Oracle;
use crate::reader::{Command, Gaps, Note, Reader, Step, Traced};
use crate::record::Partition;

/// Turns of trouble, and how long it may take after them until everything was read.
const TROUBLE: u64 = 250;
const CALM: Duration = Duration::from_secs(240);

/// What histories came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Played {
    pub(super) gaps: Gaps,
    leaps: u64,
    records: u64,
    moves: u64,
    slowest: Duration,
}

impl Played {
    pub(super) fn add(&mut self, other: &Played) {
        add(&mut self.gaps, other.gaps);
        self.leaps += other.leaps;
        self.records += other.records;
        self.moves += other.moves;
        self.slowest = self.slowest.max(other.slowest);
    }
}

fn add(all: &mut Gaps, more: Gaps) {
    all.filled += more.filled;
    all.confirmed += more.confirmed;
    all.unasked += more.unasked;
    all.offsets += more.offsets;
}

pub(super) struct History {
    pub(super) now: Duration,
    pub(super) dice: Dice,
    pub(super) trouble: bool,
    pub(super) logs: BTreeMap<Partition, Log>,
    pub(super) transactions: bool,
    pub(super) named: bool,
    pub(super) one_too_far: bool,
    pub(super) client: Client,
    pub(super) reader: Reader,
    pub(super) batches: Hand,
    pub(super) group: Group,
    pub(super) oracle: Oracle,
    pub(super) movers: Vec<Mover>,
    pub(super) look_at: Option<Duration>,
    pub(super) plans: Vec<(Duration, Plan)>,
    pub(super) faults: Faults,
    pub(super) leaps: u64,
    /// Those of readers that ended.
    pub(super) gaps: Gaps,
    pub(super) skip_at: Duration,
    pub(super) busy_until: Duration,
    pub(super) cut: Vec<Partition>,
    /// Whose fetchers may stand anywhere.
    pub(super) suspect: BTreeSet<Partition>,
    pub(super) disturbances: u64,
    pub(super) moves: u64,
    pub(super) traced: bool,
    /// What the client was told and said.
    pub(super) trace: Vec<Traced>,
    /// Whose client skipped what it should not, or whose log was cut.
    pub(super) odd: BTreeSet<Partition>,
}

pub(super) fn play(seed: u64, one_too_far: bool) -> (Played, Faults) {
    let mut dice = Dice::new(seed);
    let group = Group::new(2 + i32::try_from(dice.below(4)).unwrap());
    let named = dice.chance(300);
    let mut history = History {
        now: Duration::ZERO,
        trouble: true,
        logs: group.all.iter().map(|partition| (*partition, Log::default())).collect(),
        transactions: dice.chance(300),
        named,
        one_too_far,
        client: Client::new(one_too_far),
        reader: Reader::new(named, false, seed),
        batches: Hand::default(),
        group,
        oracle: Oracle::default(),
        movers: Vec::new(),
        look_at: None,
        plans: Vec::new(),
        faults: Faults::default(),
        leaps: 0,
        gaps: Gaps::default(),
        skip_at: Duration::ZERO,
        busy_until: Duration::ZERO,
        cut: Vec::new(),
        suspect: BTreeSet::new(),
        disturbances: 0,
        moves: 0,
        trace: Vec::new(),
        odd: BTreeSet::new(),
        traced: std::env::var_os("GRAPEVINE_TRACE").is_some(),
        dice,
    };
    history.group.settle(&mut history.client);
    for _ in 0..TROUBLE {
        history.cause_trouble();
        history.turn();
    }
    history.calm();
    history.judge()
}

impl History {
    /// Waits until everything was read.
    fn calm(&mut self) {
        self.trouble = false;
        let since = self.now;
        loop {
            self.group.settle(&mut self.client);
            let read = self.group.all.iter().copied().filter(|partition| !self.cut.contains(partition));
            let behind = self.oracle.behind(read, &self.logs);
            if behind.is_none() && self.client.is_at_rest() && self.plans.is_empty() {
                return;
            }
            let late = self.now - since > CALM;
            assert!(!late, "stuck: {behind:?} of {:?}\n{:?}", self.reader, self.plans);
            self.turn();
        }
    }

    pub(super) fn keep(&mut self, step: Traced) {
        if !step.is_dull() {
            self.trace.push(step);
        }
    }

    /// The judge of traces allows what the model does.
    fn judge_trace(&mut self) {
        let odd = |partition| self.odd.contains(&partition);
        if let Err(why) = allowed::judge(&std::mem::take(&mut self.trace), odd) {
            panic!("{why}");
        }
    }

    fn judge(mut self) -> (Played, Faults) {
        self.judge_trace();
        self.faults.add(&self.client.faults);
        add(&mut self.gaps, self.reader.gaps);
        let (gaps, leaps) = (self.gaps, self.leaps + self.client.leaps);
        // A log that was truncated may hold a record where there was none.
        let skipped = gaps.filled > leaps && self.cut.is_empty();
        assert!(!skipped, "the reader itself skipped: {gaps:?}, the client {leaps}");
        let asked = gaps.filled + 3 * gaps.confirmed + leaps;
        let silent = self.now.as_secs() / 60 * self.group.all.len() as u64;
        let most = 20 + 2 * self.disturbances + self.group.rebalances * self.group.all.len() as u64 + asked + silent;
        assert!(self.moves <= most, "{} moves, {most} were enough", self.moves);
        let records = self.oracle.handed_out;
        (Played { gaps, leaps, records, moves: self.moves, slowest: self.now }, self.faults)
    }

    /// The worker ends, and another one takes its place.
    pub(super) fn die(&mut self) {
        self.judge_trace();
        let held: Vec<_> = self.oracle.held.keys().copied().collect();
        self.oracle.leave(&held, true);
        self.oracle.held.clear();
        self.plans.clear();
        self.batches.0.clear();
        self.movers.clear();
        self.suspect.clear();
        self.look_at = None;
        self.faults.add(&self.client.faults);
        self.leaps += self.client.leaps;
        add(&mut self.gaps, self.reader.gaps);
        self.client = Client::new(self.one_too_far);
        self.reader = Reader::new(self.named, false, self.dice.below(1 << 32));
        self.group.left();
        self.group.joins();
        self.group.settle(&mut self.client);
    }

    /// The driver runs until there is nothing to do, then time passes.
    fn turn(&mut self) {
        for _ in 0..=self.dice.below(30) {
            let step = self.reader.step(self.now, &self.batches);
            self.trace(&step);
            match step {
                Step::Do(command) => self.carry_out(command),
                Step::Tell(delivery) => self.hear(delivery),
                Step::Fail(problem) => self.fail(&problem),
                Step::Note(Note::Refetched(..)) => self.faults.note(Fault::Refetched),
                Step::Note(_) => {}
                Step::Idle => break,
            }
            self.background();
        }
        self.act();
        let busy = self.trouble && self.dice.chance(30);
        if busy {
            self.faults.note(Fault::LoopBusy);
        }
        let most = if busy || !self.trouble { 1_000 } else { 20 };
        self.now += Duration::from_millis(1 + self.dice.below(most));
        self.background();
    }

    /// `GRAPEVINE_TRACE=1` shows what a history is made of.
    fn trace(&self, step: &Step) {
        let dull = matches!(step, Step::Do(Command::Poll) | Step::Idle | Step::Do(Command::Drop(_)));
        if self.traced && !dull {
            println!("{:?} {step:?} {:?}", self.now, self.client.join);
        }
    }

    /// The client's other threads.
    fn background(&mut self) {
        if self.now >= self.busy_until {
            let operations = self.dice.below(4);
            self.client.work(if self.trouble { operations } else { 1_000 });
        }
        if self.dice.chance(if self.trouble { 300 } else { 900 }) {
            self.client.fetch(&self.logs, &mut self.dice, self.trouble);
        }
        self.move_fetchers();
        if self.look_at.take_if(|at| *at <= self.now).is_some() {
            let seen = (!self.trouble || self.dice.chance(800)).then(|| self.group.seen());
            self.reader.group_seen(self.now, seen);
        }
    }

    /// Something happens.
    fn cause_trouble(&mut self) {
        for log in self.logs.values_mut() {
            if self.dice.chance(250) {
                log.append(&mut self.dice, self.transactions);
            }
        }
        self.group.meddle(&mut self.client, &mut self.dice, self.named);
        if self.client.events.is_empty() && self.dice.chance(2) && !self.client.fenced && self.named {
            self.faults.note(Fault::Fenced);
            self.client.fenced = true;
        }
        if self.dice.chance(5) {
            self.faults.note(Fault::Paused);
            self.reader.pause(self.now, None, true);
            self.plan(2_000, Plan::Unpause);
        }
        if self.dice.chance(3) {
            self.faults.note(Fault::Renewed);
            self.reader.renew(self.now);
        }
        if self.dice.chance(5) {
            self.faults.note(Fault::MainThreadBusy);
            self.busy_until = self.now + Duration::from_millis(self.dice.below(4_000));
        }
        self.trouble_a_log();
    }

    fn trouble_a_log(&mut self) {
        let all: Vec<_> = self.group.all.iter().copied().collect();
        let Some(partition) = self.dice.one(&all) else { return };
        if self.dice.chance(3) {
            self.client.change_leader(partition);
        }
        let read = self.oracle.held.get(&partition).map_or(0, |held| held.next);
        let read = read.min(self.oracle.durable.get(&partition).map_or(read, |durable| durable.0));
        let Some(log) = self.logs.get_mut(&partition) else { return };
        if self.dice.chance(2) && log.end() > 4 {
            // Sometimes more than what was read is gone.
            let first = if self.dice.chance(900) { read } else { log.end() - 1 };
            self.faults.note(Fault::HeadCut);
            log.first = log.first.max(first);
            self.odd.insert(partition);
            if first > read {
                self.cut.push(partition);
            }
        }
        if self.dice.chance(1) && log.end() > log.first + 4 {
            self.faults.note(Fault::LogTruncated);
            log.truncate(log.end() - 2);
            self.odd.insert(partition);
            self.cut.push(partition);
        }
        // What no fetcher should do; where gaps are real another one might be believed within the second.
        if !self.transactions && self.now >= self.skip_at && self.dice.chance(5) && self.client.skip(partition) {
            self.faults.note(Fault::Skipped);
            self.odd.insert(partition);
            self.skip_at = self.now + Duration::from_millis(1_500);
        }
    }
}
