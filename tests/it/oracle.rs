//! Every cell of every table, as it comes out of the whole of Grapevine, against a program that shares no code with it.
//!
//! `tests/oracle/batch.py` computes from the same file, in batch and the obvious way, what the tables must hold.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::demo::{Demo, grapevine, rows, succeeded};
use crate::real_events::{data_file, lines_of, shuffle};

/// The tables in the shape of the oracle: whatever column a table has is compared, but for those that
/// depend on offsets, or on the key of pseudonyms.
const TABLES: [&str; 4] = [
    "SELECT 'activity_window' AS table, * EXCEPT (epoch, source, opened, version)
        REPLACE (toUnixTimestamp(window_start) AS window_start, toUnixTimestamp64Milli(root_time) AS root_time,
            length(sharers) AS sharers, length(repliers) AS repliers)
     FROM activity_window FINAL",
    "SELECT 'cascade' AS table, * EXCEPT (epoch, source, opened, version)
        REPLACE (toUnixTimestamp64Milli(root_time) AS root_time, toUnixTimestamp64Milli(first_time) AS first_time,
            toUnixTimestamp64Milli(last_time) AS last_time)
     FROM cascade FINAL",
    "SELECT 'thread' AS table, * EXCEPT (epoch, source, opened, version, dyad_fwd, dyad_rev)
        REPLACE (toUnixTimestamp64Milli(root_time) AS root_time, toUnixTimestamp64Milli(first_time) AS first_time,
            toUnixTimestamp64Milli(last_time) AS last_time, toUnixTimestamp64Milli(last_session_start) AS last_session_start)
     FROM thread FINAL",
    "SELECT 'progress' AS table, sum(read) AS read, sum(accepted) AS accepted, sum(duplicates) AS duplicates,
        sum(rejected) AS rejected
     FROM progress FINAL",
];

/// Lives whose windows do not add up to their totals.
const CONSERVATION: &str = "SELECT * FROM conservation";

/// Threads whose two arrays of pairs do not say what the counts of pairs say.
const PAIRS_AT_FAULT: &str = "SELECT root, dyads, reciprocal_pairs, dyad_fwd, dyad_rev FROM thread FINAL
     WHERE length(dyad_fwd) + length(dyad_rev) != dyads + reciprocal_pairs
        OR length(arrayDistinct(arrayConcat(dyad_fwd, dyad_rev))) != dyads
        OR length(arrayIntersect(dyad_fwd, dyad_rev)) != reciprocal_pairs
        OR dyad_fwd != arraySort(arrayDistinct(dyad_fwd)) OR dyad_rev != arraySort(arrayDistinct(dyad_rev))";

/// Whether there were pairs to look at.
const PAIRS: &str = "SELECT toUInt32(sum(dyads) > 0 AND sum(reciprocal_pairs) > 0) AS found FROM thread FINAL";

/// What a file's tables must hold.
struct Expectation {
    folder: tempfile::TempDir,
}

impl Expectation {
    fn of(file: &Path) -> Expectation {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let rows = succeeded(python("batch.py", &[file.as_os_str()])).stdout;
        std::fs::write(folder.path().join("expected"), rows).expect("the folder takes the rows");
        Expectation { folder }
    }

    /// Folds a file and compares every cell; the file holds the events of the expectation, maybe in another order.
    fn holds_for(&self, file: &Path, partitions: usize, threads: usize) {
        let queries = [&TABLES[..], &[CONSERVATION, PAIRS_AT_FAULT]].concat();
        let demo = Demo::run(&[file], partitions, threads, &queries);
        let (tables, faults) = demo.answers.split_at(TABLES.len());
        assert_eq!(faults, ["", ""], "lives that do not add up, and threads whose pairs contradict their counts");
        let found = self.folder.path().join("found");
        std::fs::write(&found, tables.concat()).expect("the folder takes the rows");
        let compared = python("compare.py", &[self.folder.path().join("expected").as_os_str(), found.as_os_str()]);
        assert!(
            compared.status.success(),
            "rows differ from the oracle's ({partitions} partitions, {threads} threads):\n{}{}",
            String::from_utf8_lossy(&compared.stdout),
            String::from_utf8_lossy(&compared.stderr)
        );
    }

    fn holds_for_a_shuffle(&self, name: &str, partitions: usize, threads: usize) {
        let mut lines = lines_of(name);
        shuffle(&mut lines);
        let file = self.folder.path().join("shuffled.jsonl");
        std::fs::write(&file, lines.join(&b'\n')).expect("the folder takes the events");
        self.holds_for(&file, partitions, threads);
    }
}

fn events(name: &str) -> PathBuf {
    data_file(&format!("{name}_dev.jsonl.gz"))
}

fn python(program: &str, arguments: &[&OsStr]) -> Output {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(program);
    Command::new("python3")
        .arg(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("the oracle needs `python3` (3.11 or later, no packages) on the PATH: {error}"))
}

#[test]
fn edge_cases_equal_the_oracle_cell_by_cell() {
    let file = events("edge_cases");
    Expectation::of(&file).holds_for(&file, 3, 1);
}

#[test]
fn weibo_equals_the_oracle_cell_by_cell_in_any_order() {
    let file = events("weibo_ced");
    let expectation = Expectation::of(&file);
    expectation.holds_for(&file, 12, 1);
    expectation.holds_for_a_shuffle("weibo_ced", 3, 4);
}

#[test]
fn reddit_equals_the_oracle_cell_by_cell_in_any_order() {
    let file = events("reddit_college");
    let expectation = Expectation::of(&file);
    expectation.holds_for(&file, 1, 1);
    expectation.holds_for_a_shuffle("reddit_college", 12, 1);
}

#[test]
fn a_generated_week_equals_the_oracle_cell_by_cell() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("week.jsonl");
    succeeded(
        grapevine()
            .args(["generate", "--seed", "7", "--events", "60000", "--output"])
            .arg(&file)
            .output()
            .expect("the generator starts"),
    );
    Expectation::of(&file).holds_for(&file, 4, 1);
    let demo = Demo::run(&[&file], 2, 1, &[PAIRS]);
    assert_eq!(rows(&demo.answers[0])[0]["found"], 1, "the week has pairs, some of them mutual");
}
