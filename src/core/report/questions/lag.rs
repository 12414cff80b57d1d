//! 6: whether people come at once to conversation, and later to broadcast.

use crate::report::answer::{Answer, Row};
use crate::report::chart::{Lags, Series, Side};
use crate::report::html::Html;
use crate::report::number::{count, grouped, known, range, share, unknown_text};
use crate::report::section::{Meanings, Section, Table, paragraph};
use crate::report::{Asked, Frame, Query, Question};

pub(super) const QUESTION: Question = Question {
    slug: "lag",
    title: "When did they come: at once to conversation, later to broadcast?",
    short: "When did they come?",
    queries: &[
        Query { name: "Clicks within 15 minutes, of each side", text: include_str!("lag_immediacy.sql") },
        Query { name: "Clicks by the time since what was clicked", text: include_str!("lag_clicks.sql") },
        Query { name: "Visits after a reply of the brand, by minutes", text: include_str!("lag_response.sql") },
    ],
    beside_truth: &[],
    answer,
};

const MEANINGS: Meanings = &[
    (
        "within 15 minutes",
        "Of the clicks that came 10 seconds to 24 hours after the reply (conversation) or the post or share (broadcast) that was clicked, \
            those before 15 minutes. One click a visitor and target, and only where a visit followed; clicks of people who write in the \
            thread are left out, and so are those of the first 10 seconds, which are mostly machines.",
    ),
    (
        "supported, refuted, cannot be told",
        "Supported: the share of conversation is higher by at least 10 points, and the 95\u{a0}% interval of the difference lies above 0; \
            refuted: the reverse. It needs 20 posts with clicks a side.",
    ),
    (
        "visits after a reply",
        "Visits that follow one reply of the brand beside what the day, the hour, the calendar and the brand's own posts explain: an \
            association under a model, not a cause. It needs no clicks, so it is a second opinion.",
    ),
    ("the days", "Not the period of this report: the latest 91 days, because fewer carry no answer."),
];

const BINS: [&str; 8] = ["before", "0-10 s", "10-60 s", "1-5 min", "5-15 min", "15-60 min", "1-4 h", "4-24 h"];

fn answer(asked: &Asked, _: &Frame) -> Section {
    let mut section = Section { meanings: MEANINGS, ..Section::default() };
    match asked.rows(0).rows().next() {
        Some(row) => {
            section.answer = sentences(&row);
            section.brief = brief(&row);
        }
        None => section = Section::without("no click on a post, share or reply led to a visit", MEANINGS),
    }
    let replies: Vec<Row<'_>> = asked.rows(2).rows().collect();
    if !replies.is_empty() {
        section.answer += paragraph(after_a_reply(&replies));
    }
    clicks(asked.rows(1), &mut section);
    section
}

fn of_side(row: &Row<'_>, column: &str) -> Html {
    Html::tag("b", known(row.number(column), "no_clicks", share))
}

fn sentences(row: &Row<'_>) -> Html {
    let shares = Html::tag(
        "p",
        Html::text("Of the clicks on replies ")
            + of_side(row, "p_conversation")
            + Html::text(" came within 15 minutes, of those on posts and shares ")
            + of_side(row, "p_broadcast")
            + Html::text("."),
    );
    let points = |value: f64| grouped(value * 100.0, 1);
    let difference = row.number("difference").zip(row.number("difference_low").zip(row.number("difference_high"))).map(
        |(difference, (low, high))| format!(" (a difference of {} points, {})", points(difference), range(low, high, points)),
    );
    let verdict = match row.text("verdict") {
        "" => unknown_text(row.text("reason")),
        "undecided" => "cannot be told".to_owned(),
        verdict => verdict.to_owned(),
    };
    shares
        + Html::tag(
            "p",
            Html::text("\u{201c}People come at once to conversation and later to broadcast\u{201d}: ")
                + Html::tag("b", Html::from(verdict))
                + Html::from(difference.unwrap_or_default() + "."),
        )
}

fn brief(row: &Row<'_>) -> Html {
    if row.number("p_conversation").is_none() && row.number("p_broadcast").is_none() {
        return Html::from(unknown_text(row.text("reason")));
    }
    Html::text("Within 15 minutes: ")
        + known(row.number("p_conversation"), "no_clicks", share)
        + Html::text(" of the clicks on replies, ")
        + known(row.number("p_broadcast"), "no_clicks", share)
        + Html::text(" of those on posts and shares")
}

/// The second opinion.
fn after_a_reply(rows: &[Row<'_>]) -> String {
    let two = |value: f64| grouped(value, 2);
    let said = |row: &Row<'_>| {
        let visits = row.number("visits_per_reply").map_or_else(|| unknown_text(row.text("reason")), two);
        let bounds = row.number("low").zip(row.number("high")).map(|(low, high)| format!(" ({})", range(low, high, two)));
        format!("{visits} within {} minutes{}", count(row.count("minutes")), bounds.unwrap_or_default())
    };
    let beside = match rows.first().map_or("", |row| row.text("beside_immediacy")) {
        "agrees" => " This agrees with the clicks.",
        "contradicts" => " This contradicts the clicks.",
        _ => "",
    };
    format!("Visits after one reply of the brand: {}.{beside}", rows.iter().map(said).collect::<Vec<_>>().join(", "))
}

fn clicks(answer: &Answer, section: &mut Section) {
    let mut table = Table::new(
        "Clicks by the time since what was clicked",
        &["side", "time", "clicks", "share of the side", "not confirmed by a visit", "by people of the thread"],
    );
    let sum = |side: &str| answer.rows().filter(|row| row.text("side") == side).map(|row| row.count("clicks")).sum::<f64>();
    let part = |row: &Row<'_>| row.count("clicks") / sum(row.text("side")).max(1.0);
    for row in answer.rows() {
        table.rows.push(vec![
            Html::text(row.text("side")),
            Html::text(row.text("bin")),
            Html::from(count(row.count("clicks"))),
            Html::from(share(part(&row))),
            Html::from(count(row.count("unconfirmed"))),
            Html::from(count(row.count("participants"))),
        ]);
    }
    if table.rows.is_empty() {
        return;
    }
    let series = |name: &str, side| {
        let of = |bin: &&str| {
            let percent =
                answer.rows().find(|row| row.text("side") == name && row.text("bin") == *bin).map(|row| part(&row) * 100.0);
            percent.or((sum(name) > 0.0).then_some(0.0)).map(|percent| (percent, percent, percent))
        };
        Series { side, values: BINS.iter().map(of).collect() }
    };
    let lags = Lags {
        bins: BINS.iter().map(|bin| bin.replace('-', "\u{2013}")).collect(),
        series: vec![series("conversation", Side::Conversation), series("broadcast", Side::Broadcast)],
    };
    section.small = Some(lags.small().thumbnail());
    section.figure(
        lags.full().picture("lag-clicks", "Clicks by the time since what was clicked", "The same shares are in the table below."),
        "Of the clicks on replies (square, dashed) and of those on posts and shares (round): how many percent came how long after the \
            reply, post or share.",
    );
    section.tables.push(table);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(row: &str) -> String {
        let names = ["p_conversation", "p_broadcast", "difference", "difference_low", "difference_high", "verdict", "reason"];
        let names = names.map(|name| format!("{{\"name\":\"{name}\"}}")).join(",");
        let answer = Answer::from_json(format!("{{\"meta\":[{names}],\"data\":[{row}]}}").as_bytes()).unwrap();
        answer.rows().map(|row| (sentences(&row) + brief(&row)).into_string()).collect()
    }

    #[test]
    fn a_verdict_stands_with_its_shares_and_a_missing_one_with_its_reason() {
        let supported = sentence(r#"[0.9,0.1,0.8,0.7,0.85,"supported",""]"#);
        assert!(supported.contains("<b>supported</b> (a difference of 80.0 points, 70.0 to 85.0)."), "{supported}");
        let few = sentence(r#"[0.9,null,null,null,null,null,"few_roots"]"#);
        assert!(few.contains("<b>not known: too few posts were clicked</b>."), "{few}");
        assert!(few.contains("not known: no click on its posts is known</span> of those on posts"), "{few}");
        assert!(sentence(r#"[null,null,null,null,null,null,"few_roots"]"#).ends_with("not known: too few posts were clicked"));
    }
}
