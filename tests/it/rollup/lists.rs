//! What a run does not ask because nothing could come of it, held to the questions themselves.
//!
//! A run leaves out what has no row in any table that its list comes down to, through models. So each question is asked with just those tables
//! empty and all others filled, and must have no row; and with one name of its list filled again, and must have some: else the rows here would
//! not show that the name is missing in a list.

use std::collections::BTreeSet;

use grapevine::rollup::{self, ANSWERS, MODELS, Made, Request, Run};

use crate::store::Database;

/// Trees: a post of acme that was shared and answered, and one that addresses it.
const TREES: [&str; 5] = [
    "INSERT INTO root (root, source, opened, version, root_seen, root_time, root_is_brand, root_to_brand, brand, channel, community, experiment) VALUES
        ('p', 't/0', 1, 9, true, '2025-05-05 12:00:00', true, false, 'acme', 'x', 'a', 'e'),
        ('q', 't/0', 2, 9, true, '2025-06-01 12:00:00', false, true, 'acme', 'x', 'b', '')",
    "INSERT INTO activity_window (window_start, root, source, opened, version, posts, shares, replies, brand_replies, mentions, sharers, repliers, share_minutes, brand_reply_minutes) VALUES
        ('2025-05-05 12:00:00', 'p', 't/0', 1, 9, 1, 1, 1, 0, 1, [21], [22], [3], []),
        ('2025-05-05 12:15:00', 'p', 't/0', 1, 9, 0, 0, 1, 1, 0, [], [20], [], [1]),
        ('2025-06-01 12:00:00', 'q', 't/0', 2, 9, 1, 0, 0, 0, 1, [], [], [], [])",
    "INSERT INTO cascade (root, source, opened, version, size, max_depth, levels, s1, s2, first_time, last_time, spreaders, top_nodes) VALUES
        ('p', 't/0', 1, 9, 2, 1, [1, 1], 1, 1, '2025-05-05 12:00:00', '2025-05-05 12:03:00', 2, [(21, 1, 1, 1, false), (20, 1, 1, 1, true)])",
    "INSERT INTO thread (root, source, opened, version, size, max_depth, levels, s1, s2, first_time, last_time, dyad_fwd, customer_quarters) VALUES
        ('p', 't/0', 1, 9, 3, 1, [1, 2], 2, 2, '2025-05-05 12:00:00', '2025-05-05 12:16:00', [1], [('2025-05-05 12:00:00', 1, 0, 1, 1)])",
    "INSERT INTO progress (source, version, watermark, log_end) VALUES ('t/0', 100, '2025-06-20 00:00:00', 100)",
];

/// A click, a visit by it and a sale, what was spent and assigned, and what operators load.
const MONEY: [&str; 11] = [
    "INSERT INTO click (id, source, key_source, version, time, root, target, target_kind, target_time, path, path_actors, path_is_brand, depth, visitor, has_visitor, brand, channel) VALUES
        ('c', 't/0', 't/0', 18446744073709551615 - 10, '2025-05-05 12:06:00', 'p', 's', 'share', '2025-05-05 12:03:00', ['p', 's'], [20, 21], [true, false], 1, 7, true, 'acme', 'x')",
    "INSERT INTO visit (id, source, key_source, version, time, click, visitor, has_visitor, brand) VALUES
        ('v', 't/0', 't/0', 18446744073709551615 - 20, '2025-05-05 12:06:02', 'c', 7, true, 'acme')",
    "INSERT INTO conversion (id, source, key_source, version, time, visitor, has_visitor, brand, amount, currency) VALUES
        ('o', 't/0', 't/0', 18446744073709551615 - 30, '2025-05-06 13:00:00', 7, true, 'acme', 10, 'EUR')",
    "INSERT INTO cost (id, source, key_source, version, time, brand, amount, currency, side) VALUES
        ('k', 't/0', 't/0', 18446744073709551615 - 40, '2025-05-06 12:00:00', 'acme', 5, 'EUR', 'broadcast')",
    "INSERT INTO assignment (id, source, key_source, version, time, experiment, arm, unit, unit_type) VALUES
        ('a', 't/0', 't/0', 18446744073709551615 - 50, '2025-05-04 12:00:00', 'e', 'control', '7', 'visitor')",
    "INSERT INTO report (id, source, key_source, version, time, brand) VALUES
        ('r', 't/0', 't/0', 18446744073709551615 - 60, '2025-05-06 12:00:00', 'acme')",
    "INSERT INTO brand (valid_from, brand, margin_rate, base_currency, seconds_per_reply) VALUES ('2025-01-01', 'acme', 0.5, 'EUR', 60)",
    "INSERT INTO identity (valid_from, visitor, person) VALUES ('2025-01-01', 7, 'somebody')",
    "INSERT INTO actor (valid_from, actor, brand) VALUES ('2025-01-01', 30, 'acme')",
    "INSERT INTO removal (brand, before, since, removed) VALUES ('acme', '2025-04-01', '2025-03-01', '2025-06-01')",
    // Under a rule like this one coverage spans the weeks of posts whose windows are gone.
    "ALTER TABLE activity_window MODIFY TTL window_start + INTERVAL 50 YEAR",
];

/// Rows that nothing is said of: of an epoch that is not read, and of nobody. Beside [`TREES`] they make a run ask everything.
const NOTHING: [&str; 8] = [
    "INSERT INTO click (id, epoch, source, key_source, version) VALUES ('n', 7, 't/0', 't/0', 18446744073709551615 - 70)",
    "INSERT INTO visit (id, epoch, source, key_source, version) VALUES ('n', 7, 't/0', 't/0', 18446744073709551615 - 71)",
    "INSERT INTO conversion (id, epoch, source, key_source, version) VALUES ('n', 7, 't/0', 't/0', 18446744073709551615 - 72)",
    "INSERT INTO cost (id, epoch, source, key_source, version) VALUES ('n', 7, 't/0', 't/0', 18446744073709551615 - 73)",
    "INSERT INTO assignment (id, epoch, source, key_source, version) VALUES ('n', 7, 't/0', 't/0', 18446744073709551615 - 74)",
    "INSERT INTO report (id, epoch, source, key_source, version) VALUES ('n', 7, 't/0', 't/0', 18446744073709551615 - 75)",
    "INSERT INTO brand (valid_from, brand) VALUES ('2025-01-01', 'nobody')",
    "INSERT INTO identity (valid_from, visitor) VALUES ('2025-01-01', 1)",
];

/// What has rows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Table(&'static str),
    /// By its place in the list.
    Model(usize),
}

/// What a name means in the list of the model at a place, or of an answer: the model before it of that name, else a table.
fn source(at: usize, name: &'static str) -> Source {
    MODELS[..at].iter().position(|model| model.name == name).map_or(Source::Table(name), Source::Model)
}

/// The tables that these names come down to.
fn tables(at: usize, of: &[&'static str]) -> BTreeSet<Source> {
    let down = |name: &&'static str| match source(at, name) {
        Source::Model(model) => tables(model, MODELS[model].of),
        table @ Source::Table(_) => BTreeSet::from([table]),
    };
    of.iter().flat_map(down).collect()
}

/// What a run takes for empty where these tables are: beside them models that have rows of nothing else.
fn empty(tables: BTreeSet<Source>) -> BTreeSet<Source> {
    let mut empty = tables;
    for (at, model) in MODELS.iter().enumerate() {
        if model.of.iter().all(|name| empty.contains(&source(at, name))) {
            empty.insert(Source::Model(at));
        }
    }
    empty
}

/// A run that has made every model and got no further.
struct Stopped {
    database: Database,
    number: String,
}

impl Stopped {
    async fn of(database: Database) -> Stopped {
        // An answer that cannot be kept ends a run, and one that cannot be cleared away leaves its models.
        database.run(&format!("RENAME TABLE {} TO away", ANSWERS[0].table())).await;
        rollup::run(&database.client, Request::default()).await.unwrap_err();
        let number = "SELECT extract(name, '^model_([0-9]+)_number$') AS number FROM system.tables WHERE database = currentDatabase() AND number != ''";
        let number = database.ask(number).await;
        Stopped { database, number }
    }

    fn table(&self, source: Source) -> String {
        match source {
            Source::Table(name) => name.to_owned(),
            Source::Model(at) => format!("model_{}_{}", self.number, MODELS[at].name),
        }
    }

    /// Whether a question has a row where these tables are empty and all others are filled.
    async fn has_rows(&self, text: &str, tables: BTreeSet<Source>) -> bool {
        let mut text = text.replace("{lookback}", "30").replace("{longest_lookback}", "90");
        text = text.replace("{as_of}", "toDateTime64('2025-06-20 00:00:00', 3, 'UTC')");
        for (at, model) in MODELS.iter().enumerate() {
            text = text.replace(&format!("{{model.{}}}", model.name), &self.table(Source::Model(at)));
        }
        let rows = self.database.rows();
        let none: Vec<_> = empty(tables).into_iter().map(|source| format!("'{rows}.{}': '0'", self.table(source))).collect();
        let question = format!("SELECT 1 FROM (\n{text}) LIMIT 1 SETTINGS additional_table_filters = {{{}}}", none.join(", "));
        !self.database.ask(&question).await.is_empty()
    }
}

#[tokio::test]
async fn a_question_has_rows_of_each_name_in_its_list_and_of_nothing_else() {
    let database = Database::migrated("rollup_lists").await;
    for rows in TREES.iter().chain(&MONEY) {
        database.run(rows).await;
    }
    let stopped = Stopped::of(database).await;
    let models = MODELS.iter().enumerate().filter_map(|(at, model)| {
        let Made::Select(text) = model.made else { return None };
        Some((at, model.name, model.of, text))
    });
    let answers = ANSWERS.iter().filter_map(|answer| Some((MODELS.len(), answer.name, answer.of, answer.select?)));
    let mut wrong = Vec::new();
    for (at, name, of, text) in models.chain(answers) {
        if stopped.has_rows(text, tables(at, of)).await {
            wrong.push(format!("{name} has rows of something that is not in its list"));
        }
        for one in of {
            let others = &tables(at, of) - &tables(at, &[one]);
            if !stopped.has_rows(text, others).await {
                wrong.push(format!("{name} has no rows of {one} alone"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// How many rows each answer of a run has, and a check value of them.
async fn said(database: &Database, run: &Run) -> String {
    let each = ANSWERS.iter().map(|answer| {
        let (name, table, number) = (answer.name, answer.table(), run.number);
        format!("SELECT '{name}' AS answer, count(), sum(cityHash64(tuple(* EXCEPT run))) FROM {table} WHERE run = {number}")
    });
    database.ask(&format!("SELECT * FROM ({}) ORDER BY answer", each.collect::<Vec<_>>().join(" UNION ALL "))).await
}

#[tokio::test]
async fn a_run_that_asks_everything_says_the_same() {
    let database = Database::migrated("rollup_everything").await;
    for rows in TREES {
        database.run(rows).await;
    }
    let of_trees = rollup::run(&database.client, Request::default()).await.unwrap();
    for rows in NOTHING {
        database.run(rows).await;
    }
    let of_everything = rollup::run(&database.client, Request::default()).await.unwrap();
    assert_eq!(said(&database, &of_trees).await, said(&database, &of_everything).await);
    let filled: Vec<&str> = of_trees.rows.iter().filter_map(|(name, rows)| (*rows > 0).then_some(*name)).collect();
    assert_eq!(
        filled,
        [
            "activity_daily",
            "answer_times",
            "buzz",
            "carriers",
            "click_lag",
            "coverage",
            "freshness",
            "people",
            "places",
            "roi_cohort"
        ]
    );
}
