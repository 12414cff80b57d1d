//! Reads the command line, runs the command, maps the outcome to an exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use grapevine::command::{
    check, checkpoint, epoch, health, migrate, pseudonym, rejects, report, resume, retain, rewrite, rollup, run, status,
};
#[cfg(feature = "lab")]
use grapevine::command::{demo, embedded_clickhouse, generate};
use grapevine::config::{Config, ConfigErrors};
use grapevine::{logs, version};

/// See Cargo.toml for why.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures word of mouth: share cascades and reply threads from Kafka to ClickHouse.
///
/// Start with `grapevine demo`, which needs nothing else. In production: `check` a configuration, `migrate`
/// the database, `run` the worker. When something went wrong: `checkpoint`, `resume`, `rewrite`, `epoch` and `rejects`, with
/// docs/operations.md. Exit codes: 0 done, 1 refused or failed, 2 a mistake in the command line, 64 one in the configuration.
#[derive(Debug, Parser)]
#[command(version = version::text())]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the worker until SIGTERM or SIGINT
    Run(Configured),
    /// Names all mistakes of a configuration at once, or says what a worker would use
    Check {
        #[command(flatten)]
        configured: Configured,
        #[command(flatten)]
        options: check::Options,
    },
    /// Shows how a fleet is: workers, partitions, lag, freshness, checkpoints, answers, and what is wrong
    ///
    /// It asks the admin ports of the workers that are named, else of the configuration's own, and Kafka, ClickHouse and the
    /// checkpoint store of the configuration. It ends with 0 if all is well, with 1 if there are problems, with 2 if not everybody
    /// could be asked.
    Status {
        #[command(flatten)]
        configured: Configured,
        #[command(flatten)]
        options: status::Options,
    },
    /// Asks the worker of this configuration whether it is alive, or with --ready whether it does its work
    ///
    /// For health checks in images without a shell: it asks the admin port of the same configuration, on this machine, and ends
    /// with 0 if all is well, with 1 if not or if nobody answers within five seconds.
    Health {
        #[command(flatten)]
        configured: Configured,
        #[command(flatten)]
        options: health::Options,
    },
    /// Brings the database to the schema that this program needs
    Migrate {
        #[command(flatten)]
        configured: Configured,
        #[command(flatten)]
        options: migrate::Options,
    },
    /// Makes the answers anew: what came back, from where, how soon; with --every again and again
    ///
    /// Workers keep rows up to date; answers are tables made of them by a run, each on record in the view `run`. Run it from a
    /// timer, or beside the workers with --every 15m. Two at once do no harm, and a killed one is never read.
    Rollup {
        #[command(flatten)]
        configured: Configured,
        #[command(flatten)]
        arguments: rollup::Arguments,
    },
    /// Shows and checks what workers have left of their states
    Checkpoint {
        #[command(flatten)]
        configured: Configured,
        #[command(subcommand)]
        action: checkpoint::Action,
    },
    /// Goes on where the rows end, with empty trees, for sources whose checkpoints are lost
    ///
    /// One shot, for when `run` says that there is no sound checkpoint and none can be brought back. Stop every worker of
    /// the epoch first: it refuses while the consumer group has members. Then each source of the epoch that has rows or a
    /// committed offset but no sound checkpoint gets one: of empty trees, at an offset that neither is beyond. Nothing is
    /// overwritten or counted twice; roots that were alive go on in a new life (structure_exact = 0), and offsets that no
    /// count covers are kept in the view `gaps`. The exact way, as long as Kafka holds the log, is a new epoch.
    Resume {
        #[command(flatten)]
        configured: Configured,
        #[command(flatten)]
        options: resume::Options,
    },
    /// Writes again what the store has lost, from the newest checkpoints and what the log still holds
    ///
    /// One shot, for when `run` says that the store has lost what it held, no backup of it is there, and the log does not reach back to
    /// where the rows began (else a new epoch is exact). Stop every worker of the epoch first: it refuses while the consumer group has
    /// members. A database that was dropped is made by `grapevine migrate` before. Every living root and every fact and reject that the
    /// log still holds is written again; what cannot be had again is kept in the view `losses`. Killed at any point, the same again does
    /// the rest.
    Rewrite {
        #[command(flatten)]
        configured: Configured,
        #[command(flatten)]
        options: rewrite::Options,
    },
    /// Shows how far epochs are, lets the views read another one, deletes one that nobody reads
    Epoch {
        #[command(flatten)]
        configured: Configured,
        #[command(subcommand)]
        action: epoch::Action,
    },
    /// Counts and shows records that were no events, and publishes them again
    Rejects {
        #[command(flatten)]
        configured: Configured,
        #[command(subcommand)]
        action: rejects::Action,
    },
    /// Removes facts and windows of a brand that are older than so many days, and puts that on record
    ///
    /// The clicks, visits, conversions, costs and reports that name it, and the windows under its posts; posts and trees stay, one row each.
    /// For a timer: it asks nothing. `coverage` says what was removed, and workers take it for no loss. Records that were no events, and
    /// assignments, name no brand: deploy/clickhouse-retention.sql has rules by age for every brand. Kafka keeps what it keeps.
    Retain {
        #[command(flatten)]
        configured: Configured,
        #[command(flatten)]
        options: retain::Options,
    },
    /// Prints the hashes under which visitors or accounts stand in the tables
    ///
    /// For the dimensions `identity` and `actor`, which an operator loads. It needs the secret key of the configuration.
    Pseudonym {
        #[command(flatten)]
        configured: Configured,
        #[command(flatten)]
        options: pseudonym::Options,
    },
    /// Answers ten questions about a brand and a period, as one HTML file
    ///
    /// How much can be trusted, how much broadcast and conversation, what each cost and returned, what is proven, when it
    /// came, how far it went, who carried it, which places deserve the next hour, what changed. The file loads nothing and
    /// works without a network; every figure stands beside its definition and its query. docs/report.md says how to read it.
    Report {
        #[command(flatten)]
        configured: Configured,
        #[command(flatten)]
        arguments: report::Arguments,
    },
    /// Prints what a shell completes the words of this program with
    ///
    /// For bash: `grapevine completions bash > /etc/bash_completion.d/grapevine`; zsh and fish have folders of their own for it.
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Sends events through Kafka, worker and ClickHouse, all of it on this machine, and shows answers
    #[cfg(feature = "lab")]
    Demo(demo::Arguments),
    /// Writes a believable week of a brand's events; with --money also what they cost and returned
    #[cfg(feature = "lab")]
    Generate(generate::Arguments),
    /// Serves the embedded ClickHouse.
    #[cfg(feature = "lab")]
    #[command(hide = true)]
    EmbeddedClickhouse(embedded_clickhouse::Options),
}

#[derive(Debug, clap::Args)]
struct Configured {
    /// A file over the defaults of config/worker.toml; the environment goes over both
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

impl Configured {
    fn load(&self) -> Result<Config, ConfigErrors> {
        Config::load(self.config.as_deref(), std::env::vars())
    }

    /// For what stores nobody's pseudonym.
    fn load_without_key(&self) -> Result<Config, ConfigErrors> {
        Config::load_without_key(self.config.as_deref(), std::env::vars())
    }
}

fn main() -> ExitCode {
    // Before the Kafka client does it: by this, OpenSSL takes nothing down when the process ends, while threads of clients may still use it.
    openssl::init();
    match carry_out(CommandLine::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("grapevine: {error:#}");
            ExitCode::from(if is_about_configuration(&error) { check::BAD_CONFIGURATION } else { 1 })
        }
    }
}

fn is_about_configuration(error: &anyhow::Error) -> bool {
    #[cfg(feature = "lab")]
    if matches!(error.downcast_ref(), Some(demo::DemoError::Config(_))) {
        return true;
    }
    error.downcast_ref::<ConfigErrors>().is_some()
}

fn carry_out(command: Command) -> Result<ExitCode, anyhow::Error> {
    match command {
        Command::Run(configured) => {
            let config = configured.load()?;
            logs::start(&config.log)?;
            runtime()?.block_on(run::run(&config))?;
        }
        Command::Check { configured, options } => {
            let code = check::run(configured.config.as_deref(), std::env::vars());
            if code != 0 || !options.probe {
                return Ok(ExitCode::from(code));
            }
            return Ok(ExitCode::from(runtime()?.block_on(check::probe(&configured.load()?))?));
        }
        Command::Status { configured, options } => {
            return Ok(ExitCode::from(runtime()?.block_on(status::run(&configured.load_without_key()?, &options))?));
        }
        Command::Health { configured, options } => {
            runtime()?.block_on(health::run(&configured.load_without_key()?, options))?;
        }
        Command::Migrate { configured, options } => {
            runtime()?.block_on(migrate::run(&configured.load_without_key()?.clickhouse, options))?;
        }
        Command::Rollup { configured, arguments } => {
            let config = configured.load_without_key()?;
            logs::start(&config.log)?;
            runtime()?.block_on(rollup::run(&config.clickhouse, arguments))?;
        }
        Command::Checkpoint { configured, action } => {
            runtime()?.block_on(checkpoint::run(&configured.load_without_key()?, &action))?;
        }
        Command::Resume { configured, options } => runtime()?.block_on(resume::run(&configured.load()?, options))?,
        Command::Rewrite { configured, options } => runtime()?.block_on(rewrite::run(&configured.load()?, options))?,
        Command::Epoch { configured, action } => {
            runtime()?.block_on(epoch::run(&configured.load_without_key()?, &action))?;
        }
        Command::Rejects { configured, action } => {
            runtime()?.block_on(rejects::run(&configured.load_without_key()?, &action))?;
        }
        Command::Retain { configured, options } => {
            runtime()?.block_on(retain::run(&configured.load_without_key()?, &options))?;
        }
        Command::Pseudonym { configured, options } => pseudonym::run(&configured.load()?.rules.pseudonym_key, &options)?,
        Command::Report { configured, arguments } => {
            runtime()?.block_on(report::run(&configured.load_without_key()?.clickhouse, &arguments))?;
        }
        Command::Completions { shell } => {
            // A reader that went away has what it wanted; clap would panic.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut CommandLine::command(), "grapevine", &mut script);
            drop(std::io::Write::write_all(&mut std::io::stdout(), &script));
        }
        #[cfg(feature = "lab")]
        Command::Demo(arguments) => demo::run(&arguments, std::env::vars())?,
        #[cfg(feature = "lab")]
        Command::Generate(arguments) => generate::run(&arguments)?,
        #[cfg(feature = "lab")]
        Command::EmbeddedClickhouse(options) => embedded_clickhouse::run(&options)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
