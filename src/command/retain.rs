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

/// Facts that name a brand, and when the first and the last of what each stands for was: a period goes as a whole.
const FACTS: [(&str, [&str; 2]); 5] =
    [("click", AT_ONCE), ("visit", AT_ONCE), ("conversion", AT_ONCE), ("cost", PERIOD), ("report", PERIOD)];
const AT_ONCE: [&str; 2] = ["time", "time"];
const PERIOD: [&str; 2] = ["least(time, ifNull(period_start, time))", "greatest(time, ifNull(period_end, time))"];

/// How long a condition may be that names lives, in bytes: a statement has room for 256 KiB.
const CONDITION: usize = 200_000;

/// How many facts that go are compared with their copies at once, so that the server needs some hundred megabytes for it and no more.
const SLICE: u64 = 1_000_000;

/// How far back what went is remembered at most, in milliseconds: one fact whose date is wrong by decades must not make thousands of weeks that
/// `coverage` names for good.
const SPAN: Millis = 3653 * DAY;

/// How many lives, or copies, of one source and epoch a condition names at once; an id has half a kilobyte at most, as written one.
const LIVES: usize = 5_000;
const COPIES: usize = 150;

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
    /// The first of them, in milliseconds since 1970.
    since: Millis,
}

/// What is asked and told of the store.
struct Scope<'a> {
    database: Database,
    config: &'a Config,
    brand: &'a str,
    before: Millis,
}

/// A copy of a fact that would show once the first one is gone.
#[derive(Debug, Row, Deserialize)]
struct Copied {
    source: String,
    epoch: u16,
    id: String,
}

/// What goes of one table of facts.
struct Facts {
    table: &'static str,
    /// When the last of what each stands for was.
    last: &'static str,
    rows: u64,
    copied: Vec<Copied>,
}

/// What goes.
struct Removal {
    facts: Vec<Facts>,
    lives: Vec<Life>,
    /// When the first of it happened; nothing if nothing goes.
    since: Option<Millis>,
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
        let (mut facts, mut times) = (Vec::new(), Vec::new());
        for (table, [first, last]) in FACTS {
            let query = format!("SELECT count(), toUnixTimestamp64Milli(min({first})) FROM {table} FINAL WHERE {}", older(last));
            let counted: Vec<(u64, Millis)> = self.database.all("count the facts that are older", self.query(&query)).await?;
            let (rows, since) = counted.into_iter().next().unwrap_or_default();
            let copied = self.copied(table, last, rows).await?;
            times.extend((rows > 0).then_some(since));
            facts.push(Facts { table, last, rows, copied });
        }
        let lives: Vec<Life> = self.database.all("ask for the lives of the brand", self.query(&lives_of_brand())).await?;
        let since = times.into_iter().chain(lives.iter().map(|life| life.since)).min();
        Ok(Removal { facts, lives, since: since.map(|since| since.max(self.before - SPAN)) })
    }

    /// The copies of the facts that go, of which there are so many.
    async fn copied(&self, table: &str, last: &str, facts: u64) -> Result<Vec<Copied>, CommandError> {
        let (mut all, slices) = (Vec::new(), facts.div_ceil(SLICE));
        for slice in 0..slices {
            let query = self.query(&copies(table, last)).param("slices", slices).param("slice", slice);
            all.extend(self.database.all::<Copied>("look for copies", query).await?);
        }
        // A condition names those of one source and epoch together.
        all.sort_unstable_by(|one, other| (one.epoch, &one.source, &one.id).cmp(&(other.epoch, &other.source, &other.id)));
        Ok(all)
    }

    async fn remove(&self, removal: &Removal) -> Result<(), CommandError> {
        let first = "fromUnixTimestamp64Milli({since:Int64}, 'UTC')";
        // What an earlier run began to remove was before that.
        let record = format!(
            "INSERT INTO removal (brand, before, since, removed) SELECT {{brand:String}}, {BEFORE}, \
             least({first}, ifNull((SELECT minOrNull(since) FROM removal WHERE brand = {{brand:String}}), {first})), now64(3)"
        );
        let record = self.query(&record).param("since", removal.since.unwrap_or(self.before));
        self.database.run("put the removal on record", record).await?;
        for Facts { table, last, rows, copied } in &removal.facts {
            // Before the first copies, by which they are found.
            for copies in conditions(named_copies(copied)) {
                self.delete(table, &copies).await?;
            }
            if *rows > 0 {
                self.delete(table, &older(last)).await?;
            }
        }
        for lives in conditions(named_lives(&removal.lives)) {
            self.delete("activity_window", &format!("window_start < {BEFORE} AND ({lives})")).await?;
        }
        Ok(())
    }

    async fn delete(&self, table: &str, which: &str) -> Result<(), CommandError> {
        let config::ClickHouse { layout, database, .. } = &self.config.clickhouse;
        let query = self.query(&layout.delete_rows(table, &rows_database(database), which));
        let doing = format!("delete rows of {table} (needs ALTER DELETE; the same command does the rest)");
        self.database.run(&doing, query).await
    }
}

impl Removal {
    fn is_empty(&self) -> bool {
        self.since.is_none()
    }

    fn text(&self, scope: &Scope<'_>) -> String {
        let before = instant(scope.before);
        if self.is_empty() {
            return format!("{} has nothing from before {before}\n", scope.brand);
        }
        let mut table = Table::new(["what", "before", "how many"]);
        let windows: u64 = self.lives.iter().map(|life| life.windows).sum();
        let facts = self.facts.iter().map(|of| (of.table, of.rows + of.copied.len() as u64));
        for (what, rows) in facts.chain([("activity_window", windows)]).filter(|(_, rows)| *rows > 0) {
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

/// Copies that another brand, or another time, would show in the place of the first ones, which go: they are the same facts. The views show the
/// one of the greatest version, then of the first source, of all epochs that are active; and of an epoch alone once that is promoted.
fn copies(table: &str, last: &str) -> String {
    let (older, slice) = (older(last), "cityHash64(id) % {slices:UInt64} = {slice:UInt64}");
    let active = "(source, epoch) GLOBAL IN (SELECT source, epoch FROM active_epoch FINAL) \
                  OR (epoch = 0 AND source GLOBAL NOT IN (SELECT source FROM active_epoch))";
    format!(
        "SELECT DISTINCT other.1 AS source, other.2 AS epoch, id \
         FROM (SELECT id, arrayJoin(arrayConcat([toInt32(epoch)], if({active}, [-1], []))) AS seen, \
         groupUniqArrayIf((toString(source), epoch), NOT is_older) AS others \
         FROM (SELECT epoch, source, id, version, {older} AS is_older FROM {table} \
         WHERE {slice} AND id GLOBAL IN (SELECT id FROM {table} WHERE {slice} AND {older})) \
         GROUP BY id, seen HAVING argMin(is_older, (bitNot(version), source, NOT is_older))) \
         ARRAY JOIN others AS other"
    )
}

/// The lives with old windows, under the posts of the brand: also those that saw no post themselves, because it was in an earlier life.
fn lives_of_brand() -> String {
    let epoch = marks::EPOCH;
    format!(
        "SELECT source, epoch, opened, count() AS windows, toInt64(toUnixTimestamp(min(window_start))) * 1000 AS since \
         FROM activity_window FINAL WHERE window_start < {BEFORE} AND epoch != {epoch} AND root GLOBAL IN \
         (SELECT root FROM root FINAL WHERE brand = {{brand:String}} AND epoch != {epoch}) \
         GROUP BY source, epoch, opened ORDER BY source, epoch, opened"
    )
}

/// Lives by the offsets at which they opened.
fn named_lives(lives: &[Life]) -> impl Iterator<Item = String> {
    named(lives, LIVES, "opened", |life| (&life.source, life.epoch), |life| life.opened.to_string())
}

/// Copies by their ids.
fn named_copies(copied: &[Copied]) -> impl Iterator<Item = String> {
    named(copied, COPIES, "id", |copy| (&copy.source, copy.epoch), |copy| quoted(&copy.id))
}

/// Conditions on a column: those of one source and epoch, which stand together, in one condition as far as there is room in it.
fn named<'a, T>(
    all: &'a [T],
    most: usize,
    column: &'static str,
    of: impl Fn(&T) -> (&str, u16) + Copy + 'a,
    value: impl Fn(&T) -> String + Copy + 'a,
) -> impl Iterator<Item = String> + 'a {
    let by_source = all.chunk_by(move |one, other| of(one) == of(other));
    by_source.flat_map(move |those| those.chunks(most)).filter_map(move |some| {
        let (source, epoch) = of(some.first()?);
        let values: Vec<String> = some.iter().map(value).collect();
        Some(format!("(epoch = {epoch} AND source = {} AND {column} IN ({}))", quoted(source), values.join(", ")))
    })
}

/// Conditions that name these, each as long as there is room for.
fn conditions(named: impl Iterator<Item = String>) -> Vec<String> {
    let mut conditions: Vec<String> = Vec::new();
    for these in named {
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
    use crate::clickhouse::OF_BRANDS;

    #[test]
    fn the_tables_are_those_that_a_rewrite_takes_for_trimmed() {
        assert_eq!(FACTS.map(|(table, _)| table), OF_BRANDS);
    }

    #[test]
    fn a_statement_names_lives_by_their_source_and_has_room_for_them() {
        let life = |source: &str, opened| Life { source: source.to_owned(), epoch: 3, opened, windows: 1, since: 0 };
        let named = |lives: &[Life]| conditions(named_lives(lives));
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

    #[test]
    fn copies_are_named_by_their_ids_in_their_source_and_epoch() {
        let copy = |epoch, id: String| Copied { source: "t/0".to_owned(), epoch, id };
        let few = [copy(0, "it's".to_owned()), copy(0, "b".to_owned()), copy(2, "b".to_owned())];
        assert_eq!(
            conditions(named_copies(&few)),
            ["(epoch = 0 AND source = 't/0' AND id IN ('it\\'s', 'b')) OR (epoch = 2 AND source = 't/0' AND id IN ('b'))"]
        );
        // As long as ids may be, and longer as they are written.
        let many: Vec<Copied> = (0..1000).map(|at| copy(0, format!("{}{at:04}", "'".repeat(508)))).collect();
        let conditions = conditions(named_copies(&many));
        assert!(
            conditions.len() > 1 && conditions.iter().all(|text| text.len() < CONDITION),
            "with room for the rest of the statement"
        );
        assert_eq!(
            conditions.iter().map(|text| text.matches("', '").count() + text.matches(" IN (").count()).sum::<usize>(),
            many.len()
        );
    }
}
