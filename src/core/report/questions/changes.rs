//! 10: what changed since the period before.

use std::collections::BTreeMap;

use crate::report::answer::Answer;
use crate::report::chart::{Dot, Dots, Side, number_of};
use crate::report::html::Html;
use crate::report::number::{count, known, money, range, signed_share, unknown_text};
use crate::report::section::{Meanings, Section, Table, paragraph};
use crate::report::{Asked, Frame, Query, Question};

pub(super) const QUESTION: Question = Question {
    slug: "changes",
    title: "What changed since the period before?",
    short: "What changed since the last period?",
    queries: &[
        Query { name: "Activity by day of both periods", text: include_str!("changes_activity.sql") },
        Query { name: "Visits by day of both periods", text: include_str!("changes_visits.sql") },
        Query { name: "Money by day of both periods", text: include_str!("changes_money.sql") },
    ],
    beside_truth: &[],
    answer,
};

const MEANINGS: Meanings = &[
    (
        "the period before",
        "The period of the same length that ends on the day before this one begins. A day without a row counts as 0 \
            where the data reach.",
    ),
    ("change", "This period / the period before \u{2212} 1."),
    (
        "interval",
        "95\u{a0}%, from the spread of the days within each period, days taken as independent: a change whose interval \
            holds 0 is no larger than days differ anyway. It says nothing about why.",
    ),
    ("not known", "Of the period before there is nothing, or too little to compare, or a rate is missing."),
    ("revenue, cost", "Of the ledger, on the day of the money, refunds taken off, in the base currency: cash, not ROI."),
];

/// What is compared: its name, the query and column that it comes from, its side.
const MEASURES: [(&str, usize, &str, Side); 9] = [
    ("posts", 0, "posts", Side::Broadcast),
    ("shares", 0, "shares", Side::Broadcast),
    ("replies of others", 0, "audience_replies", Side::Conversation),
    ("replies of the brand", 0, "brand_replies", Side::Conversation),
    ("visits from broadcast", 1, "broadcast_visits", Side::Broadcast),
    ("visits from conversation", 1, "conversation_visits", Side::Conversation),
    ("other visits", 1, "other_visits", Side::Other),
    ("revenue", 2, "revenue", Side::Other),
    ("cost", 2, "cost", Side::Other),
];

/// A figure of the first screen.
pub(in crate::report) struct LargeFigure {
    pub(in crate::report) name: &'static str,
    pub(in crate::report) value: Html,
    /// Against the period before.
    pub(in crate::report) change: Html,
}

/// The figures of the first screen, as [`MEASURES`].
const LARGE: [(&str, usize, &str); 4] = [
    ("Sold", 2, "revenue"),
    ("Spent, hours included", 2, "cost"),
    ("Visits", 1, "all_visits"),
    ("Shares and replies", 0, "taken_part"),
];

/// The four figures of the first screen, each with its change.
pub(in crate::report) fn large_figures(asked: &Asked, frame: &Frame) -> Vec<LargeFigure> {
    let figure = |(name, query, column): (&'static str, usize, &str)| {
        let answer = asked.rows(query);
        if answer.is_empty() {
            let reason = "neither period has a row";
            return LargeFigure { name, value: known(None, reason, count), change: Html::default() };
        }
        let change = change((name, Side::Other), answer, column, frame);
        let against = match change.change {
            Some(_) if is_told(&change) => format!("{} on the period before", change.text()),
            Some(_) => format!("{} on the period before, no more than days differ", change.text()),
            None => format!("change {}", change.text()),
        };
        LargeFigure { name, value: change.amount(change.now), change: Html::from(against) }
    };
    LARGE.into_iter().map(figure).collect()
}

struct Change {
    name: &'static str,
    side: Side,
    /// Sums of both periods; none where a day is not known.
    before: Option<f64>,
    now: Option<f64>,
    /// The change, and its interval.
    change: Option<(f64, Option<(f64, f64)>)>,
    reason: &'static str,
    /// Of money; none of counts.
    currency: Option<String>,
}

fn answer(asked: &Asked, frame: &Frame) -> Section {
    let of = |(name, query, column, side): (&'static str, usize, &str, Side)| {
        let answer = asked.rows(query);
        (!answer.is_empty()).then(|| change((name, side), answer, column, frame))
    };
    let changes: Vec<Change> = MEASURES.into_iter().filter_map(of).collect();
    if changes.is_empty() {
        return Section::without("neither period has a row", MEANINGS);
    }
    let mut section = Section { meanings: MEANINGS, ..Section::default() };
    let told: Vec<&Change> = changes.iter().filter(|change| is_told(change)).collect();
    let list = |changes: &[&Change]| {
        changes.iter().map(|change| format!("{} {}", change.name, change.text())).collect::<Vec<_>>().join(", ")
    };
    section.answer = paragraph(if told.is_empty() {
        "Nothing changed by more than days differ anyway.".to_owned()
    } else {
        format!("Changed by more than days differ anyway: {}.", list(&told))
    });
    if changes.iter().all(|change| change.change.is_none()) {
        section.answer = Html::tag(
            "p",
            Html::text("What changed is ")
                + known(
                    None,
                    "the period before has too little to \
                compare",
                    count,
                )
                + Html::text("."),
        );
        section.brief = Html::from(unknown_text("nothing to compare with"));
    } else {
        section.brief = Html::from(if told.is_empty() {
            "Nothing beyond how days differ".to_owned()
        } else {
            list(told.get(..3).unwrap_or(&told))
        });
    }
    let dot = |change: &Change| Dot {
        label: change.name.to_owned(),
        text: change.text(),
        side: change.side,
        value: change.change.map(|(value, _)| value),
        interval: change.change.and_then(|(_, interval)| interval),
        band: None,
    };
    let dots = Dots { rows: changes.iter().map(dot).collect(), format: signed_share, bars: false };
    section.small = dots.rows.iter().any(|row| row.value.is_some()).then(|| dots.small().thumbnail());
    section.figure(
        dots.full().picture("changes-all", "Change against the period before", &list(&changes.iter().collect::<Vec<_>>())),
        "Change against the period before, with the 95\u{a0}% interval by days: what does not touch 0 is more than days \
            differ anyway.",
    );
    section.tables.push(table(&changes));
    section
}

fn change((name, side): (&'static str, Side), answer: &Answer, column: &str, frame: &Frame) -> Change {
    let values: BTreeMap<&str, Option<f64>> = answer.rows().map(|row| (row.text("day"), row.number(column))).collect();
    let (before_from, before_to) = frame.previous();
    let days = |from: time::Date, to: time::Date| -> Option<Vec<f64>> {
        let days = std::iter::successors(Some(from), |day| day.next_day()).take_while(|day| *day <= to);
        days.map(|day| values.get(day.to_string().as_str()).copied().unwrap_or(Some(0.0))).collect()
    };
    let (before, now) = (days(before_from, before_to), days(frame.from, frame.to));
    let one_currency = answer.rows().all(|row| row.number("currencies").is_none_or(|number| number <= 1.0));
    let currency = answer.names().iter().any(|name| name == "base_currency").then(|| {
        answer.rows().map(|row| row.text("base_currency")).find(|currency| !currency.is_empty()).unwrap_or_default().to_owned()
    });
    let sum = |days: &Option<Vec<f64>>| days.as_ref().map(|days| days.iter().sum::<f64>()).filter(|_| one_currency);
    let (sum_before, sum_now) = (sum(&before), sum(&now));
    let starts_before = answer.rows().next().is_some_and(|row| row.text("day") < before_to.to_string().as_str());
    let reason = match (sum_before, sum_now) {
        (None, _) | (_, None) => "a rate is missing, or the base currency changed",
        _ if !starts_before => "the data begin later",
        (Some(before), _) if before <= 0.0 => "nothing in the period before",
        _ => "",
    };
    let ratio = sum_before.zip(sum_now).filter(|_| reason.is_empty()).map(|(before, now)| now / before - 1.0);
    let interval = before.as_deref().zip(now.as_deref()).and_then(|(before, now)| interval(before, now));
    Change { name, side, before: sum_before, now: sum_now, change: ratio.map(|ratio| (ratio, interval)), reason, currency }
}

impl Change {
    fn amount(&self, value: Option<f64>) -> Html {
        known(value, self.reason, |value| self.currency.as_ref().map_or_else(|| count(value), |currency| money(value, currency)))
    }

    fn text(&self) -> String {
        self.change.map_or_else(|| unknown_text(self.reason), |(change, _)| signed_share(change))
    }
}

fn is_told(change: &Change) -> bool {
    change.change.and_then(|(_, interval)| interval).is_some_and(|(low, high)| low > 0.0 || high < 0.0)
}

/// 95 % of the ratio of two sums less 1, on the log scale, from the spread of the days.
fn interval(before: &[f64], now: &[f64]) -> Option<(f64, f64)> {
    let spread = |days: &[f64]| {
        let length = number_of(days.len());
        let mean = days.iter().sum::<f64>() / length;
        let variance = days.iter().map(|day| (day - mean).powi(2)).sum::<f64>() / (length - 1.0);
        (length >= 2.0 && mean > 0.0).then(|| (mean, variance / length / mean.powi(2)))
    };
    let ((mean_before, variance_before), (mean_now, variance_now)) = (spread(before)?, spread(now)?);
    let width = student(number_of(before.len() + now.len()) - 2.0) * (variance_before + variance_now).sqrt();
    let centre = (mean_now / mean_before).ln();
    Some(((centre - width).exp() - 1.0, (centre + width).exp() - 1.0))
}

/// The two-sided 95 % point of Student's t, by its expansion around the normal; good from 2 degrees of freedom on.
fn student(freedom: f64) -> f64 {
    1.96 + 2.372_27 / freedom + 2.8225 / freedom.powi(2) + 2.5558 / freedom.powi(3) + 1.59 / freedom.powi(4)
}

fn table(changes: &[Change]) -> Table {
    let mut table = Table::new("Both periods", &["what", "the period before", "this period", "change", "interval"]);
    for change in changes {
        let bounds = change.change.and_then(|(_, interval)| interval);
        table.rows.push(vec![
            Html::text(change.name),
            change.amount(change.before),
            change.amount(change.now),
            known(change.change.map(|(change, _)| change), change.reason, signed_share),
            bounds.map_or_else(|| known(None, change.reason, count), |(low, high)| Html::from(range(low, high, signed_share))),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_wide_where_days_differ_and_narrow_where_they_do_not() {
        let (low, high) = interval(&[10.0, 10.0, 10.0], &[20.0, 20.0, 20.0]).unwrap();
        assert!((low - 1.0).abs() < 1e-9 && (high - 1.0).abs() < 1e-9, "{low} {high}");
        let (low, high) = interval(&[1.0, 30.0, 2.0, 7.0], &[20.0, 3.0, 50.0, 7.0]).unwrap();
        assert!(low < 0.0 && high > 2.0, "{low} {high}");
        assert_eq!(interval(&[0.0, 0.0], &[1.0, 2.0]), None);
        assert_eq!(interval(&[1.0], &[1.0]), None);
    }

    #[test]
    fn student_is_that_of_the_tables() {
        for (freedom, expected) in [(2.0, 4.303), (5.0, 2.571), (12.0, 2.179), (54.0, 2.005)] {
            assert!((student(freedom) - expected).abs() < 0.06, "{freedom}: {}", student(freedom));
        }
    }
}
