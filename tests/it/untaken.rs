//! A store that refuses the rows of one partition: that one waits for a hand, and holds up nobody.

use crate::events::{Data, number};
use crate::world::{Worker, World, until};

/// Up to where the rows of a source can be read.
fn version(world: &World, source: &str) -> u64 {
    let answer = world.ask(&format!("SELECT max(version) AS version FROM progress WHERE source = '{source}'"));
    number(&answer[0]["version"])
}

/// Waits until the rows of the other partition can be read to its end, and its offset is committed.
fn wait_for_the_other(world: &World, worker: &Worker, before: u64) {
    until("the other partition goes on", || {
        let lag = worker.metric("grapevine_kafka_consumer_lag", "partition=\"1\"");
        match version(world, "events/1") {
            version if version > before && lag == 0.0 => Ok(()),
            version => Err(format!("{version}, {lag} behind: {}", worker.get("/readyz").1)),
        }
    });
}

#[test]
fn a_partition_whose_rows_the_store_refuses_waits_for_a_hand_and_holds_up_nobody() {
    let data = Data::edge_cases();
    let mut world = World::migrated(2, "untaken");
    let worker = world.start(&[("GRAPEVINE_WORKER_THREADS", "1")]);
    worker.wait_until_ready();
    // What follows is for the most part one tree, in one partition: the broker takes no more of what nobody reads.
    let ends = [0, 1, 2, 3, 4, 5, 6].map(|twelfths| data.lines.len() * twelfths / 12);
    let mut parts = ends.windows(2).map(|part| &data.lines[part[0]..part[1]]);
    // Among its rows, and then in `progress`, which is written when all others are there; in the end with a code that nobody knows, which
    // may pass by itself.
    let refusals = [
        ("activity_window", "source != 'events/0'", "ALTER TABLE ... DROP CONSTRAINT"),
        ("progress", "source != 'events/0'", "ALTER TABLE ... DROP CONSTRAINT"),
        ("activity_window", "intDiv(1, source != 'events/0') = 1", "SELECT * FROM system.errors WHERE code = 153"),
    ];
    for (table, check, cure) in refusals {
        world.run(&format!("ALTER TABLE {table} ADD CONSTRAINT narrow CHECK {check}"));
        let before = version(&world, "events/0");
        for part in [parts.next().unwrap(), parts.next().unwrap()] {
            let other = version(&world, "events/1");
            world.publish(part);
            worker.wait_until_unready("the store refuses rows of partition 0, which");
            wait_for_the_other(&world, &worker, other);
        }
        worker.wait_until_unready(cure);
        assert_eq!(worker.get("/healthz").0, 200);
        assert!(worker.metric("grapevine_insert_retries_total", "operator") > 0.0, "an alert hangs on it");
        assert_eq!(version(&world, "events/0"), before, "nothing of it is said to be there");
        world.run(&format!("ALTER TABLE {table} DROP CONSTRAINT narrow"));
        until("it goes on by itself", || {
            let now = version(&world, "events/0");
            if now > before { Ok(()) } else { Err(worker.get("/readyz").1) }
        });
        worker.wait_until_ready();
    }
    world.publish(&data.lines[ends[6]..]);
    world.wait_for(data.lines.len());
    worker.stop();
    data.compare(|question| world.ask(question));
    assert_eq!(world.counts(), data.counts());
}
