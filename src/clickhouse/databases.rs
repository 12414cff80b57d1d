//! The two databases: one of rows, models and answers by run, and beside it the one that people read.

use ::clickhouse::Client;

use crate::failure::Failure;

/// What the name of the database of rows has behind that of the one which people read (`clickhouse.database`).
const ROWS: &str = "_rows";

/// The database of rows, models and answers by run, beside the one that people read.
#[must_use]
pub fn rows_database(people: &str) -> String {
    format!("{people}{ROWS}")
}

/// The database that people read, beside a client's database of rows.
///
/// # Errors
/// When the client's database is not one of rows: rows and what people read would be in one.
pub(crate) fn people_database(client: &Client) -> Result<&str, Failure> {
    let rows = client.database().unwrap_or("default");
    rows.strip_suffix(ROWS).filter(|people| !people.is_empty()).ok_or_else(|| {
        Failure::Operator(format!(
            "{rows} is no database of rows: the name of one ends in {ROWS}, behind that of the one which people read"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_not_one_of_rows_has_none_beside_it() {
        let beside = |rows: &str| people_database(&Client::default().with_database(rows)).map(str::to_owned);
        assert_eq!(beside(&rows_database("acme")).unwrap(), "acme");
        for other in ["acme", "_rows", "acme_rows_old"] {
            let refused = beside(other).unwrap_err().to_string();
            assert!(refused.starts_with(&format!("{other} is no database of rows")), "{refused}");
        }
    }
}
