//! The subcommands: one file each.

mod admin;
pub mod check;
pub mod checkpoint;
mod database;
#[cfg(feature = "lab")]
pub mod demo;
#[cfg(feature = "lab")]
pub mod embedded_clickhouse;
pub mod epoch;
#[cfg(feature = "lab")]
pub mod generate;
pub mod health;
mod log;
pub mod migrate;
mod outcome;
pub mod pseudonym;
pub mod rejects;
pub mod report;
pub mod resume;
pub mod retain;
pub mod rewrite;
pub mod rollup;
pub mod run;
mod sending;
pub mod status;
mod table;
#[cfg(feature = "lab")]
pub mod world;

pub use outcome::CommandError;
