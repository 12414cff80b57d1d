//! The servers of a store that has several: whether they are as the layout has them, and which store theirs is.

use ::clickhouse::Client;

use super::{SchemaProblem, anywhere, database, store};
use crate::clickhouse::{Layout, local_database, people_database};

/// How the comment begins in which the database of parts says which shards it was made for.
const MADE_FOR: &str = "Shards by weight: ";

/// The macros that the names of copies in Keeper are made of.
const MACROS: [&str; 2] = ["replica", "shard"];

/// Whether the servers are as the layout has them; what is wrong is said with what to do.
pub(super) async fn check(client: &Client, layout: &Layout) -> Result<(), SchemaProblem> {
    let found = match layout.cluster() {
        Some(cluster) => wrong(client, layout, cluster).await?,
        None if *layout == Layout::Single => Vec::new(),
        None => uncopied(client, layout).await?,
    };
    if found.is_empty() { Ok(()) } else { Err(SchemaProblem::Servers(found.join("; "))) }
}

/// Databases that are to copy what is made in them, and do not: in each server's own, tables would have copies that know of no others.
async fn uncopied(client: &Client, layout: &Layout) -> Result<Vec<String>, SchemaProblem> {
    let uncopied = "SELECT wanted FROM (SELECT arrayJoin({names:Array(String)}) AS wanted) WHERE wanted NOT IN (SELECT name FROM databases WHERE \
                    engine IN ('Replicated', 'Shared'))";
    let names = layout.databases(people_database(client).map_err(SchemaProblem::Store)?);
    let uncopied: Vec<String> = anywhere(client).query_raw(uncopied).param("names", names).fetch_all().await.map_err(store)?;
    let said = |name: &String| {
        format!(
            "database \"{name}\" copies nothing; make it on every server (CREATE DATABASE {name} ENGINE = \
             Replicated('/clickhouse/databases/{name}', '{{shard}}', '{{replica}}')), or name the servers (clickhouse.cluster)"
        )
    };
    Ok(uncopied.iter().map(said).collect())
}

async fn wrong(client: &Client, layout: &Layout, cluster: &str) -> Result<Vec<String>, SchemaProblem> {
    let weights = weights(client, cluster).await?;
    if weights.is_empty() {
        let known: Vec<String> = anywhere(client)
            .query_raw("SELECT DISTINCT cluster FROM clusters ORDER BY cluster")
            .fetch_all()
            .await
            .map_err(store)?;
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Ok(vec![format!("the server knows no cluster \"{cluster}\" (clickhouse.cluster); it knows {known}")]);
    }
    let mut found = Vec::new();
    let present: Vec<String> = anywhere(client).query_raw("SELECT macro FROM macros").fetch_all().await.map_err(store)?;
    let lacking: Vec<&str> = MACROS.into_iter().filter(|name| !present.iter().any(|present| present == name)).collect();
    if !lacking.is_empty() {
        let lacking = lacking.join(", ");
        found.push(format!(
            "the server lacks the macros {lacking} (<macros> of its configuration), by which copies of a table know each other"
        ));
    }
    if !layout.is_sharded() && weights.len() > 1 {
        found.push(format!(
            "cluster \"{cluster}\" has {} shards, which would each copy a part of the rows (clickhouse.layout); name a cluster of one shard that has \
             all servers, or choose the layout sharded with a new database and a new epoch",
            weights.len()
        ));
    }
    let local = local_database(&database(client));
    if let Some(before) = made_for(client, &local).await?.filter(|before| layout.is_sharded() && *before != shown(&weights)) {
        found.push(format!(
            "the database was made for shards of weight {before}, and cluster \"{cluster}\" has shards of weight {}: rows of a source would lie on two of \
             them. Bring the shards back as they were, or give this program a new database and a new epoch (`clickhouse.database`, `epoch`), into \
             which it reads everything again",
            shown(&weights)
        ));
    }
    Ok(found)
}

/// Notes which shards a sharded store was made for, unless it is known.
pub(super) async fn remember_shards(client: &Client, layout: &Layout) -> Result<(), SchemaProblem> {
    let Some(cluster) = layout.cluster().filter(|_| layout.is_sharded()) else { return Ok(()) };
    let local = local_database(&database(client));
    if made_for(client, &local).await?.is_some() {
        return Ok(());
    }
    let weights = shown(&weights(client, cluster).await?);
    let remember = format!("ALTER DATABASE `{local}` ON CLUSTER `{cluster}` MODIFY COMMENT '{MADE_FOR}{weights}'");
    anywhere(client).query_raw(&remember).execute().await.map_err(store)
}

/// The id of the store, if one of the servers has it already.
pub(super) async fn store_id(client: &Client, layout: &Layout) -> Result<Option<String>, SchemaProblem> {
    let Some(cluster) = layout.cluster() else { return Ok(None) };
    let ids = format!(
        "SELECT DISTINCT comment FROM clusterAllReplicas(`{cluster}`, system.tables) WHERE database = {{database:String}} AND name = 'store' ORDER BY \
         comment"
    );
    let mut ids: Vec<String> =
        anywhere(client).query_raw(&ids).param("database", database(client)).fetch_all().await.map_err(store)?;
    if ids.len() > 1 {
        return Err(SchemaProblem::Servers(format!(
            "they are of different stores ({}), as the comments of their tables `store` say: leave the servers of one, or give this program \
             a database of its own (`clickhouse.database`)",
            ids.join(", ")
        )));
    }
    Ok(ids.pop())
}

/// The weights of the cluster's shards, in their order; none of a cluster that is not known.
async fn weights(client: &Client, cluster: &str) -> Result<Vec<u32>, SchemaProblem> {
    let shards = "SELECT any(shard_weight) FROM clusters WHERE cluster = {cluster:String} GROUP BY shard_num ORDER BY shard_num";
    anywhere(client).query_raw(shards).param("cluster", cluster).fetch_all().await.map_err(store)
}

async fn made_for(client: &Client, local: &str) -> Result<Option<String>, SchemaProblem> {
    let comment = "SELECT comment FROM databases WHERE name = {local:String}";
    let comments: Vec<String> = anywhere(client).query_raw(comment).param("local", local).fetch_all().await.map_err(store)?;
    Ok(comments.first().and_then(|comment| comment.strip_prefix(MADE_FOR)).map(str::to_owned))
}

fn shown(weights: &[u32]) -> String {
    weights.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
