//! What the map says of the walk of one event is true: ARCHITECTURE.md names every file that a share passes through a real worker, and
//! none that it does not.
//!
//! The worker is built once more, with counters, and run on an empty topic and on one with a post and a share under it. What is
//! executed only where there is something to read is the walk. Each is run twice, because what happens by chance happens once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::demo::succeeded;
use crate::world::{Worker, World, files_in, until};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// How long the walk may be, leaves not counted. Lower these with it; the aim is 18 files and 4,600 lines.
const FILES_MAX: usize = 25;
const LINES_MAX: usize = 5_300;

/// A file of no more lines that calls nothing of ours is a leaf: it can be read where its name is met, or not at all.
const LEAF_LINES_MAX: usize = 130;

/// Counts and shows what passes; no event passes through it.
const WATCHERS: &str = "src/metrics";

const EVENTS: [&str; 2] = [
    r#"{"type":"post","id":"p","time":1700000000000,"actor":"a"}"#,
    r#"{"type":"share","id":"s","time":1700000001000,"actor":"b","root":"p","parent":"p"}"#,
];

/// Line and column at which a region of a file begins.
type Region = (u64, u64);

/// The regions of each file that were executed.
type Executed = BTreeMap<String, BTreeSet<Region>>;

/// The worker with counters.
fn program() -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--locked", "--quiet", "--example", "walk"]).current_dir(ROOT);
    build.env("RUSTC_WORKSPACE_WRAPPER", Path::new(ROOT).join(".ci/rustc-with-counters"));
    succeeded(build.output().unwrap());
    // This program is in the same folder of builds, below one for its profile and one for tests.
    let this = std::env::current_exe().unwrap();
    this.ancestors().nth(3).unwrap().join("release/examples/walk")
}

/// A program of the compiler's. `.ci/setup coverage` installs it.
fn tool(name: &str) -> Command {
    let asked = Command::new("rustc").args(["--print", "target-libdir"]).current_dir(ROOT).output().unwrap();
    let folder = String::from_utf8(succeeded(asked).stdout).unwrap();
    Command::new(Path::new(folder.trim()).with_file_name("bin").join(name))
}

/// A worker with counters, and its world.
struct Counted {
    world: World,
    worker: Worker,
    profile: TempDir,
}

impl Counted {
    /// It reads an empty log, and has published the state of that.
    fn start(program: &Path, name: &str) -> Counted {
        let (world, profile) = (World::migrated(1, name), tempfile::tempdir().unwrap());
        let mut counted = world.configured(Command::new(program));
        counted.env("LLVM_PROFILE_FILE", profile.path().join("%p.profraw"));
        let worker = world.start_program(counted);
        worker.wait_until_ready();
        let counted = Counted { world, worker, profile };
        counted.wait_for_states(1);
        counted
    }

    fn wait_for_states(&self, states: usize) {
        until("the states are published", || match files_in(&self.world.checkpoints()).len() {
            found if found >= states => Ok(()),
            found => Err(found),
        });
    }

    /// It reads these lines, writes them and publishes its state.
    fn read(&mut self, lines: &[&str]) {
        self.world.publish(&lines.iter().map(|line| line.as_bytes().to_vec()).collect::<Vec<_>>());
        self.world.wait_for(lines.len());
        self.wait_for_states(2);
    }

    /// It commits and stops: what it has executed.
    fn executed(self, program: &Path) -> Executed {
        let Counted { world: _world, worker, profile } = self;
        let lag = || worker.metric("grapevine_kafka_consumer_lag", "");
        until("offsets are committed", || if lag() == 0.0 { Ok(()) } else { Err(lag()) });
        worker.stop();
        executed(program, profile.path())
    }
}

/// What a program has executed, by the counters in a folder.
fn executed(program: &Path, folder: &Path) -> Executed {
    let raw = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let merged = folder.join("profile");
    succeeded(tool("llvm-profdata").args(["merge", "--sparse", "--output"]).arg(&merged).args(raw).output().unwrap());
    let mut export = tool("llvm-cov");
    export.args(["export", "--skip-functions", "--skip-expansions", "--instr-profile"]).arg(&merged).arg(program);
    let report: Value = serde_json::from_slice(&succeeded(export.output().unwrap()).stdout).unwrap();
    let files = report["data"][0]["files"].as_array().unwrap().iter();
    let ours = files.filter_map(|file| {
        let name = file["filename"].as_str()?.strip_prefix(ROOT)?.trim_start_matches('/');
        Some((name.to_owned(), entered(&file["segments"])))
    });
    ours.filter(|(_, regions)| !regions.is_empty()).collect()
}

/// Where regions begin that were executed: segments are line, column, count, whether it counts, begins a region, is a gap.
fn entered(segments: &Value) -> BTreeSet<Region> {
    let number = |value: &Value| value.as_u64().unwrap();
    let entered = |segment: &&Value| number(&segment[2]) > 0 && segment[4] == true && segment[5] == false;
    segments.as_array().unwrap().iter().filter(entered).map(|segment| (number(&segment[0]), number(&segment[1]))).collect()
}

/// The lines of a file before its tests.
fn production(name: &str) -> String {
    let text = std::fs::read_to_string(Path::new(ROOT).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    text.split("\n#[cfg(test)]\nmod tests {").next().unwrap().to_owned()
}

/// Whether a file names no function and no module of ours: types alone, and data.
fn is_leaf(name: &str) -> bool {
    let text = production(name);
    let used = |start: &str| text.split(start).skip(1).filter_map(|rest| rest.split(';').next()).collect::<Vec<_>>();
    let uses = [used("\nuse "), used("\npub use ")].concat();
    let ours = uses.iter().filter(|used| ["crate::", "super::", "self::"].iter().any(|start| used.starts_with(start)));
    let names = ours.flat_map(|used| used.split(['{', '}', ',']).filter_map(|part| part.trim().rsplit("::").next()));
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    let calls = |name: &&str| {
        let start = format!("{name}::");
        let word = |rest: &str| rest.split(|next: char| next != '_' && !next.is_ascii_lowercase()).next().map(str::to_owned);
        // What is derived is not ours.
        text.split(&start).skip(1).filter_map(word).any(|word| !word.is_empty() && word != "default")
    };
    let is_type = |name: &&str| name.starts_with(|first: char| first.is_ascii_uppercase());
    text.lines().count() <= LEAF_LINES_MAX && names.iter().all(|name| is_type(name) && !calls(name))
}

/// The files that ARCHITECTURE.md names on the walk, in its order.
fn named() -> Vec<String> {
    let map = std::fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md")).unwrap();
    let walk = map.split("\n## The walk of one event\n").nth(1).and_then(|rest| rest.trim_start().split("\n\n").next()).unwrap();
    let mut named = Vec::new();
    for word in walk.split('`').skip(1).step_by(2).filter(|word| word.starts_with("src/")) {
        if !named.iter().any(|other| other == word) {
            named.push(word.to_owned());
        }
    }
    named
}

#[test]
fn the_map_names_the_files_that_a_share_passes_and_no_others() {
    let program = &program();
    // Those without events live longer than the others, so that what only takes time is theirs, too.
    let idle = ["walk_idle", "walk_idle_again"].map(|name| Counted::start(program, name));
    let [with, with_again] = thread::scope(|scope| {
        let run = |name: &'static str| {
            scope.spawn(move || {
                let mut counted = Counted::start(program, name);
                counted.read(&EVENTS);
                counted.executed(program)
            })
        };
        ["walk", "walk_again"].map(run).map(|run| run.join().unwrap())
    });
    let [idle, idle_again] = idle.map(|counted| counted.executed(program));
    let in_idle = |name: &str, region: &Region| {
        [&idle, &idle_again].iter().any(|run| run.get(name).is_some_and(|all| all.contains(region)))
    };
    let in_both = |name: &str, region: &Region| with_again.get(name).is_some_and(|all| all.contains(region));
    let passed = |(name, regions): (&String, &BTreeSet<Region>)| {
        let new = regions.iter().filter(|region| in_both(name, region) && !in_idle(name, region)).count();
        (new > 0 && !name.starts_with(WATCHERS)).then(|| name.clone())
    };
    let passed: BTreeSet<String> = with.iter().filter_map(passed).collect();
    let named = named();
    let listed: BTreeSet<String> = named.iter().cloned().collect();
    let (missing, strange): (Vec<_>, Vec<_>) = (passed.difference(&listed).collect(), listed.difference(&passed).collect());
    assert!(missing.is_empty(), "a share passes them, and ARCHITECTURE.md does not name them on the walk: {missing:#?}");
    assert!(strange.is_empty(), "ARCHITECTURE.md names them on the walk, and a share passes nothing in them: {strange:#?}");
    let (leaves, walked): (Vec<_>, Vec<_>) = named.iter().partition(|name| is_leaf(name));
    let lines: usize = walked.iter().map(|name| production(name).lines().count()).sum();
    println!("the walk: {} files of {lines} lines, and {} leaves", walked.len(), leaves.len());
    walked.iter().for_each(|name| println!("  {name}: {}", production(name).lines().count()));
    assert!(walked.len() <= FILES_MAX && lines <= LINES_MAX, "the walk has become longer: {} files, {lines} lines", walked.len());
}
