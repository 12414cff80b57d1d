//! 4: what came back, under all models.

use crate::report::answer::{Answer, Row};
use crate::report::chart::{Bar, Bars, Dot, Dots, Part, Side};
use crate::report::html::Html;
use crate::report::number::{capital, count, hours, known, money, plain, range, share, short, signed_share, unknown_text};
use crate::report::section::{Meanings, Section, Table, paragraph};
use crate::report::{Asked, Frame, Query, Question};

use super::gap;

pub(super) const QUESTION: Question = Question {
    slug: "returns",
    title: "What came back, under all models?",
    short: "What came back, under all models?",
    queries: &[
        Query { name: "ROI by week of the posts, side and horizon", text: include_str!("returns_roi.sql") },
        Query { name: "Revenue of the period by model and side", text: include_str!("returns_credit.sql") },
    ],
    beside_truth: &[gap::QUERY],
    answer,
};

const MEANINGS: Meanings = &[
    (
        "ROI",
        "(margin credited to the posts of a week within the horizon \u{2212} cost of that week) / that cost, where the \
            cost is money and time. \u{2212}100 % is nothing back; 0 % is the cost back. Average, not marginal: it does \
            not say what the next hour returns.",
    ),
    (
        "interval",
        "95\u{a0}%, by resampling posts, because visitors of one post share its fate. The fewer posts carry the value, \
            the wider.",
    ),
    (
        "lowest and highest over the models",
        "The same ROI under first, last, linear, position-based and time-decay credit. Models differ in opinion, not in \
            data; where they disagree about the sign, so do the data.",
    ),
    (
        "mature",
        "Every source has been read beyond the last post of the week and the horizon. Before that nothing is said, \
            because late conversions would be missing.",
    ),
    ("direct 0 % and 100 %", "The ROI if none, or all, of the traffic without a link or a referrer belonged to the posts."),
    (
        "effective posts",
        "(sum of values)\u{00b2} / sum of squared values: how many posts carry the value. The top post's share stands \
            beside it.",
    ),
    ("both sides", "Everything that was credited to the posts and everything that they cost, also what names no side."),
    (
        "basis",
        "What the figure stands on: clicks, link parameters (utm), or nothing. Only with clicks is it known from which \
            post a sale came.",
    ),
    ("unattributed", "Conversions without a visitor or without a visit in the 30 days before: nobody's credit."),
    ("last", "The last visit that was not direct, within 30 days: the model of the ROI above, and of the ledger."),
];

/// Said with every figure of credit.
const RULE: &str = "Credit is a rule, not a cause: it does not say what would have come back without the posts. An experiment \
    does (question 5).";

fn answer(asked: &Asked, frame: &Frame) -> Section {
    let mut section = Section { meanings: MEANINGS, ..Section::default() };
    let horizon = horizon(asked.rows(0));
    let rows: Vec<Row<'_>> = asked.rows(0).rows().filter(|row| row.number("horizon_days") == horizon).collect();
    if rows.is_empty() && asked.rows(1).is_empty() {
        return Section::without("no week of posts begins in the period, and nothing was sold in it", MEANINGS);
    }
    let days = count(horizon.unwrap_or_default());
    let latest: Vec<&Row<'_>> =
        ["all", "broadcast", "conversation"].iter().filter_map(|side| latest_known(&rows, side)).collect();
    section.answer = latest.iter().map(|row| sentence(row, &days)).collect();
    if latest.is_empty() {
        let reason = rows.last().map_or("no week of posts begins in the period", |row| row.text("reason"));
        section.answer = Html::tag("p", Html::text("ROI: ") + known(None, reason, signed_share));
        section.brief = Html::from(format!("ROI {}", unknown_text(reason)));
    } else {
        let brief =
            |row: &&Row<'_>| format!("{} {}", side_of(row), bounds(row).unwrap_or_else(|| unknown_text(row.text("reason"))));
        let sides: Vec<String> = latest.iter().filter(|row| row.text("side") != "all" || latest.len() == 1).map(brief).collect();
        section.brief = Html::from(format!("ROI of a week's posts: {}", sides.join("; ")));
    }
    if !rows.is_empty() {
        let dots = Dots { rows: rows.iter().map(dot).collect(), format: signed_share };
        section.small = Some(dots.small().thumbnail());
        let description: Vec<String> = dots.rows.iter().map(|row| format!("{}: {}", row.label, row.text)).collect();
        let title = format!("ROI by week of the posts, after {days} days");
        section.figure(
            dots.full().picture("returns-roi", &title, &description.join("; ")),
            &format!(
                "ROI after {days} days by the week of the posts, model \u{201c}last\u{201d}: estimate and 95\u{a0}% \
                interval; the pale bar goes from the lowest to the highest of five models."
            ),
        );
        section.tables.push(table(&rows, &days));
    }
    models(asked.rows(1), &mut section);
    section.answer += paragraph(RULE);
    if let Some(truth) = &frame.truth {
        section.answer += gap::gap(asked.rows(2), truth);
    }
    section
}

/// The longest horizon under which something is known; else the shortest.
fn horizon(answer: &Answer) -> Option<f64> {
    let days = |row: Row<'_>| row.number("horizon_days");
    let known = answer.rows().filter(|row| row.number("roi").is_some()).filter_map(days).reduce(f64::max);
    known.or_else(|| answer.rows().filter_map(days).reduce(f64::min))
}

fn latest_known<'a, 'b>(rows: &'b [Row<'a>], side: &str) -> Option<&'b Row<'a>> {
    rows.iter().rfind(|row| row.text("side") == side && row.number("roi").is_some())
}

fn interval(row: &Row<'_>) -> Option<(f64, f64)> {
    Some((row.number("roi_low")?, row.number("roi_high")?))
}

fn models_of(row: &Row<'_>) -> Option<(f64, f64)> {
    Some((row.number("roi_lowest_model")?, row.number("roi_highest_model")?))
}

/// From the lowest to the highest that interval and models allow. Without one of them the other would look surer than it is.
fn bounds(row: &Row<'_>) -> Option<String> {
    let ((low, high), (lowest, highest)) = (interval(row)?, models_of(row)?);
    Some(range(low.min(lowest), high.max(highest), signed_share))
}

fn sentence(row: &Row<'_>, days: &str) -> Html {
    let text = |bounds: Option<(f64, f64)>| {
        bounds.map_or_else(|| unknown_text(row.text("reason")), |(low, high)| range(low, high, signed_share))
    };
    let start = format!("{}: posts of the week of {}, after {days} days: ROI ", capital(side_of(row)), row.text("cohort"));
    let rest = format!("; 95\u{a0}% interval {}; {} over the five models.", text(interval(row)), text(models_of(row)));
    Html::tag(
        "p",
        Html::from(start) + Html::tag("b", known(row.number("roi"), row.text("reason"), signed_share)) + Html::from(rest),
    )
}

fn side_of<'a>(row: &Row<'a>) -> &'a str {
    match row.text("side") {
        "all" => "both sides",
        side => side,
    }
}

fn dot(row: &Row<'_>) -> Dot {
    let value = row.number("roi");
    let text = value.map_or_else(|| unknown_text(row.text("reason")), signed_share);
    let label = format!("{} {}", row.text("cohort"), side_of(row));
    Dot {
        label,
        text,
        side: Side::named(row.text("side")),
        value,
        interval: value.and(interval(row)),
        band: value.and(models_of(row)),
    }
}

fn table(rows: &[Row<'_>], days: &str) -> Table {
    let head = [
        "week",
        "side",
        "posts",
        "cost",
        "hours",
        "margin",
        "ROI",
        "interval",
        "over models",
        "direct 0 % to 100 %",
        "effective posts",
        "top post's share",
        "basis",
    ];
    let mut table = Table::new(&format!("ROI after {days} days, model \u{201c}last\u{201d}, look-back 30 days"), &head);
    for row in rows {
        let (reason, currency) = (row.text("reason"), row.text("base_currency"));
        let bounds = |bounds: Option<(f64, f64)>| {
            bounds.map_or_else(|| known(None, reason, short), |(low, high)| Html::from(range(low, high, signed_share)))
        };
        let amount = |name: &str| known(row.number(name), reason, |value| money(value, currency));
        let direct = row.number("roi_direct_0").zip(row.number("roi_direct_100"));
        table.rows.push(vec![
            Html::text(row.text("cohort")),
            Html::text(side_of(row)),
            known(row.number("posts"), reason, count),
            amount("cost_base"),
            known(row.number("hours"), reason, hours),
            amount("margin_base"),
            known(row.number("roi"), reason, signed_share),
            bounds(interval(row)),
            bounds(models_of(row)),
            bounds(direct),
            known(row.number("effective_roots"), reason, short),
            known(row.number("top1_share"), reason, share),
            Html::from(plain(row.text("basis"))),
        ]);
    }
    table
}

/// Who gets the credit under each model.
fn models(answer: &Answer, section: &mut Section) {
    let mut bars: Vec<(String, Bar)> = Vec::new();
    let mut table = Table::new("Revenue of the period by model and side, look-back 30 days", &["model", "side", "revenue"]);
    for row in answer.rows() {
        let (side, currency, revenue) = (row.text("side"), row.text("base_currency"), row.number("revenue_base"));
        let model = plain(row.text("model"));
        let reason = "a rate is missing";
        table.rows.push(vec![Html::text(&model), Html::text(side), known(revenue, reason, |value| money(value, currency))]);
        let part = Part { value: revenue.unwrap_or_default(), side: Side::named(side), pale: side == "unattributed" };
        let key = format!("{model} {currency}");
        match bars.last_mut().filter(|(last, _)| *last == key) {
            Some((_, bar)) => bar.parts.push(part),
            None => bars.push((key, Bar { label: model, text: String::new(), parts: vec![part] })),
        }
    }
    if bars.is_empty() {
        return;
    }
    let bars = Bars { rows: bars.into_iter().map(|(_, bar)| labelled(bar)).collect() };
    let description: Vec<String> = bars.rows.iter().map(|bar| format!("{}: {}", bar.label, bar.text)).collect();
    section.figure(
        bars.full().picture("returns-models", "Revenue by side under each model", &description.join("; ")),
        "Revenue of the period, refunds taken off, by the side that gets the credit under each model. Grey: other \
            visits; pale grey: nobody's credit.",
    );
    section.answer += paragraph(
        "Revenue of the period under each model stands in the second picture: the rule of credit alone moves it between \
            the sides.",
    );
    section.tables.push(table);
}

/// A bar with the shares of the two sides as its words.
fn labelled(mut bar: Bar) -> Bar {
    let sum = |side: Side| bar.parts.iter().filter(|part| part.side == side).map(|part| part.value).sum::<f64>();
    let (broadcast, conversation) = (sum(Side::Broadcast), sum(Side::Conversation));
    let all = broadcast + conversation + sum(Side::Other);
    if all > 0.0 {
        bar.text = format!("broadcast {}, conversation {}", share(broadcast / all), share(conversation / all));
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_interval_and_models_or_are_not_known() {
        let json = br#"{"meta":[{"name":"roi_low"},{"name":"roi_high"},{"name":"roi_lowest_model"},{"name":"roi_highest_model"}],
            "data":[[-0.5,0.2,-0.9,0.1],[null,null,-0.9,0.1],[-0.5,0.2,null,null]]}"#;
        let answer = Answer::from_json(json).unwrap();
        let bounds: Vec<Option<String>> = answer.rows().map(|row| bounds(&row)).collect();
        assert_eq!(bounds, [Some("\u{2212}90\u{a0}% to +20\u{a0}%".to_owned()), None, None]);
    }
}
