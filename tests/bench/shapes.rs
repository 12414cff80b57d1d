//! What a tree costs by its shape, and what carrying the state costs: time as ratios, bytes a node.
//!
//! Each figure is taken in a process of its own. Decoding is left out: events are built in place. `-- restart` measures a restart alone.

#![expect(clippy::panic, reason = "a benchmark that cannot measure says why and ends")]

mod discard;
mod measure;
mod restart;
#[expect(dead_code, reason = "these events are built in place")]
mod shares;

use std::borrow::Cow;
use std::hint::black_box;

use grapevine::engine::{CLOCK_WITNESSES, Engine, Rules};
use grapevine::event::{Body, Event, Reply, Share};
use grapevine::record::Record;
use grapevine::worker::{Checkpoints as _, Promise, StoredState};

use measure::{CHILD, Spread, Stopwatch, in_a_child, resident_bytes};
use shares::scattered;

const MILLION: u64 = 1_000_000;

const RUNS: usize = 3;

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

fn engine() -> Engine {
    Engine::new(rules(), "bench/0".into(), 0)
}

/// What a measurement builds.
#[derive(Clone, Copy)]
struct Plan {
    replies: bool,
    /// Nodes of a root before the next root begins.
    per_root: u64,
    /// The parent of a node by its number within the root; equal to the number: the root.
    parent: fn(u64) -> u64,
    /// Whether the last node comes first.
    backward: bool,
}

const CHAIN: Plan = Plan { replies: false, per_root: u64::MAX, parent: |at| at.saturating_sub(1), backward: false };
const RANDOM: Plan = Plan { parent: |at| scattered(at) % at.max(1), ..CHAIN };

impl Plan {
    fn fill(self, engine: &mut Engine, nodes: u64) {
        for number in 0..nodes {
            let (root, within) = (number / self.per_root, number % self.per_root);
            let at = if self.backward { nodes - 1 - within } else { within };
            let record = Record { offset: engine.next(), ..Record::default() };
            engine.observe(&record, Ok(self.event(root, at)));
        }
    }

    fn event(self, root: u64, at: u64) -> Event<'static> {
        let name = |at: u64| Cow::Owned(format!("event-{root}-{at}"));
        let parent = (self.parent)(at);
        let root_id: Cow<'static, str> = Cow::Owned(format!("root-{root}"));
        let parent = if parent == at { root_id.clone() } else { name(parent) };
        let actor = Some(Cow::Owned(format!("user-{}", scattered(at) % MILLION)));
        let body = if self.replies {
            Body::Reply(Reply { actor, root: root_id, parent, ..Reply::default() })
        } else {
            Body::Share(Share { actor, root: root_id, parent, ..Share::default() })
        };
        let time = 1_700_000_000_000 + i64::try_from(at).expect("a small number") * 100;
        Event { id: name(at), time, body }
    }
}

/// One measurement in this process: prints its figures.
fn measure_here(what: &str) {
    let (name, nodes) = what.split_once(' ').expect("a name and a number of nodes");
    let nodes: u64 = nodes.parse().expect("a number of nodes");
    let many_roots = Plan { per_root: 1_000, ..RANDOM };
    match name {
        "chain" => shape(CHAIN, nodes),
        "backward" => shape(Plan { backward: true, ..CHAIN }, nodes),
        "random" => shape(RANDOM, nodes),
        "thread" => shape(Plan { replies: true, ..RANDOM }, nodes),
        "many" => drop(black_box(held(many_roots, nodes))),
        "state" => state(many_roots, nodes),
        "giant" => state(RANDOM, nodes),
        "publish" => restart::publish(|engine| many_roots.fill(engine, nodes)),
        "restart" => restart::take_up(nodes),
        other => panic!("no measurement is called {other}"),
    }
}

fn shape(plan: Plan, nodes: u64) {
    let watch = Stopwatch::start();
    let mut engine = held(plan, nodes);
    let folded = watch.read().0;
    black_box(engine.flush());
    println!("fold {folded}\nboth {}", watch.read().0);
}

/// Folds so many nodes, and says how much memory each of them takes.
#[expect(clippy::cast_precision_loss, reason = "counts of nodes are far below 2^53")]
fn held(plan: Plan, nodes: u64) -> Engine {
    let mut engine = engine();
    let before = resident_bytes();
    plan.fill(&mut engine, nodes);
    println!("bytes {}", (resident_bytes() - before) / nodes as f64);
    engine
}

fn state(plan: Plan, nodes: u64) {
    let mut engine = engine();
    plan.fill(&mut engine, nodes);
    drop(engine.flush());
    let watch = Stopwatch::start();
    let frozen = engine.snapshot();
    println!("freeze {}\nfreeze_wall {}", watch.read().0, watch.read().1);
    // The engine goes on while the state is encoded: each root gets one more node, so every one is copied.
    let (before, watch) = (resident_bytes(), Stopwatch::start());
    let slowest = touch_every_root(&mut engine, plan, nodes);
    println!("touch {}\nslowest {slowest}\ncopied {}", watch.read().0, resident_bytes() - before);
    let watch = Stopwatch::start();
    let bytes = frozen.encode();
    println!("encode {}\nencode_wall {}\nsize {}", watch.read().0, watch.read().1, bytes.len());
    drop((engine, frozen));
    let watch = Stopwatch::start();
    let restored = Engine::restore(rules(), "bench/0".into(), &bytes).expect("the engine's own state");
    println!("restore {}\nrestore_wall {}", watch.read().0, watch.read().1);
    drop(bytes);
    through_the_store(restored);
}

/// Publishes a state in a local folder, and restores it from there as a worker does.
fn through_the_store(engine: Engine) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = restart::store(&restart::config(), folder.path().display().to_string());
    let runtime = restart::runtime();
    let watch = Stopwatch::start();
    runtime.block_on(store.publish("bench/0", engine.next(), Promise::default(), engine.snapshot())).expect("it is published");
    println!("publish_wall {}", watch.wall());
    drop(engine);
    let watch = Stopwatch::start();
    let StoredState { next, bytes, .. } =
        runtime.block_on(store.newest("bench/0", None)).expect("the folder can be read").expect("it is there");
    let restored = Engine::restore(rules(), "bench/0".into(), &bytes).expect("the engine's own state");
    println!("store_restore {}\nstore_restore_wall {}", watch.read().0, watch.read().1);
    assert_eq!(restored.next(), next);
}

/// Gives every root one more node; says how long the slowest of these records took, in seconds.
fn touch_every_root(engine: &mut Engine, plan: Plan, nodes: u64) -> f64 {
    let roots = 0..nodes.div_ceil(plan.per_root);
    let touch = |root| {
        let record = Record { offset: engine.next(), ..Record::default() };
        let event = plan.event(root, nodes + root);
        let watch = Stopwatch::start();
        engine.observe(&record, Ok(event));
        watch.wall()
    };
    roots.map(touch).fold(0.0, f64::max)
}

fn least(what: &str, figure: &str) -> f64 {
    Spread::of((0..RUNS).map(|_| in_a_child(what, &[])[figure]).collect()).least
}

fn main() {
    if let Ok(what) = std::env::var(CHILD) {
        return measure_here(&what);
    }
    if std::env::args().any(|argument| argument == "restart") {
        return restart::print(10 * MILLION);
    }
    println!("# shapes: CPU seconds of fold and flush, least of {RUNS} processes, a million nodes");
    let random = least("random 1000000", "both");
    println!("random tree       {random:.2} s");
    for name in ["chain", "backward"] {
        let seconds = least(&format!("{name} 1000000"), "both");
        println!("{name:<10}        {seconds:.2} s   {:.2} x the random tree (goal: 2)", seconds / random);
    }
    println!("# memory: resident bytes a node, a million nodes of one root");
    println!("cascade           {:.0} (goal: 64)", least("random 1000000", "bytes"));
    println!("thread            {:.0} (goal: 96)", least("thread 1000000", "bytes"));
    println!("# memory: resident bytes a node, in roots of a thousand nodes");
    for millions in [1, 10, 50] {
        println!("{millions:>2} M nodes        {:.0}", in_a_child(&format!("many {}", millions * MILLION), &[])["bytes"]);
    }
    println!("# state: a partition's snapshot, wall time; roots of a thousand nodes, or one giant root");
    for what in ["state 1000000", "state 10000000", "giant 10000000"] {
        let figures = in_a_child(what, &[]);
        let of = |name: &str| figures[name];
        println!(
            "{what}: {:.0} MB as bytes, {:.0} MB copied when every root is touched meanwhile",
            of("size") / 1e6,
            of("copied") / 1e6
        );
        println!(
            "    frozen in {:.0} ms; then the slowest record {:.0} ms (goal: 200 together)",
            of("freeze_wall") * 1e3,
            of("slowest") * 1e3
        );
        println!("    encoded beside the loop in {:.2} s; restored in {:.2} s", of("encode_wall"), of("restore_wall"));
        println!(
            "    through a checkpoint store in a local folder: published in {:.2} s; read, decompressed and restored in {:.2} s \
             (goal: 5), {:.2} s of CPU",
            of("publish_wall"),
            of("store_restore_wall"),
            of("store_restore")
        );
    }
    restart::print(10 * MILLION);
}
