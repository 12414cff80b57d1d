//! The schema of the store: numbered files under `deploy/clickhouse`, embedded and applied in order.
//!
//! Every statement may run twice, and at the same time from two places, so applying needs no lock. What was
//! applied is remembered with a check value in `schema_migrations`. There is no way down, and nothing here
//! changes or removes a row: a migration only adds. A file that makes tables never changes once it was released; a
//! file of nothing but views and comments on their columns holds no state and is applied again whenever its text is another.
//! What files have made and somebody has dropped is made again, see `compare`.

use std::hash::Hasher;
use std::time::Duration;

use ::clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::clickhouse::{Layout, classify, people_database, synced};
use crate::failure::Failure;

mod cluster;
mod compare;
mod statements;

pub use compare::{Lacking, loaded_by_people};
pub use statements::statements;

use compare::{Held, Needs, describes_columns, subject};

/// A numbered file of statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its place in the order, the first three digits of the name.
    pub number: u32,
    /// The name of the file.
    pub name: &'static str,
    /// The text of the file.
    pub text: &'static str,
}

/// A new store's id. Of two that migrate at once, the table of one stands.
const NEW_ID: &str = "SELECT lower(replaceAll(toString(generateUUIDv4()), '-', ''))";

/// What ClickHouse says of a view that was replaced while it was described: before, in the midst of it (a code of many meanings) and after; and of
/// one that was described while it was replaced.
const REPLACED: [&str; 4] = ["Code: 517.", "has different UUID", "Code: 218.", "Code: 521."];

/// The waits between attempts. A server that is busy may take a second to make known what it replaces.
const PAUSES: Backoff = Backoff { min: Duration::from_millis(25), max: Duration::from_millis(600) };
/// How often a statement is tried: for some ten seconds.
const ATTEMPTS: u32 = 20;

/// Every migration, in order. A test compares the list with the folder.
pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "001_tables.sql", text: include_str!("../deploy/clickhouse/001_tables.sql") },
    Migration { number: 2, name: "002_views.sql", text: include_str!("../deploy/clickhouse/002_views.sql") },
    Migration { number: 3, name: "003_gaps.sql", text: include_str!("../deploy/clickhouse/003_gaps.sql") },
    Migration { number: 4, name: "004_facts.sql", text: include_str!("../deploy/clickhouse/004_facts.sql") },
    Migration { number: 5, name: "005_traffic.sql", text: include_str!("../deploy/clickhouse/005_traffic.sql") },
    Migration { number: 6, name: "006_money.sql", text: include_str!("../deploy/clickhouse/006_money.sql") },
    Migration { number: 8, name: "008_audience.sql", text: include_str!("../deploy/clickhouse/008_audience.sql") },
    Migration { number: 9, name: "009_store.sql", text: include_str!("../deploy/clickhouse/009_store.sql") },
    Migration { number: 10, name: "010_answers.sql", text: include_str!("../deploy/clickhouse/010_answers.sql") },
    Migration { number: 11, name: "011_public.sql", text: include_str!("../deploy/clickhouse/011_public.sql") },
    Migration { number: 12, name: "012_people.sql", text: include_str!("../deploy/clickhouse/012_people.sql") },
    Migration { number: 13, name: "013_removal.sql", text: include_str!("../deploy/clickhouse/013_removal.sql") },
];

impl Migration {
    /// A value that changes when the text does, and never otherwise.
    #[must_use]
    pub fn checksum(&self) -> u64 {
        let mut hasher = SipHasher13::new();
        hasher.write(self.text.as_bytes());
        hasher.finish()
    }

    /// The statements of the file.
    #[must_use]
    pub fn statements(&self) -> Vec<&'static str> {
        statements(self.text)
    }

    /// Whether the file makes nothing but views, or says what their columns are.
    #[must_use]
    pub fn is_views(&self) -> bool {
        let is_view = |statement: &&str| statement.starts_with("CREATE OR REPLACE VIEW ") || describes_columns(statement);
        self.statements().iter().all(is_view)
    }
}

/// The schema is not what this program needs.
#[derive(Debug, thiserror::Error)]
pub enum SchemaProblem {
    /// Migrations were not applied yet, or what they made was dropped.
    #[error("database \"{database}\" lacks {missing}; run: grapevine migrate")]
    Behind {
        /// The database that was asked for.
        database: String,
        /// Names of the files that were not applied, and of what was dropped.
        missing: String,
    },
    /// A migration that was applied had another text.
    #[error(
        "{name} was applied with another text (check value {applied:016x}, here {here:016x}): this program and the database \
         are of different builds, and tables are not changed. Use the program that migrated the database, or give this one a new \
         database and a new epoch (`clickhouse.database`, `epoch`), into which it reads everything again"
    )]
    Changed {
        /// The name of the file.
        name: &'static str,
        /// The check value in the database.
        applied: u64,
        /// The check value of the file in this program.
        here: u64,
    },
    /// Something of the database is in the way.
    #[error(
        "database \"{database}\" holds what this program cannot use, and no migration changes that: {what}. If it is somebody else's, give \
         this program a database of its own (`clickhouse.database`); if somebody changed it, change it back"
    )]
    InTheWay {
        /// The database that was asked for.
        database: String,
        /// What, and what to do.
        what: String,
    },
    /// The servers are not those of the layout.
    #[error("the servers do not fit clickhouse.layout and clickhouse.cluster: {0}")]
    Servers(String),
    /// What was made is not seen.
    #[error(
        "{what} is not there although it was made: the user needs SELECT on the whole of database \"{database}\"; ask for the grant"
    )]
    Unseen {
        /// The database that was asked for.
        database: String,
        /// What.
        what: String,
    },
    /// The store could not be asked.
    #[error(transparent)]
    Store(Failure),
}

/// A migration that the database remembers.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Applied {
    /// Its number.
    pub number: u32,
    /// The name of its file.
    pub name: String,
    /// The check value of its text.
    pub checksum: u64,
    /// When, in milliseconds since 1970.
    pub applied: i64,
}

/// The number of the newest migration: what the program needs.
#[must_use]
pub fn required_version() -> u32 {
    MIGRATIONS.last().map_or(0, |migration| migration.number)
}

/// What `applied` lacks of the migrations `known`, and what the database lacks of those that it has.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan<'a> {
    /// Files that were never applied, in order.
    pub absent: Vec<&'a Migration>,
    /// Files of views that were applied with another text, and all files of views behind them, in order. The worker needs no view,
    /// so it does without.
    pub outdated: Vec<&'a Migration>,
    /// What the other files have made and is not there.
    pub lacking: Lacking,
}

/// Statements of one file, or of none.
#[derive(Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// What is done.
    pub title: &'a str,
    /// The statements.
    pub statements: Vec<String>,
    /// The file that is applied by that, as a whole.
    applies: Option<&'a Migration>,
}

impl<'a> Plan<'a> {
    /// Files to apply, in order.
    #[must_use]
    pub fn files(&self) -> Vec<&'a Migration> {
        let mut files = [self.absent.as_slice(), &self.outdated].concat();
        files.sort_by_key(|migration| migration.number);
        files
    }

    /// Everything to run, in order: columns first, because views name them.
    #[must_use]
    pub fn steps(&self, known: &'a [Migration], layout: &Layout, rows: &str) -> Vec<Step<'a>> {
        let files = self.files();
        let additions = self.lacking.additions(layout, rows);
        let columns = Step { title: "columns that were dropped", statements: additions, applies: None };
        let of_file = |migration: &'a Migration| {
            let applies = files.contains(&migration).then_some(migration);
            let is_dropped = |statement: &'static str| subject(statement).is_some_and(|name| self.lacking.names.contains(&name));
            let statements = migration.statements().into_iter();
            let statements = statements.filter(|statement| applies.is_some() || is_dropped(statement));
            let statements = statements.flat_map(|statement| layout.render(statement, rows)).collect();
            Step { title: migration.name, statements, applies }
        };
        let steps = std::iter::once(columns).chain(known.iter().map(of_file));
        steps.filter(|step| step.applies.is_some() || !step.statements.is_empty()).collect()
    }

    fn remakes_views(&self) -> bool {
        self.absent.iter().chain(&self.outdated).any(|migration| migration.is_views())
    }
}

/// What [`apply`] did.
#[derive(Debug, Default)]
pub struct Done {
    /// Files that were applied.
    pub files: Vec<&'static Migration>,
    /// What was made again, because it had been dropped.
    pub again: Vec<String>,
    /// What of that had rows: they are gone.
    pub lost: Vec<String>,
}

/// What `applied` lacks of `known`. A file of tables that was applied with another text is a problem; one that is not known here
/// is newer than this program, only adds, and does no harm.
///
/// # Errors
/// [`SchemaProblem::Changed`].
pub fn missing<'a>(known: &'a [Migration], applied: &[Applied]) -> Result<Plan<'a>, SchemaProblem> {
    let mut plan = Plan::default();
    for migration in known {
        match applied.iter().find(|row| row.number == migration.number) {
            None => plan.absent.push(migration),
            // A later file may make a view of an earlier one anew, so what comes after an outdated file is made anew, too.
            Some(row) if row.checksum == migration.checksum() && !(migration.is_views() && plan.remakes_views()) => {}
            Some(_) if migration.is_views() => plan.outdated.push(migration),
            Some(row) => {
                return Err(SchemaProblem::Changed { name: migration.name, applied: row.checksum, here: migration.checksum() });
            }
        }
    }
    Ok(plan)
}

/// What [`apply`] would run on the client's database, which need not exist.
///
/// # Errors
/// When applied tables had another text, something is in the way, or the store cannot be asked.
pub async fn plan(client: &Client, layout: &Layout) -> Result<Plan<'static>, SchemaProblem> {
    planned(client, layout, Needs::Everything).await.map(|(plan, _)| plan)
}

/// The same, with what the database holds.
async fn planned(client: &Client, layout: &Layout, needs: Needs) -> Result<(Plan<'static>, Held), SchemaProblem> {
    cluster::check(client, layout).await?;
    let held = Held::by(client, layout, needs).await?;
    let what = compare::in_the_way(MIGRATIONS, &held, layout, needs).join("; ");
    if !what.is_empty() {
        return Err(SchemaProblem::InTheWay { database: database(client), what });
    }
    let remembered = if held.has_a("schema_migrations") { applied(client).await? } else { Vec::new() };
    let mut plan = missing(MIGRATIONS, &remembered)?;
    // Again: somebody else may be migrating, and what is remembered by now was made before.
    let held = Held::by(client, layout, needs).await?;
    // Of a database that remembers nothing although workers wrote there, all that is not there was dropped.
    let is_forgetful = plan.absent.len() == MIGRATIONS.len() && held.has_rows();
    let made = MIGRATIONS.iter().filter(|migration| is_forgetful || !plan.absent.contains(migration));
    plan.lacking = compare::lacking(made, &held, needs);
    Ok((plan, held))
}

/// Brings the client's database to [`required_version`], creating it if it is absent; says what was applied, and what was lost.
///
/// # Errors
/// When applied tables had another text, something is in the way, or the store refuses a statement. What was applied stays.
pub async fn apply(client: &Client, layout: &Layout) -> Result<Done, SchemaProblem> {
    cluster::check(client, layout).await?;
    let (people, rows) = (people_database(client).map_err(SchemaProblem::Store)?, database(client));
    for database in layout.databases(people) {
        create_database(client, &database, layout).await.map_err(SchemaProblem::Store)?;
    }
    let (plan, held) = planned(client, layout, Needs::Everything).await?;
    let id = match cluster::store_id(client, layout).await? {
        Some(id) => id,
        None => client.query_raw(NEW_ID).fetch_one().await.map_err(store)?,
    };
    for Step { title, statements, applies } in plan.steps(MIGRATIONS, layout, &rows) {
        for statement in statements {
            let statement = of_people(&statement.replace("{store}", &id), people);
            run(client, &statement).await.map_err(|error| at(title, &error))?;
        }
        if let Some(migration) = applies {
            remember(client, migration).await.map_err(|error| at(title, &error))?;
        }
    }
    cluster::remember_shards(client, layout).await?;
    let Plan { lacking, .. } = self::plan(client, layout).await?;
    if !lacking.is_empty() {
        return Err(SchemaProblem::Unseen { database: rows, what: lacking.words().join(", ") });
    }
    Ok(Done { files: plan.files(), again: plan.lacking.words(), lost: plan.lacking.lost(&held) })
}

/// A statement with the name of the database that people read.
pub(crate) fn of_people(statement: &str, people: &str) -> String {
    statement.replace("{people}", &format!("`{people}`"))
}

/// Runs a statement. A view that somebody else who migrates replaces or describes just then cannot be, and can soon.
async fn run(client: &Client, statement: &str) -> Result<(), ::clickhouse::error::Error> {
    let mut pauses = (0..ATTEMPTS - 1).map(|retry| PAUSES.ceiling(retry));
    loop {
        let done = client.query_raw(statement).execute().await;
        match (&done, pauses.next()) {
            (Err(error), Some(pause)) if is_replaced(error) => sleep(pause).await,
            _ => return done,
        }
    }
}

fn is_replaced(error: &::clickhouse::error::Error) -> bool {
    let said = error.to_string();
    REPLACED.iter().any(|code| said.contains(code))
}

async fn remember(client: &Client, migration: &Migration) -> Result<(), ::clickhouse::error::Error> {
    let remember = "INSERT INTO schema_migrations (number, name, checksum, applied) \
                    SELECT {number:UInt32}, {name:String}, {checksum:UInt64}, now64(3)";
    let insert = client.query_raw(remember).param("number", migration.number).param("name", migration.name);
    insert.param("checksum", migration.checksum()).execute().await
}

/// Whether the client's database has everything that a worker needs; a warning if its views are of another build or missing.
///
/// # Errors
/// [`SchemaProblem`] says what is missing and what to run.
pub async fn check(client: &Client, layout: &Layout) -> Result<Option<String>, SchemaProblem> {
    let (Plan { absent, outdated, lacking }, _) = planned(client, layout, Needs::Worker).await?;
    let missing: Vec<String> = names(&absent).into_iter().map(str::to_owned).chain(lacking.needed()).collect();
    if !missing.is_empty() {
        return Err(SchemaProblem::Behind { database: database(client), missing: missing.join(", ") });
    }
    if !outdated.is_empty() {
        let files = names(&outdated).join(", ");
        return Ok(Some(format!("the views of {files} are of another build; after an upgrade run: grapevine migrate")));
    }
    let dropped = || format!("{} is not there any more; run: grapevine migrate", lacking.words().join(", "));
    Ok((!lacking.is_empty()).then(dropped))
}

fn database(client: &Client) -> String {
    client.database().unwrap_or("default").to_owned()
}

fn names(files: &[&Migration]) -> Vec<&'static str> {
    files.iter().map(|migration| migration.name).collect()
}

/// What the database remembers.
async fn applied(client: &Client) -> Result<Vec<Applied>, SchemaProblem> {
    synced(client, ["schema_migrations"]).await.map_err(SchemaProblem::Store)?;
    let rows = "SELECT number, name, checksum, applied FROM schema_migrations FINAL ORDER BY number";
    client.query_raw(rows).fetch_all().await.map_err(store)
}

/// Creates a database if it is absent. Asked first, so that a user who may not create databases can migrate.
async fn create_database(client: &Client, database: &str, layout: &Layout) -> Result<(), Failure> {
    let anywhere = anywhere(client);
    let exists = "SELECT count() FROM system.databases WHERE name = {database:String}";
    let count: u64 =
        anywhere.query_raw(exists).param("database", database).fetch_one().await.map_err(|error| classify(&error))?;
    if count == 0 {
        anywhere.query_raw(&layout.make_database(database)).execute().await.map_err(|error| classify(&error))?;
    }
    Ok(())
}

/// The same client, in a database that every server has.
fn anywhere(client: &Client) -> Client {
    client.clone().with_database("system")
}

fn store(error: ::clickhouse::error::Error) -> SchemaProblem {
    SchemaProblem::Store(classify(&error))
}

fn at(title: &str, error: &::clickhouse::error::Error) -> SchemaProblem {
    SchemaProblem::Store(classify(error).on(&format!("could not apply {title}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/clickhouse");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".sql"))
            .collect();
        names.sort();
        assert_eq!(names, MIGRATIONS.iter().map(|migration| migration.name).collect::<Vec<_>>());
        for migration in MIGRATIONS {
            assert!(migration.name.starts_with(&format!("{:03}_", migration.number)), "{}", migration.name);
        }
    }

    #[test]
    fn every_statement_may_run_twice() {
        for migration in MIGRATIONS {
            for statement in migration.statements() {
                let twice = ["CREATE TABLE IF NOT EXISTS ", "CREATE OR REPLACE VIEW "];
                let adds_a_column = statement.starts_with("ALTER TABLE ") && statement.contains(" ADD COLUMN IF NOT EXISTS ");
                let may = adds_a_column || describes_columns(statement) || twice.iter().any(|start| statement.starts_with(start));
                assert!(may, "{}: {statement}", migration.name);
            }
        }
    }

    fn remembered(migration: &Migration) -> Applied {
        Applied { number: migration.number, name: migration.name.to_owned(), checksum: migration.checksum(), applied: 0 }
    }

    #[test]
    fn what_was_applied_is_not_missing_and_a_newer_one_does_no_harm() {
        assert_eq!(missing(MIGRATIONS, &[]).unwrap().files(), MIGRATIONS.iter().collect::<Vec<_>>());
        assert_eq!(
            missing(MIGRATIONS, &[remembered(&MIGRATIONS[0])]).unwrap().absent,
            MIGRATIONS[1..].iter().collect::<Vec<_>>()
        );
        let mut all: Vec<Applied> = MIGRATIONS.iter().map(remembered).collect();
        all.push(Applied { number: 900, name: "900_later.sql".to_owned(), checksum: 1, applied: 0 });
        assert_eq!(missing(MIGRATIONS, &all).unwrap(), Plan::default());
    }

    #[test]
    fn tables_of_another_text_are_a_problem_and_views_are_made_anew() {
        let other = |at: usize| Applied { checksum: 7, ..remembered(&MIGRATIONS[at]) };
        let problem = missing(MIGRATIONS, &[other(0)]).unwrap_err();
        assert!(problem.to_string().starts_with("001_tables.sql was applied with another text (check value 0000000000000007"));
        let plan = missing(MIGRATIONS, &[remembered(&MIGRATIONS[0]), other(1)]).unwrap();
        assert_eq!((plan.outdated.as_slice(), plan.absent.len()), (&[&MIGRATIONS[1]][..], MIGRATIONS.len() - 2));
        assert_eq!(plan.files(), MIGRATIONS[1..].iter().collect::<Vec<_>>());
    }

    #[test]
    fn views_behind_views_that_are_made_anew_are_made_anew_too() {
        let mut all: Vec<Applied> = MIGRATIONS.iter().map(remembered).collect();
        all[1].checksum = 7;
        let views: Vec<&Migration> = MIGRATIONS.iter().filter(|migration| migration.is_views()).collect();
        let plan = missing(MIGRATIONS, &all).unwrap();
        assert_eq!((plan.outdated, plan.absent), (views, Vec::new()));
    }

    #[test]
    fn what_was_dropped_is_made_by_the_statements_that_made_it() {
        let lacking = Lacking { names: vec!["gap", "gaps", "money", "{people}.gaps"], ..Lacking::default() };
        let steps = Plan { lacking, ..Plan::default() }.steps(MIGRATIONS, &Layout::Single, "gv_rows");
        let run: Vec<(&str, usize)> = steps.iter().map(|step| (step.title, step.statements.len())).collect();
        assert_eq!(run, [("003_gaps.sql", 2), ("011_public.sql", 1), ("012_people.sql", 2)]);
        assert!(steps.iter().all(|step| step.applies.is_none()), "no file was applied as a whole");
    }

    #[test]
    fn a_file_that_is_applied_is_applied_as_a_whole() {
        let plan = Plan { absent: vec![&MIGRATIONS[0]], ..Plan::default() };
        let [step] = plan.steps(MIGRATIONS, &Layout::Single, "gv_rows").try_into().unwrap();
        assert_eq!((step.statements.len(), step.applies), (MIGRATIONS[0].statements().len(), Some(&MIGRATIONS[0])));
    }
}
