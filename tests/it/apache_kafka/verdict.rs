//! Whether the tables hold what they would hold if nothing had happened: the judge of every scenario here.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use grapevine::loss::OF_RECORDS;
use serde_json::Value;

use crate::apache_kafka::ApacheKafka;
use crate::events::{Data, number};
use crate::facts::{assert_every_table, tables_of};
use crate::store::Database;
use crate::world::{AT_THE_POST, World, way_of_click};

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
    let Compared { rows, tables, differences, lost } = compare(world, data, &Excuses::default());
    assert_every_table(&tables);
    let first = &differences[..differences.len().min(10)];
    assert!(differences.is_empty(), "{} of {rows} rows differ, the first: {first:#?}", differences.len());
    assert_eq!(lost, 0, "nothing is excused");
}

/// What a comparison with a run in peace over the same log has found.
pub(super) struct Compared {
    /// How many rows that one makes.
    pub(super) rows: usize,
    /// Of which tables.
    pub(super) tables: BTreeSet<String>,
    /// Those that are missing here, or others.
    pub(super) differences: Vec<String>,
    /// Those that are named as lost, and are.
    pub(super) lost: usize,
}

/// The comparison where rows were written again: a click may know another way, and what is named as lost must be gone.
/// Nothing is lost but what stood below these offsets of partitions.
pub(super) fn compare_rewritten(world: &World, data: &Data, cut: &BTreeMap<i32, u64>) -> Compared {
    let excuses = Excuses::of(world);
    for (table, source, records) in &excuses.losses {
        let partition = source.rsplit('/').next().and_then(|partition| partition.parse().ok());
        let cut = partition.and_then(|partition: i32| cut.get(&partition)).copied().unwrap_or_default();
        assert!(records.end <= cut, "{table} of {source}: {records:?} are named as lost, the log begins at {cut}");
    }
    compare(world, data, &excuses)
}

fn compare(world: &World, data: &Data, excuses: &Excuses) -> Compared {
    assert_eq!(world.counts(), data.counts());
    let (found, wanted) = (world.every_row(), in_peace(data));
    let (mut differences, mut lost) = (Vec::new(), 0);
    for (name, content) in wanted.iter() {
        match (found.get(name), excuses.is_lost(name)) {
            (None, false) => differences.push(format!("missing: {name}")),
            (None, true) => lost += 1,
            (Some(_), true) => differences.push(format!("named as lost: {name}")),
            (Some(found), false) if found != content && !excuses.is_another_way(name, [found, content]) => {
                differences.push(format!("another: {name}"))
            }
            (Some(_), false) => {}
        }
    }
    differences.extend(found.keys().filter(|name| !wanted.contains_key(*name)).map(|name| format!("too many: {name}")));
    Compared { rows: wanted.len(), tables: tables_of(&wanted), differences, lost }
}

/// What may differ from a run in peace.
#[derive(Default)]
struct Excuses {
    /// Of which table and source facts and rejects are named as lost, and of which records.
    losses: Vec<(String, String, Range<u64>)>,
    /// Ways of clicks of which nothing is certain, as it is where they were written again below other ones.
    ways: BTreeSet<String>,
}

impl Excuses {
    fn of(world: &World) -> Excuses {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let loss = |row: &Value| {
            let records = number(&row["first"])..number(&row["next"]);
            (text(&row["table"]), text(&row["source"]), records)
        };
        let losses = world.ask("SELECT table, source, first, next FROM losses");
        let is_of_records = |(table, ..): &(String, _, _)| OF_RECORDS.iter().any(|(of_records, _)| of_records == table);
        let losses = losses.iter().map(loss).filter(is_of_records).collect();
        let asked = format!(
            "SELECT {} AS name FROM click FINAL WHERE target_inferred AND path_inferred = greatest(depth, 1)",
            way_of_click()
        );
        Excuses { losses, ways: world.ask(&asked).iter().map(|row| text(&row["name"])).collect() }
    }

    /// Whether a click may know another way than in peace: nothing of it is certain, or there is none in either, but the post came after
    /// the click and is known where that was written again.
    fn is_another_way(&self, name: &str, contents: [&String; 2]) -> bool {
        self.ways.contains(name) || contents.iter().all(|content| content.starts_with(AT_THE_POST))
    }

    /// Whether a row is of a fact or a reject that is named as lost: its name holds its source and the offset of its record.
    fn is_lost(&self, name: &str) -> bool {
        let name = name.strip_prefix("way_of_").unwrap_or(name);
        let (table, key) = name.split_once(" ('").unwrap_or_default();
        let (source, rest) = key.split_once("',").unwrap_or_default();
        let record = rest.split([',', ')']).next().and_then(|offset| offset.parse::<u64>().ok());
        let names = |(lost, of, records): &(String, String, Range<u64>)| {
            lost == table && of == source && record.is_some_and(|record| records.contains(&record))
        };
        self.losses.iter().any(names)
    }
}

/// Every row that one worker makes of a file of events, left in peace. Made once.
pub(super) fn in_peace(data: &Data) -> Arc<BTreeMap<String, String>> {
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
