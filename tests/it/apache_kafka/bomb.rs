//! Records that unpack a thousandfold: what they cost the process that reads them.

use grapevine::embedded::broker::{Message, Publisher};

use super::{ApacheKafka, PATIENT};
use crate::store::Database;
use crate::world::World;

/// 600 MB, of which the broker keeps a few hundred KiB.
const RECORDS: usize = 6000;
const SIZE: usize = 100_000;

/// Twice what the process takes, and a third of what it takes with fetches of 1 MiB, each of which holds all of them.
const PEAK_KIB: u64 = 200 << 10;

#[test]
fn what_records_unpack_to_is_bounded_by_the_keys_of_a_fetch() {
    let kafka = ApacheKafka::shared();
    let world = World::on(&kafka, 1, Database::absent("bomb"));
    let zstd = [("compression.type".to_owned(), "zstd".to_owned())];
    let mut publisher = Publisher::new(&world.brokers, &zstd, &world.topic, None).unwrap();
    let payload = vec![b'x'; SIZE];
    for _ in 0..RECORDS {
        publisher.publish(Message { payload: Some(&payload), ..Message::default() }).unwrap();
    }
    publisher.flush().unwrap();
    // None of them is an event; of what is kept of rejects there is little.
    let settings = [
        ("GRAPEVINE_WORKER_GARBAGE_PERCENT", "100"),
        ("GRAPEVINE_RULES_REJECT_KIB", "1"),
        ("GRAPEVINE_KAFKA_QUEUED_KIB", "4096"),
        ("GRAPEVINE_KAFKA_FETCH_PARTITION_KIB", "16"),
        ("GRAPEVINE_KAFKA_FETCH_KIB", "16"),
    ];
    let worker = world.start(&[&settings[..], &PATIENT].concat());
    world.wait_for(RECORDS);
    let peak = peak_kib(worker.process().id());
    worker.stop();
    assert!(peak < PEAK_KIB, "{} MiB", peak >> 10);
}

/// The most memory that a process ever had.
fn peak_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}
