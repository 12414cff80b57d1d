//! How fast events are decoded and folded, on the two files of real events.
//!
//! Read the figures as ratios within one run; the last ones stand in docs/benchmarks.md.
#![expect(clippy::panic, reason = "a benchmark that cannot measure says why and ends")]

use std::hint::black_box;
use std::io::Read;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use grapevine::engine::{Engine, Rules};
use grapevine::event::parse;
use grapevine::record::Record;

const FILES: [&str; 2] = ["weibo_ced", "reddit_college"];

fn lines(name: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../shared/data/{name}_dev.jsonl.gz"));
    let missing = "this benchmark needs the folder of real events, other people's data that lie beside the project";
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{missing}: {}: {error}", path.display()));
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut text).expect("the file is gzip");
    text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

fn records(lines: &[Vec<u8>]) -> Vec<Record<'_>> {
    (0..).zip(lines).map(|(offset, line)| Record { offset, payload: Some(line), ..Record::default() }).collect()
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
        budget: u64::MAX,
        reject_bytes: 65_536,
    }
}

fn fold(records: &[Record<'_>]) -> Engine {
    let mut engine = Engine::new(rules(), "bench/0".into(), 0);
    for record in records {
        engine.observe(record, parse(record));
    }
    engine
}

fn throughput(criterion: &mut Criterion) {
    for name in FILES {
        let lines = lines(name);
        let records = records(&lines);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(records.len() as u64)).sample_size(20);
        group.bench_function("decode", |bench| {
            bench.iter(|| records.iter().filter(|record| black_box(parse(record)).is_ok()).count());
        });
        group.bench_function("decode and fold", |bench| bench.iter_with_large_drop(|| fold(black_box(&records))));
        group.bench_function("flush everything", |bench| {
            bench.iter_batched_ref(|| fold(&records), |engine| black_box(engine.flush()), BatchSize::PerIteration);
        });
        group.finish();
    }
}

criterion_group!(benches, throughput);
criterion_main!(benches);
