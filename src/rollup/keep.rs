//! How an answer is kept, which runs are, and how what is not kept goes: the last three runs and the last of each day for 90 days; of
//! answers about single people the last two: who began to read one ends with it.
//!
//! Rows of `run` stay, as the record of all runs: they are small, and readers look at the newest alone.

use std::collections::{BTreeMap, BTreeSet};

use super::Run;
use super::frame::Frame;
use super::list::{ANSWERS, Answer};
use super::store::Store;
use crate::failure::Failure;

/// Answers about single people: what they bought and where they came from.
const PERSONAL: [&str; 4] = ["carriers", "credit", "credit_by_rule", "path_credit"];

/// How many of the newest runs are kept.
const NEWEST: usize = 3;
/// For how many days the last run of each is kept.
const DAYS: u64 = 90;
const DAY_MS: u64 = 86_400_000;
/// What an unfinished run has left for so long was left by one that was killed.
const LEFT_MS: u64 = 6 * 3_600_000;

/// Makes the answers that are asked for where they are kept; says how many rows each has.
pub(super) async fn keep_answers(store: &Store, frame: &Frame) -> Result<BTreeMap<&'static str, u64>, Failure> {
    let mut rows: BTreeMap<&str, u64> = frame.scope.asked().map(|answer| (answer.name, 0)).collect();
    if frame.scope.kept().next().is_none() {
        return Ok(rows);
    }
    let columns = "SELECT table, arrayStringConcat(groupArray(name), ', ') FROM (
        SELECT table, name FROM system.columns
        WHERE database = currentDatabase() AND endsWith(table, '_run') AND name NOT IN ('run', 'as_of') ORDER BY table, position)
        GROUP BY table";
    let columns = store.all::<(String, String)>("could not list the columns of answers", columns).await?;
    let columns: BTreeMap<String, String> = columns.into_iter().collect();
    for answer in frame.scope.kept() {
        let doing = format!("could not make the answer {}", answer.name);
        let columns = columns.get(&answer.table()).map_or("", String::as_str);
        store.run(&doing, &frame.keep_answer(store, answer, columns)).await?;
    }
    let count = |table: &str| format!("SELECT count() AS rows FROM {table} WHERE run = {}", frame.number);
    let counts = of_each(frame.scope.kept(), count);
    let counts = store.all::<(String, u64)>("could not count the rows of answers", &counts).await?;
    rows.iter_mut().for_each(|(name, rows)| *rows = counts.iter().find(|(of, _)| of == name).map_or(0, |(_, rows)| *rows));
    Ok(rows)
}

/// What a question about its table says of each of these answers, beside its name.
fn of_each(answers: impl Iterator<Item = &'static Answer>, question: impl Fn(&str) -> String) -> String {
    let each = answers.map(|answer| format!("SELECT '{}', * FROM ({})", answer.name, question(&answer.table())));
    each.collect::<Vec<_>>().join(" UNION ALL ")
}

/// Drops the models of a run.
pub(super) async fn drop_models(store: &Store, run: u64) -> Result<(), Failure> {
    drop_tables(store, |of| of == run).await
}

/// Drops everything of a run: its models last, because while they are there nobody else takes the number.
pub(super) async fn clear(store: &Store, run: u64) -> Result<(), Failure> {
    drop_answers(store, run).await?;
    drop_models(store, run).await
}

/// Drops the answers of a run.
async fn drop_answers(store: &Store, run: u64) -> Result<(), Failure> {
    for answer in ANSWERS {
        drop_runs(store, answer, &[run]).await?;
    }
    Ok(())
}

async fn drop_runs(store: &Store, answer: &Answer, runs: &[u64]) -> Result<(), Failure> {
    let drop: Vec<String> = runs.iter().map(|run| format!("DROP PARTITION {run}")).collect();
    store.run("could not drop an old run", &format!("ALTER TABLE {} {}", answer.table(), drop.join(", "))).await
}

/// Drops what is old: the answers of runs that are not kept, and what killed runs have left.
pub(super) async fn forget_old(store: &Store, run: &Run) -> Result<(), Failure> {
    let is_left = |number: u64| number != run.number && number + LEFT_MS < run.number;
    drop_tables(store, is_left).await?;
    let published: Vec<u64> = store.all("could not list runs", "SELECT run FROM run ORDER BY run DESC").await?;
    // Another run may have begun later and be published already: then it is the one that is read.
    let newest = published.first().copied().unwrap_or(run.number).max(run.number);
    let kept = kept(&published, newest);
    let before = published.iter().copied().find(|run| *run < newest);
    let present = of_each(ANSWERS.iter(), |table| format!("SELECT DISTINCT run FROM {table}"));
    let present = store.all::<(String, u64)>("could not list the runs of answers", &present).await?;
    for answer in ANSWERS {
        let is_kept =
            |old: u64| if PERSONAL.contains(&answer.name) { old == newest || Some(old) == before } else { kept.contains(&old) };
        let is_old = |old: u64| !is_kept(old) && (published.contains(&old) || is_left(old));
        let old = present.iter().filter(|(name, run)| name == answer.name && is_old(*run)).map(|(_, run)| *run);
        let old: Vec<u64> = old.collect();
        if !old.is_empty() {
            drop_runs(store, answer, &old).await?;
        }
    }
    Ok(())
}

/// Of the published runs, newest first, those that are kept beside the newest.
fn kept(published: &[u64], newest: u64) -> BTreeSet<u64> {
    let mut days = BTreeSet::new();
    let last_of_a_day =
        published.iter().filter(|run| newest.saturating_sub(**run) < DAYS * DAY_MS && days.insert(**run / DAY_MS));
    let kept: BTreeSet<u64> = last_of_a_day.copied().collect();
    kept.into_iter().chain(published.iter().take(NEWEST).copied()).chain([newest]).collect()
}

/// The run whose model a table is.
fn model_run(table: &str) -> Option<u64> {
    table.strip_prefix("model_")?.split_once('_')?.0.parse().ok()
}

/// Drops the models of some runs.
async fn drop_tables(store: &Store, of: impl Fn(u64) -> bool) -> Result<(), Failure> {
    let tables = "SELECT name FROM system.tables WHERE database = currentDatabase() AND match(name, '^model_[0-9]+_')";
    let mut tables: Vec<String> = store.all("could not list models", tables).await?;
    tables.retain(|table| model_run(table).is_some_and(&of));
    if tables.is_empty() {
        return Ok(());
    }
    store.run("could not drop models", &format!("DROP TABLE IF EXISTS {} SYNC", tables.join(", "))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_three_and_the_last_of_each_day_for_ninety_days_are_kept() {
        let day = |day: u64, hour: u64| day * DAY_MS + hour * 3_600_000;
        let published = [
            day(200, 12),
            day(200, 11),
            day(200, 10),
            day(200, 9),
            day(199, 23),
            day(199, 1),
            day(111, 12),
            day(110, 12),
            day(110, 11),
        ];
        let kept = kept(&published, day(200, 12));
        assert_eq!(
            kept.into_iter().rev().collect::<Vec<_>>(),
            [day(200, 12), day(200, 11), day(200, 10), day(199, 23), day(111, 12)]
        );
    }

    #[test]
    fn models_are_told_by_their_runs_and_other_tables_are_nobodys() {
        assert_eq!(model_run("model_17_clicked"), Some(17));
        for other in ["model_clicked", "models", "model_17", "my_model_17_x"] {
            assert_eq!(model_run(other), None, "{other}");
        }
    }
}
