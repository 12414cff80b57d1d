//! Workers that come and go, and stores that fail, on Apache Kafka: one fault at a time, each seen to happen.

use std::collections::BTreeMap;

use super::verdict::{PARTITIONS, assert_exact};
use super::{ApacheKafka, PATIENT};
use crate::events::Data;
use crate::store::Database;
use crate::world::{Worker, World, files_in, signal, until};

/// A world on the shared broker.
fn world(name: &str) -> World {
    World::on(&ApacheKafka::shared(), PARTITIONS, Database::absent(name))
}

/// How many partitions a worker reads.
fn partitions(worker: &Worker) -> usize {
    worker.get("/metrics").1.lines().filter(|line| line.starts_with("grapevine_live_roots{")).count()
}

/// Waits until some workers read all partitions, each at least one.
pub(super) fn wait_until_shared_out(workers: &[Worker]) {
    until("the partitions are shared out", || {
        let shares: Vec<usize> = workers.iter().map(partitions).collect();
        if shares.iter().sum::<usize>() == PARTITIONS && !shares.contains(&0) { Ok(()) } else { Err(shares) }
    });
}

/// Three workers join one after the other and leave again, two of them in order and one by `kill -9`, all under load.
fn joining_and_leaving(name: &str, member: impl Fn(usize) -> Vec<(&'static str, String)>) {
    let (mut world, data) = (world(name), Data::week());
    let start = |world: &World, number: usize| {
        let member = member(number);
        world.start(&member.iter().map(|(key, value)| (*key, value.as_str())).collect::<Vec<_>>())
    };
    let mut load = world.load(&data.lines);
    let mut workers = Vec::new();
    for number in 0..3 {
        load.release_one_of(8);
        workers.push(start(&world, number));
        wait_until_shared_out(&workers);
    }
    load.release_one_of(8);
    workers.remove(0).stop();
    wait_until_shared_out(&workers);
    load.release_one_of(8);
    workers.remove(0).kill();
    wait_until_shared_out(&workers);
    load.release_one_of(8);
    workers.push(start(&world, 0));
    wait_until_shared_out(&workers);
    world.finish(load);
    world.wait_for(data.lines.len());
    workers.into_iter().for_each(Worker::stop);
    assert_exact(&world, data);
}

#[test]
fn three_workers_join_and_leave_under_load() {
    joining_and_leaving("joining_classic", |_| Vec::new());
}

#[test]
fn three_workers_with_names_join_and_leave_under_load() {
    joining_and_leaving("joining_static", |number| vec![("GRAPEVINE_KAFKA_GROUP_INSTANCE_ID", format!("worker-{number}"))]);
}

#[test]
fn three_workers_join_and_leave_under_load_by_the_consumer_protocol() {
    joining_and_leaving("joining_consumer", |_| vec![("GRAPEVINE_KAFKA_GROUP_PROTOCOL", "consumer".to_owned())]);
}

#[test]
fn a_worker_with_a_name_that_comes_back_soon_costs_no_rebalance() {
    let (mut world, data) = (world("restart_static"), Data::edge_cases().with_facts());
    let start = |world: &World, name| world.start(&[("GRAPEVINE_KAFKA_GROUP_INSTANCE_ID", name), PATIENT[0], PATIENT[1]]);
    let mut load = world.load(&data.lines);
    load.release_one_of(3);
    let mut workers = vec![start(&world, "one"), start(&world, "two")];
    wait_until_shared_out(&workers);
    let rebalances = |worker: &Worker| worker.metric("grapevine_rebalances_total", "");
    let before = rebalances(&workers[0]);
    load.release_one_of(3);
    for killed in [true, false] {
        let leaving = workers.remove(1);
        if killed {
            leaving.kill()
        } else {
            leaving.stop()
        }
        workers.push(start(&world, "two"));
        wait_until_shared_out(&workers);
    }
    assert_eq!(rebalances(&workers[0]).to_bits(), before.to_bits(), "{}", workers[0].log());
    world.finish(load);
    world.wait_for(data.lines.len());
    workers.into_iter().for_each(Worker::stop);
    assert_exact(&world, &data);
}

#[test]
fn a_store_that_is_read_only_full_or_crowded_costs_nothing() {
    let (mut world, data) = (world("store_read_only"), Data::edge_cases().with_facts());
    let worker = world.start(&[]);
    let mut load = world.load(&data.lines);
    let faults = [
        ("cascade", "table_readonly = 1", "Code: 774"),
        ("progress", "min_free_disk_bytes_to_perform_insert = 1000000000000000", "Code: 243"),
        ("activity_window", "parts_to_throw_insert = 1, parts_to_delay_insert = 1", "Code: 252"),
    ];
    for (table, setting, code) in faults {
        load.release_one_of(5);
        worker.wait_until_ready();
        world.run(&format!("ALTER TABLE {table} MODIFY SETTING {setting}"));
        load.release_one_of(5);
        worker.wait_until_unready(code);
        assert_eq!(worker.get("/healthz").0, 200);
        let names: Vec<&str> = setting.split(", ").filter_map(|one| one.split(" =").next()).collect();
        world.run(&format!("ALTER TABLE {table} RESET SETTING {}", names.join(", ")));
    }
    world.finish(load);
    world.wait_for(data.lines.len());
    worker.wait_until_ready();
    assert!(worker.metric("grapevine_insert_retries_total", "") >= 3.0);
    worker.stop();
    assert_exact(&world, &data);
}

#[test]
fn a_column_that_is_dropped_and_put_back_costs_nothing() {
    let (mut world, data) = (world("column_put_back"), Data::edge_cases().with_facts());
    // Nothing is in the table yet: what a column held is gone with it.
    world.run("ALTER TABLE cascade DROP COLUMN max_children");
    let worker = world.start(&[]);
    let (first, rest) = data.lines.split_at(data.lines.len() / 2);
    world.publish(first);
    worker.wait_until_unready("grapevine migrate");
    assert_eq!(world.counts()[0], 0, "progress is written last");
    world.run("ALTER TABLE cascade ADD COLUMN max_children UInt64 AFTER deletes");
    world.wait_for(first.len());
    worker.wait_until_ready();
    // And in the middle of everything: away under another name, so that it keeps what it holds. At rest, because a
    // row that is inserted during a renaming loses what it says in that column.
    world.run("ALTER TABLE cascade RENAME COLUMN max_children TO elsewhere");
    world.publish(rest);
    worker.wait_until_unready("grapevine migrate");
    world.run("ALTER TABLE cascade RENAME COLUMN elsewhere TO max_children");
    world.wait_for(data.lines.len());
    worker.wait_until_ready();
    worker.stop();
    assert_exact(&world, &data);
}

#[test]
fn checkpoints_that_cannot_be_written_hold_no_rows_back_and_torn_ones_are_passed_over() {
    let (mut world, data) = (world("checkpoints"), Data::edge_cases().with_facts());
    let worker = world.start(&[]);
    let mut load = world.load(&data.lines);
    load.release_one_of(4);
    until("every partition has three checkpoints", || {
        load.release_one_of(40);
        let found = files_in(&world.checkpoints()).len();
        if found == 3 * PARTITIONS { Ok(()) } else { Err(found) }
    });

    let (folder, aside) = (world.checkpoints(), world.checkpoints().with_extension("aside"));
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, "not a folder").unwrap();
    let failed = worker.metric("grapevine_checkpoints_total", "failed");
    let read = world.counts()[0];
    load.release_one_of(4);
    until("checkpoints fail and rows go on", || {
        let (failed, read) = (worker.metric("grapevine_checkpoints_total", "failed") - failed, world.counts()[0] - read);
        if failed > 0.0 && read > 0 { Ok(()) } else { Err((failed, read)) }
    });
    let (status, said) = worker.get("/readyz");
    assert!(status == 200 && said.contains("warning: loop ") && said.contains("`checkpoint.url`"), "{status}: {said}");
    // What is read now is in no checkpoint, and read again.
    worker.kill();
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();

    // The last one of each source; a kill in the middle of pruning leaves one more or less.
    let newest: BTreeMap<_, _> = files_in(&folder).into_iter().map(|path| (path.parent().unwrap().to_owned(), path)).collect();
    assert_eq!(newest.len(), PARTITIONS);
    for path in newest.values() {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    }
    let worker = world.start(&[]);
    until("the torn ones are passed over", || {
        let skipped = worker.log().matches("skipped a checkpoint, trying the one before").count();
        if skipped == PARTITIONS { Ok(()) } else { Err(worker.log()) }
    });
    world.finish(load);
    world.wait_for(data.lines.len());
    worker.stop();
    assert_exact(&world, &data);
}

#[test]
fn a_shutdown_in_the_middle_of_anything_ends_in_time_and_costs_nothing() {
    let (mut world, data) = (world("shutdown"), Data::edge_cases().with_facts());
    let mut load = world.load(&data.lines);
    // While it starts, while it restores, and while it reads.
    for wait in [false, false, true, true] {
        load.release_one_of(16);
        let worker = world.start(&[]);
        if wait {
            worker.wait_until_ready();
        }
        load.release_one_of(16);
        worker.stop();
    }
    // While another joins.
    let staying = world.start(&[]);
    let leaving = world.start(&[]);
    load.release_one_of(16);
    leaving.stop();
    staying.stop();
    // While the store takes nothing: it says so, and does not wait for ever.
    let stuck = world.start(&[("GRAPEVINE_WORKER_SHUTDOWN_DEADLINE_SECONDS", "6")]);
    wait_until_shared_out(std::slice::from_ref(&stuck));
    world.run("ALTER TABLE progress MODIFY SETTING table_readonly = 1");
    load.release_of_the_rest(2);
    stuck.wait_until_unready("Code: 774");
    signal(stuck.process(), "TERM");
    let said = stuck.gave_up();
    assert!(said.contains("Nothing is lost"), "{said}");
    world.run("ALTER TABLE progress RESET SETTING table_readonly");
    world.finish(load);
    let worker = world.start(&[]);
    world.wait_for(data.lines.len());
    worker.stop();
    assert_exact(&world, &data);
}
