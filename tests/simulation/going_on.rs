//! The loop against a log, a store and a checkpoint store that do as they are told: what goes on while something else waits.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::dice::Dice;
use crate::director;
use grapevine::config::Flush;
use grapevine::engine::Snapshot;
use grapevine::failure::Failure;
use grapevine::record::{Offset, Partition, Record};
use grapevine::row::Rows;
use grapevine::worker::{
    Append, Appended, Bounds, Checkpoints, Delivery, Known, Notice, Observer, Promise, Seams, Settings, Sink, Source, StoreId,
    StoredState, WorkerError, run,
};

const ZERO: Partition = Partition(0);
const ONE: Partition = Partition(1);

/// What happened, and how long things take.
#[derive(Default)]
struct World {
    /// What the log says before anything else.
    news: RefCell<VecDeque<(Duration, Delivery<'static>)>>,
    started: RefCell<Vec<Partition>>,
    /// The next offset of each of two partitions, and how many were handed out by when.
    next: [Cell<Offset>; 2],
    read: RefCell<Vec<(Partition, Duration)>>,
    released: RefCell<Vec<(Partition, Duration)>>,
    inserts: Cell<u64>,
    commits: Cell<u64>,
    insert_takes: Cell<Duration>,
    commit_takes: Cell<Duration>,
    turns: RefCell<Vec<Duration>>,
    began: RefCell<Option<Instant>>,
}

impl World {
    fn now(&self) -> Duration {
        self.began.borrow().map_or(Duration::ZERO, |began| began.elapsed())
    }
}

#[derive(Clone)]
struct Log(Rc<World>);

impl Source for Log {
    async fn next(&mut self) -> Result<Delivery<'_>, Failure> {
        sleep(Duration::from_millis(50)).await;
        let now = self.0.now();
        let due = self.0.news.borrow().front().is_some_and(|(at, _)| *at <= now);
        if let Some((_, news)) = self.0.news.borrow_mut().pop_front_if(|_| due) {
            return Ok(news);
        }
        let started = self.0.started.borrow();
        let Some(&partition) = started.get(self.0.read.borrow().len() % started.len().max(1)) else {
            return Ok(Delivery::Idle);
        };
        let next = &self.0.next[partition.0.unsigned_abs() as usize];
        let record =
            Record { offset: next.get(), timestamp: Some(1_700_000_000_000), payload: Some(b"no event"), ..Record::default() };
        next.set(next.get() + 1);
        self.0.read.borrow_mut().push((partition, now));
        Ok(Delivery::Records(partition, vec![record]))
    }

    fn bounds(&self, _partition: Partition) -> impl Future<Output = Result<Bounds, Failure>> + 'static {
        std::future::ready(Ok(Bounds { first: 0, end: 0, committed: None, partitions: 2 }))
    }

    fn start(&mut self, partition: Partition, _next: Offset) -> Result<(), Failure> {
        self.0.started.borrow_mut().push(partition);
        Ok(())
    }

    fn pause(&mut self, _only: Option<Partition>, _paused: bool) {}

    fn release(&mut self, partitions: &[Partition]) -> Result<(), Failure> {
        let now = self.0.now();
        self.0.started.borrow_mut().retain(|started| !partitions.contains(started));
        self.0.released.borrow_mut().extend(partitions.iter().map(|partition| (*partition, now)));
        Ok(())
    }

    fn commit(&self, _offsets: &[(Partition, Offset)]) -> impl Future<Output = Result<(), Failure>> + 'static {
        let world = Rc::clone(&self.0);
        async move {
            sleep(world.commit_takes.get()).await;
            world.commits.set(world.commits.get() + 1);
            Ok(())
        }
    }

    async fn close(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

impl Sink for Log {
    async fn insert(&self, rows: &Rows, _of: &str) -> Result<(), Failure> {
        sleep(if rows.is_empty() { Duration::ZERO } else { self.0.insert_takes.get() }).await;
        self.0.inserts.set(self.0.inserts.get() + 1);
        Ok(())
    }

    async fn append(&self, _rows: &[Append]) -> Result<Appended, Failure> {
        self.0.inserts.set(self.0.inserts.get() + 1);
        Ok(Appended::Done)
    }

    async fn known(&self, _source: &str) -> Result<Known, Failure> {
        Ok(Known { store: StoreId(1), progress: None, tables: Vec::new() })
    }

    async fn newest_version(&self, _source: &str) -> Result<Option<Offset>, Failure> {
        Ok(None)
    }
}

impl Checkpoints for Log {
    async fn newest(&self, _source: &str, _below: Option<Offset>) -> Result<Option<StoredState>, Failure> {
        Ok(None)
    }

    async fn size(&self, _source: &str) -> Result<u64, Failure> {
        Ok(0)
    }

    async fn publish(&self, _source: &str, _next: Offset, _promise: Promise, _snapshot: Snapshot) -> Result<(), Failure> {
        Ok(())
    }

    async fn partitions_at_first(&self, _log: &str, now: usize) -> Result<usize, Failure> {
        Ok(now)
    }
}

/// Notes when the loop turns.
impl Observer for Log {
    fn notice(&self, notice: Notice<'_>) {
        if matches!(notice, Notice::Ticked) {
            self.0.turns.borrow_mut().push(self.0.now());
        }
    }
}

fn settings() -> Settings {
    Settings {
        flush: Flush {
            interval: Duration::from_millis(100),
            max_interval: Duration::from_secs(1),
            rows_per_second: 1_000,
            rows_max: 100_000,
            bytes_max: 32 << 20,
        },
        checkpoint_interval: Duration::from_secs(1),
        shutdown_deadline: Duration::from_secs(60),
        ..director::settings(&mut Dice::new(7, 1), 7)
    }
}

/// Runs a loop that owns both partitions until it is told to stop.
async fn run_for(world: &Rc<World>, span: Duration) -> Result<(), WorkerError> {
    *world.began.borrow_mut() = Some(Instant::now());
    world.news.borrow_mut().push_front((Duration::ZERO, Delivery::Assigned(vec![ZERO, ONE])));
    let log = Log(Rc::clone(world));
    let seams = Seams { source: log.clone(), sink: log.clone(), checkpoints: log.clone() };
    run(seams, &settings(), &log, sleep(span)).await
}

/// The longest time between two turns.
fn longest_turn(world: &World) -> Duration {
    let turns = world.turns.borrow();
    turns.iter().zip(turns.iter().skip(1)).map(|(one, other)| *other - *one).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn the_others_are_read_while_a_partition_leaves_and_the_store_is_slow() {
    let world = Rc::new(World::default());
    world.insert_takes.set(Duration::from_secs(4));
    world.news.borrow_mut().push_back((Duration::from_secs(20), Delivery::Revoked(vec![ZERO])));
    let outcome = run_for(&world, Duration::from_secs(24)).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    let released = world.released.borrow();
    let (_, when) = *released.iter().find(|(partition, _)| *partition == ZERO).unwrap();
    assert!(when > Duration::from_millis(20_500) && when <= Duration::from_secs(26), "after its rows, or in time: {when:?}");
    assert!(longest_turn(&world) <= Duration::from_millis(100), "{:?}", longest_turn(&world));
    let meanwhile = |(partition, at): &&(Partition, Duration)| *partition == ONE && *at > Duration::from_secs(20) && *at < when;
    let (read, span) = (world.read.borrow().iter().filter(meanwhile).count(), when - Duration::from_secs(20));
    assert!(read as u128 >= span.as_millis() / 200, "{read} records of the other in {span:?}");
}

#[tokio::test(start_paused = true)]
async fn the_loop_turns_on_while_the_coordinator_is_away() {
    let peace = Rc::new(World::default());
    run_for(&peace, Duration::from_secs(45)).await.unwrap();
    let away = Rc::new(World::default());
    away.commit_takes.set(Duration::from_secs(45));
    drop(run_for(&away, Duration::from_secs(45)).await);
    assert!(longest_turn(&away) <= Duration::from_millis(100), "{:?}", longest_turn(&away));
    let read = |world: &World| world.next.iter().map(Cell::get).sum::<u64>();
    assert!(read(&away) * 10 >= read(&peace) * 9, "{} of {}", read(&away), read(&peace));
    assert!(away.inserts.get() * 10 >= peace.inserts.get() * 9, "{} of {}", away.inserts.get(), peace.inserts.get());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_turns_until_the_last_commit_is_answered_and_no_longer_than_five_seconds() {
    let world = Rc::new(World::default());
    run_for(&world, Duration::from_secs(3)).await.unwrap();
    assert!(world.now() < Duration::from_secs(4), "{:?}", world.now());
    let deaf = Rc::new(World::default());
    deaf.commit_takes.set(Duration::from_hours(1));
    run_for(&deaf, Duration::from_secs(3)).await.unwrap();
    assert!(deaf.now() > Duration::from_secs(7) && deaf.now() < Duration::from_secs(9), "{:?}", deaf.now());
    assert!(longest_turn(&deaf) <= Duration::from_millis(100), "{:?}", longest_turn(&deaf));
}

#[tokio::test(start_paused = true)]
async fn partitions_that_a_dead_broker_takes_in_a_shutdown_are_finished_all_the_same() {
    let world = Rc::new(World::default());
    world.insert_takes.set(Duration::from_secs(2));
    world.news.borrow_mut().push_back((Duration::from_millis(10_100), Delivery::Lost(vec![ZERO, ONE])));
    let outcome = run_for(&world, Duration::from_secs(10)).await;
    assert!(outcome.is_ok(), "everything is in a checkpoint: {outcome:?}");
}
