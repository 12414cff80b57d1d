//! 1: how much of this can be trusted.

use crate::report::answer::Row;
use crate::report::chart::{Matrix, MatrixRow};
use crate::report::html::Html;
use crate::report::number::{count, known, share, unknown_text};
use crate::report::section::{Meanings, Section, Table};
use crate::report::{Asked, Frame, Query, Question};

pub(super) const QUESTION: Question = Question {
    slug: "trust",
    title: "How much of this can be trusted?",
    short: "How much of this can be trusted?",
    queries: &[Query { name: "What is known, by week", text: include_str!("trust_weeks.sql") }],
    beside_truth: &[],
    answer,
};

const MEANINGS: Meanings = &[
    (
        "week",
        "Monday to Sunday, of the brand's own calendar. A week is complete when every source that is alive has been read \
            beyond its end.",
    ),
    (
        "parents known",
        "1 \u{2212} guessed steps / steps in the trees of posts of the week. Where it is low, trees look flatter than \
            they were.",
    ),
    (
        "clicks with a target",
        "Clicks on something that was known when the click was read: only they tell the side by themselves.",
    ),
    (
        "visits with a visitor, a click, link parameters",
        "Visits that named a visitor (consent), the click that brought them, or utm values. What has none of them counts \
            for no side.",
    ),
    (
        "sales with a visitor, a margin",
        "Conversions that can be credited to a visit, and those whose margin is known from the event or the brand.",
    ),
    ("costs with a place", "Costs that name a channel or community; the others stand as (unallocated)."),
    ("days with time", "Days on which the brand posted or replied and on which hours were logged."),
    (
        "labour coverage",
        "Of all weeks in which the brand was active, those with time logged or given by a rule. Below 80 % the two sides \
            are not compared by ROI.",
    ),
    (
        "rejects and gaps",
        "Records that were no events, and offsets in no count after a resume: of all brands together, because such \
            records name none.",
    ),
];

/// The shares in the picture, strong where much is known.
const MEASURES: [(&str, &str); 9] = [
    ("parents known", "parents_share"),
    ("clicks with a target", "clicks_with_target_share"),
    ("visits with a visitor", "visits_with_visitor_share"),
    ("visits with a click", "visits_with_click_share"),
    ("visits with utm values", "visits_with_utm_share"),
    ("sales with a visitor", "conversions_with_visitor_share"),
    ("sales with a margin", "conversions_with_margin_share"),
    ("costs with a place", "costs_with_place_share"),
    ("days with time", "active_days_with_time_share"),
];

/// Weeks in the picture; the table has all.
const WEEKS: usize = 6;

fn answer(asked: &Asked, _: &Frame) -> Section {
    let rows: Vec<Row<'_>> = asked.rows(0).rows().collect();
    let Some(last) = rows.last() else {
        return Section::without("no week of the period is in the tables", MEANINGS);
    };
    let mut section = Section { meanings: MEANINGS, ..Section::default() };
    let lacking = rows.iter().filter(|row| !row.text("missing").is_empty());
    let newest = lacking.clone().next_back();
    let number = count(lacking.map(|_| 1.0).sum());
    let weeks = count(rows.iter().map(|_| 1.0).sum());
    section.answer = Html::tag(
        "p",
        Html::from(format!(
            "{number} of {weeks} weeks lack something. \
            "
        )) + newest.map_or_else(Html::default, |row| missing(row)),
    );
    section.answer += Html::tag("p", whole(last));
    section.brief = Html::from(format!("{number} of {weeks} weeks lack something; labour coverage "))
        + known(last.number("labour_coverage"), "no active week", share);
    let shown = rows.get(rows.len().saturating_sub(WEEKS)..).unwrap_or(&rows);
    let matrix = Matrix {
        weeks: shown.iter().map(|row| row.text("week").chars().skip(5).collect()).collect(),
        rows: MEASURES
            .iter()
            .map(|(label, column)| MatrixRow {
                label: (*label).to_owned(),
                cells: shown.iter().map(|row| row.number(column)).collect(),
            })
            .collect(),
    };
    section.small = Some(matrix.small().thumbnail());
    section.figure(
        matrix.full().picture("trust-weeks", "What is known, by week", "The same shares are in the table below."),
        "What is known, by the week that begins on the day above: strong is much; \u{201c}?\u{201d} is not known, \
            because there was nothing to know it of.",
    );
    section.tables.push(table(&rows));
    section
}

/// What a week lacks.
fn missing(row: &Row<'_>) -> Html {
    let parts = row.text("missing").split("; ").map(|part| Html::tag("li", Html::text(part)));
    Html::from(format!("The week of {} lacks:", row.text("week"))) + Html::tag("ul", parts.collect())
}

/// What holds for all weeks.
fn whole(row: &Row<'_>) -> Html {
    let behind = row.number("sources_behind").map_or_else(|| unknown_text("no source"), count);
    Html::text("Labour coverage ")
        + Html::tag("b", known(row.number("labour_coverage"), "no active week", share))
        + Html::from(format!("; sources behind by more than a day: {behind}; records rejected: "))
        + known(row.number("rejected_share"), "no record", share)
        + Html::from(format!("; records in no count: {}.", count(row.count("gap_records"))))
}

fn table(rows: &[Row<'_>]) -> Table {
    let mut head = vec!["week", "complete"];
    head.extend(MEASURES.map(|(label, _)| label));
    head.push("missing");
    let mut table = Table::new("What is known, by week", &head);
    for row in rows {
        let mut cells = vec![Html::text(row.text("week")), Html::text(if row.is("week_complete") { "yes" } else { "no" })];
        cells.extend(MEASURES.map(|(_, column)| known(row.number(column), "none in the week", share)));
        cells.push(Html::text(row.text("missing")));
        table.rows.push(cells);
    }
    table
}
