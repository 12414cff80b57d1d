//! Records that unpack a thousandfold: what they cost the process that reads them.

use grapevine::embedded::broker::{Message, Publisher};

use super::{ApacheKafka, PATIENT};
use crate::store::Database;
use crate::world::World;

/// 600 MB, of which the broker keeps a few hundred KiB.
const RECORDS: usize = 6000;
const SIZE: usize = 100_000;

/// By the keys of a fetch, how much memory the process may take at most, in KiB: by the defaults an eighth of 2 GiB. With a fetch of
/// 1 MiB, which holds all of the records, it takes 0.6 GiB.
const PEAKS_KIB: [(&[(&str, &str)], u64); 2] =
    [(&[("GRAPEVINE_KAFKA_FETCH_PARTITION_KIB", "16"), ("GRAPEVINE_KAFKA_FETCH_KIB", "16")], 200 << 10), (&[], 256 << 10)];

#[test]
fn what_records_unpack_to_is_bounded_by_the_keys_of_a_fetch() {
    let kafka = ApacheKafka::shared();
    for (number, (keys, most)) in PEAKS_KIB.into_iter().enumerate() {
        let world = World::on(&kafka, 1, Database::absent(&format!("bomb_{number}")));
        let zstd = [("compression.type".to_owned(), "zstd".to_owned())];
        let mut publisher = Publisher::new(&world.brokers, &zstd, &world.topic, None).unwrap();
        let payload = vec![b'x'; SIZE];
        for _ in 0..RECORDS {
            publisher.publish(Message { payload: Some(&payload), ..Message::default() }).unwrap();
        }
        publisher.flush().unwrap();
        // None of them is an event; of what is kept of rejects there is little.
        let settings = [("GRAPEVINE_WORKER_GARBAGE_PERCENT", "100"), ("GRAPEVINE_RULES_REJECT_KIB", "1")];
        let worker = world.start(&[&settings[..], keys, &PATIENT].concat());
        world.wait_for(RECORDS);
        let peak = peak_kib(worker.process().id());
        worker.stop();
        assert!(peak < most, "{keys:?}: {} MiB", peak >> 10);
    }
}

/// The most memory that a process ever had.
fn peak_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}
