//! The parts that talk to the outside, each against the real thing. One binary, so that the crate is linked once.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod clickhouse;
mod documents;
mod embedded_clickhouse;
mod store;
mod views;
