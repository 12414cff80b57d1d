//! `structure_exact` is said of whole trees only: whatever a small budget ends, and whenever.

use std::collections::BTreeMap;

use serde_json::{Value, json};

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

/// A copy of a post opens a life that saw the post, and may not know what an earlier one took out of memory.
#[tokio::test]
async fn no_tree_whose_post_came_twice_is_called_exact_that_is_not() {
    judge("copied", &echoed(&Data::lines_of_a_week(12, 30_000)), 2_000).await;
}

/// Posts with one tree alone, and then with what leads from the other one to a life that is gone: every post comes again, after
/// that every quote is answered, and the brand shares wherever it has replied, and is shared on.
fn echoed(lines: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut kept = Vec::new();
    let mut echoes: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
    for line in lines {
        let Ok(event) = serde_json::from_slice::<Value>(line) else { continue };
        let is_shared = event["root"].as_str().is_some_and(|root| root.ends_with(['1', '3', '5', '7', '9']));
        if event["type"] == if is_shared { "reply" } else { "share" } {
            continue;
        }
        kept.push(line.clone());
        let (after, echoed) = echoes_of(&event);
        echoes.entry(kept.len() + after).or_default().extend(echoed.iter().map(|event| event.to_string().into_bytes()));
    }
    let behind = |at: usize| echoes.get(&at).into_iter().flatten();
    kept.iter().enumerate().flat_map(|(at, line)| behind(at).chain([line])).cloned().collect()
}

/// What follows an event, after so many others.
fn echoes_of(event: &Value) -> (usize, Vec<Value>) {
    let (id, root, time, actor) = (&event["id"], &event["root"], &event["time"], &event["actor"]);
    let share = |id: &str, parent: &Value, actor: &Value| json!({"type": "share", "kind": "repost", "id": id, "root": root, "parent": parent, "actor": actor, "time": time});
    let (first, second) = (format!("echo of {id}"), format!("echo of the echo of {id}"));
    match event["type"].as_str() {
        Some("post") => (1_500, vec![event.clone()]),
        Some("share") if event["kind"] == "quote" => {
            let answer = json!({"type": "reply", "id": first, "root": root, "parent": id, "actor": "somebody", "time": time});
            (1_600, vec![answer])
        }
        Some("reply") if event["is_brand"] == true => {
            (1_600, vec![share(&first, root, actor), share(&second, &json!(first), &json!("somebody"))])
        }
        _ => (0, Vec::new()),
    }
}
