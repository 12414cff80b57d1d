//! The rows of a random ledger against those of `tests/oracle/answers.py`, which shares no code with the answers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::answers::roi::{By, Row, roi};

fn file() -> Value {
    serde_json::from_str(include_str!("ledger.json")).unwrap()
}

fn day(value: &Value) -> Day {
    i32::try_from(value.as_i64().unwrap()).unwrap()
}

fn side(value: &Value) -> Side {
    let sides = [Side::Broadcast, Side::Conversation, Side::Other, Side::Unattributed, Side::Unallocated];
    sides.into_iter().find(|side| value.as_str() == Some(side.name())).unwrap()
}

fn named(value: &Value) -> Place {
    let name = |at: usize| value[at].as_str().unwrap();
    place(name(0), name(1), name(2))
}

fn money(value: &Value) -> i128 {
    i128::from(value.as_i64().unwrap())
}

fn earned(row: &Value) -> Earned {
    let five = |of: &Value| -> [Value; 5] { of.as_array().unwrap().clone().try_into().unwrap() };
    Earned {
        day: day(&row["day"]),
        side: side(&row["side"]),
        place: named(&row["place"]),
        root: row["root"].as_u64(),
        root_day: row["root_day"].as_i64().map(|day| i32::try_from(day).unwrap()),
        direct: row["direct"] == true,
        is_refund: row["refund"] == true,
        age: row["age"].as_i64().unwrap(),
        share: five(&row["share"]).map(|share| share.as_f64().unwrap()),
        margin: five(&row["margin"]).map(|margin| money(&margin)),
        missing: None,
        sale: Sale::default(),
    }
}

fn spent(row: &Value) -> Spent {
    Spent {
        day: day(&row["day"]),
        side: side(&row["side"]),
        place: named(&row["place"]),
        money: money(&row["money"]),
        time: money(&row["time"]),
        time_low: money(&row["low"]),
        time_high: money(&row["high"]),
        seconds: 0,
        timed: row["timed"] == true,
        unbounded: false,
        missing: None,
    }
}

fn ledger(file: &Value) -> Ledger {
    let rows = |name: &str| file[name].as_array().unwrap().clone();
    let about = &file["brand"];
    let brand = Brand {
        complete_to: about["complete_to"].as_i64().unwrap(),
        lookback: u16::try_from(about["lookback"].as_u64().unwrap()).unwrap(),
        first_visit: Some(day(&about["first_visit"])),
        first_cost: Some(day(&about["first_cost"])),
        clicked: about["clicked"].as_array().unwrap().iter().map(side).collect(),
        active_weeks: about["active"].as_array().unwrap().iter().map(day).collect(),
        ..brand()
    };
    Ledger {
        brand,
        earned: rows("earned").iter().map(earned).collect(),
        spent: rows("spent").iter().map(spent).collect(),
        written: Vec::new(),
    }
}

/// The figures of a row, by their names in the file.
fn figures(row: &Row) -> [(&'static str, Option<f64>); 13] {
    [
        ("roi", row.roi),
        ("low", row.roi_low),
        ("high", row.roi_high),
        ("from", row.roi_from),
        ("to", row.roi_to),
        ("effective", row.effective_units),
        ("conversions", Some(row.conversions)),
        ("without_side", row.cost_without_side_share),
        ("so_far", row.roi_so_far),
        ("expected", row.expected_share),
        ("units", u32::try_from(row.units).ok().map(f64::from)),
        ("start", Some(f64::from(row.period.start))),
        ("end", Some(f64::from(row.period.end))),
    ]
}

fn agrees(found: &Row, expected: &Value) {
    for (name, value) in figures(found) {
        let same = match (value, expected[name].as_f64()) {
            (Some(value), Some(expected)) => (value - expected).abs() <= 1e-9 * expected.abs().max(1.0),
            (value, expected) => value == expected,
        };
        assert!(same, "{name}: {value:?} instead of {} in {expected}", expected[name]);
    }
    let exact = |name: &str| expected[name].as_i64().map(i128::from);
    assert_eq!(found.margin_base, exact("margin"), "{expected}");
    assert_eq!(found.cost_base, exact("cost"), "{expected}");
    assert_eq!(found.margin_traced, exact("traced"), "{expected}");
    assert_eq!(found.margin_of_earlier_posts, exact("earlier"), "{expected}");
    assert_eq!(found.reason.map_or("", |reason| reason.text()), expected["reason"].as_str().unwrap(), "{expected}");
    assert_eq!(found.verdict.map(|verdict| verdict.text()), expected["verdict"].as_str(), "{expected}");
    let notes: Vec<&str> = found.notes.iter().map(|note| note.text()).collect();
    assert_eq!(notes, expected["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect::<Vec<_>>());
}

#[test]
fn rows_are_those_of_an_independent_computation() {
    let file = file();
    let ledger = ledger(&file);
    for (name, by) in [("by_brand", By::Brand), ("by_campaign", By::Campaign), ("by_place", By::Place)] {
        let key = |place: &Place, side: Side, span: &str, start: Day| (place.clone(), side, span.to_owned(), start);
        let expected = file[name].as_array().unwrap().iter();
        let expected = expected
            .map(|row| (key(&named(&row["place"]), side(&row["side"]), row["span"].as_str().unwrap(), day(&row["start"])), row));
        let mut expected: BTreeMap<_, _> = expected.collect();
        for row in roi(&ledger, by) {
            let row_key = key(&row.place, row.side, row.period.span.name(), row.period.start);
            agrees(&row, expected.remove(&row_key).unwrap_or_else(|| panic!("{name}: nobody expects {row:?}")));
        }
        assert!(expected.is_empty(), "{name}: missing {:?}", expected.keys());
    }
}
