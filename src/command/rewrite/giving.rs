//! What a store that was made anew is given: the id of the one that it stands for, and what the views read; and what only people can give.

use std::sync::Arc;

use super::{Parts, Source};
use crate::assignment::StoreId;
use crate::command::outcome::CommandError;
use crate::migrations;
use crate::rewrite;

/// So many sources are named in one statement: their names must fit into a request.
const SOURCES_MAX: usize = 256;

impl Parts<'_> {
    /// The id that the store is to be given, if it is an empty one in the place of that which the states name. From there on it is taken for
    /// that one.
    pub(super) async fn id_to_give(&self, sources: &mut [Source]) -> Result<Option<StoreId>, CommandError> {
        let rows: Vec<u64> =
            self.database.all("ask whether the store is empty", self.database.query("SELECT count() FROM progress")).await?;
        let ids = sources.iter().map(|Source { name, promise, known, .. }| (&**name, *promise, known.store));
        let wanted = rewrite::id_to_give(ids, rows == [0]).map_err(CommandError::Refused)?;
        if let Some(wanted) = wanted {
            sources.iter_mut().for_each(|source| source.known.store = wanted);
        }
        Ok(wanted)
    }

    /// Makes an empty store the one that was lost: workers compare, as after any loss.
    pub(super) async fn give_id(&self, id: StoreId) -> Result<(), CommandError> {
        let alter = self.config.clickhouse.layout.alter("store");
        let query = self.database.query(&format!("{alter} MODIFY COMMENT '{id}'"));
        self.database
            .run(
                "give the store the id of the one that was lost (needs ALTER MODIFY COMMENT, as `grapevine migrate` does)",
                query,
            )
            .await
    }

    /// Lets the views read the epoch of what was rewritten, where nobody remembers which one they read and no other has rows.
    pub(super) async fn give_active_epoch(&self, sources: &[Arc<str>]) -> Result<(), CommandError> {
        let epoch = self.config.rules.epoch;
        let progress = self.database.progress().await?;
        let has_another = |name: &Arc<str>| progress.iter().any(|row| *row.source == **name && row.epoch != epoch);
        let sources: Vec<&str> = sources.iter().filter(|name| !has_another(name)).map(|name| &**name).collect();
        if epoch == 0 || sources.is_empty() {
            return Ok(());
        }
        // Asked and given in one statement, and below every version of a promotion: somebody may promote one of them meanwhile.
        let give = "INSERT INTO active_epoch (source, epoch, version) SELECT given, {epoch:UInt16}, 0 FROM \
                    (SELECT arrayJoin({sources:Array(String)}) AS given) WHERE given NOT IN (SELECT source FROM active_epoch)";
        for some in sources.chunks(SOURCES_MAX) {
            let query = self.database.query(give).param("sources", some).param("epoch", epoch);
            self.database.run("let the views read what is rewritten", query).await?;
        }
        Ok(())
    }

    /// The tables that people load and that hold nothing, in words.
    pub(super) async fn empty_tables(&self) -> Result<String, CommandError> {
        let empty = "SELECT name FROM system.tables WHERE database = currentDatabase() AND name IN {tables:Array(String)} AND total_rows = 0 \
                     ORDER BY name";
        let query = self.database.query(empty).param("tables", migrations::loaded_by_people());
        let empty: Vec<String> = self.database.all("ask which tables are empty", query).await?;
        if empty.is_empty() {
            return Ok(String::new());
        }
        Ok(format!("empty, of what people load: {}; load again what was there\n", empty.join(", ")))
    }
}
