//! Views and answers against independent computations in Python, on the real engine: each program of `tests/sql` in a database of its own.

use std::path::Path;
use std::process::Command;

use crate::store::Database;

/// Runs one program; it ends with an error and the place if a figure differs.
async fn agrees(program: &str) {
    let database = Database::migrated(&format!("sql_{program}")).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/python-venv/bin/python");
    let file = root.join("tests/sql").join(program).with_extension("py");
    let (url, name) = (database.config.urls[0].clone(), database.config.database.clone());
    let run = move || {
        Command::new(&python)
            .arg(&file)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("CLICKHOUSE_URL", url)
            .env("CLICKHOUSE_DATABASE", name)
            .env("GRAPEVINE", env!("CARGO_BIN_EXE_grapevine"))
            .output()
            .unwrap_or_else(|error| panic!("{} does not start: {error}; run: .ci/setup python", python.display()))
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "tests/sql/{program}.py:\n{}{}", text(&output.stdout), text(&output.stderr));
    assert!(!output.stdout.is_empty(), "tests/sql/{program}.py compared nothing");
}

#[tokio::test]
async fn facts_stand_once_and_dimensions_are_replaced() {
    agrees("facts").await;
}

#[tokio::test]
async fn touches_and_traffic_follow_the_sides_and_the_days_of_the_brands() {
    agrees("traffic").await;
}

#[tokio::test]
async fn clicks_come_as_soon_as_they_came() {
    agrees("click_lag").await;
}

#[tokio::test]
async fn messages_stand_at_the_hour_at_which_they_were_written() {
    agrees("answer_times").await;
}

#[tokio::test]
async fn who_carried_it_are_those_who_shared_and_none_of_the_brand() {
    agrees("carriers").await;
}

#[tokio::test]
async fn customers_are_new_once_and_what_stopped_coming_is_late() {
    agrees("customers").await;
}

#[tokio::test]
async fn returns_and_comparisons_are_what_credit_and_costs_say() {
    agrees("returns").await;
}

#[tokio::test]
async fn days_buzz_and_people_are_those_of_the_brands_time_zones() {
    agrees("audience").await;
}

#[tokio::test]
async fn coverage_says_what_is_missing() {
    agrees("coverage").await;
}

#[tokio::test]
async fn places_are_pooled_ranked_and_counted() {
    agrees("places").await;
}

#[tokio::test]
async fn effects_by_lag_are_those_of_the_same_regression() {
    agrees("response").await;
}

#[tokio::test]
async fn experiments_compare_assigned_units() {
    agrees("experiments").await;
}

#[tokio::test]
async fn credit_is_exact_under_every_rule() {
    agrees("credit").await;
}

#[tokio::test]
async fn the_ledger_adds_up_to_the_facts() {
    agrees("ledger").await;
}

#[tokio::test]
async fn cohorts_are_what_the_lines_of_credit_and_cost_say() {
    agrees("roi").await;
}

#[tokio::test]
async fn what_is_missing_shows_in_basis_and_reason() {
    agrees("missing").await;
}

#[tokio::test]
async fn the_catalogue_of_metrics_is_that_of_the_views() {
    agrees("catalogue").await;
}

#[tokio::test]
async fn every_query_of_the_cookbook_runs_and_answers() {
    agrees("cookbook").await;
}

#[tokio::test]
async fn shards_say_what_one_server_says() {
    agrees("shards").await;
}

#[tokio::test]
async fn row_policies_hold_through_the_views() {
    agrees("policies").await;
}

#[tokio::test]
async fn roles_have_grants_that_the_engine_knows() {
    agrees("users").await;
}

#[tokio::test]
async fn rules_by_age_are_what_the_engine_takes_and_coverage_knows() {
    agrees("retention").await;
}

/// What needs the folder of real events.
mod real_events {
    use super::agrees;

    #[tokio::test]
    async fn a_public_set_of_conversions_is_attributed_alike() {
        agrees("playbook").await;
    }
}

/// Every program is named by a test above; a forgotten one would be a check that never runs.
#[test]
fn every_program_is_run() {
    let here = include_str!("sql.rs");
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if path.extension().is_some_and(|extension| extension == "py") && !["stand_in", "store"].contains(&name) {
            assert!(here.contains(&format!("agrees(\"{name}\")")), "no test runs tests/sql/{name}.py");
        }
    }
}
