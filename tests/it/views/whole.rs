//! `structure_exact` is said of whole trees only: whatever a small budget ends, and whenever.

use std::collections::BTreeMap;

use super::folded;
use crate::events::Data;
use crate::store::Database;

/// Large enough for everything.
const UNBOUNDED: u64 = u64::MAX >> 1;

/// Of each root the columns that a view shows.
type Trees = BTreeMap<String, BTreeMap<String, String>>;

/// The views that say so.
const VIEWS: [&str; 5] = ["cascade_life", "thread_life", "cascade_shape", "thread_shape", "thread_dialogue"];

/// Which life it is, how many there are, and whether it is exact. And deletes, which take nothing out of a tree: of those that came when
/// the tree had left memory, and nothing grew after them, only windows know.
const BESIDE: [&str; 6] = ["source", "opened", "version", "lives", EXACT, "deletes"];
const EXACT: &str = "structure_exact";

async fn trees(database: &Database, view: &str) -> Trees {
    let names =
        format!("SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '{view}' ORDER BY position");
    let names: Vec<String> = database.ask(&names).await.lines().map(str::to_owned).collect();
    let answer = database.ask(&format!("SELECT {} FROM {view}", names.join(", "))).await;
    let row = |line: &str| names.iter().cloned().zip(line.split('\t').map(str::to_owned)).collect::<BTreeMap<_, _>>();
    answer.lines().map(row).map(|row| (row["root"].clone(), row)).collect()
}

/// The columns that two rows of a tree differ in.
fn differences(found: &BTreeMap<String, String>, wanted: Option<&BTreeMap<String, String>>) -> Vec<String> {
    let compared = found.iter().filter(|(name, _)| !BESIDE.contains(&name.as_str()));
    let others = compared.filter(|(name, value)| wanted.and_then(|wanted| wanted.get(*name)) != Some(*value));
    others.map(|(name, value)| format!("{name} {value} and not {:?}", wanted.and_then(|wanted| wanted.get(name)))).collect()
}

async fn written(name: &str, budget: u64, lines: &[Vec<u8>]) -> Database {
    let database = Database::migrated(name).await;
    for rows in folded(budget, lines, 5_000) {
        database.insert(rows).await;
    }
    database
}

/// Folds a log with such a budget and without one: what is called exact is what it would be without one.
async fn judge(name: &str, lines: &[Vec<u8>], budget: u64) {
    let whole = written(&format!("{name}_whole"), UNBOUNDED, lines).await;
    let part = written(&format!("{name}_in_part"), budget, lines).await;
    let mut wrong = Vec::new();
    for view in VIEWS {
        let (truth, found) = (trees(&whole, view).await, trees(&part, view).await);
        let (mut exact, mut others) = (0, 0);
        for (root, row) in &found {
            let differences = differences(row, truth.get(root));
            let is_exact = row[EXACT] == "1";
            exact += usize::from(is_exact);
            others += usize::from(!differences.is_empty());
            if is_exact && !differences.is_empty() {
                wrong.push(format!("{view}: {root} is called exact, but says {differences:?}"));
            }
        }
        assert!(others > 10 && exact > 10, "{view}: {others} others, {exact} exact of {}", found.len());
    }
    assert!(wrong.is_empty(), "{} are wrong: {wrong:#?}", wrong.len());
}

#[tokio::test]
async fn no_tree_of_a_generated_week_is_called_exact_that_is_not() {
    judge("week", &Data::lines_of_a_week(11, 40_000), 2_000).await;
}

#[tokio::test]
async fn no_edge_case_is_called_exact_that_is_not() {
    judge("edge", &Data::edge_cases().lines, 1_000).await;
}
