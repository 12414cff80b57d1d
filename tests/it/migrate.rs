//! What was dropped from a database, or is in the way there, and what `grapevine migrate` makes of it.

use std::process::{Command, Stdio};

use grapevine::clickhouse::TABLES;
use grapevine::failure::Failure;
use grapevine::migrations::{self, MIGRATIONS, SchemaProblem};

use crate::commands::Said;
use crate::demo::grapevine;
use crate::store::{Database, world, write};

const EVERYTHING: &str = "SELECT table, name, type, comment, position FROM system.columns WHERE database = currentDatabase() \
    ORDER BY table, position";

fn migrating(database: &Database, arguments: &[&str]) -> Command {
    let mut command = grapevine();
    command.arg("migrate").args(arguments).env("GRAPEVINE_CLICKHOUSE_URLS", &database.config.urls[0]);
    command.env("GRAPEVINE_CLICKHOUSE_DATABASE", &database.config.database);
    command
}

fn migrate(database: &Database, arguments: &[&str]) -> Said {
    Said::of(migrating(database, arguments).output().unwrap())
}

async fn tables(database: &Database) -> Vec<String> {
    let tables = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine != 'View' ORDER BY name";
    database.ask(tables).await.lines().map(str::to_owned).collect()
}

/// What the worker finds wrong when it starts.
async fn refused(database: &Database) -> String {
    let said = database.sink().ready().await.unwrap_err();
    assert!(matches!(&said, Failure::Operator(_)), "{said}");
    said.to_string()
}

#[tokio::test]
async fn a_table_that_was_dropped_is_made_again_and_takes_rows() {
    let database = Database::migrated("dropped_table").await;
    let whole = database.ask(EVERYTHING).await;
    let tables = tables(&database).await;
    assert!(tables.len() > TABLES.len() + 10, "{tables:?}");
    for table in tables {
        database.run(&format!("DROP TABLE {table} SYNC")).await;
        if TABLES.iter().any(|written| written.name == table) || table == "store" {
            let said = refused(&database).await;
            assert!(said.contains(&format!("lacks table `{table}`")) && said.ends_with("run: grapevine migrate"), "{said}");
        }
        let done = migrations::apply(&database.client, &database.config.layout).await.unwrap();
        let expected = if table == "schema_migrations" { Vec::new() } else { vec![format!("`{table}`")] };
        assert_eq!(done.again, expected, "without what was remembered, every file is applied");
        assert!(done.lost.is_empty(), "there were no rows: {:?}", done.lost);
        assert_eq!(database.ask(EVERYTHING).await, whole, "{table}");
    }
    database.sink().ready().await.unwrap();
    write(&database.sink(), world()).await.unwrap();
    assert!(
        migrations::apply(&database.client, &database.config.layout).await.unwrap().again.is_empty(),
        "there is nothing left to do"
    );
}

/// How many tables and views a store has, in all of its databases.
async fn made(asked: &Database, of: &Database) -> usize {
    let names = format!("'{}', '{}'", of.config.database, of.rows());
    asked.ask(&format!("SELECT count() FROM system.tables WHERE database IN ({names})")).await.parse().unwrap()
}

#[tokio::test]
async fn a_migration_that_is_killed_is_finished_by_the_next_one() {
    let whole = Database::migrated("migrated_in_peace").await;
    let database = Database::absent("migrated_in_pieces");
    let all = made(&whole, &whole).await;
    let mut interrupted = 0;
    for quarter in 0..4 {
        let mut killed = migrating(&database, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while made(&whole, &database).await <= quarter * all / 4 && killed.try_wait().unwrap().is_none() {}
        killed.kill().unwrap();
        killed.wait().unwrap();
        interrupted += usize::from(made(&whole, &database).await < all);
    }
    assert!(interrupted > 0, "each was over before it was killed");
    migrate(&database, &[]).done();
    database.sink().ready().await.unwrap();
    for [one, other] in [[&whole, &database], [&whole.of_people(), &database.of_people()]] {
        assert_eq!(other.ask(EVERYTHING).await, one.ask(EVERYTHING).await);
    }
}

#[tokio::test]
async fn what_was_dropped_with_its_rows_is_said_and_ends_with_a_code() {
    let database = Database::migrated("dropped_rows").await;
    database.insert(world()).await;
    database.run("INSERT INTO fx VALUES ('2023-01-01', 'EUR', 1.1)").await;
    for table in ["cascade", "fx", "store"] {
        database.run(&format!("DROP TABLE {table} SYNC")).await;
    }
    database.run("ALTER TABLE thread DROP COLUMN sessions").await;
    let plan = migrate(&database, &["--plan"]).done();
    for statement in ["CREATE TABLE IF NOT EXISTS cascade", "ALTER TABLE thread ADD COLUMN IF NOT EXISTS sessions UInt32"] {
        assert!(plan.contains(statement), "{plan}");
    }
    assert_eq!(plan.matches("CREATE TABLE").count(), 3, "nothing else: {plan}");
    let said = migrate(&database, &[]);
    assert!(said.printed.contains("made again: `cascade`\n"), "{said:?}");
    let said = said.refused();
    for lost in
        ["table `cascade`", "table `fx` (load it again)", "checkpoint show", "column `sessions` of table `thread`", "epoch"]
    {
        assert!(said.contains(lost), "{lost}: {said}");
    }
    assert_eq!(database.ask("SELECT count() FROM cascade").await, "0");
    assert!(migrate(&database, &[]).done().ends_with("already\n"));
    write(&database.sink(), world()).await.unwrap();
    database.run("DROP TABLE cascade SYNC").await;
    let said = migrate(&database, &["--rewrite-follows"]).done();
    assert!(said.contains("made again: `cascade`\n") && said.contains("although it held rows: table `cascade`\n"), "{said}");
}

#[tokio::test]
async fn a_dropped_table_is_missed_although_no_migration_is_remembered() {
    let database = Database::migrated("forgetful").await;
    database.insert(world()).await;
    database.run("DROP TABLE schema_migrations SYNC").await;
    database.run("DROP TABLE thread SYNC").await;
    let done = migrations::apply(&database.client, &database.config.layout).await.unwrap();
    assert_eq!((done.files.len(), done.lost), (MIGRATIONS.len(), vec!["table `thread`".to_owned()]));
}

#[tokio::test]
async fn a_column_that_was_dropped_is_added_where_it_was() {
    let database = Database::migrated("dropped_column").await;
    let whole = database.ask(EVERYTHING).await;
    for (table, column) in
        [("cascade", "reach"), ("root", "tags"), ("click", "target_kind"), ("cost", "amount"), ("gap", "reason")]
    {
        database.run(&format!("ALTER TABLE {table} DROP COLUMN {column}")).await;
    }
    let said = refused(&database).await;
    assert!(said.contains("column `reach` of table `cascade`, ") && said.ends_with("run: grapevine migrate"), "{said}");
    let done = migrations::apply(&database.client, &database.config.layout).await.unwrap();
    assert_eq!((done.again.len(), done.lost.len()), (5, 0), "{done:?}");
    assert_eq!(database.ask(EVERYTHING).await, whole);
    write(&database.sink(), world()).await.unwrap();
}

#[tokio::test]
async fn a_view_that_was_dropped_is_made_again_and_the_worker_needs_none() {
    let database = Database::migrated("dropped_view").await;
    let whole = database.ask(EVERYTHING).await;
    for view in ["gaps", "cascade_row", "cascade_shape", "money"] {
        database.run(&format!("DROP VIEW {view} SYNC")).await;
    }
    database.sink().ready().await.unwrap();
    let warning = migrations::check(&database.client, &database.config.layout).await.unwrap().unwrap();
    assert!(warning.contains("`money`") && warning.ends_with("run: grapevine migrate"), "{warning}");
    let said = migrate(&database, &[]).done();
    assert_eq!(said.lines().count(), 4, "{said}");
    assert_eq!(database.ask(EVERYTHING).await, whole);
    assert_eq!(database.ask("SELECT count() FROM money").await, "0");
}

#[tokio::test]
async fn a_column_of_another_type_is_named_with_its_cure() {
    let database = Database::migrated("another_type").await;
    database.run("ALTER TABLE cascade MODIFY COLUMN reach Float64").await;
    let said = refused(&database).await;
    for arguments in [&[][..], &["--plan"]] {
        let refused = migrate(&database, arguments).refused();
        assert!(refused.contains(&said), "{refused}");
    }
    let (_, cure) = said.split_once("(ALTER").unwrap();
    let (cure, _) = cure.split_once("). If").unwrap();
    database.run(&format!("ALTER{cure}")).await;
    database.sink().ready().await.unwrap();
    write(&database.sink(), world()).await.unwrap();
}

#[tokio::test]
async fn what_is_somebody_elses_is_seen_before_anything_is_made() {
    let foreign = [
        ("foreign_table", "CREATE TABLE cascade (id UInt64, what String) ENGINE = MergeTree ORDER BY id", "`cascade`"),
        // As other programs remember their migrations.
        ("foreign_memory", "CREATE TABLE schema_migrations (version Int64, dirty UInt8) ENGINE = TinyLog", "`schema_migrations`"),
        ("foreign_view", "CREATE VIEW progress AS SELECT 1 AS version", "`progress`"),
        ("foreign_money", "CREATE TABLE money (euros UInt64) ENGINE = MergeTree ORDER BY euros AS SELECT 7 AS euros", "`money`"),
    ];
    for (name, statement, what) in foreign {
        let database = Database::absent(name).created().await;
        database.run(statement).await;
        let problem = migrations::apply(&database.client, &database.config.layout).await.unwrap_err();
        assert!(matches!(problem, SchemaProblem::InTheWay { .. }), "{problem}");
        let said = problem.to_string();
        assert!(said.contains(what) && said.contains("clickhouse.database") && !said.contains("trying again"), "{said}");
        assert_eq!(database.ask("SELECT count() FROM system.tables WHERE database = currentDatabase()").await, "1", "{name}");
    }
}
