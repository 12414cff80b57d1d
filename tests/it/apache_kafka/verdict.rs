//! Whether the tables hold what they would hold if nothing had happened: the judge of every scenario here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::apache_kafka::ApacheKafka;
use crate::events::{Data, number};
use crate::facts::assert_of_every_table;
use crate::store::Database;
use crate::world::World;

/// Partitions of the topics that are compared with a run in peace.
pub(super) const PARTITIONS: usize = 6;

/// Sources whose counts do not add up, and lives whose windows do not add up to their trees.
const UNSOUND: &str = "SELECT \
     (SELECT count() FROM progress FINAL WHERE read != accepted + duplicates + rejected) AS sources, \
     (SELECT countIf(shares != 0 OR replies != 0) FROM ( \
        SELECT epoch, source, root, opened, sum(share) AS shares, sum(reply) AS replies FROM ( \
          SELECT epoch, source, root, opened, toInt64(shares) AS share, toInt64(replies) AS reply FROM activity_window FINAL \
          UNION ALL SELECT epoch, source, root, opened, 1 - toInt64(size), 0 FROM cascade FINAL \
          UNION ALL SELECT epoch, source, root, opened, 0, 1 - toInt64(size) FROM thread FINAL) \
        GROUP BY ALL)) AS lives";

/// Fails unless the tables hold what the truth says and nothing was lost or counted twice on the way.
pub(super) fn assert_sound(world: &World, data: &Data) {
    data.compare(|question| world.ask(question));
    let unsound = &world.ask(UNSOUND)[0];
    assert_eq!([number(&unsound["sources"]), number(&unsound["lives"])], [0, 0], "sources, lives that do not add up");
}

/// The same, and fails unless every row is the one that a run in peace over the same log makes.
pub(super) fn assert_exact(world: &World, data: &Data) {
    assert_sound(world, data);
    let (rows, differences) = compare(world, data);
    let first = &differences[..differences.len().min(10)];
    assert!(differences.is_empty(), "{} of {rows} rows differ, the first: {first:#?}", differences.len());
}

/// How many rows a run in peace over the same log makes, and which of them are missing here, or others.
pub(super) fn compare(world: &World, data: &Data) -> (usize, Vec<String>) {
    assert_eq!(world.counts(), data.counts());
    let (found, wanted) = (world.every_row(), in_peace(data));
    assert_of_every_table(&wanted);
    let missing = wanted.iter().filter(|(name, _)| !found.contains_key(*name)).map(|(name, _)| format!("missing: {name}"));
    let others =
        found.iter().filter(|(name, content)| wanted.get(*name) != Some(content)).map(|(name, _)| format!("another: {name}"));
    (wanted.len(), missing.chain(others).collect())
}

/// Every row that one worker makes of a file of events, left in peace.
fn in_peace(data: &Data) -> Arc<BTreeMap<String, String>> {
    type Rows = Arc<BTreeMap<String, String>>;
    static KNOWN: Mutex<BTreeMap<String, Rows>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let read = || {
        let kafka = ApacheKafka::shared();
        let mut world = World::on(&kafka, PARTITIONS, Database::absent(&format!("{}_in_peace", data.name)));
        world.publish(&data.lines);
        let worker = world.start(&[]);
        world.wait_for(data.lines.len());
        worker.stop();
        Arc::new(world.every_row())
    };
    Arc::clone(known.entry(data.name.clone()).or_insert_with(read))
}
