//! `grapevine resume`.

use std::path::Path;

use grapevine::event::{EventType, parse};
use grapevine::record::Record;
use serde_json::Value;

use crate::commands::{UNSEEN_GROUP, say, table, world};
use crate::events::distinct;
use crate::world::World;

const GAPS: &str = "SELECT source, toString(first) AS first, toString(next) AS next, toString(records) AS records FROM gaps";

/// How many of the lines are posts, shares and replies.
fn in_trees(lines: &[Vec<u8>]) -> usize {
    let is_in_a_tree = |line: &&Vec<u8>| {
        let record = Record { payload: Some(line), ..Record::default() };
        matches!(parse(&record).unwrap().event_type(), EventType::Post | EventType::Share | EventType::Reply)
    };
    lines.iter().filter(is_in_a_tree).count()
}

/// Deletes the states, not what the rules were.
fn lose_checkpoints(world: &World) {
    for partition in ["events=2f0", "events=2f1"] {
        std::fs::remove_dir_all(world.checkpoints().join("epoch-0").join(partition)).unwrap();
    }
}

/// All rows of lives that opened below the offsets where the sources were resumed.
fn old_rows(world: &World, below: &[(String, String)]) -> Vec<Value> {
    let of = |table: &str| {
        let old: Vec<String> = below.iter().map(|(source, next)| format!("(source = '{source}' AND opened < {next})")).collect();
        format!(
            "SELECT '{table}' AS name, count() AS n, sum(cityHash64(*)) AS content FROM {table} FINAL WHERE {}",
            old.join(" OR ")
        )
    };
    let tables = ["root", "activity_window", "cascade", "thread"];
    world.ask(&format!("SELECT * FROM ({}) ORDER BY name", tables.map(of).join(" UNION ALL ")))
}

#[test]
fn after_a_loss_it_goes_on_where_the_rows_end_and_overwrites_and_doubles_nothing() {
    let lines = distinct(4000);
    let (first, rest) = lines.split_at(2000);
    let mut world = world("resume_lost", first);
    lose_checkpoints(&world);
    assert!(world.refused(&[]).contains("there is no sound checkpoint"));
    let before = world.content();

    let plan = say(&world, &["resume", "--plan"], &[]).done();
    assert!(plan.contains("nothing was done"), "{plan}");
    // The group is one that this broker takes to have members.
    let refused = say(&world, &["resume"], &[]).refused();
    assert!(refused.contains("has members: stop every worker of epoch 0 first"), "{refused}");
    let other = [UNSEEN_GROUP, ("GRAPEVINE_RULES_PSEUDONYM_KEY", "another key for tests")];
    let refused = say(&world, &["resume"], &other).refused();
    assert!(refused.contains("the pseudonym key is another one"), "{refused}");
    assert_eq!(world.ask(GAPS), Vec::<Value>::new(), "what is refused leaves no trace");
    assert!(world.refused(&[]).contains("there is no sound checkpoint"));

    let done = say(&world, &["resume"], &[UNSEEN_GROUP]).done();
    let places: Vec<(String, String)> = table(&done).iter().map(|row| (row[0].to_owned(), row[2].to_owned())).collect();
    let ends = world.ask("SELECT source, toString(version) AS next FROM progress FINAL ORDER BY source");
    let ends: Vec<(String, String)> =
        ends.iter().map(|row| (row["source"].as_str().unwrap().to_owned(), row["next"].as_str().unwrap().to_owned())).collect();
    assert_eq!(places, ends, "{done}");
    assert_eq!(world.ask(GAPS).len(), 2);
    let again = say(&world, &["resume"], &[UNSEEN_GROUP]).refused();
    assert!(again.contains("nothing to resume"), "{again}");
    assert_eq!(world.content(), before);
    let old = old_rows(&world, &places);

    let worker = world.start(&[UNSEEN_GROUP]);
    world.publish(rest);
    world.wait_for(4000);
    worker.stop();
    assert_eq!(world.counts(), [4000, 4000, 0, 0], "counts carry on");
    assert_eq!(old_rows(&world, &places), old);
    assert_eq!(world.ask("SELECT * FROM conservation"), Vec::<Value>::new());
    let counted = "SELECT toString(sum(posts + shares + replies)) AS events FROM activity_window FINAL";
    assert_eq!(world.ask(counted)[0]["events"], in_trees(&lines).to_string(), "no event is counted twice");
    let lives = "SELECT countIf(lives > 1) > 0 AS many FROM cascade_life";
    assert_eq!(world.ask(lives)[0]["many"], 1, "roots that were alive go on in a new life");
}

#[test]
fn what_no_count_covers_is_recorded_and_a_damaged_state_is_replaced() {
    let world = world("resume_gap", &distinct(1000));
    lose_checkpoints(&world);
    // As after a store came back from a backup that misses the newest progress.
    world.run("ALTER TABLE progress DELETE WHERE source = 'events/1' SETTINGS mutations_sync = 2");
    let done = say(&world, &["resume"], &[UNSEEN_GROUP]).done();
    let rows = table(&done);
    assert_eq!((rows[1][0], rows[1][1]), ("events/1", "0"), "{done}");
    assert_eq!(rows[1][2], rows[1][3], "nothing below is in a count: {done}");
    let gap = &world.ask(GAPS)[1];
    assert_eq!((gap["first"].as_str(), gap["next"].as_str()), (Some("0"), Some(rows[1][2])));
    let status = say(&world, &["epoch", "status"], &[]).done();
    assert_eq!(table(&status).len(), 2, "a source without progress has one again: {status}");

    // Cut off in the middle of the same object: written again, at the same place.
    let folder = world.checkpoints().join("epoch-0").join("events=2f1");
    let object = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&object).unwrap();
    std::fs::write(&object, &whole[..whole.len() / 2]).unwrap();
    say(&world, &["resume"], &[UNSEEN_GROUP]).done();
    assert_eq!(std::fs::read(&object).unwrap(), whole);
    assert_eq!(world.ask(GAPS).len(), 2, "the same gap is the same row");
}

#[test]
fn it_refuses_what_would_lose_or_mix() {
    let world = world("resume_refusals", &distinct(500));
    let sound = say(&world, &["resume"], &[UNSEEN_GROUP]).refused();
    assert!(sound.contains("nothing to resume") && sound.contains("events/0"), "{sound}");

    lose_checkpoints(&world);
    write_newer(&world.checkpoints().join("epoch-0").join("events=2f0"));
    let newer = say(&world, &["resume"], &[UNSEEN_GROUP]).refused();
    assert!(newer.contains("of format 9, which a newer version wrote"), "{newer}");
    std::fs::remove_dir_all(world.checkpoints().join("epoch-0").join("events=2f0")).unwrap();

    // The same tables, and a topic that was created again.
    let recreated = World::new(2, "resume_refusals");
    let ended = say(&recreated, &["resume"], &[]).refused();
    assert!(ended.contains("ends at offset 0, before offset") && ended.contains("`worker.log`"), "{ended}");
    assert_eq!(world.ask(GAPS), Vec::<Value>::new());

    let nowhere = say(&world, &["resume"], &[("GRAPEVINE_KAFKA_BROKERS", "127.0.0.1:1")]).refused();
    assert!(nowhere.contains("could not reach 127.0.0.1:1") && nowhere.contains("check kafka.brokers"), "{nowhere}");
    let unknown = say(&world, &["resume"], &[("GRAPEVINE_KAFKA_TOPIC", "another"), ("GRAPEVINE_WORKER_LOG", "events")]).refused();
    assert!(unknown.contains("check kafka.topic"), "{unknown}");
}

fn write_newer(folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    let object = [b"GRPVCKPT".as_slice(), &[9], &[0; 100]].concat();
    std::fs::write(folder.join(format!("{:020}-{:032x}.ckpt", 400, 7)), object).unwrap();
}
