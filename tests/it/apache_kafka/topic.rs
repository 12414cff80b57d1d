//! A topic and a group that are not as a worker needs them: what it says, and where.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::ApacheKafka;
use crate::events::Data;
use crate::store::Database;
use crate::world::{Worker, World, until};

fn world(name: &str) -> (Arc<ApacheKafka>, World) {
    let kafka = ApacheKafka::shared();
    let world = World::on(&kafka, 2, Database::absent(name));
    (kafka, world)
}

fn wait_for(worker: &Worker, metric: &str, label: &str, holds: impl Fn(f64) -> bool) {
    until(metric, || {
        let value = worker.metric(metric, label);
        if holds(value) { Ok(()) } else { Err(value) }
    });
}

fn wait_for_words(worker: &Worker, words: &str) {
    until(words, || if worker.log().contains(words) { Ok(()) } else { Err(worker.log()) });
}

#[test]
fn a_topic_that_is_missing_is_named_until_it_is_there() {
    let (kafka, world) = world("absent_topic");
    kafka.delete_topic(&world.topic);
    let worker = world.start(&[]);
    worker.wait_until_unready(&format!("topic: topic {} does not exist", world.topic));
    let reasons = worker.get("/readyz").1;
    assert!(reasons.contains("`kafka.topic`"), "{reasons}");
    wait_for(&worker, "grapevine_topic_problem", "missing", |value| value == 1.0);
    kafka.create_topic(&world.topic, 2);
    worker.wait_until_ready();
    wait_for(&worker, "grapevine_topic_problem", "missing", |value| value == 0.0);
    worker.stop();
}

#[test]
fn a_topic_that_is_compacted_or_kept_for_a_minute_is_named_at_the_start() {
    let (kafka, world) = world("unsuitable_topic");
    let worker = world.start(&[]);
    wait_for(&worker, "grapevine_kafka_retention_seconds", "", |value| value == 7.0 * 86_400.0);
    worker.wait_until_ready();
    assert!(!worker.log().contains("cleanup.policy"), "{}", worker.log());
    worker.stop();
    kafka.configure_topic(&world.topic, &[("cleanup.policy", "compact,delete"), ("retention.ms", "60000")]);
    let worker = world.start(&[]);
    wait_for_words(&worker, "set cleanup.policy=delete");
    wait_for_words(&worker, "retention.ms=60000");
    for problem in ["compacted", "short_retention"] {
        wait_for(&worker, "grapevine_topic_problem", problem, |value| value == 1.0);
    }
    // It is a warning and nothing else, and `/readyz` says so.
    worker.wait_until_ready();
    let (status, said) = worker.get("/readyz");
    let warned = |words| said.lines().any(|line| line.starts_with("warning: ") && line.contains(words));
    assert!(status == 200 && warned("set cleanup.policy=delete") && warned("retention.ms=60000"), "{said}");
    worker.stop();
}

#[test]
fn the_margin_to_the_retention_is_shown_once_the_log_forgets() {
    const RETENTION: f64 = 7200.0;
    let data = Data::edge_cases();
    let (kafka, mut world) = world("margin");
    kafka.configure_topic(&world.topic, &[("retention.ms", "7200000")]);
    let worker = world.start(&[]);
    world.publish(&data.lines);
    world.wait_for(data.lines.len());
    wait_for(&worker, "grapevine_kafka_retention_seconds", "", |value| value == RETENTION);
    let page = worker.get("/metrics").1;
    assert!(!page.contains("grapevine_kafka_retention_margin_seconds{"), "nothing is forgotten yet: {page}");
    for partition in 0..2 {
        kafka.delete_records(&world.topic, partition, 1);
    }
    // The client hears of it with the next records.
    world.publish(&data.lines);
    for partition in ["partition=\"0\"", "partition=\"1\""] {
        wait_for(&worker, "grapevine_kafka_retention_margin_seconds", partition, |margin| margin > 0.0 && margin <= RETENTION);
    }
    worker.stop();
}

/// A consumer that is no worker, until it is dropped.
struct Foreign {
    stop: Arc<AtomicBool>,
    polling: Option<std::thread::JoinHandle<()>>,
}

impl Foreign {
    fn join(world: &World, settings: &[(&str, &str)]) -> Foreign {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &world.brokers).set("group.id", format!("{}-epoch-0", world.topic));
        config.set("client.id", "somebody-else");
        for (key, value) in settings {
            config.set(*key, *value);
        }
        let consumer: BaseConsumer = config.create().unwrap();
        consumer.subscribe(&[&world.topic]).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (asked, (told, joined)) = (Arc::clone(&stop), std::sync::mpsc::channel());
        let polling = std::thread::spawn(move || {
            while !asked.load(Ordering::Relaxed) {
                drop(consumer.poll(Duration::from_millis(50)));
                if consumer.assignment().is_ok_and(|assignment| assignment.count() > 0) {
                    // Heard once, by whoever waits for it.
                    told.send(()).ok();
                }
            }
        });
        joined.recv_timeout(Duration::from_secs(120)).expect("it is given partitions");
        Foreign { stop, polling: Some(polling) }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.polling.take().map(std::thread::JoinHandle::join);
    }
}

/// It is in the group before the worker looks.
#[test]
fn a_foreign_member_is_counted_and_named() {
    let (_kafka, world) = world("foreign_classic");
    let foreign = Foreign::join(&world, &[("partition.assignment.strategy", "cooperative-sticky")]);
    let worker = world.start(&[]);
    wait_for(&worker, "grapevine_kafka_foreign_members", "", |value| value == 1.0);
    wait_for_words(&worker, "somebody-else");
    wait_for_words(&worker, "(`kafka.group`)");
    let said = worker.get("/readyz").1;
    assert!(said.contains("warning: a foreign consumer is in the group") && said.contains("somebody-else"), "{said}");
    drop(foreign);
    worker.stop();
}

#[test]
fn a_foreign_member_that_shares_out_in_another_way_ends_the_worker_with_the_cure() {
    let (_kafka, world) = world("foreign_range");
    let _foreign = Foreign::join(&world, &[("partition.assignment.strategy", "range")]);
    let said = world.refused(&[]);
    assert!(said.contains("another kind of consumer") && said.contains("`kafka.group`"), "{said}");
}
