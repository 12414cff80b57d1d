//! What there is to make: over a store without visits, nothing of what is said of visits.
//!
//! To plan a question takes the server some hundredths of a second of its processors, whether there are rows or not; so it is asked
//! only where it may have an answer. What has rows of what stands in `list`.

use std::collections::BTreeSet;

use super::Request;
use super::list::{ANSWERS, Answer, MODELS, Made, Model};
use super::store::Store;
use crate::failure::Failure;

/// What a run makes.
#[derive(Debug)]
pub(super) struct Scope {
    request: Request,
    /// What has no rows: tables of rows, models and answers.
    empty: BTreeSet<String>,
    /// Models that something reads.
    read: BTreeSet<&'static str>,
}

impl Scope {
    /// What there is to make of a store. To be asked once it is noted how far the sources are: what comes later is no part of the run.
    pub(super) async fn of(store: &Store, request: Request) -> Result<Scope, Failure> {
        // A table whose rows lie on other servers does not say how many they are. One that is missing is asked, and fails.
        let empty = "SELECT name FROM system.tables WHERE database = currentDatabase() AND total_rows = 0";
        let empty: Vec<String> = store.all("could not ask which tables have no rows", empty).await?;
        Ok(Scope::without(empty, request))
    }

    /// The same, if these tables have no rows and all others have.
    fn without(empty: Vec<String>, request: Request) -> Scope {
        let mut scope = Scope { request, empty: empty.into_iter().collect(), read: BTreeSet::new() };
        for model in MODELS {
            scope.note(model.name, model.of);
        }
        for answer in scope.asked().filter(|answer| answer.select.is_some()) {
            scope.note(answer.name, answer.of);
        }
        let by_answers = MODELS.iter().filter(|model| scope.kept().any(|answer| answer.reads(model.name)));
        scope.read = by_answers.map(|model| model.name).collect();
        for model in MODELS.iter().rev() {
            if scope.is_read(model.name) {
                let reads = MODELS.iter().map(|other| other.name).filter(|other| scope.does_read(model, other));
                scope.read.extend(reads.collect::<Vec<_>>());
            }
        }
        scope
    }

    /// Whether a model reads another one in this run.
    fn does_read(&self, model: &Model, other: &str) -> bool {
        model.made.reads(other)
            && match model.made {
                // A table has the columns of its question, which names all that it reads, and those of it that have no row.
                Made::Select(_) | Made::With(_) => true,
                // What Rust makes is made of what there is.
                Made::Attribution | Made::Returns | Made::Experiments | Made::Response => self.is_filled(other),
            }
    }

    /// Notes whether something has rows.
    fn note(&mut self, name: &str, of: &[&str]) {
        if of.iter().all(|of| self.empty.contains(*of)) {
            self.empty.insert(name.to_owned());
        } else {
            self.empty.remove(name);
        }
    }

    /// Whether a model or an answer may have rows.
    pub(super) fn is_filled(&self, name: &str) -> bool {
        !self.empty.contains(name)
    }

    /// Whether a model is read, and so has to be there, if without a row.
    pub(super) fn is_read(&self, model: &str) -> bool {
        self.read.contains(model)
    }

    /// The answers that are asked for.
    pub(super) fn asked(&self) -> impl Iterator<Item = &'static Answer> + use<> {
        let on_demand = self.request.credit_by_rule;
        ANSWERS.iter().filter(move |answer| on_demand || !answer.on_demand)
    }

    /// Those of them that may have rows.
    pub(super) fn kept(&self) -> impl Iterator<Item = &'static Answer> {
        self.asked().filter(|answer| self.is_filled(answer.name))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::answers::roi::{By, by_rule, roi};
    use crate::answers::{Brand, Ledger, Side};
    use crate::rollup::{LOOKBACK, RULE};

    /// Of these tables alone.
    fn with(tables: &[&str]) -> Scope {
        let known = MODELS.iter().map(|model| model.of).chain(ANSWERS.iter().map(|answer| answer.of)).flatten();
        let empty = known.filter(|name| !tables.contains(name)).map(|name| (*name).to_owned());
        Scope::without(empty.collect(), Request::default())
    }

    #[test]
    fn what_nobody_knows_anything_of_is_asked() {
        let scope = Scope::without(vec!["visit".to_owned()], Request::default());
        assert!(scope.is_filled("experiments") && scope.is_filled("sale") && !scope.is_filled("minute"));
    }

    /// The models that are asked for and the answers, of these tables.
    fn asked(tables: &[&str]) -> (Vec<&'static str>, Vec<&'static str>) {
        let scope = with(tables);
        let models = MODELS.iter().map(|model| model.name).filter(|name| scope.is_read(name) && scope.is_filled(name));
        (models.collect(), scope.kept().map(|answer| answer.name).collect())
    }

    #[test]
    fn of_an_empty_store_nothing_is_made() {
        assert_eq!(asked(&[]), (vec![], vec![]));
        assert!(with(&[]).read.is_empty());
    }

    #[test]
    fn of_windows_alone_nothing_is_said_of_sales() {
        let (models, answers) = asked(&["activity_window", "root", "cascade", "thread"]);
        let none = |known: &[&str], names: &[&str]| names.iter().all(|name| !known.contains(name));
        assert!(models.contains(&"happened") && answers.contains(&"activity_daily"));
        assert!(none(&models, &["sale", "touch", "credit", "cost", "minute", "unit_sale"]), "{models:?}");
        assert!(none(&answers, &["customers", "experiments", "money", "response", "path_credit"]), "{answers:?}");
    }

    #[test]
    fn what_a_question_names_is_there_if_without_a_row() {
        // What was spent stands in one answer with what was earned.
        let scope = with(&["cost"]);
        assert!(scope.is_filled("money") && !scope.is_filled("credit") && scope.is_read("credit"));
        assert!(!scope.is_read("touch"), "which Rust alone would read");
        for model in MODELS.iter().filter(|model| scope.is_read(model.name)) {
            let Made::Select(_) = model.made else { continue };
            let absent = MODELS.iter().find(|other| model.made.reads(other.name) && !scope.is_read(other.name));
            assert!(absent.is_none(), "{} names {absent:?}", model.name);
        }
    }

    #[test]
    fn of_everything_all_is_made() {
        let every: Vec<&str> = MODELS.iter().flat_map(|model| model.of).copied().collect();
        let (models, answers) = asked(&every);
        let by_default = |name: &&str| *name != "credit_by_rule";
        assert_eq!(models, MODELS.iter().map(|model| model.name).filter(by_default).collect::<Vec<_>>());
        assert_eq!(answers, ANSWERS.iter().map(|answer| answer.name).filter(by_default).collect::<Vec<_>>());
    }

    #[test]
    fn a_brand_that_neither_earned_nor_spent_has_no_returns() {
        let brand = Brand {
            name: "acme".into(),
            base_currency: "EUR".into(),
            rule: RULE,
            lookback: LOOKBACK,
            complete_to: 400 * 86_400_000,
            first_visit: Some(1),
            first_cost: Some(1),
            clicked: vec![Side::Broadcast],
            active_weeks: vec![4, 11],
        };
        let ledger = Ledger { brand, earned: vec![], spent: vec![], written: vec![] };
        for by in [By::Brand, By::Channel, By::Campaign, By::Place] {
            assert_eq!(roi(&ledger, by), vec![]);
        }
        assert_eq!(by_rule(&ledger, &[]), vec![]);
    }

    #[test]
    fn everything_has_rows_of_an_earlier_model_or_of_a_table() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/clickhouse");
        let tables: Vec<String> = ["001_tables", "004_facts", "013_removal"]
            .iter()
            .map(|file| std::fs::read_to_string(folder.join(file).with_extension("sql")).unwrap())
            .collect();
        let is_table = |name: &str| tables.iter().any(|file| file.contains(&format!("CREATE TABLE IF NOT EXISTS {name} (")));
        let models = MODELS.iter().enumerate().map(|(at, model)| (at, model.name, model.of));
        let answers =
            ANSWERS.iter().filter(|answer| answer.select.is_some()).map(|answer| (MODELS.len(), answer.name, answer.of));
        for (at, name, of) in models.chain(answers) {
            assert!(!of.is_empty(), "{name} has rows of nothing");
            for of in of {
                let is_before = MODELS[..at].iter().any(|model| model.name == *of);
                assert!(is_before || is_table(of), "{name} has rows of {of}, which is no earlier model and no table");
            }
        }
    }
}
