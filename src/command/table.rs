//! Plain tables for terminals and scripts: a line of names, then one line a row, cells separated by two spaces or more.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::record::Millis;

/// Rows on their way to the terminal.
#[derive(Debug)]
pub(crate) struct Table<const COLUMNS: usize> {
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(crate) fn new(names: [&str; COLUMNS]) -> Self {
        Table { rows: vec![names.map(str::to_uppercase)] }
    }

    pub(crate) fn row(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells);
    }

    /// Whether there is nothing but the names.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    /// The table, its numbers aligned to the right.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let widths: [usize; COLUMNS] =
            std::array::from_fn(|at| self.column(at).map(|cell| cell.chars().count()).max().unwrap_or(0));
        let numbers: [bool; COLUMNS] = std::array::from_fn(|at| self.column(at).skip(1).all(is_number));
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), is_number) in row.iter().zip(widths).zip(numbers) {
                line += &if is_number { format!("{cell:>width$}  ") } else { format!("{cell:<width$}  ") };
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }

    fn column(&self, at: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().map(move |row| row[at].as_str())
    }
}

/// A number, or the dash that stands for one that is not known.
fn is_number(cell: &str) -> bool {
    cell == "-" || (!cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A number where there is one.
pub(crate) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// A time as people and tools read it, in UTC.
pub(crate) fn instant(time: Millis) -> String {
    let time = OffsetDateTime::from_unix_timestamp(time.div_euclid(1000)).ok();
    or_dash(time.and_then(|time| time.format(&Rfc3339).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_words_left() {
        let mut table = Table::new(["source", "next", "state"]);
        table.row(["events/0".to_owned(), "7".to_owned(), "sound".to_owned()]);
        table.row(["e/10".to_owned(), "-".to_owned(), "it is torn".to_owned()]);
        assert_eq!(table.text(), "SOURCE    NEXT  STATE\nevents/0     7  sound\ne/10         -  it is torn\n");
    }

    #[test]
    fn a_table_without_rows_is_its_names() {
        let table = Table::new(["source", "next"]);
        assert!(table.is_empty());
        assert_eq!(table.text(), "SOURCE  NEXT\n");
    }

    #[test]
    fn times_are_whole_seconds_of_utc() {
        assert_eq!(instant(1_700_000_100_999), "2023-11-14T22:15:00Z");
        assert_eq!(instant(i64::MAX), "-");
    }
}
