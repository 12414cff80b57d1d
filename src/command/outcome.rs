//! How the commands for people end: what they print, and why they refuse.

use std::io::{self, Write};
use std::path::PathBuf;

use crate::failure::Failure;
use crate::migrations::SchemaProblem;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Doing it would be wrong: the message says why, and what to do.
    #[error("{0}")]
    Refused(String),
    /// The checkpoint store.
    #[error(transparent)]
    Checkpoints(#[from] Failure),
    /// The store, and what was being done.
    #[error("{0}")]
    Store(String, #[source] Failure),
    /// The schema of the store.
    #[error(transparent)]
    Schema(#[from] SchemaProblem),
    /// The log: what was being done, why it failed, and what to do.
    #[error("{0}")]
    Kafka(String),
    /// Standard input.
    #[error("could not read standard input")]
    Input(#[source] io::Error),
    /// A file that the command was to write.
    #[error("could not write {}", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// Standard output.
    #[error("could not write to standard output")]
    Output(#[source] io::Error),
}

/// Prints to standard output. A reader that went away (`| head`) has seen what it wanted.
pub(crate) fn say(text: &str) -> Result<(), CommandError> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::Output(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
