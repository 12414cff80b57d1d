//! `grapevine rejects`: which records were no events, one of them in full, and publishing them again.

mod listing;
mod publishing;
mod replay;
mod showing;

use ::clickhouse::query::Query;

use super::database::Database;
use super::outcome::CommandError;
use crate::config::Config;

pub use replay::Replay;

/// Names the record that a replayed one is a copy of, as source@offset.
const REPLAY_OF: &str = "grapevine-replay-of";

/// What to do with rejects.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Action {
    /// Counts rejects by source and reason: how many, how many of them cut or replayed, the newest
    Ls(Filter),
    /// Shows one reject: why, headers, key and payload
    Show {
        /// The source, log/partition, as `ls` prints it
        source: String,
        /// The offset of the record
        offset: u64,
        /// The epoch [default: worker.epoch]
        #[arg(long)]
        epoch: Option<u16>,
    },
    /// Publishes rejects to the topic again, with their key and headers
    ///
    /// For after the reason is gone: a newer version takes them, or the topic was a wrong one for a while. Each goes to the
    /// partition that it came from, with one header more, grapevine-replay-of. Once the brokers have all of a part, it is
    /// recorded as replayed, so that the next replay leaves it out; a replay that is killed publishes at most one part
    /// twice. Left out unless asked for: those that were cut when they were stored, and those that were replayed before
    /// and rejected again.
    Replay(Replay),
}

/// Which rejects.
#[derive(Clone, Debug, clap::Args)]
pub struct Filter {
    /// Only of this source, log/partition
    #[arg(long)]
    source: Option<String>,
    /// Only of this reason, as `ls` prints it
    #[arg(long)]
    reason: Option<String>,
    /// Only of this epoch [default: worker.epoch]
    #[arg(long)]
    epoch: Option<u16>,
}

impl Filter {
    /// A question with `{rejects}` in it, asked of the chosen rejects. `replayed_before` is true of a record that was
    /// replayed under any epoch: it was one record all the same.
    fn query(&self, config: &Config, database: &Database, text: &str) -> Query {
        let mut chosen = "SELECT *, replayed OR (source, offset) IN (SELECT source, offset FROM rejects WHERE replayed) \
                          AS replayed_before FROM rejects FINAL WHERE epoch = {epoch:UInt16}"
            .to_owned();
        if self.source.is_some() {
            chosen += " AND source = {source:String}";
        }
        if self.reason.is_some() {
            chosen += " AND reason = {reason:String}";
        }
        // Records of one source, which lie together.
        chosen += " SETTINGS distributed_product_mode = 'local'";
        let mut query = database.query(&text.replace("{rejects}", &format!("({chosen})")));
        query = query.param("epoch", self.epoch.unwrap_or(config.rules.epoch));
        for (name, value) in [("source", &self.source), ("reason", &self.reason)] {
            if let Some(value) = value {
                query = query.param(name, value);
            }
        }
        query
    }
}

/// Does it, and prints the outcome.
///
/// # Errors
///
/// When a part cannot be reached, or the brokers do not take a record.
pub async fn run(config: &Config, action: &Action) -> Result<(), CommandError> {
    match action {
        Action::Ls(filter) => listing::run(config, filter).await,
        Action::Show { source, offset, epoch } => {
            let epoch = epoch.unwrap_or(config.rules.epoch);
            showing::run(config, source, *offset, epoch).await
        }
        Action::Replay(replay) => replay::run(config, replay).await,
    }
}
