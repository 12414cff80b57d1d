//! A broker and a ClickHouse for people who have neither. The worker does not know that they exist.

pub mod broker;
pub mod chdb;
pub mod clickhouse;
