//! 9: which places deserve the next hour, and which cannot be told apart.

use crate::report::answer::{Answer, Row};
use crate::report::chart::{Dot, Dots, Side};
use crate::report::html::Html;
use crate::report::number::{count, grouped, hours, known, money, plain, range, share, short, signed_share, unknown_text};
use crate::report::section::{Meanings, Section, Table};
use crate::report::{Asked, Frame, Query, Question};

pub(super) const QUESTION: Question = Question {
    slug: "places",
    title: "Which places deserve the next hour, and which cannot be told apart?",
    short: "Which places deserve the next hour?",
    queries: &[
        Query { name: "Places by their pooled return", text: include_str!("places_places.sql") },
        Query { name: "How visits move with the brand's own part", text: include_str!("places_elasticity.sql") },
    ],
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
            place's own ROI, by posts.",
    ),
    (
        "ranks, cannot be told apart",
        "The ranks that a place may have: as many places lie wholly above its interval, and wholly below. Places whose \
            ranges overlap are ties; those that may have rank 1 cannot be told apart from the first.",
    ),
    ("P(ROI > 0), P(among the ten best)", "From the pooled estimate; the second by draws that repeat."),
    (
        "average, not marginal",
        "A return on what was spent so far. What the next hour brings is marginal: only an experiment or the elasticity \
            below speaks of it.",
    ),
    (
        "elasticity",
        "By how many percent visits to a place move when the brand's own posts and replies there move by one percent, \
            days and places held apart. An association, with a lead that warns of the reverse.",
    ),
    ("the days", "All posts that are old enough for the horizon, not only those of the period: a place needs many."),
];

fn answer(asked: &Asked, _: &Frame) -> Section {
    let all = asked.rows(0);
    let horizon = horizon(all);
    let rows: Vec<Row<'_>> = all.rows().filter(|row| row.number("horizon_days") == horizon).collect();
    let ranked: Vec<&Row<'_>> = rows.iter().filter(|row| pooled(row).is_some()).collect();
    let mut section = Section { meanings: MEANINGS, ..Section::default() };
    match ranked.split_first() {
        None => {
            let named = rows.iter().find(|row| row.text("channel") != "(unallocated)");
            let reason =
                named.or(rows.first()).map_or("no place has a cost or a post that is old enough", |row| row.text("reason"));
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
            &format!(
                "Pooled return after {} days with its 90\u{a0}% interval, at most twenty places. Round: the first \
                place; diamonds: cannot be told apart from it; squares: lower.",
                count(horizon.unwrap_or_default())
            ),
        );
    }
    if !rows.is_empty() {
        section.tables.push(table(&rows));
    }
    elasticity(asked.rows(1), &mut section);
    section
}

/// The longest horizon under which a place is ranked; else the shortest.
fn horizon(answer: &Answer) -> Option<f64> {
    let days = |row: Row<'_>| row.number("horizon_days");
    let ranked = answer.rows().filter(|row| pooled(row).is_some()).filter_map(days).reduce(f64::max);
    ranked.or_else(|| answer.rows().filter_map(days).reduce(f64::min))
}

/// The pooled return and its standard error.
fn pooled(row: &Row<'_>) -> Option<(f64, f64)> {
    Some((row.number("roi_pooled")?, row.number("sd")?))
}

fn name(row: &Row<'_>) -> String {
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
    let start = format!("{} stands first, with a pooled return of ", name(first));
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
        "effective posts",
        "top post's share",
        "basis",
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
            known(row.number("roots"), reason, count),
            known(row.number("cost_base"), reason, |value| money(value, currency)),
            known(row.number("hours"), reason, hours),
            known(row.number("margin_base"), reason, |value| money(value, currency)),
            known(row.number("average_roi"), reason, signed_share),
            bounds.map_or_else(|| known(None, reason, short), |(low, high)| Html::from(range(low, high, signed_share))),
            known(row.number("roi_pooled"), reason, signed_share),
            known(row.number("p_positive"), reason, share),
            known(row.number("p_top10"), reason, share),
            known(row.number("effective_roots"), reason, short),
            known(row.number("top1_share"), reason, share),
            Html::from(plain(row.text("basis"))),
        ]);
    }
    table
}

/// The only figure that speaks of the next hour.
fn elasticity(answer: &Answer, section: &mut Section) {
    for row in answer.rows() {
        let two = |value| grouped(value, 2);
        let value = known(row.number("elasticity"), row.text("reason"), two);
        let bounds = row
            .number("low")
            .zip(row.number("high"))
            .map_or_else(|| unknown_text(row.text("reason")), |(low, high)| range(low, high, two));
        let rest = format!(
            "; interval {bounds}; \u{201c}traffic grows with how much the brand takes part\u{201d}: {}.",
            plain(row.text("verdict"))
        );
        section.answer += Html::tag(
            "p",
            Html::text("Elasticity of visits on the brand's own part: ") + Html::tag("b", value) + Html::from(rest),
        );
    }
}
