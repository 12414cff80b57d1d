//! Grapevine with real parts around it: Kafka's protocol, the ClickHouse engine, the program itself.
//!
//! One binary, so that the crate is linked once. Nothing is skipped: what is missing is named.

mod admin;
mod config;
mod demo;
mod deployment;
mod embedded_clickhouse;
mod kafka;
mod real_events;
