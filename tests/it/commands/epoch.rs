//! `grapevine epoch`.

use serde_json::Value;

use crate::commands::{UNSEEN_GROUP, say, table};
use crate::events::Data;
use crate::world::{World, until};

const EPOCH_1: (&str, &str) = ("GRAPEVINE_WORKER_EPOCH", "1");

/// Rows of `progress` as two fleets would have left them: source, epoch, first, next.
fn with_progress(name: &str, rows: &[(&str, u16, u64, u64)]) -> World {
    let world = World::migrated(1, name);
    for (source, epoch, first, next) in rows {
        world.run(&format!(
            "INSERT INTO progress (epoch, source, first, version, read, accepted) \
             VALUES ({epoch}, '{source}', {first}, {next}, {}, {})",
            next - first,
            next - first
        ));
    }
    world
}

/// Which epoch the views read of each source.
fn read_by_views(world: &World) -> Vec<(String, u64)> {
    let rows = world.ask("SELECT source, epoch FROM sources");
    rows.iter().map(|row| (row["source"].as_str().unwrap().to_owned(), row["epoch"].as_u64().unwrap())).collect()
}

fn sources(pairs: &[(&str, u64)]) -> Vec<(String, u64)> {
    pairs.iter().map(|(source, epoch)| ((*source).to_owned(), *epoch)).collect()
}

#[test]
fn history_is_recomputed_beside_the_old_rows_then_promoted_and_the_old_rows_dropped() {
    let lines: Vec<Vec<u8>> = Data::edge_cases().lines.into_iter().take(4000).collect();
    let mut world = World::migrated(2, "epoch_side_by_side");
    let old = world.start(&[]);
    world.publish(&lines);
    world.wait_for(lines.len());
    // Another window: rows of both would not fit together.
    let new = world.start(&[EPOCH_1, ("GRAPEVINE_RULES_WINDOW_MINUTES", "60")]);
    until("the new epoch is complete", || {
        let read = world.ask("SELECT sum(read) AS read FROM progress FINAL WHERE epoch = 1")[0]["read"].clone();
        if read.to_string().trim_matches('"') == lines.len().to_string() { Ok(()) } else { Err(read) }
    });
    assert_eq!(read_by_views(&world), sources(&[("events/0", 0), ("events/1", 0)]));
    let active = say(&world, &["epoch", "drop", "0", "--yes"], &[]).refused();
    assert!(active.contains("the views read epoch 0 of events/0, events/1"), "{active}");

    let status = say(&world, &["epoch", "status"], &[]).done();
    let rows = table(&status);
    let cells: Vec<[&str; 3]> = rows.iter().map(|row| [row[0], row[1], row[2]]).collect();
    let expected = [["events/0", "0", "yes"], ["events/0", "1", "no"], ["events/1", "0", "yes"], ["events/1", "1", "no"]];
    assert_eq!(cells, expected, "{status}");
    assert!(rows.iter().all(|row| row[4] == row[5]), "everything is read to the log's end: {status}");

    let promoted = say(&world, &["epoch", "promote", "1"], &[]).done();
    assert!(table(&promoted).iter().all(|row| row[4] == "promoted"), "{promoted}");
    assert_eq!(read_by_views(&world), sources(&[("events/0", 1), ("events/1", 1)]));
    let again = say(&world, &["epoch", "promote", "1"], &[]).done();
    assert!(table(&again).iter().all(|row| row[4] == "active already"), "{again}");
    old.stop();
    new.stop();

    let of_new = || world.ask("SELECT count() AS n, sum(cityHash64(*)) AS rows FROM activity_row");
    let before = of_new();
    let unsure = say(&world, &["epoch", "drop", "0"], &[UNSEEN_GROUP]);
    assert!(unsure.printed.contains("activity_window"), "{unsure:?}");
    assert!(unsure.refused().contains("nothing was deleted: say --yes"));
    let members = say(&world, &["epoch", "drop", "0", "--yes"], &[]).refused();
    assert!(members.contains("nothing was deleted") && members.contains("stop the workers of epoch 0"), "{members}");
    assert_ne!(left_of_epoch_0(&world), 0);
    let dropped = say(&world, &["epoch", "drop", "0", "--yes"], &[UNSEEN_GROUP]).done();
    assert!(dropped.contains("deleted epoch 0 of events"), "{dropped}");
    assert_eq!(left_of_epoch_0(&world), 0);
    assert_eq!(of_new(), before);
    let listed = say(&world, &["checkpoint", "ls"], &[]).done();
    assert!(table(&listed).iter().all(|row| row[0] == "1"), "{listed}");
    let nothing = say(&world, &["epoch", "drop", "0", "--yes"], &[UNSEEN_GROUP]).done();
    assert!(nothing.contains("nothing is left of epoch 0"), "{nothing}");
}

fn left_of_epoch_0(world: &World) -> u64 {
    let tables = ["root", "activity_window", "cascade", "thread", "rejects", "progress"];
    let of = tables.map(|table| format!("SELECT count() AS n FROM {table} WHERE epoch = 0 OR startsWith(source, '0:')"));
    let sum = world.ask(&format!("SELECT toUInt32(sum(n)) AS n FROM ({})", of.join(" UNION ALL ")));
    sum[0]["n"].as_u64().unwrap()
}

#[test]
fn an_epoch_that_is_behind_or_begins_later_is_not_promoted_by_accident() {
    let rows =
        [("t/0", 0, 0, 100), ("t/0", 1, 0, 100), ("t/1", 0, 0, 100), ("t/1", 1, 0, 90), ("t/2", 0, 5, 100), ("t/2", 1, 6, 100)];
    let world = with_progress("epoch_judged", &rows);
    let promote = |more: &[&str]| say(&world, &[&["epoch", "promote", "1", "--wait", "0"], more].concat(), &[]);
    let refused = promote(&[]);
    let outcome: Vec<&str> = table(&refused.printed).iter().map(|row| row[4]).collect();
    assert_eq!(outcome[0], "ready");
    assert!(
        outcome[1].starts_with("10 offsets behind") && outcome[2].starts_with("begins at offset 6, the active one at 5"),
        "{outcome:?}"
    );
    assert!(refused.refused().contains("nothing was promoted: 2 of 3 sources are not ready"));
    let none = sources(&[("t/0", 0), ("t/1", 0), ("t/2", 0)]);
    assert_eq!(read_by_views(&world), none);

    promote(&["--source", "t/0"]).done();
    assert_eq!(read_by_views(&world), sources(&[("t/0", 1), ("t/1", 0), ("t/2", 0)]));
    promote(&["--force"]).refused();
    promote(&["--force", "--source", "t/2"]).done();
    // It is waited for: the old fleet may go on meanwhile.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| say(&world, &["epoch", "promote", "1", "--wait", "600"], &[]).done());
        let later = with_progress_of(&world, "t/1", 1, 100);
        assert_eq!(later, 100);
        waiting.join().unwrap();
    });
    assert_eq!(read_by_views(&world), sources(&[("t/0", 1), ("t/1", 1), ("t/2", 1)]));
    // And back.
    say(&world, &["epoch", "promote", "0", "--behind"], &[]).done();
    assert_eq!(read_by_views(&world), none);
    let unknown = say(&world, &["epoch", "promote", "7"], &[]).refused();
    assert!(unknown.contains("no source has rows of epoch 7"), "{unknown}");
    let absent = say(&world, &["epoch", "promote", "1", "--source", "t/9"], &[]);
    assert!(absent.printed.contains("has no rows of this epoch"), "{absent:?}");
    absent.refused();
}

#[test]
fn an_epoch_with_gaps_that_the_active_one_has_not_is_promoted_only_by_force() {
    let world = with_progress("epoch_gaps", &[("t/0", 0, 0, 100), ("t/0", 1, 0, 100)]);
    world.run("INSERT INTO gap (epoch, source, first, next) VALUES (0, 't/0', 10, 20), (1, 't/0', 15, 30), (1, 't/0', 40, 40)");
    let refused = say(&world, &["epoch", "promote", "1"], &[]);
    let outcome = table(&refused.printed)[0][4].to_owned();
    assert!(outcome.starts_with("lacks 10 offsets that the active one has"), "{outcome}");
    refused.refused();
    say(&world, &["epoch", "promote", "1", "--force"], &[]).done();
    assert_eq!(read_by_views(&world), sources(&[("t/0", 1)]));
    // The way back has a price too: epoch 0 lacks 10 to 15.
    let back = say(&world, &["epoch", "promote", "0"], &[]);
    assert!(table(&back.printed)[0][4].starts_with("lacks 5 offsets"), "{back:?}");
    back.refused();
}

/// Moves a source of an epoch on.
fn with_progress_of(world: &World, source: &str, epoch: u16, next: u64) -> u64 {
    let url = format!("{}/?database={}", world.database.config.urls[0], world.database.rows());
    let row = format!("INSERT INTO progress (epoch, source, first, version) VALUES ({epoch}, '{source}', 0, {next})");
    let sent = std::process::Command::new("curl").args(["-sS", "--fail", &url, "--data-binary", &row]).status().unwrap();
    assert!(sent.success());
    next
}

#[test]
fn status_says_what_it_knows_when_the_brokers_are_away() {
    let world = with_progress("epoch_offline", &[("events/0", 0, 0, 100)]);
    world.run("INSERT INTO gap (epoch, source, first, next) VALUES (0, 'events/0', 40, 47)");
    let status = say(&world, &["epoch", "status"], &[("GRAPEVINE_KAFKA_BROKERS", "127.0.0.1:1")]);
    assert!(status.errors.contains("the ends of the log are not known: could not reach 127.0.0.1:1"), "{status:?}");
    assert_eq!(table(&status.done()), [["events/0", "0", "yes", "0", "100", "-", "-", "100", "0", "7"]]);
    let gone = say(&world, &["epoch", "status"], &[("GRAPEVINE_CLICKHOUSE_URLS", "http://127.0.0.1:1")]).refused();
    assert!(gone.contains("could not use ClickHouse at http://127.0.0.1:1 (clickhouse.urls)"), "{gone}");
    assert_eq!(world.ask("SELECT count() AS n FROM gaps")[0]["n"], Value::from(1));
}
