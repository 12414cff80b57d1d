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
        Query { name: "Sharers by the revenue that came through them", text: include_str!("carriers_sharers.sql") },
        Query { name: "Sales whose path is known, and not", text: include_str!("carriers_paths.sql") },
        Query { name: "People by week", text: include_str!("carriers_people.sql") },
    ],
    beside_truth: &[],
    answer,
};

const MEANINGS: Meanings = &[
    (
        "sharer",
        "A pseudonym: the keyed hash of an account, as in the tables. The brand's own accounts are left out, and so are its posts, the \
            beginning of every path.",
    ),
    (
        "even split",
        "A rule of accounting, not a cause: the revenue of a sale is split evenly over everybody on the path from the \
            post to the click.",
    ),
    ("half as much a step", "The same, each step away from the click getting half as much."),
    (
        "path not known",
        "The clicked share was unknown, or more than half of the path's steps were guessed. Such sales give nobody credit.",
    ),
    ("people", "Distinct accounts that shared or replied in the week, bots left out. Do not add them over weeks."),
    ("returning", "Of the people of the week before, those who took part again."),
    ("share of the top tenth", "How much of all that was shared and said came from the tenth of people who did most."),
    (
        "pairs that talk both ways",
        "Pairs of people with replies in both directions / pairs with a reply, in conversations begun in the week.",
    ),
];

fn answer(asked: &Asked, _: &Frame) -> Section {
    let sharers: Vec<Row<'_>> = asked.rows(0).rows().collect();
    let mut section = Section { meanings: MEANINGS, ..Section::default() };
    let paths = paths(asked.rows(1));
    match sharers.first() {
        Some(first) => {
            let value = first
                .number("equal_path")
                .map_or_else(|| unknown_text("a rate is missing"), |value| money(value, first.text("base_currency")));
            section.answer = paragraph(format!(
                "Most came through {}: {value} of revenue, split evenly over the path; {} sales. {paths}",
                name(first),
                count(first.count("conversions"))
            ));
            section.brief = Html::from(format!("Most came through {}: {value}", who(first)));
            credit(&sharers, &mut section);
        }
        None => {
            section.answer = Html::tag(
                "p",
                Html::text("Sharers by revenue: ")
                    + known(None, "no sale of the period came through a share whose path is known", count)
                    + Html::from(format!(". {paths}")),
            );
            section.brief = Html::from(unknown_text("no sale came through a share"));
        }
    }
    people(asked.rows(2), &mut section);
    section
}

fn name(row: &Row<'_>) -> String {
    let steps = row.count("nearest");
    let steps = if steps == 1.0 { "1 step".to_owned() } else { format!("{} steps", count(steps)) };
    format!("{} ({steps} from the post)", who(row))
}

/// The pseudonym; all of it, so that it can be looked up.
fn who(row: &Row<'_>) -> String {
    match row.text("sharer") {
        "" => "accounts that are not known".to_owned(),
        hash => format!("account {hash}"),
    }
}

/// How many sales the credit stands on, and how many it does not.
fn paths(answer: &Answer) -> String {
    let Some(row) = answer.rows().next() else { return String::new() };
    let (known, unknown, inferred) = (row.count("known"), row.count("target_unknown"), row.count("path_inferred"));
    format!(
        "The path from post to click is known of {} sales and not known of {} (target unknown) and {} (more than half of \
            it guessed).",
        count(known),
        count(unknown),
        count(inferred)
    )
}

fn credit(sharers: &[Row<'_>], section: &mut Section) {
    let amount = |row: &Row<'_>, name: &str| {
        row.number(name).map_or_else(|| unknown_text("a rate is missing"), |value| money(value, row.text("base_currency")))
    };
    let bar = |row: &Row<'_>| Bar {
        label: name(row),
        text: amount(row, "equal_path"),
        parts: vec![Part { value: row.count("equal_path"), side: Side::Broadcast, pale: false }],
    };
    let bars = Bars { rows: sharers.iter().map(bar).collect() };
    section.small = Some(bars.small().thumbnail());
    let description: Vec<String> = bars.rows.iter().map(|bar| format!("{}: {}", bar.label, bar.text)).collect();
    section.figure(
        bars.full().picture("carriers-credit", "Revenue of the period by sharer, split evenly over the path", &description.join("; ")),
        "The ten sharers through whom most revenue of the period came, split evenly over the path, and how near to the post they stood.",
    );
    let mut table = Table::new(
        "Sharers by the revenue that came through them",
        &["sharer", "steps from the post", "sales", "revenue, even split", "revenue, half as much a step"],
    );
    for row in sharers {
        table.rows.push(vec![
            Html::from(who(row)),
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
        let text = returned.map_or_else(
            || unknown_text("no week before"),
            |returned| {
                format!(
                    "{} \
            returned",
                    count(returned)
                )
            },
        );
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
        "People who shared or replied, by week; strong: they had taken part in the week before.",
    );
    let head = [
        "week",
        "people",
        "sharers",
        "repliers",
        "both",
        "new",
        "returning",
        "share of the top tenth",
        "top sharer's share",
        "pairs that talk both ways",
        "bots left out",
    ];
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
