//! The sink and the migrations against the real engine.

mod addresses;
pub(crate) mod balanced;
mod several;
mod tls;

use std::sync::{Arc, Mutex};

use clickhouse::Row;
use grapevine::clickhouse::{Listed, TABLES};
use grapevine::failure::Failure;
use grapevine::migrations::{self, MIGRATIONS};
use grapevine::row::{
    ActivityWindow, Assignment, Cascade, Click, Conversion, Cost, Progress, Rejected, Report, Root, Rows, Thread, Visit,
};
use grapevine::worker::Sink;

use crate::store::{Database, T0_MS, post, progress, star, start, window, world, write};

/// How many rows the world has of each table.
const WORLD: [usize; 12] = [4, 8, 4, 1, 1, 1, 1, 1, 1, 1, 3, 2];

#[tokio::test]
async fn the_same_rows_four_times_are_the_rows_once() {
    let database = Database::migrated("four_times").await;
    let rows = world();
    let mut once = Vec::new();
    for time in 1..=4 {
        database.insert(rows.clone()).await;
        for Listed { name: table, .. } in TABLES {
            once.push(database.ask(&format!("SELECT * FROM {table} FINAL WHERE epoch != 65535 ORDER BY ALL")).await);
        }
        let (first, last) = (&once[..TABLES.len()], &once[once.len() - TABLES.len()..]);
        assert_eq!(first, last, "after {time} inserts");
    }
    for (content, count) in once.iter().zip(WORLD) {
        assert_eq!(content.lines().count(), count);
    }
    // Nothing was dropped as a copy on the way: the versions settled it.
    assert_eq!(database.ask("SELECT sum(rows) >= count() FROM system.parts WHERE database = currentDatabase()").await, "1");
}

#[tokio::test]
async fn the_rows_have_the_columns_of_the_tables_in_their_order() {
    let database = Database::migrated("columns").await;
    let fields = [
        Root::COLUMN_NAMES,
        ActivityWindow::COLUMN_NAMES,
        Cascade::COLUMN_NAMES,
        Thread::COLUMN_NAMES,
        Click::COLUMN_NAMES,
        Visit::COLUMN_NAMES,
        Conversion::COLUMN_NAMES,
        Cost::COLUMN_NAMES,
        Assignment::COLUMN_NAMES,
        Report::COLUMN_NAMES,
        Rejected::COLUMN_NAMES,
        Progress::COLUMN_NAMES,
    ];
    for (Listed { name: table, columns, .. }, fields) in TABLES.iter().zip(fields) {
        let made = format!(
            "SELECT name, replace(type, 'LowCardinality(String)', 'String') FROM system.columns \
             WHERE database = currentDatabase() AND table = '{table}' ORDER BY position FORMAT TSVRaw"
        );
        let announced: Vec<_> = columns.iter().map(|column| format!("{}\t{}", column.name, column.kind)).collect();
        assert_eq!(database.ask(&made).await.lines().collect::<Vec<_>>(), announced, "{table}");
        assert_eq!(columns.iter().map(|column| column.name).collect::<Vec<_>>(), fields, "{table}");
    }
    database.insert(world()).await;
    let money = "SELECT toString(amount), toString(margin_rate) FROM conversion";
    assert_eq!(database.ask(money).await, "-12.5\t0.35");
    assert_eq!(
        database.ask("SELECT toString(amount), seconds, period_start FROM cost").await,
        "0.000001\t90\t2023-11-14 22:15:00.000"
    );
    let click = "SELECT target_kind, target_time, path, path_actors, path_is_brand FROM click";
    assert_eq!(database.ask(click).await, "unknown\t\\N\t['a']\t[7]\t[true]");
}

#[tokio::test]
async fn the_list_of_tables_has_all_that_hold_rows_of_an_epoch() {
    let database = Database::migrated("listed").await;
    let made = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine != 'View' \
        AND name IN (SELECT table FROM system.columns WHERE database = currentDatabase() AND name = 'epoch') ORDER BY name";
    // Commands write these two.
    let mut listed: Vec<_> = TABLES.iter().map(|table| table.name).chain(["active_epoch", "gap", "loss"]).collect();
    listed.sort_unstable();
    assert_eq!(database.ask(made).await.lines().collect::<Vec<_>>(), listed);
}

#[tokio::test]
async fn every_table_column_and_view_says_what_it_is() {
    let database = Database::migrated("comments").await;
    let silent = "SELECT table || '.' || name FROM system.columns WHERE database = currentDatabase() AND comment = '' \
        AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine != 'View')";
    assert_eq!(database.ask(silent).await, "");
    assert_eq!(database.ask("SELECT name FROM system.tables WHERE database = currentDatabase() AND comment = ''").await, "");
}

#[tokio::test]
async fn events_of_150_months_go_in_one_insert_and_one_part() {
    let database = Database::migrated("months").await;
    let month = |at: u32| ActivityWindow { window_start: 1_209_600 + at * 2_629_800, shares: 1, ..window("r", 0) };
    database.insert(Rows { activity_windows: (0..150).rev().map(month).collect(), ..Rows::default() }).await;
    assert_eq!(database.ask("SELECT count(), uniqExact(toYYYYMM(window_start)) FROM activity_window").await, "150\t150");
    let parts =
        "SELECT uniqExact(partition_id) FROM system.parts WHERE database = currentDatabase() AND table = 'activity_window'";
    assert_eq!(database.ask(parts).await, "1");
}

#[tokio::test]
async fn migrating_twice_and_at_the_same_time_does_no_harm() {
    let database = Database::absent("migrations");
    assert_eq!(migrations::plan(&database.client, &database.config.layout).await.unwrap().files().len(), MIGRATIONS.len());
    let (one, other) = futures::join!(
        migrations::apply(&database.client, &database.config.layout),
        migrations::apply(&database.client, &database.config.layout)
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(one.files.len().max(other.files.len()) == MIGRATIONS.len());
    assert!(one.lost.is_empty() && other.lost.is_empty());
    assert!(migrations::apply(&database.client, &database.config.layout).await.unwrap().files.is_empty());
    assert!(migrations::check(&database.client, &database.config.layout).await.unwrap().is_none());
    assert_eq!(
        database.ask("SELECT number, name FROM schema_migrations FINAL ORDER BY number").await,
        MIGRATIONS.iter().map(|migration| format!("{}\t{}", migration.number, migration.name)).collect::<Vec<_>>().join("\n")
    );
}

#[tokio::test]
async fn views_of_another_build_are_made_anew_and_tables_are_refused() {
    let database = Database::migrated("upgrade").await;
    database.run("CREATE OR REPLACE VIEW activity AS SELECT 'of another build' AS brand").await;
    database.run("INSERT INTO schema_migrations VALUES (2, '002_views.sql', 1, now64(3))").await;
    let columns = "SELECT table, name, type FROM system.columns WHERE database = currentDatabase() ORDER BY table, position";
    let fresh = Database::migrated("upgraded").await.ask(columns).await;
    assert!(
        migrations::check(&database.client, &database.config.layout)
            .await
            .unwrap()
            .unwrap()
            .starts_with("the views of 002_views.sql")
    );
    let applied = migrations::apply(&database.client, &database.config.layout).await.unwrap().files;
    assert!(applied.iter().all(|migration| migration.is_views()));
    assert_eq!(database.ask(columns).await, fresh, "the views are those of a new database");
    assert!(migrations::check(&database.client, &database.config.layout).await.unwrap().is_none());
    database.run("INSERT INTO schema_migrations VALUES (1, '001_tables.sql', 1, now64(3))").await;
    let problem = migrations::check(&database.client, &database.config.layout).await.unwrap_err().to_string();
    assert!(problem.starts_with("001_tables.sql was applied with another text"), "{problem}");
    assert!(problem.contains("a new database") && problem.contains("a new epoch"), "{problem}");
    let refused = migrations::apply(&database.client, &database.config.layout).await.unwrap_err().to_string();
    assert_eq!(refused, problem, "nor is it migrated");
}

#[tokio::test]
async fn a_store_without_its_schema_says_what_to_run() {
    let database = Database::absent("nothing");
    let said = database.sink().ready().await.unwrap_err();
    assert!(matches!(&said, Failure::Operator(text) if text.ends_with("run: grapevine migrate")), "{said}");
    let said = write(&database.sink(), world()).await.unwrap_err();
    assert!(matches!(&said, Failure::Operator(text) if text.ends_with("run: grapevine migrate")), "{said}");
    migrations::apply(&database.client, &database.config.layout).await.unwrap();
    database.sink().ready().await.unwrap();
}

#[tokio::test]
async fn every_insert_is_found_by_its_source_and_offset() {
    let mut database = Database::migrated("found").await;
    database.config.settings = [("max_threads".to_owned(), "3".to_owned())].into();
    // What the engine makes of an insert: it keeps no query_log.
    for table in ["root", "progress", "cascade"] {
        database
            .run(&format!(
                "CREATE MATERIALIZED VIEW seen_{table} (of String, threads UInt64) ENGINE = MergeTree ORDER BY of AS \
                 SELECT getSetting('log_comment') AS of, getSetting('max_threads') AS threads FROM {table}"
            ))
            .await;
    }
    let sink = database.sink();
    sink.insert(&Rows { roots: vec![post("r")], ..Rows::default() }, "t/0@7").await.unwrap();
    write(&sink, Rows { progress: vec![progress("t/0", 7, 0), progress("t/1", 9, 0)], ..Rows::default() }).await.unwrap();
    // The mark of a table of lives is an insert, too.
    for (table, of) in [("root", "t/0@7\nt/0@7 t/1@9"), ("progress", "t/0@7 t/1@9"), ("cascade", "t/0@7 t/1@9")] {
        assert_eq!(database.ask(&format!("SELECT DISTINCT of FROM seen_{table} ORDER BY of")).await, of, "{table}");
        assert_eq!(database.ask(&format!("SELECT DISTINCT threads FROM seen_{table}")).await, "3", "{table}");
    }
}

#[tokio::test]
async fn a_table_may_have_more_columns_and_not_fewer() {
    let database = Database::migrated("changed").await;
    let sink = database.sink();
    let rows = || Rows { cascades: vec![star("r", 1)], ..Rows::default() };
    sink.insert(&rows(), "").await.unwrap();
    database.run("ALTER TABLE cascade ADD COLUMN later UInt8").await;
    sink.insert(&rows(), "").await.unwrap();
    database.run("ALTER TABLE cascade RENAME COLUMN reach TO reached").await;
    for sink in [sink, database.sink()] {
        let said = sink.insert(&rows(), "").await.unwrap_err();
        assert!(matches!(&said, Failure::Operator(text) if text.contains("grapevine migrate")), "{said}");
    }
    assert_eq!(database.ask("SELECT count() FROM cascade FINAL").await, "1");
}

#[tokio::test]
async fn a_type_that_changed_is_refused_unless_it_is_a_text_all_the_same() {
    let database = Database::migrated("retyped").await;
    let sink = database.sink();
    let rows = || Rows { roots: vec![post("r")], ..Rows::default() };
    sink.insert(&rows(), "").await.unwrap();
    database.run("ALTER TABLE root MODIFY COLUMN brand String").await;
    sink.insert(&rows(), "").await.unwrap();
    database.run("ALTER TABLE root MODIFY COLUMN brand LowCardinality(String)").await;
    sink.insert(&rows(), "").await.unwrap();
    assert_eq!(database.ask("SELECT count() FROM root FINAL").await, "1");
    database.run("ALTER TABLE root MODIFY COLUMN root_time DateTime64(6, 'UTC')").await;
    let said = sink.insert(&rows(), "").await.unwrap_err();
    assert!(matches!(&said, Failure::Operator(text) if text.contains("grapevine migrate")), "{said}");
}

#[tokio::test]
async fn a_column_that_goes_and_comes_back_stops_inserts_only_meanwhile() {
    let database = Database::migrated("column_gone").await;
    let sink = database.sink();
    let rows = || Rows { cascades: vec![star("r", 1)], ..Rows::default() };
    sink.insert(&rows(), "").await.unwrap();
    let column = database
        .ask("SELECT type FROM system.columns WHERE database = currentDatabase() AND table = 'cascade' AND name = 'reach'")
        .await;
    database.run("ALTER TABLE cascade DROP COLUMN reach").await;
    for attempt in 1..=2 {
        let said = sink.insert(&rows(), "").await.unwrap_err();
        assert!(matches!(&said, Failure::Operator(text) if text.contains("grapevine migrate")), "attempt {attempt}: {said}");
    }
    database.run(&format!("ALTER TABLE cascade ADD COLUMN reach {column}")).await;
    sink.insert(&rows(), "").await.unwrap();
}

#[tokio::test]
async fn a_table_that_takes_no_rows_for_good_needs_somebody() {
    let database = Database::migrated("read_only").await;
    let sink = database.sink();
    let rows = || Rows { cascades: vec![star("r", 1)], ..Rows::default() };
    database.run("ALTER TABLE cascade MODIFY SETTING table_readonly = 1").await;
    let said = sink.insert(&rows(), "").await.unwrap_err();
    assert!(matches!(&said, Failure::Operator(text) if text.contains("table_readonly = 0")), "{said}");
    database.run("ALTER TABLE cascade MODIFY SETTING table_readonly = 0").await;
    sink.insert(&rows(), "").await.unwrap();
}

#[tokio::test]
async fn the_newest_version_is_that_of_any_table_of_the_source() {
    let database = Database::migrated("newest").await;
    let sink = database.sink();
    assert_eq!(sink.newest_version("t/0").await.unwrap(), None);
    database.insert(world()).await;
    assert_eq!(sink.newest_version("t/0").await.unwrap(), Some(100));
    let ahead = Cascade { version: 120, ..star("m", 1) };
    let of_another_epoch = Cascade { version: 900, epoch: 1, ..star("m", 1) };
    database.insert(Rows { cascades: vec![ahead, of_another_epoch], ..Rows::default() }).await;
    assert_eq!(sink.newest_version("t/0").await.unwrap(), Some(120));
    assert_eq!(sink.newest_version("t/1").await.unwrap(), Some(50));
    assert_eq!(sink.newest_version("t/2").await.unwrap(), None);
    // A fact's version counts its offset down.
    let visit = Visit { source: "t/3".into(), key_source: "t/3".into(), version: u64::MAX - 41, ..Visit::default() };
    database.insert(Rows { visits: vec![visit], ..Rows::default() }).await;
    assert_eq!(sink.newest_version("t/3").await.unwrap(), Some(42));
    // Nothing was read of an empty log that begins at 0, and its row of `progress` says so.
    database.insert(Rows { progress: vec![progress("t/4", 0, 0)], ..Rows::default() }).await;
    assert_eq!(sink.newest_version("t/4").await.unwrap(), Some(0));
}

#[tokio::test]
async fn every_insert_is_observed_and_progress_comes_last() {
    let database = Database::migrated("observed").await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = seen.clone();
    let sink = database
        .sink()
        .with_observer(move |attempt| notes.lock().unwrap().push((attempt.table, attempt.rows, attempt.error.is_none())));
    write(&sink, world()).await.unwrap();
    let expected = TABLES.iter().zip(WORLD).map(|(table, rows)| (table.name, rows, true));
    assert_eq!(TABLES.last().unwrap().name, "progress");
    assert!(seen.lock().unwrap().iter().copied().eq(expected), "{seen:?}");
    assert_eq!(database.ask("SELECT DISTINCT toUnixTimestamp64Milli(written) FROM progress").await, T0_MS.to_string());
}

#[tokio::test]
async fn the_same_rows_before_and_after_a_restart_are_the_rows_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut contents = Vec::new();
    for _ in 0..2 {
        let mut process = start(folder.path());
        let database = Database::at(process.url(), "restart");
        migrations::apply(&database.client, &database.config.layout).await.unwrap();
        for _ in 0..2 {
            database.insert(world()).await;
            let mut content = String::new();
            for Listed { name: table, .. } in TABLES {
                content += &database.ask(&format!("SELECT * FROM {table} FINAL WHERE epoch != 65535 ORDER BY ALL")).await;
            }
            contents.push(content);
        }
        process.kill().unwrap();
    }
    assert!(contents.iter().all(|content| *content == contents[0] && !content.is_empty()));
}
