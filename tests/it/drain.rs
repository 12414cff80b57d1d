//! A worker that was asked to stop while its store does not answer: when one looks most, there must be something to see.

use crate::demo::succeeded;
use crate::store::{Database, start};
use crate::world::{Relay, World, signal, until};

#[test]
fn metrics_and_probes_answer_until_the_last_loop_has_ended() {
    let (relay, folder) = (Relay::start(), tempfile::tempdir().unwrap());
    let mut store = start(folder.path());
    relay.point_to(Some(store.url()));
    let mut world = World::with(1, Database::at(&relay.url(), "drain"));
    succeeded(world.command("migrate").output().unwrap());
    let worker = world.start(&[]);
    let event = |id: u64| format!(r#"{{"type":"visit","id":"v{id}","time":1700000000000}}"#).into_bytes();
    world.publish(&[event(0)]);
    world.wait_for(1);
    worker.wait_until_ready();
    // From now on what is read cannot leave.
    relay.point_to(None);
    relay.cut();
    world.publish(&(1..100).map(event).collect::<Vec<_>>());
    let retries = || worker.metric("grapevine_insert_retries_total", "");
    until("an insert fails", || if retries() > 0.0 { Ok(()) } else { Err(worker.log()) });
    signal(worker.process(), "TERM");
    worker.wait_until_unready("stopping");
    let before = retries();
    until("the drain is seen to try again", || if retries() > before { Ok(()) } else { Err(worker.log()) });
    relay.point_to(Some(store.url()));
    worker.stop();
    world.wait_for(100);
    store.kill().unwrap();
}
