//! Fuzzes decode, fold, flush, snapshot and restore: no panic, and the invariants hold, whatever comes.
//!
//! The input is cut at newlines. A line that starts with `{` is taken as it is; every other line spells
//! an event in a few bytes, so that the fuzzer finds its way into trees, not only into JSON. Built and
//! run by `.ci/fuzz`.

#![no_main]

use grapevine_core::engine::{Engine, Rules};
use grapevine_core::event::parse;
use grapevine_core::record::Record;
use libfuzzer_sys::fuzz_target;

const KINDS: [&str; 7] = ["post", "share", "reply", "reaction", "delete", "sample", "click"];

/// Noon of a Monday, in the middle of the times that are taken.
const NOON: i64 = 1_709_553_600_000;

fuzz_target!(|input: &[u8]| {
    let mut engine = Engine::new(rules(), "fuzz/0".into(), 0);
    let mut totals = Totals::default();
    for line in input.split(|&byte| byte == b'\n') {
        match line.first() {
            Some(b'!') => totals.add(engine.flush()),
            Some(b'@') => engine = carried_over(engine, &mut totals),
            Some(b'{') | None => observe(&mut engine, line, line.len()),
            Some(_) => observe(&mut engine, spelled(line).as_bytes(), line.len()),
        }
    }
    totals.add(engine.flush());
    assert_eq!(totals.read, engine.next(), "I3: every record is counted once");
    let bytes = engine.snapshot().encode();
    let again = Engine::restore(rules(), "fuzz/0".into(), &bytes).expect("its own snapshot").snapshot().encode();
    assert_eq!(bytes, again, "the same state is the same bytes");
    drop(Engine::restore(rules(), "fuzz/0".into(), input));
});

/// A small budget, a short retention and a clock that two records move, so that lives end.
fn rules() -> Rules {
    Rules {
        epoch: 0,
        pseudonym_key: [7; 16],
        window: 900_000,
        session_gap: 1_800_000,
        watermark_lag: 60_000,
        future_bound: 300_000,
        root_retention: 600_000,
        clock_witnesses: 2,
        budget: 200,
        reject_bytes: 64,
    }
}

fn observe(engine: &mut Engine, payload: &[u8], salt: usize) {
    let timestamp = i64::try_from(salt).ok().map(|salt| NOON + salt * 600_000);
    let record = Record { offset: engine.next(), timestamp, payload: Some(payload), ..Record::default() };
    let event = parse(&record);
    engine.observe(&record, event);
}

/// An event in bytes: kind, root, id, parent, actor, time.
fn spelled(line: &[u8]) -> String {
    let at = |index: usize| line.get(index).copied().unwrap_or_default();
    let kind = KINDS[usize::from(at(0)) % KINDS.len()];
    let actor = if at(4) % 5 == 0 { "null".to_owned() } else { format!("\"a{}\"", at(4) % 5) };
    let root = at(1) % 4;
    let id = if kind == "post" { format!("r{root}") } else { format!("n{}", at(2) % 32) };
    let parent = if at(3) % 8 == 0 { format!("r{root}") } else { format!("n{}", at(3) % 32) };
    format!(
        r#"{{"type":"{kind}","id":"{id}","root":"r{root}","parent":"{parent}","target":"{parent}","actor":{actor},"time":{},"metric":"m","value":{}}}"#,
        NOON + i64::from(at(5)) * 100_000,
        at(4),
    )
}

fn carried_over(mut engine: Engine, totals: &mut Totals) -> Engine {
    totals.add(engine.flush());
    Engine::restore(rules(), "fuzz/0".into(), &engine.snapshot().encode()).expect("its own snapshot")
}

#[derive(Default)]
struct Totals {
    read: u64,
}

impl Totals {
    fn add(&mut self, batch: grapevine_core::engine::Batch) {
        self.read += batch.tally.read();
        for row in &batch.rows.cascades {
            let n = u128::from(row.size);
            let wiener = n * u128::from(row.s1) - row.s2;
            assert!(wiener >= (n - 1) * (n - 1) && wiener <= n * (n * n - 1) / 6, "between a star's and a chain's");
            assert_eq!(row.levels.iter().sum::<u64>(), row.size);
        }
    }
}
