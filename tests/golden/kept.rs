//! Checkpoints that builds before this one have left, one file of each format: they are taken over exactly, or refused,
//! and which of both stands beside each name.
//!
//! Every change of the format, or of the rules, adds a file by `GRAPEVINE_ACCEPT=1`, and none is ever taken away or changed. All are
//! states in the middle of `log.jsonl`, which stays as it is for that reason.

use std::hash::Hasher;
use std::path::Path;
use std::time::Duration;

use grapevine::checkpoints::CheckpointStore;
use grapevine::config;
use grapevine::engine::{Batch, Engine};
use grapevine::event::parse;
use grapevine::loss::OfRecords;
use grapevine::record::{Offset, Record};
use grapevine::rewrite::{Found, Rewrite};
use grapevine::worker::{Bounds, Checkpoints, Known, Promise, StoreId, StoredState};
use siphasher::sip128::{Hasher128, SipHasher13};

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

/// What becomes of a file.
enum Outcome {
    Taken,
    /// Refused with these words: why, and what to do.
    Refused([&'static str; 2]),
}

const CURE: &str = "run those again, or give this one a new database and a new epoch";
const OTHER_RULES: Outcome =
    Outcome::Refused(["it was made under other rules (revision, window, session gap or pseudonym key)", CURE]);

/// By the beginning of the name. A file that is not named here, or a name without a file, is a mistake.
const OUTCOMES: [(&str, Outcome); 4] = [
    ("envelope-3-state-4-rules-5", Outcome::Refused(["it cannot be read (format 4,", CURE])),
    ("envelope-3-state-5-rules-6", OTHER_RULES),
    ("envelope-4-state-5-rules-6", OTHER_RULES),
    ("envelope-4-state-5-rules-7", Outcome::Taken),
];

fn kept(name: &str) -> Vec<u8> {
    std::fs::read(golden("checkpoints").join(format!("{name}.ckpt"))).expect("a file")
}

/// What is found of an object under the last part of its name.
fn found(name: &str, bytes: &[u8]) -> Option<StoredState> {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join(format!("epoch-{}", rules().epoch)).join("golden=2f0");
    std::fs::create_dir_all(&place).expect("a folder");
    let (_, object) = name.split_once("--").expect("a name: what it is, and the object's");
    std::fs::write(place.join(format!("{object}.ckpt")), bytes).expect("a copy");
    run(store(folder.path()).newest(SOURCE, None)).expect("a folder that can be read")
}

/// The same; whatever state is in it, its envelope opens.
fn opened(name: &str, bytes: &[u8]) -> StoredState {
    found(name, bytes).unwrap_or_else(|| panic!("the envelope of {name} does not open"))
}

/// What a worker or a command says that must not read on from a state.
fn refusal(state: &StoredState) -> String {
    let bounds = Bounds { first: 0, end: Offset::MAX, committed: None, partitions: 1 };
    let known = Known { store: PROMISED, progress: None, tables: Vec::new() };
    let found = Found { state, known, bounds, records: OfRecords::default(), uncounted: Vec::new() };
    Rewrite::open(&rules(), &SOURCE.into(), found, 1000).err().unwrap_or_else(|| "it is taken over".to_owned())
}

/// That a state is what a straight run had there: the rows that follow, and all that it knows in the end.
fn is_exact(name: &str, state: &StoredState, tables: Offset) {
    let (straight, expected, log) = straight();
    let (_, half) = self::log();
    assert_eq!(state.promise, Promise { store: PROMISED, progress: Some(half), tables: Some(tables) }, "{name}");
    let mut engine = Engine::restore(rules(), SOURCE.into(), &state.bytes).unwrap_or_else(|why| panic!("{name}: {why}"));
    let batch = fold(&mut engine, &log, Offset::MAX);
    assert_eq!(batch.rows, expected.rows, "{name}");
    assert_eq!(engine.snapshot().encode(), straight.snapshot().encode(), "{name}: whatever comes later is the same");
}

#[test]
fn checkpoints_of_builds_before_are_taken_over_exactly_or_refused_with_the_cure() {
    let (log, half) = self::log();
    let names = names("checkpoints", ".ckpt");
    for name in &names {
        let state = opened(name, &kept(name));
        let outcome = OUTCOMES.iter().find(|(of, _)| name.starts_with(&format!("{of}--"))).map(|(_, outcome)| outcome);
        match outcome.unwrap_or_else(|| panic!("{name}: name its outcome in OUTCOMES")) {
            Outcome::Taken => is_exact(name, &state, half),
            Outcome::Refused(words) => {
                let said = refusal(&state);
                assert!(words.iter().all(|words| said.contains(words)), "{name}: {said}");
            }
        }
    }
    for (of, _) in &OUTCOMES {
        assert!(names.iter().any(|name| name.starts_with(&format!("{of}--"))), "no file is {of}: none is ever taken away");
    }
    let todays = names.iter().any(|name| name.starts_with(&format()));
    if !todays && std::env::var_os("GRAPEVINE_ACCEPT").is_some() {
        leave(&log, half);
    } else {
        assert!(todays, "none is of today's format and rules: add one by GRAPEVINE_ACCEPT=1 cargo test --test golden");
    }
}

/// Format 3 is that of 4 without what tables say: an object of a build that wrote it, under the rules of today.
#[test]
fn a_checkpoint_of_format_3_around_todays_rules_is_taken_over_exactly() {
    let names = names("checkpoints", ".ckpt");
    let todays = names.iter().find(|name| name.starts_with(&format())).expect("one of today's");
    let mut object = kept(todays);
    let (magic, sum) = (b"GRPVCKPT".len(), object.len() - 16);
    assert_eq!(object[magic], 4, "what differs between 3 and today's format is to be undone here, too");
    object[magic] = 3;
    assert!(found(todays, &object).is_none(), "it is not whole");
    let mut hasher = SipHasher13::new();
    hasher.write(&object[..sum]);
    object[sum..].copy_from_slice(&hasher.finish128().as_u128().to_le_bytes());
    is_exact("format 3", &opened(todays, &object), 0);
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
