//! 8: who carried it.

use crate::report::answer::{Answer, Row};
use crate::report::chart::{Bar, Bars, Part, Side};
use crate::report::html::Html;
use crate::report::number::{capital, count, known, money, share, short, unknown_text};
use crate::report::section::{Meanings, Section, Table, paragraph};
use crate::report::words::said;
use crate::report::{Asked, Frame, Query, Question};

pub(super) const QUESTION: Question = Question {
    slug: "carriers",
    title: "Who carried it?",
    short: "Who carried it?",
    queries: &[
        Query { name: "People whose shares were shared on most", text: include_str!("carriers_shares.sql") },
        Query { name: "People through whom most revenue came", text: include_str!("carriers_money.sql") },
        Query { name: "Sales whose path is known, and not", text: include_str!("carriers_paths.sql") },
        Query { name: "People by week", text: include_str!("carriers_people.sql") },
    ],
    beside_truth: &[],
    answer,
};

const MEANINGS: Meanings = &[
    (
        "account",
        "A pseudonym: the keyed hash of an account, as in the tables. The brand's own accounts are left out, and so are its posts, the \
            beginning of every path.",
    ),
    (
        "shared on",
        "Shares that hang directly from shares of the account; \u{201c}at least\u{201d} where one of its cascades had more than 32 shares that \
            were shared on, of which 32 are kept.",
    ),
    ("largest branch", "Everything below one share of the account, of that with most below it."),
    (
        "revenue",
        "A rule of accounting, not a cause: the revenue of a sale is split over everybody on the path from the post to the click, each step \
            away from the click getting half as much. Refunds are taken off.",
    ),
    ("few buyers", "Fewer than five people bought through it: chance decides."),
    ("the days", "Shares and revenue: not the period of this report but the latest 91 days."),
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
    let (shared, sold): (Vec<Row<'_>>, Vec<Row<'_>>) = (asked.rows(0).rows().collect(), asked.rows(1).rows().collect());
    let mut section = Section { meanings: MEANINGS, ..Section::default() };
    let by_shares = shared.first().map_or_else(
        || "No share of anybody but the brand was shared on.".to_owned(),
        |row| format!("Most was shared on from {}: {}.", who(row), shares(row)),
    );
    let by_money = sold.first().map_or_else(
        || "No sale came through a share whose path is known.".to_owned(),
        |row| format!("Most revenue came through {}: {}.", who(row), revenue(row)),
    );
    section.answer = paragraph(by_shares) + paragraph(format!("{by_money} {}", paths(asked.rows(2))));
    section.brief = Html::from(match (shared.first(), sold.first()) {
        (None, None) => unknown_text("no share was shared on, no sale came through one"),
        (Some(row), _) => format!("{}: {}", capital(&who(row)), shares(row)),
        (None, Some(row)) => format!("{}: {}", capital(&who(row)), revenue(row)),
    });
    let caption =
        "The ten accounts whose shares were shared on most, over 91 days, by the shares that hang directly from theirs.";
    bars(
        &shared,
        ("carriers-shares", "Shares by whom they hang from", caption),
        (|row| row.count("children"), shares),
        &mut section,
    );
    let caption =
        "The ten accounts through whom most revenue came, over 91 days, each step away from the click getting half as much.";
    bars(
        &sold,
        ("carriers-money", "Revenue by the account it came through", caption),
        (|row| row.count("credit_base"), revenue),
        &mut section,
    );
    if !shared.is_empty() || !sold.is_empty() {
        section.tables.push(table(&shared, &sold));
    }
    people(asked.rows(3), &mut section);
    section
}

fn who(row: &Row<'_>) -> String {
    format!("account {}", row.text("person"))
}

fn shares(row: &Row<'_>) -> String {
    let at_least = if row.is("truncated") { "at least " } else { "" };
    format!("{at_least}{} shares, largest branch {}", count(row.count("children")), count(row.count("largest_subtree")))
}

fn revenue(row: &Row<'_>) -> String {
    let amount = row
        .number("credit_base")
        .map_or_else(|| unknown_text("a rate is missing"), |value| money(value, row.text("base_currency")));
    let note = if row.text("reason").is_empty() { String::new() } else { format!("; {}", said(row.text("reason"))) };
    format!("{amount} of {} sales{note}", count(row.count("sales")))
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

/// What a row's bar is as long as, and what it says.
type Shown = (fn(&Row<'_>) -> f64, fn(&Row<'_>) -> String);

fn bars(rows: &[Row<'_>], (name, title, caption): (&str, &str, &str), (length, text): Shown, section: &mut Section) {
    let bar = |row: &Row<'_>| Bar {
        label: who(row),
        text: text(row),
        parts: vec![Part { value: length(row), side: Side::Broadcast, pale: false }],
    };
    let bars = Bars { rows: rows.iter().map(bar).collect() };
    if bars.rows.is_empty() {
        return;
    }
    section.small.get_or_insert_with(|| bars.small().thumbnail());
    let description: Vec<String> = bars.rows.iter().map(|bar| format!("{}: {}", bar.label, bar.text)).collect();
    section.figure(bars.full().picture(name, title, &description.join("; ")), caption);
}

/// Both lists, whoever stands in both once.
fn table(shared: &[Row<'_>], sold: &[Row<'_>]) -> Table {
    let head = ["account", "shared on", "largest branch", "revenue", "sales", "buyers", "posts"];
    let mut table = Table::new("Accounts that carried it, over 91 days", &head);
    let more = sold.iter().filter(|row| !shared.iter().any(|known| known.text("person") == row.text("person")));
    for row in shared.iter().chain(more) {
        let revenue =
            known(row.number("credit_base"), "no sale, or a rate is missing", |value| money(value, row.text("base_currency")));
        let at_least = if row.is("truncated") { "at least " } else { "" };
        table.rows.push(vec![
            Html::text(row.text("person")),
            Html::from(format!("{at_least}{}", count(row.count("children")))),
            Html::from(count(row.count("largest_subtree"))),
            revenue,
            Html::from(count(row.count("sales"))),
            Html::from(count(row.count("buyers"))),
            Html::from(count(row.count("posts"))),
        ]);
    }
    table
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
