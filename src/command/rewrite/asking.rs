//! What the tables of facts and rejects hold of the sources that are to be written again: asked once of each table, for all of them, before
//! anything is written.
//!
//! Keys of facts begin with the id of the event, and say nothing of sources: for what is not there a whole table is looked through. So it
//! is asked in pieces, in the order of the key, each of so many rows however large the table is. Rows that come or go meanwhile, and parts
//! that are merged, move no piece.

use std::cell::Cell;

use indicatif::{HumanCount, ProgressBar};

use super::{Parts, Plan};
use crate::command::outcome::CommandError;
use crate::command::sending::insist;
use crate::event::EventType;
use crate::failure::Failure;
use crate::loss::OF_RECORDS;

/// Rows of a piece, and down to where it shrinks while the store does not answer.
const ROWS: u64 = 1 << 20;
const ROWS_LEAST: u64 = 1 << 14;

impl Plan {
    /// Whether more of a table is to be looked through for it.
    fn looks_for(&self, table: &str, kind: Option<EventType>) -> bool {
        self.evidence.looked_for(kind).is_some_and(|before| self.evidence.records.lacks_before(table, before))
    }
}

impl Parts<'_> {
    /// Asks what is held of the records of some sources.
    pub(super) async fn ask_what_is_held(&self, plans: &mut [Plan]) -> Result<(), CommandError> {
        let failed = |error| CommandError::Store("could not ask what is left of facts and rejects".to_owned(), error);
        let trimmed = insist(async || self.sink.trimmed().await).await.map_err(failed)?;
        for plan in &mut *plans {
            plan.evidence.records.trimmed.clone_from(&trimmed);
        }
        for (table, kind) in OF_RECORDS {
            if kind.is_some() {
                self.look_through(table, kind, plans).await?;
                continue;
            }
            for plan in plans.iter_mut().filter(|plan| plan.looks_for(table, kind)) {
                let oldest = insist(async || self.sink.oldest_reject(&plan.source.name).await).await.map_err(failed)?;
                plan.evidence.records.see(table, oldest);
            }
        }
        Ok(())
    }

    /// Looks through a table of facts, as far as that says anything of a source.
    async fn look_through(&self, table: &'static str, kind: Option<EventType>, plans: &mut [Plan]) -> Result<(), CommandError> {
        let bar = ProgressBar::new_spinner();
        let (mut after, mut looked, size) = (String::new(), 0, Cell::new(ROWS));
        loop {
            let plans: Vec<&mut Plan> = plans.iter_mut().filter(|plan| plan.looks_for(table, kind)).collect();
            if plans.is_empty() {
                break;
            }
            let piece = insist(async || {
                let piece = self.sink.oldest_facts(table, (&after, size.get())).await;
                if piece.is_err() {
                    size.set((size.get() / 2).max(ROWS_LEAST));
                }
                piece
            });
            let Some((upto, oldest)) = piece.await.map_err(|error| slow(table, &after, error))? else { break };
            for plan in plans {
                let of_source = oldest.iter().filter(|(source, _)| **source == *plan.source.name);
                plan.evidence.records.see(table, of_source.map(|(_, oldest)| *oldest).min());
            }
            looked += size.get();
            size.set((size.get() * 2).min(ROWS));
            bar.set_message(format!("looked through {} rows of {table}", HumanCount(looked)));
            bar.tick();
            after = upto;
        }
        bar.finish_and_clear();
        Ok(())
    }
}

/// Of a piece that the store does not answer in time, however small it is.
fn slow(table: &str, after: &str, error: Failure) -> CommandError {
    let place = if after.is_empty() { "at its beginning".to_owned() } else { format!("behind id {after:?}") };
    let doing = format!(
        "could not ask what is left in {table}, {place}; if the server is only slow, a larger clickhouse.end_timeout_seconds gives it more time"
    );
    CommandError::Store(doing, error)
}
