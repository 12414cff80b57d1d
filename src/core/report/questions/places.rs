//! 9: which places deserve the next hour, and which cannot be told apart.

use crate::report::answer::Row;
use crate::report::chart::{Dot, Dots, Side};
use crate::report::html::Html;
use crate::report::number::{count, hours, known, money, range, share, short, signed_share, unknown_text};
use crate::report::section::{Meanings, Section, Table};
use crate::report::{Asked, Frame, Query, Question};

pub(super) const QUESTION: Question = Question {
    slug: "places",
    title: "Which places deserve the next hour, and which cannot be told apart?",
    short: "Which places deserve the next hour?",
    queries: &[Query { name: "Places by their pooled return", text: include_str!("places_places.sql") }],
    beside_truth: &[],
    answer,
};

const MEANINGS: Meanings = &[
    ("place", "A community of a channel. Costs without a place are listed and not ranked."),
    (
        "pooled return",
        "The place's ROI drawn towards the mean of the brand's places, the more the less its posts carry (empirical \
            Bayes). The raw best of many places is mostly luck; this is what to expect of it.",
    ),
    (
        "interval",
        "In the picture 90\u{a0}% of the pooled return, the one that the ranks stand on; in the table 95\u{a0}% of the \
            place's own ROI, by its units: posts, or weeks.",
    ),
    (
        "ranks, cannot be told apart",
        "The ranks that a place may have: as many places lie wholly above its interval, and wholly below. Places whose \
            ranges overlap are ties; those that may have rank 1 cannot be told apart from the first.",
    ),
    ("P(ROI > 0), P(among the ten best)", "From the pooled estimate."),
    (
        "average, not marginal",
        "A return on what was spent so far. What the next hour brings is marginal: only an experiment speaks of it.",
    ),
    ("the days", "All days that can be judged, not only those of the period: a place needs many."),
];

fn answer(asked: &Asked, _: &Frame) -> Section {
    let rows: Vec<Row<'_>> = asked.rows(0).rows().collect();
    let ranked: Vec<&Row<'_>> = rows.iter().filter(|row| pooled(row).is_some()).collect();
    let mut section = Section { meanings: MEANINGS, ..Section::default() };
    match ranked.split_first() {
        None => {
            let named = rows.iter().find(|row| !row.text("channel").is_empty());
            let reason = named.or(rows.first()).map_or("no place has a cost or a margin", |row| row.text("reason"));
            section = Section::without(reason, MEANINGS);
        }
        Some((first, others)) => rank(first, others, &mut section),
    }
    if !ranked.is_empty() {
        let dots =
            Dots { rows: ranked.iter().take(20).enumerate().map(|(at, row)| dot(row, at == 0)).collect(), format: signed_share };
        section.small = Some(dots.small().thumbnail());
        let description: Vec<String> = dots.rows.iter().map(|row| format!("{}: {}", row.label, row.text)).collect();
        section.figure(
            dots.full().picture("places-rank", "Places by their pooled return", &description.join("; ")),
            "Pooled return with its 90\u{a0}% interval, at most twenty places. Round: the highest; diamonds: cannot be told \
                apart from it; squares: lower.",
        );
    }
    if !rows.is_empty() {
        section.tables.push(table(&rows));
    }
    section
}

/// The pooled return and its standard error.
fn pooled(row: &Row<'_>) -> Option<(f64, f64)> {
    Some((row.number("roi_pooled")?, row.number("sd")?))
}

fn name(row: &Row<'_>) -> String {
    if row.text("channel").is_empty() {
        return "no place".to_owned();
    }
    let place = format!("{} {}", row.text("channel"), row.text("community"));
    if row.text("name").is_empty() { place } else { format!("{} ({place})", row.text("name")) }
}

/// Whether it is known that the place is not the first.
fn is_lower(row: &Row<'_>) -> bool {
    row.number("rank_low").is_some_and(|rank| rank > 1.0)
}

fn rank(first: &Row<'_>, others: &[&Row<'_>], section: &mut Section) {
    let tied: Vec<String> = others.iter().filter(|row| !is_lower(row)).map(|row| name(row)).collect();
    let apart = others.len() - tied.len();
    let start = if tied.is_empty() {
        format!("{} stands first, with a pooled return of ", name(first))
    } else {
        format!("Which place stands first is not known. {} has the highest pooled return, ", name(first))
    };
    let rest = if tied.is_empty() {
        format!(", told apart from all others ({apart}).")
    } else if apart == 0 {
        ". None of the others can be told apart from it: the order is not known.".to_owned()
    } else {
        let listed: Vec<&str> = tied.iter().map(String::as_str).take(5).collect();
        let more = if tied.len() > 5 { format!(" and {} more", tied.len() - 5) } else { String::new() };
        format!(". It cannot be told apart from {}{more}. Lower: {apart} others.", listed.join(", "))
    };
    section.answer = Html::tag(
        "p",
        Html::from(start)
            + Html::tag("b", known(first.number("roi_pooled"), first.text("reason"), signed_share))
            + Html::from(rest),
    );
    section.answer +=
        Html::tag("p", Html::text("It is an average of what was spent, not a promise of what the next hour returns."));
    section.brief = Html::from(if tied.is_empty() {
        format!("{} alone", name(first))
    } else {
        format!("{}; {} more cannot be told apart from it", name(first), tied.len())
    });
}

fn dot(row: &Row<'_>, is_first: bool) -> Dot {
    let side = match (is_first, is_lower(row)) {
        (true, _) => Side::Broadcast,
        (false, true) => Side::Conversation,
        (false, false) => Side::Other,
    };
    let text = pooled(row).map_or_else(|| unknown_text(row.text("reason")), |(value, _)| signed_share(value));
    let interval = pooled(row).map(|(value, sd)| (value - 1.645 * sd, value + 1.645 * sd));
    Dot { label: name(row), text, side, value: row.number("roi_pooled"), interval, band: None }
}

fn table(rows: &[Row<'_>]) -> Table {
    let head = [
        "place",
        "ranks",
        "members",
        "posts",
        "cost",
        "hours",
        "margin",
        "ROI",
        "interval",
        "pooled ROI",
        "P(ROI > 0)",
        "P(ten best)",
        "effective units",
        "top unit's share",
    ];
    let mut table = Table::new("Places by their pooled return", &head);
    for row in rows {
        let (reason, currency) = (row.text("reason"), row.text("base_currency"));
        let bounds = row.number("roi_low").zip(row.number("roi_high"));
        let ranks = row.number("rank_low").zip(row.number("rank_high"));
        table.rows.push(vec![
            Html::from(name(row)),
            ranks.map_or_else(
                || known(None, reason, count),
                |(low, high)| Html::from(if low < high { range(low, high, count) } else { count(low) }),
            ),
            known(row.number("members"), "not in the table place", count),
            known(row.number("posts"), reason, count),
            known(row.number("cost_base"), reason, |value| money(value, currency)),
            known(row.number("hours"), reason, hours),
            known(row.number("margin_base"), reason, |value| money(value, currency)),
            known(row.number("average_roi"), reason, signed_share),
            bounds.map_or_else(|| known(None, reason, short), |(low, high)| Html::from(range(low, high, signed_share))),
            known(row.number("roi_pooled"), reason, signed_share),
            known(row.number("p_positive"), reason, share),
            known(row.number("p_top10"), reason, share),
            known(row.number("effective_units"), reason, short),
            known(row.number("top1_share"), reason, share),
        ]);
    }
    table
}
