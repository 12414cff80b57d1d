//! 4: what came back, under all rules of credit.

use crate::report::answer::{Answer, Row};
use crate::report::chart::{Bar, Bars, Dot, Dots, Part, Side};
use crate::report::html::Html;
use crate::report::number::{capital, known, money, plain, range, share, short, signed_share, unknown_text};
use crate::report::section::{Meanings, Section, Table, paragraph};
use crate::report::words::{said, side};
use crate::report::{Asked, Frame, Query, Question};

use super::{gap, headline};

pub(super) const QUESTION: Question = Question {
    slug: "returns",
    title: "What came back, under all rules of credit?",
    short: "What came back?",
    queries: &[
        Query { name: "ROI by side and period", text: include_str!("returns_roi.sql") },
        Query { name: "Margin by rule of credit and side", text: include_str!("returns_rules.sql") },
        Query { name: "Which side returned more", text: include_str!("returns_comparison.sql") },
    ],
    beside_truth: &[gap::QUERY],
    answer,
};

const MEANINGS: Meanings = &[
    (
        "ROI",
        "(margin credited to the side's touches on the days of the period \u{2212} cost of those days) / that cost, where the \
            cost is money and time. \u{2212}100 % is nothing back; 0 % is the cost back. Average, not marginal: it does \
            not say what the next hour returns.",
    ),
    (
        "period",
        "The last 13 weeks end 30 days before the data do, because until then a sale may still credit a touch. Where the data begin \
            within them, all days with visits and costs stand for them. Weeks have no interval: a week carries too little.",
    ),
    (
        "interval",
        "95\u{a0}%: where as much effort of the same kind would lie, the cost taken as known. It counts posts and not visitors, because \
            visitors of one post share its fate.",
    ),
    (
        "range",
        "From the least to the most over what is assumed and not measured: five rules of credit, direct traffic left out or shared out, \
            estimated hours low or high, cost without a side left out or shared out.",
    ),
    (
        "so far",
        "Margin so far / cost \u{2212} 1 of a period whose sales may still come; beside it how much of the margin usually has come by now.",
    ),
    ("effective posts", "(sum of margins)\u{00b2} / sum of squared margins: how many posts of a size carry the value."),
    ("of earlier posts", "Margin in the period of posts that are older than it: what it harvests from before."),
    ("nobody's credit", "Sales without a visitor, or without a visit in the 30 days before."),
    (
        "rules of credit",
        "last: all to the last visit that was not direct; first: to the first one; linear: equal parts; position: 40 % to the first and \
            the last, 20 % between; time decay: half as much for every 7 days. The ROI is by \u{201c}last\u{201d}, within 30 days.",
    ),
];

/// Said with every figure of credit.
const RULE: &str = "Credit is a rule, not a cause: it does not say what would have come back without the posts. An experiment \
    does (question 5).";

/// Periods that an answer may be of, the best first.
const PERIODS: [&str; 3] = ["last_13_weeks", "all", "last_4_weeks"];

const SIDES: [&str; 2] = ["broadcast", "conversation"];

/// Which side returned more: the first sentence of the page.
pub(in crate::report) fn first_sentence(asked: &Asked) -> Html {
    headline::headline(asked.rows(2), asked.rows(1))
}

/// A bar a side, with its interval and range; nothing without a return.
pub(in crate::report) fn two_bars(asked: &Asked) -> Option<Html> {
    let rows = sides(asked.rows(0));
    let days = rows.first().map(days)?;
    let dots = both(&rows);
    let description: Vec<String> = dots.rows.iter().map(|row| format!("{}: {}", row.label, row.text)).collect();
    let caption = format!(
        "What came back beyond the cost, {days}. The line is the 95\u{a0}% interval, the pale bar what the assumptions span."
    );
    let picture = dots.full().picture("first-returns", "Return on what each side cost", &description.join("; "));
    Some(Html::tag("figure", picture + Html::tag("figcaption", Html::from(caption))))
}

fn both(rows: &[Row<'_>]) -> Dots {
    Dots { rows: rows.iter().map(|row| dot(row, capital(row.text("side")))).collect(), format: signed_share, bars: true }
}

/// The rows of the two sides over the best period of which a return is known. Where none is, over the first that the data cover.
fn sides(answer: &Answer) -> Vec<Row<'_>> {
    let of = |period: &&str| -> Vec<Row<'_>> {
        answer.rows().filter(|row| row.text("period") == *period && SIDES.contains(&row.text("side"))).collect()
    };
    let known = |rows: &Vec<Row<'_>>| rows.iter().any(|row| row.number("roi").is_some());
    let mut periods: Vec<Vec<Row<'_>>> = PERIODS.iter().map(of).filter(|rows| !rows.is_empty()).collect();
    let covered = |rows: &Vec<Row<'_>>| rows.iter().any(|row| row.text("reason") != "partial_start");
    let best = periods.iter().position(known).or_else(|| periods.iter().position(covered)).unwrap_or_default();
    if best < periods.len() { periods.swap_remove(best) } else { Vec::new() }
}

fn days(row: &Row<'_>) -> String {
    let name = match row.text("period") {
        "last_13_weeks" => "13 weeks, ",
        "last_4_weeks" => "4 weeks, ",
        _ => "",
    };
    format!("{name}{} to {}", row.text("period_start"), row.text("last_day"))
}

fn answer(asked: &Asked, frame: &Frame) -> Section {
    let mut section = Section { meanings: MEANINGS, ..Section::default() };
    let latest = sides(asked.rows(0));
    if latest.is_empty() {
        section = Section::without("no visit and no cost of a side is known", MEANINGS);
    } else {
        section.answer = latest.iter().map(sentence).collect();
        let brief: Vec<String> = latest.iter().map(|row| format!("{} {}", row.text("side"), in_short(row))).collect();
        section.brief = Html::from(capital(&brief.join("; ")));
        let dots = both(&latest);
        section.small = Some(dots.small().thumbnail());
    }
    weeks(asked.rows(0), &mut section);
    rules(asked.rows(1), latest.first().map_or("", |row| row.text("period")), &mut section);
    if !asked.rows(0).is_empty() {
        section.tables.push(table(asked.rows(0)));
    }
    section.answer += paragraph(RULE);
    if let Some(truth) = &frame.truth {
        section.answer += gap::gap(asked.rows(3), truth);
    }
    section
}

fn interval(row: &Row<'_>) -> Option<(f64, f64)> {
    Some((row.number("roi_low")?, row.number("roi_high")?))
}

fn span(row: &Row<'_>) -> Option<(f64, f64)> {
    Some((row.number("roi_from")?, row.number("roi_to")?))
}

/// What there is before a period is complete.
fn so_far(row: &Row<'_>) -> Option<String> {
    let so_far = format!("{} so far", signed_share(row.number("roi_so_far")?));
    Some(match row.number("expected_share") {
        Some(come) => format!("{so_far}, when {} of the margin usually has come", share(come)),
        None => so_far,
    })
}

/// The return and its interval, or why not.
fn in_short(row: &Row<'_>) -> String {
    let reason = || so_far(row).unwrap_or_else(|| unknown_text(row.text("reason")));
    let Some(roi) = row.number("roi") else { return reason() };
    let bounds = interval(row)
        .map_or_else(|| format!("interval {}", unknown_text(row.text("reason"))), |(low, high)| range(low, high, signed_share));
    format!("{} ({bounds})", signed_share(roi))
}

fn sentence(row: &Row<'_>) -> Html {
    let reason = row.text("reason");
    let text =
        |bounds: Option<(f64, f64)>| bounds.map_or_else(|| unknown_text(reason), |(low, high)| range(low, high, signed_share));
    let start = format!("{}, {}: ROI ", capital(row.text("side")), days(row));
    let rest = match row.number("roi") {
        Some(_) => format!(
            "; 95\u{a0}% interval {}; {} over what is assumed. {}",
            text(interval(row)),
            text(span(row)),
            match row.text("verdict") {
                "positive" => "More came back than was spent, whatever is assumed.",
                "negative" => "Less came back than was spent, whatever is assumed.",
                _ => "Whether more came back than was spent cannot be told.",
            }
        ),
        None => so_far(row).map_or_else(|| ".".to_owned(), |so_far| format!("; {so_far}.")),
    };
    let notes: Vec<String> = row.text("notes").split_whitespace().map(said).collect();
    let notes = if notes.is_empty() { String::new() } else { format!(" Mind: {}.", notes.join("; ")) };
    let roi = Html::tag("b", known(row.number("roi"), reason, signed_share));
    Html::tag("p", Html::from(start) + roi + Html::from(rest + &notes))
}

fn dot(row: &Row<'_>, label: String) -> Dot {
    let value = row.number("roi");
    Dot {
        label,
        text: in_short(row),
        side: Side::named(row.text("side")),
        value,
        interval: value.and(interval(row)),
        band: value.and(span(row)),
    }
}

/// The weeks of the report, each side by itself: what came back, or what has so far.
fn weeks(answer: &Answer, section: &mut Section) {
    let of_week = |row: &Row<'_>| row.text("period") == "week" && SIDES.contains(&row.text("side"));
    let week = |row: Row<'_>| {
        let roi = row.number("roi");
        let so_far = row.number("roi_so_far").map(|so_far| match row.number("expected_share") {
            Some(come) => format!("{} so far ({})", signed_share(so_far), share(come)),
            None => format!("{} so far", signed_share(so_far)),
        });
        let text = roi.map(signed_share).or(so_far).unwrap_or_else(|| unknown_text(row.text("reason")));
        let label = format!("{} {}", row.text("period_start"), row.text("side"));
        Dot { text, value: roi.or(row.number("roi_so_far")), ..dot(&row, label) }
    };
    let dots = Dots { rows: answer.rows().filter(of_week).map(week).collect(), format: signed_share, bars: true };
    if dots.rows.is_empty() {
        return;
    }
    let description: Vec<String> = dots.rows.iter().map(|row| format!("{}: {}", row.label, row.text)).collect();
    section.figure(
        dots.full().picture("returns-weeks", "Return by week and side", &description.join("; ")),
        "The weeks of this report by their Monday: margin credited to their touches over their cost, less 1; in brackets how much of the \
            margin usually has come by now. One week carries too little for an interval: do not act on one.",
    );
}

fn table(answer: &Answer) -> Table {
    let head = [
        "period",
        "days",
        "side",
        "cost",
        "margin",
        "sales",
        "ROI",
        "interval",
        "range",
        "so far",
        "margin with a post",
        "of earlier posts",
        "effective posts",
    ];
    let mut table = Table::new("Return by period and side, by the last visit that was not direct, within 30 days", &head);
    for row in answer.rows() {
        let (reason, currency) = (row.text("reason"), row.text("base_currency"));
        let bounds = |bounds: Option<(f64, f64)>| {
            bounds.map_or_else(|| known(None, reason, short), |(low, high)| Html::from(range(low, high, signed_share)))
        };
        let amount = |name: &str, reason: &str| known(row.number(name), reason, |value| money(value, currency));
        let so_far =
            so_far(&row).map_or_else(|| Html::text(if row.is("complete") { "complete" } else { "not complete" }), Html::from);
        table.rows.push(vec![
            Html::from(plain(row.text("period"))),
            Html::from(format!("{} to {}", row.text("period_start"), row.text("last_day"))),
            Html::from(side(row.text("side"))),
            amount("cost_base", reason),
            amount("margin_base", reason),
            Html::from(short(row.count("conversions"))),
            known(row.number("roi"), reason, signed_share),
            bounds(interval(&row)),
            bounds(span(&row)),
            so_far,
            amount("margin_traced", "no_clicks"),
            amount("margin_of_earlier_posts", reason),
            known(row.number("effective_units"), reason, short),
        ]);
    }
    table
}

/// Who gets the credit under each rule, over the same days.
fn rules(answer: &Answer, period: &str, section: &mut Section) {
    let period = if answer.rows().any(|row| row.text("period") == period) { period } else { "all" };
    let mut bars: Vec<Bar> = Vec::new();
    let mut table = Table::new("Margin by rule of credit and side, within 30 days", &["rule", "side", "margin"]);
    for row in answer.rows().filter(|row| row.text("period") == period) {
        let (name, margin) = (row.text("side"), row.number("margin_base"));
        let model = plain(row.text("model"));
        let margin_text = known(margin, "a rate is missing", |value| money(value, row.text("base_currency")));
        table.rows.push(vec![Html::text(&model), Html::from(side(name)), margin_text]);
        let part = Part { value: margin.unwrap_or_default(), side: Side::named(name), pale: name == "unattributed" };
        match bars.last_mut().filter(|last| last.label == model) {
            Some(bar) => bar.parts.push(part),
            None => bars.push(Bar { label: model, text: String::new(), parts: vec![part] }),
        }
    }
    if bars.is_empty() {
        return;
    }
    let bars = Bars { rows: bars.into_iter().map(labelled).collect() };
    let description: Vec<String> = bars.rows.iter().map(|bar| format!("{}: {}", bar.label, bar.text)).collect();
    section.figure(
        bars.full().picture("returns-rules", "Margin by side under each rule of credit", &description.join("; ")),
        "The margin of the same sales by the side that gets the credit under each rule: the rule alone moves it between the sides. \
            Grey: other visits; pale grey: nobody's credit.",
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

    fn answer(rows: &str) -> Answer {
        let names = ["period", "side", "roi", "roi_low", "roi_high", "roi_so_far", "expected_share", "reason"];
        let names = names.map(|name| format!("{{\"name\":\"{name}\"}}")).join(",");
        Answer::from_json(format!("{{\"meta\":[{names}],\"data\":[{rows}]}}").as_bytes()).unwrap()
    }

    #[test]
    fn the_longest_period_with_a_return_is_shown() {
        let rows = r#"["last_13_weeks","broadcast",null,null,null,null,null,"partial_start"],
            ["all","broadcast",0.5,0.2,0.9,null,null,""],["all","other",9,9,9,null,null,""],
            ["last_4_weeks","broadcast",7,7,7,null,null,""]"#;
        let answer = answer(rows);
        let shown: Vec<&str> = sides(&answer).iter().map(|row| row.text("period")).collect();
        assert_eq!(shown, ["all"]);
        assert_eq!(in_short(&sides(&answer)[0]), "+50\u{a0}% (+20\u{a0}% to +90\u{a0}%)");
    }

    #[test]
    fn what_is_not_known_says_why_and_what_there_is_so_far() {
        let rows = r#"["last_13_weeks","broadcast",null,null,null,null,null,"no_cost"],
            ["last_13_weeks","conversation",null,null,null,-0.5,0.8,"not_complete"],["x","y",0.5,null,null,null,null,"few_units"]"#;
        let answer = answer(rows);
        let texts: Vec<String> = answer.rows().map(|row| in_short(&row)).collect();
        assert_eq!(texts[0], "not known: no cost of it is known");
        assert_eq!(texts[1], "\u{2212}50\u{a0}% so far, when 80\u{a0}% of the margin usually has come");
        assert_eq!(texts[2], "+50\u{a0}% (interval not known: almost all of it hangs on one post)");
        assert_eq!(sides(&answer).len(), 2, "the first period stands where no return is known");
    }
}
