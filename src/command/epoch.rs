//! `grapevine epoch`: how far epochs are, which one the views read, and what is left of one that nobody reads any more.

mod gaps;
mod promotion;
mod removal;
mod status;

use super::outcome::CommandError;
use crate::config::Config;

pub use promotion::Promotion;
pub use removal::Removal;

/// What to do with epochs.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Action {
    /// Shows every source and epoch: how far it is, where its log ends, which one the views read
    Status,
    /// Lets the views read an epoch, once it has caught up
    ///
    /// All sources change together, or none: those that are not ready are named, and nothing is done. A source is ready
    /// when its new epoch has reached the offset at which the active one stood when the command began, begins no later
    /// than it, and lacks no offsets that it has. Both epochs' rows stay; promoting the other one again is the way back.
    Promote(Promotion),
    /// Deletes the rows and checkpoints of an epoch that no view reads, and its consumer group
    ///
    /// Only of the configured log (worker.log). Without --yes it prints what would be deleted and asks; where nobody can
    /// answer it ends with 1. Deleting rows is a mutation of ClickHouse and may take minutes.
    Drop(Removal),
}

/// Does it, and prints the outcome.
///
/// # Errors
///
/// When a part cannot be reached, or when it would be wrong.
pub async fn run(config: &Config, action: &Action) -> Result<(), CommandError> {
    match action {
        Action::Status => status::run(config).await,
        Action::Promote(promotion) => promotion::run(config, promotion).await,
        Action::Drop(removal) => removal::run(config, removal).await,
    }
}
