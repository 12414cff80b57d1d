//! What brands wrote, out of the store: the model `written`.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::clickhouse::Row;
use serde::Deserialize;

use super::{Texts, side};
use crate::answers::period::Day;
use crate::answers::{Ledger, Written};
use crate::failure::Failure;
use crate::rollup::read::Reader;

#[derive(Row, Deserialize)]
struct WrittenRow {
    brand: String,
    day: Day,
    side: String,
    channel: String,
    community: String,
    root: u64,
}

/// Puts what each brand wrote on each of its days into its ledger.
pub(super) async fn read(reader: Reader<'_>, texts: &mut Texts, ledgers: &mut BTreeMap<Arc<str>, Ledger>) -> Result<(), Failure> {
    let mut rows = reader.rows::<WrittenRow>("written", "brand, day, side, channel, community, root")?;
    while let Some(row) = rows.next().await? {
        if let Some((ledger, side)) = ledgers.get_mut(row.brand.as_str()).zip(side(&row.side)) {
            // No comparison is of campaigns.
            let place = texts.place(row.channel, row.community, String::new());
            ledger.written.push(Written { day: row.day, side, place, root: row.root });
        }
    }
    Ok(())
}
