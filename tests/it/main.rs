//! Grapevine with real parts around it: Kafka's protocol, the ClickHouse engine, the program itself.
//!
//! One binary, so that the crate is linked once. Nothing is skipped: what is missing is named. What needs the folder of real
//! events stands in modules of the name `real_events`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says why and fails")]

mod accounting;
mod admin;
mod apache_kafka;
mod architecture;
mod cases;
mod clickhouse;
mod commands;
mod config;
mod coordinator;
mod data_folder;
mod demo;
mod deployment;
mod documents;
mod drain;
mod edge_cases;
mod embedded_clickhouse;
mod events;
mod facts;
mod forgotten;
mod issuer;
mod kafka;
mod manual;
mod marketing;
mod migrate;
mod native;
mod object_store;
mod oracle;
mod real_events;
mod report;
mod restore;
mod rollup;
mod service;
mod sql;
mod store;
mod traces;
mod untaken;
mod views;
mod world;

// Where the judge of traces, which core's own tests hold against the model, looks for them.
use grapevine::{reader, record};
