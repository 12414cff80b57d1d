//! Apache Kafka itself, in a process of its own, that tests start, stop, kill and start again.
//!
//! What is tested with it stands in the modules; the broker is shared with the benchmarks.

mod aside;
mod bomb;
#[path = "../apache_kafka/broker.rs"]
pub(crate) mod broker;
mod chaos;
mod faults;
mod log;
mod membership;
mod secured;
mod tools;
mod topic;
mod verdict;

pub(crate) use broker::ApacheKafka;
pub(crate) use secured::make as make_certificates;

/// A member of a group that stays one for as long as a loaded machine may take to stop it and start it again.
const PATIENT: [(&str, &str); 2] =
    [("GRAPEVINE_KAFKA_SESSION_TIMEOUT_MS", "600000"), ("GRAPEVINE_KAFKA_MAX_POLL_INTERVAL_MS", "600000")];
