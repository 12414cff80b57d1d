//! The small inputs of `tests/data/cases`, which once gave a wrong or a surprising answer: each asked as its README says.
//!
//! A case has its right answer, or it stands in [`NOT_YET`] and has it not: whoever mends one takes it off the list.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use grapevine::migrations::statements;

use crate::demo::{grapevine, succeeded};
use crate::events::own_file;
use crate::store::Database;

/// The cases whose answer is not right yet, by number, and what kind of fault it is.
const NOT_YET: [(&str, &str); 0] = [];

/// How many records were folded.
const READ: &str = "SELECT sum(read) FROM progress FINAL";

/// One case: its number and name, and the part of its files' paths before the ending.
struct Case {
    name: String,
    stem: PathBuf,
}

impl Case {
    fn number(&self) -> &str {
        self.name.split('_').next().unwrap()
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.stem.with_extension(ending)
    }

    fn text(&self, ending: &str) -> String {
        let path = self.file(ending);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// What is answered, or why there is no answer. That the case is folded is no part of the question.
    async fn answer(&self, database: &Database) -> Result<String, String> {
        if self.file("dims.sql").exists() {
            for statement in statements(&self.text("dims.sql")) {
                database.run(statement).await;
            }
        }
        self.fold(database).await;
        database.roll_up().await;
        let mut answers = Vec::new();
        for question in statements(&self.text("sql")) {
            let answer = async { database.client.query_raw(question).fetch_bytes("TSV")?.collect().await };
            let answer = answer.await.map_err(|error: clickhouse::error::Error| error.to_string())?;
            answers.extend(answer);
        }
        String::from_utf8(answers).map_err(|error| error.to_string())
    }

    async fn fold(&self, database: &Database) {
        let mut demo = grapevine();
        demo.env("GRAPEVINE_CLICKHOUSE_DATABASE", &database.config.database);
        demo.args(["demo", "--partitions", "1", "--clickhouse", &database.config.urls[0], "--query", READ, "--format", "TSV"]);
        demo.arg("--input").arg(self.file("jsonl"));
        let output = tokio::task::spawn_blocking(move || demo.output().unwrap()).await.unwrap();
        let lines = self.text("jsonl").lines().count();
        assert_eq!(String::from_utf8_lossy(&succeeded(output).stdout), format!("{lines}\n"), "{}", self.name);
    }
}

/// All cases, in the order of their numbers.
fn cases() -> Vec<Case> {
    let folder = own_file("cases");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut stems: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .map(|path| path.with_extension(""))
        .collect();
    stems.sort();
    let name = |stem: &Path| stem.file_name().unwrap().to_str().unwrap().to_owned();
    stems.into_iter().map(|stem| Case { name: name(&stem), stem }).collect()
}

#[tokio::test]
async fn every_case_has_its_right_answer_or_is_known_not_to_have_it_yet() {
    let (cases, not_yet) = (cases(), BTreeMap::from(NOT_YET));
    let known: Vec<&str> = cases.iter().map(Case::number).collect();
    assert!(known.len() >= 13, "cases are missing: {known:?}");
    assert!(not_yet.keys().all(|number| known.contains(number)), "NOT_YET names a case that there is not");
    let mut complaints = Vec::new();
    let database = Database::migrated("cases").await;
    for case in &cases {
        database.empty().await;
        let (answer, right) = (case.answer(&database).await, case.text("expected"));
        let is_right = answer.as_ref() == Ok(&right);
        match not_yet.get(case.number()) {
            None if !is_right => complaints.push(format!("{}: {answer:#?}, not {right:?}", case.name)),
            Some(fault) if is_right => {
                complaints.push(format!("{} is right now: take it off NOT_YET (it was: {fault})", case.name));
            }
            None | Some(_) => {}
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
