//! Facts about checkpoints in a local folder.

use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use super::objects::escape;
use super::*;
use crate::engine::{Engine, Fingerprint, Rules};
use crate::event;
use crate::record::Record;
use crate::worker::StoreId;

const SOURCE: &str = "events/3";

fn store(folder: &FilePath) -> CheckpointStore {
    let url = folder.to_str().unwrap().to_owned();
    CheckpointStore::open(&config::Checkpoint { url, interval: Duration::from_secs(30), compression_level: 1 }, 7).unwrap()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

/// The checkpoints' files, oldest first.
fn files(folder: &FilePath) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("epoch-7").join("events=2f3")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// An empty state at an offset.
fn state(next: Offset) -> Snapshot {
    let mut engine = Engine::new(rules(), SOURCE.into(), next);
    engine.flush();
    engine.snapshot()
}

fn promise(next: Offset) -> Promise {
    Promise { store: StoreId(u128::MAX - 7), progress: Some(next), tables: Some(next) }
}

fn publish(store: &CheckpointStore, next: Offset) {
    run(store.publish(SOURCE, next, promise(next), state(next))).unwrap();
}

/// The newest checkpoint, and where its state continues.
fn newest(store: &CheckpointStore) -> Option<(Offset, Offset)> {
    let found = run(store.newest(SOURCE, None)).unwrap();
    found.map(|found| (found.next, Engine::restore(rules(), SOURCE.into(), &found.bytes).unwrap().next()))
}

fn rules() -> Rules {
    Rules {
        epoch: 7,
        pseudonym_key: [1; 16],
        window: 900_000,
        session_gap: 1_800_000,
        watermark_lag: 60_000,
        future_bound: 300_000,
        root_retention: 1,
        clock_witnesses: 1,
        budget: 1,
        reject_bytes: 1,
    }
}

#[test]
fn a_state_is_found_with_its_promise_and_so_are_older_ones() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    [10, 20, 30].into_iter().for_each(|next| publish(&store, next));
    let below = |below| run(store.newest(SOURCE, below)).unwrap().map(|found| (found.next, found.promise));
    assert_eq!(below(None), Some((30, promise(30))));
    assert_eq!(below(Some(30)), Some((20, promise(20))));
    assert_eq!(below(Some(11)), Some((10, promise(10))));
    assert_eq!(below(Some(10)), None);
}

#[test]
fn a_source_without_checkpoints_has_none() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(newest(&store(folder.path())), None);
}

#[test]
fn the_newest_of_several_is_found_whatever_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    for next in [9, 100, 20] {
        publish(&store, next);
    }
    assert_eq!(newest(&store), Some((100, 100)));
    assert_eq!(run(store.newest("events/4", None)).unwrap(), None);
}

#[test]
fn three_are_kept_whoever_wrote_them() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (store(folder.path()), store(folder.path()));
    for next in 1..=5 {
        publish(if next % 2 == 0 { &one } else { &other }, next * 10);
    }
    assert_eq!(files(folder.path()).len(), 3);
    assert_eq!(newest(&one), Some((50, 50)));
    // A worker that has not noticed that it is late publishes an old state: it harms nobody.
    publish(&other, 5);
    assert_eq!(newest(&one), Some((50, 50)));
    publish(&one, 60);
    assert_eq!(files(folder.path()).len(), 3);
}

#[test]
fn what_a_killed_publication_left_goes_with_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    publish(&store, 1);
    let leftover = format!("{}#1", files(folder.path()).pop().unwrap().display());
    let file = std::fs::File::create(&leftover).unwrap();
    file.set_modified(std::time::SystemTime::now() - Duration::from_secs(7200)).unwrap();
    assert_eq!(newest(&store), Some((1, 1)), "nobody takes it for a checkpoint");
    publish(&store, 2);
    assert!(!FilePath::new(&leftover).exists());
    assert_eq!(files(folder.path()).len(), 2);
}

#[test]
fn publishing_twice_is_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    publish(&store, 4);
    publish(&store, 4);
    assert_eq!(files(folder.path()).len(), 1);
    assert_eq!(newest(&store), Some((4, 4)));
}

#[test]
fn publishing_again_repairs_a_damaged_object() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    publish(&store, 4);
    std::fs::write(files(folder.path()).pop().unwrap(), "damaged").unwrap();
    assert_eq!(newest(&store), None);
    publish(&store, 4);
    assert_eq!(newest(&store), Some((4, 4)));
}

#[test]
fn a_checkpoint_cut_off_anywhere_is_skipped_for_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    publish(&store, 1);
    publish(&store, 2);
    let newer = files(folder.path()).pop().unwrap();
    let whole = std::fs::read(&newer).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&newer, &whole[..length]).unwrap();
        assert_eq!(newest(&store), Some((1, 1)), "cut off after {length} bytes");
    }
}

/// A sealed state of so many events, posts with shares and replies below them.
fn sealed(events: u64) -> Vec<u8> {
    let many = Rules { budget: 1_000_000, root_retention: 1_000_000_000, ..rules() };
    let mut engine = Engine::new(many, SOURCE.into(), 0);
    for offset in 0..events {
        let (root, time) = (offset / 20 * 20, 1_700_000_100_000 + offset * 997);
        let (kind, parent) = match offset - root {
            0 => ("post", root),
            below if below % 2 == 1 => ("share", root),
            below => ("reply", root + if below == 2 { 0 } else { below - 2 }),
        };
        let event = format!(
            r#"{{"type": "{kind}", "id": "{offset}", "time": {time}, "actor": "{}", "root": "{root}", "parent": "{parent}"}}"#,
            offset * 7919 % 1009
        );
        let record = Record { offset, payload: Some(event.as_bytes()), ..Record::default() };
        engine.observe(&record, event::parse(&record));
    }
    assert_eq!(engine.holdings().nodes, events - events.div_ceil(20), "all of them are in the state");
    engine.flush();
    run(envelope::seal(SOURCE, events, promise(events), engine.snapshot(), 1)).unwrap().0
}

/// `make chaos` flips a million.
#[test]
fn no_state_with_a_flipped_bit_passes() {
    let flips = std::env::var("GRAPEVINE_FLIPS").map_or(10_000, |flips| flips.parse().unwrap());
    let events = flips / 100;
    let mut object = sealed(events);
    let bits = object.len() as u64 * 8;
    assert!(bits >= flips, "only {bits} bits");
    run(async {
        assert!(envelope::open(SOURCE, events, object.clone()).await.is_ok());
        for flip in 0..flips {
            // From the first bit to the last.
            let bit = flip * (bits - 1) / (flips - 1);
            let (at, mask) = (usize::try_from(bit / 8).unwrap(), 1 << (bit % 8));
            object[at] ^= mask;
            let opened = envelope::open(SOURCE, events, object.clone()).await;
            assert!(opened.is_err(), "bit {bit} of {bits}");
            object[at] ^= mask;
        }
    });
    println!("{flips} of {bits} bits flipped one by one, each noticed");
}

#[test]
fn a_checkpoint_with_a_flipped_bit_is_skipped_for_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    publish(&store, 1);
    publish(&store, 2);
    let newer = files(folder.path()).pop().unwrap();
    let whole = std::fs::read(&newer).unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        std::fs::write(&newer, &flipped).unwrap();
        assert_eq!(newest(&store), Some((1, 1)), "flipped byte {at}");
    }
}

#[test]
fn foreign_files_and_foreign_names_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    publish(&store, 1);
    let sound = files(folder.path()).pop().unwrap();
    let beside = |name: &str| sound.with_file_name(name);
    std::fs::write(beside("README.txt"), "not a checkpoint").unwrap();
    std::fs::write(beside(&format!("{:020}-{:032x}.ckpt", 99, 0)), "not a checkpoint either").unwrap();
    // A sound state under a name that promises more than it holds.
    std::fs::copy(&sound, beside(&format!("{:020}-{:032x}.ckpt", 98, 0))).unwrap();
    assert_eq!(newest(&store), Some((1, 1)));
}

#[test]
fn a_state_of_another_source_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    publish(&store, 1);
    let other = folder.path().join("epoch-7").join("events=2f4");
    std::fs::create_dir(&other).unwrap();
    let sound = files(folder.path()).pop().unwrap();
    std::fs::copy(&sound, other.join(sound.file_name().unwrap())).unwrap();
    assert_eq!(run(store.newest("events/4", None)).unwrap(), None);
}

#[test]
fn a_place_that_cannot_be_written_needs_somebody_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    // A file where the epoch's folder should be: nobody can write below it, root neither.
    std::fs::write(folder.path().join("epoch-7"), "in the way").unwrap();
    let error = run(store.publish(SOURCE, 1, promise(1), state(1))).unwrap_err();
    assert!(matches!(error, Failure::Operator(_)), "{error:?}");
    assert!(error.to_string().contains(folder.path().to_str().unwrap()), "{error}");
}

#[test]
fn places_are_paths_or_urls() {
    let folder = tempfile::tempdir().unwrap();
    let open = |url: String| {
        let config = config::Checkpoint { url, interval: Duration::from_secs(30), compression_level: 1 };
        CheckpointStore::open(&config, 7)
    };
    let by_url = open(format!("file://{}/new folder", folder.path().display())).unwrap();
    publish(&by_url, 3);
    let by_path = open(format!("{}/new folder", folder.path().display())).unwrap();
    assert_eq!(newest(&by_path), Some((3, 3)));
    let relative = ["checkpoints", "./checkpoints", "~/checkpoints", "file:checkpoints", "file://relative/path"];
    for unusable in relative.into_iter().chain(["", "gopher://host/path", "http://host/path", "memory:///path"]) {
        let error = open(unusable.to_owned()).unwrap_err();
        assert!(error.to_string().contains("checkpoint.url"), "{error}");
    }
}

#[test]
fn an_epoch_keeps_the_rules_that_it_began_with() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let began = rules().fingerprint();
    run(store.check_fingerprint(&began)).unwrap();
    run(store.check_fingerprint(&began)).unwrap();
    run(store.check_fingerprint(&Rules { budget: 9, root_retention: 9, ..rules() }.fingerprint())).unwrap();
    let refused = |fingerprint: Fingerprint| run(store.check_fingerprint(&fingerprint)).unwrap_err().to_string();
    let message = refused(Fingerprint { revision: began.revision + 1, ..began });
    assert!(message.contains("the revision of the rules") && message.contains("a new database and a new epoch"), "{message}");
    let message = refused(Rules { window: 60_000, ..rules() }.fingerprint());
    assert!(message.contains("was 900000 and is 60000"), "{message}");
    let message = refused(Rules { pseudonym_key: [2; 16], ..rules() }.fingerprint());
    assert!(message.contains("pseudonym key"), "{message}");
}

/// A folder in which the file can be read, while the name that it has at first while it is written is too long: it takes nothing,
/// like one that is full, also of root.
fn full_folder(root: &FilePath, file: &str) -> PathBuf {
    // Of Linux: 4,096 bytes with the one that ends them.
    const PATH_MAX: usize = 4095;
    let mut folder = root.canonicalize().unwrap();
    loop {
        let left = PATH_MAX - folder.join(file).as_os_str().len();
        match left {
            0 => return folder,
            // A slash and a name.
            2..=200 => folder.push("f".repeat(left - 1)),
            _ => folder.push("f".repeat(100)),
        }
    }
}

#[test]
fn a_place_that_takes_nothing_more_stops_nobody_where_an_epoch_has_begun() {
    let root = tempfile::tempdir().unwrap();
    let folder = full_folder(root.path(), "epoch-7/fingerprint.json");
    std::fs::create_dir_all(folder.join("epoch-7")).unwrap();
    let store = store(&folder);
    let refused = run(store.check_fingerprint(&rules().fingerprint())).unwrap_err();
    assert!(matches!(&refused, Failure::Transient(said) if said.contains("could not write")), "{refused:?}");
    std::fs::write(folder.join("epoch-7/fingerprint.json"), fingerprint::to_json(&rules().fingerprint())).unwrap();
    run(store.check_fingerprint(&rules().fingerprint())).unwrap();
    let other = Rules { window: 60_000, ..rules() }.fingerprint();
    assert!(matches!(run(store.check_fingerprint(&other)), Err(Failure::Operator(_))), "it is compared all the same");
}

#[test]
fn two_that_begin_at_once_compare_with_what_one_of_them_has_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let (one, other) = (rules().fingerprint(), Rules { window: 60_000, ..rules() }.fingerprint());
    let both = run(async { futures::join!(store.check_fingerprint(&one), store.check_fingerprint(&other)) });
    assert!(both.0.is_ok() != both.1.is_ok(), "{both:?}");
    assert_eq!(run(store.partitions_at_first("events", 3)), Ok(3));
    assert_eq!(run(store.partitions_at_first("events", 5)), Ok(3));
}

#[test]
fn a_fingerprint_does_not_hold_the_key() {
    let text = String::from_utf8(fingerprint::to_json(&rules().fingerprint())).unwrap();
    assert!(!text.contains("0101010101"), "{text}");
}

#[test]
fn names_of_sources_are_one_part_of_a_path_each() {
    assert_eq!(escape("events/3"), "events=2f3");
    assert_eq!(escape("a.b=c/0"), "a=2eb=3dc=2f0");
    assert_ne!(escape("a/b"), escape("a=2fb"));
}
