//! Facts of every kind, and what is no event, between the events of a log: a comparison of them says something only where there are some.

use std::collections::{BTreeMap, BTreeSet};

use grapevine::clickhouse::TABLES;
use grapevine::event::{Body, parse};
use grapevine::record::Record;
use serde_json::{Value, json};

use crate::events::Data;
use crate::world::{WAY_OF_CLICK, World};

/// After so many lines there is one of them: so few that a log is what it was, so many that a short one has some of each.
const EVERY: usize = 31;

/// Lines between others.
pub(crate) struct Woven {
    pub(crate) lines: Vec<Vec<u8>>,
    /// How many of them are facts, and how many are no events.
    pub(crate) facts: u64,
    pub(crate) rejects: u64,
}

/// Lines with facts between them. A click is on what was written before it, under the same root: it opens no life.
pub(crate) fn woven(lines: &[Vec<u8>]) -> Woven {
    let mut woven = Woven { lines: Vec::new(), facts: 0, rejects: 0 };
    // What a link may be in.
    let mut newest: Option<(String, String, i64)> = None;
    for (number, line) in lines.iter().enumerate() {
        woven.lines.push(line.clone());
        newest = content(line).or(newest);
        let Some((root, target, time)) = newest.as_ref().filter(|_| number % EVERY == 0) else { continue };
        match fact(number / EVERY, (root, target), *time) {
            Some(fact) => {
                woven.facts += 1;
                woven.lines.push(fact.to_string().into_bytes());
            }
            None => {
                woven.rejects += 1;
                woven.lines.push(format!("no event {number}").into_bytes());
            }
        }
    }
    woven
}

/// Root, id and time of a post, a share or a reply.
fn content(line: &[u8]) -> Option<(String, String, i64)> {
    let record = Record { payload: Some(line), ..Record::default() };
    let event = parse(&record).ok()?;
    let is_content = matches!(event.body, Body::Post(_) | Body::Share(_) | Body::Reply(_));
    is_content.then(|| Some((event.root()?.to_owned(), event.id.clone().into_owned(), event.time)))?
}

/// A fact, each time of another kind; nothing in the turn of what is no event.
fn fact(number: usize, (root, target): (&str, &str), time: i64) -> Option<Value> {
    let visitor = format!("visitor-{}", number % 17);
    let mut fact = match number % 9 {
        0 | 5 => json!({"type": "click", "root": root, "target": target, "visitor": visitor, "utm_source": "here"}),
        1 => {
            json!({"type": "visit", "click": format!("woven-{}", number - 1), "landing_url": "https://a.example/b?c", "brand": "acme"})
        }
        2 => json!({"type": "conversion", "visitor": visitor, "amount": "59.90", "currency": "EUR", "margin_rate": 0.35}),
        3 => json!({"type": "cost", "amount": "-12.5", "currency": "EUR", "campaign": "spring", "period_start": time}),
        4 => json!({"type": "assign", "experiment": "one", "arm": "treated", "unit": root, "unit_type": "root"}),
        6 => json!({"type": "report", "origin": "ads", "metric": "clicks", "value": number}),
        7 => json!({"type": "cost", "seconds": number, "seconds_high": 2 * number, "role": "writer", "side": "other"}),
        _ => return None,
    };
    fact["id"] = json!(format!("woven-{number}"));
    fact["time"] = json!(time);
    Some(fact)
}

/// The tables of rows by their names.
pub(crate) fn tables_of(rows: &BTreeMap<String, String>) -> BTreeSet<String> {
    rows.keys().filter_map(|name| name.split(' ').next()).map(str::to_owned).collect()
}

/// Fails unless these are all tables that a worker writes: what is compared must be there.
pub(crate) fn assert_every_table(tables: &BTreeSet<String>) {
    for table in TABLES {
        assert!(tables.contains(table.name), "no row of {} is compared", table.name);
    }
}

#[test]
fn facts_between_events_are_what_the_oracle_says() {
    let mut short = Data::generated("woven", 3, 6_000);
    let [read, accepted, _, rejected] = short.counts();
    assert_eq!(short.agrees(2, 1), short.counts());
    short.lines.retain(|line| content(line).is_some());
    assert!(read > accepted && accepted > short.lines.len() as u64 && rejected > 10, "{read}, {accepted}, {rejected}");
}

/// What makes another row of one, in each table.
const CHANGES: [(&str, &str); 13] = [
    ("root", "concat(url, '/') AS url"),
    ("activity_window", "shares + 1 AS shares"),
    ("cascade", "size + 1 AS size"),
    ("thread", "size + 1 AS size"),
    ("click", "concat(utm_term, 'another') AS utm_term"),
    ("click", "target_time + 1 AS target_time"),
    ("visit", "concat(landing_path, '/') AS landing_path"),
    ("conversion", "CAST(0.1, 'Nullable(Decimal(9, 6))') AS margin_rate"),
    ("cost", "if(seconds IS NULL, 0, NULL) AS seconds"),
    ("assignment", "concat(arm, 'another') AS arm"),
    ("report", "value + 1 AS value"),
    ("rejects", "concat(payload, 'another') AS payload"),
    ("progress", "read + 1 AS read"),
];

#[test]
fn a_row_of_any_table_that_is_gone_or_another_one_is_noticed() {
    let mut lines = Data::edge_cases().with_facts().lines;
    lines.truncate(2_000);
    let mut world = World::migrated(1, "noticed");
    let worker = world.start(&[]);
    world.publish(&lines);
    world.wait_for(lines.len());
    worker.stop();
    let rows = world.every_row();
    assert_every_table(&tables_of(&rows));
    for (table, change) in CHANGES {
        world.run(&format!("CREATE TABLE kept AS {table}"));
        world.run(&format!("INSERT INTO kept SELECT * FROM {table} FINAL WHERE epoch != 65535"));
        for (changed, names) in [("", 1), (change, 0)] {
            world.run(&format!("TRUNCATE TABLE {table}"));
            world.run(&format!("INSERT INTO {table} SELECT * FROM kept ORDER BY ALL LIMIT 1000000 OFFSET 1"));
            if !changed.is_empty() {
                world.run(&format!("INSERT INTO {table} SELECT * REPLACE ({changed}) FROM kept ORDER BY ALL LIMIT 1"));
            }
            let found = world.every_row();
            let is_of_it =
                |name: &&String| name.split(' ').next() == Some(table) || (table == "click" && name.starts_with(WAY_OF_CLICK));
            let gone: Vec<&String> = rows.keys().filter(|name| !found.contains_key(*name)).collect();
            let others = rows.iter().filter(|(name, content)| found.get(*name).is_some_and(|found| found != *content)).count();
            let wanted = if table == "click" { 2 * names } else { names };
            assert!(gone.len() == wanted && gone.iter().all(is_of_it), "{table} {changed}: {gone:?}");
            assert_eq!(others, 1 - names, "{table} {changed}");
        }
        world.run(&format!("TRUNCATE TABLE {table}"));
        world.run(&format!("INSERT INTO {table} SELECT * FROM kept"));
        world.run("DROP TABLE kept SYNC");
    }
    assert_eq!(world.every_row(), rows, "all of it is as it was");
    assert!(TABLES.iter().all(|table| CHANGES.iter().any(|(changed, _)| *changed == table.name)), "every table is tried");
}
