//! `grapevine migrate`: brings the database to the schema that this program needs, or says what that would take.

use std::io::{self, Write};

use crate::clickhouse::{connect, rows_database};
use crate::config;
use crate::migrations::{self, Done, MIGRATIONS, SchemaProblem, Step};

/// The schema could not be applied or shown.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The store, or what it holds.
    #[error(transparent)]
    Schema(#[from] SchemaProblem),
    /// The schema is whole again, and rows are gone.
    #[error(
        "everything is there again, but empty, although workers have written to this database: {0}. Nothing here brings back what was \
         dropped. Workers notice it, and wait, where it is `root`, `activity_window`, `cascade` or `thread`; of other tables and of \
         columns they do not. Bring back the whole store, as of one time, from ClickHouse's own backup or replica; if there is none, raise \
         `epoch`, which is exact if the log still begins where the rows did, else, for tables, not for columns, run `grapevine rewrite` \
         (--all for those of which workers notice nothing), and say --rewrite-follows here where that is scripted (docs/operations.md, \"A table that was dropped\")"
    )]
    Lost(String),
    /// Standard output.
    #[error("could not write to standard output")]
    Output(#[from] io::Error),
}

/// How to migrate.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Options {
    /// Print the statements and run none
    #[arg(long)]
    plan: bool,
    /// End with 0 although what held rows had to be made again: `grapevine rewrite` is run next
    #[arg(long)]
    rewrite_follows: bool,
}

/// Applies what is missing and prints one line a migration; with `plan` it prints the statements and runs none.
///
/// # Errors
/// When the store or standard output fails, something is in the way, or what had to be made again held rows.
pub async fn run(config: &config::ClickHouse, options: Options) -> Result<(), MigrateError> {
    let client = connect(config).await.map_err(SchemaProblem::Store)?;
    let mut output = io::stdout().lock();
    if options.plan {
        let plan = migrations::plan(&client, &config.layout).await?;
        print_plan(&mut output, config, &plan.steps(MIGRATIONS, &config.layout, &rows_database(&config.database)))?;
        return Ok(());
    }
    let done = migrations::apply(&client, &config.layout).await?;
    print_done(&mut output, &config.database, &done)?;
    if options.rewrite_follows {
        for lost in &done.lost {
            writeln!(output, "empty, although it held rows: {lost}")?;
        }
        return Ok(());
    }
    if done.lost.is_empty() { Ok(()) } else { Err(MigrateError::Lost(done.lost.join(", "))) }
}

fn print_plan(output: &mut impl Write, config: &config::ClickHouse, steps: &[Step<'_>]) -> io::Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let people = &config.database;
    for database in config.layout.databases(people) {
        writeln!(output, "{};\n", config.layout.make_database(&database))?;
    }
    writeln!(output, "USE `{}`;\n", rows_database(people))?;
    for step in steps {
        writeln!(output, "-- {}", step.title)?;
        for statement in &step.statements {
            writeln!(output, "{};\n", migrations::of_people(statement, people))?;
        }
    }
    Ok(())
}

fn print_done(output: &mut impl Write, database: &str, done: &Done) -> io::Result<()> {
    for migration in &done.files {
        writeln!(output, "applied {}", migration.name)?;
    }
    for again in &done.again {
        writeln!(output, "made again: {again}")?;
    }
    if done.files.is_empty() && done.again.is_empty() {
        writeln!(output, "database \"{database}\" is at version {} already", migrations::required_version())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::{Migration, Plan};

    #[test]
    fn a_plan_is_sql_that_splits_into_the_same_statements() {
        let mut output = Vec::new();
        let plan = Plan { absent: MIGRATIONS.iter().collect(), ..Plan::default() };
        let mut config = config::Config::load_without_key(None, std::iter::empty()).unwrap().clickhouse;
        config.database = "gv".to_owned();
        print_plan(&mut output, &config, &plan.steps(MIGRATIONS, &config.layout, "gv_rows")).unwrap();
        let text = String::from_utf8(output).unwrap();
        let all = MIGRATIONS.iter().flat_map(Migration::statements).map(|statement| statement.replace("{people}", "`gv`"));
        assert_eq!(migrations::statements(&text)[3..], all.collect::<Vec<_>>());
        assert!(text.contains("USE `gv_rows`;"), "{}", &text[..200]);
    }

    #[test]
    fn nothing_to_do_is_said() {
        let mut output = Vec::new();
        print_done(&mut output, "grapevine", &Done::default()).unwrap();
        assert_eq!(
            String::from_utf8(output).unwrap(),
            format!("database \"grapevine\" is at version {} already\n", migrations::required_version())
        );
    }
}
