//! Settings that go on to a client or a server as they are, under names that are not ours.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::judge::Judge;
use super::{ClickHouse, Kafka, Key};
use crate::{clickhouse, kafka};

/// What goes on to the Kafka client.
pub(super) fn to_kafka(judge: &mut Judge<'_>, settings: BTreeMap<String, String>) -> BTreeMap<String, String> {
    each(judge, ("kafka", "client"), &settings, kafka::may_pass);
    settings
}

/// What a Kafka client is told, by settings of its own and by our keys, has to go together. Only where each `is_well` alone the client itself is asked.
pub(super) fn fit_kafka(judge: &mut Judge<'_>, settings: &Kafka, is_well: bool) {
    let found = kafka::do_not_fit(settings);
    if found.is_empty()
        && is_well
        && let Some((key, problem)) = kafka::refusal(settings)
    {
        let cure = "correct what it names";
        judge.wrong(("kafka", key), format!("the Kafka client refuses its settings: {problem}"), cure);
    }
    for (problem, cure) in found {
        judge.wrong(("kafka", "client"), problem, cure);
    }
}

/// The same of inserts and of how long the worker waits for them.
pub(super) fn fit_clickhouse(judge: &mut Judge<'_>, settings: &ClickHouse) {
    for (problem, cure) in clickhouse::do_not_fit(settings) {
        judge.wrong(("clickhouse", "settings"), problem, cure);
    }
}

/// What goes on to ClickHouse, with every insert.
pub(super) fn to_clickhouse(judge: &mut Judge<'_>, settings: BTreeMap<String, String>) -> BTreeMap<String, String> {
    each(judge, ("clickhouse", "settings"), &settings, |name, _| clickhouse::may_pass(name));
    settings
}

fn each(
    judge: &mut Judge<'_>,
    key: Key,
    settings: &BTreeMap<String, String>,
    may_pass: impl Fn(&str, &str) -> Result<(), (String, String)>,
) {
    for (name, value) in settings {
        if let Err((problem, cure)) = may_pass(name, value) {
            judge.wrong(key, problem, cure);
        }
    }
}

/// A table of settings, each as text. A dotted name is one name, in quotes or not.
pub(super) fn settings(value: Value) -> Result<Value, &'static str> {
    let Value::Table(table) = value else { return Err("write a table, a setting a line below its own head in brackets") };
    let mut flat = Table::new();
    flatten("", table, &mut flat)?;
    Ok(Value::Table(flat))
}

fn flatten(before: &str, table: Table, flat: &mut Table) -> Result<(), &'static str> {
    for (name, value) in table {
        let name = if before.is_empty() { name } else { format!("{before}.{name}") };
        let text = match value {
            Value::Table(inner) => {
                flatten(&name, inner, flat)?;
                continue;
            }
            Value::String(text) => text,
            Value::Integer(number) => number.to_string(),
            Value::Boolean(is) => is.to_string(),
            Value::Float(_) | Value::Datetime(_) | Value::Array(_) => return Err("write text, whole numbers, true and false"),
        };
        flat.insert(name, Value::String(text));
    }
    Ok(())
}
