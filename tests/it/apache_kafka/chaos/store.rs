//! What happens to ClickHouse: it dies, refuses, forgets, or is another one.
//!
//! What one table has lost is brought back by a union of what is there and what was, as a backup is that is read into tables that live:
//! whatever workers wrote meanwhile stays, and rows replace each other by version. What all have lost is written again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::seq::IndexedRandom as _;
use serde_json::Value;

use super::{Campaign, Events};
use crate::commands::{Said, say, say_without_members};
use crate::store::start;
use crate::world::{files_in, until};

/// Every table that the worker writes, in the order in which a copy of a store is made: it knows all rows of which `progress` speaks.
const TABLES: [&str; 12] = [
    "progress",
    "root",
    "activity_window",
    "cascade",
    "thread",
    "click",
    "visit",
    "conversion",
    "cost",
    "assignment",
    "report",
    "rejects",
];

/// How often the store knew less of a partition than was made durable.
const FORGOTTEN: (&str, &str) = ("grapevine_store_forgotten_total", "");

/// What a worker says that opens a partition at another store than it was written to.
const ANOTHER: &str = "is another store than the one";

/// How long a loss may stay unnoticed by who has nothing to write.
const NOW_AND_THEN: Duration = Duration::from_secs(4);

/// What `rewrite` says where workers heal the store.
const BY_THEMSELVES: &str = "a kept checkpoint is as old: start the workers";

/// How it names the cure, where no kept state is as old as the store.
const CURE: &str = "`grapevine rewrite` once";

impl Campaign {
    pub(super) fn kill_store(&mut self) {
        self.store.kill().unwrap();
        self.kills += 1;
        self.relay.point_to(None);
        self.linger();
        self.store = start(self.store_folder.path());
        self.relay.point_to(Some(self.store.url()));
    }

    /// Makes a table refuse every insert until a worker has noticed.
    pub(super) fn spoil(&mut self, setting: &str, value: &str) {
        // Every flush writes to this table.
        let retries = ("grapevine_insert_retries_total", "");
        let before = self.sum(retries);
        self.world.run(&format!("ALTER TABLE progress MODIFY SETTING {setting} = {value}"));
        self.wait_for_more(retries, before);
        self.world.run(&format!("ALTER TABLE progress RESET SETTING {setting}"));
    }

    /// A table of lives.
    pub(super) fn any_table(&mut self) -> &'static str {
        TABLES[1..5].choose(&mut self.dice).expect("four tables")
    }

    /// The database is away and another one, as empty as the cure that is none makes it, stands under its name until a worker has noticed.
    /// All workers die before it is back: rows of a flush that is under way may lie in the other one, and nothing would show it.
    pub(super) fn replace_store(&mut self, events: &mut Events<'_>) {
        self.wait_for_a_state();
        let name = self.world.database.rows();
        let (before, said) = (self.sum(FORGOTTEN), self.logs().matches(ANOTHER).count());
        self.world.elsewhere(&format!("RENAME DATABASE {name} TO {name}_kept"));
        assert!(self.world.command("migrate").output().unwrap().status.success());
        events.release();
        // Who had the rows finds them gone; who just opens its partitions finds another store, and counts nothing.
        until("a worker notices", || {
            self.tend();
            let logs = self.logs();
            let is_noticed = self.sum(FORGOTTEN) > before || logs.matches(ANOTHER).count() > said;
            if is_noticed { Ok(()) } else { Err(logs) }
        });
        self.kill(self.fleet.len());
        self.world.elsewhere(&format!("DROP DATABASE {name} SYNC"));
        self.world.elsewhere(&format!("RENAME DATABASE {name}_kept TO {name}"));
    }

    /// The database is dropped and made anew, and everything in it written again: the log holds all of it, and every root is alive.
    pub(super) fn drop_and_rewrite_store(&mut self) {
        self.wait_for_a_state();
        let places: Vec<usize> = self.fleet.keys().copied().collect();
        places.iter().for_each(|place| self.stop(*place));
        self.world.elsewhere(&format!("DROP DATABASE {} SYNC", self.world.database.rows()));
        say(&self.world, &["migrate"], &[]).done();
        say_without_members(&self.world, &["rewrite"]).done();
        assert_eq!(self.world.ask("SELECT * FROM losses"), Vec::<Value>::new());
        places.into_iter().for_each(|place| self.join(place));
    }

    /// The log loses what no kept state reads again, and all tables are emptied under the workers: they refuse to go on, and name the cure.
    /// It brings everything back but facts and rejects of the beginning, which it names.
    pub(super) fn empty_and_rewrite_store(&mut self, events: &mut Events<'_>) {
        let mut oldest: BTreeMap<i32, u64> = BTreeMap::new();
        for (partition, next) in self.states() {
            let oldest = oldest.entry(partition.parse().unwrap()).or_insert(next);
            *oldest = next.min(*oldest);
        }
        oldest.retain(|_, next| *next > 0);
        assert!(!oldest.is_empty(), "some time has passed");
        for (partition, below) in &oldest {
            self.kafka.delete_records(&self.world.topic, *partition, i64::try_from(*below).unwrap());
        }
        self.cut = oldest;
        let said = self.logs().matches(CURE).count();
        TABLES.iter().for_each(|table| self.world.run(&format!("TRUNCATE TABLE {table}")));
        events.release();
        until("a worker names the cure", || {
            self.tend();
            let logs = self.logs();
            if logs.matches(CURE).count() > said { Ok(()) } else { Err(logs) }
        });
        self.kill_all_and_rewrite().done();
    }

    /// What the command says; whoever was there joins again.
    fn kill_all_and_rewrite(&mut self) -> Said {
        let places: Vec<usize> = self.fleet.keys().copied().collect();
        places.iter().for_each(|place| self.leave(*place).kill());
        self.kills += places.len();
        let said = say_without_members(&self.world, &["rewrite"]);
        places.into_iter().for_each(|place| self.join(place));
        said
    }

    /// Who has written nothing may take any store.
    fn wait_for_a_state(&mut self) {
        until("a state is published", || {
            self.tend();
            if self.states().iter().any(|(_, next)| *next > 0) { Ok(()) } else { Err(self.logs()) }
        });
    }

    /// A table becomes what it was a while ago, or empty, until a worker has noticed.
    pub(super) fn lose_rows(&mut self, table: &str, copied: bool, events: &mut Events<'_>) {
        self.set_back(&[table], copied, events);
        self.world.run(&format!("INSERT INTO {table} SELECT * FROM {table}_then"));
        self.world.run(&format!("DROP TABLE {table}_then SYNC"));
    }

    /// All tables become what they were a while ago, and what is newer is written again, by the workers if they keep a state that is old
    /// enough: the log holds it, and every root is alive.
    pub(super) fn set_back_and_rewrite_store(&mut self, events: &mut Events<'_>) {
        self.set_back(&TABLES, true, events);
        let said = self.kill_all_and_rewrite();
        assert!(said.code == 0 || said.errors.contains(BY_THEMSELVES), "{said:?}");
        if self.cut.is_empty() {
            assert_eq!(self.world.ask("SELECT * FROM losses"), Vec::<Value>::new());
        }
        TABLES.iter().for_each(|table| self.world.run(&format!("DROP TABLE {table}_then SYNC")));
    }

    /// Tables become what they were, or empty; what they had is beside them.
    fn set_back(&mut self, tables: &[&str], copied: bool, events: &mut Events<'_>) {
        for table in tables {
            self.world.run(&format!("CREATE TABLE IF NOT EXISTS {table}_then AS {table}"));
            if copied {
                self.world.run(&format!("INSERT INTO {table}_then SELECT * FROM {table}"));
            }
        }
        // Marks move with a state: until then nobody can know that a table alone is as old as its copy.
        events.release();
        let marks = |table: &str| format!("SELECT source, max(version) AS upto FROM {table} WHERE epoch = 65535 GROUP BY source");
        let table = tables.iter().find(|table| **table != "progress").expect("one with marks");
        let moved = format!(
            "SELECT source, toUInt32(now.upto) AS upto FROM ({}) AS now LEFT JOIN ({}) AS then USING source WHERE now.upto > then.upto",
            marks(table),
            marks(&format!("{table}_then"))
        );
        // And only a state says to who opens the partition next how far they were: until then it may go on from a state as old as the
        // copy, and is right in that.
        until("marks move, and a state with them", || {
            self.tend();
            let answer = self.world.try_to_ask(&moved).map_err(|error| error.to_string())?;
            let states = self.states();
            let is_published = |row: &Value| {
                let partition = row["source"].as_str().and_then(|mark| mark.rsplit('/').next());
                states.iter().any(|(of, next)| Some(of.as_str()) == partition && Some(*next) >= row["upto"].as_u64())
            };
            if answer.iter().any(is_published) { Ok(()) } else { Err(self.logs()) }
        });
        let before = self.sum(FORGOTTEN);
        let name = self.world.database.rows();
        for table in tables {
            // Not to be done twice.
            self.world.elsewhere(&format!("EXCHANGE TABLES {name}.{table} AND {name}.{table}_then"));
        }
        // Who has nothing to write to the store notices nothing: now and then there is more.
        let mut released: Option<Instant> = None;
        until("a worker notices", || {
            self.tend();
            if released.is_none_or(|last| last.elapsed() > NOW_AND_THEN) {
                events.release();
                released = Some(Instant::now());
            }
            if self.sum(FORGOTTEN) > before { Ok(()) } else { Err(self.logs()) }
        });
    }

    /// The states that are published: of which partition each is, and up to which offset.
    fn states(&self) -> Vec<(String, u64)> {
        let named = |path: &std::path::PathBuf| {
            let source = path.parent()?.file_name()?.to_str()?;
            let next = path.file_name()?.to_str()?.split('-').next()?.parse().ok()?;
            // A slash in the name of a source.
            Some((source.rsplit("=2f").next()?.to_owned(), next))
        };
        files_in(&self.world.checkpoints()).iter().filter_map(named).collect()
    }
}
