//! What a query answered: named columns, cells that are text or nothing.

use serde_json::Value;

/// The rows of one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    names: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

/// One row of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    names: &'a [String],
    cells: &'a [Option<String>],
}

impl Answer {
    /// No columns, no rows.
    pub(super) const NONE: Answer = Answer { names: Vec::new(), rows: Vec::new() };

    /// Reads an answer in the format `JSONCompact`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_json(bytes: &[u8]) -> Result<Answer, String> {
        let answer: Value = serde_json::from_slice(bytes).map_err(|error| format!("the answer is no JSON: {error}"))?;
        let list = |name: &str| answer[name].as_array().ok_or_else(|| format!("the answer has no {name}"));
        let names = list("meta")?.iter().map(|column| column["name"].as_str().unwrap_or_default().to_owned()).collect();
        let row = |row: &Value| row.as_array().map(|cells| cells.iter().map(cell).collect()).unwrap_or_default();
        Ok(Answer { names, rows: list("data")?.iter().map(row).collect() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn rows(&self) -> impl DoubleEndedIterator<Item = Row<'_>> + Clone {
        self.rows.iter().map(|cells| Row { names: &self.names, cells })
    }
}

fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => Some(other.to_string()),
    }
}

impl<'a> Row<'a> {
    fn cell(&self, name: &str) -> Option<&'a str> {
        let at = self.names.iter().position(|column| column == name)?;
        self.cells.get(at)?.as_deref()
    }

    /// The text of a column; empty where it is NULL.
    pub(super) fn text(&self, name: &str) -> &'a str {
        self.cell(name).unwrap_or_default()
    }

    /// The number of a column, where it is one.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.cell(name)?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// A count, 0 where it is NULL: for columns that are never NULL.
    pub(super) fn count(&self, name: &str) -> f64 {
        self.number(name).unwrap_or_default()
    }

    /// Whether a column of yes and no says yes.
    pub(super) fn is(&self, name: &str) -> bool {
        matches!(self.cell(name), Some("true" | "1"))
    }

    /// The numbers of a column that is an array.
    pub(super) fn list(&self, name: &str) -> Vec<f64> {
        let list: Option<Vec<Value>> = self.cell(name).and_then(|text| serde_json::from_str(text).ok());
        list.unwrap_or_default().iter().filter_map(|value| cell(value)?.parse().ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_found_by_name_and_null_is_none() {
        let json = br#"{"meta":[{"name":"a","type":"Nullable(Float64)"},{"name":"b","type":"String"},{"name":"c","type":"Array(UInt64)"}],
            "data":[[null,"x",["1","2"]],[1.5,"",[3]],["18446744073709551615","1",[]]],"rows":3}"#;
        let answer = Answer::from_json(json).unwrap();
        let rows: Vec<Row<'_>> = answer.rows().collect();
        assert_eq!((rows[0].number("a"), rows[0].text("a"), rows[0].text("b")), (None, "", "x"));
        assert_eq!((rows[0].list("c"), rows[1].list("c")), (vec![1.0, 2.0], vec![3.0]));
        assert_eq!((rows[1].number("a"), rows[1].number("b"), rows[1].number("absent")), (Some(1.5), None, None));
        assert_eq!(rows[2].text("a"), "18446744073709551615");
        assert!(rows[2].is("b") && !rows[0].is("b"));
    }

    #[test]
    fn what_is_no_answer_is_said() {
        assert!(Answer::from_json(b"Code: 60").unwrap_err().starts_with("the answer is no JSON"));
        assert_eq!(Answer::from_json(b"{}").unwrap_err(), "the answer has no meta");
    }
}
