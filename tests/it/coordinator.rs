//! The group's coordinator is away while the leaders of the partitions are there: only commits wait for it.

use std::time::{Duration, Instant};

use crate::world::{World, until};

/// Long enough for several commits to fail.
const AWAY: Duration = Duration::from_secs(20);

/// How many records are published at a time.
const RECORDS: usize = 100;

#[test]
fn reading_and_writing_go_on_while_the_coordinator_is_away() {
    let (mut world, relay, coordinator) = World::with_coordinator_apart(2, "coordinator");
    // Longer than the coordinator stays away, or the member would give its partitions up.
    let worker = world.start(&[("GRAPEVINE_KAFKA_SESSION_TIMEOUT_MS", "300000")]);
    let mut total = 0;
    let mut publish = |world: &mut World| {
        let event = |id: usize| format!(r#"{{"type":"visit","id":"v{id}","time":1700000000000}}"#).into_bytes();
        let lines: Vec<Vec<u8>> = (total..total + RECORDS).map(event).collect();
        total += lines.len();
        world.publish(&lines);
        world.wait_for(total);
    };
    publish(&mut world);
    let lag = || worker.metric("grapevine_kafka_consumer_lag", "");
    until("offsets are committed", || if lag() == 0.0 { Ok(()) } else { Err(lag()) });
    worker.wait_until_ready();

    relay.point_to(None);
    let spent = || worker.metric("grapevine_poll_loop_seconds_total", "phase=\"commit\"");
    let (before, began) = (spent(), Instant::now());
    let mut published = 0.0;
    while began.elapsed() < AWAY {
        relay.cut();
        publish(&mut world);
        published += RECORDS as f64;
        assert_eq!(worker.get("/readyz"), (200, "ok\n".to_owned()), "only the group's lag hangs on the coordinator");
    }
    let share = (spent() - before) / began.elapsed().as_secs_f64();
    assert!(share < 0.1, "the loop waited for commits for {share:.2} of its time: {}", worker.log());
    assert!(lag() > published / 2.0, "{} of {published} records were committed: it was not away", published - lag());

    relay.point_to(Some(&coordinator));
    until("offsets are committed", || if lag() == 0.0 { Ok(()) } else { Err(lag()) });
    worker.stop();
}
