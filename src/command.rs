//! The subcommands: one file each.

#[cfg(feature = "embedded")]
pub mod embedded_clickhouse;
pub mod migrate;
