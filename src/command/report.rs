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
use crate::report::{Answer, Asked, Frame, Query, Question, Truth, page, questions};

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
struct Reached {
    watermark: String,
}

#[derive(::clickhouse::Row, Deserialize)]
struct Rows {
    rows: u64,
}

/// Everything that a brand has, a time a row.
const TIMES: &str = "SELECT brand, window_start AS time FROM activity_row UNION ALL SELECT brand, toDateTime(time, \
    'UTC') FROM visit_row \
    UNION ALL SELECT brand, toDateTime(time, 'UTC') FROM conversion_row UNION ALL SELECT brand, toDateTime(time, 'UTC') FROM cost_row";

/// Makes the report.
///
/// # Errors
///
/// When the store cannot be reached, when there is no such brand or nothing of it in the period, and when the file cannot be written.
pub async fn run(config: &config::ClickHouse, arguments: &Arguments) -> Result<(), CommandError> {
    let database = Database::open(config).await?;
    let frame = frame(&database, arguments).await?;
    let mut asked = Vec::new();
    for question in questions() {
        asked.push(ask(&database, config, &question, &frame).await?);
    }
    let html = page(&frame, &questions(), &asked);
    std::fs::write(&arguments.output, html).map_err(|error| CommandError::File(arguments.output.clone(), error))?;
    let (mut answered, mut failed) = (0, 0);
    for (_, reply) in asked.iter().flat_map(|asked| &asked.replies) {
        *if reply.is_ok() { &mut answered } else { &mut failed } += 1;
    }
    let file = arguments.output.display();
    say(&format!("{file}: {}, {} to {}; {answered} queries answered, {failed} failed\n", frame.brand, frame.from, frame.to))
}

/// The brand with its days, checked against what there is.
async fn frame(database: &Database, arguments: &Arguments) -> Result<Frame, CommandError> {
    let spans = spans(database).await?;
    let Some(span) = spans.iter().find(|span| span.brand == arguments.brand) else {
        return Err(CommandError::Refused(no_brand(&arguments.brand, &spans)));
    };
    let known = |text: &str| {
        Date::parse(text, &Iso8601::DATE).map_err(|_| CommandError::Refused(format!("the store named the day {text}")))
    };
    let runs: Vec<Rows> = database.all("ask for answers", database.query("SELECT count() AS rows FROM run")).await?;
    if runs.iter().all(|runs| runs.rows == 0) {
        return Err(CommandError::Refused("no answers have been made yet; run: grapevine rollup".to_owned()));
    }
    let to = arguments.to.map_or_else(|| known(&span.last), Ok)?;
    let from = arguments.from.unwrap_or_else(|| to.saturating_sub(Duration::days(DAYS - 1)));
    if from > to {
        return Err(CommandError::Refused(format!("the period ends before it begins: --from {from} is after --to {to}")));
    }
    let watermark = "SELECT toString(min(s.watermark)) AS watermark \
                     FROM (SELECT watermark, max(watermark) OVER () AS newest FROM sources) AS s \
                     WHERE s.watermark > s.newest - toIntervalDay(1) HAVING count() > 0";
    let reached: Vec<Reached> = database.all("ask how far the data reach", database.query(watermark)).await?;
    let complete_until = reached.first().map_or_else(
        || "How far the data reach is not known: no source has reported.".to_owned(),
        |reached| format!("The data reach to {} UTC.", reached.watermark.split('.').next().unwrap_or_default()),
    );
    let truth = arguments.truth.as_deref().map(|path| truth(path, &span.brand)).transpose()?;
    let frame = Frame { brand: span.brand.clone(), from, to, timezone: span.timezone.clone(), complete_until, truth };
    let text = format!(
        "SELECT count() AS rows FROM ({TIMES}) WHERE brand = {{brand}} AND toDate(time, {{timezone}}) BETWEEN {{from}} \
            AND {{to}}"
    );
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
            timezone, \
         formatDateTime(min(t.time), '%F', timezone) AS first, formatDateTime(max(t.time), '%F', timezone) AS last \
         FROM ({TIMES}) AS t LEFT JOIN (SELECT brand, toString(argMax(timezone, valid_from)) AS zone FROM brand GROUP BY brand) AS b ON b.brand = t.brand \
         WHERE t.brand != '' GROUP BY t.brand, b.zone ORDER BY brand SETTINGS join_use_nulls = 0"
    );
    database.all("ask which brands there are", database.query(&query)).await
}

fn no_brand(brand: &str, spans: &[Span]) -> String {
    let names: Vec<String> = spans.iter().take(10).map(|span| format!("\"{}\"", span.brand)).collect();
    let more = if spans.len() > 10 { format!(" and {} more", spans.len() - 10) } else { String::new() };
    if names.is_empty() {
        return format!("no brand \"{brand}\": the database has no data of any brand yet; run a worker first");
    }
    format!("no brand \"{brand}\" in the database; --brand can be {}{more}", names.join(", "))
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
                reach(config).await.map_err(gone)?;
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
        assert_eq!(no_brand("x", &[span("a"), span("b")]), "no brand \"x\" in the database; --brand can be \"a\", \"b\"");
        assert!(no_brand("x", &[]).ends_with("run a worker first"));
        let many: Vec<Span> = (0..12).map(|number| span(&number.to_string())).collect();
        assert!(no_brand("x", &many).ends_with("\"9\" and 2 more"));
    }
}
