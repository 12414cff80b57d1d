//! `grapevine pseudonym`: the hashes under which people stand in the tables, to load dimensions about them.

use std::io::{self, BufRead, Write};

use super::outcome::CommandError;
use crate::engine::{actor_pseudonym, visitor_pseudonym};

/// Visitors and accounts have hashes of their own.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Person {
    /// The `visitor` of clicks, visits and conversions
    Visitor,
    /// The `actor` of posts, shares and replies
    Actor,
}

/// Whose ids, and which.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Which field of the events they stand in
    #[arg(value_enum)]
    pub person: Person,
    /// The ids, as they stand in the events; without any, one a line from standard input
    pub ids: Vec<String>,
}

/// Prints each id and its hash, tab-separated, in the order in which they came.
///
/// # Errors
///
/// When standard input or output fails.
pub fn run(key: &[u8; 16], options: &Options) -> Result<(), CommandError> {
    let mut output = io::BufWriter::new(io::stdout().lock());
    let pseudonym = match options.person {
        Person::Visitor => visitor_pseudonym,
        Person::Actor => actor_pseudonym,
    };
    let mut print = |id: &str| writeln!(output, "{id}\t{}", pseudonym(key, id)).map_err(CommandError::Output);
    if options.ids.is_empty() {
        for line in io::stdin().lock().lines() {
            print(&line.map_err(CommandError::Input)?)?;
        }
    } else {
        options.ids.iter().try_for_each(|id| print(id))?;
    }
    output.flush().map_err(CommandError::Output)
}
