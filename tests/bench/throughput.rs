//! What an event costs to decode, to fold, to flush and to encode, each alone, on the two files of real events.
//!
//! Nanoseconds are read as ratios within one run. Instructions hardly jitter: more than `instructions.txt` allows is a
//! regression, and the program then ends with an error. They are counted by valgrind; without it only times are printed.
#![expect(clippy::panic, reason = "a benchmark that cannot measure says why and ends")]

#[expect(dead_code, reason = "these events are published nowhere")]
mod input;
mod measure;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::Instant;

use grapevine::clickhouse::{Table, native};
use grapevine::engine::{CLOCK_WITNESSES, Engine, Rules};
use grapevine::event::parse;
use grapevine::record::Record;
use grapevine::row::Rows;

use input::{FILES, lines};
use measure::{CHILD, Spread, in_a_child, load};

/// That of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// In the order in which an event passes them; the first is the price of having lines at all.
const STAGES: [&str; 5] = ["read", "decode", "fold", "flush", "encode"];

const RUNS: usize = 7;

/// So many of a file's events are counted by valgrind, which is slow.
const COUNTED: usize = 30_000;

/// Events a second of decoding and folding together, on one core.
const GOAL: f64 = 2e6;

/// Instructions an event of each stage, as they were when somebody last looked; a line each: file, stage, count.
const KNOWN: &str = include_str!("instructions.txt");

/// How many per cent more are taken for the compiler's whims.
const TOLERANCE: f64 = 5.0;

/// Bytes of one insert, as by default.
const BYTES_MAX: usize = 32 << 20;

/// The variable that names the file for a child.
const FILE: &str = "BENCH_FILE";

fn main() -> ExitCode {
    if let Ok(last) = std::env::var(CHILD) {
        pass(&last);
        return ExitCode::SUCCESS;
    }
    println!(
        "# throughput: an event of each stage alone, ns of {RUNS} processes (least / middle / most), instructions; {}",
        load()
    );
    println!("| events | stage | ns | instructions | known |\n|---|---|---|---|---|");
    let mut worse = 0;
    for file in FILES {
        let runs: Vec<_> = (0..RUNS).map(|_| in_a_child("encode", &[(FILE, file)])).collect();
        let spread = |stage: &str| Spread::of(runs.iter().map(|figures| figures[stage]).collect());
        let counts = instructions(file);
        for stage in &STAGES[1..] {
            let known = known(file, stage);
            let count = counts.get(stage).copied();
            let regressed = count.zip(known).is_some_and(|(count, known)| count > known * (1.0 + TOLERANCE / 100.0));
            worse += usize::from(regressed);
            let shown = |figure: Option<f64>| figure.map_or("–".to_owned(), |figure| format!("{figure:.0}"));
            let verdict = if regressed { " **more**" } else { "" };
            println!("| {file} | {stage} | {:.0} | {}{verdict} | {} |", spread(stage), shown(count), shown(known));
        }
        let both = 1e9 / (spread("decode").least + spread("fold").least);
        let met = if both >= GOAL { "met" } else { "**missed**" };
        println!("| {file} | decode and fold | {:.2} M events/s and core | goal: {} M: {met} | |", both / 1e6, GOAL / 1e6);
    }
    if worse == 0 {
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "{worse} stages take over {TOLERANCE} % more instructions than tests/bench/instructions.txt says: make them cheaper"
    );
    eprintln!("again, or write down there what they are worth now");
    ExitCode::FAILURE
}

fn known(file: &str, stage: &str) -> Option<f64> {
    let words = KNOWN.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    words.filter(|words| words.starts_with(&[file, stage])).find_map(|words| words.get(2)?.parse().ok())
}

/// Instructions an event of each stage: what a process takes that ends with it, less what one takes that ends before it.
fn instructions(file: &str) -> BTreeMap<&'static str, f64> {
    let Some(totals) = STAGES.map(|last| counted(last, file)).into_iter().collect::<Option<Vec<f64>>>() else {
        return BTreeMap::new();
    };
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    let events = lines(file).len().min(COUNTED) as f64;
    STAGES[1..].iter().zip(totals.windows(2)).map(|(stage, totals)| (*stage, (totals[1] - totals[0]) / events)).collect()
}

/// Instructions of a child up to the end of a stage; none without valgrind.
fn counted(last: &str, file: &str) -> Option<f64> {
    let program = std::env::current_exe().expect("this program has a path");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    let output = valgrind.env(CHILD, last).env(FILE, file).env("BENCH_EVENTS", COUNTED.to_string()).output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let count = said.lines().find_map(|line| line.split("Collected : ").nth(1));
    Some(count.and_then(|count| count.trim().parse().ok()).unwrap_or_else(|| panic!("valgrind counts: {said}")))
}

/// The child: passes the events of a file through the stages up to `last`, and prints the nanoseconds an event of each.
fn pass(last: &str) {
    let most = std::env::var("BENCH_EVENTS").map_or(usize::MAX, |most| most.parse().expect("a number"));
    let lines = lines(&std::env::var(FILE).expect("the parent names a file"));
    let records = (0..).zip(&lines).map(|(offset, line)| Record { offset, payload: Some(line), ..Record::default() });
    let records: Vec<Record<'_>> = records.take(most).collect();
    let report = |stage: &str, started: Instant| {
        #[expect(clippy::cast_precision_loss, reason = "a count")]
        let events = records.len() as f64;
        println!("{stage} {}", started.elapsed().as_secs_f64() * 1e9 / events);
        // What is left is not undone: the next thing that is measured is another process.
        stage == last
    };
    if last == "read" {
        return;
    }
    let mut events = Vec::with_capacity(records.len());
    let started = Instant::now();
    events.extend(records.iter().map(parse));
    if report("decode", started) {
        return std::mem::forget(black_box(events));
    }
    let mut engine = Engine::new(rules(), "bench/0".into(), 0);
    let started = Instant::now();
    for (record, event) in records.iter().zip(events) {
        engine.observe(record, event);
    }
    if report("fold", started) {
        return std::mem::forget(black_box(engine));
    }
    let started = Instant::now();
    let batch = engine.flush();
    if report("flush", started) {
        return std::mem::forget(black_box((engine, batch)));
    }
    let started = Instant::now();
    let bytes = encode(&batch.rows);
    report("encode", started);
    assert!(bytes > 0, "rows have bytes");
    std::mem::forget((engine, batch));
}

/// Makes the blocks that the sink sends of these rows, a table after the other; gives their bytes.
fn encode(rows: &Rows) -> usize {
    fn table<T: Table>(rows: &[T]) -> usize {
        let rows: Vec<&T> = rows.iter().collect();
        let blocks = native::chunks(&rows, BYTES_MAX).filter(|chunk| !chunk.is_empty()).flat_map(native::block);
        blocks.map(|piece| black_box(piece).len()).sum()
    }
    // The tables that social events have rows in.
    let Rows { roots, activity_windows, cascades, threads, rejects, progress, .. } = rows;
    [table(roots), table(activity_windows), table(cascades), table(threads), table(rejects), table(progress)].iter().sum()
}

fn rules() -> Rules {
    Rules {
        epoch: 0,
        pseudonym_key: [7; 16],
        window: 900_000,
        session_gap: 1_800_000,
        watermark_lag: 60_000,
        future_bound: 300_000,
        root_retention: 30 * 86_400_000,
        clock_witnesses: CLOCK_WITNESSES,
        budget: u64::MAX,
        reject_bytes: 65_536,
    }
}
