//! What a run reads of its models, row by row: nothing of one that has no row, which may not have been made.

use ::clickhouse::query::RowCursor;
use ::clickhouse::{RowOwned, RowRead};

use super::frame::Frame;
use super::store::Store;
use crate::clickhouse::classify;
use crate::failure::Failure;

/// Who reads the models of a run, and what for.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) store: &'a Store,
    pub(super) frame: &'a Frame,
    /// What could not be done where reading fails.
    pub(super) doing: &'static str,
}

impl Reader<'_> {
    /// The rows of a model, these columns of them, in whatever order.
    pub(super) fn rows<T: RowOwned + RowRead>(self, model: &str, columns: &str) -> Result<Rows<T>, Failure> {
        self.ask(model, columns, "")
    }

    /// The same in this order.
    pub(super) fn sorted<T: RowOwned + RowRead>(self, model: &str, columns: &str, order: &str) -> Result<Rows<T>, Failure> {
        self.ask(model, columns, &format!(" ORDER BY {order}"))
    }

    /// All of them at once.
    pub(super) async fn all<T: RowOwned + RowRead>(self, model: &str, columns: &str) -> Result<Vec<T>, Failure> {
        let mut rows = self.rows(model, columns)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().await? {
            all.push(row);
        }
        Ok(all)
    }

    fn ask<T: RowOwned + RowRead>(self, model: &str, columns: &str, order: &str) -> Result<Rows<T>, Failure> {
        let question = || format!("SELECT {columns} FROM {}{order}", self.frame.model_table(model));
        let is_filled = self.frame.scope.is_filled(model);
        let cursor = is_filled.then(|| self.store.stream(self.doing, &question())).transpose()?;
        Ok(Rows { cursor, doing: self.doing })
    }
}

/// The rows of a model, one after the other: they take several times what is kept of them.
pub(super) struct Rows<T> {
    cursor: Option<RowCursor<T>>,
    doing: &'static str,
}

impl<T: RowOwned + RowRead> Rows<T> {
    pub(super) async fn next(&mut self) -> Result<Option<T>, Failure> {
        match &mut self.cursor {
            Some(cursor) => cursor.next().await.map_err(|error| classify(&error).on(self.doing)),
            None => Ok(None),
        }
    }
}
