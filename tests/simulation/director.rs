//! Plays one seed: starts workers, kills them, moves partitions, lets the log grow; then lets them finish.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::addresses::Addresses;
use crate::batch::Expected;
use crate::completeness::Completeness;
use crate::dice::Dice;
use crate::figures::{Figures, LifeKey};
use crate::forgetting::Forgetting;
use crate::freshness::{self, Freshness};
use crate::log::Log;
use crate::oracle;
use crate::rewriting::Rewriting;
use crate::seams::{Member, Shared, SimulatedCheckpoints, SimulatedSink, SimulatedSource};
use crate::table::Tables;
use crate::world::{Fault, Faults, NAME, Notice, Refused, Stored, World};
use grapevine::backoff::Backoff;
use grapevine::config;
use grapevine::engine::Rules;
use grapevine::record::{Partition, source_name};
use grapevine::worker::{self, AskMemory, Memory, Seams, Settings, StoreId, WorkerError};
use tokio::sync::{Notify, Semaphore};

/// Workers that are alive at most.
const MEMBERS: usize = 2;

/// Plays one seed to its end and checks what is left.
pub(crate) fn play(seed: u64) -> Faults {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O").block_on(Director::new(seed).play())
}

/// What happens to the world between two workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// The topic was created again: another record where the last one was read.
    LogMadeAgain,
    /// The last record was taken out of the log.
    LogCompacted,
    /// The log begins behind the place where reading must go on.
    HeadCutTooFar,
    /// The log ends before that place.
    EndLost,
    /// Rows stand, their states are gone.
    CheckpointsLost,
    /// The budget was changed, after everything was durable and published.
    BudgetChanged,
    /// The budget was changed after a clean stop, and the worker crashed before its next checkpoint.
    CrashAfterBudgetChanged,
    /// The budget was changed, after a crash that left rows behind the newest checkpoint.
    BudgetChangedAfterACrash,
}

/// Lets a worker read, lets the mishap happen, and says what the next worker makes of it; nothing if the seed gives no
/// occasion for the mishap.
pub(crate) fn play_mishap(seed: u64, mishap: Mishap) -> Option<Result<(), WorkerError>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O").block_on(async {
        let mut director = Director::new(seed);
        match mishap {
            Mishap::BudgetChangedAfterACrash => director.crash_behind_a_checkpoint().await?,
            Mishap::CrashAfterBudgetChanged => {
                director.stop_in_the_middle().await;
                director.befall(Mishap::BudgetChanged)?;
                director.crash_behind_a_checkpoint().await?;
            }
            Mishap::LogMadeAgain
            | Mishap::LogCompacted
            | Mishap::HeadCutTooFar
            | Mishap::EndLost
            | Mishap::CheckpointsLost
            | Mishap::BudgetChanged => director.finish().await,
        }
        if mishap != Mishap::CrashAfterBudgetChanged {
            director.befall(mishap)?;
        }
        let outcome = director.last_worker(|_| ()).await;
        director.check_nothing_of_another_log_is_committed(mishap);
        Some(outcome)
    })
}

/// Between two workers one partition's log becomes another one: the second worker must read the others to their ends, and
/// say in the end which one it did not read. Nothing if the seed gives no occasion.
pub(crate) fn play_one_refused(seed: u64) -> Option<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O").block_on(async {
        let mut director = Director::new(seed);
        director.stop_in_the_middle().await;
        let refused = director.make_one_log_again()?;
        let source = source_name(NAME, number(refused));
        let left = |world: &World| (world.tables.newest_version(&source), world.committed[refused]);
        let before = left(&director.world.borrow());
        let outcome = director.last_worker(|world| world.check_all_is_committed_but(refused)).await;
        assert_eq!(left(&director.world.borrow()), before, "something of {source} was written");
        let Err(WorkerError::Operator(message)) = outcome else { panic!("{source} was not refused: {outcome:?}") };
        assert!(
            message.contains(&format!("the record of {source} at offset"))
                && message.contains("differs from the one processed there"),
            "{message}"
        );
        Some(())
    })
}

/// The checkpoints of one partition hang, from its first one on or later: the others must get theirs, and the worker
/// says in the end whose are missing. Nothing if the seed gives no occasion.
pub(crate) fn play_one_hung(seed: u64) -> Option<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O").block_on(async {
        let mut director = Director::new(seed);
        let founded = seed.is_multiple_of(2);
        if founded {
            director.stop_in_the_middle().await;
        }
        let hung = director.hang_one_source()?;
        let outcome = director.last_worker(|world| world.check_all_is_committed_but(hung)).await;
        let source = source_name(NAME, number(hung));
        let world = director.world.borrow();
        match outcome {
            // Without its first checkpoint nothing of it is read.
            Ok(()) => assert!(!founded || world.committed[hung] == Some(world.logs[hung].end), "{source} is behind, unsaid"),
            Err(WorkerError::Unpublished(sources)) => {
                assert!(sources.starts_with(&format!("{source} from offset ")), "{sources}")
            }
            Err(error) => panic!("{error}"),
        }
        Some(())
    })
}

/// The store refuses the rows of one partition, from its first ones on or later, while the log grows: the others must be read to
/// their ends and committed. When it takes them again the partition goes on by itself. Nothing if the seed gives no occasion.
pub(crate) fn play_one_untaken(seed: u64) -> Option<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O").block_on(async {
        let mut director = Director::new(seed);
        director.world.borrow_mut().trouble = 0;
        if seed.is_multiple_of(2) {
            director.stop_in_the_middle().await;
        }
        let untaken = director.refuse_one_source(!seed.is_multiple_of(3))?;
        director.start();
        director.assign();
        for _ in 0..20 {
            director.grow();
            director.run_for(Duration::from_secs(10)).await;
        }
        {
            let mut world = director.world.borrow_mut();
            world.visible = world.logs.iter().map(|log| log.entries.len()).collect();
        }
        director.run_for(Duration::from_secs(120)).await;
        {
            let mut world = director.world.borrow_mut();
            world.check_all_is_committed_but(untaken);
            assert_ne!(world.committed[untaken], Some(world.logs[untaken].end), "its rows are not in the store");
            let refusals = world.faults.count(&Fault::RowsRefused) + world.faults.count(&Fault::ProgressRefused);
            // Two parts of it at most, each of which is sent every five seconds, after what nobody knows was tried for a while.
            assert!((3..180).contains(&refusals), "the loop spins, or does not try again: {refusals} refusals in 320 s");
            let named = format!("refuses rows of partition {untaken}, which waits until they are taken: ");
            assert!(world.problem.as_ref().is_some_and(|said| said.contains(&named)), "{:?}", world.problem);
            world.refused = None;
        }
        director.run_for(Duration::from_secs(120)).await;
        director.world.borrow().check_all_is_committed_but(usize::MAX);
        assert_eq!(director.world.borrow().problem, None, "it is solved");
        director.finish().await;
        director.check();
        Some(())
    })
}

/// The log's head is cut while a partition's first checkpoint cannot be published: it is read from where the log begins by
/// the time that it can. Nothing if the seed gives no occasion.
pub(crate) fn play_head_cut_before_the_first_checkpoint(seed: u64) -> Option<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O").block_on(async {
        let mut director = Director::new(seed);
        let hung = director.hang_one_source()?;
        director.start();
        director.assign();
        director.run_for(Duration::from_secs(30)).await;
        {
            let mut world = director.world.borrow_mut();
            let log = &world.logs[hung];
            world.firsts[hung] = log.entries[log.entries.len() / 2].offset + 1;
            world.hung.clear();
        }
        director.run_for(Duration::from_secs(600)).await;
        director.world.borrow().check_all_is_committed_but(usize::MAX);
        Some(())
    })
}

/// While workers read, one partition's log becomes another one, and whoever notices puts it aside: every record of the
/// others must be in the tables all the same. Nothing if the seed gives no occasion.
pub(crate) fn play_one_put_aside(seed: u64) -> Option<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O").block_on(async {
        let mut director = Director::new(seed);
        director.world.borrow_mut().trouble = 0;
        for _ in 0..4 {
            director.grow();
            director.start();
            director.assign();
            director.run_for(Duration::from_secs(2)).await;
        }
        director.put_one_aside()?;
        // Whoever holds nothing else ends, so there is more than one life of a worker.
        for _ in 0..10 {
            director.grow();
            director.start();
            director.rebalance();
            director.assign();
            director.run_for(Duration::from_secs(2)).await;
        }
        director.finish().await;
        director.check();
        Some(())
    })
}

/// One worker after another, each killed or stopped in the middle: how many records were counted as fresh by nobody, because their
/// worker died before it heard of their rows.
pub(crate) fn play_freshness(seed: u64) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O").block_on(async {
        let mut director = Director::new(seed);
        director.world.borrow_mut().trouble = 20;
        for _ in 0..15 {
            director.grow();
            if director.workers.is_empty() {
                director.start();
            }
            director.assign();
            let span = director.dice.below(4_000);
            director.run_for(Duration::from_millis(span)).await;
            match director.dice.below(4) {
                0 => director.kill(),
                1 => {
                    director.stop();
                    director.run_for(Duration::from_secs(60)).await;
                }
                _ => {}
            }
        }
        director.finish().await;
        director.check();
        let world = director.world.borrow();
        world.logs.iter().enumerate().map(|(partition, log)| world.freshness.check(number(partition), log)).sum()
    })
}

struct Worker {
    number: usize,
    run: Pin<Box<dyn Future<Output = Result<(), WorkerError>>>>,
    stop: Rc<Notify>,
    stopping: bool,
}

struct Director {
    dice: Dice,
    world: Shared,
    settings: Rc<Settings>,
    workers: Vec<Worker>,
    started: usize,
    patient: bool,
    /// A partition that must not be read on.
    aside: Option<usize>,
}

impl Director {
    fn new(seed: u64) -> Director {
        let mut dice = Dice::new(seed, 1);
        let partitions = 1 + i32::try_from(dice.below(3)).expect("few");
        let logs: Vec<Log> = (0..partitions).map(|partition| Log::generate(&mut dice, partition, partitions)).collect();
        let settings = Rc::new(settings(&mut dice, seed));
        let world = World {
            dice: Dice::new(seed, 2),
            visible: vec![0; logs.len()],
            firsts: logs.iter().map(|log| log.first).collect(),
            committed: vec![None; logs.len()],
            owners: vec![None; logs.len()],
            logs: Rc::new(logs),
            made_again: BTreeSet::new(),
            notices: BTreeMap::new(),
            doomed: Vec::new(),
            store: StoreId(1),
            tables: Tables::default(),
            promised: BTreeMap::new(),
            whole: BTreeMap::new(),
            completeness: Completeness::new(settings.rules.clone()),
            forgetting: Forgetting::default(),
            rewriting: Rewriting::new(seed),
            addresses: Addresses::new(seed),
            freshness: Freshness::default(),
            problem: None,
            inserting: BTreeMap::new(),
            inserts: 0,
            strays: Vec::new(),
            checkpoints: BTreeMap::new(),
            refused: None,
            hung: BTreeSet::new(),
            published: BTreeMap::new(),
            faults: Faults::default(),
            trouble: dice.below(4) * 10,
        };
        Director {
            dice,
            world: Rc::new(RefCell::new(world)),
            settings,
            workers: Vec::new(),
            started: 0,
            patient: false,
            aside: None,
        }
    }

    /// Makes the mishap happen; nothing if there is no occasion.
    fn befall(&mut self, mishap: Mishap) -> Option<()> {
        let mut world = self.world.borrow_mut();
        let mut logs: Vec<Log> = world.logs.iter().cloned().collect();
        let any = logs.iter().any(|log| !log.entries.is_empty());
        match mishap {
            Mishap::LogMadeAgain => {
                // The group's offsets go with the topic.
                world.committed.iter_mut().for_each(|committed| *committed = None);
                for last in logs.iter_mut().filter_map(|log| log.entries.last_mut()) {
                    last.payload = Some(b"another record".to_vec());
                }
            }
            Mishap::LogCompacted => logs.iter_mut().for_each(|log| drop(log.entries.pop())),
            Mishap::HeadCutTooFar => world.firsts = logs.iter().map(|log| log.end + 1).collect(),
            Mishap::EndLost => logs.iter_mut().for_each(|log| {
                log.end = log.end.saturating_sub(5);
                log.entries.retain(|entry| entry.offset < log.end);
            }),
            Mishap::CheckpointsLost => world.checkpoints.clear(),
            Mishap::BudgetChanged | Mishap::BudgetChangedAfterACrash | Mishap::CrashAfterBudgetChanged => {
                let mut settings = Settings::clone(&self.settings);
                settings.rules.budget += 1;
                world.completeness.end();
                self.settings = Rc::new(settings);
            }
        }
        if mishap != Mishap::BudgetChanged {
            world.visible = logs.iter().map(|log| log.entries.len()).collect();
        }
        world.logs = Rc::new(logs);
        any.then_some(())
    }

    /// An offset of the old log would be taken for one of the new log by whoever reads that under its own name.
    fn check_nothing_of_another_log_is_committed(&self, mishap: Mishap) {
        let world = self.world.borrow();
        for (log, committed) in world.logs.iter().zip(&world.committed) {
            let is_another = mishap == Mishap::LogMadeAgain && !log.entries.is_empty();
            assert!(!is_another || committed.is_none(), "an offset of the log that was is committed: {committed:?}");
        }
    }

    /// The log is written to its end, but the checkpoints of one of several partitions never get there.
    fn hang_one_source(&mut self) -> Option<usize> {
        let mut world = self.world.borrow_mut();
        world.trouble = 0;
        world.visible = world.logs.iter().map(|log| log.entries.len()).collect();
        let chosen = self.dice.index(world.logs.len());
        world.hung.insert(source_name(NAME, number(chosen)).to_string());
        let several = world.logs.len() > 1;
        (several && !world.logs[chosen].entries.is_empty()).then_some(chosen)
    }

    /// The store refuses what it is sent of one of several partitions that has something left to say.
    fn refuse_one_source(&mut self, has_reason: bool) -> Option<usize> {
        self.refuse_rows();
        let mut world = self.world.borrow_mut();
        world.refused.as_mut()?.has_reason = has_reason;
        let Refused { source, .. } = world.refused.clone()?;
        let chosen = (0..world.logs.len()).find(|partition| *source == *source_name(NAME, number(*partition)))?;
        let (several, all) = (world.logs.len() > 1, world.logs[chosen].entries.len());
        // So that its next flush has rows of other tables, too.
        let rejected = all.checked_sub(1).filter(|last| *last >= world.visible[chosen])?;
        let mut logs: Vec<Log> = world.logs.iter().cloned().collect();
        logs[chosen].entries[rejected].payload = Some(b"no event".to_vec());
        world.logs = Rc::new(logs);
        several.then_some(chosen)
    }

    /// Lets one worker read all there is, looks at the world, stops the worker, and gives what it says in the end.
    async fn last_worker(&mut self, look: impl FnOnce(&World)) -> Result<(), WorkerError> {
        self.start();
        self.assign();
        let mut worker = self.workers.pop().expect("it was started");
        tokio::select! {
            outcome = &mut worker.run => return outcome,
            () = tokio::time::sleep(Duration::from_secs(600)) => {}
        }
        look(&self.world.borrow());
        worker.stop.notify_one();
        worker.run.await
    }

    /// One of several partitions holds another record where its last one was read; the others go on.
    fn make_one_log_again(&mut self) -> Option<usize> {
        let mut world = self.world.borrow_mut();
        let mut logs: Vec<Log> = world.logs.iter().cloned().collect();
        let chosen = self.dice.index(logs.len());
        let next = world.checkpoints.get(&*source_name(NAME, number(chosen)))?.iter().map(|stored| stored.next).max()?;
        let last = logs[chosen].entries.iter_mut().rfind(|entry| entry.offset < next)?;
        last.payload = Some(b"another record".to_vec());
        world.visible = logs.iter().map(|log| log.entries.len()).collect();
        let several = logs.len() > 1;
        world.logs = Rc::new(logs);
        several.then_some(chosen)
    }

    /// One of several partitions becomes another log, of which every state that is kept has read something.
    fn put_one_aside(&mut self) -> Option<()> {
        let mut world = self.world.borrow_mut();
        let mut logs: Vec<Log> = world.logs.iter().cloned().collect();
        let chosen = self.dice.index(logs.len());
        let first = logs[chosen].entries.first()?.offset;
        let stored = world.checkpoints.get(&*source_name(NAME, number(chosen)))?;
        if logs.len() < 2 || stored.iter().any(|stored| stored.next <= first) {
            return None;
        }
        for entry in &mut logs[chosen].entries {
            entry.payload = Some(b"another log".to_vec());
        }
        world.completeness.end();
        world.logs = Rc::new(logs);
        world.made_again.insert(number(chosen));
        self.aside = Some(chosen);
        Some(())
    }

    /// Whether a key of the tables is one of the partition that was put aside.
    fn is_aside(&self, key: &str) -> bool {
        let source = self.aside.map(|partition| source_name(NAME, number(partition)));
        source.is_some_and(|source| key.split(' ').nth(1) == Some(&*source))
    }

    /// Reads a part of the log and stops in order.
    async fn stop_in_the_middle(&mut self) {
        self.world.borrow_mut().trouble = 0;
        self.grow();
        self.start();
        self.assign();
        self.run_for(Duration::from_secs(5)).await;
        for worker in &mut self.workers {
            worker.stopping = true;
            worker.stop.notify_one();
        }
        self.run_for(Duration::from_secs(60)).await;
    }

    /// Runs one worker and kills it when rows are in the store that no checkpoint covers; nothing if that never happens.
    async fn crash_behind_a_checkpoint(&mut self) -> Option<()> {
        self.world.borrow_mut().trouble = 0;
        self.start();
        for _ in 0..200 {
            self.grow();
            self.assign();
            self.run_for(Duration::from_millis(300)).await;
            let behind = {
                let world = self.world.borrow();
                (0..world.logs.len()).any(|partition| {
                    let source = source_name(NAME, number(partition));
                    let newest = world.checkpoints.get(&*source).and_then(|all| all.iter().map(|stored| stored.next).max());
                    newest.is_some_and(|newest| world.tables.newest_version(&source) > Some(newest))
                })
            };
            if behind {
                self.kill();
                return Some(());
            }
        }
        None
    }

    async fn play(mut self) -> Faults {
        let left = if self.dice.chance(300) { 1 + self.dice.below(2) } else { 0 };
        {
            let forgetting = &mut self.world.borrow_mut().forgetting;
            (forgetting.left, forgetting.never) = (left, left == 0);
        }
        for _ in 0..20 + self.dice.below(40) {
            self.act();
            self.world.borrow_mut().change_address();
            if self.is_rewriting_due() {
                self.rewrite(World::lose_and_rewrite);
            }
            self.assign();
            let longest = if self.dice.chance(200) { 15_000 } else { 1_500 };
            let span = Duration::from_millis(self.dice.below(longest));
            self.run_for(span).await;
        }
        self.finish().await;
        let Expected { rows: _, evicted_by_age, evicted_by_budget } = self.check();
        let mut world = self.world.borrow_mut();
        (0..world.completeness.looks).for_each(|_| world.faults.note(Fault::CompletenessLookedAt));
        let injected: Vec<Fault> = world.logs.iter().flat_map(|log| log.injected.clone()).collect();
        injected.into_iter().for_each(|fault| world.faults.note(fault));
        (0..evicted_by_age).for_each(|_| world.faults.note(Fault::EvictedByAge));
        (0..evicted_by_budget).for_each(|_| world.faults.note(Fault::EvictedByBudget));
        std::mem::take(&mut world.faults)
    }

    /// One thing happens.
    fn act(&mut self) {
        let quiet = self.world.borrow().trouble == 0;
        match self.dice.below(15) {
            0..=3 => self.grow(),
            4..=5 => self.start(),
            6 if !quiet => self.kill(),
            7 if !quiet => self.stop(),
            8..=9 => self.rebalance(),
            10 if !quiet => self.lose(),
            11 => self.cut_heads(),
            12..=13 if !quiet => self.refuse_rows(),
            _ => self.world.borrow_mut().land(),
        }
    }

    fn is_rewriting_due(&self) -> bool {
        self.world.borrow_mut().rewriting.is_due()
    }

    fn has_rewritten(&self) -> bool {
        self.world.borrow().rewriting.has_happened()
    }

    /// Everybody is killed before the operator does something to the store.
    fn rewrite<T>(&mut self, how: impl FnOnce(&mut World, &Rules) -> T) -> T {
        let mut world = self.world.borrow_mut();
        self.workers.drain(..).for_each(|worker| world.gone(worker.number));
        how(&mut world, &self.settings.rules)
    }

    /// More of the log is written.
    fn grow(&mut self) {
        let mut world = self.world.borrow_mut();
        let World { visible, logs, .. } = &mut *world;
        for (visible, log) in visible.iter_mut().zip(logs.iter()) {
            *visible = (*visible + self.dice.index(25)).min(log.entries.len());
        }
    }

    /// The log forgets what every kept checkpoint covers, or a part of it.
    fn cut_heads(&mut self) {
        let mut world = self.world.borrow_mut();
        for partition in 0..world.logs.len() {
            let stored = world.checkpoints.get(&*source_name(NAME, number(partition))).map(Vec::as_slice).unwrap_or_default();
            let Some(covered) = stored.iter().filter(|stored| stored.sound).map(|stored| stored.next).min() else { continue };
            let first = world.firsts[partition];
            if covered > first {
                let all = self.dice.chance(500);
                let cut = if all { covered } else { first + self.dice.below(covered - first) };
                world.firsts[partition] = cut;
                world.faults.note(Fault::HeadCut);
                let expired = world.logs[partition].entries.iter().any(|entry| entry.offset < cut) && cut == covered;
                if expired {
                    world.faults.note(Fault::LastReadExpired);
                }
            }
        }
    }

    /// The store takes no more rows of one source, or takes those of all again.
    fn refuse_rows(&mut self) {
        let (dice, mut world) = (&mut self.dice, self.world.borrow_mut());
        let chosen = dice.index(world.logs.len());
        let kind = if dice.chance(700) { Fault::RowsRefused } else { Fault::ProgressRefused };
        let source = source_name(NAME, number(chosen)).to_string();
        let has_reason = world.inserts.is_multiple_of(2);
        world.refused = if world.refused.is_some() { None } else { Some(Refused { source, kind, has_reason }) };
    }

    fn start(&mut self) {
        if self.workers.len() >= MEMBERS {
            return;
        }
        self.started += 1;
        let number = self.started;
        let member = Member { world: Rc::clone(&self.world), number };
        let (mut settings, stop) = (self.settings_of_one(), Rc::new(Notify::new()));
        let full = Memory { limit: 0, taken: 0 };
        let short = member.clone();
        let ask = move || short.strikes(Fault::MemoryShort, 100).then_some(full);
        settings.memory = AskMemory::new(ask, Arc::new(Semaphore::new(1)));
        let stopped = Rc::clone(&stop);
        let watch = freshness::Watch(Rc::clone(&self.world));
        let run = Box::pin(async move {
            let source = SimulatedSource::new(member.clone());
            let seams = Seams { source, sink: SimulatedSink(member.clone()), checkpoints: SimulatedCheckpoints(member) };
            worker::run(seams, &settings, &watch, stopped.notified()).await
        });
        self.workers.push(Worker { number, run, stop, stopping: false });
    }

    /// When rows leave and how often states are published may differ between the workers of a fleet.
    fn settings_of_one(&mut self) -> Settings {
        let mut settings = Settings::clone(&self.settings);
        if self.dice.chance(500) {
            self.world.borrow_mut().faults.note(Fault::SettingsMixed);
            settings.flush.rows_max = 1 + self.dice.index(40);
            settings.flush.max_interval = Duration::from_secs(1 + self.dice.below(10));
            settings.checkpoint_interval = Duration::from_secs(1 + self.dice.below(10));
        }
        settings
    }

    fn kill(&mut self) {
        if !self.workers.is_empty() {
            let killed = self.workers.swap_remove(self.dice.index(self.workers.len()));
            let mut world = self.world.borrow_mut();
            world.faults.note(Fault::Killed);
            world.gone(killed.number);
        }
    }

    fn stop(&mut self) {
        if let Some(worker) = self.workers.first_mut() {
            worker.stopping = true;
            worker.stop.notify_one();
            self.world.borrow_mut().faults.note(Fault::Shutdown);
        }
    }

    /// The group asks an owner for a partition back.
    fn rebalance(&mut self) {
        let mut world = self.world.borrow_mut();
        let chosen = self.dice.index(world.owners.len());
        if let Some(owner) = world.owners[chosen] {
            world.notify(owner, Notice::Revoked(number(chosen)));
        }
    }

    /// The group gives an owner's partition away; the owner learns of it when it reads on.
    fn lose(&mut self) {
        let mut world = self.world.borrow_mut();
        let chosen = self.dice.index(world.owners.len());
        if let Some(owner) = world.owners[chosen].take() {
            world.notify(owner, Notice::Lost(number(chosen)));
        }
    }

    /// Partitions that nobody owns go to somebody.
    fn assign(&mut self) {
        let alive: Vec<usize> = self.workers.iter().filter(|worker| !worker.stopping).map(|worker| worker.number).collect();
        let mut world = self.world.borrow_mut();
        for partition in 0..world.owners.len() {
            if world.owners[partition].is_none() && !alive.is_empty() {
                let member = alive[self.dice.index(alive.len())];
                world.owners[partition] = Some(member);
                world.notify(member, Notice::Assigned(number(partition)));
            }
        }
    }

    async fn run_for(&mut self, span: Duration) {
        let mut over = pin!(tokio::time::sleep(span));
        poll_fn(|context| {
            self.poll_workers(context);
            over.as_mut().poll(context)
        })
        .await;
    }

    fn poll_workers(&mut self, context: &mut Context<'_>) {
        let world = &self.world;
        self.workers.retain_mut(|worker| {
            let ended = match worker.run.as_mut().poll(context) {
                Poll::Ready(Ok(())) => {
                    assert!(worker.stopping, "a worker ended although nobody asked it to");
                    true
                }
                Poll::Ready(Err(WorkerError::Unpublished(_))) => {
                    world.borrow_mut().faults.note(Fault::ShutdownUnpublished);
                    true
                }
                Poll::Ready(Err(WorkerError::Operator(_))) if self.aside.is_some() => true,
                Poll::Ready(Err(error)) => panic!("a worker gave up: {error}"),
                Poll::Pending => world.borrow().doomed.contains(&worker.number),
            };
            if ended {
                world.borrow_mut().gone(worker.number);
            }
            !ended
        });
    }

    /// No more trouble: the log is written to its end, and whoever is there reads it.
    async fn finish(&mut self) {
        {
            let mut world = self.world.borrow_mut();
            world.trouble = 0;
            world.refused = None;
            world.visible = world.logs.iter().map(|log| log.entries.len()).collect();
        }
        for round in 0.. {
            if round == 120 {
                // A partition to which nothing is written says so every hour, and looks whether the store remembers.
                self.run_for(Duration::from_secs(2 * 3600)).await;
                self.check_who_waits_for_the_store();
                let is_the_cure = self.world.borrow_mut().rewriting.is_the_cure();
                if is_the_cure {
                    while !self.rewrite(|world, rules| world.rewrite(rules, false)) {}
                }
                self.world.borrow_mut().bring_back();
                // Of what lacked rows before it was lost nobody has a copy.
                if self.has_rewritten() {
                    while !self.rewrite(|world, rules| world.rewrite(rules, false)) {}
                }
            }
            self.world.borrow_mut().land();
            assert!(round < 300, "the workers do not get to the end of the log: {:?}", self.world.borrow().committed);
            self.start();
            self.assign();
            self.run_for(Duration::from_secs(1)).await;
            if self.is_durable() {
                break;
            }
        }
        // Half of the time whatever is still under way, a slow insert or a restored partition, may come to its end.
        self.patient = self.dice.chance(500);
        for round in 0..if self.patient { 300 } else { 0 } {
            if round > 60 && self.is_committed() {
                break;
            }
            self.assign();
            self.run_for(Duration::from_secs(1)).await;
        }
        for worker in &mut self.workers {
            worker.stopping = true;
            worker.stop.notify_one();
        }
        self.run_for(Duration::from_secs(60)).await;
        assert!(self.workers.is_empty(), "a worker does not stop");
    }

    /// Nobody waits for a store that forgot while a sound checkpoint that is as old as it is kept, and the log reaches back to it.
    fn check_who_waits_for_the_store(&self) {
        let world = self.world.borrow();
        for (partition, log) in world.logs.iter().enumerate() {
            let source = source_name(NAME, number(partition));
            let known = world.tables.known(world.store, &source);
            let newest = world
                .checkpoints
                .get(&*source)
                .into_iter()
                .flatten()
                .filter(|stored| stored.sound)
                .max_by_key(|stored| stored.next);
            let promised = newest.and_then(|newest| newest.promise.tables);
            let (progress, lacking) = (known.progress, !known.lacking(promised).is_empty());
            let fits = |stored: &&Stored| {
                stored.sound && stored.next >= world.firsts[partition] && stored.promise.compare(&known).is_ok()
            };
            let waits = (lacking || progress != Some(log.end)) && Some(partition) != self.aside;
            let kept = world.checkpoints.get(&*source).into_iter().flatten().find(fits);
            assert!(
                !waits || kept.is_none(),
                "{source} is at {progress:?}, and could go on from {:?}",
                kept.map(|kept| kept.next)
            );
        }
    }

    fn is_durable(&self) -> bool {
        let world = self.world.borrow();
        world.logs.iter().enumerate().filter(|(partition, _)| Some(*partition) != self.aside).all(|(partition, log)| {
            let source = source_name(NAME, number(partition));
            world.tables.known(world.store, &source).progress == Some(log.end)
                && world.forgetting.is_whole(&source, &world.tables)
        })
    }

    /// Compares the tables with both oracles; gives what the slower one says.
    fn check(&self) -> Expected {
        let world = self.world.borrow();
        let batch = oracle::batch_computation(&self.settings.rules, NAME, &world.logs);
        let figures = world.tables.figures();
        let truth = self.changes();
        let excuses = |key: &str| world.rewriting.excuses(key, figures.get(key).copied(), &truth);
        for (key, computed) in batch.rows.iter().filter(|(key, _)| !self.is_aside(key)) {
            let says = figures.get(key.as_str()).copied();
            assert!(says == Some(computed) || excuses(key), "{key} says {says:?}, and the batch computation {computed:?}");
        }
        for key in figures.keys().filter(|key| !self.is_aside(key)) {
            assert!(batch.rows.contains_key(*key), "the store holds {key}, the batch computation does not");
        }
        oracle::check_conservation(&figures, |life| {
            let LifeKey { source, root, opened } = life;
            world.rewriting.may_lack(source, &format!("{source} {root} {opened}"))
        });
        let expected = oracle::straight_pass(&self.settings.rules, NAME, &world.logs);
        let (expected, got) = (expected.content(), world.tables.content());
        for (key, content) in expected.iter().filter(|(key, _)| !self.is_aside(key)) {
            let says = got.get(key);
            assert!(says == Some(content) || excuses(key), "{key}: the store says {says:?}, a straight pass {content}");
        }
        for key in got.keys().filter(|key| !self.is_aside(key)) {
            assert!(expected.contains_key(key), "the store holds {key}, a straight pass does not");
        }
        let of_another_log =
            figures.values().filter(|figures| matches!(figures, Figures::Reject(reject) if reject.payload == b"another log"));
        assert_eq!(of_another_log.count(), 0, "something of another log was written under the old one's name");
        assert!(!self.patient || self.is_committed(), "committed only {:?}", world.committed);
        batch
    }

    /// When each row changed last, if that matters.
    fn changes(&self) -> Tables {
        let world = self.world.borrow();
        let mut changes = Tables::default();
        for (partition, log) in world.logs.iter().enumerate().filter(|_| world.rewriting.has_happened()) {
            changes.add(oracle::changes(&self.settings.rules, &source_name(NAME, number(partition)), log, log.end));
        }
        changes
    }

    fn is_committed(&self) -> bool {
        let world = self.world.borrow();
        let committed = world.logs.iter().zip(&world.committed).map(|(log, committed)| *committed == Some(log.end));
        committed.enumerate().all(|(partition, committed)| committed || Some(partition) == self.aside)
    }
}

fn number(partition: usize) -> Partition {
    Partition(i32::try_from(partition).expect("few partitions"))
}

pub(crate) fn settings(dice: &mut Dice, seed: u64) -> Settings {
    let seconds = Duration::from_secs;
    Settings {
        log: NAME.to_owned(),
        rules: Rules {
            epoch: 1,
            pseudonym_key: [7; 16],
            window: 900_000,
            session_gap: 1_800_000,
            watermark_lag: 60_000,
            future_bound: 300_000,
            root_retention: if dice.chance(500) { 2_592_000_000 } else { 3_600_000 },
            clock_witnesses: 4,
            budget: if dice.chance(500) { 1_000_000 } else { 40 },
            reject_bytes: 4_096,
        },
        flush: config::Flush {
            interval: seconds(1),
            max_interval: seconds(1 + dice.below(10)),
            rows_per_second: 1 + dice.below(100),
            rows_max: 1 + dice.index(40),
            bytes_max: 32 << 20,
        },
        checkpoint_interval: seconds(1 + dice.below(10)),
        garbage: config::Garbage { percent: 100, records: 1 },
        revoke_deadline: seconds(5),
        shutdown_deadline: seconds(10),
        memory: AskMemory::default(),
        backoff: Backoff { min: Duration::from_millis(100), max: seconds(5) },
        seed,
    }
}
