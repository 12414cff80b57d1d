//! What the store knows of a source.

use ::clickhouse::query::Query;

use super::{ClickHouseSink, Listed, TABLES, marks};
use crate::assignment::StoreId;
use crate::failure::Failure;
use crate::record::Offset;
use crate::worker::Known;

/// Which store this is; empty where its table is missing or not seen.
pub(super) const ID: &str =
    "coalesce((SELECT any(comment) FROM system.tables WHERE database = currentDatabase() AND name = 'store'), '')";

impl ClickHouseSink {
    /// With the settings of inserts: among them, that no answer of a while ago is taken for one.
    pub(super) async fn current(&self, query: Query) -> Result<Query, Failure> {
        let settings = self.known_settings().await?;
        Ok(settings.iter().fold(query, |query, (name, value)| query.with_setting(*name, *value)))
    }

    /// A question about a source, which it calls `{epoch}` and `{source}`.
    pub(super) async fn of_source(&self, ask: &str, source: &str) -> Result<Query, Failure> {
        Ok(self.current(self.client().query_raw(ask)).await?.param("epoch", self.epoch).param("source", source))
    }

    /// Which store it is, and how far it says that a source is, and each table of lives.
    pub(super) async fn ask_known(&self, source: &str) -> Result<Known, Failure> {
        let ask = format!(
            // `progress` first: marks are there before it.
            "WITH (SELECT (max(version), count()) FROM progress WHERE epoch = {{epoch:UInt16}} AND source = {{source:String}}) AS said, \
             (SELECT groupArray((place, upto)) FROM ({})) AS places \
             SELECT places, {ID} AS id, ifNull(said.1, 0) AS version, ifNull(said.2, 0) AS rows",
            marks::found()
        );
        let ask = self.of_source(&ask, source).await?.param("marks", vec![marks::mark(self.epoch, source)]);
        let (places, id, version, rows): (Vec<(String, Offset)>, String, Offset, u64) = self.answer(ask).await?;
        let upto = |name: &str| places.iter().find(|(place, _)| place == name).map(|(_, upto)| *upto);
        let tables = marks::marked().map(|table| (table.name, upto(table.name))).collect();
        Ok(Known { store: store_id(&id)?, progress: (rows > 0).then_some(version), tables })
    }

    /// The first offset that the newest of its rows does not cover, if it has any.
    pub(super) async fn ask_newest_version(&self, source: &str) -> Result<Option<Offset>, Failure> {
        let newest = |Listed { name, newest, .. }: &Listed| {
            format!(
                "SELECT {newest} AS v, count() AS n FROM {name} WHERE epoch = {{epoch:UInt16}} AND source = {{source:String}}"
            )
        };
        let union = TABLES.iter().map(newest).collect::<Vec<_>>().join(" UNION ALL ");
        let ask = format!("SELECT max(v) AS version, sum(n) AS rows FROM ({union})");
        let (version, rows): (u64, u64) = self.answer(self.of_source(&ask, source).await?).await?;
        Ok((rows > 0).then_some(version))
    }
}

/// The id, which is compared as text by the store, so that it must be written as this program writes it.
pub(super) fn store_id(comment: &str) -> Result<StoreId, Failure> {
    let id = comment.parse::<StoreId>().ok().filter(|id| id.to_string() == comment);
    id.ok_or_else(|| {
        Failure::Operator(if comment.is_empty() {
            "table `store` is missing, or this user may not see it. Grant SELECT on the whole database; if the table was dropped, make \
             it again with its id, which `grapevine checkpoint show` says: CREATE TABLE store (made DateTime64(3, 'UTC')) ENGINE = \
             MergeTree ORDER BY tuple() COMMENT '...'"
                .to_owned()
        } else {
            format!(
                "the comment of table `store` is \"{comment}\", which is no id; run: ALTER TABLE store MODIFY COMMENT '...', with 32 \
                 hexadecimal digits in lower case: those that `grapevine checkpoint show` says, or for a new store any"
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_none_is_said_with_its_cure() {
        assert_eq!(store_id("00000000000000000000000000000a0b"), Ok(StoreId(0xa0b)));
        assert!(matches!(store_id(""), Err(Failure::Operator(said)) if said.contains("CREATE TABLE store")));
        for other in ["00000000000000000000000000000A0B", "a0b", "+0000000000000000000000000000a0b"] {
            assert!(store_id(other).is_err(), "{other} is not what the store would be compared with");
        }
        assert!(matches!(store_id("{store}"), Err(Failure::Operator(said)) if said.contains("MODIFY COMMENT")));
    }
}
