//! `grapevine status`: how a fleet is, at one look: from its workers' admin ports, Kafka, ClickHouse and the checkpoint store.
//!
//! Only asks. What cannot be asked is said, and the rest is shown all the same.

mod asking;
mod page;
mod showing;

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use super::outcome::{CommandError, say};
use super::run::asked_to_stop;
use crate::config::Config;
use asking::Standing;

/// The exit code where somebody should look.
pub const PROBLEMS: u8 = 1;
/// The exit code where not everybody could be asked.
pub const NOT_ASKED: u8 = 2;

/// Moves a terminal to its first line and clears it.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Whom to ask, and how to say it.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The admin port of a worker, such as http://10.0.0.7:9464 (repeatable) [default: the configuration's own]
    #[arg(long, value_name = "URL", value_parser = address)]
    pub worker: Vec<String>,
    /// Ask again every so many seconds, until Ctrl-C
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub watch: Option<u64>,
    /// One JSON object instead of tables
    #[arg(long)]
    pub json: bool,
}

fn address(text: &str) -> Result<String, String> {
    let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    match url::Url::parse(&url) {
        Ok(parsed) if parsed.scheme() == "http" && parsed.host().is_some() && parsed.path() == "/" => {
            Ok(url.trim_end_matches('/').to_owned())
        }
        _ => Err(format!("{text} is no admin port; write it like http://10.0.0.7:9464")),
    }
}

/// Asks everybody, prints what they say, and gives the exit code: 0 if all is well, [`PROBLEMS`] if not, [`NOT_ASKED`] if not
/// everybody could be asked.
///
/// # Errors
///
/// When nobody knows whom to ask, or standard output fails.
pub async fn run(config: &Config, options: &Options) -> Result<u8, CommandError> {
    let Some(seconds) = options.watch else { return look(config, options).await };
    let mut stop = std::pin::pin!(asked_to_stop());
    loop {
        let code = look(config, options).await?;
        tokio::select! {
            _ = &mut stop => return Ok(code),
            () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
        }
        if stdout().is_terminal() {
            say(CLEAR)?;
        }
    }
}

async fn look(config: &Config, options: &Options) -> Result<u8, CommandError> {
    let standing = Standing::ask(config, &options.worker).await?;
    say(&if options.json { showing::json(&standing) } else { showing::tables(&standing) })?;
    Ok(if !standing.unasked.is_empty() {
        NOT_ASKED
    } else if !standing.problems.is_empty() {
        PROBLEMS
    } else {
        0
    })
}
