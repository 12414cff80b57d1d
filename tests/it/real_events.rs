//! Real events through the whole of it: Kafka's protocol, the worker, ClickHouse, SQL.
//!
//! Every tree is compared with truth that was computed apart, in any order of arrival, however often an event is sent, however
//! the log is split and however many threads read it. The events are other people's and lie beside the project. Whatever needs
//! them stands in a module of this name, here or elsewhere: so `.ci/test` can leave out exactly that, and name it.

use std::path::{Path, PathBuf};

use crate::events::Data;

/// A file of the folder of real events; says what is missing where it is not there.
pub(crate) fn file(name: &str) -> PathBuf {
    let path = folder().join(name);
    assert!(
        path.exists(),
        "{} is missing: this test needs the folder of real events, other people's data that are no part of the project; \
         put it beside the clone, or leave out what needs it: -- --skip real_events::",
        path.display()
    );
    path
}

/// Whether the folder is there, for a test that has data of its own where it is not.
pub(crate) fn are_there() -> bool {
    folder().is_dir()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data")
}

/// A file of real events with its truth.
pub(crate) fn data(name: &str) -> Data {
    Data::in_files(name, &file(&format!("{name}_dev.jsonl.gz")), &file(&format!("{name}_dev.truth.json.gz")))
}

#[test]
fn weibo_in_order() {
    assert_eq!(data("weibo_ced").agrees(3, 1), [171_598, 171_598, 0, 0]);
}

#[test]
fn weibo_shuffled_over_twelve_partitions_and_four_threads() {
    data("weibo_ced").shuffled().agrees(12, 4);
}

#[test]
fn weibo_reversed_in_one_partition() {
    data("weibo_ced").reversed().agrees(1, 1);
}

#[test]
fn weibo_with_every_event_sent_twice() {
    assert_eq!(data("weibo_ced").twice().agrees(3, 4), [343_196, 171_598, 171_598, 0]);
}

#[test]
fn reddit_in_order_in_one_partition() {
    assert_eq!(data("reddit_college").agrees(1, 4), [191_313, 191_313, 0, 0]);
}

#[test]
fn reddit_shuffled_over_three_partitions() {
    data("reddit_college").shuffled().agrees(3, 1);
}

#[test]
fn reddit_reversed_over_twelve_partitions_and_four_threads() {
    data("reddit_college").reversed().agrees(12, 4);
}

#[test]
fn reddit_with_every_event_sent_twice() {
    assert_eq!(data("reddit_college").twice().agrees(12, 1), [382_626, 191_313, 191_313, 0]);
}
