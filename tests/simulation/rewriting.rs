//! The operator writes again what the store has lost (`grapevine rewrite`), killed at any step and run again, while nobody reads.
//!
//! The steps are those of the command (`grapevine::rewrite`); here they are carried out on the tables of the simulation. From then on a
//! row may be missing, or older than it should be, if that was named as lost and its life had left memory; and a click may know the way to
//! its target as of the state that it was written again from.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use crate::batch;
use crate::dice::Dice;
use crate::figures::Figures;
use crate::log::Log;
use crate::table::{MARKED, Tables};
use crate::world::{Fault, NAME, Stored, World, slot};
use grapevine::clickhouse::marks;
use grapevine::engine::Rules;
use grapevine::event;
use grapevine::loss::{self, Loss, OF_RECORDS, OfRecords};
use grapevine::record::{Offset, Partition, Record, source_name};
use grapevine::rewrite::{self, Found, Rewrite, Standing, Step};
use grapevine::row::Progress;
use grapevine::worker::{Append, Bounds, Known, Promise, StoreId, StoredState};

/// What was rewritten, and what the log has lost.
pub(crate) struct Rewriting {
    dice: Dice,
    /// What a clock says, and lots.
    chance: Dice,
    /// Whether it happens in this history.
    pub(crate) happens: bool,
    stores: u128,
    /// Whether one runs inside another one.
    is_second: bool,
    /// Until all of them are written again.
    pub(crate) facts_are_gone: bool,
    /// Records that compaction has taken out of logs.
    holes: BTreeMap<Partition, BTreeSet<Offset>>,
    runs: Vec<Run>,
}

/// One source, rewritten to its end or not.
struct Run {
    source: String,
    /// What its newest state knows, by the batch computation.
    known: batch::Known,
    /// As the table of losses keeps them.
    losses: BTreeMap<(&'static str, Offset), Loss>,
}

/// After how many steps the command is killed.
struct Kill {
    steps: u64,
    /// The log keeps what is to be read meanwhile.
    log_waits: bool,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Done,
    Killed,
    /// What was written may not be there.
    Overtaken,
    /// It cannot be rewritten.
    Refused,
}

impl Rewriting {
    pub(crate) fn new(seed: u64) -> Rewriting {
        let mut dice = Dice::new(seed, 3);
        let happens = dice.chance(250);
        let chance = Dice::new(seed, 4);
        Rewriting {
            dice,
            chance,
            happens,
            stores: 1,
            is_second: false,
            facts_are_gone: false,
            holes: BTreeMap::new(),
            runs: Vec::new(),
        }
    }

    /// Whether it happens now.
    pub(crate) fn is_due(&mut self) -> bool {
        self.happens && self.dice.chance(40)
    }

    /// Whether the rest of a history, which waits for the store, is rewritten rather than brought back.
    pub(crate) fn is_the_cure(&mut self) -> bool {
        self.dice.chance(500)
    }

    /// The number of a run, by a clock that is set now and then, and back.
    fn number_of_run(&mut self, newest: Option<u64>) -> u64 {
        let lot = u16::try_from(self.chance.below(1 << 16)).expect("it is below that");
        rewrite::number_of_run(self.chance.below(1 << 17), newest, lot)
    }

    /// Whether anything was rewritten.
    pub(crate) fn has_happened(&self) -> bool {
        !self.runs.is_empty()
    }

    /// Whether it is right that a row is missing, or says this and not what it should; `truth` is of every row when it changed last.
    pub(crate) fn excuses(&self, key: &str, says: Option<&Figures>, truth: &Tables) -> bool {
        let Some(changed) = truth.changed(key) else { return false };
        match says {
            Some(Figures::Click(click))
                if self.of(key).any(|run| run.known.clicks.get(key).is_some_and(|all| all.contains(click))) =>
            {
                click.first == changed || self.is_named(key, changed)
            }
            _ => self.is_named(key, changed),
        }
    }

    /// Whether a life had left memory when something of its source was named as lost.
    pub(crate) fn may_lack(&self, source: &str, life: &str) -> bool {
        self.runs.iter().any(|run| run.source == source && !run.losses.is_empty() && !run.known.lives.contains(life))
    }

    fn of(&self, key: &str) -> impl Iterator<Item = &Run> {
        let source = key.split(' ').nth(1).unwrap_or_default().to_owned();
        self.runs.iter().filter(move |run| run.source == source)
    }

    fn is_named(&self, key: &str, changed: Offset) -> bool {
        let (table, rest) = key.split_once(' ').unwrap_or_default();
        let life = match table {
            "activity_window" => rest.rsplit_once(' ').map(|(life, _)| life),
            "root" | "cascade" | "thread" => Some(rest),
            _ => None,
        };
        let names = |loss: &Loss| loss.table == table && (loss.first..loss.next).contains(&changed);
        self.of(key).any(|run| life.is_none_or(|life| !run.known.lives.contains(life)) && run.losses.values().any(names))
    }
}

impl World {
    /// The store loses something while nobody reads, and the operator writes it again.
    pub(crate) fn lose_and_rewrite(&mut self, rules: &Rules) {
        self.take_records_out();
        let facts_are_gone = self.lose_while_nobody_reads();
        // Nobody misses facts alone, so nobody may read before they are there again.
        self.rewriting.facts_are_gone = facts_are_gone;
        while !self.rewrite(rules, facts_are_gone) && facts_are_gone {}
        self.rewriting.facts_are_gone = false;
    }

    /// Loses tables; says whether facts alone may be gone.
    fn lose_while_nobody_reads(&mut self) -> bool {
        match self.rewriting.dice.below(6) {
            0 => {
                self.faults.note(Fault::StoreDropped);
                self.rewriting.stores += 1;
                self.store = StoreId(self.rewriting.stores);
                self.lose(Tables::default(), false);
            }
            1 => {
                self.faults.note(Fault::StoreEmptied);
                self.lose(Tables::default(), false);
            }
            2 => {
                if let Some(copy) = self.rewriting_copy() {
                    self.faults.note(Fault::StoreWentBack);
                    self.lose(copy, false);
                }
            }
            3 => self.empty_some(&MARKED, Fault::TableEmptied),
            4 if (0..self.logs.len()).all(|at| self.misses_no_facts(number(at))) => {
                self.lose_facts();
                return true;
            }
            _ => {}
        }
        false
    }

    /// Whether all facts of a source are written again once they are gone: by the command, and behind the newest state by a worker. Of what a
    /// worker heals they are not; and where that state was lost by which tables moved their marks, nothing shows when the worker is there.
    fn misses_no_facts(&self, partition: Partition) -> bool {
        let marked = self.tables.marked(&source_name(NAME, partition));
        self.standing(partition).is_none_or(|(state, standing)| standing != Standing::Heals && marked <= Some(state.next))
    }

    /// The store loses something while the command writes, and of what was written a part may be gone.
    fn perhaps_lose_meanwhile(&mut self) {
        if !self.rewriting.dice.chance(5) {
            return;
        }
        match self.rewriting.dice.below(3) {
            0 => self.lose(Tables::default(), false),
            1 => {
                if let Some(copy) = self.rewriting_copy() {
                    self.lose(copy, false);
                }
            }
            _ => self.empty_some(&MARKED, Fault::TableEmptied),
        }
        self.faults.note(Fault::StoreLostInRewrite);
    }

    /// Somebody else runs the same while it writes.
    fn perhaps_rewrite_meanwhile(&mut self, rules: &Rules, all: bool) {
        if self.rewriting.is_second || !self.rewriting.chance.chance(10) {
            return;
        }
        self.faults.note(Fault::RewriteInRewrite);
        self.rewriting.is_second = true;
        self.rewrite(rules, all);
        self.rewriting.is_second = false;
    }

    fn rewriting_copy(&mut self) -> Option<Tables> {
        let dice = &mut self.rewriting.dice;
        self.forgetting.copy(|copies| dice.index(copies))
    }

    fn empty_some(&mut self, tables: &[&'static str], fault: Fault) {
        let mut left = self.tables.clone();
        for table in tables {
            if self.rewriting.dice.chance(400) {
                self.faults.note(fault);
                left = left.with_table_of(table, &Tables::default());
            }
        }
        self.lose(left, true);
    }

    /// Facts and rejects are gone: all of a table, or the older ones, and then nothing is left of those that the log does not hold.
    fn lose_facts(&mut self) {
        let mut left = self.tables.clone();
        for (table, _) in OF_RECORDS {
            if self.rewriting.dice.chance(600) {
                continue;
            }
            let all = self.rewriting.dice.chance(500);
            self.faults.note(if all { Fault::FactsEmptied } else { Fault::OlderFactsLost });
            for (at, log) in self.logs.iter().enumerate() {
                let first = self.firsts[at];
                let below = if all { Offset::MAX } else { first + self.rewriting.dice.below(1 + log.end.saturating_sub(first)) };
                left = left.without(table, &source_name(NAME, number(at)), below);
            }
        }
        self.lose(left, true);
    }

    /// Compaction takes records out of the log, of those that no kept state reads again.
    fn take_records_out(&mut self) {
        for at in 0..self.logs.len() {
            let Some(covered) = self.covered(number(at)) else { continue };
            let below: Vec<Offset> =
                self.logs[at].entries.iter().map(|entry| entry.offset).take_while(|offset| *offset < covered).collect();
            // The last one is what the log is recognised by.
            let Some((_, others)) = below.split_last() else { continue };
            for offset in others.iter().filter(|offset| **offset >= self.firsts[at]) {
                if self.rewriting.dice.chance(10) {
                    self.faults.note(Fault::LogHoled);
                    self.rewriting.holes.entry(number(at)).or_default().insert(*offset);
                }
            }
        }
    }

    /// Up to where no kept state reads again.
    fn covered(&self, partition: Partition) -> Option<Offset> {
        let stored = self.checkpoints.get(&*source_name(NAME, partition))?;
        stored.iter().filter(|stored| stored.sound).map(|stored| stored.next).min()
    }

    /// The command: every source that needs it, or all that may. Says whether it came to its end.
    pub(crate) fn rewrite(&mut self, rules: &Rules, all: bool) -> bool {
        self.faults.note(if all { Fault::RewriteOfAll } else { Fault::Rewrite });
        let partitions: Vec<Partition> = (0..self.logs.len()).map(number).collect();
        self.give_id(&partitions);
        let steps = if self.rewriting.dice.chance(500) { self.rewriting.dice.below(12) } else { u64::MAX };
        // Killed the moment that retention takes what it was to read next, nothing shows that of facts that nobody misses.
        let mut kill = Kill { steps, log_waits: all };
        let needs = |partition: Partition| {
            let (state, standing) = self.standing(partition)?;
            let source = source_name(NAME, partition);
            let (known, records) = (self.tables.known(self.store, &source), self.of_records(&source));
            rewrite::is_asked_for(standing, &state.promise, all).then_some((partition, state, known, records))
        };
        let found: Vec<_> = partitions.into_iter().filter_map(needs).collect();
        let mut is_done = true;
        for (partition, state, known, records) in found {
            match self.rewrite_one(rules, partition, (&state, known, records), &mut kill) {
                Ending::Done | Ending::Refused => {}
                Ending::Overtaken => {
                    self.faults.note(Fault::RewriteOvertaken);
                    is_done = false;
                }
                Ending::Killed => {
                    self.faults.note(Fault::RewriteKilled);
                    return false;
                }
            }
        }
        is_done
    }

    fn give_id(&mut self, partitions: &[Partition]) {
        let newest = |partition: &Partition| Some((source_name(NAME, *partition), self.newest(*partition)?.promise, self.store));
        let newest: Vec<_> = partitions.iter().filter_map(newest).collect();
        let is_empty = newest.iter().all(|(source, ..)| self.tables.progress(source).is_none());
        let ids = newest.iter().map(|(source, promise, here)| (&**source, *promise, *here));
        if let Some(id) =
            rewrite::id_to_give(ids, is_empty).expect("all states are of one store, and nobody has written to another")
        {
            self.store = id;
        }
    }

    fn newest(&self, partition: Partition) -> Option<&Stored> {
        let stored = self.checkpoints.get(&*source_name(NAME, partition))?;
        stored.iter().filter(|stored| stored.sound).max_by_key(|stored| stored.next)
    }

    /// What a source needs, and its newest state.
    fn standing(&self, partition: Partition) -> Option<(StoredState, Standing)> {
        let source = source_name(NAME, partition);
        let known = self.tables.known(self.store, &source);
        let mut stored: Vec<&Stored> = self.checkpoints.get(&*source)?.iter().filter(|stored| stored.sound).collect();
        stored.sort_by_key(|stored| std::cmp::Reverse(stored.next));
        let newest = *stored.first()?;
        let said = |(at, stored): (usize, &&Stored)| {
            rewrite::standing((stored.next, stored.promise), &known, self.firsts[slot(partition)], at == 0)
        };
        let standing = stored.iter().enumerate().find_map(said).unwrap_or(Standing::Forgotten);
        let Stored { next, promise, bytes, sound: _ } = newest.clone();
        Some((StoredState { next, promise, bytes, published: 0 }, standing))
    }

    fn rewrite_one(
        &mut self,
        rules: &Rules,
        partition: Partition,
        (state, known, records): (&StoredState, Known, OfRecords),
        kill: &mut Kill,
    ) -> Ending {
        let source: Arc<str> = source_name(NAME, partition);
        let log = self.logs[slot(partition)].clone();
        let bounds = Bounds {
            first: self.firsts[slot(partition)],
            end: log.end_of(self.visible[slot(partition)]),
            committed: None,
            partitions: self.logs.len(),
        };
        let again = marks::of_rewriting(&source);
        let newest = MARKED.iter().filter_map(|table| self.tables.mark_of(table, &again)).max();
        let run = self.rewriting.number_of_run(newest);
        self.perhaps_lose_meanwhile();
        MARKED.iter().for_each(|table| self.tables.mark_anew(table, &again, run));
        self.perhaps_lose_meanwhile();
        if self.tables.known(self.store, &source) != known {
            return Ending::Overtaken;
        }
        let found = Found { state, known, bounds, records, uncounted: Vec::new() };
        let rows_max = 1 + self.rewriting.dice.index(40);
        let Ok(mut rewrite) = Rewrite::open(rules, &source, found, rows_max) else { return Ending::Refused };
        if self.rewriting.holes.contains_key(&partition) {
            rewrite.suspect_gaps();
        }
        if let Some(at) = rewrite.witness() {
            let entry = log.entries.iter().find(|entry| entry.offset == at);
            rewrite.recognise(entry.map(|entry| entry.record()).as_ref()).expect("the log is the one it was");
        }
        let known = batch::known_at(rules, &source, &log, state.next);
        let place = self.rewriting.runs.len();
        self.rewriting.runs.push(Run { source: source.to_string(), known, losses: BTreeMap::new() });
        loop {
            let step = rewrite.step();
            self.perhaps_lose_meanwhile();
            self.perhaps_rewrite_meanwhile(rules, kill.log_waits);
            let is_killed = kill.steps == 0;
            kill.steps = kill.steps.saturating_sub(1);
            match step {
                // What is said in one statement is said or not.
                Step::Record(_) | Step::Append(_) if is_killed => return Ending::Killed,
                Step::Record(losses) => {
                    let asked = rewrite.evidence().asks_the_log().then_some(bounds.first);
                    self.note(place, (&log, partition), asked, losses);
                }
                Step::Read(part) => self.read((&log, partition), part, kill.log_waits, &mut rewrite),
                Step::Insert(mut rows) => {
                    self.tables.is_rewritten(&source);
                    rows.clicks.retain(|click| !self.tables.has_click(&source, click));
                    let limit = if is_killed { self.rewriting.dice.index(rows.len()) } else { usize::MAX };
                    (0..rows.clicks.len()).for_each(|_| self.faults.note(Fault::ClickWrittenAgain));
                    self.tables.insert(&rows, limit);
                }
                Step::Mark(_) if self.tables.marked(&again) != Some(run) => return Ending::Overtaken,
                Step::Mark(progress) => {
                    let tables = if is_killed { self.rewriting.dice.index(MARKED.len()) } else { MARKED.len() };
                    MARKED[..tables].iter().for_each(|table| self.tables.mark_anew(table, &source, progress.version));
                }
                Step::Append(progress) => {
                    if self.tables.marked(&source) < Some(progress.version) {
                        self.forgetting.is_behind(&source, progress.version);
                    }
                    self.append_anew(progress);
                }
                Step::Done => break,
            }
            if is_killed {
                return Ending::Killed;
            }
        }
        self.forgetting.is_rewritten(&source);
        Ending::Done
    }

    fn of_records(&self, source: &str) -> OfRecords {
        let oldest = |(table, _)| Some((table, self.tables.oldest(table, source)?));
        OfRecords { oldest: OF_RECORDS.into_iter().filter_map(oldest).collect(), trimmed: Vec::new() }
    }

    fn append_anew(&mut self, progress: Progress) {
        let promise = Promise { store: self.store, progress: None, tables: None };
        let rows = [Append { progress, promise, whole: false }];
        assert!(self.broken(&rows).is_empty(), "nothing is promised");
        self.append(&rows);
    }

    /// Some records of a part of the log; its beginning may move meanwhile.
    fn read(&mut self, (log, partition): (&Log, Partition), part: Range<Offset>, log_waits: bool, rewrite: &mut Rewrite) {
        let covered = self.covered(partition).unwrap_or_default();
        if covered > part.start && !log_waits && self.rewriting.dice.chance(30) {
            self.firsts[slot(partition)] = part.start + 1 + self.rewriting.dice.below(covered - part.start);
            self.faults.note(Fault::HeadCutInRewrite);
        }
        let first = self.firsts[slot(partition)];
        if first > part.start {
            return rewrite.begins_at(first);
        }
        let none = BTreeSet::new();
        let holes = self.rewriting.holes.get(&partition).unwrap_or(&none);
        let some = 1 + self.rewriting.dice.index(12);
        let held = log.entries.iter().filter(|entry| part.contains(&entry.offset) && !holes.contains(&entry.offset));
        let records: Vec<Record<'_>> = held.take(some).map(|entry| entry.record()).collect();
        let said = if records.is_empty() { rewrite.read_to(part.end) } else { rewrite.read(&records) };
        said.expect("the log is the one it was");
    }

    /// Keeps what a run names as lost, and looks whether it may be; `asked`: from this offset on the log was counted first.
    fn note(&mut self, place: usize, (log, partition): (&Log, Partition), asked: Option<Offset>, losses: Vec<Loss>) {
        let first = self.firsts[slot(partition)];
        let holes = self.rewriting.holes.get(&partition).cloned().unwrap_or_default();
        let Run { source, known, .. } = &self.rewriting.runs[place];
        let (source, lives) = (source.clone(), known.lives.clone());
        for loss in losses {
            let at = (loss.table, loss.first);
            let runs = self.rewriting.runs.iter_mut().enumerate();
            let mut others: Vec<&mut Run> =
                runs.filter(|(other, run)| *other != place && run.source == source).map(|(_, run)| run).collect();
            let stands = others.iter().filter_map(|run| run.losses.get(&at)).all(|noted| loss.stands_over(noted));
            if stands {
                others.iter_mut().for_each(|run| run.losses.retain(|noted, _| *noted != at));
            }
            let part = loss.first..loss.next;
            assert!(!part.is_empty(), "{source}: {loss:?}");
            // Of a compacted log every gap may be what was taken out, from the first to the last.
            let mut pairs = log.entries.iter().zip(log.entries.iter().skip(1));
            let is_open = pairs.any(|(one, next)| one.offset + 1 < next.offset && next.offset > part.start);
            let has_holes = holes.range(part.clone()).next().is_some() || (!holes.is_empty() && is_open);
            let is_cut = part.start < first || has_holes;
            if loss.reason == loss::RECORDS {
                self.faults.note(Fault::RecordsLost);
                let is_seen = part.end <= first || !holes.is_empty();
                assert!(is_seen, "{source}: {loss:?}, but the log begins at {first} and lacks {holes:?}");
                // What went while it was counted nobody knows any more, nor which clicks were copies, or came after a copy of the store.
                let is_counted = part == (log.first..first) && asked == Some(first) && holes.is_empty();
                let must_be_right = is_counted && loss.table != "click";
                assert!(!must_be_right || log.has_any_of(loss.table, part), "{source}: {loss:?}, but there was nothing");
            } else {
                self.faults.note(if loss.lives.is_some() { Fault::LivesCounted } else { Fault::LivesLost });
                let gone = gone(log, &lives, &source, part);
                match loss.lives {
                    Some(lives) => assert!((1..=gone).contains(&lives), "{source}: {loss:?}, but {gone} are gone"),
                    None => assert!(is_cut, "{source}: {loss:?}, but the log shows which"),
                }
            }
            if stands {
                self.rewriting.runs[place].losses.insert(at, loss);
            }
        }
    }
}

/// How many roots of records of a part of the log have no life any more that has read them.
fn gone(log: &Log, lives: &BTreeSet<String>, source: &str, part: Range<Offset>) -> u64 {
    let mut roots = BTreeSet::new();
    for entry in log.entries.iter().filter(|entry| part.contains(&entry.offset)) {
        let record = entry.record();
        let Ok(event) = event::parse(&record) else { continue };
        let Some(root) = event.root() else { continue };
        let of_root = format!("{source} {root} ");
        let opened = lives.iter().find_map(|life| life.strip_prefix(&of_root)?.parse::<Offset>().ok());
        if opened.is_none_or(|opened| opened > entry.offset) {
            roots.insert(root.to_owned());
        }
    }
    roots.len() as u64
}

fn number(partition: usize) -> Partition {
    Partition(i32::try_from(partition).expect("few partitions"))
}
