//! The subcommands: one file each.

#[cfg(feature = "embedded")]
pub mod generate;
