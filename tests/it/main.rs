//! Integration tests: one binary.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking, as tests do")]

mod admin;
mod config;
mod deployment;
