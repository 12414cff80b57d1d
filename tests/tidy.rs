//! The rules about the code itself, executed. Each message says what to do instead.
#![expect(clippy::panic, reason = "a test that cannot go on says why and fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What is built, and git's own.
const NOT_OURS: [&str; 2] = ["target", ".git"];

/// Production lines a file may have.
const LINES_MAX: usize = 400;

struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn name(&self) -> String {
        self.path.strip_prefix(ROOT).unwrap_or(&self.path).display().to_string()
    }

    /// The text before its tests.
    fn production(&self) -> &str {
        self.text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default()
    }

    fn is_test(&self) -> bool {
        let name = self.name();
        name.starts_with("tests/") || name.contains("/tests/") || name.ends_with("/tests.rs")
    }

    /// Lines with something else than a comment on them, numbered.
    fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.production().lines()).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn files_below(folder: &str, ending: &str) -> Vec<File> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(ROOT).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                if !NOT_OURS.iter().any(|name| path.ends_with(name)) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == ending) {
                let text = std::fs::read_to_string(&path).expect("source is text");
                found.push(File { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no .{ending} files below {folder}");
    found
}

/// The sources of every crate: all of them live below `src`.
fn sources() -> Vec<File> {
    files_below("src", "rs")
}

/// The manifests of the root and of every other crate.
fn manifests() -> Vec<File> {
    files_below("", "toml").into_iter().filter(|file| file.path.ends_with("Cargo.toml")).collect()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn none(complaints: Vec<String>, cure: &str) {
    assert!(complaints.is_empty(), "{cure}:\n  {}", complaints.join("\n  "));
}

/// Lines of code outside tests that hold one of the words, in files that may not.
fn lines_with(files: &[File], words: &[&str], allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| !file.is_test() && !allowed(&file.name())) {
        for (number, line) in file.code_lines() {
            complaints.extend(
                words.iter().filter(|word| line.contains(**word)).map(|word| format!("{}:{number}: {word}", file.name())),
            );
        }
    }
    complaints
}

#[test]
fn every_file_says_what_it_is() {
    let all = [sources(), files_below("tests", "rs")].concat_files();
    let silent = all.iter().filter(|file| !file.text.starts_with("//!")).map(File::name).collect();
    none(silent, "open the file with a `//!` that says what it is and what it does not do");
}

#[test]
fn sources_stay_where_the_rules_look() {
    let all = files_below("", "rs");
    let strays = all.iter().map(File::name).filter(|name| !name.starts_with("src/") && !name.starts_with("tests/"));
    none(strays.collect(), "move the file below src or tests: no other rule sees it where it is");
}

#[test]
fn files_stay_readable_in_one_sitting() {
    let long = sources();
    let long = long.iter().filter(|file| !file.is_test() && file.production().lines().count() > LINES_MAX);
    none(long.map(File::name).collect(), "split the file along a word of the domain: it has more than 400 lines");
}

#[test]
fn the_engine_is_pure() {
    let impure = [
        "tokio",
        "async ",
        // Of std::time a duration alone, which is a value; whatever tells the time is named.
        "std::time::{",
        "std::time;",
        "std::time::Instant",
        "std::time::SystemTime",
        "UNIX_EPOCH",
        "Instant",
        "SystemTime",
        "std::fs",
        "std::io",
        "std::net",
        "std::env",
        "tracing",
        "rand::",
        "std::collections::HashMap",
        "std::collections::HashSet",
        "println!",
        "prometheus",
        "Mutex",
        "thread::spawn",
    ];
    let core = files_below("src/core", "rs");
    none(lines_with(&core, &impure, |_| false), "core is made of functions of their arguments: pass what they need");
}

#[test]
fn concurrency_stays_where_it_is_looked_for() {
    let words = ["tokio::spawn", "thread::spawn", "spawn_local", "Mutex", "RwLock"];
    let homes = ["src/kafka", "src/worker", "src/command", "src/lab/embedded", "src/metrics", "src/admin", "src/service.rs"];
    let allowed = |name: &str| homes.iter().any(|home| name.starts_with(home));
    none(lines_with(&sources(), &words, allowed), "only the shell shares and spawns: hand the value over instead");
}

#[test]
fn unsafe_code_stays_where_c_is_called() {
    let homes = ["src/kafka", "src/lab/embedded/broker", "src/lab/embedded/chdb"];
    let allowed = |name: &str| homes.iter().any(|home| name.starts_with(home));
    none(lines_with(&sources(), &["unsafe {", "unsafe fn", "unsafe impl"], allowed), "call C from the modules that do already");
}

#[test]
fn nothing_is_left_for_later() {
    let words = ["TODO", "FIXME", "XXX", "dbg!(", "todo!(", "unimplemented!("];
    let mut complaints = Vec::new();
    for file in [sources(), files_below("tests", "rs")].concat_files() {
        if file.name() == "tests/tidy.rs" {
            continue;
        }
        for (number, line) in (1..).zip(file.text.lines()) {
            complaints.extend(
                words.iter().filter(|word| line.contains(**word)).map(|word| format!("{}:{number}: {word}", file.name())),
            );
        }
    }
    none(complaints, "do it, or write it under Known issues in ARCHITECTURE.md");
}

#[test]
fn lints_are_expected_with_a_reason_never_allowed() {
    none(lines_with(&sources(), &["#[allow(", "#![allow("], |_| false), "use #[expect(.., reason = \"..\")]");
}

#[test]
fn the_map_names_what_exists() {
    let map = read("ARCHITECTURE.md");
    let named =
        map.split('`').skip(1).step_by(2).filter(|word| word.contains('/') || word.ends_with(".rs") || word.ends_with(".md"));
    let is_path = |word: &&str| {
        let start = word.split('/').next().unwrap_or_default();
        ["src", "tests", "config", "deploy", "docs", ".ci"].contains(&start) && !word.contains(['<', '*', ' '])
    };
    let missing = named.filter(is_path).filter(|path| !Path::new(ROOT).join(path).exists()).map(str::to_owned).collect();
    none(missing, "ARCHITECTURE.md names files that are not there");
}

#[test]
fn the_map_names_every_module() {
    let map = read("ARCHITECTURE.md");
    let mut crates: BTreeSet<PathBuf> = manifests().iter().filter_map(|file| file.path.parent().map(Path::to_owned)).collect();
    crates.insert(Path::new(ROOT).join("src"));
    let sources = sources();
    let top = sources.iter().filter(|file| file.path.parent().is_some_and(|folder| crates.contains(folder)));
    let missing = top.map(File::name).filter(|name| !map.contains(&format!("`{name}`"))).collect();
    none(missing, "say in ARCHITECTURE.md what the module is");
}

#[test]
fn invariants_are_the_same_in_the_map_and_in_the_code() {
    let numbers = |text: &str| -> BTreeSet<String> {
        let starts = text.match_indices('I').map(|(at, _)| at);
        let standing_alone = starts.filter(|&at| at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric());
        let digits =
            standing_alone.filter_map(|at| text[at + 1..].chars().next().filter(char::is_ascii_digit).map(|digit| (at, digit)));
        digits
            .filter(|(at, _)| !text[at + 2..].starts_with(|next: char| next.is_ascii_alphanumeric()))
            .map(|(_, digit)| format!("I{digit}"))
            .collect()
    };
    let in_code: BTreeSet<String> = sources().iter().flat_map(|file| numbers(&file.text)).collect();
    assert_eq!(numbers(&read("ARCHITECTURE.md")), in_code, "every invariant is named in the map and kept somewhere in the code");
}

#[test]
fn every_dependency_has_its_reason() {
    let mut complaints = Vec::new();
    for manifest in manifests() {
        let (mut listing, mut reasoned) = (false, false);
        for line in manifest.text.lines() {
            if line.starts_with('[') {
                listing = line.ends_with("dependencies]") && line != "[dev-dependencies]";
                reasoned = false;
            } else if line.starts_with('#') {
                reasoned = true;
            } else if listing && line.contains('=') {
                if !reasoned {
                    complaints.push(format!("{}: {line}", manifest.name()));
                }
                reasoned = false;
            }
        }
    }
    none(complaints, "write the reason on the line above");
}

#[test]
fn the_changelog_says_what_this_version_needs() {
    let said = read("CHANGELOG.md");
    let of_version = said.split("\n## ").nth(1).unwrap_or_default();
    let wanted = [env!("CARGO_PKG_VERSION").to_owned(), format!("rules of revision {}", grapevine::engine::RULES_REVISION)];
    let missing = wanted.into_iter().filter(|words| !of_version.contains(words)).collect();
    none(missing, "the first section of CHANGELOG.md is of the version in Cargo.toml, and says what an upgrade needs");
}

#[test]
fn every_licence_of_the_manifest_has_its_text() {
    let missing = env!("CARGO_PKG_LICENSE")
        .split(" OR ")
        .map(|licence| format!("LICENSE-{}", licence.split('-').next().unwrap_or_default().to_uppercase()));
    none(missing.filter(|file| !Path::new(ROOT).join(file).exists()).collect(), "put the licence's text there");
}

trait ConcatFiles {
    fn concat_files(self) -> Vec<File>;
}

impl ConcatFiles for [Vec<File>; 2] {
    fn concat_files(self) -> Vec<File> {
        self.into_iter().flatten().collect()
    }
}

#[test]
fn planted_defects_still_fit_and_are_listed() {
    let listed = read("docs/defects.md");
    let mut complaints = Vec::new();
    for patch in files_below("tests/defects", "patch") {
        let name = patch.path.file_stem().unwrap_or_default().to_string_lossy().replace('_', " ");
        if !listed.contains(&format!("| {name} | `")) {
            complaints.push(format!("docs/defects.md does not say what catches: {name}"));
        }
        let mut hunks = 0;
        for part in patch.text.split("--- a/").skip(1) {
            let place = part.lines().next().unwrap_or_default();
            let target = read(place);
            for hunk in part.split("\n@@").skip(1) {
                hunks += 1;
                let before = |line: &&str| line.starts_with([' ', '-']);
                let old: Vec<&str> = hunk.lines().skip(1).filter(before).map(|line| &line[1..]).collect();
                if !target.contains(&old.join("\n")) {
                    complaints.push(format!("{}: {place} has changed", patch.name()));
                }
            }
        }
        assert!(hunks > 0, "{} has no hunk", patch.name());
    }
    none(complaints, "plant the defect again where the code is now, run .ci/defects, and list what caught it");
}

#[test]
fn keys_of_tables_hold_identity_only() {
    let identity =
        ["root", "epoch", "source", "key_source", "opened", "window_start", "id", "offset", "number", "first", "table"];
    let sql: Vec<File> = files_below("deploy/clickhouse", "sql");
    // The tables that the worker writes; dimensions are dated and loaded by people.
    let statements = sql.iter().flat_map(|file| grapevine::migrations::statements(&file.text));
    let ours = statements.filter(|text| text.contains(" TABLE ") && text.contains("epoch"));
    let keys = ours.filter_map(|text| text.split_once("ORDER BY (").map(|(_, key)| key));
    let keys: Vec<&str> = keys.filter_map(|key| key.split(')').next()).flat_map(|key| key.split(", ")).collect();
    assert!(keys.contains(&"root") && keys.contains(&"key_source"), "the tables are ordered by something");
    let others = keys.iter().filter(|column| !identity.contains(column)).map(|column| (*column).to_owned()).collect();
    none(others, "a key holds identity only: a row under another key replaces nothing, and both would be counted");
}

/// What needs the folder of real events is left out by its module's name where the folder is not there: see `.ci/test`.
#[test]
fn what_needs_the_folder_of_real_events_is_named_after_it() {
    // It has events of its own where the folder is not there.
    let free = |name: &str| name.ends_with("real_events.rs") || name.starts_with("tests/bench/") || name.ends_with("/chaos.rs");
    let mut complaints = Vec::new();
    for file in [sources(), files_below("tests", "rs")].concat_files() {
        if file.name() == "tests/tidy.rs" || free(&file.name()) {
            continue;
        }
        let before = file.text.split("mod real_events {").next().unwrap_or_default();
        complaints.extend(
            ["shared/data", "crate::real_events"]
                .iter()
                .filter(|word| before.contains(**word))
                .map(|word| format!("{}: {word}", file.name())),
        );
    }
    none(complaints, "put it into a module `real_events`, or let it use the project's own data");
}
