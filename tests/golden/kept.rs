//! Checkpoints that builds before this one have left, one file of each format: they are taken over exactly, or refused.
//!
//! Every change of the format, or of the rules, adds a file by `GRAPEVINE_ACCEPT=1`, and none is ever taken away or changed. All are
//! states in the middle of `log.jsonl`, which stays as it is for that reason.

use std::path::Path;
use std::time::Duration;

use grapevine::checkpoints::CheckpointStore;
use grapevine::config;
use grapevine::engine::{Batch, Engine};
use grapevine::event::parse;
use grapevine::record::{Offset, Record};
use grapevine::worker::{Checkpoints, Promise, StoreId};

use crate::fold::{LOGGED, lines, rules};
use crate::{golden, names};

const SOURCE: &str = "golden/0";
const PROMISED: StoreId = StoreId(0x0123_4567_89ab_cdef);

/// The whole log, and where the checkpoints lie in it.
fn log() -> (Vec<u8>, Offset) {
    let log = std::fs::read(golden("checkpoints").join("log.jsonl")).expect("log.jsonl");
    let half = lines(&log).count() / 2;
    (log, half as Offset)
}

/// Folds what an engine has not seen below an offset.
fn fold(engine: &mut Engine, log: &[u8], upto: Offset) -> Batch {
    for (offset, line) in (0..upto).zip(lines(log)) {
        let record = Record { offset, timestamp: Some(LOGGED), payload: Some(line), ..Record::default() };
        engine.observe(&record, parse(&record));
    }
    engine.flush()
}

fn store(folder: &Path) -> CheckpointStore {
    let url = folder.to_str().expect("a path of text").to_owned();
    let config = config::Checkpoint { url, interval: Duration::from_secs(30), compression_level: 1 };
    CheckpointStore::open(&config, rules().epoch).expect("a folder")
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(work)
}

/// What a straight run knows at the end and what it writes behind the checkpoint.
fn straight() -> (Engine, Batch, Vec<u8>) {
    let (log, half) = log();
    let mut engine = Engine::new(rules(), SOURCE.into(), 0);
    fold(&mut engine, &log, half);
    let batch = fold(&mut engine, &log, Offset::MAX);
    (engine, batch, log)
}

/// The state of a file; `None` if this build refuses it.
fn taken_over(name: &str) -> Option<(Promise, Engine)> {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join(format!("epoch-{}", rules().epoch)).join("golden=2f0");
    std::fs::create_dir_all(&place).expect("a folder");
    let (_, object) = name.split_once("--").expect("a name: what it is, and the object's");
    std::fs::copy(golden("checkpoints").join(format!("{name}.ckpt")), place.join(format!("{object}.ckpt"))).expect("a copy");
    let found = run(store(folder.path()).newest(SOURCE, None)).expect("a folder that can be read")?;
    let engine = Engine::restore(rules(), SOURCE.into(), &found.bytes);
    let why = engine.as_ref().err().map(ToString::to_string).unwrap_or_default();
    assert!(engine.is_ok() || why.contains("format") || why.contains("rules"), "{name} is refused, but not as an old one: {why}");
    Some((found.promise, engine.ok()?))
}

#[test]
fn checkpoints_of_builds_before_are_taken_over_exactly_or_refused() {
    let (straight, expected, log) = straight();
    let (_, half) = self::log();
    let mut todays = false;
    for name in names("checkpoints", ".ckpt") {
        let Some((promise, mut engine)) = taken_over(&name) else { continue };
        // Tables said nothing but that the source had begun, before format 4.
        let tables = Some(if name.starts_with("envelope-3-") { 0 } else { half });
        assert_eq!(promise, Promise { store: PROMISED, progress: Some(half), tables }, "{name}");
        let batch = fold(&mut engine, &log, Offset::MAX);
        assert_eq!(batch.rows, expected.rows, "{name}");
        assert_eq!(engine.snapshot().encode(), straight.snapshot().encode(), "{name}: whatever comes later is the same");
        todays |= name.starts_with(&format());
    }
    if !todays && std::env::var_os("GRAPEVINE_ACCEPT").is_some() {
        leave(&log, half);
    } else {
        assert!(todays, "none is of today's format and rules: add one by GRAPEVINE_ACCEPT=1 cargo test --test golden");
    }
}

/// What the names of today's begin with.
fn format() -> String {
    let envelope = grapevine::checkpoints::FORMAT;
    let state = grapevine::engine::SNAPSHOT_FORMAT;
    let revision = grapevine::engine::RULES_REVISION;
    format!("envelope-{envelope}-state-{state}-rules-{revision}--")
}

/// Leaves a checkpoint of this build for those that come after it.
fn leave(log: &[u8], half: Offset) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut engine = Engine::new(rules(), SOURCE.into(), 0);
    fold(&mut engine, log, half);
    let promise = Promise { store: PROMISED, progress: Some(half), tables: Some(half) };
    run(store(folder.path()).publish(SOURCE, half, promise, engine.snapshot())).expect("a checkpoint");
    let place = folder.path().join(format!("epoch-{}", rules().epoch)).join("golden=2f0");
    let object = std::fs::read_dir(place).expect("a folder").next().expect("one object").expect("one object").path();
    let name = object.file_name().and_then(|name| name.to_str()).expect("a name of text");
    let kept = golden("checkpoints").join(format!("{}{name}", format()));
    std::fs::copy(&object, kept).expect("a copy");
}
