//! `grapevine rejects`.

use grapevine::embedded::broker::{Message, Publisher};
use grapevine::record::Header;
use serde_json::Value;

use crate::commands::{say, table};
use crate::store::reject;
use crate::world::World;

const STORED: &str = "SELECT source, toString(offset) AS offset, hex(key) AS key, hex(payload) AS payload, \
    mapApply((k, v) -> (k, hex(v)), mapFilter((k, v) -> k != 'grapevine-replay-of', headers)) AS own_headers, \
    headers['grapevine-replay-of'] AS original, replayed FROM rejects FINAL ORDER BY source, offset";

/// A world with three rejects that a worker has stored: with key and headers that are no text, without, and a long one.
fn world(name: &str) -> World {
    let world = World::migrated(3, name);
    let mut publisher = Publisher::new(&world.brokers, &[], &world.topic, None).unwrap();
    let headers = [Header { name: "kind", value: Some(b"\xfe\x00") }, Header { name: "kind", value: Some(b"2") }];
    let long = vec![b'x'; 3000];
    let messages = [
        Message { key: Some(b"\xff\x01root"), payload: Some(b"{\xff\n;"), headers: &headers, timestamp: None },
        Message { key: None, payload: Some(b"[1]"), ..Message::default() },
        Message { key: Some(b"root"), payload: Some(&long), ..Message::default() },
    ];
    for message in messages {
        publisher.publish(message).unwrap();
    }
    publisher.flush().unwrap();
    let worker = world.start(&[("GRAPEVINE_RULES_REJECT_KIB", "1")]);
    world.wait_for(3);
    worker.stop();
    world
}

/// Lets a worker read what is new.
fn read(world: &World, total: usize) {
    let worker = world.start(&[("GRAPEVINE_RULES_REJECT_KIB", "1")]);
    world.wait_for(total);
    worker.stop();
}

#[test]
fn rejects_are_counted_and_shown() {
    let world = world("rejects_shown");
    let listed = say(&world, &["rejects", "ls"], &[]).done();
    let rows = table(&listed);
    let reasons: Vec<&str> = rows.iter().map(|row| row[1]).collect();
    assert_eq!(rows.len(), 3, "{listed}");
    for reason in ["bad_utf8", "not_an_object", "broken_json"] {
        assert!(reasons.contains(&reason), "{listed}");
    }
    let one = rows.iter().find(|row| row[1] == "bad_utf8").unwrap();
    assert_eq!(one[2..5], ["1", "0", "0"], "{listed}");
    let shown = say(&world, &["rejects", "show", one[0], one[5]], &[]).done();
    assert!(shown.contains("reason    bad_utf8") && shown.contains("header kind"), "{shown}");
    assert!(shown.contains("ff 01 72 6f 6f 74") && shown.contains("..root"), "key as bytes: {shown}");
    assert!(shown.contains("7b ff 0a 3b"), "payload as bytes: {shown}");
    let text = rows.iter().find(|row| row[1] == "not_an_object").unwrap();
    let shown = say(&world, &["rejects", "show", text[0], text[5]], &[]).done();
    assert!(shown.ends_with("payload, 3 bytes\n  [1]\n"), "{shown}");
    let filtered = say(&world, &["rejects", "ls", "--reason", "broken_json"], &[]).done();
    assert_eq!(table(&filtered).iter().map(|row| [row[1], row[3]]).collect::<Vec<_>>(), [["broken_json", "1"]], "{filtered}");
    let none = say(&world, &["rejects", "show", "events/0", "999"], &[]).refused();
    assert!(none.contains("no reject of events/0 at offset 999"), "{none}");
}

#[test]
fn a_replay_publishes_the_same_bytes_once_and_a_replay_of_a_replay_does_nothing() {
    let world = world("rejects_replayed");
    let before = world.ask(STORED);
    let dry = say(&world, &["rejects", "replay", "--dry-run"], &[]).done();
    assert!(dry.contains("2 records would be published to") && dry.contains("1 are left out; --truncated"), "{dry}");
    assert_eq!(world.ask(STORED), before);
    let nowhere = say(&world, &["rejects", "replay"], &[("GRAPEVINE_KAFKA_BROKERS", "127.0.0.1:1")]).refused();
    assert!(nowhere.contains("could not reach 127.0.0.1:1"), "{nowhere}");
    assert_eq!(world.ask(STORED), before, "what is not published is not recorded");

    let done = say(&world, &["rejects", "replay"], &[]).done();
    assert!(done.contains("2 records were published"), "{done}");
    let again = say(&world, &["rejects", "replay"], &[]).done();
    assert!(again.contains("nothing to replay"), "{again}");
    read(&world, 5);
    let after = world.ask(STORED);
    let (copies, originals): (Vec<&Value>, Vec<&Value>) = after.iter().partition(|row| row["original"] != "");
    assert_eq!((copies.len(), originals.len()), (2, 3), "{after:?}");
    for copy in copies {
        let original = originals
            .iter()
            .find(|row| copy["original"] == format!("{}@{}", row["source"].as_str().unwrap(), row["offset"].as_str().unwrap()));
        let original = original.unwrap_or_else(|| panic!("{copy} of what?"));
        for column in ["source", "key", "payload", "own_headers"] {
            assert_eq!(copy[column], original[column], "{column}");
        }
        assert_eq!((&copy["replayed"], &original["replayed"]), (&Value::Bool(false), &Value::Bool(true)));
    }

    // They were rejected again: only who asks for it publishes them once more.
    let left = say(&world, &["rejects", "replay"], &[]).done();
    assert!(left.contains("2 are left out; --rejected-again") && left.contains("nothing to replay"), "{left}");
    let asked = say(&world, &["rejects", "replay", "--rejected-again", "--reason", "bad_utf8"], &[]).done();
    assert!(asked.contains("1 records were published"), "{asked}");
    let cut = say(&world, &["rejects", "replay", "--truncated"], &[]).done();
    assert!(cut.contains("1 records were published"), "{cut}");
}

#[test]
fn what_cannot_be_recorded_is_said_and_published_again() {
    let world = world("rejects_unrecorded");
    // As for a user who may read and not write.
    world.run("ALTER TABLE rejects ADD CONSTRAINT nobody_may CHECK NOT replayed");
    let unrecorded = say(&world, &["rejects", "replay"], &[]).refused();
    assert!(unrecorded.contains("2 records were published, but could not be recorded as replayed"), "{unrecorded}");
    world.run("ALTER TABLE rejects DROP CONSTRAINT nobody_may");
    let again = say(&world, &["rejects", "replay"], &[]).done();
    assert!(again.contains("2 records were published"), "{again}");
    read(&world, 7);
    let copies = world.ask(&STORED.replace("ORDER BY", "WHERE headers['grapevine-replay-of'] != '' ORDER BY"));
    assert_eq!(copies.len(), 4, "{copies:?}");
}

#[test]
fn what_was_replayed_stays_so_when_it_is_read_again_and_under_another_epoch() {
    let world = world("rejects_kept");
    say(&world, &["rejects", "replay", "--truncated"], &[]).done();
    // As a worker does that reads the records again.
    world
        .run("INSERT INTO rejects SELECT * REPLACE (offset + 1 AS version, false AS replayed) FROM rejects FINAL WHERE replayed");
    // And the workers of a new epoch, which read everything.
    world.run("INSERT INTO rejects SELECT * REPLACE (5 AS epoch, offset + 1 AS version, false AS replayed) FROM rejects FINAL");
    for epoch in ["0", "5"] {
        let again = say(&world, &["rejects", "replay", "--truncated", "--epoch", epoch], &[]).done();
        assert!(again.contains("nothing to replay"), "{again}");
        let listed = say(&world, &["rejects", "ls", "--epoch", epoch], &[]).done();
        assert!(table(&listed).iter().all(|row| row[2] == row[4]), "all of them were replayed: {listed}");
    }
}

#[test]
fn rejects_of_another_log_go_to_the_topic_that_is_configured() {
    let world = World::migrated(3, "rejects_foreign");
    let rows = grapevine::row::Rows {
        rejects: vec![grapevine::row::Rejected { source: "older/7".into(), ..reject(4, "json") }],
        ..Default::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(world.database.insert(rows));
    let done = say(&world, &["rejects", "replay"], &[]).done();
    assert!(done.contains("of another log: by its key") && done.contains("1 records were published"), "{done}");
    read(&world, 1);
    let copies = world.ask(&STORED.replace("ORDER BY", "WHERE source != 'older/7' ORDER BY"));
    assert_eq!(copies.len(), 1);
    assert_eq!((&copies[0]["original"], &copies[0]["key"]), (&Value::from("older/7@4"), &Value::from("FF00")));
}
