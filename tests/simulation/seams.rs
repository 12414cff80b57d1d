//! The three seams, simulated: each call takes a while, may fail before or after it had its effect, and may be
//! the last thing that its worker does.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::addresses::Answers;
use crate::log::Log;
use crate::table::Tables;
use crate::world::{Fault, NAME, Notice, Stored, WITHOUT_REASON, World, slot};
use grapevine::engine::Snapshot;
use grapevine::failure::Failure;
use grapevine::record::{Offset, Partition, source_name};
use grapevine::row::Rows;
use grapevine::worker::{Append, Appended, Bounds, Checkpoints, Delivery, Known, Promise, Sink, Source, StoredState, Unknown};

pub(crate) type Shared = Rc<RefCell<World>>;

/// A member's view of the world.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) world: Shared,
    pub(crate) number: usize,
}

impl Member {
    /// A while.
    async fn wait(&self, longest: u64) {
        let wait = self.world.borrow_mut().dice.below(longest);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }

    /// Dies here, perhaps.
    async fn survive(&self, fault: Fault) {
        // Reading is what happens most, by far.
        let share = if fault == Fault::KilledWhileReading { 1 } else { 12 };
        let dies = self.world.borrow_mut().strikes(fault, share);
        if dies {
            self.world.borrow_mut().doomed.push(self.number);
            pending::<()>().await;
        }
    }

    pub(crate) fn strikes(&self, fault: Fault, share: u64) -> bool {
        self.world.borrow_mut().strikes(fault, share)
    }
}

/// The log as one member reads it. It notices late that a partition is not its own any more.
pub(crate) struct SimulatedSource {
    member: Member,
    logs: Rc<Vec<Log>>,
    reading: BTreeMap<Partition, Reading>,
    /// Partitions that the group wants back. Others stay this member's when they are released.
    asked_back: BTreeSet<Partition>,
    paused: bool,
}

#[derive(Clone, Copy)]
struct Reading {
    at: usize,
    /// The end that was told last.
    told: Option<Offset>,
    /// The log may be another one: nothing is handed out until it is started again.
    doubted: bool,
    /// The loop wants none of its records for now.
    held: bool,
}

impl SimulatedSource {
    pub(crate) fn new(member: Member) -> SimulatedSource {
        let logs = Rc::clone(&member.world.borrow().logs);
        SimulatedSource { member, logs, reading: BTreeMap::new(), asked_back: BTreeSet::new(), paused: false }
    }

    fn notice(&mut self) -> Option<Delivery<'static>> {
        let mut world = self.member.world.borrow_mut();
        let late = world.trouble > 0 && world.dice.chance(950);
        let notices = world.notices.get_mut(&self.member.number)?;
        if late && matches!(notices.front(), Some(Notice::Lost(_))) {
            return None;
        }
        let notice = notices.pop_front()?;
        Some(match notice {
            Notice::Assigned(partition) => Delivery::Assigned(vec![partition]),
            Notice::Revoked(partition) => {
                self.asked_back.insert(partition);
                world.faults.note(Fault::Revoked);
                Delivery::Revoked(vec![partition])
            }
            Notice::Lost(partition) => {
                self.asked_back.insert(partition);
                world.faults.note(Fault::Lost);
                Delivery::Lost(vec![partition])
            }
        })
    }

    /// Some records, an end, or nothing, of one partition.
    fn deliver(&mut self) -> Delivery<'_> {
        let mut world = self.member.world.borrow_mut();
        if self.reading.is_empty() || (self.paused && world.dice.chance(900)) {
            world.faults.note(Fault::Idle);
            return Delivery::Idle;
        }
        let chosen = world.dice.index(self.reading.len());
        let (&partition, reading) = self.reading.iter_mut().nth(chosen).expect("chosen below the length");
        let log = &self.logs[slot(partition)];
        let visible = world.visible[slot(partition)];
        reading.doubted |= world.made_again.contains(&partition) || world.strikes(Fault::LogDoubted, 1);
        if reading.doubted {
            return Delivery::Doubted(partition);
        }
        if reading.held {
            world.faults.note(Fault::Held);
            return Delivery::Idle;
        }
        if reading.at < visible {
            if world.owners[slot(partition)] != Some(self.member.number) {
                world.faults.note(Fault::ReadByTwo);
            }
            let upto = (reading.at + 1 + world.dice.index(12)).min(visible);
            let records = log.entries[reading.at..upto].iter().map(|entry| entry.record()).collect();
            reading.at = upto;
            return Delivery::Records(partition, records);
        }
        let end = log.end_of(visible);
        if reading.told != Some(end) {
            reading.told = Some(end);
            world.faults.note(Fault::EndReached);
            return Delivery::End(partition, end);
        }
        world.faults.note(Fault::Idle);
        Delivery::Idle
    }
}

impl Source for SimulatedSource {
    async fn next(&mut self) -> Result<Delivery<'_>, Failure> {
        self.member.wait(120).await;
        self.member.survive(Fault::KilledWhileReading).await;
        if self.member.strikes(Fault::ReadFailed, 1) {
            return Err(Failure::Transient("the broker went away".to_owned()));
        }
        if let Some(notice) = self.notice() {
            return Ok(notice);
        }
        Ok(self.deliver())
    }

    fn bounds(&self, partition: Partition) -> impl Future<Output = Result<Bounds, Failure>> + 'static {
        let (member, logs) = (self.member.clone(), Rc::clone(&self.logs));
        async move {
            let slow = member.strikes(Fault::BoundsSlow, 20);
            member.wait(if slow { 10_000 } else { 50 }).await;
            if member.strikes(Fault::BoundsFailed, 20) {
                return Err(Failure::Transient("no leader".to_owned()));
            }
            let world = member.world.borrow();
            let log = &logs[slot(partition)];
            Ok(Bounds {
                first: world.firsts[slot(partition)],
                end: log.end_of(world.visible[slot(partition)]),
                committed: world.committed[slot(partition)],
                partitions: world.logs.len(),
            })
        }
    }

    fn start(&mut self, partition: Partition, next: Offset) -> Result<(), Failure> {
        if self.member.strikes(Fault::StartFailed, 20) {
            return Err(Failure::Transient("no leader".to_owned()));
        }
        let next = next.max(self.member.world.borrow().firsts[slot(partition)]);
        self.logs = Rc::clone(&self.member.world.borrow().logs);
        let at = self.logs[slot(partition)].entries.partition_point(|entry| entry.offset < next);
        self.member.world.borrow_mut().made_again.remove(&partition);
        self.reading.insert(partition, Reading { at, told: None, doubted: false, held: false });
        Ok(())
    }

    fn pause(&mut self, only: Option<Partition>, paused: bool) {
        if let Some(partition) = only {
            return self.reading.get_mut(&partition).into_iter().for_each(|reading| reading.held = paused);
        }
        if paused {
            self.member.world.borrow_mut().faults.note(Fault::Paused);
        }
        self.paused = paused;
    }

    fn release(&mut self, partitions: &[Partition]) -> Result<(), Failure> {
        let mut world = self.member.world.borrow_mut();
        for partition in partitions {
            self.reading.remove(partition);
            if !self.asked_back.remove(partition) {
                continue;
            }
            // It may have been given to this very member again, which has not heard of it yet.
            let again = world.will_hear_of(self.member.number, *partition);
            if world.owners[slot(*partition)] == Some(self.member.number) && !again {
                world.owners[slot(*partition)] = None;
            }
        }
        Ok(())
    }

    fn commit(&self, offsets: &[(Partition, Offset)]) -> impl Future<Output = Result<(), Failure>> + 'static {
        let (member, offsets) = (self.member.clone(), offsets.to_vec());
        async move {
            let slow = member.strikes(Fault::CommitLate, 20);
            member.wait(if slow { 45_000 } else { 30 }).await;
            member.survive(Fault::KilledBeforeCommit).await;
            if member.strikes(Fault::CommitFailed, 10) {
                return Err(Failure::Transient("the coordinator moved".to_owned()));
            }
            commit_in_group(&member, &offsets)?;
            member.survive(Fault::KilledAfterCommit).await;
            if member.strikes(Fault::CommitAnswerLost, 10) {
                return Err(Failure::Transient("the answer was lost".to_owned()));
            }
            Ok(())
        }
    }

    async fn close(&mut self) -> Result<(), Failure> {
        self.member.wait(100).await;
        self.member.world.borrow_mut().gone(self.member.number);
        Ok(())
    }
}

fn commit_in_group(member: &Member, offsets: &[(Partition, Offset)]) -> Result<(), Failure> {
    let mut world = member.world.borrow_mut();
    if offsets.iter().any(|(partition, _)| world.owners[slot(*partition)] != Some(member.number)) {
        world.faults.note(Fault::CommitFenced);
        return Err(Failure::Transient("another generation owns the partition".to_owned()));
    }
    for &(partition, next) in offsets {
        let published = world.published.get(&*source_name(NAME, partition)).copied();
        assert!(published >= Some(next), "I1: committed {next} of {partition}, published {published:?}");
        world.committed[slot(partition)] = Some(next);
    }
    Ok(())
}

fn partition_of(source: &str) -> Partition {
    let number = source.rsplit('/').next().and_then(|number| number.parse().ok());
    Partition(number.expect("sources end with their partition"))
}

/// The store as one member reaches it.
pub(crate) struct SimulatedSink(pub(crate) Member);

impl Sink for SimulatedSink {
    async fn insert(&self, rows: &Rows, _of: &str) -> Result<(), Failure> {
        let member = self.0.number;
        let number = self.0.world.borrow_mut().begin_insert(member, rows);
        let outcome = self.attempt(rows).await;
        self.0.world.borrow_mut().end_insert(member, number);
        outcome
    }

    async fn append(&self, rows: &[Append]) -> Result<Appended, Failure> {
        let member = &self.0;
        let opened = |row: &Append| member.world.borrow().forgetting.openings(member.number, &row.progress.source);
        let before: Vec<u64> = rows.iter().map(opened).collect();
        self.reach().await?;
        let progress = rows.iter().map(|row| row.progress.clone()).collect();
        let refusal = member.world.borrow_mut().refuses(Fault::ProgressRefused, &Rows { progress, ..Rows::default() });
        refusal.map_or(Ok(()), Err)?;
        if let Some(broken) = self.mark(rows)? {
            return Ok(Appended::Broken(broken));
        }
        if let Some(broken) = self.compare(rows)? {
            return Ok(Appended::Broken(broken));
        }
        if member.strikes(Fault::InsertHalfDone, 10) {
            return Err(Failure::Transient("broken pipe".to_owned()));
        }
        member.world.borrow_mut().append(rows);
        self.answer().await?;
        for (Append { progress, whole, .. }, before) in rows.iter().zip(before) {
            member.world.borrow_mut().freshness.heard(partition_of(&progress.source), progress.version);
            let forgetting = &mut member.world.borrow_mut().forgetting;
            forgetting.settled((member.number, before), &progress.source, progress.version, *whole);
        }
        Ok(Appended::Done)
    }

    fn unknown(&self, failure: &Failure) -> Option<Unknown> {
        let is_unknown = matches!(failure, Failure::Transient(said) if said == WITHOUT_REASON);
        is_unknown.then(|| Unknown { code: 307, cure: "ask the store".to_owned() })
    }

    async fn known(&self, source: &str) -> Result<Known, Failure> {
        self.0.wait(50).await;
        if self.0.strikes(Fault::NewestVersionFailed, 20) {
            return Err(Failure::Transient("connection refused".to_owned()));
        }
        let mut world = self.0.world.borrow_mut();
        world.perhaps_forget();
        let World { forgetting, tables, .. } = &mut *world;
        forgetting.opened(self.0.number, source, tables.marked(source));
        let answers = world.answers([source].into_iter());
        let known = world.known_at(answers, source);
        let (partition, World { freshness, logs, .. }) = (partition_of(source), &mut *world);
        freshness.told(partition, known.progress.unwrap_or_default(), &logs[slot(partition)]);
        Ok(known)
    }

    async fn newest_version(&self, source: &str) -> Result<Option<Offset>, Failure> {
        self.0.wait(50).await;
        if self.0.strikes(Fault::NewestVersionFailed, 20) {
            return Err(Failure::Transient("connection refused".to_owned()));
        }
        Ok(self.0.world.borrow().tables.newest_version(source))
    }
}

impl SimulatedSink {
    /// The marks that come before a state; which sources have lost something, if any has.
    fn mark(&self, rows: &[Append]) -> Result<Option<Vec<Arc<str>>>, Failure> {
        let whole: Vec<Append> = rows.iter().filter(|append| append.whole).cloned().collect();
        if whole.is_empty() {
            return Ok(None);
        }
        let broken = self.compare(&whole)?;
        if broken.is_none() {
            let tables = &mut self.0.world.borrow_mut().tables;
            whole.iter().for_each(|row| tables.mark(&row.progress.source, row.promise.tables, row.progress.version));
        }
        Ok(broken)
    }

    /// Whether what was promised is known to whoever answers: of which sources it is not, if of any.
    fn compare(&self, rows: &[Append]) -> Result<Option<Vec<Arc<str>>>, Failure> {
        let mut world = self.0.world.borrow_mut();
        // What nothing would show is left out.
        let is_astray = rows.iter().any(|row| row.whole && world.is_astray(self.0.number, &row.progress.source));
        let answers = world.answers(rows.iter().map(|row| &*row.progress.source));
        if is_astray || answers == Answers::Stranger {
            return Ok(Some(world.refused_elsewhere(rows)));
        }
        let broken = world.broken(rows);
        if answers == Answers::Behind && broken.is_empty() && world.is_behind(rows) {
            world.faults.note(Fault::ComparedBehind);
            return Err(Failure::Transient("asked again, it knows everything".to_owned()));
        }
        if broken.is_empty() {
            return Ok(None);
        }
        world.faults.note(Fault::AppendRefused);
        Ok(Some(broken))
    }

    async fn attempt(&self, rows: &Rows) -> Result<(), Failure> {
        let member = &self.0;
        self.reach().await?;
        let sources = Tables::sources_of(rows);
        let answers = member.world.borrow_mut().answers(sources.iter().map(String::as_str));
        if answers == Answers::Stranger {
            member.world.borrow_mut().insert_astray(member.number, rows);
            return self.answer().await;
        }
        let refusal = member.world.borrow_mut().refuses(Fault::RowsRefused, rows);
        if refusal.is_some() || member.strikes(Fault::InsertHalfDone, 10) {
            let mut world = member.world.borrow_mut();
            let half = world.dice.index(rows.len());
            world.insert(member.number, rows, half);
            return Err(refusal.unwrap_or_else(|| Failure::Transient("broken pipe".to_owned())));
        }
        member.world.borrow_mut().insert(member.number, rows, usize::MAX);
        self.answer().await
    }

    /// The statement is on its way.
    async fn reach(&self) -> Result<(), Failure> {
        let member = &self.0;
        member.survive(Fault::KilledBeforeInsert).await;
        let slow = member.strikes(Fault::InsertSlow, 5);
        member.wait(if slow { 20_000 } else { 150 }).await;
        if member.strikes(Fault::InsertFailed, 10) {
            return Err(Failure::Transient("connection refused".to_owned()));
        }
        if member.strikes(Fault::InsertRefused, 4) {
            return Err(Failure::Operator("unknown table: run the migrations".to_owned()));
        }
        member.world.borrow_mut().perhaps_forget();
        Ok(())
    }

    /// Its answer is.
    async fn answer(&self) -> Result<(), Failure> {
        let member = &self.0;
        member.world.borrow_mut().perhaps_forget();
        member.survive(Fault::KilledAfterInsert).await;
        if member.strikes(Fault::InsertAnswerLost, 10) {
            return Err(Failure::Transient("timed out".to_owned()));
        }
        Ok(())
    }
}

/// The checkpoint store as one member reaches it.
pub(crate) struct SimulatedCheckpoints(pub(crate) Member);

impl Checkpoints for SimulatedCheckpoints {
    async fn newest(&self, source: &str, below: Option<Offset>) -> Result<Option<StoredState>, Failure> {
        self.0.wait(80).await;
        if self.0.strikes(Fault::NewestFailed, 20) {
            return Err(Failure::Transient("slow down".to_owned()));
        }
        let mut world = self.0.world.borrow_mut();
        let stored = world.checkpoints.get(source).map(Vec::as_slice).unwrap_or_default();
        let wanted = |stored: &&Stored| below.is_none_or(|below| stored.next < below);
        let sound = stored.iter().filter(wanted).filter(|stored| stored.sound).max_by_key(|stored| stored.next);
        let newest = sound.map(|stored| {
            let Stored { next, promise, bytes, sound: _ } = stored.clone();
            StoredState { next, promise, bytes, published: 0 }
        });
        let torn = |stored: &Stored| !stored.sound && Some(stored.next) > newest.as_ref().map(|newest| newest.next);
        if stored.iter().filter(wanted).any(torn) {
            world.faults.note(Fault::TornSkipped);
        }
        Ok(newest)
    }

    async fn size(&self, source: &str) -> Result<u64, Failure> {
        self.0.wait(40).await;
        if self.0.strikes(Fault::NewestFailed, 20) {
            return Err(Failure::Transient("slow down".to_owned()));
        }
        let world = self.0.world.borrow();
        let stored = world.checkpoints.get(source).map(Vec::as_slice).unwrap_or_default();
        Ok(stored.iter().map(|stored| stored.bytes.len() as u64).max().unwrap_or(0))
    }

    async fn publish(&self, source: &str, next: Offset, promise: Promise, snapshot: Snapshot) -> Result<(), Failure> {
        let member = &self.0;
        member.survive(Fault::KilledBeforePublish).await;
        let hangs = member.strikes(Fault::CheckpointHung, 10) || member.world.borrow().hung.contains(source);
        member.wait(if hangs { u64::MAX } else { 300 }).await;
        if member.strikes(Fault::CheckpointFailed, 20) {
            return Err(Failure::Transient("slow down".to_owned()));
        }
        assert!(promise.progress.is_none_or(|progress| progress >= next), "I9: {source} promises {promise:?} at {next}");
        let torn = member.strikes(Fault::CheckpointTorn, 20);
        self.store(source, Stored { next, promise, bytes: snapshot.encode(), sound: !torn });
        if torn {
            return Err(Failure::Transient("connection reset".to_owned()));
        }
        member.survive(Fault::KilledAfterPublish).await;
        if member.strikes(Fault::CheckpointAnswerLost, 20) {
            return Err(Failure::Transient("timed out".to_owned()));
        }
        Ok(())
    }

    async fn partitions_at_first(&self, _log: &str, now: usize) -> Result<usize, Failure> {
        Ok(now)
    }
}

impl SimulatedCheckpoints {
    /// Keeps the three newest, and the one just written.
    fn store(&self, source: &str, stored: Stored) {
        let mut world = self.0.world.borrow_mut();
        let partition = partition_of(source);
        let first = world.firsts[slot(partition)];
        let durable = world.promised.get(source).copied();
        let next = stored.next;
        // A first checkpoint covers nothing: it stands where the log began when it was asked.
        let is_first = durable.is_none() && next <= first;
        assert!(is_first || durable >= Some(next), "I1: published {next} of {source}, durable {durable:?}");
        let whole = world.whole.get(source).copied();
        assert!(
            stored.promise.progress.is_none() || whole >= Some(next),
            "I9: published {next} of {source}, all tables were whole at {whole:?}"
        );
        if world.owners[slot(partition)] != Some(self.0.number) {
            world.faults.note(Fault::PublishedByTwo);
        }
        if stored.sound {
            let published = world.published.entry(source.to_owned()).or_default();
            *published = next.max(*published);
        }
        let all = world.checkpoints.entry(source.to_owned()).or_default();
        all.push(stored);
        all.sort_by_key(|stored| std::cmp::Reverse(stored.next));
        let mut sound = 0;
        all.retain(|stored| {
            sound += u64::from(stored.sound);
            stored.next == next || sound <= 3
        });
        let others = all.iter().filter(|stored| stored.sound).count() > 1;
        if others && world.strikes(Fault::CheckpointRotted, 20) {
            let all = world.checkpoints.get_mut(source).expect("just stored");
            all.iter_mut().find(|stored| stored.sound).expect("more than one is sound").sound = false;
        }
    }
}
