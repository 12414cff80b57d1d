//! `grapevine report`: asks the store the ten questions about a brand and a period, and writes the answers as one HTML file.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use time::format_description::well_known::Iso8601;
use time::{Date, Duration};

use super::database::Database;
use super::outcome::{CommandError, say};
use crate::clickhouse::reach;
use crate::config;
use crate::failure::Failure;
use crate::report::{Answer, Asked, Frame, Query, Question, Run, Truth, page, questions};

/// Days of a report that nobody gave dates for: four of each weekday.
const DAYS: i64 = 28;

/// Whom and when the report is about, and where it goes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The brand, as in the events
    #[arg(long, value_name = "NAME")]
    pub brand: String,
    /// First day, of the brand's own calendar; without it 28 days up to --to
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub from: Option<Date>,
    /// Last day, included; without it the last one with data
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub to: Option<Date>,
    /// The file to write
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    pub output: PathBuf,
    /// What the sides caused, as `grapevine generate --truth` writes it: shown beside what they are credited with
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
}

fn day(text: &str) -> Result<Date, String> {
    // The parser leaves a time behind the day unread.
    let day = Date::parse(text, &Iso8601::DATE).ok().filter(|_| text.len() == "2026-03-31".len());
    day.ok_or_else(|| format!("{text} is no day; write it like 2026-03-31"))
}

/// A brand and the days between which it has data.
#[derive(::clickhouse::Row, Deserialize)]
struct Span {
    brand: String,
    timezone: String,
    first: String,
    last: String,
}

#[derive(::clickhouse::Row, Deserialize)]
struct Published {
    number: u64,
    published: String,
    as_of: String,
}

#[derive(::clickhouse::Row, Deserialize)]
struct Rows {
    rows: u64,
}

/// Days on which a brand has something, by the answers; the brand's own days. Not those of its costs, which may lie ahead.
const DAYS_OF_BRANDS: &str = "SELECT brand, day FROM activity_daily UNION ALL SELECT brand, day FROM traffic \
    UNION ALL SELECT brand, day FROM money WHERE entry IN ('revenue', 'refund')";

/// How often the questions are asked again because a run was published while they were asked.
const BEGINNINGS: usize = 5;

/// Makes the report.
///
/// # Errors
///
/// When the store cannot be reached, when no answers have been made or new ones all the time, when there is no such brand or nothing of it in
/// the period, and when the file cannot be written.
pub async fn run(config: &config::ClickHouse, arguments: &Arguments) -> Result<(), CommandError> {
    let database = Database::of_people(config).await?;
    for _ in 0..BEGINNINGS {
        let frame = frame(&database, arguments).await?;
        let mut asked = Vec::new();
        for question in questions() {
            asked.push(ask(&database, config, &question, &frame).await?);
        }
        // Answers show the newest run: of one run are those between whose first and last none was published.
        if newest_run(&database).await?.number == frame.run.number {
            return write(arguments, &frame, &asked);
        }
    }
    Err(CommandError::Refused(format!(
        "answers were made anew while the report read them, {BEGINNINGS} times in a row; make it between two runs of grapevine rollup"
    )))
}

/// Writes the page, and says of what it is.
fn write(arguments: &Arguments, frame: &Frame, asked: &[Asked]) -> Result<(), CommandError> {
    let html = page(frame, &questions(), asked);
    std::fs::write(&arguments.output, html).map_err(|error| CommandError::File(arguments.output.clone(), error))?;
    let (mut answered, mut failed) = (0, 0);
    for (_, reply) in asked.iter().flat_map(|asked| &asked.replies) {
        *if reply.is_ok() { &mut answered } else { &mut failed } += 1;
    }
    let file = arguments.output.display();
    let Frame { brand, from, to, run, .. } = frame;
    say(&format!("{file}: {brand}, {from} to {to}, run {}; {answered} queries answered, {failed} failed\n", run.number))
}

/// The newest run, which every question is asked of.
async fn newest_run(database: &Database) -> Result<Run, CommandError> {
    let query = "SELECT r.run AS number, toString(toDateTime(r.published, 'UTC')) AS published, \
                 ifNull(toString(toDateTime(r.as_of, 'UTC')), '') AS as_of FROM run AS r ORDER BY r.run DESC LIMIT 1";
    let runs: Vec<Published> = database.all("ask which run is the newest", database.query(query)).await?;
    let none = || CommandError::Refused("no answers have been made yet; run: grapevine rollup".to_owned());
    let Published { number, published, as_of } = runs.into_iter().next().ok_or_else(none)?;
    Ok(Run { number, published, as_of })
}

/// The brand with its days, checked against what there is.
async fn frame(database: &Database, arguments: &Arguments) -> Result<Frame, CommandError> {
    let run = newest_run(database).await?;
    let spans = spans(database).await?;
    let Some(span) = spans.iter().find(|span| span.brand == arguments.brand) else {
        return Err(CommandError::Refused(no_brand(&arguments.brand, &spans)));
    };
    let known = |text: &str| {
        Date::parse(text, &Iso8601::DATE).map_err(|_| CommandError::Refused(format!("the store named the day {text}")))
    };
    let to = arguments.to.map_or_else(|| known(&span.last), Ok)?;
    let from = arguments.from.unwrap_or_else(|| to.saturating_sub(Duration::days(DAYS - 1)));
    if from > to {
        return Err(CommandError::Refused(format!("the period ends before it begins: --from {from} is after --to {to}")));
    }
    let truth = arguments.truth.as_deref().map(|path| truth(path, &span.brand)).transpose()?;
    let frame = Frame { brand: span.brand.clone(), from, to, timezone: span.timezone.clone(), run, truth };
    let text =
        format!("SELECT count() AS rows FROM ({DAYS_OF_BRANDS}) WHERE brand = {{brand}} AND day BETWEEN {{from}} AND {{to}}");
    let rows: Vec<Rows> = database.all("ask for the period", database.query(&Query::fill(&text, &frame))).await?;
    if rows.iter().all(|row| row.rows == 0) {
        let Span { brand, first, last, .. } = span;
        return Err(CommandError::Refused(format!(
            "brand \"{brand}\" has no data from {from} to {to}: its data lie between {first} and {last}; choose --from \
                and --to there"
        )));
    }
    Ok(frame)
}

/// What the sides of the brand caused, from the generator's file.
fn truth(path: &Path, brand: &str) -> Result<Truth, CommandError> {
    let refused = |why: String| CommandError::Refused(format!("could not use --truth {}: {why}", path.display()));
    let json = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
    Truth::of(&json, brand).map_err(refused)
}

/// Every brand that has data, by name. Days are of the time zone that the brand has now; of UTC where it has none that is known.
async fn spans(database: &Database) -> Result<Vec<Span>, CommandError> {
    let query = format!(
        "SELECT toString(t.brand) AS brand, if(b.zone IN (SELECT time_zone FROM system.time_zones), b.zone, 'UTC') AS \
            timezone, toString(min(t.day)) AS first, toString(max(t.day)) AS last \
         FROM ({DAYS_OF_BRANDS}) AS t \
         LEFT JOIN (SELECT brand, toString(argMax(timezone, valid_from)) AS zone FROM brand GROUP BY brand) AS b ON b.brand = t.brand \
         WHERE t.brand != '' GROUP BY t.brand, b.zone ORDER BY brand"
    );
    database.all("ask which brands there are", database.query(&query)).await
}

fn no_brand(brand: &str, spans: &[Span]) -> String {
    let names: Vec<String> = spans.iter().take(10).map(|span| format!("\"{}\"", span.brand)).collect();
    let more = if spans.len() > 10 { format!(" and {} more", spans.len() - 10) } else { String::new() };
    if names.is_empty() {
        return format!("no brand \"{brand}\": the answers are of no brand yet; run a worker first, then: grapevine rollup");
    }
    format!("no brand \"{brand}\" in the answers; --brand can be {}{more}", names.join(", "))
}

/// Asks the queries of a question. One that the store refuses is an answer too; a store that is gone is an error.
async fn ask(
    database: &Database,
    config: &config::ClickHouse,
    question: &Question,
    frame: &Frame,
) -> Result<Asked, CommandError> {
    let mut asked = Asked::default();
    for query in question.asked(frame) {
        let sql = query.sql(frame);
        let reply = match database.json(&sql).await {
            Ok(bytes) => Answer::from_json(&bytes),
            Err(error) => {
                let gone = |error| CommandError::Store(format!("could not ask \"{}\"", query.name), error);
                reach(database.client(), config.send_timeout).await.map_err(gone)?;
                Err(reason(&error))
            }
        };
        asked.replies.push((sql, reply));
    }
    Ok(asked)
}

fn reason(error: &Failure) -> String {
    match error {
        Failure::Transient(text) | Failure::Operator(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_days_of_the_calendar() {
        assert_eq!(day("2026-03-31").unwrap().to_string(), "2026-03-31");
        for wrong in ["2026-02-30", "31.3.2026", "yesterday", "2026-03-31T00:00:00Z"] {
            assert_eq!(day(wrong).unwrap_err(), format!("{wrong} is no day; write it like 2026-03-31"));
        }
    }

    #[test]
    fn a_brand_that_is_not_there_names_those_that_are() {
        let span =
            |brand: &str| Span { brand: brand.to_owned(), timezone: String::new(), first: String::new(), last: String::new() };
        assert_eq!(no_brand("x", &[span("a"), span("b")]), "no brand \"x\" in the answers; --brand can be \"a\", \"b\"");
        assert!(no_brand("x", &[]).ends_with("then: grapevine rollup"));
        let many: Vec<Span> = (0..12).map(|number| span(&number.to_string())).collect();
        assert!(no_brand("x", &many).ends_with("\"9\" and 2 more"));
    }
}
