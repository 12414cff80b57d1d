//! 6: when traffic came, after a reply of the brand and after a share.

use crate::report::answer::Row;
use crate::report::chart::{Lags, Series, Side};
use crate::report::html::Html;
use crate::report::number::{count, grouped, known, plain, range, share, unknown_text};
use crate::report::section::{Meanings, Section, Table};
use crate::report::{Asked, Frame, Query, Question};

pub(super) const QUESTION: Question = Question {
    slug: "lag",
    title: "When did it come?",
    short: "When did it come?",
    queries: &[Query {
        name: "Visits per brand reply and per share, by minutes after it",
        text: include_str!("lag_response.sql"),
    }],
    beside_truth: &[],
    answer,
};

const MEANINGS: Meanings = &[
    (
        "visits per event",
        "Visits that follow one reply of the brand, or one share, in the minutes of the column, beside what the day, the \
            hour, the calendar and the brand's own posts explain. An association under a model, not a cause.",
    ),
    (
        "until then",
        "The sum of the minutes up to there, with an interval of its own. Up to an hour it is narrow; the hours after it, \
            and with them the total, are not.",
    ),
    ("interval", "95\u{a0}%, by resampling days."),
    ("within 15 minutes", "The part of the whole effect that comes in the first 15 minutes."),
    ("half had come", "The minutes between which half of the effect is reached."),
    (
        "lead",
        "The \u{201c}effect\u{201d} of what happens 6 to 30 minutes later. Visits cannot come from it; where there is \
            one, something else moves both, and the verdict is flagged. Not flagged is weak evidence.",
    ),
    (
        "the days",
        "Not the period of this report: the latest 90 days that both visits and posts cover, because fewer carry no \
            estimate.",
    ),
];

const BINS: [&str; 6] = ["0", "1-4", "5-14", "15-59", "60-239", "240-719"];

/// The bin that ends with the first hour.
const HOUR: &str = "15-59";

fn answer(asked: &Asked, _: &Frame) -> Section {
    let rows: Vec<Row<'_>> = asked.rows(0).rows().collect();
    if rows.is_empty() {
        return Section::without("no time that both visits and posts cover", MEANINGS);
    }
    let mut section = Section { meanings: MEANINGS, ..Section::default() };
    let totals: Vec<&Row<'_>> =
        rows.iter().filter(|row| row.text("bin") == "total" && row.text("treatment") != "difference").collect();
    let hours: Vec<&Row<'_>> = rows.iter().filter(|row| row.text("bin") == HOUR).collect();
    section.answer = totals
        .iter()
        .filter_map(|total| {
            hours.iter().find(|hour| hour.text("treatment") == total.text("treatment")).map(|hour| sentence(total, hour))
        })
        .collect();
    let brief = |row: &&Row<'_>| {
        format!("{}: {}", name(row), row.number("cumulative").map_or_else(|| unknown_text(row.text("reason")), two))
    };
    section.brief =
        Html::from(format!("Visits in the hour after one {}", hours.iter().map(brief).collect::<Vec<_>>().join("; ")));
    section.answer += rows.iter().filter(|row| row.text("treatment") == "difference").map(difference).collect();
    let series = |treatment, side| {
        let of =
            |bin: &&str| rows.iter().find(|row| row.text("treatment") == treatment && row.text("bin") == *bin).and_then(effect);
        Series { side, values: BINS.iter().map(of).collect() }
    };
    let lags = Lags {
        bins: BINS.iter().map(|bin| bin.replace('-', "\u{2013}")).collect(),
        series: vec![series("brand_reply", Side::Conversation), series("share", Side::Broadcast)],
    };
    section.tables.push(table(&rows));
    if lags.series.iter().any(|series| series.values.iter().any(Option::is_some)) {
        section.small = Some(lags.small().thumbnail());
        let description: Vec<String> = hours.iter().map(|row| format!("within an hour of one {}", brief(row))).collect();
        section.figure(
            lags.full().picture("lag-bins", "Visits per event by minutes after it", &description.join("; ")),
            "Visits per brand reply (square, dashed) and per share (round) by minutes after it, each with its 95\u{a0}% \
                interval.",
        );
    }
    section
}

fn two(value: f64) -> String {
    grouped(value, 2)
}

fn name(row: &Row<'_>) -> &'static str {
    match row.text("treatment") {
        "brand_reply" => "reply of the brand",
        "share" => "share",
        _ => "difference",
    }
}

fn effect(row: &Row<'_>) -> Option<(f64, f64, f64)> {
    Some((row.number("visits_per_event")?, row.number("low")?, row.number("high")?))
}

fn sentence(total: &Row<'_>, hour: &Row<'_>) -> Html {
    let within_an_hour = known(hour.number("cumulative"), hour.text("reason"), two);
    let mut rest = String::from(" visits within an hour");
    if let Some((low, high)) = hour.number("cumulative_low").zip(hour.number("cumulative_high")) {
        rest += &format!(" ({})", range(low, high, two));
    }
    if let Some((visits, low, high)) = effect(total) {
        rest += &format!(", {} within 12 hours ({})", two(visits), range(low, high, two));
    }
    match total.number("t50_from_minutes").zip(total.number("t50_to_minutes")) {
        Some((from, to)) => rest += &format!("; half of these had come after {} to {} minutes", count(from), count(to)),
        None => rest += &format!("; when half had come is {}", unknown_text(total.text("reason"))),
    }
    if let Some(early) = total.number("share_within_15") {
        rest += &format!("; {} of them within 15 minutes", share(early));
    }
    let lead = format!(". Lead: {}.", plain(total.text("verdict")));
    Html::tag("p", Html::from(format!("One {}: ", name(total))) + Html::tag("b", within_an_hour) + Html::from(rest + &lead))
}

/// Whether conversation brings traffic sooner than broadcast.
fn difference(row: &Row<'_>) -> Html {
    let why = if row.text("reason").is_empty() { String::new() } else { format!(" ({})", plain(row.text("reason"))) };
    Html::tag(
        "p",
        Html::from(format!("\u{201c}{}\u{201d}: ", row.text("hypothesis")))
            + Html::tag("b", Html::from(plain(row.text("verdict"))))
            + Html::from(why + "."),
    )
}

fn table(rows: &[Row<'_>]) -> Table {
    let head = [
        "after one",
        "minutes",
        "visits",
        "interval",
        "until then",
        "interval",
        "within 15 minutes",
        "interval",
        "lead",
        "verdict",
        "events",
        "days",
    ];
    let mut table = Table::new("Visits per event by minutes after it", &head);
    for row in rows {
        let reason = row.text("reason");
        let bounds = |low: &str, high: &str, format: fn(f64) -> String| {
            row.number(low).zip(row.number(high)).map_or_else(Html::default, |(low, high)| Html::from(range(low, high, format)))
        };
        let is_total = row.text("bin") == "total";
        // What only a total has is left out elsewhere; there it is known, or why not.
        let of_total = |name: &str, format: fn(f64) -> String| {
            if is_total { known(row.number(name), reason, format) } else { Html::default() }
        };
        let is_difference = row.text("treatment") == "difference";
        let effect = |name: &str| if is_difference { Html::default() } else { known(row.number(name), reason, two) };
        table.rows.push(vec![
            Html::from(name(row)),
            Html::from(row.text("bin").replace('-', "\u{2013}")),
            effect("visits_per_event"),
            bounds("low", "high", two),
            effect("cumulative"),
            bounds("cumulative_low", "cumulative_high", two),
            of_total("share_within_15", share),
            bounds("share_within_15_low", "share_within_15_high", share),
            if is_difference { Html::default() } else { of_total("lead_effect", two) },
            Html::from(plain(row.text("verdict"))),
            row.number("events").map_or_else(Html::default, |events| Html::from(count(events))),
            Html::from(count(row.count("days"))),
        ]);
    }
    table
}
