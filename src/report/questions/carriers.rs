//! 8: who carried it.

use crate::report::answer::{Answer, Row};
use crate::report::chart::{Bar, Bars, Part, Side};
use crate::report::html::Html;
use crate::report::number::{count, known, money, share, short, unknown_text};
use crate::report::section::{Meanings, Section, Table, paragraph};
use crate::report::{Asked, Frame, Query, Question};

pub(super) const QUESTION: Question = Question {
    slug: "carriers",
    title: "Who carried it?",
    short: "Who carried it?",
    queries: &[
        Query {
            name: "Sharers by the revenue that came through them",
            text: "WITH worth AS (\n    SELECT conversion, any(toFloat64(credit_base) / nullIf(toFloat64(credit), 0)) AS rate, any(base_currency) AS base_currency\n    \
                   FROM credit WHERE brand = {brand} AND day BETWEEN {from} AND {to} AND model = 'last' AND lookback_days = 30 AND credit != 0\n    GROUP BY conversion\n)\n\
                   SELECT\n    if(p.actor = 0, '', lower(hex(p.actor))) AS sharer, min(p.generation) AS nearest, uniqExact(p.conversion) AS conversions, w.base_currency AS base_currency,\n    \
                   if(countIf(w.rate IS NULL) > 0, NULL, sumIf(toFloat64(p.credit) * w.rate, p.model = 'equal_path')) AS equal_path,\n    \
                   if(countIf(w.rate IS NULL) > 0, NULL, sumIf(toFloat64(p.credit) * w.rate, p.model = 'decay_path')) AS decay_path\n\
                   FROM path_credit AS p INNER JOIN worth AS w ON w.conversion = p.conversion\n\
                   WHERE p.brand = {brand} AND p.day BETWEEN {from} AND {to} AND p.generation > 0 AND p.reason = ''\n\
                   GROUP BY sharer, base_currency\nORDER BY equal_path DESC NULLS LAST, sharer\nLIMIT 10",
        },
        Query {
            name: "Sales whose path is known, and not",
            text: "SELECT uniqExactIf(conversion, reason = '') AS known, uniqExactIf(conversion, reason = 'target_unknown') AS target_unknown, uniqExactIf(conversion, reason = 'path_inferred') AS path_inferred\n\
                   FROM path_credit\nWHERE brand = {brand} AND day BETWEEN {from} AND {to}",
        },
        Query {
            name: "People by week",
            text: "SELECT week, people, sharers, repliers, on_both_sides, new_people, returned, returning_share, top_10_percent_share, top_sharer_share, dyad_reciprocity, bots\n\
                   FROM people\nWHERE grain = 'brand' AND brand = {brand} AND week BETWEEN toMonday(toDate({from})) AND {to}\nORDER BY week",
        },
    ],
    answer,
};

const MEANINGS: Meanings = &[
    ("sharer", "A pseudonym: the keyed hash of an account, as in the tables. The brand's own posts (the beginning of every path) are left out."),
    ("equal_path", "A rule of accounting, not a cause: the revenue of a sale is split evenly over everybody on the path from the post to the click."),
    ("decay_path", "The same, each step away from the click getting half as much."),
    ("path not known", "The clicked share was unknown, or more than half of the path's steps were guessed. Such sales give nobody credit."),
    ("people", "Distinct accounts that shared or replied in the week, bots left out. Do not add them over weeks."),
    ("returning", "Of the people of the week before, those who took part again."),
    ("share of the top tenth", "How much of all that was shared and said came from the tenth of people who did most."),
    ("pairs that talk both ways", "Pairs of people with replies in both directions / pairs with a reply, in conversations begun in the week."),
];

fn answer(asked: &Asked, _: &Frame) -> Section {
    let sharers: Vec<Row<'_>> = asked.rows(0).rows().collect();
    let mut section = Section { meanings: MEANINGS, ..Section::default() };
    let paths = paths(asked.rows(1));
    match sharers.first() {
        Some(first) => {
            let value = first.number("equal_path").map_or_else(|| unknown_text("a rate is missing"), |value| money(value, first.text("base_currency")));
            section.answer = paragraph(format!("Most came through {}: {value} by equal_path, {} sales. {paths}", name(first), count(first.count("conversions"))));
            section.brief = Html::from(format!("{} first: {value}", name(first)));
            credit(&sharers, &mut section);
        }
        None => {
            section.answer = Html::tag("p", Html::text("Sharers by revenue: ") + known(None, "no sale of the period came through a share whose path is known", count) + Html::from(format!(". {paths}")));
            section.brief = Html::from(unknown_text("no sale came through a share"));
        }
    }
    people(asked.rows(2), &mut section);
    section
}

fn name(row: &Row<'_>) -> String {
    let (hash, generation) = (row.text("sharer"), count(row.count("nearest")));
    let who = if hash.is_empty() { "unknown accounts" } else { hash };
    format!("{who} ({generation} from the post)")
}

/// How many sales the credit stands on, and how many it does not.
fn paths(answer: &Answer) -> String {
    let Some(row) = answer.rows().next() else { return String::new() };
    let (known, unknown, inferred) = (row.count("known"), row.count("target_unknown"), row.count("path_inferred"));
    format!("The path from post to click is known of {} sales and not known of {} (target unknown) and {} (more than half of it guessed).", count(known), count(unknown), count(inferred))
}

fn credit(sharers: &[Row<'_>], section: &mut Section) {
    let amount = |row: &Row<'_>, name: &str| row.number(name).map_or_else(|| unknown_text("a rate is missing"), |value| money(value, row.text("base_currency")));
    let bar = |row: &Row<'_>| Bar {
        label: name(row),
        text: amount(row, "equal_path"),
        parts: vec![Part { value: row.count("equal_path"), side: Side::Broadcast, pale: false }],
    };
    let bars = Bars { rows: sharers.iter().map(bar).collect() };
    section.small = Some(bars.small().thumbnail());
    let description: Vec<String> = bars.rows.iter().map(|bar| format!("{}: {}", bar.label, bar.text)).collect();
    section.figure(
        bars.full().picture("carriers-credit", "Revenue of the period by sharer, equal_path", &description.join("; ")),
        "The ten sharers through whom most revenue of the period came, by equal_path, and how near to the post they stood.",
    );
    let mut table = Table::new("Sharers by the revenue that came through them", &["sharer", "steps from the post", "sales", "equal_path", "decay_path"]);
    for row in sharers {
        let hash = row.text("sharer");
        table.rows.push(vec![
            Html::text(if hash.is_empty() { "unknown accounts" } else { hash }),
            Html::from(count(row.count("nearest"))),
            Html::from(count(row.count("conversions"))),
            known(row.number("equal_path"), "a rate is missing", |value| money(value, row.text("base_currency"))),
            known(row.number("decay_path"), "a rate is missing", |value| money(value, row.text("base_currency"))),
        ]);
    }
    section.tables.push(table);
}

/// Who took part in each week, and who came back.
fn people(answer: &Answer, section: &mut Section) {
    let rows: Vec<Row<'_>> = answer.rows().collect();
    if rows.is_empty() {
        return;
    }
    let bar = |row: &Row<'_>| {
        let (everybody, returned) = (row.count("people"), row.number("returned"));
        let part = |value, pale| Part { value, side: Side::Other, pale };
        let text = returned.map_or_else(|| unknown_text("no week before"), |returned| format!("{} returned", count(returned)));
        Bar {
            label: format!("{}: {} people", row.text("week"), count(everybody)),
            text,
            parts: vec![part(returned.unwrap_or_default(), false), part(everybody - returned.unwrap_or_default(), true)],
        }
    };
    let bars = Bars { rows: rows.iter().map(bar).collect() };
    let description: Vec<String> = bars.rows.iter().map(|bar| format!("{}, {}", bar.label, bar.text)).collect();
    section.figure(
        bars.full().picture("carriers-people", "People by week", &description.join("; ")),
        "People who shared or replied, by week; dark: they had taken part in the week before.",
    );
    let head = ["week", "people", "sharers", "repliers", "both", "new", "returning", "share of the top tenth", "top sharer's share", "pairs that talk both ways", "bots left out"];
    let mut table = Table::new("People by week", &head);
    for row in &rows {
        let first = "no week before";
        table.rows.push(vec![
            Html::text(row.text("week")),
            Html::from(count(row.count("people"))),
            Html::from(count(row.count("sharers"))),
            Html::from(count(row.count("repliers"))),
            Html::from(count(row.count("on_both_sides"))),
            known(row.number("new_people"), first, count),
            known(row.number("returning_share"), first, share),
            known(row.number("top_10_percent_share"), "nobody", share),
            known(row.number("top_sharer_share"), "no shares", share),
            known(row.number("dyad_reciprocity"), "no replies", share),
            Html::from(short(row.count("bots"))),
        ]);
    }
    section.tables.push(table);
}
