//! Reads the command line, runs the command, maps the outcome to an exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use grapevine::command::{check, migrate, run};
#[cfg(feature = "embedded")]
use grapevine::command::{demo, embedded_clickhouse, generate};
use grapevine::config::{Config, ConfigErrors};
use grapevine::logs;

/// Measures word of mouth: share cascades and reply threads from Kafka to ClickHouse.
///
/// Start with `grapevine demo`, which needs nothing else. In production: `check` a configuration, `migrate`
/// the database, `run` the worker. Exit codes: 0 well, 64 a mistake in the configuration, 1 anything else.
#[derive(Debug, Parser)]
#[command(version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the worker until SIGTERM or SIGINT
    Run(Configured),
    /// Names all mistakes of a configuration at once, or says what a worker would use
    Check(Configured),
    /// Brings the database to the schema that this program needs
    Migrate {
        #[command(flatten)]
        configured: Configured,
        /// Print the statements and run none
        #[arg(long)]
        plan: bool,
    },
    /// Sends events through Kafka, worker and ClickHouse, all of it on this machine, and shows answers
    #[cfg(feature = "embedded")]
    Demo(demo::Arguments),
    /// Writes a believable week of a brand's events
    #[cfg(feature = "embedded")]
    Generate(generate::Arguments),
    /// Serves the embedded ClickHouse.
    #[cfg(feature = "embedded")]
    #[command(hide = true)]
    EmbeddedClickhouse(embedded_clickhouse::Options),
}

#[derive(Debug, clap::Args)]
struct Configured {
    /// A file over the defaults of config/worker.toml; the environment goes over both
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

fn main() -> ExitCode {
    match carry_out(CommandLine::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("grapevine: {error:#}");
            ExitCode::from(if is_about_configuration(&error) { check::BAD_CONFIGURATION } else { 1 })
        }
    }
}

fn is_about_configuration(error: &anyhow::Error) -> bool {
    #[cfg(feature = "embedded")]
    if matches!(error.downcast_ref(), Some(demo::DemoError::Config(_))) {
        return true;
    }
    error.downcast_ref::<ConfigErrors>().is_some()
}

fn carry_out(command: Command) -> Result<ExitCode, anyhow::Error> {
    match command {
        Command::Run(Configured { config }) => {
            let config = Config::load(config.as_deref(), std::env::vars())?;
            logs::start(&config.log)?;
            runtime()?.block_on(run::run(&config))?;
        }
        Command::Check(Configured { config }) => return Ok(ExitCode::from(check::run(config.as_deref(), std::env::vars()))),
        Command::Migrate { configured: Configured { config }, plan } => {
            let config = Config::load_without_key(config.as_deref(), std::env::vars())?;
            runtime()?.block_on(migrate::run(&config.clickhouse, plan))?;
        }
        #[cfg(feature = "embedded")]
        Command::Demo(arguments) => demo::run(&arguments, std::env::vars())?,
        #[cfg(feature = "embedded")]
        Command::Generate(arguments) => generate::run(&arguments)?,
        #[cfg(feature = "embedded")]
        Command::EmbeddedClickhouse(options) => embedded_clickhouse::run(&options)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
