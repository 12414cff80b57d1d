//! Real events and edge cases through the whole of it: Kafka's protocol, the worker, ClickHouse, SQL.
//!
//! Every tree of every file is compared with truth that was computed apart; whatever the order of
//! arrival, however often an event is sent, however the log is split and however many threads read it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::demo::{Demo, gunzip, rows};

/// A file of events with its truth.
pub(crate) struct Data {
    pub(crate) name: String,
    pub(crate) lines: Vec<Vec<u8>>,
    truth: Value,
}

impl Data {
    pub(crate) fn read(name: &str) -> Data {
        Data {
            name: name.to_owned(),
            lines: lines_of(name),
            truth: serde_json::from_slice(&gunzip(&data_file(&format!("{name}_dev.truth.json.gz")))).expect("truth is JSON"),
        }
    }

    fn shuffled(mut self) -> Data {
        shuffle(&mut self.lines);
        self
    }

    fn reversed(mut self) -> Data {
        self.lines.reverse();
        self
    }

    fn twice(mut self) -> Data {
        self.lines = self.lines.into_iter().flat_map(|line| [line.clone(), line]).collect();
        self
    }

    /// Runs the demo over the lines and compares every tree.
    fn agrees(&self, partitions: usize, threads: usize) -> Demo {
        let file = tempfile::Builder::new().suffix(".jsonl").tempfile().expect("a temporary file");
        std::fs::write(file.path(), self.lines.join(&b'\n')).expect("the temporary file takes the lines");
        let demo = Demo::run(&[file.path()], partitions, threads, &[CASCADES, THREADS, PROGRESS]);
        self.compare(&rows(&demo.answers[0]), &rows(&demo.answers[1]));
        demo
    }

    /// Compares every tree: the answers to [`CASCADES`] and [`THREADS`] with the truth.
    pub(crate) fn compare(&self, cascades: &[Value], threads: &[Value]) {
        let mut differences = Vec::new();
        for (list, kind, found) in [("cascades", "share", cascades), ("threads", "reply", threads)] {
            compare_trees(&self.trees(list, kind), found, &mut differences);
        }
        assert!(
            differences.is_empty(),
            "{} differences, the first: {:#?}",
            differences.len(),
            &differences[..differences.len().min(10)]
        );
    }

    /// What the store must count after one copy of each line was read: read, accepted, duplicates, rejected.
    pub(crate) fn counts(&self) -> [u64; 4] {
        let all = self.lines.len() as u64;
        if self.truth["totals"].get("accepted").is_some() { edge_counts(self, 1) } else { [all, all, 0, 0] }
    }

    /// The trees that must have a row: those with more than the root.
    fn trees(&self, list: &str, kind: &str) -> BTreeMap<String, &Value> {
        let all =
            self.truth.get(list).or_else(|| self.truth.get("trees")).and_then(Value::as_array).expect("the truth lists trees");
        let of_kind = |tree: &&Value| tree.get("types").is_none_or(|types| types.get(kind).is_some());
        all.iter()
            .filter(|tree| tree["size"].as_u64() > Some(1))
            .filter(of_kind)
            .map(|tree| (tree["root"].as_str().expect("a root is text").to_owned(), tree))
            .collect()
    }
}

pub(crate) const CASCADES: &str = "SELECT root, size, max_depth, max_breadth, levels, toString(wiener) AS wiener, structural_virality, \
     unique_actors, deleted_actors, inferred, toUnixTimestamp64Milli(first_time) AS first_time, \
     toUnixTimestamp64Milli(last_time) AS last_time FROM cascade_shape ORDER BY root";
pub(crate) const THREADS: &str = "SELECT root, size, max_depth, max_breadth, levels, toString(wiener) AS wiener, structural_virality, \
     unique_actors, deleted_actors, inferred, toUnixTimestamp64Milli(first_time) AS first_time, \
     toUnixTimestamp64Milli(last_time) AS last_time, h_index, reciprocal_pairs FROM thread_shape ORDER BY root";
pub(crate) const PROGRESS: &str = "SELECT sum(read) AS read, sum(accepted) AS accepted, sum(duplicates) AS duplicates, sum(rejected) AS rejected FROM progress FINAL";

/// Columns that must equal the truth's field of the same name, or of the second name in the real files.
const FIELDS: [(&str, &str); 12] = [
    ("size", ""),
    ("max_depth", ""),
    ("max_breadth", ""),
    ("levels", ""),
    ("wiener", ""),
    ("unique_actors", ""),
    ("deleted_actors", ""),
    ("inferred", "orphans"),
    ("first_time", "first_ts"),
    ("last_time", "last_ts"),
    ("h_index", "h_index_contiguous"),
    ("reciprocal_pairs", ""),
];

fn compare_trees(wanted: &BTreeMap<String, &Value>, found: &[Value], differences: &mut Vec<String>) {
    let found: BTreeMap<&str, &Value> = found.iter().map(|row| (row["root"].as_str().expect("a root is text"), row)).collect();
    for root in found.keys().filter(|root| !wanted.contains_key(**root)) {
        differences.push(format!("{root}: a row too many"));
    }
    for (root, tree) in wanted {
        let Some(row) = found.get(root.as_str()) else {
            differences.push(format!("{root}: no row"));
            continue;
        };
        for (column, other) in FIELDS {
            let Some(found) = row.get(column) else { continue };
            // The second name first: in the real files `h_index` is another reading of it.
            let Some(wanted) = tree.get(other).or_else(|| tree.get(column)) else { continue };
            if plain(found) != plain(wanted) {
                differences.push(format!("{root}: {column} is {found}, not {wanted}"));
            }
        }
        let (found, wanted) = (row["structural_virality"].as_f64(), tree["structural_virality"].as_f64());
        if !matches!((found, wanted), (Some(found), Some(wanted)) if (found - wanted).abs() < 1e-9) {
            differences.push(format!("{root}: structural_virality is {found:?}, not {wanted:?}"));
        }
    }
}

/// Integers as text, whether they were quoted or not.
fn plain(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// A count, however the store wrote it.
pub(crate) fn number(value: &Value) -> u64 {
    plain(value).parse().unwrap_or_else(|error| panic!("{error}: {value}"))
}

/// The events of a file, as they are in it.
pub(crate) fn lines_of(name: &str) -> Vec<Vec<u8>> {
    let lines = gunzip(&data_file(&format!("{name}_dev.jsonl.gz")));
    lines.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).map(<[u8]>::to_vec).collect()
}

/// Brings lines into an order of no meaning, the same every time.
pub(crate) fn shuffle(lines: &mut [Vec<u8>]) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..lines.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        lines.swap(last, usize::try_from(state >> 33).unwrap() % (last + 1));
    }
}

/// A file of real events; says what is missing where it is not there.
pub(crate) fn data_file(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name);
    assert!(path.exists(), "{} is missing: the tests need the folder of real events beside the project", path.display());
    path
}

fn counts(demo: &Demo) -> [u64; 4] {
    sums(&rows(&demo.answers[2]))
}

/// The answer to [`PROGRESS`]: read, accepted, duplicates, rejected.
pub(crate) fn sums(answer: &[Value]) -> [u64; 4] {
    let row = &answer[0];
    ["read", "accepted", "duplicates", "rejected"].map(|column| number(&row[column]))
}

#[test]
fn weibo_in_order() {
    let data = Data::read("weibo_ced");
    assert_eq!(counts(&data.agrees(3, 1)), [171_598, 171_598, 0, 0]);
}

#[test]
fn weibo_shuffled_over_twelve_partitions_and_four_threads() {
    Data::read("weibo_ced").shuffled().agrees(12, 4);
}

#[test]
fn weibo_reversed_in_one_partition() {
    Data::read("weibo_ced").reversed().agrees(1, 1);
}

#[test]
fn weibo_with_every_event_sent_twice() {
    let data = Data::read("weibo_ced").twice();
    assert_eq!(counts(&data.agrees(3, 4)), [343_196, 171_598, 171_598, 0]);
}

#[test]
fn reddit_in_order_in_one_partition() {
    let data = Data::read("reddit_college");
    assert_eq!(counts(&data.agrees(1, 4)), [191_313, 191_313, 0, 0]);
}

#[test]
fn reddit_shuffled_over_three_partitions() {
    Data::read("reddit_college").shuffled().agrees(3, 1);
}

#[test]
fn reddit_reversed_over_twelve_partitions_and_four_threads() {
    Data::read("reddit_college").reversed().agrees(12, 4);
}

#[test]
fn reddit_with_every_event_sent_twice() {
    let data = Data::read("reddit_college").twice();
    assert_eq!(counts(&data.agrees(12, 1)), [382_626, 191_313, 191_313, 0]);
}

pub(crate) fn edge_counts(data: &Data, copies: u64) -> [u64; 4] {
    let total = |name: &str| data.truth["totals"][name].as_u64().expect("a total");
    let (accepted, duplicates, rejected) = (total("accepted"), total("duplicates"), total("rejects"));
    let events = accepted + duplicates;
    [copies * (events + rejected), accepted, copies * events - accepted, copies * rejected]
}

#[test]
fn edge_cases_in_one_partition() {
    let data = Data::read("edge_cases");
    assert_eq!(counts(&data.agrees(1, 1)), edge_counts(&data, 1));
}

#[test]
fn edge_cases_over_three_partitions_and_four_threads() {
    let data = Data::read("edge_cases");
    assert_eq!(counts(&data.agrees(3, 4)), edge_counts(&data, 1));
}

#[test]
fn edge_cases_over_twelve_partitions() {
    let data = Data::read("edge_cases");
    assert_eq!(counts(&data.agrees(12, 1)), edge_counts(&data, 1));
}

#[test]
fn edge_cases_with_every_event_sent_twice() {
    let data = Data::read("edge_cases");
    let wanted = edge_counts(&data, 2);
    assert_eq!(counts(&data.twice().agrees(3, 1)), wanted);
}
