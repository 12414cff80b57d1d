//! The tables of facts. Of rows with one id and source the one with the greatest version stands: the largest 64-bit
//! number less the offset, so the first copy.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_repr::{Deserialize_repr, Serialize_repr};

/// The kind of what held a clicked link, as known when the click was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize_repr, Deserialize_repr)]
#[repr(i8)]
#[expect(missing_docs, reason = "the names are those of the column's enumeration")]
pub enum TargetKind {
    #[default]
    Unknown = 0,
    Post = 1,
    Share = 2,
    Reply = 3,
}

/// A click on a link of a post, share or reply.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "rows", derive(clickhouse::Row))]
#[expect(missing_docs, reason = "the columns are documented in the migration")]
pub struct Click {
    pub id: String,
    pub epoch: u16,
    pub source: Arc<str>,
    pub key_source: Arc<str>,
    pub version: u64,
    pub time: i64,
    pub root: String,
    pub target: String,
    pub target_kind: TargetKind,
    pub target_time: Option<i64>,
    pub target_inferred: bool,
    pub path: Vec<String>,
    pub path_actors: Vec<u64>,
    pub path_is_brand: Vec<bool>,
    pub depth: u32,
    pub path_inferred: u32,
    pub visitor: u64,
    pub has_visitor: bool,
    pub utm_source: String,
    pub utm_medium: String,
    pub utm_campaign: String,
    pub utm_content: String,
    pub utm_term: String,
    pub brand: Arc<str>,
    pub campaign: Arc<str>,
    pub channel: Arc<str>,
    pub platform: Arc<str>,
    pub community: Arc<str>,
}

/// A visit of a landing page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "rows", derive(clickhouse::Row))]
#[expect(missing_docs, reason = "the columns are documented in the migration")]
pub struct Visit {
    pub id: String,
    pub epoch: u16,
    pub source: Arc<str>,
    pub key_source: Arc<str>,
    pub version: u64,
    pub time: i64,
    pub visitor: u64,
    pub has_visitor: bool,
    pub click: String,
    pub brand: String,
    pub landing_host: String,
    pub landing_path: String,
    pub referrer_host: String,
    pub utm_source: String,
    pub utm_medium: String,
    pub utm_campaign: String,
    pub utm_content: String,
    pub utm_term: String,
}

/// A conversion, or its refund. Money in millionths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "rows", derive(clickhouse::Row))]
#[expect(missing_docs, reason = "the columns are documented in the migration")]
pub struct Conversion {
    pub id: String,
    pub epoch: u16,
    pub source: Arc<str>,
    pub key_source: Arc<str>,
    pub version: u64,
    pub time: i64,
    pub visitor: u64,
    pub has_visitor: bool,
    pub brand: String,
    pub kind: String,
    pub amount: i128,
    pub currency: String,
    pub margin_rate: Option<i32>,
    pub refund_of: String,
    pub relates_to: String,
}

/// Money or time spent. Money in millionths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "rows", derive(clickhouse::Row))]
#[expect(missing_docs, reason = "the columns are documented in the migration")]
pub struct Cost {
    pub id: String,
    pub epoch: u16,
    pub source: Arc<str>,
    pub key_source: Arc<str>,
    pub version: u64,
    pub time: i64,
    pub kind: String,
    pub amount: Option<i128>,
    pub currency: String,
    pub seconds: Option<i64>,
    pub seconds_low: Option<i64>,
    pub seconds_high: Option<i64>,
    pub role: String,
    pub estimated: bool,
    pub brand: String,
    pub campaign: String,
    pub channel: String,
    pub community: String,
    pub side: String,
    pub period_start: Option<i64>,
    pub period_end: Option<i64>,
}

/// Who or what was assigned to an arm of an experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "rows", derive(clickhouse::Row))]
#[expect(missing_docs, reason = "the columns are documented in the migration")]
pub struct Assignment {
    pub id: String,
    pub epoch: u16,
    pub source: Arc<str>,
    pub key_source: Arc<str>,
    pub version: u64,
    pub time: i64,
    pub experiment: String,
    pub arm: String,
    pub unit: String,
    pub unit_type: String,
}

/// A figure that a platform reports of itself, in millionths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "rows", derive(clickhouse::Row))]
#[expect(missing_docs, reason = "the columns are documented in the migration")]
pub struct Report {
    pub id: String,
    pub epoch: u16,
    pub source: Arc<str>,
    pub key_source: Arc<str>,
    pub version: u64,
    pub time: i64,
    pub origin: String,
    pub metric: String,
    pub value: i128,
    pub grain: String,
    pub period_start: Option<i64>,
    pub period_end: Option<i64>,
    pub brand: String,
    pub campaign: String,
    pub channel: String,
}
