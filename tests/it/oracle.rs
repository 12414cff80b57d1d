//! Every cell of every table, as it comes out of the whole of Grapevine, against a program that shares no code with it.
//!
//! `tests/oracle/batch.py` computes from the same file, in batch and the obvious way, what the tables must hold.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::demo::{Demo, gunzip, rows, succeeded};
use crate::events::{generate, lines_in, own_file, shuffle};

/// The tables in the shape of the oracle: whatever column a table has is compared, but for those that
/// depend on offsets, or on the key of pseudonyms.
pub(crate) const TABLES: [&str; 5] = [
    "SELECT 'root' AS table, * EXCEPT (epoch, source, opened, version)
        REPLACE (toUnixTimestamp64Milli(root_time) AS root_time)
     FROM root FINAL WHERE epoch != 65535",
    "SELECT 'activity_window' AS table, * EXCEPT (epoch, source, opened, version)
        REPLACE (toUnixTimestamp(window_start) AS window_start, length(sharers) AS sharers, length(repliers) AS repliers)
     FROM activity_window FINAL WHERE epoch != 65535",
    "SELECT 'cascade' AS table, * EXCEPT (epoch, source, opened, version)
        REPLACE (toUnixTimestamp64Milli(first_time) AS first_time, toUnixTimestamp64Milli(last_time) AS last_time,
            arraySort(arrayMap(node -> tuple(node.children, node.descendants, node.depth, node.is_brand), top_nodes)) AS top_nodes)
     FROM cascade FINAL WHERE epoch != 65535",
    "SELECT 'thread' AS table, * EXCEPT (epoch, source, opened, version, dyad_fwd, dyad_rev)
        REPLACE (toUnixTimestamp64Milli(first_time) AS first_time, toUnixTimestamp64Milli(last_time) AS last_time,
            toUnixTimestamp64Milli(last_session_start) AS last_session_start,
            arrayMap(q -> tuple(toUnixTimestamp(q.quarter), q.messages, q.within_15_minutes, q.within_1_hour, q.within_24_hours), customer_quarters) AS customer_quarters)
     FROM thread FINAL WHERE epoch != 65535",
    "SELECT 'progress' AS table, sum(read) AS read, sum(accepted) AS accepted, sum(duplicates) AS duplicates,
        sum(rejected) AS rejected, sumMap(accepted_by_type) AS accepted_by_type
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

/// What a file's tables must hold: the oracle's rows.
pub(crate) struct Expectation {
    rows: Vec<u8>,
}

impl Expectation {
    pub(crate) fn of(file: &Path) -> Expectation {
        Expectation { rows: succeeded(python("batch.py", &[file.as_os_str()])).stdout }
    }

    /// The answers to [`TABLES`], as JSON lines, must hold the same in every cell.
    pub(crate) fn compare(&self, found: &str, what: &str) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("the folder takes the rows");
            path
        };
        let (expected, found) = (write("expected", &self.rows), write("found", found.as_bytes()));
        let compared = python("compare.py", &[expected.as_os_str(), found.as_os_str()]);
        assert!(
            compared.status.success(),
            "rows differ from the oracle's ({what}):\n{}{}",
            String::from_utf8_lossy(&compared.stdout),
            String::from_utf8_lossy(&compared.stderr)
        );
    }

    /// The oracle's rows of a table.
    pub(crate) fn of_table(&self, name: &str) -> Vec<Value> {
        let all = rows(std::str::from_utf8(&self.rows).expect("rows are text"));
        all.into_iter().filter(|row| row["table"] == name).collect()
    }

    /// Folds a file and compares every cell; the file holds the events of the expectation, maybe in another order.
    fn holds_for(&self, file: &Path, partitions: usize, threads: usize) {
        let queries = [&TABLES[..], &[CONSERVATION, PAIRS_AT_FAULT]].concat();
        let demo = Demo::run(&[file], partitions, threads, &queries);
        let (tables, faults) = demo.answers.split_at(TABLES.len());
        assert_eq!(faults, ["", ""], "lives that do not add up, and threads whose pairs contradict their counts");
        self.compare(&tables.concat(), &format!("{partitions} partitions, {threads} threads"));
    }

    /// The same with the file's lines in an order of no meaning.
    fn holds_for_a_shuffle(&self, file: &Path, partitions: usize, threads: usize) {
        let mut lines = lines_in(&gunzip(file));
        shuffle(&mut lines);
        let shuffled = tempfile::Builder::new().suffix(".jsonl").tempfile().expect("a temporary file");
        std::fs::write(shuffled.path(), lines.join(&b'\n')).expect("the temporary file takes the events");
        self.holds_for(shuffled.path(), partitions, threads);
    }
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
    let file = own_file("edge_cases.jsonl.gz");
    Expectation::of(&file).holds_for(&file, 3, 1);
}

#[test]
fn a_generated_week_equals_the_oracle_cell_by_cell_in_any_order() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("week.jsonl.gz");
    generate(7, 60_000, &file);
    let expectation = Expectation::of(&file);
    let pairs = |column: &str| expectation.of_table("thread").iter().filter_map(|row| row[column].as_u64()).sum::<u64>();
    assert!(
        pairs("dyads") > pairs("reciprocal_pairs") && pairs("reciprocal_pairs") > 0,
        "the week has pairs, some of them mutual"
    );
    expectation.holds_for(&file, 4, 1);
    expectation.holds_for_a_shuffle(&file, 2, 4);
}

mod real_events {
    use super::Expectation;
    use crate::real_events::file;

    #[test]
    fn weibo_equals_the_oracle_cell_by_cell_in_any_order() {
        let file = file("weibo_ced_dev.jsonl.gz");
        let expectation = Expectation::of(&file);
        expectation.holds_for(&file, 12, 1);
        expectation.holds_for_a_shuffle(&file, 3, 4);
    }

    #[test]
    fn reddit_equals_the_oracle_cell_by_cell_in_any_order() {
        let file = file("reddit_college_dev.jsonl.gz");
        let expectation = Expectation::of(&file);
        expectation.holds_for(&file, 1, 1);
        expectation.holds_for_a_shuffle(&file, 12, 1);
    }
}
