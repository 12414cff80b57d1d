//! What a loop holds at most while it takes up the states of all its partitions again, above what it holds once all of them run.
//!
//! The loop is the worker's, its checkpoint store a local folder. The log is at its end, and the store was promised nothing that it lacks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use grapevine::checkpoints::CheckpointStore;
use grapevine::config::{Checkpoint, Config};
use grapevine::engine::Engine;
use grapevine::failure::Failure;
use grapevine::record::{Offset, Partition};
use grapevine::worker::{self, Bounds, Checkpoints as _, Delivery, Notice, Observer, Promise, Seams, Settings, Source};

use crate::discard::Discard;
use crate::measure::{in_a_child, peak_bytes, resident_bytes};

/// How many partitions the loop has.
const PARTITIONS: usize = 8;

/// The variable that names the folder of states for a child.
const FOLDER: &str = "BENCH_FOLDER";

/// After so long nothing more is given back to the system.
const CALM: Duration = Duration::from_secs(5);

/// Publishes the states in one process, takes them up again in another, and prints what that took.
pub(crate) fn print(nodes: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let variables = [(FOLDER, folder.path().to_str().expect("a path that is text"))];
    let published = in_a_child(&format!("publish {nodes}"), &variables);
    let taken_up = in_a_child(&format!("restart {nodes}"), &variables);
    let one = published["state"] + published["bytes"];
    let above = taken_up["peak"] - taken_up["running"];
    println!("# restart: {PARTITIONS} partitions of {} M nodes, a loop", nodes / 1_000_000);
    println!(
        "running {:.0} MB; at most {:.0} MB more while they are taken up: {:.2} of one partition's state ({:.0} MB) and bytes \
         ({:.0} MB) (goal: 1)",
        taken_up["running"] / 1e6,
        above / 1e6,
        above / one,
        published["state"] / 1e6,
        published["bytes"] / 1e6
    );
}

pub(crate) fn config() -> Config {
    let key = ("GRAPEVINE_RULES_PSEUDONYM_KEY".to_owned(), "a key of a benchmark".to_owned());
    Config::load(None, std::iter::once(key)).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The checkpoint store in a folder.
pub(crate) fn store(config: &Config, folder: String) -> CheckpointStore {
    let place = Checkpoint { url: folder, ..config.checkpoint.clone() };
    CheckpointStore::open(&place, 0).expect("a place")
}

fn folder() -> String {
    std::env::var(FOLDER).expect("the parent names a folder")
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A child: publishes a state of each partition, one after another.
pub(crate) fn publish(fill: impl Fn(&mut Engine)) {
    let config = config();
    let (store, runtime) = (store(&config, folder()), runtime());
    for partition in 0..PARTITIONS {
        let source: Arc<str> = format!("{}/{partition}", config.worker.log).into();
        let before = resident_bytes();
        let mut engine = Engine::new(config.rules.clone(), Arc::clone(&source), 0);
        fill(&mut engine);
        if partition == 0 {
            println!("state {}", resident_bytes() - before);
        }
        drop(engine.flush());
        let state = engine.snapshot();
        if partition == 0 {
            println!("bytes {}", state.encode().len());
        }
        runtime.block_on(store.publish(&source, engine.next(), Promise::default(), state)).expect("it is published");
    }
}

/// A child: the worker's loop takes all of them up.
pub(crate) fn take_up(next: Offset) {
    let config = config();
    let (started, all) = (Started(AtomicU64::new(0)), PARTITIONS as u64);
    let seams = Seams { source: AtItsEnd { next, assigned: false }, sink: Discard, checkpoints: store(&config, folder()) };
    let shutdown = async {
        while started.0.load(Ordering::Relaxed) < all {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        println!("peak {}", peak_bytes());
        tokio::time::sleep(CALM).await;
        println!("running {}", resident_bytes());
    };
    let settings = Settings::of(&config, 0);
    runtime().block_on(worker::run(seams, &settings, &started, shutdown)).expect("the worker ends well");
}

/// Counts the partitions that run.
struct Started(AtomicU64);

impl Observer for Started {
    fn notice(&self, notice: Notice<'_>) {
        if let Notice::Started { .. } = notice {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A log of which all was read.
struct AtItsEnd {
    next: Offset,
    assigned: bool,
}

impl Source for AtItsEnd {
    async fn next(&mut self) -> Result<Delivery<'_>, Failure> {
        if !std::mem::replace(&mut self.assigned, true) {
            return Ok(Delivery::Assigned((0..).take(PARTITIONS).map(Partition).collect()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(Delivery::Idle)
    }

    fn bounds(&self, _partition: Partition) -> impl Future<Output = Result<Bounds, Failure>> + 'static {
        std::future::ready(Ok(Bounds { first: 0, end: self.next, committed: Some(self.next), partitions: PARTITIONS }))
    }

    fn start(&mut self, _partition: Partition, _next: Offset) -> Result<(), Failure> {
        Ok(())
    }

    fn pause(&mut self, _only: Option<Partition>, _paused: bool) {}

    fn release(&mut self, _partitions: &[Partition]) -> Result<(), Failure> {
        Ok(())
    }

    fn commit(&self, _offsets: &[(Partition, Offset)]) -> impl Future<Output = Result<(), Failure>> + 'static {
        std::future::ready(Ok(()))
    }

    async fn close(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}
