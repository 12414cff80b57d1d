//! `grapevine retain`: removes what is older than so many days of one brand, on purpose and on record.
//!
//! A rule of the tables cannot do it: windows name no brand, and copies of a table might decide apart about a question that asks another
//! one. So the lives with old windows are asked for once, and named in the statements that remove them. The record is written first, so
//! that `coverage` says what is missing; what a killed run left the next one removes. Posts and trees stay: one row of each a life, without
//! which what goes on under a post would lose its brand.

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

/// Facts that name a brand, and when the last of what each stands for was: a period goes as a whole.
const FACTS: [(&str, &str); 5] = [
    ("click", "time"),
    ("visit", "time"),
    ("conversion", "time"),
    ("cost", "greatest(time, ifNull(period_end, time))"),
    ("report", "greatest(time, ifNull(period_end, time))"),
];

/// How long a condition may be that names lives, in bytes: a statement has room for 256 KiB.
const CONDITION: usize = 200_000;

/// How many lives of one source a condition names at once.
const LIVES: usize = 5_000;

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

/// A life that has old windows.
#[derive(Debug, Row, Deserialize)]
struct Life {
    source: String,
    epoch: u16,
    opened: u64,
    windows: u64,
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
}

/// Removes what is older, or says what that would be.
///
/// # Errors
/// When nothing names the brand, when the days are fewer than posts live, or when the store refuses; what was not removed then, the same
/// command removes.
pub async fn run(config: &Config, options: &Options) -> Result<(), CommandError> {
    let (lives, days) = (config.rules.root_retention / DAY, Millis::from(options.days));
    if days < lives {
        return Err(CommandError::Refused(format!(
            "--days {days} is less than rules.root_retention_days ({lives}): a post goes on for as long after its last event, and may write \
             its windows again; choose {lives} or more"
        )));
    }
    let database = Database::open(&config.clickhouse).await?;
    let scope = Scope { database, config, brand: &options.brand, before: (now() / DAY - days) * DAY };
    scope.is_known().await?;
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

    /// A name that is written wrongly would remove nothing, night after night.
    async fn is_known(&self) -> Result<(), CommandError> {
        let named = FACTS.iter().map(|(table, _)| *table).chain(["root", "removal"]);
        let named = named.map(|table| format!("SELECT count() AS n FROM {table} WHERE brand = {{brand:String}} AND brand != ''"));
        let query = self.query(&format!("SELECT sum(n) FROM ({})", named.collect::<Vec<_>>().join(" UNION ALL ")));
        let rows: Vec<u64> = self.database.all("look for the brand", query).await?;
        if rows.iter().sum::<u64>() == 0 {
            return Err(CommandError::Refused(format!(
                "nothing names the brand {:?}: give it as posts and facts do (SELECT DISTINCT brand FROM root)",
                self.brand
            )));
        }
        Ok(())
    }

    async fn removal(&self) -> Result<Removal, CommandError> {
        let mut facts = Vec::new();
        for (table, time) in FACTS {
            let query = self.query(&format!("SELECT count() FROM {table} FINAL WHERE {}", older(time)));
            let rows: Vec<u64> = self.database.all("count the facts that are older", query).await?;
            facts.push((table, rows.into_iter().sum()));
        }
        let lives = self.database.all("ask for the lives of the brand", self.query(&lives_of_brand())).await?;
        Ok(Removal { facts, lives })
    }

    async fn remove(&self, removal: &Removal) -> Result<(), CommandError> {
        let record = format!("INSERT INTO removal (brand, before, removed) SELECT {{brand:String}}, {BEFORE}, now64(3)");
        self.database.run("put the removal on record", self.query(&record)).await?;
        for ((table, time), (_, rows)) in FACTS.iter().zip(&removal.facts) {
            if *rows > 0 {
                self.delete(table, &older(time)).await?;
            }
        }
        for lives in named(&removal.lives) {
            self.delete("activity_window", &format!("window_start < {BEFORE} AND ({lives})")).await?;
        }
        Ok(())
    }

    async fn delete(&self, table: &str, which: &str) -> Result<(), CommandError> {
        let config::ClickHouse { layout, database, .. } = &self.config.clickhouse;
        let alter = layout.alter_rows(table, &rows_database(database));
        let settings = "mutations_sync = 2, distributed_ddl_task_timeout = -1";
        let query = self.query(&format!("{alter} DELETE WHERE {which} SETTINGS {settings}"));
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
        if self.is_empty() {
            return format!("{} has nothing from before {before}\n", scope.brand);
        }
        let mut table = Table::new(["what", "before", "how many"]);
        let windows: u64 = self.lives.iter().map(|life| life.windows).sum();
        for (what, rows) in self.facts.iter().copied().chain([("activity_window", windows)]).filter(|(_, rows)| *rows > 0) {
            table.row([format!("rows of {what}"), before.clone(), rows.to_string()]);
        }
        table.text()
    }
}

/// The end of what goes.
const BEFORE: &str = "fromUnixTimestamp64Milli({before:Int64}, 'UTC')";

/// What is older, of a table that names a brand.
fn older(time: &str) -> String {
    format!("brand = {{brand:String}} AND {time} < {BEFORE}")
}

/// The lives with old windows, under the posts of the brand: also those that saw no post themselves, because it was in an earlier life.
fn lives_of_brand() -> String {
    let epoch = marks::EPOCH;
    format!(
        "SELECT source, epoch, opened, count() AS windows FROM activity_window FINAL \
         WHERE window_start < {BEFORE} AND epoch != {epoch} AND root GLOBAL IN \
         (SELECT root FROM root FINAL WHERE brand = {{brand:String}} AND epoch != {epoch}) \
         GROUP BY source, epoch, opened ORDER BY source, epoch, opened"
    )
}

/// Conditions that name the lives, each as long as there is room for; lives of one source follow each other.
fn named(lives: &[Life]) -> Vec<String> {
    let by_source = lives.chunk_by(|one, other| (&one.source, one.epoch) == (&other.source, other.epoch));
    let mut conditions: Vec<String> = Vec::new();
    for some in by_source.flat_map(|lives| lives.chunks(LIVES)) {
        let Some(Life { source, epoch, .. }) = some.first() else { continue };
        let offsets: Vec<String> = some.iter().map(|life| life.opened.to_string()).collect();
        let these = format!("(epoch = {epoch} AND source = {} AND opened IN ({}))", quoted(source), offsets.join(", "));
        match conditions.last_mut() {
            Some(last) if last.len() + these.len() < CONDITION => *last = format!("{last} OR {these}"),
            _ => conditions.push(these),
        }
    }
    conditions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_names_lives_by_their_source_and_has_room_for_them() {
        let life = |source: &str, opened| Life { source: source.to_owned(), epoch: 3, opened, windows: 1 };
        let few = [life("a/0", 1), life("a/0", 2), life("it's/1", 1)];
        let expected =
            "(epoch = 3 AND source = 'a/0' AND opened IN (1, 2)) OR (epoch = 3 AND source = 'it\\'s/1' AND opened IN (1))";
        assert_eq!(named(&few), [expected]);
        assert!(named(&[]).is_empty());
        let of_one = (0..25_000).map(|at| life("events/7", 100_000_000_000 + at));
        let of_many = (0..10_000).map(|at| life(&format!("{}/{at}", "a".repeat(200)), 100_000_000_000 + at));
        for many in [of_one.collect::<Vec<_>>(), of_many.collect()] {
            let conditions = named(&many);
            assert!(conditions.iter().all(|text| text.len() < CONDITION), "with room for the rest of the statement");
            let lives: usize = conditions.iter().map(|text| text.matches("100000").count()).sum();
            assert_eq!(lives, many.len());
        }
    }
}
