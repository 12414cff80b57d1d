//! `grapevine rewrite`: what a store has forgotten is written again, as if it had never happened, except what `losses` names.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::apache_kafka::broker::process::until_passing;
use crate::commands::{self, UNSEEN_GROUP, command, say};
use crate::events::Data;
use crate::world::{World, files_in};

const EVENTS: usize = 3_000;

/// Facts beside the trees: a click on a share that is there, a visit, a sale, what is no event.
pub(crate) const FACTS: [&str; 6] = [
    r#"{"type":"post","id":"own-post","time":1708937971425,"actor":"a","brand":"acme"}"#,
    r#"{"type":"share","id":"own-share","time":1708937972425,"actor":"b","root":"own-post","parent":"own-post"}"#,
    r#"{"type":"click","id":"own-click","time":1708937973425,"root":"own-post","target":"own-share","visitor":"v"}"#,
    r#"{"type":"visit","id":"own-visit","time":1708937974425,"visitor":"v","click":"own-click"}"#,
    r#"{"type":"conversion","id":"own-sale","time":1708937975425,"visitor":"v","amount":"12.5","currency":"EUR"}"#,
    "no event",
];

fn lines() -> [Vec<Vec<u8>>; 2] {
    let mut lines = Data::edge_cases().lines;
    lines.truncate(EVENTS);
    let rest = lines.split_off(EVENTS / 2);
    lines.extend(FACTS.map(|line| line.as_bytes().to_vec()));
    [lines, rest]
}

/// A world whose worker has read some lines and was stopped; only its newest states are left.
fn world(name: &str, lines: &[Vec<u8>]) -> World {
    let world = commands::world(name, lines);
    for partition in ["events=2f0", "events=2f1"] {
        let states = files_in(&world.checkpoints().join("epoch-0").join(partition));
        states[..states.len() - 1].iter().for_each(|older| fs::remove_file(older).unwrap());
    }
    world
}

/// Facts, but for what is known of a click's target only when it is read.
pub(crate) fn facts(world: &World) -> Vec<Value> {
    let of = |(table, except): (&str, &str)| {
        format!(
            "SELECT '{table}' AS name, count() AS n, sum(cityHash64(toString(tuple(* EXCEPT ({except}))))) AS content FROM {table} FINAL"
        )
    };
    let tables = [("click", "target_inferred, path_inferred"), ("visit", "epoch"), ("conversion", "epoch")];
    world.ask(&format!("SELECT * FROM ({}) ORDER BY name", tables.map(of).join(" UNION ALL ")))
}

fn number(world: &World, question: &str) -> u64 {
    world.ask(question)[0]["n"].as_u64().unwrap()
}

/// Every row by its key, and the facts.
type Everything = (BTreeMap<String, String>, Vec<Value>);

fn rows(world: &World) -> Everything {
    (world.every_row_but_ways(), facts(world))
}

/// A worker reads the rest; the tables then are as `peace` says.
fn goes_on(world: &mut World, rest: &[Vec<u8>], peace: &Everything) {
    let worker = world.start(&[UNSEEN_GROUP]);
    world.publish(rest);
    world.wait_for(EVENTS + FACTS.len());
    assert!(worker.metric("grapevine_store_forgotten_total", "") < 1.0, "{}", worker.log());
    worker.stop();
    assert_eq!(rows(world), *peace);
    assert_eq!(world.ask("SELECT * FROM conservation"), Vec::<Value>::new());
}

/// The lines in two halves, and what the tables hold once a worker has read both.
fn in_peace(name: &str) -> ([Vec<Vec<u8>>; 2], Everything) {
    let [first, rest] = lines();
    let mut world = world(name, &first);
    let worker = world.start(&[]);
    world.publish(&rest);
    world.wait_for(EVENTS + FACTS.len());
    worker.stop();
    ([first, rest], rows(&world))
}

#[test]
fn a_database_that_was_dropped_is_written_again_also_if_that_is_killed_on_the_way() {
    let ([first, rest], peace) = in_peace("rewrite_peace");
    let mut world = world("rewrite_dropped", &first);
    let before = rows(&world);
    let refused = say(&world, &["rewrite"], &[UNSEEN_GROUP]).refused();
    assert!(refused.contains("nothing to rewrite: the store holds what the checkpoints say"), "{refused}");

    world.elsewhere(&format!("DROP DATABASE {} SYNC", world.database.rows()));
    let refused = say(&world, &["rewrite"], &[UNSEEN_GROUP]).refused();
    assert!(refused.contains("run: grapevine migrate"), "{refused}");
    say(&world, &["migrate"], &[]).done();
    let worker = world.start(&[]);
    worker.wait_until_unready("grapevine rewrite");
    worker.kill();

    let refused = say(&world, &["rewrite", "--plan"], &[("GRAPEVINE_MEMORY_LIMIT_MIB", "1")]).refused();
    assert!(refused.contains("of the 1 MiB that this command may take"), "{refused}");
    let plan = say(&world, &["rewrite", "--plan"], &[]).done();
    assert!(plan.contains("would be given the id") && plan.contains("nothing was done"), "{plan}");
    // The group is one that this broker takes to have members.
    let refused = say(&world, &["rewrite"], &[]).refused();
    assert!(refused.contains("has members: stop every worker of epoch 0 first"), "{refused}");
    assert_eq!(world.counts(), [0; 4]);

    // In small pieces, and killed once some of the lives are there.
    let mut killed = command(&world, &["rewrite"], &[UNSEEN_GROUP, ("GRAPEVINE_FLUSH_ROWS_MAX", "20")]).spawn().unwrap();
    until_passing("some lives are there", || {
        if number(&world, "SELECT count() AS n FROM cascade") == 0 { Err("none yet") } else { Ok(()) }
    });
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(number(&world, "SELECT uniqExact(source) AS n FROM progress") < 2, "it was killed too late");
    let worker = world.start(&[UNSEEN_GROUP]);
    worker.wait_until_unready("grapevine rewrite");
    worker.kill();

    // What was killed is no member, but this broker has seen the group by now.
    let group = ("GRAPEVINE_KAFKA_GROUP", "unseen-again");
    let said = say(&world, &["rewrite"], &[group]).done();
    assert!(said.contains("start the workers") && said.contains("empty, of what people load:"), "{said}");
    assert_eq!(rows(&world), before, "every row is the one that was lost");
    assert_eq!(world.ask("SELECT * FROM losses"), Vec::<Value>::new(), "the log holds everything, and every root is alive");
    let inferred = world.ask("SELECT target_inferred, path_inferred, depth FROM click FINAL WHERE id = 'own-click'");
    assert_eq!(inferred[0]["target_inferred"], true, "{inferred:?}");
    let refused = say(&world, &["rewrite"], &[group]).refused();
    assert!(refused.contains("nothing to rewrite"), "{refused}");
    goes_on(&mut world, &rest, &peace);
}

#[test]
fn a_table_that_was_emptied_is_filled_again_and_what_nobody_notices_when_it_is_asked_for() {
    let ([first, rest], peace) = in_peace("rewrite_tables_peace");
    let mut world = world("rewrite_tables", &first);
    let before = rows(&world);
    // A later copy of a click was on its way when its table was emptied: the first is the one that stands.
    let later = "SELECT * REPLACE (toUInt64(version - 1) AS version, 'nobody' AS target) FROM click FINAL WHERE id = 'own-click'";
    world.run(&format!("CREATE TABLE on_its_way ENGINE = Memory AS {later}"));
    for table in ["cascade", "click", "visit", "rejects"] {
        world.run(&format!("TRUNCATE TABLE {table}"));
    }
    world.run("INSERT INTO click SELECT * FROM on_its_way");
    world.run("DROP TABLE on_its_way");
    assert_eq!(number(&world, "SELECT count() AS n FROM click WHERE target = 'nobody'"), 1);
    let worker = world.start(&[]);
    worker.wait_until_unready("has lost what it held of events/");
    worker.kill();
    // There was a partition more.
    let gone = world.checkpoints().join("epoch-0").join("events=2f7");
    fs::create_dir(&gone).unwrap();
    fs::write(gone.join(format!("{:020}-{:032x}.ckpt", 400, 7)), "").unwrap();
    // One source cannot be written: the others are all the same.
    world.run("ALTER TABLE cascade ADD CONSTRAINT narrow CHECK source != 'events/0'");
    let said = say(&world, &["rewrite"], &[UNSEEN_GROUP]);
    assert!(said.printed.contains("events/1: facts and rejects") && !said.printed.contains("events/0: facts"), "{said:?}");
    assert!(said.printed.contains("without a partition: events/7;"), "{said:?}");
    let errors = said.refused();
    assert!(errors.contains("not rewritten") && errors.contains("events/0: could not rewrite events/0"), "{errors}");
    assert!(!errors.contains("events/1"), "{errors}");
    let cascades = "SELECT groupUniqArray(source) AS of FROM cascade WHERE epoch = 0";
    assert_eq!(world.ask(cascades)[0]["of"], Value::from(vec!["events/1"]));
    world.run("ALTER TABLE cascade DROP CONSTRAINT narrow");
    let said = say(&world, &["rewrite"], &[UNSEEN_GROUP]).done();
    assert!(said.contains("events/0: facts and rejects") && !said.contains("events/1: facts"), "{said}");
    assert_eq!(rows(&world), before);

    world.run("TRUNCATE TABLE visit");
    let refused = say(&world, &["rewrite"], &[UNSEEN_GROUP]).refused();
    assert!(refused.contains("say --all"), "{refused}");
    let clicks = number(&world, "SELECT count() AS n FROM click");
    say(&world, &["rewrite", "--all"], &[UNSEEN_GROUP]).done();
    assert_eq!(rows(&world), before);
    assert_eq!(number(&world, "SELECT count() AS n FROM click"), clicks, "clicks that are there are left as they were");
    goes_on(&mut world, &rest, &peace);
}

#[test]
fn lives_that_had_left_memory_are_named() {
    let [first, _] = lines();
    // So small a budget that all but the newest roots leave memory.
    let small = ("GRAPEVINE_RULES_BUDGET_ENTRIES", "1000");
    let epoch = ("GRAPEVINE_WORKER_EPOCH", "1");
    let mut world = World::migrated(1, "rewrite_losses");
    let worker = world.start(&[small, epoch]);
    world.publish(&first);
    world.wait_for(first.len());
    worker.stop();
    let all = world.every_row();
    let roots = |world: &World| number(world, "SELECT uniqExact(root) AS n FROM cascade WHERE epoch = 1");
    let had = roots(&world);
    world.run("TRUNCATE TABLE cascade");
    say(&world, &["rewrite"], &[UNSEEN_GROUP, small, epoch]).done();
    let left = world.every_row();
    let missing: Vec<&String> = all.keys().filter(|name| !left.contains_key(*name)).collect();
    assert!(!missing.is_empty() && missing.iter().all(|name| name.starts_with("cascade ")), "{missing:?}");
    assert!(left.iter().all(|(name, content)| all[name] == *content), "what is there is right");
    // In the view, because nobody remembered which epoch was read.
    let lost = world.ask("SELECT table, source, first, next, lives FROM losses");
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!((&lost[0]["table"], &lost[0]["first"]), (&Value::from("cascade"), &Value::from(0)));
    // At most: not of every root that is gone a row was there.
    let named = lost[0]["lives"].as_u64().unwrap();
    assert!(had > roots(&world) && named >= had - roots(&world), "{lost:?}, {had}, {}", roots(&world));
}
