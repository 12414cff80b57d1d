//! The project's edge cases through the whole of it: Kafka's protocol, the worker, ClickHouse, SQL.
//!
//! Every tree is compared with truth that was computed apart, however the log is split, however many threads read it and however
//! often an event is sent.

use crate::events::Data;

#[test]
fn edge_cases_in_one_partition() {
    let data = Data::edge_cases();
    assert_eq!(data.agrees(1, 1), data.counts());
}

#[test]
fn edge_cases_over_three_partitions_and_four_threads() {
    let data = Data::edge_cases();
    assert_eq!(data.agrees(3, 4), data.counts());
}

#[test]
fn edge_cases_over_twelve_partitions() {
    let data = Data::edge_cases();
    assert_eq!(data.agrees(12, 1), data.counts());
}

#[test]
fn edge_cases_with_every_event_sent_twice() {
    let data = Data::edge_cases();
    let wanted = data.counts_of_copies(2);
    assert_eq!(data.twice().agrees(3, 1), wanted);
}
