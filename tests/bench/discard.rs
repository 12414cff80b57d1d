//! A store for what is measured without one.

use grapevine::failure::Failure;
use grapevine::record::Offset;
use grapevine::row::Rows;
use grapevine::worker::{Append, Appended, Known, Sink, StoreId};

/// A store that accepts and discards.
pub(crate) struct Discard;

impl Sink for Discard {
    async fn insert(&self, _rows: &Rows, _of: &str) -> Result<(), Failure> {
        Ok(())
    }

    async fn append(&self, _rows: &[Append]) -> Result<Appended, Failure> {
        Ok(Appended::Done)
    }

    async fn known(&self, _source: &str) -> Result<Known, Failure> {
        Ok(Known { store: StoreId(1), progress: None, tables: Vec::new() })
    }

    async fn newest_version(&self, _source: &str) -> Result<Option<Offset>, Failure> {
        Ok(None)
    }
}
