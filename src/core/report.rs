//! The report on a brand and a period: ten questions, each with a picture, the figures, what they mean and the query that
//! made them, as one HTML file that loads nothing.
//!
//! Pure: answers of one run in, HTML out. `src/command/report.rs` asks the store. A figure that an answer leaves NULL is
//! shown as not known, with its reason.

use time::{Date, Duration};

mod answer;
mod chart;
mod first;
mod html;
mod number;
mod page;
mod questions;
mod scale;
mod section;
mod truth;
mod words;

pub use answer::Answer;
pub use page::page;
pub use questions::questions;
use section::Section;
pub use truth::Truth;

/// A run of `grapevine rollup`, times as text and of UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub number: u64,
    /// When it was published.
    pub published: String,
    /// How far the data reached; empty where no source had reported.
    pub as_of: String,
}

/// Whom and when a report is about.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The brand, as in the events.
    pub brand: String,
    /// First day, of the brand's own calendar.
    pub from: Date,
    /// Last day, included.
    pub to: Date,
    /// The brand's time zone.
    pub timezone: String,
    /// The run whose answers are read, and no others.
    pub run: Run,
    /// What the sides caused, where that is known.
    pub truth: Option<Truth>,
}

impl Frame {
    /// How many days the period has.
    #[must_use]
    pub fn days(&self) -> i64 {
        (self.to - self.from).whole_days() + 1
    }

    /// First and last day of the period of the same length just before.
    #[must_use]
    pub fn previous(&self) -> (Date, Date) {
        (self.from.saturating_sub(Duration::days(self.days())), self.from.saturating_sub(Duration::DAY))
    }
}

/// One of the ten.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// Its name in links.
    pub slug: &'static str,
    /// The question.
    pub title: &'static str,
    /// The same on a tile.
    pub short: &'static str,
    /// What the store is asked. Without an answer to the first one there is no answer at all.
    pub queries: &'static [Query],
    /// What it is asked besides where the truth is known.
    beside_truth: &'static [Query],
    /// Makes a section of the answers.
    answer: fn(&Asked, &Frame) -> Section,
}

impl Question {
    /// Everything that the store is asked, in order.
    pub fn asked(&self, frame: &Frame) -> impl Iterator<Item = &'static Query> + use<> {
        let besides = if frame.truth.is_some() { self.beside_truth } else { &[] };
        self.queries.iter().chain(besides)
    }
}

/// A query with places to fill in: `{brand}`, `{from}`, `{to}`, `{previous_from}`, `{previous_to}`, `{timezone}`.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// What it is about, among those of its question.
    pub name: &'static str,
    /// The query; `{...}` stand for literals.
    pub text: &'static str,
}

impl Query {
    /// The query as it is run and as readers can run it again.
    #[must_use]
    pub fn sql(&self, frame: &Frame) -> String {
        Query::fill(self.text.trim_end(), frame)
    }

    /// A text with its places filled in, for queries that belong to no question.
    #[must_use]
    pub fn fill(text: &str, frame: &Frame) -> String {
        let (previous_from, previous_to) = frame.previous();
        let mut sql = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            sql += before;
            sql += &literal(&match name {
                "brand" => frame.brand.clone(),
                "timezone" => frame.timezone.clone(),
                "from" => frame.from.to_string(),
                "to" => frame.to.to_string(),
                "previous_from" => previous_from.to_string(),
                "previous_to" => previous_to.to_string(),
                other => other.to_owned(),
            });
            rest = after;
        }
        sql + rest
    }
}

/// A text as SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// What the store answered to the queries of one question, in their order.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The queries as they were run, and their answers or why there is none.
    pub replies: Vec<(String, Result<Answer, String>)>,
}

impl Asked {
    /// The rows of the query at a place; none where it failed, which the page says.
    fn rows(&self, at: usize) -> &Answer {
        static NONE: Answer = Answer::NONE;
        self.replies.get(at).and_then(|(_, reply)| reply.as_ref().ok()).unwrap_or(&NONE)
    }

    fn failure(&self, at: usize) -> Option<&str> {
        self.replies.get(at).and_then(|(_, reply)| reply.as_ref().err()).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(brand: &str) -> Frame {
        let day = |ordinal| Date::from_ordinal_date(2026, ordinal).unwrap();
        Frame {
            brand: brand.to_owned(),
            from: day(60),
            to: day(69),
            timezone: "UTC".to_owned(),
            run: Run::default(),
            truth: None,
        }
    }

    #[test]
    fn the_period_before_is_as_long_and_ends_the_day_before() {
        let frame = frame("acme");
        assert_eq!(frame.days(), 10);
        let (from, to) = frame.previous();
        assert_eq!((from.to_string(), to.to_string()), ("2026-02-19".to_owned(), "2026-02-28".to_owned()));
    }

    #[test]
    fn a_brand_is_a_literal_whatever_it_is_called() {
        let query = Query { name: "q", text: "SELECT 1 WHERE brand = {brand} AND day >= {from}" };
        let sql = query.sql(&frame("it's \\ {to}"));
        assert_eq!(sql, "SELECT 1 WHERE brand = 'it\\'s \\\\ {to}' AND day >= '2026-03-01'");
    }
}
