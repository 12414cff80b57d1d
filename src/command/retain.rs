//! `grapevine retain`: removes what is older than so many days of one brand, on purpose and on record.
//!
//! A rule of the tables cannot do it: windows and trees name no brand, and copies of a table might decide apart about a question that asks
//! another one. So the brand's lives are asked for once, and named in the statements that remove their rows. Whatever a killed run left the
//! next one removes: the record is written first, so that `coverage` says what is missing, and of a life `root` goes last, because it leads to
//! the rest.

use std::collections::BTreeSet;

use ::clickhouse::Row;
use ::clickhouse::query::Query;
use serde::Deserialize;

use super::database::Database;
use super::outcome::{CommandError, say};
use super::table::{Table, instant};
use crate::clickhouse::{marks, rows_database};
use crate::config::{self, Config};
use crate::record::Millis;
use crate::rollup::quoted;
use crate::service::now;

const DAY: Millis = 86_400_000;

/// Facts that name a brand.
const FACTS: [&str; 5] = ["click", "visit", "conversion", "cost", "report"];

/// What else a life has, in the order in which it goes.
const OF_LIVES: [&str; 3] = ["cascade", "thread", "root"];

/// How many lives one statement names: offsets have a dozen digits, and a statement has room for 256 KiB.
const LIVES: usize = 10_000;

/// Whose rows, and how old.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The brand, as posts and facts name it
    #[arg(long)]
    brand: String,
    /// What happened more than so many days ago goes; days are those of UTC
    #[arg(long)]
    days: u32,
    /// Say what would go, and remove nothing
    #[arg(long)]
    plan: bool,
}

/// A life of which something goes.
#[derive(Debug, Row, Deserialize)]
struct Life {
    source: String,
    epoch: u16,
    opened: u64,
    /// Windows that go, and that stay.
    old: u64,
    kept: u64,
}

/// What is asked and told of the store.
struct Scope<'a> {
    database: Database,
    config: &'a Config,
    brand: &'a str,
    before: Millis,
}

/// What goes.
struct Removal {
    facts: Vec<(&'static str, u64)>,
    lives: Vec<Life>,
    /// Sources and epochs whose lives may go on in a worker.
    read_now: BTreeSet<(String, u16)>,
}

/// Removes what is older, or says what that would be.
///
/// # Errors
/// When the days are fewer than posts live, or the store refuses; what was not removed then, the same command removes.
pub async fn run(config: &Config, options: &Options) -> Result<(), CommandError> {
    let (lives, days) = (config.rules.root_retention / DAY, Millis::from(options.days));
    if days < lives {
        return Err(CommandError::Refused(format!(
            "--days {days} is less than rules.root_retention_days ({lives}): a post goes on for as long after its last event, and would come \
             back without its brand; choose {lives} or more"
        )));
    }
    let database = Database::open(&config.clickhouse).await?;
    let scope = Scope { database, config, brand: &options.brand, before: (now() / DAY - days) * DAY };
    let removal = scope.removal().await?;
    say(&removal.text(&scope))?;
    if options.plan || removal.is_empty() {
        return Ok(());
    }
    scope.remove(&removal).await?;
    say(&format!("removed what {} had before {}\n", scope.brand, instant(scope.before)))
}

impl Scope<'_> {
    fn query(&self, text: &str) -> Query {
        self.database.query(text).param("brand", self.brand).param("before", self.before)
    }

    async fn removal(&self) -> Result<Removal, CommandError> {
        let mut facts = Vec::new();
        for table in FACTS {
            let query = self.query(&format!("SELECT count() FROM {table} FINAL WHERE {}", older("time")));
            let rows: Vec<u64> = self.database.all("count the facts that are older", query).await?;
            facts.push((table, rows.into_iter().sum()));
        }
        let mut lives: Vec<Life> = self.database.all("ask for the lives of the brand", self.query(&lives_of_brand())).await?;
        let living = self.before + self.config.rules.root_retention;
        let mut behind = self.database.progress().await?;
        behind.retain(|row| row.version < row.log_end && row.watermark < living);
        let mut read_now = BTreeSet::new();
        for life in lives.iter_mut().filter(|life| life.kept == 0) {
            if behind.iter().any(|row| *row.source == *life.source && row.epoch == life.epoch) {
                life.kept = 1;
                read_now.insert((life.source.clone(), life.epoch));
            }
        }
        lives.retain(|life| life.old > 0 || life.kept == 0);
        Ok(Removal { facts, lives, read_now })
    }

    async fn remove(&self, removal: &Removal) -> Result<(), CommandError> {
        let record = format!("INSERT INTO removal (brand, before, removed) SELECT {{brand:String}}, {BEFORE}, now64(3)");
        self.database.run("put the removal on record", self.query(&record)).await?;
        for (table, _) in removal.facts.iter().filter(|(_, rows)| *rows > 0) {
            self.delete(table, &older("time")).await?;
        }
        for lives in of_so_many(&removal.lives, |life| life.old > 0) {
            self.delete("activity_window", &format!("window_start < {BEFORE} AND ({lives})")).await?;
        }
        for table in OF_LIVES {
            for lives in of_so_many(&removal.lives, |life| life.kept == 0) {
                self.delete(table, &lives).await?;
            }
        }
        Ok(())
    }

    async fn delete(&self, table: &str, which: &str) -> Result<(), CommandError> {
        let config::ClickHouse { layout, database, .. } = &self.config.clickhouse;
        let alter = layout.alter_rows(table, &rows_database(database));
        let query = self.query(&format!("{alter} DELETE WHERE {which} SETTINGS mutations_sync = 2"));
        let doing = format!("delete rows of {table} (needs ALTER DELETE; the same command does the rest)");
        self.database.run(&doing, query).await
    }
}

impl Removal {
    fn is_empty(&self) -> bool {
        self.lives.is_empty() && self.facts.iter().all(|(_, rows)| *rows == 0)
    }

    fn text(&self, scope: &Scope<'_>) -> String {
        let before = instant(scope.before);
        let stay = |(source, epoch): &(String, u16)| {
            format!("epoch {epoch} of {source} is still being read: its posts and trees stay until a run after that\n")
        };
        let stay: String = self.read_now.iter().map(stay).collect();
        if self.is_empty() {
            return format!("{} has nothing from before {before}\n{stay}", scope.brand);
        }
        let mut table = Table::new(["what", "before", "how many"]);
        let facts = self.facts.iter().map(|(table, rows)| (format!("rows of {table}"), *rows));
        let windows = ("rows of activity_window".to_owned(), self.lives.iter().map(|life| life.old).sum());
        let ended = self.lives.iter().filter(|life| life.kept == 0).count() as u64;
        let ended = ("posts with their trees".to_owned(), ended);
        for (what, rows) in facts.chain([windows, ended]).filter(|(_, rows)| *rows > 0) {
            table.row([what, before.clone(), rows.to_string()]);
        }
        table.text() + &stay
    }
}

/// The end of what goes.
const BEFORE: &str = "fromUnixTimestamp64Milli({before:Int64}, 'UTC')";

/// What is older, of a table that names a brand.
fn older(time: &str) -> String {
    format!("brand = {{brand:String}} AND {time} < {BEFORE}")
}

/// The lives of the brand that have an old window, or none at all and a post that is old: a rule of the table, or a killed run, took theirs.
fn lives_of_brand() -> String {
    let roots = format!("root FINAL WHERE brand = {{brand:String}} AND epoch != {}", marks::EPOCH);
    format!(
        "SELECT source, epoch, opened, sum(is_old) AS old, sum(is_kept) AS kept FROM ( \
         SELECT source, epoch, opened, toUInt64(0) AS is_old, toUInt64(0) AS is_kept, root_time < {BEFORE} AS has_old_post FROM {roots} \
         UNION ALL \
         SELECT source, epoch, opened, toUInt64(window_start < {BEFORE}), toUInt64(window_start >= {BEFORE}), false \
         FROM activity_window FINAL WHERE (source, epoch, opened) GLOBAL IN (SELECT source, epoch, opened FROM {roots})) \
         GROUP BY source, epoch, opened HAVING old > 0 OR (kept = 0 AND max(has_old_post)) ORDER BY source, epoch, opened"
    )
}

/// Conditions that name the chosen lives, so many each; lives of one source follow each other.
fn of_so_many(lives: &[Life], chosen: fn(&Life) -> bool) -> Vec<String> {
    let lives: Vec<&Life> = lives.iter().filter(|life| chosen(life)).collect();
    let of_a_source = |lives: &[&Life]| {
        let Life { source, epoch, .. } = lives.first()?;
        let offsets: Vec<String> = lives.iter().map(|life| life.opened.to_string()).collect();
        Some(format!("(epoch = {epoch} AND source = {} AND opened IN ({}))", quoted(source), offsets.join(", ")))
    };
    let named = |lives: &[&Life]| {
        let by_source = lives.chunk_by(|one, other| (&one.source, one.epoch) == (&other.source, other.epoch));
        by_source.filter_map(of_a_source).collect::<Vec<_>>().join(" OR ")
    };
    lives.chunks(LIVES).map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_names_lives_by_their_source_and_has_room_for_them() {
        let life = |source: &str, opened| Life { source: source.to_owned(), epoch: 3, opened, old: 1, kept: 0 };
        let few = [life("a/0", 1), life("a/0", 2), life("it's/1", 1)];
        let expected =
            "(epoch = 3 AND source = 'a/0' AND opened IN (1, 2)) OR (epoch = 3 AND source = 'it\\'s/1' AND opened IN (1))";
        assert_eq!(of_so_many(&few, |_| true), [expected]);
        assert!(of_so_many(&few, |_| false).is_empty());
        let many: Vec<Life> = (0..25_000).map(|at| life("events/7", 100_000_000_000 + at)).collect();
        let statements = of_so_many(&many, |_| true);
        assert_eq!(statements.len(), 3);
        assert!(statements.iter().all(|text| text.len() < 200_000));
    }
}
