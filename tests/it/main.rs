//! The parts that talk to the outside, each against the real thing. One binary, so that the crate is linked once.

mod clickhouse;
mod documents;
mod embedded_clickhouse;
mod store;
mod views;
