//! Files of events, and what must come of them: every tree, or every cell of every table.
//!
//! The edge cases are the project's own, with a truth that was computed apart; of a generated week the oracle of `tests/oracle`
//! says what the tables must hold. Nothing here needs the folder of real events: whatever does stands in `real_events`.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use grapevine::event::parse;
use grapevine::record::Record;
use serde_json::Value;

use crate::demo::{Demo, grapevine, gunzip, rows, succeeded};
use crate::facts::{Woven, woven};
use crate::oracle::{Expectation, TABLES};

/// Events, and what must come of them.
pub(crate) struct Data {
    pub(crate) name: String,
    pub(crate) lines: Vec<Vec<u8>>,
    truth: Truth,
    /// Facts, and what is no event, of which figures of trees do not know.
    beside: [u64; 2],
}

enum Truth {
    /// The figures of every tree, and how many events there are of what.
    Trees(Value),
    /// Every row.
    Tables(Expectation),
}

impl Data {
    /// The project's own edge cases.
    pub(crate) fn edge_cases() -> Data {
        Data::in_files("edge_cases", &own_file("edge_cases.jsonl.gz"), &own_file("edge_cases.truth.json.gz"))
    }

    /// Lines in one file, and the figures of their trees in another.
    pub(crate) fn in_files(name: &str, events: &Path, truth: &Path) -> Data {
        let truth = Truth::Trees(serde_json::from_slice(&gunzip(truth)).expect("truth is JSON"));
        Data { name: name.to_owned(), lines: lines_in(&gunzip(events)), truth, beside: [0, 0] }
    }

    /// A generated week with facts of every kind in it, and what is no event; judged by the oracle.
    pub(crate) fn generated(name: &str, seed: u64, events: usize) -> Data {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("week.jsonl");
        let Woven { lines, .. } = woven(&Data::lines_of_a_week(seed, events));
        std::fs::write(&file, lines.join(&b'\n')).expect("the folder takes the lines");
        Data { name: name.to_owned(), lines, truth: Truth::Tables(Expectation::of(&file)), beside: [0, 0] }
    }

    /// The lines of a generated week.
    pub(crate) fn lines_of_a_week(seed: u64, events: usize) -> Vec<Vec<u8>> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("week.jsonl");
        generate(seed, events, &file);
        lines_in(&std::fs::read(&file).expect("the week is there"))
    }

    /// A week of many events, for whoever needs a load: the same one for all.
    pub(crate) fn week() -> &'static Data {
        static WEEK: OnceLock<Data> = OnceLock::new();
        WEEK.get_or_init(|| Data::generated("week", 7, 80_000))
    }

    /// Edge cases, or real events, with facts of every kind between the lines, and what is no event.
    pub(crate) fn with_facts(self) -> Data {
        let Woven { lines, facts, rejects } = woven(&self.lines);
        assert!(matches!(self.truth, Truth::Trees(_)), "the oracle must see them");
        Data { name: format!("{}_with_facts", self.name), lines, beside: [facts, rejects], ..self }
    }

    pub(crate) fn shuffled(mut self) -> Data {
        shuffle(&mut self.lines);
        self
    }

    pub(crate) fn reversed(mut self) -> Data {
        self.lines.reverse();
        self
    }

    pub(crate) fn twice(mut self) -> Data {
        self.lines = self.lines.into_iter().flat_map(|line| [line.clone(), line]).collect();
        self
    }

    /// Runs the demo over the lines and compares every tree; says what the store counted.
    pub(crate) fn agrees(&self, partitions: usize, threads: usize) -> [u64; 4] {
        let file = tempfile::Builder::new().suffix(".jsonl").tempfile().expect("a temporary file");
        std::fs::write(file.path(), self.lines.join(&b'\n')).expect("the temporary file takes the lines");
        let questions = [self.questions(), &[PROGRESS]].concat();
        let demo = Demo::run(&[file.path()], partitions, threads, &questions);
        let mut answers: Vec<Vec<Value>> = demo.answers.iter().map(|answer| rows(answer)).collect();
        let progress = answers.pop().expect("an answer to every question");
        self.judge(&answers);
        sums(&progress)
    }

    /// Asks a store, and fails unless it holds what must come of the events.
    pub(crate) fn compare(&self, ask: impl Fn(&str) -> Vec<Value>) {
        self.judge(&self.questions().iter().map(|question| ask(question)).collect::<Vec<_>>());
    }

    fn questions(&self) -> &'static [&'static str] {
        match self.truth {
            Truth::Trees(_) => &[CASCADES, THREADS],
            Truth::Tables(_) => &TABLES,
        }
    }

    fn judge(&self, answers: &[Vec<Value>]) {
        match &self.truth {
            Truth::Trees(truth) => judge_trees(truth, &answers[0], &answers[1]),
            Truth::Tables(expectation) => {
                let rows: String = answers.iter().flatten().map(|row| format!("{row}\n")).collect();
                expectation.compare(&rows, &self.name);
            }
        }
    }

    /// What the store must count after every line was read once: read, accepted, duplicates, rejected.
    pub(crate) fn counts(&self) -> [u64; 4] {
        self.counts_of_copies(1)
    }

    /// The same after every line was read so many times.
    pub(crate) fn counts_of_copies(&self, copies: u64) -> [u64; 4] {
        let [read, accepted, duplicates, rejected] = match &self.truth {
            Truth::Tables(expectation) => sums(&expectation.of_table("progress")),
            Truth::Trees(truth) => {
                let total = |name: &str| truth["totals"][name].as_u64();
                let events = total("accepted").or_else(|| total("events")).expect("a total");
                let [facts, none] = self.beside;
                let events = events + facts;
                let (duplicates, rejected) = (total("duplicates").unwrap_or(0), total("rejects").unwrap_or(0) + none);
                [events + duplicates + rejected, events, duplicates, rejected]
            }
        };
        [copies * read, accepted, copies * (accepted + duplicates) - accepted, copies * rejected]
    }
}

/// Compares every tree: the answers to [`CASCADES`] and [`THREADS`] with the truth.
fn judge_trees(truth: &Value, cascades: &[Value], threads: &[Value]) {
    let mut differences = Vec::new();
    for (list, kind, found) in [("cascades", "share", cascades), ("threads", "reply", threads)] {
        compare_trees(&trees(truth, list, kind), found, &mut differences);
    }
    assert!(
        differences.is_empty(),
        "{} differences, the first: {:#?}",
        differences.len(),
        &differences[..differences.len().min(10)]
    );
}

/// The trees that must have a row: those with more than the root.
fn trees<'a>(truth: &'a Value, list: &str, kind: &str) -> BTreeMap<String, &'a Value> {
    let all = truth.get(list).or_else(|| truth.get("trees")).and_then(Value::as_array).expect("the truth lists trees");
    let of_kind = |tree: &&Value| tree.get("types").is_none_or(|types| types.get(kind).is_some());
    all.iter()
        .filter(|tree| tree["size"].as_u64() > Some(1))
        .filter(of_kind)
        .map(|tree| (tree["root"].as_str().expect("a root is text").to_owned(), tree))
        .collect()
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

/// So many events of a generated week, none of them twice: each is accepted.
pub(crate) fn distinct(events: usize) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("week.jsonl");
    // A few in a hundred are copies.
    generate(7, events + events / 10, &file);
    let mut seen = HashSet::new();
    let is_first = |line: &Vec<u8>| {
        let record = Record { payload: Some(line), ..Record::default() };
        let event = parse(&record).expect("the generator makes events");
        seen.insert((event.event_type(), event.id.into_owned()))
    };
    let lines: Vec<Vec<u8>> = lines_in(&std::fs::read(&file).expect("the week is there")).into_iter().filter(is_first).collect();
    assert!(lines.len() >= events, "only {} of them are no copies", lines.len());
    lines.into_iter().take(events).collect()
}

/// Writes a generated week into a file.
pub(crate) fn generate(seed: u64, events: usize, file: &Path) {
    let mut command = grapevine();
    command.args(["generate", "--seed", &seed.to_string(), "--events", &events.to_string(), "--output"]).arg(file);
    succeeded(command.output().expect("the generator starts"));
}

/// The lines that become records: all that are not blank.
pub(crate) fn lines_in(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).map(<[u8]>::to_vec).collect()
}

/// A file of the project's own data.
pub(crate) fn own_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Brings lines into an order of no meaning, the same every time.
pub(crate) fn shuffle(lines: &mut [Vec<u8>]) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..lines.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        lines.swap(last, usize::try_from(state >> 33).unwrap() % (last + 1));
    }
}

/// The answer to [`PROGRESS`]: read, accepted, duplicates, rejected.
pub(crate) fn sums(answer: &[Value]) -> [u64; 4] {
    let row = &answer[0];
    ["read", "accepted", "duplicates", "rejected"].map(|column| number(&row[column]))
}
