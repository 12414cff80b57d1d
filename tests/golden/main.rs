//! Small histories, one theme each, and the rows that they give, kept as text.
//!
//! Every file of `tests/golden/events` is a log: one event, or one broken record, a line. Adding a file adds a
//! case. New rows are accepted with `INSTA_UPDATE=always cargo test --test golden`, after reading them;
//! and then with `GRAPEVINE_ACCEPT=1 cargo test --test golden` for `revision.txt`.
#![expect(clippy::panic, reason = "a test that cannot go on says why and fails")]

mod fold;
mod kept;
mod revision;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use fold::Case;
use grapevine::event::Reason;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// The names of the files of a folder, without their ending, sorted.
fn names(folder: &str, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(golden(folder)).unwrap_or_else(|error| panic!("tests/golden/{folder}: {error}"));
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name is text"));
    let mut names: Vec<String> = names.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect();
    names.sort();
    names
}

fn cases() -> Vec<Case> {
    let cases: Vec<Case> = names("events", ".jsonl").into_iter().map(Case::read).collect();
    assert!(!cases.is_empty(), "tests/golden/events holds no .jsonl file");
    cases
}

#[test]
fn every_history_gives_its_golden_rows() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let cases = cases();
    let differ = |case: &&Case| {
        let check = || settings.bind(|| insta::assert_snapshot!(case.name.clone(), case.text()));
        catch_unwind(AssertUnwindSafe(check)).is_err()
    };
    let different: Vec<&str> = cases.iter().filter(differ).map(|case| &*case.name).collect();
    assert!(different.is_empty(), "other rows than in tests/golden/snapshots: {different:?}");
}

#[test]
fn every_history_is_counted_once_and_adds_up() {
    cases().iter().for_each(Case::adds_up);
}

#[test]
fn every_reason_has_a_golden_reject() {
    let cases = cases();
    let found: BTreeSet<&str> = cases.iter().flat_map(Case::reasons).collect();
    assert_eq!(found, Reason::ALL.map(Reason::as_str).into_iter().collect());
}

#[test]
fn rows_know_nothing_of_the_machine() {
    let cases = cases();
    let leaking = cases.iter().filter(|case| case.text().contains(env!("CARGO_MANIFEST_DIR")));
    assert_eq!(leaking.map(|case| &*case.name).collect::<Vec<_>>(), Vec::<&str>::new());
    let again = self::cases();
    assert!(cases.iter().zip(&again).all(|(one, other)| one.text() == other.text()), "rows are a function of the log");
}

#[test]
fn every_snapshot_belongs_to_a_history() {
    assert_eq!(names("snapshots", ".snap"), names("events", ".jsonl"), "remove the snapshots of histories that are gone");
}

#[test]
fn rows_change_only_with_the_revision_of_the_rules() {
    let path = golden("revision.txt");
    let accepted = std::fs::read_to_string(&path).unwrap_or_default();
    let (accepted, now) = (revision::Revision::read(&accepted), revision::Revision::of(&cases()));
    let changed = now.changed_since(&accepted);
    assert!(
        changed.is_empty(),
        "the same events give other rows: {changed:?}. Raise RULES_REVISION in src/core/engine/rules.rs, so that running deployments \
         ask for a new epoch, and then accept by GRAPEVINE_ACCEPT=1"
    );
    if std::env::var_os("GRAPEVINE_ACCEPT").is_some() {
        std::fs::write(&path, now.to_string()).expect("revision.txt is written");
    } else {
        assert_eq!(
            now.to_string(),
            accepted.to_string(),
            "golden histories were added, changed or removed, or RULES_REVISION was raised: \
             run GRAPEVINE_ACCEPT=1 cargo test --test golden"
        );
    }
}
