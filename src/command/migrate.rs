//! `grapevine migrate`: brings the database to the schema that this program needs, or says what that would take.

use std::io::{self, Write};

use crate::clickhouse::{client, reach};
use crate::config;
use crate::migrations::{self, Migration, SchemaProblem};

/// The schema could not be applied or shown.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The store, or what it holds.
    #[error(transparent)]
    Schema(#[from] SchemaProblem),
    /// Standard output.
    #[error("could not write to standard output")]
    Output(#[from] io::Error),
}

/// Applies what is missing and prints one line a migration; with `plan` it prints the statements and runs none.
///
/// # Errors
/// When the store or standard output fails.
pub async fn run(config: &config::ClickHouse, plan: bool) -> Result<(), MigrateError> {
    reach(config).await.map_err(SchemaProblem::Store)?;
    let client = client(config);
    let mut output = io::stdout().lock();
    if plan {
        print_plan(&mut output, &migrations::plan(&client).await?.files())?;
    } else {
        print_applied(&mut output, &config.database, &migrations::apply(&client).await?)?;
    }
    Ok(())
}

fn print_plan(output: &mut impl Write, missing: &[&Migration]) -> io::Result<()> {
    for migration in missing {
        writeln!(output, "-- {}", migration.name)?;
        for statement in migration.statements() {
            writeln!(output, "{statement};\n")?;
        }
    }
    Ok(())
}

fn print_applied(output: &mut impl Write, database: &str, applied: &[&Migration]) -> io::Result<()> {
    for migration in applied {
        writeln!(output, "applied {}", migration.name)?;
    }
    if applied.is_empty() {
        writeln!(output, "database \"{database}\" is at version {} already", migrations::required_version())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_sql_that_splits_into_the_same_statements() {
        let mut output = Vec::new();
        print_plan(&mut output, &migrations::MIGRATIONS.iter().collect::<Vec<_>>()).unwrap();
        let text = String::from_utf8(output).unwrap();
        let all: Vec<&str> = migrations::MIGRATIONS.iter().flat_map(Migration::statements).collect();
        assert_eq!(migrations::statements(&text), all);
    }

    #[test]
    fn nothing_to_do_is_said() {
        let mut output = Vec::new();
        print_applied(&mut output, "grapevine", &[]).unwrap();
        assert_eq!(
            String::from_utf8(output).unwrap(),
            format!("database \"grapevine\" is at version {} already\n", migrations::required_version())
        );
    }
}
