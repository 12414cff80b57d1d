//! Plays one seed: starts workers, kills them, moves partitions, lets the log grow; then lets them finish.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::dice::Dice;
use crate::log::Log;
use crate::oracle;
use crate::seams::{Member, Shared, SimulatedCheckpoints, SimulatedSink, SimulatedSource};
use crate::table::Tables;
use crate::world::{Fault, Faults, NAME, Notice, World};
use grapevine::backoff::Backoff;
use grapevine::config;
use grapevine::engine::Rules;
use grapevine::record::Partition;
use grapevine::worker::{self, Seams, Settings, Silent, WorkerError};
use tokio::sync::Notify;

/// Workers that are alive at most.
const MEMBERS: usize = 2;

/// Plays one seed to its end and checks what is left.
pub(crate) fn play(seed: u64) -> Faults {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O").block_on(Director::new(seed).play())
}

/// Reads a log to its end, makes it again with another record in the last place, and says what the next worker
/// makes of it; nothing if the log is empty.
pub(crate) fn play_with_another_log(seed: u64) -> Option<Result<(), WorkerError>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O").block_on(async {
        let mut director = Director::new(seed);
        director.finish().await;
        if !director.replace_last_records() {
            return None;
        }
        director.start();
        director.assign();
        let mut worker = director.workers.pop().expect("it was started");
        tokio::select! {
            outcome = &mut worker.run => Some(outcome),
            () = tokio::time::sleep(Duration::from_secs(600)) => Some(Ok(())),
        }
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
}

impl Director {
    fn new(seed: u64) -> Director {
        let mut dice = Dice::new(seed, 1);
        let logs: Vec<Log> = (0..1 + i32::try_from(dice.below(3)).expect("few")).map(|n| Log::generate(&mut dice, n)).collect();
        let settings = Rc::new(settings(&mut dice, seed));
        let world = World {
            dice: Dice::new(seed, 2),
            visible: vec![0; logs.len()],
            committed: vec![None; logs.len()],
            owners: vec![None; logs.len()],
            logs: Rc::new(logs),
            notices: BTreeMap::new(),
            doomed: Vec::new(),
            tables: Tables::default(),
            checkpoints: BTreeMap::new(),
            published: BTreeMap::new(),
            faults: Faults::default(),
            trouble: dice.below(4) * 10,
        };
        Director { dice, world: Rc::new(RefCell::new(world)), settings, workers: Vec::new(), started: 0, patient: false }
    }

    /// Gives the last record of every log another content; says whether there is one.
    fn replace_last_records(&mut self) -> bool {
        let mut world = self.world.borrow_mut();
        let mut logs: Vec<Log> = world.logs.iter().cloned().collect();
        for last in logs.iter_mut().filter_map(|log| log.entries.last_mut()) {
            last.payload = Some(b"another record".to_vec());
        }
        let any = logs.iter().any(|log| !log.entries.is_empty());
        world.logs = Rc::new(logs);
        any
    }

    async fn play(mut self) -> Faults {
        for _ in 0..20 + self.dice.below(40) {
            self.act();
            self.assign();
            let longest = if self.dice.chance(200) { 15_000 } else { 1_500 };
            let span = Duration::from_millis(self.dice.below(longest));
            self.run_for(span).await;
        }
        self.finish().await;
        self.check();
        std::mem::take(&mut self.world.borrow_mut().faults)
    }

    /// One thing happens.
    fn act(&mut self) {
        let quiet = self.world.borrow().trouble == 0;
        match self.dice.below(12) {
            0..=3 => self.grow(),
            4..=5 => self.start(),
            6 if !quiet => self.kill(),
            7 if !quiet => self.stop(),
            8..=9 => self.rebalance(),
            10 if !quiet => self.lose(),
            _ => {}
        }
    }

    /// More of the log is written.
    fn grow(&mut self) {
        let mut world = self.world.borrow_mut();
        let World { visible, logs, .. } = &mut *world;
        for (visible, log) in visible.iter_mut().zip(logs.iter()) {
            *visible = (*visible + self.dice.index(25)).min(log.entries.len());
        }
    }

    fn start(&mut self) {
        if self.workers.len() >= MEMBERS {
            return;
        }
        self.started += 1;
        let number = self.started;
        let member = Member { world: Rc::clone(&self.world), number };
        let (settings, stop) = (Rc::clone(&self.settings), Rc::new(Notify::new()));
        let stopped = Rc::clone(&stop);
        let run = Box::pin(async move {
            let source = SimulatedSource::new(member.clone());
            let seams = Seams { source, sink: SimulatedSink(member.clone()), checkpoints: SimulatedCheckpoints(member) };
            worker::run(seams, &settings, &Silent, stopped.notified()).await
        });
        self.workers.push(Worker { number, run, stop, stopping: false });
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
                Poll::Ready(Err(WorkerError::Deadline(_))) => {
                    world.borrow_mut().faults.note(Fault::ShutdownTooSlow);
                    true
                }
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
            world.visible = world.logs.iter().map(|log| log.entries.len()).collect();
        }
        for round in 0.. {
            assert!(round < 200, "the workers do not get to the end of the log: {:?}", self.world.borrow().committed);
            self.start();
            self.assign();
            self.run_for(Duration::from_secs(1)).await;
            if self.is_durable() {
                break;
            }
        }
        // Half of the time whatever is still under way, a slow insert or a restored partition, may come to its end.
        self.patient = self.dice.chance(500);
        for _ in 0..if self.patient { 60 } else { 0 } {
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

    fn is_durable(&self) -> bool {
        let world = self.world.borrow();
        world.logs.iter().enumerate().all(|(partition, log)| {
            let source = grapevine::record::source_name(NAME, number(partition));
            world.tables.progress(&source) == Some(log.end)
        })
    }

    fn check(&self) {
        let world = self.world.borrow();
        let expected = oracle::straight_pass(&self.settings.rules, NAME, &world.logs);
        let (expected, got) = (expected.content(), world.tables.content());
        for (key, content) in &expected {
            assert_eq!(got.get(key), Some(content), "{key}: left is what the store holds, right is a straight pass");
        }
        for key in got.keys() {
            assert!(expected.contains_key(key), "the store holds {key}, a straight pass does not");
        }
        for (partition, log) in world.logs.iter().enumerate() {
            let committed = world.committed[partition];
            assert!(!self.patient || committed == Some(log.end), "partition {partition} is committed to {committed:?} only");
        }
    }
}

fn number(partition: usize) -> Partition {
    Partition(i32::try_from(partition).expect("few partitions"))
}

fn settings(dice: &mut Dice, seed: u64) -> Settings {
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
            budget: if dice.chance(500) { 1_000_000 } else { 40 },
            reject_bytes: 4_096,
        },
        flush: config::Flush {
            interval: seconds(1),
            max_interval: seconds(1 + dice.below(10)),
            rows_per_second: 1 + dice.below(100),
            rows_max: 1 + dice.index(40),
        },
        checkpoint_interval: seconds(1 + dice.below(10)),
        garbage: config::Garbage { percent: 100, records: 1 },
        revoke_deadline: seconds(5),
        shutdown_deadline: seconds(10),
        backoff: Backoff { min: Duration::from_millis(100), max: seconds(5) },
        seed,
    }
}
