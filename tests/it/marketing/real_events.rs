//! Public data sets of marketing, as events through Kafka, worker and ClickHouse: totals come back to the cent.
//!
//! The sets are other people's and lie in the folder of real events, beside the project.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::demo::{Demo, rows, succeeded};
use crate::real_events::file;

/// A part of the data sets beside the project.
fn data(part: &str) -> PathBuf {
    file(&format!("marketing/{part}"))
}

/// The events of a data set, in a file of a folder that is gone with the test.
fn events(set: &str, part: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/marketing/events.py");
    let output = Command::new("python3").arg(program).arg(set).arg(data(part)).output().unwrap();
    let file = folder.path().join("events.jsonl");
    std::fs::write(&file, succeeded(output).stdout).unwrap();
    (folder, file)
}

#[test]
fn the_figures_of_facebook_ads_come_back_to_the_cent() {
    let (_folder, file) = events("kag", "kag_facebook_ads/KAG_conversion_data.csv");
    let question =
        "SELECT metric, count() AS ads, toString(round(sum(value), 2)) AS total FROM report_row GROUP BY metric ORDER BY metric";
    let demo = Demo::run(&[&file], 4, 1, &[question]);
    let totals: Vec<(String, String)> = rows(&demo.answers[0])
        .iter()
        .map(|row| (row["metric"].as_str().unwrap().into(), row["total"].as_str().unwrap().into()))
        .collect();
    let wanted = [
        ("approved_conversions", "1079"),
        ("clicks", "38165"),
        ("conversions", "3264"),
        ("impressions", "213434828"),
        ("spend", "58705.23"),
    ];
    assert_eq!(totals, wanted.map(|(metric, total)| (metric.to_owned(), total.to_owned())));
    assert!(rows(&demo.answers[0]).iter().all(|row| row["ads"] == "1143" || row["ads"] == 1143));
}

#[test]
fn orders_sessions_and_spend_of_the_playbook_come_back_to_the_cent() {
    let (_folder, file) = events("playbook", "dbt_attribution_playbook");
    let questions = [
        "SELECT toString(sum(amount)) AS total, count() AS orders FROM conversion_row",
        "SELECT toString(sum(amount)) AS total, count() AS days FROM cost_row",
        "SELECT count() AS sessions, uniqExact(visitor) AS customers, countIf(has_visitor) AS known FROM visit_row",
    ];
    let demo = Demo::run(&[&file], 3, 2, &questions);
    let answers: Vec<_> = demo.answers.iter().map(|answer| rows(answer)[0].clone()).collect();
    let lines = |name: &str| std::fs::read_to_string(data("dbt_attribution_playbook").join(name)).unwrap();
    let sum = |name: &str, column: usize| -> u64 {
        lines(name).lines().skip(1).map(|line| line.split(',').nth(column).unwrap().trim().parse::<u64>().unwrap()).sum()
    };
    assert_eq!(answers[0]["total"], sum("customer_conversions.csv", 2).to_string());
    assert_eq!(answers[1]["total"], sum("ad_spend.csv", 4).to_string());
    assert_eq!(answers[2]["sessions"], lines("sessions.csv").lines().count() - 1);
    assert_eq!(answers[2]["known"], answers[2]["sessions"]);
}
