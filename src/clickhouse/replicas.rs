//! Servers that copy tables from each other: what is read back is asked of one that has caught up.

use ::clickhouse::Client;

use super::{ClickHouseSink, Layout, TABLES, classify, local_database};
use crate::failure::Failure;

/// Waits until the server that is asked has what the others had when this began, of tables that servers copy from each other: what is read
/// of them then is not behind what was written before. Of tables that are spread over shards it is so of this server's own part.
pub(crate) async fn synced(client: &Client, tables: impl IntoIterator<Item = &str>) -> Result<(), Failure> {
    let rows = client.database().unwrap_or("default");
    let copied = "SELECT database, name FROM system.tables WHERE database IN ({rows:String}, {local:String}) AND startsWith(engine, 'Replicated') \
                  AND name IN {tables:Array(String)}";
    let copied =
        client.clone().with_database("system").query_raw(copied).param("rows", rows).param("local", local_database(rows));
    let tables: Vec<&str> = tables.into_iter().collect();
    let copied: Vec<(String, String)> = copied.param("tables", tables).fetch_all().await.map_err(|error| classify(&error))?;
    for (database, table) in copied {
        let sync = client.query_raw(&format!("SYSTEM SYNC REPLICA `{database}`.`{table}` LIGHTWEIGHT"));
        sync.execute()
            .await
            .map_err(|error| classify(&error).on(&format!("the copy of table `{table}` at this server is behind")))?;
    }
    Ok(())
}

impl ClickHouseSink {
    /// Where servers copy, what is read back is asked of one that has caught up.
    pub(super) async fn catch_up(&self) -> Result<(), Failure> {
        if self.layout == Layout::Single {
            return Ok(());
        }
        self.within(synced(&self.client(), TABLES.iter().map(|table| table.name))).await
    }
}
