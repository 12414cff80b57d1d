//! Grapevine measures word of mouth.
//!
//! A worker reads social interaction events from Kafka, keeps the share cascade and the reply thread
//! that each event belongs to, folds everything into event-time windows, and writes rollups to
//! ClickHouse. The modules stand in the order in which one event passes through them; the map is
//! `ARCHITECTURE.md`.

pub use grapevine_core::{
    answers, assignment, attribution, backoff, engine, event, failure, loss, reader, record, report, rewrite, row,
};
#[cfg(feature = "lab")]
pub use grapevine_lab::{embedded, generator};

pub mod certificates;
pub mod config;

pub mod kafka;

pub mod worker;

pub mod clickhouse;

pub mod checkpoints;

pub mod migrations;

pub mod rollup;

pub mod admin;
pub mod logs;
pub mod memory;
pub mod metrics;
pub mod version;

pub mod service;

pub mod command;
