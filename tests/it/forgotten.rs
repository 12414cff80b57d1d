//! A store that is not the one it was, or has lost what was made durable (I9): it is noticed, named, healed where the kept
//! checkpoints reach, and never written to in silence.

use std::collections::BTreeMap;
use std::ops::Range;

use grapevine::clickhouse::ClickHouseSink;
use grapevine::loss::{self, Loss};
use grapevine::worker::{Append, Appended, Known, Promise, Sink, StoreId};

use crate::apache_kafka::broker::process::until;
use crate::events::Data;
use crate::facts::{assert_every_table, tables_of};
use crate::restore::wait_for_a_state;
use crate::store::{Database, progress, start};
use crate::world::{Relay, World, files_in};

fn row(store: StoreId, source: &str, version: u64, promised: Option<u64>) -> Append {
    Append {
        progress: progress(source, version, 0),
        promise: Promise { store, progress: promised, tables: promised },
        whole: true,
    }
}

/// Up to where each table of lives says that it holds the rows of a source.
fn tables(known: &Known) -> Vec<Option<u64>> {
    known.tables.iter().map(|(_, upto)| *upto).collect()
}

/// What happens to a row of `progress` of each source, when the store must know so much before.
async fn append(sink: &ClickHouseSink, store: StoreId, rows: &[(&str, u64, Option<u64>)]) -> Appended {
    let row = |&(source, version, promised): &(&str, u64, Option<u64>)| row(store, source, version, promised);
    sink.append(&rows.iter().map(row).collect::<Vec<_>>()).await.unwrap()
}

fn broken(sources: &[&str]) -> Appended {
    Appended::Broken(sources.iter().map(|source| (*source).into()).collect())
}

#[tokio::test]
async fn progress_is_appended_only_where_what_was_promised_is_known() {
    let database = Database::migrated("append").await;
    let sink = database.sink();
    let known = sink.known("t/0").await.unwrap();
    assert_eq!(known.progress, None);
    let store = known.store;
    assert_eq!(append(&sink, store, &[("t/0", 0, None), ("t/1", 5, None)]).await, Appended::Done);
    assert_eq!(sink.known("t/0").await.unwrap().progress, Some(0));
    let next = [("t/0", 20, Some(0)), ("t/1", 25, Some(5))];
    assert_eq!(append(&sink, store, &next).await, Appended::Done);
    assert_eq!(append(&sink, store, &next).await, Appended::Done, "an answer that was lost");
    // A second worker that has not heard that it lost the partition: the store knows more than it asks for.
    assert_eq!(append(&sink, store, &[("t/0", 10, Some(0))]).await, Appended::Done);

    // One of several: none is written.
    let rows = "SELECT count() FROM progress";
    let before = database.ask(rows).await;
    assert_eq!(append(&sink, store, &[("t/0", 30, Some(20)), ("t/1", 30, Some(26))]).await, broken(&["t/1"]));
    assert_eq!(append(&sink, store, &[("t/2", 1, Some(0))]).await, broken(&["t/2"]), "a row at offset 0 is a row");
    assert_eq!(append(&sink, StoreId(7), &[("t/0", 30, Some(20))]).await, broken(&["t/0"]), "another store");
    assert_eq!(database.ask(rows).await, before);
    database.run("TRUNCATE TABLE progress").await;
    assert_eq!(append(&sink, store, &[("t/0", 30, Some(20)), ("t/1", 30, Some(25))]).await, broken(&["t/0", "t/1"]));
    assert_eq!(database.ask(rows).await, "0");
}

#[tokio::test]
async fn a_table_that_was_emptied_alone_lacks_its_marks() {
    let database = Database::migrated("append_marks").await;
    let sink = database.sink();
    let store = sink.known("t/0").await.unwrap().store;
    assert_eq!(append(&sink, store, &[("t/0", 5, None), ("t/1", 5, None)]).await, Appended::Done);
    for (version, table) in (6..).zip(["root", "activity_window", "cascade", "thread"]) {
        assert_eq!(append(&sink, store, &[("t/0", version, Some(5)), ("t/1", version, Some(5))]).await, Appended::Done);
        let kept = database.ask(&format!("SELECT count() FROM {table} FINAL")).await;
        assert_eq!(kept, "2", "{table}");
        database.run(&format!("CREATE TABLE kept AS {table}")).await;
        database.run(&format!("INSERT INTO kept SELECT * FROM {table}")).await;
        database.run(&format!("TRUNCATE TABLE {table}")).await;
        assert_eq!(append(&sink, store, &[("t/0", version, Some(5))]).await, broken(&["t/0"]));
        let unasked = Append { whole: false, ..row(store, "t/0", version, Some(5)) };
        assert_eq!(sink.append(&[unasked]).await.unwrap(), Appended::Done, "no state is published on the strength of it");
        assert_eq!(append(&sink, store, &[("t/0", version, None)]).await, Appended::Done, "who slept writes, but marks nothing");
        let known = sink.known("t/0").await.unwrap();
        assert_eq!((known.progress, known.lacking(None)), (Some(version), vec![table]));
        database.run(&format!("INSERT INTO {table} SELECT * FROM kept")).await;
        database.run("DROP TABLE kept SYNC").await;
    }
    // Rules that delete by age, as an operator might make them.
    for ttl in [
        "window_start + INTERVAL 400 DAY",
        "toDateTime(window_start) + INTERVAL 15 YEAR",
        "toDate(window_start) + INTERVAL 1 DAY",
    ] {
        database.run(&format!("ALTER TABLE activity_window MODIFY TTL {ttl}")).await;
        database.run("OPTIMIZE TABLE activity_window FINAL").await;
        assert_eq!(sink.known("t/0").await.unwrap().lacking(Some(9)), Vec::<&str>::new(), "{ttl}");
    }
}

#[tokio::test]
async fn a_table_that_came_back_alone_says_less_than_it_did() {
    let database = Database::migrated("append_alone").await;
    let sink = database.sink();
    let store = sink.known("t/0").await.unwrap().store;
    assert_eq!(append(&sink, store, &[("t/0", 5, None), ("t/1", 7, None)]).await, Appended::Done);
    let unasked = Append { whole: false, ..row(store, "t/0", 6, Some(5)) };
    assert_eq!(sink.append(&[unasked]).await.unwrap(), Appended::Done);
    assert_eq!(tables(&sink.known("t/0").await.unwrap()), [Some(5); 4], "they move with a state only");
    for (version, table) in [(10, "root"), (20, "activity_window"), (30, "cascade"), (40, "thread")] {
        database.run(&format!("CREATE TABLE copy AS {table}")).await;
        database.run(&format!("INSERT INTO copy SELECT * FROM {table}")).await;
        assert_eq!(append(&sink, store, &[("t/0", version, Some(5)), ("t/1", version, Some(7))]).await, Appended::Done);
        assert_eq!(append(&sink, store, &[("t/0", version + 1, Some(version))]).await, Appended::Done);
        assert_eq!(append(&sink, store, &[("t/0", version, Some(5))]).await, Appended::Done, "a worker that was late");
        database.run(&format!("OPTIMIZE TABLE {table} FINAL")).await;
        assert_eq!(tables(&sink.known("t/0").await.unwrap()), [Some(version + 1); 4]);
        database.run(&format!("EXCHANGE TABLES {table} AND copy")).await;
        let next = [("t/0", version + 2, Some(version + 1)), ("t/1", version + 2, Some(version))];
        assert_eq!(append(&sink, store, &next).await, broken(&["t/0", "t/1"]), "{table}");
        let known = sink.known("t/0").await.unwrap();
        assert_eq!((known.progress, known.lacking(Some(version + 1))), (Some(version + 1), vec![table]));
        database.run(&format!("EXCHANGE TABLES {table} AND copy")).await;
        database.run("DROP TABLE copy SYNC").await;
        assert_eq!(append(&sink, store, &next).await, Appended::Done);
    }
}

#[tokio::test]
async fn names_of_sources_are_no_sql_and_many_of_them_fit() {
    let database = Database::migrated("append_names").await;
    let sink = database.sink();
    let store = sink.known("t/0").await.unwrap().store;
    let odd = ["a'b\\c\"d/0", "ü{x:String}/1", "tab\tand\nline/2"];
    for source in odd {
        assert_eq!(append(&sink, store, &[(source, 5, None)]).await, Appended::Done);
        assert_eq!(append(&sink, store, &[(source, 9, Some(5))]).await, Appended::Done);
        assert_eq!(sink.known(source).await.unwrap().progress, Some(9), "{source}");
        assert_eq!(append(&sink, store, &[(source, 11, Some(10))]).await, broken(&[source]));
    }
    let many: Vec<String> = (0..600).map(|number| format!("{}/{number}", "log".repeat(60))).collect();
    let rows: Vec<_> = many.iter().map(|source| (source.as_str(), 5, None)).collect();
    assert_eq!(append(&sink, store, &rows).await, Appended::Done);
    assert_eq!(database.ask("SELECT uniqExact(source) FROM progress").await, "603");
}

#[tokio::test]
async fn what_somebody_else_throws_is_no_store_that_forgot() {
    let database = Database::migrated("append_thrown").await;
    let sink = database.sink();
    let store = sink.known("t/0").await.unwrap().store;
    database.run("CREATE TABLE mine (source String) ENGINE = Memory").await;
    let view =
        "CREATE MATERIALIZED VIEW of_mine TO mine AS SELECT source FROM progress WHERE throwIf(source = 't/0', 'not here') = 0";
    database.run(view).await;
    let said = sink.append(&[row(store, "t/0", 1, None)]).await.unwrap_err().to_string();
    assert!(said.contains("not here") && said.contains("trying again"), "{said}");
}

#[tokio::test]
async fn a_store_without_an_id_is_said() {
    let database = Database::migrated("without_id").await;
    let sink = database.sink();
    let store = sink.known("t/0").await.unwrap().store;
    database.run("DROP TABLE store").await;
    let row = || row(store, "t/0", 1, None);
    for said in [sink.known("t/0").await.unwrap_err(), sink.append(&[row()]).await.unwrap_err()] {
        assert!(said.to_string().contains("table `store` is missing"), "{said}");
    }
    // The cure that it names.
    let made = "CREATE TABLE store (made DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY tuple() COMMENT";
    database.run(&format!("{made} '{store}'")).await;
    assert_eq!(sink.append(&[row()]).await.unwrap(), Appended::Done);
}

/// What a table of facts says, asked in pieces of so many rows: the last id of each piece, and the oldest record of each source there.
async fn pieces(sink: &ClickHouseSink, table: &str, rows: u64) -> Vec<(String, Vec<(String, u64)>)> {
    let mut pieces = Vec::<(String, Vec<(String, u64)>)>::new();
    while let Some(piece) = {
        let after = pieces.last().map_or("", |(upto, _)| upto);
        sink.oldest_facts(table, (after, rows)).await.unwrap()
    } {
        pieces.push(piece);
    }
    pieces
}

#[tokio::test]
async fn what_the_store_says_of_a_source_that_is_written_again_is_what_it_holds() {
    let database = Database::migrated("rewriting").await;
    let sink = database.sink();
    let fact = |table: &str, source: &str, offset: u64| {
        let columns = "(id, epoch, source, key_source, version)";
        format!("INSERT INTO {table} {columns} VALUES ('{offset}', 0, '{source}', '{source}', {})", u64::MAX - offset)
    };
    for (table, source, offset) in [("visit", "t/0", 39), ("visit", "t/0", 50), ("cost", "t/0", 40), ("click", "t/1", 5)] {
        database.run(&fact(table, source, offset)).await;
    }
    database.run("INSERT INTO rejects (epoch, source, offset, version) VALUES (0, 't/0', 39, 41)").await;
    assert_eq!((sink.oldest_reject("t/0").await, sink.oldest_reject("t/1").await), (Ok(Some(39)), Ok(None)));
    assert_eq!(pieces(&sink, "visit", 10).await, [("50".to_owned(), vec![("t/0".to_owned(), 39)])]);
    assert_eq!(pieces(&sink, "click", 10).await, [("5".to_owned(), vec![("t/1".to_owned(), 5)])]);
    assert_eq!(pieces(&sink, "report", 10).await, []);
    // In the order of ids, whatever is in them; the copies of one are of one piece.
    let odd = ["\\", "a'b", "tab\tand\nline", "\0", "ü{x:String}"];
    for (offset, id) in odd.into_iter().enumerate() {
        let id: String = id.bytes().map(|byte| format!("{byte:02x}")).collect();
        for (epoch, source) in [(0, "t/0"), (0, "t/0"), (1, "t/0"), (1, "t/2")] {
            let row = format!("VALUES (unhex('{id}'), {epoch}, '{source}', '{source}', bitNot(toUInt64({})))", 20 + offset);
            database.run(&format!("INSERT INTO cost (id, epoch, source, key_source, version) {row}")).await;
        }
    }
    let of = |id: &str, oldest: u64| (id.to_owned(), vec![("t/0".to_owned(), oldest)]);
    let one_by_one = [of("\0", 23), of("40", 40), of("\\", 20), of("a'b", 21), of("tab\tand\nline", 22), of("ü{x:String}", 24)];
    assert_eq!(pieces(&sink, "cost", 1).await, one_by_one);
    assert_eq!(sink.trimmed().await.unwrap(), Vec::<&str>::new());
    database.run("ALTER TABLE rejects MODIFY TTL toDateTime(received) + toIntervalDay(30)").await;
    assert_eq!(sink.trimmed().await.unwrap(), ["rejects"]);
    database.run("INSERT INTO removal (brand) VALUES ('acme')").await;
    assert_eq!(sink.trimmed().await.unwrap(), ["click", "visit", "conversion", "cost", "report", "rejects"]);

    database
        .run("INSERT INTO gap (epoch, source, first, next) VALUES (0, 't/0', 5, 9), (0, 't/1', 1, 2), (1, 't/0', 1, 2)")
        .await;
    assert_eq!(sink.uncounted("t/0").await.unwrap(), [Range { start: 5, end: 9 }]);

    // Marks are made anew where each table has what was put into it before.
    let store = sink.known("t/0").await.unwrap().store;
    let again = |run, promised| row(store, "rewrite:t/0", run, promised);
    assert!(sink.mark_anew(&[again(7, None)]).await.unwrap());
    let all = |run| [row(store, "t/0", 60, None), again(run, Some(run))];
    assert!(!sink.mark_anew(&all(8)).await.unwrap(), "what is there was put there before");
    assert_eq!(tables(&sink.known("t/0").await.unwrap()), [None; 4]);
    let elsewhere = all(7).map(|append| Append { promise: Promise { store: StoreId(7), ..append.promise }, ..append });
    assert!(!sink.mark_anew(&elsewhere).await.unwrap(), "another store");
    assert_eq!(tables(&sink.known("t/0").await.unwrap()), [None; 4]);
    database.run("TRUNCATE TABLE thread").await;
    assert!(!sink.mark_anew(&all(7)).await.unwrap());
    assert_eq!(tables(&sink.known("t/0").await.unwrap())[3], None);
    assert_eq!((sink.newest_mark("rewrite:t/0").await, sink.newest_mark("rewrite:t/1").await), (Ok(Some(7)), Ok(None)));
    assert!(sink.mark_anew(&[again(9, None)]).await.unwrap() && sink.mark_anew(&[again(10, None)]).await.unwrap());
    assert!(!sink.mark_anew(&all(9)).await.unwrap(), "somebody else has begun the same");
    assert!(sink.mark_anew(&all(10)).await.unwrap());
    assert_eq!(tables(&sink.known("t/0").await.unwrap()), [Some(60); 4]);

    // Whatever is noted later, and however rows are merged.
    let note = |first, next| Loss { table: "visit", first, next, lives: None, reason: loss::RECORDS };
    for loss in [note(5, 40), note(5, 60), note(5, 50), note(7, 8)] {
        sink.note_loss("t/0", &loss).await.unwrap();
    }
    database.run("OPTIMIZE TABLE loss FINAL").await;
    assert_eq!(database.ask("SELECT first, next FROM losses ORDER BY first").await, "5\t60\n7\t8");
}

/// So few events that the broker takes them all although nobody reads them.
pub(crate) const EVENTS: usize = 4_000;

/// Some events and facts, in two halves; and every row that they become in peace.
pub(crate) fn in_peace(partitions: usize, name: &str) -> ([Vec<Vec<u8>>; 2], BTreeMap<String, String>) {
    let mut halves = Data::edge_cases().with_facts().lines;
    halves.truncate(EVENTS);
    let rest = halves.split_off(EVENTS / 2);
    let mut world = World::migrated(partitions, name);
    let worker = world.start(&[]);
    world.publish(&halves);
    world.publish(&rest);
    world.wait_for(EVENTS);
    worker.stop();
    let rows = world.every_row();
    assert_every_table(&tables_of(&rows));
    ([halves, rest], rows)
}

#[test]
fn a_store_that_forgot_what_the_kept_checkpoints_cover_is_written_again() {
    let ([first, rest], rows) = in_peace(2, "forgot_nothing");
    let mut world = World::migrated(2, "forgot_all");
    // No checkpoint after the first, which covers nothing.
    let worker = world.start(&[("GRAPEVINE_CHECKPOINT_INTERVAL_SECONDS", "3600")]);
    world.publish(&first);
    world.wait_for(first.len());
    world.empty();
    world.publish(&rest);
    world.wait_for(EVENTS);
    assert!(worker.metric("grapevine_store_forgotten_total", "") > 0.0, "{}", worker.log());
    worker.stop();
    assert_eq!(world.every_row(), rows);
}

#[test]
fn a_table_that_was_emptied_under_the_worker_is_named_and_it_goes_on_when_it_is_back() {
    let ([first, rest], rows) = in_peace(1, "one_table");
    let mut world = World::migrated(1, "one_table_lost");
    let worker = world.start(&[]);
    world.publish(&first);
    world.wait_for(first.len());
    wait_for_a_state(&world, first.len() as u64);
    world.run("CREATE TABLE kept AS cascade");
    world.run("EXCHANGE TABLES cascade AND kept");
    world.publish(&rest);
    worker.wait_until_unready("has lost what it held of events/0 in cascade");
    assert!(worker.metric("grapevine_store_forgotten_total", "") > 0.0);
    let names = files_in(&world.checkpoints()).into_iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let newest = names.filter_map(|name| name.split('-').next()?.parse::<u64>().ok()).max();
    assert!(newest <= Some(first.len() as u64), "no state is published on the strength of it: {newest:?}");
    world.run("EXCHANGE TABLES cascade AND kept");
    worker.wait_until_ready();
    // `progress` may be ahead of what is written again: only the rows show when that is done.
    until("the rows that went into the other table are written again", || {
        if world.every_row() == rows { Ok(()) } else { Err("not yet") }
    });
    worker.stop();
    assert_eq!(world.every_row(), rows);
}

#[test]
fn a_table_that_came_back_alone_from_an_older_copy_is_written_again_from_a_state_as_old_or_named() {
    let ([first, rest], rows) = in_peace(1, "one_copy");
    let mut world = World::migrated(1, "one_copy_back");
    // The founding checkpoint is the only one until the end.
    let hour = [("GRAPEVINE_CHECKPOINT_INTERVAL_SECONDS", "3600")];
    let worker = world.start(&hour);
    let (early, late) = first.split_at(first.len() / 2);
    world.publish(early);
    world.wait_for(early.len());
    world.run("CREATE TABLE copy AS cascade");
    world.run("INSERT INTO copy SELECT * FROM cascade");
    world.publish(late);
    world.wait_for(first.len());
    worker.stop();
    // Its last state promised more than the copy says.
    world.run("EXCHANGE TABLES cascade AND copy");
    let worker = world.start(&hour);
    world.publish(&rest);
    world.wait_for(EVENTS);
    assert!(worker.log().contains("an older checkpoint is as old as the store"), "{}", worker.log());
    worker.stop();
    assert_eq!(world.every_row(), rows);
}

#[test]
fn another_store_is_not_written_to_and_the_worker_goes_on_when_its_own_is_back() {
    let ([first, rest], rows) = in_peace(1, "one_store");
    let mut world = World::migrated(1, "another");
    let worker = world.start(&[]);
    world.publish(&first);
    world.wait_for(first.len());
    // Before a state says what the store held, another one is as good: all is written there from the beginning.
    wait_for_a_state(&world, first.len() as u64);
    let name = world.database.rows();
    world.elsewhere(&format!("RENAME DATABASE {name} TO {name}_kept"));
    assert!(world.command("migrate").output().unwrap().status.success());
    world.publish(&rest);
    worker.wait_until_unready("is another store than the one that events/0 was written to");
    assert!(worker.metric("grapevine_store_forgotten_total", "") > 0.0);
    assert_eq!(world.counts(), [0; 4], "nothing says that it is complete");
    world.elsewhere(&format!("DROP DATABASE {name} SYNC"));
    world.elsewhere(&format!("RENAME DATABASE {name}_kept TO {name}"));
    worker.wait_until_ready();
    world.wait_for(EVENTS);
    worker.stop();
    assert_eq!(world.every_row(), rows);
}

#[test]
fn addresses_of_two_stores_are_no_two_addresses_of_one() {
    let ([first, rest], rows) = in_peace(1, "one_of_two");
    let folder = tempfile::tempdir().unwrap();
    let (relay, other) = (Relay::start(), start(folder.path()));
    let mut database = Database::absent("of_two");
    let right = std::mem::take(&mut database.config.urls);
    database.config.urls = vec![relay.url(), other.url().to_owned()];
    relay.point_to(right.first().map(String::as_str));
    let mut world = World::with(1, database);
    for url in ["", other.url()] {
        let mut migrate = world.command("migrate");
        if !url.is_empty() {
            migrate.env("GRAPEVINE_CLICKHOUSE_URLS", url);
        }
        assert!(migrate.output().unwrap().status.success());
    }
    let worker = world.start(&[]);
    world.publish(&first);
    world.wait_for(first.len());
    wait_for_a_state(&world, first.len() as u64);
    relay.point_to(None);
    relay.cut();
    world.publish(&rest);
    worker.wait_until_unready("is another store than the one that events/0 was written to");
    relay.point_to(right.first().map(String::as_str));
    worker.kill();
    let wrong = Database::at(other.url(), "of_two");
    let wrong = World::with(1, wrong);
    assert_eq!(wrong.counts(), [0; 4], "nothing there says that it is complete");
    let worker = world.start(&[]);
    world.wait_for(EVENTS);
    worker.stop();
    assert_eq!(world.every_row(), rows);
}
