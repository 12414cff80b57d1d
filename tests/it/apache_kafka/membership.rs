//! Members that their group leaves alone, takes for somebody else, or does not answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::faults::wait_until_shared_out;
use super::verdict::{PARTITIONS, assert_exact};
use super::{ApacheKafka, PATIENT};
use crate::events::Data;
use crate::store::Database;
use crate::world::{Worker, World, until};

/// A name, and a session that outlives a restart under it.
fn named(name: &str) -> [(&'static str, &str); 3] {
    [("GRAPEVINE_KAFKA_GROUP_INSTANCE_ID", name), PATIENT[0], PATIENT[1]]
}

fn unassigned(worker: &Worker) -> f64 {
    worker.metric("grapevine_unassigned_partitions", "")
}

/// One gives half of its partitions up for another, is killed before it has said so, and comes back: the group
/// believes that all is well, and that half belongs to nobody.
#[test]
fn partitions_that_belong_to_nobody_are_noticed_and_shared_out() {
    let kafka = ApacheKafka::shared();
    let (mut world, data) = (World::on(&kafka, PARTITIONS, Database::absent("nobodys")), Data::edge_cases().with_facts());
    let mut load = world.load(&data.lines);
    let one = world.start(&named("one"));
    load.release_one_of(4);
    until("one reads everything", || {
        let read = one.metric("grapevine_live_roots", "");
        if read > 0.0 { Ok(()) } else { Err(read) }
    });
    // What it gives up must be flushed first, which now takes as long as it may.
    world.run("ALTER TABLE progress MODIFY SETTING table_readonly = 1");
    load.release_one_of(4);
    one.wait_until_unready("Code: 774");
    let two = world.start(&named("two"));
    until("one gives partitions up", || if one.log().contains("partitions revoked") { Ok(()) } else { Err(one.log()) });
    one.kill();
    world.run("ALTER TABLE progress RESET SETTING table_readonly");
    let workers = [world.start(&named("one")), two];
    until("one sees that partitions are unassigned", || {
        let seen: Vec<f64> = workers.iter().map(unassigned).collect();
        if seen.iter().any(|seen| *seen > 0.0) { Ok(()) } else { Err((seen, workers[0].log(), workers[1].log())) }
    });
    load.release_one_of(4);
    wait_until_shared_out(&workers);
    until("nobody sees that any more", || {
        let seen: Vec<f64> = workers.iter().map(unassigned).collect();
        if seen.iter().all(|seen| *seen == 0.0) { Ok(()) } else { Err(seen) }
    });
    let said = workers.iter().any(|worker| worker.log().contains("stable group has unassigned partitions"));
    assert!(said, "{}", workers[0].log());
    world.finish(load);
    world.wait_for(data.lines.len());
    workers.into_iter().for_each(Worker::stop);
    assert_exact(&world, &data);
}

/// Two have one name: by the classic protocol whoever comes last has it, by the newer one whoever was first, and the other is
/// fenced. Both live on, and who is left has the name.
fn turned_away(database: &str, protocol: &'static str) {
    let kafka = ApacheKafka::shared();
    let (mut world, data) = (World::on(&kafka, PARTITIONS, Database::absent(database)), Data::edge_cases().with_facts());
    let member = [named("one").as_slice(), &[("GRAPEVINE_KAFKA_GROUP_PROTOCOL", protocol)]].concat();
    let mut load = world.load(&data.lines);
    load.release_one_of(3);
    let first = world.start(&member);
    first.wait_until_ready();
    let mut workers = [first, world.start(&member)];
    let fenced = |worker: &Worker| worker.metric("grapevine_rebalances_total", "fenced");
    until("one of two with the same name is fenced", || {
        let times: f64 = workers.iter().map(fenced).sum();
        if times > 0.0 { Ok(()) } else { Err((times, workers[0].log())) }
    });
    load.release_one_of(3);
    assert!(!workers.iter_mut().any(Worker::has_ended), "{}", workers[0].log());
    let said = workers.iter().any(|worker| worker.log().contains("two workers have the same `kafka.group_instance_id`"));
    assert!(said, "{}", workers[0].log());
    let [staying, leaving] = workers;
    leaving.kill();
    world.finish(load);
    world.wait_for(data.lines.len());
    staying.wait_until_ready();
    staying.stop();
    assert_exact(&world, &data);
}

#[test]
fn a_member_that_is_turned_away_comes_back() {
    turned_away("turned_away", "classic");
}

#[test]
fn a_member_that_is_turned_away_comes_back_by_the_consumer_protocol() {
    turned_away("turned_away_consumer", "consumer");
}

/// Nobody answers the last commit. All that counts is durable, so the worker ends in order, and says so.
#[test]
fn a_worker_that_is_stopped_while_the_broker_is_dead_ends_in_order() {
    let kafka = Arc::new(ApacheKafka::start());
    let data = Data::edge_cases().with_facts();
    for protocol in ["classic", "consumer"] {
        let database = Database::absent(&format!("stopped_without_broker_{protocol}"));
        let mut world = World::on(&kafka, PARTITIONS, database);
        let member = [
            ("GRAPEVINE_KAFKA_GROUP_PROTOCOL", protocol),
            ("GRAPEVINE_CHECKPOINT_INTERVAL_SECONDS", "600"),
            ("GRAPEVINE_WORKER_SHUTDOWN_DEADLINE_SECONDS", "120"),
        ];
        let mut load = world.load(&data.lines);
        let worker = world.start(&member);
        load.release_one_of(3);
        until("it reads", || if world.counts()[0] > 0 { Ok(()) } else { Err(worker.log()) });
        kafka.kill();
        let (code, log) = worker.stopped();
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("the group did not take the last offset"), "{log}");
        assert!(!log.contains("before everything was in a checkpoint"), "{log}");
        kafka.start_again();
        world.finish(load);
        let worker = world.start(&member);
        world.wait_for(data.lines.len());
        worker.stop();
        assert_exact(&world, &data);
    }
}

/// A client that has nothing to read asks the brokers all the same, which topic it is: once they are gone it must not do that as fast
/// as it can. Some of those that the client sends to one broker only make it connect anew whenever that broker refuses.
#[test]
fn a_worker_without_partitions_does_not_hammer_a_broker_that_is_gone() {
    let kafka = Arc::new(ApacheKafka::start());
    let mut world = World::on(&kafka, 1, Database::absent("hammered"));
    let workers = [world.start(&[]), world.start(&[])];
    world.publish(&Data::edge_cases().lines);
    world.wait_for(Data::edge_cases().lines.len());
    workers.iter().for_each(Worker::wait_until_ready);
    kafka.kill();
    let spent = || workers.iter().map(|worker| worker.metric("process_cpu_seconds_total", "")).sum::<f64>();
    let (before, began) = (spent(), Instant::now());
    std::thread::sleep(Duration::from_secs(10));
    let share = (spent() - before) / began.elapsed().as_secs_f64();
    // Seven tenths of a processor when it did.
    assert!(share < 0.3, "two workers that wait take {share:.2} of a processor: {}", workers[1].log());
}
