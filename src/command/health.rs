//! `grapevine health`: asks the worker of this configuration how it is, for images without a shell.

use super::admin::{Asker, own};
use super::outcome::{CommandError, say};
use crate::config::Config;

/// What to ask.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Options {
    /// Ask whether it does its work (/readyz), not only whether it lives (/healthz)
    #[arg(long)]
    pub ready: bool,
}

/// Prints `ok` if all is well.
///
/// # Errors
///
/// What is not, one complaint a line, or that nobody answers.
pub async fn run(config: &Config, options: Options) -> Result<(), CommandError> {
    let path = if options.ready { "/readyz" } else { "/healthz" };
    let address = own(&config.admin)?;
    match Asker::new()?.get(&address, path).await {
        Ok((200, _)) => say("ok\n"),
        Ok((_, complaints)) => Err(CommandError::Refused(complaints.trim_end().to_owned())),
        Err(why) => Err(CommandError::Refused(why)),
    }
}
