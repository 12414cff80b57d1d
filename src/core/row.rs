//! The output schema: one struct a table, one field a column, in the order of
//! `deploy/clickhouse/001_tables.sql` (a test compares the two).
//!
//! Rows are whole and replace each other; what the columns mean is said in the migration.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

mod fact;

pub use fact::{Assignment, Click, Conversion, Cost, Report, TargetKind, Visit};

/// A map column of counts by log bucket of seconds, sorted by bucket.
pub type Histogram = Vec<(i16, u64)>;

/// Messages addressed to the brand in one quarter of an hour: its start in seconds since 1970, how many, and those of them
/// whose first answer by the brand came within 15 minutes, 1 hour and 24 hours.
pub type CustomerQuarter = (u32, u32, u32, u32, u32);

/// A share that others shared on: its actor, children, descendants (itself not among them), depth, and whether the
/// actor is known to write for the brand.
pub type TopNode = (u64, u32, u64, u32, bool);

/// What the post of one life says: its time, its author's side, and what the life is grouped by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "rows", derive(clickhouse::Row))]
#[expect(missing_docs, reason = "the columns are documented in the migration")]
pub struct Root {
    pub root: Arc<str>,
    pub epoch: u16,
    pub source: Arc<str>,
    pub opened: u64,
    pub version: u64,
    pub root_seen: bool,
    pub root_time: i64,
    pub root_is_brand: bool,
    pub root_to_brand: bool,
    pub brand: Arc<str>,
    pub campaign: Arc<str>,
    pub channel: Arc<str>,
    pub platform: Arc<str>,
    pub community: Arc<str>,
    pub experiment: Arc<str>,
    pub arm: Arc<str>,
    pub tags: Arc<[Arc<str>]>,
    pub url: Arc<str>,
}

/// What happened in one window of one life, by the events' own times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "rows", derive(clickhouse::Row))]
#[expect(missing_docs, reason = "the columns are documented in the migration")]
pub struct ActivityWindow {
    /// Seconds since 1970.
    pub window_start: u32,
    pub root: Arc<str>,
    pub epoch: u16,
    pub source: Arc<str>,
    pub opened: u64,
    pub version: u64,
    pub posts: u32,
    pub shares: u32,
    pub quotes: u32,
    pub replies: u32,
    pub brand_replies: u32,
    pub mentions: u32,
    pub reactions: u32,
    pub deletes: u32,
    pub clicks: u32,
    pub sharers: Vec<u64>,
    pub repliers: Vec<u64>,
    pub share_minutes: Vec<u8>,
    pub reply_minutes: Vec<u8>,
    pub brand_reply_minutes: Vec<u8>,
    pub samples: Vec<(Arc<str>, f64)>,
}

/// The shape of one life's tree of shares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "rows", derive(clickhouse::Row))]
#[expect(missing_docs, reason = "the columns are documented in the migration")]
pub struct Cascade {
    pub root: Arc<str>,
    pub epoch: u16,
    pub source: Arc<str>,
    pub opened: u64,
    pub version: u64,
    pub size: u64,
    pub max_depth: u32,
    pub levels: Vec<u64>,
    pub s1: u64,
    pub s2: u128,
    pub inferred: u64,
    pub cycles_cut: u32,
    pub self_edges: u32,
    pub reported_inferred: u64,
    pub unique_actors: u64,
    pub deleted_actors: u64,
    pub repeat_shares: u64,
    pub self_shares: u64,
    pub quotes: u64,
    pub deletes: u64,
    pub max_children: u64,
    pub reach: u64,
    pub reach_known: u64,
    pub first_time: i64,
    pub last_time: i64,
    pub ages_from_post: bool,
    pub age_hist: Histogram,
    pub delay_hist: Histogram,
    pub depth_first_ms: Vec<u64>,
    pub users_first_ms: Vec<(u32, u64)>,
    pub spreaders: u64,
    pub top_nodes: Vec<TopNode>,
}

/// The shape and the dialogue of one life's tree of replies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "rows", derive(clickhouse::Row))]
#[expect(missing_docs, reason = "the columns are documented in the migration")]
pub struct Thread {
    pub root: Arc<str>,
    pub epoch: u16,
    pub source: Arc<str>,
    pub opened: u64,
    pub version: u64,
    pub size: u64,
    pub max_depth: u32,
    pub levels: Vec<u64>,
    pub s1: u64,
    pub s2: u128,
    pub inferred: u64,
    pub cycles_cut: u32,
    pub self_edges: u32,
    pub unique_actors: u64,
    pub deleted_actors: u64,
    pub deletes: u64,
    pub h_index: u32,
    pub brand_replies: u64,
    pub audience_replies: u64,
    pub nonself_replies: u64,
    pub two_way_replies: u64,
    pub dyads: u64,
    pub reciprocal_pairs: u64,
    pub dyad_fwd: Vec<u64>,
    pub dyad_rev: Vec<u64>,
    pub aba: u64,
    pub aba_eligible: u64,
    pub longest_exchange: u32,
    pub reentrants: u64,
    pub sessions: u32,
    pub longest_session_ms: u64,
    pub longest_session_messages: u32,
    pub last_session_start: i64,
    pub first_time: i64,
    pub last_time: i64,
    pub latency_hist: Histogram,
    pub first_response_hist: Histogram,
    pub brand_response_hist: Histogram,
    pub customer_messages: u64,
    pub customer_messages_answered: u64,
    pub customer_quarters: Vec<CustomerQuarter>,
}

/// A record that is no event: where it came from, why, and its bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "rows", derive(clickhouse::Row))]
#[expect(missing_docs, reason = "the columns are documented in the migration")]
pub struct Rejected {
    pub epoch: u16,
    pub source: Arc<str>,
    pub offset: u64,
    pub version: u64,
    pub received: i64,
    pub reason: Arc<str>,
    pub detail: String,
    pub key: ByteBuf,
    pub payload: ByteBuf,
    pub headers: Vec<(String, ByteBuf)>,
    pub truncated: bool,
    pub replayed: bool,
}

/// How far the tables are complete for one source, and what was counted on the way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "rows", derive(clickhouse::Row))]
#[expect(missing_docs, reason = "the columns are documented in the migration")]
pub struct Progress {
    pub epoch: u16,
    pub source: Arc<str>,
    pub first: u64,
    pub version: u64,
    pub watermark: i64,
    pub read: u64,
    pub accepted: u64,
    pub duplicates: u64,
    pub conflicting_copies: u64,
    pub rejected: u64,
    pub accepted_by_type: Vec<(String, u64)>,
    pub log_end: u64,
    pub written: i64,
}

/// Rows of every table, on their way to the store together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Rows of `root`: inserted first, so that no other row of a life stands without its brand for long.
    pub roots: Vec<Root>,
    /// Rows of `activity_window`.
    pub activity_windows: Vec<ActivityWindow>,
    /// Rows of `cascade`.
    pub cascades: Vec<Cascade>,
    /// Rows of `thread`.
    pub threads: Vec<Thread>,
    /// Rows of `click`.
    pub clicks: Vec<Click>,
    /// Rows of `visit`.
    pub visits: Vec<Visit>,
    /// Rows of `conversion`.
    pub conversions: Vec<Conversion>,
    /// Rows of `cost`.
    pub costs: Vec<Cost>,
    /// Rows of `assignment`.
    pub assignments: Vec<Assignment>,
    /// Rows of `report`.
    pub reports: Vec<Report>,
    /// Rows of `rejects`.
    pub rejects: Vec<Rejected>,
    /// Rows of `progress`: inserted last.
    pub progress: Vec<Progress>,
}

impl Rows {
    /// Takes over the rows of another batch.
    pub fn append(&mut self, other: Rows) {
        let Rows {
            roots,
            activity_windows,
            cascades,
            threads,
            clicks,
            visits,
            conversions,
            costs,
            assignments,
            reports,
            rejects,
            progress,
        } = other;
        self.roots.extend(roots);
        self.activity_windows.extend(activity_windows);
        self.cascades.extend(cascades);
        self.threads.extend(threads);
        self.clicks.extend(clicks);
        self.visits.extend(visits);
        self.conversions.extend(conversions);
        self.costs.extend(costs);
        self.assignments.extend(assignments);
        self.reports.extend(reports);
        self.rejects.extend(rejects);
        self.progress.extend(progress);
    }

    /// Gives the rows of lives their version; facts and rejects have had theirs from their offset.
    pub fn set_version(&mut self, version: u64) {
        self.roots.iter_mut().for_each(|row| row.version = version);
        self.activity_windows.iter_mut().for_each(|row| row.version = version);
        self.cascades.iter_mut().for_each(|row| row.version = version);
        self.threads.iter_mut().for_each(|row| row.version = version);
    }

    /// How many rows of facts there are.
    #[must_use]
    pub fn facts(&self) -> usize {
        let people = self.clicks.len() + self.visits.len() + self.conversions.len() + self.assignments.len();
        people + self.costs.len() + self.reports.len()
    }

    /// How many rows there are, of all tables.
    #[must_use]
    pub fn len(&self) -> usize {
        let lives = self.roots.len() + self.activity_windows.len() + self.cascades.len() + self.threads.len();
        lives + self.facts() + self.rejects.len() + self.progress.len()
    }

    /// Whether there is nothing to insert.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
