//! What the engine really holds, by an allocator that counts, and by the resident memory of a process of its own.
//!
//! Counts belong to a thread: a test sees its own engine and nothing of its neighbours.
#![expect(unsafe_code, reason = "an allocator is unsafe by its trait; this one only counts and hands on")]
#![expect(clippy::panic, reason = "a test that cannot go on says why and fails")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::process::Command;

use grapevine::engine::{BYTES_AN_ENTRY, CLOCK_WITNESSES, Engine, Rules, Snapshot};
use grapevine::event::{Body, Event, Reply, Share};
use grapevine::record::{Millis, Record};
use mimalloc::MiMalloc;

struct Counting;

thread_local! {
    static LIVE: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

fn count(bytes: usize, sign: i64) {
    let bytes = sign * i64::try_from(bytes).unwrap_or(i64::MAX);
    // A thread that is going down has no counters any more.
    let live = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        live.get()
    });
    PEAK.try_with(|peak| peak.set(peak.get().max(live.unwrap_or_default()))).unwrap_or_default();
}

// SAFETY: every call is handed on to the program's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: the caller keeps the contract.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: the caller keeps the contract.
        unsafe { MiMalloc.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const NOON: Millis = 1_709_553_600_000;
const MANY: u64 = 1_000_000;

fn engine() -> Engine {
    let minute = 60_000;
    let rules = Rules {
        epoch: 0,
        pseudonym_key: [7; 16],
        window: 15 * minute,
        session_gap: 30 * minute,
        watermark_lag: minute,
        future_bound: 5 * minute,
        root_retention: 30 * 24 * 60 * minute,
        clock_witnesses: CLOCK_WITNESSES,
        budget: u64::MAX,
        reject_bytes: 65_536,
    };
    Engine::new(rules, "t/0".into(), 0)
}

/// One share or reply by its number and its parent's; number 0 is the root.
type Edge = (u64, u64);

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Shares,
    Replies,
}

/// Bytes per node: held in the end, at most while events came, at most while a flush was made, and what the engine says after it.
#[derive(Debug)]
struct Cost {
    held: f64,
    folding: f64,
    flushing: f64,
    /// Held once the rows of the flush are gone: its buffers stay.
    kept: f64,
    estimated: f64,
}

fn cost(kind: Kind, edges: impl Iterator<Item = Edge>) -> Cost {
    let before = LIVE.get();
    PEAK.set(before);
    let mut engine = engine();
    for (number, (node, parent)) in (0..).zip(edges) {
        let record = Record { offset: number, timestamp: Some(NOON), ..Record::default() };
        engine.observe(&record, Ok(event(kind, node, parent)));
    }
    let (held, folding) = (LIVE.get() - before, PEAK.get() - before);
    PEAK.set(LIVE.get());
    let batch = engine.flush();
    let flushing = PEAK.get() - before;
    assert!(!batch.rows.is_empty());
    drop(batch);
    let kept = LIVE.get() - before;
    let holdings = engine.holdings();
    let a_node = |bytes: i64| bytes as f64 / holdings.nodes as f64;
    let estimated = i64::try_from(holdings.bytes).expect("bytes of a test");
    Cost {
        held: a_node(held),
        folding: a_node(folding),
        flushing: a_node(flushing),
        kept: a_node(kept),
        estimated: a_node(estimated),
    }
}

fn event(kind: Kind, node: u64, parent: u64) -> Event<'static> {
    let name = |node: u64| if node == 0 { "root".to_owned() } else { format!("a-longer-prefix-of-ids:{node}") };
    let (root, parent, actor) = ("root".into(), name(parent).into(), Some(format!("user-{}", node % 100_000).into()));
    let body = match kind {
        Kind::Shares => Body::Share(Share { actor, root, parent, ..Share::default() }),
        Kind::Replies => Body::Reply(Reply { actor, root, parent, ..Reply::default() }),
    };
    Event { id: name(node).into(), time: NOON, body }
}

/// Every node below one that came before, drawn evenly.
fn random_tree(nodes: u64) -> impl Iterator<Item = Edge> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (1..=nodes).map(move |node| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (node, (state >> 33) % node)
    })
}

#[test]
fn a_share_costs_at_most_64_bytes() {
    // Just behind a doubling of the index, where a node costs most, and a round number.
    for nodes in [917_505, MANY] {
        let cost = cost(Kind::Shares, random_tree(nodes));
        assert!(cost.held <= 64.0, "{nodes} shares: {cost:?}");
    }
}

#[test]
fn a_reply_costs_at_most_96_bytes() {
    let cost = cost(Kind::Replies, random_tree(MANY));
    assert!(cost.held <= 96.0, "{cost:?}");
}

#[test]
fn the_estimate_is_near_what_is_held() {
    for nodes in [1_000, 10_000, 100_000, MANY] {
        let cost = cost(Kind::Shares, random_tree(nodes));
        // Of a thousand nodes what an empty engine takes is a tenth by itself.
        assert!((0.8..=1.2).contains(&(cost.kept / cost.estimated)), "{nodes} shares: {cost:?}");
    }
}

#[test]
fn no_shape_of_a_tree_costs_much_more_than_a_random_one() {
    let random = cost(Kind::Shares, random_tree(MANY));
    let chain = (1..=MANY).map(|node| (node, node - 1));
    let waiting = (2..=MANY).map(|node| (node, 1)).chain([(1, 0)]);
    let orphans = (1..=MANY).map(|node| (node, node + 10 * MANY));
    let pairs = (0..MANY / 2).flat_map(|pair| [(2 * pair + 2, 2 * pair + 1), (2 * pair + 1, 2 * pair)]);
    let shapes: [(&str, Box<dyn Iterator<Item = Edge>>); 5] = [
        ("a chain, forward", Box::new(chain.clone())),
        ("a chain, backward", Box::new(chain.rev())),
        ("children before their parent", Box::new(waiting)),
        ("orphans", Box::new(orphans)),
        ("a chain whose every new tip has a waiting child", Box::new(pairs)),
    ];
    for (shape, edges) in shapes {
        let cost = cost(Kind::Shares, edges);
        // Only orphans cost more for good: each is an entry of its own in the list of those that wait.
        let bound = if shape == "orphans" { 2.3 } else { 1.1 };
        assert!(cost.held <= bound * random.held, "{shape}: {cost:?}, a random tree: {random:?}");
        assert!(cost.folding <= 1.8 * random.folding, "{shape}: {cost:?}, a random tree: {random:?}");
        assert!(cost.flushing <= 1.7 * random.flushing, "{shape}: {cost:?}, a random tree: {random:?}");
        assert!((0.9..=1.1).contains(&(cost.kept / cost.estimated)), "{shape}: {cost:?}");
    }
}

/// The kind of engine that a process of its own holds.
const KIND: &str = "GRAPEVINE_HELD";

/// What such a process says of its engine, in bytes.
#[derive(Debug)]
struct Held {
    resident: f64,
    gauge: f64,
    /// By the entries of its budget.
    promised: f64,
    /// By its bytes, before it is opened.
    foreseen: f64,
}

fn held(kind: &str) -> Held {
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(["--exact", "a_process_that_holds_an_engine", "--ignored", "--nocapture"]).env(KIND, kind);
    // What is free goes back to the system at once.
    let output = child.env("MIMALLOC_PURGE_DELAY", "0").output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let figure = |name: &str| {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap_or_else(|| panic!("{kind}: {output:?}"));
        line.trim().parse().expect("a number")
    };
    Held { resident: figure("resident"), gauge: figure("gauge"), promised: figure("promised"), foreseen: figure("foreseen") }
}

#[test]
#[ignore = "started by the other test, in a process of its own"]
fn a_process_that_holds_an_engine() {
    let kind = std::env::var(KIND).expect("its kind");
    let (roots, id_bytes, shares) = match kind.as_str() {
        "many roots" => (2 * MANY, 20, 1),
        "long ids" => (MANY / 2, 480, 1),
        "one root" => (1, 20, 2 * MANY),
        other => panic!("no kind {other}"),
    };
    let before = resident();
    let mut engine = engine();
    for number in 0..roots * shares {
        let root = format!("{:0>id_bytes$}", number % roots);
        let share =
            Share { actor: Some("user".into()), root: root.as_str().into(), parent: root.as_str().into(), ..Share::default() };
        let event = Event { id: format!("share {number}").into(), time: NOON, body: Body::Share(share) };
        let record = Record { offset: number, timestamp: Some(NOON), ..Record::default() };
        engine.observe(&record, Ok(event));
        // As a worker does: rows leave.
        if number % 100_000 == 99_999 {
            engine.flush();
        }
    }
    engine.flush();
    let (resident, holdings) = (resident() - before, engine.holdings());
    assert_eq!((holdings.roots, holdings.nodes), (roots, roots * shares));
    let foreseen = Snapshot::memory_of(&engine.snapshot().encode()).expect("its own state");
    let promised = holdings.entries * BYTES_AN_ENTRY;
    println!("\nresident {resident}\ngauge {}\npromised {promised}\nforeseen {foreseen}", holdings.bytes);
}

fn resident() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: f64 = pages.split(' ').nth(1).expect("its second number").parse().expect("a number");
    pages * 4096.0
}

#[test]
fn the_gauge_is_within_a_tenth_of_resident_memory_and_check_promises_no_less() {
    for kind in ["many roots", "long ids", "one root"] {
        let held = held(kind);
        assert!((0.9..=1.1).contains(&(held.gauge / held.resident)), "{kind}: {held:?}");
        assert!(held.promised >= 0.9 * held.resident, "{kind}: {held:?}");
        assert!((0.8..=1.4).contains(&(held.foreseen / held.resident)), "{kind}: {held:?}");
    }
}
