//! The files of a deployment agree with the worker: what they name exists, and Prometheus accepts it.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use grapevine::metrics::{Health, Metrics, Rebalance};
use grapevine::record::Partition;
use prometheus::Registry;

const CATALOGUE: &str = include_str!("snapshots/it__admin__the_catalogue_is_the_golden_one.snap");

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Runs promtool with this input; how to install it if it is missing.
fn promtool(arguments: &[&str], input: &str) -> Output {
    let child = Command::new("promtool")
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child =
        child.unwrap_or_else(|error| panic!("promtool cannot be started ({error}); install it: apt-get install prometheus"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn assert_accepted(output: &Output) {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "promtool: {said}");
}

#[test]
fn promtool_accepts_the_page() {
    let health = Arc::new(Health::new(1, Duration::from_secs(60), Instant::now()));
    let metrics = Metrics::new(&Registry::new(), "events", health).unwrap();
    metrics.record_rebalance(Rebalance::Assigned);
    metrics.record_assigned(&[Partition(0)]);
    metrics.record_lag(Partition(0), Some(1), Some(0));
    assert_accepted(&promtool(&["check", "metrics"], &metrics.page().unwrap()));
}

/// Runs a program of `tests/deploy`, which ends with what is wrong with the files of a deployment, or does not notice when they are broken.
fn sound(program: &str) {
    let python = root().join("target/python-venv/bin/python");
    let output = Command::new(&python)
        .arg(root().join("tests/deploy").join(program).with_extension("py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("GRAPEVINE", env!("CARGO_BIN_EXE_grapevine"))
        .output()
        .unwrap_or_else(|error| panic!("{} does not start: {error}; run: .ci/setup python", python.display()));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "tests/deploy/{program}.py:\n{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("breakages were refused"), "tests/deploy/{program}.py refused nothing");
}

#[test]
fn systemd_knows_and_confines_the_units() {
    sound("units");
}

#[test]
fn the_image_works_without_root_a_shell_or_a_root_that_can_be_written_to() {
    sound("image");
}

#[test]
fn the_chart_renders_what_kubernetes_takes_and_refuses_what_would_fail() {
    sound("chart");
}

#[test]
fn alerts_fire_where_they_should_and_nowhere_else() {
    sound("alerts");
}

#[test]
fn compose_takes_its_file_and_what_the_file_names_is_there() {
    sound("compose");
}

#[test]
fn every_panel_for_operations_shows_a_worker_at_work() {
    sound("dashboards");
}

/// The words of a text that look like a metric of ours.
fn metrics_named_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    // The databases of rows are no metrics.
    words.filter(|word| word.starts_with("grapevine_") && !word.starts_with("grapevine_rows")).map(str::to_owned).collect()
}

#[test]
fn every_metric_that_alerts_and_documents_name_is_in_the_catalogue() {
    let catalogue = metrics_named_in(CATALOGUE);
    for path in ["deploy/prometheus/alerts.yml", "deploy/prometheus/prometheus.yml", "docs/operations.md"] {
        for name in metrics_named_in(&read(path)) {
            let family =
                ["_bucket", "_sum", "_count"].iter().fold(name.as_str(), |name, end| name.strip_suffix(end).unwrap_or(name));
            assert!(catalogue.contains(&name) || catalogue.contains(family), "{path} names {name}, which does not exist");
        }
    }
}

#[test]
fn every_metric_of_the_catalogue_is_explained_in_the_documents() {
    let explained = metrics_named_in(&read("docs/operations.md"));
    for name in metrics_named_in(CATALOGUE).iter().filter(|name| *name != "grapevine_") {
        assert!(explained.contains(name), "docs/operations.md does not mention {name}");
    }
}

#[test]
fn every_alert_says_what_to_do_in_the_documents() {
    let documents = read("docs/operations.md");
    let alerts = read("deploy/prometheus/alerts.yml");
    let names: Vec<_> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() > 5, "no alerts were found in deploy/prometheus/alerts.yml");
    for name in names {
        assert!(documents.contains(&format!("### {name}\n")), "docs/operations.md has no section {name}");
    }
}

#[test]
fn every_setting_that_the_documents_name_exists() {
    let reference = read("config/worker.toml");
    let sections: toml::Table = reference.parse().unwrap();
    for path in ["docs/operations.md", "docker-compose.yml", "deploy/Dockerfile"] {
        let text = read(path);
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        // What a build is told is no setting.
        let settings =
            words.filter(|word| word.starts_with("GRAPEVINE_") && !["GRAPEVINE_COMMIT", "GRAPEVINE_DATE"].contains(word));
        for name in settings {
            assert!(reference.contains(name) || is_variable(&sections, name), "{path} names {name}, which does not exist");
        }
    }
}

fn is_variable(sections: &toml::Table, name: &str) -> bool {
    sections.iter().any(|(section, keys)| {
        let of = |key: &String| format!("GRAPEVINE_{}_{}", section.to_uppercase(), key.to_uppercase());
        keys.as_table().unwrap().keys().any(|key| of(key) == name)
    })
}
