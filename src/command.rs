//! The subcommands: one file each.

pub mod check;
#[cfg(feature = "embedded")]
pub mod demo;
#[cfg(feature = "embedded")]
pub mod embedded_clickhouse;
#[cfg(feature = "embedded")]
pub mod generate;
pub mod migrate;
pub mod run;
