//! What replies bring: minutes out of the store, `crate::answers::response` does the regression, rows back.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::frame::{Frame, model_name};
use super::read::Reader;
use super::store::Store;
use crate::answers::immediacy::Finding;
use crate::answers::response::minute::{Clock, Minute, every_minute};
use crate::answers::response::{self, response};
use crate::failure::Failure;

const DOING: &str = "could not work out what replies bring";

#[derive(Row, Deserialize)]
struct MinuteRow {
    brand: String,
    minute: u32,
    visits: u32,
    brand_replies: u32,
    shares: u32,
    brand_posts: u32,
    events: Vec<u32>,
}

#[derive(Row, Deserialize)]
struct ClockRow {
    brand: String,
    /// Seconds since 1970.
    since: u32,
    utc_offset: i32,
}

#[derive(Row, Deserialize)]
struct Verdict {
    brand: String,
    verdict: Option<String>,
}

#[derive(Row, Serialize)]
struct ResponseRow {
    brand: Arc<str>,
    minutes: u8,
    visits_per_reply: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    lead: Option<f64>,
    lead_low: Option<f64>,
    lead_high: Option<f64>,
    lead_verdict: Option<&'static str>,
    beside_immediacy: &'static str,
    days: u64,
    replies: u64,
    reply_days: u64,
    reason: &'static str,
}

/// Makes the model of the answer. One brand's minutes at a time: 90 days of them are some megabytes.
pub(super) async fn make(store: &Store, frame: &Frame, model: &str) -> Result<(), Failure> {
    let reader = Reader { store, frame, doing: DOING };
    let known = Known::read(reader).await?;
    let columns = "brand, minute, visits, brand_replies, shares, brand_posts, events";
    let mut each = reader.sorted::<MinuteRow>("minute", columns, "brand, minute")?;
    let (mut brand, mut seen, mut rows) = (String::new(), Vec::new(), Vec::new());
    while let Some(row) = each.next().await? {
        if row.brand != brand {
            rows.extend(known.answer(&brand, &seen));
            seen.clear();
            brand.clone_from(&row.brand);
        }
        seen.push((row.minute, minute(&row)));
    }
    rows.extend(known.answer(&brand, &seen));
    store.run(DOING, &frame.make_like_answer(model)).await?;
    store.fill(DOING, &model_name(frame.number, model), rows.into_iter()).await
}

/// What is known of the brands beside their minutes.
struct Known {
    clocks: BTreeMap<String, Clock>,
    verdicts: BTreeMap<String, Option<Finding>>,
}

impl Known {
    async fn read(reader: Reader<'_>) -> Result<Known, Failure> {
        let mut clocks: BTreeMap<String, Clock> = BTreeMap::new();
        let columns = "toString(brand) AS brand, since, utc_offset";
        for row in reader.all::<ClockRow>("clock", columns).await? {
            clocks.entry(row.brand).or_default().set(row.since, row.utc_offset);
        }
        let verdicts = reader.all::<Verdict>("immediacy", "brand, verdict").await?;
        let verdicts = verdicts.into_iter().map(|row| (row.brand, row.verdict.as_deref().and_then(Finding::named)));
        Ok(Known { clocks, verdicts: verdicts.collect() })
    }

    /// The rows of a brand, none without a minute.
    fn answer(&self, brand: &str, seen: &[(u32, Minute)]) -> Vec<ResponseRow> {
        if seen.is_empty() {
            return Vec::new();
        }
        let utc = Clock::default();
        let minutes = every_minute(seen, self.clocks.get(brand).unwrap_or(&utc));
        let immediacy = self.verdicts.get(brand).copied().flatten();
        response(&brand.into(), &minutes, immediacy).into_iter().map(response_row).collect()
    }
}

fn minute(row: &MinuteRow) -> Minute {
    Minute {
        visits: row.visits,
        brand_replies: row.brand_replies,
        shares: row.shares,
        brand_posts: row.brand_posts,
        events: std::array::from_fn(|kind| row.events.get(kind).copied().unwrap_or_default()),
        ..Minute::default()
    }
}

fn response_row(row: response::Row) -> ResponseRow {
    ResponseRow {
        brand: row.brand,
        minutes: row.minutes,
        visits_per_reply: row.visits_per_reply,
        low: row.low,
        high: row.high,
        lead: row.lead,
        lead_low: row.lead_low,
        lead_high: row.lead_high,
        lead_verdict: row.lead_verdict.map(|verdict| verdict.text()),
        beside_immediacy: row.beside_immediacy.text(),
        days: row.days as u64,
        replies: row.replies,
        reply_days: row.reply_days as u64,
        reason: row.reason.map_or("", |reason| reason.text()),
    }
}
