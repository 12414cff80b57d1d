//! Grapevine with real parts around it: Kafka's protocol, the ClickHouse engine, the program itself.

mod demo;
mod real_events;
