//! Reads the command line, runs the command, maps the outcome to an exit code.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
#[cfg(feature = "embedded")]
use grapevine::command::embedded_clickhouse;

/// Measures word of mouth: share cascades and reply threads from Kafka to ClickHouse.
#[derive(Debug, Parser)]
#[command(version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the embedded ClickHouse.
    #[cfg(feature = "embedded")]
    #[command(hide = true)]
    EmbeddedClickhouse(embedded_clickhouse::Options),
}

fn main() -> ExitCode {
    match run(CommandLine::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("grapevine: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), anyhow::Error> {
    match command {
        #[cfg(feature = "embedded")]
        Command::EmbeddedClickhouse(options) => embedded_clickhouse::run(&options)?,
    }
    Ok(())
}
