//! The rows of the answers about returns, as their tables hold them. Money as whole numbers of the last of six decimals.

use std::sync::Arc;

use ::clickhouse::Row;
use serde::Serialize;

use crate::answers::period::{Day, Period};
use crate::answers::places::{self, Standing};
use crate::answers::roi::{self, RuledRow};
use crate::answers::{Side, cohort, comparison, immediacy};

/// The columns of [`ReturnRow`]: each of the four tables keeps those that it has.
pub(super) const RETURN: &str = "brand String, channel String, community String, campaign String, side String, period String, period_start Date, \
    period_end Date, complete Bool, margin_base Nullable(Decimal(38, 6)), cost_base Nullable(Decimal(38, 6)), roi Nullable(Float64), \
    roi_low Nullable(Float64), roi_high Nullable(Float64), roi_from Nullable(Float64), roi_to Nullable(Float64), verdict Nullable(String), \
    units UInt64, effective_units Nullable(Float64), conversions Float64, margin_traced Nullable(Decimal(38, 6)), \
    margin_of_earlier_posts Nullable(Decimal(38, 6)), cost_without_side_share Nullable(Float64), roi_so_far Nullable(Float64), \
    expected_share Nullable(Float64), reason String, notes Array(String)";

/// The columns of [`PlaceRow`].
pub(super) const PLACED: &str = "brand String, channel String, community String, period_start Nullable(Date), period_end Nullable(Date), \
    margin_base Nullable(Decimal(38, 6)), cost_base Nullable(Decimal(38, 6)), average_roi Nullable(Float64), roi_low Nullable(Float64), \
    roi_high Nullable(Float64), units UInt64, effective_units Nullable(Float64), top1_share Nullable(Float64), roi_pooled Nullable(Float64), \
    sd Nullable(Float64), p_positive Nullable(Float64), p_top10 Nullable(Float64), place_rank Nullable(UInt64), rank_low Nullable(UInt64), \
    rank_high Nullable(UInt64), tied Bool, reason String, replies UInt64, visits_per_reply Nullable(Float64), \
    visits_per_reply_low Nullable(Float64), visits_per_reply_high Nullable(Float64), replies_reason String, posts UInt64, \
    visits_per_post Nullable(Float64), visits_per_post_low Nullable(Float64), visits_per_post_high Nullable(Float64), posts_reason String, \
    busy_less_quiet Nullable(Float64), busy_less_quiet_low Nullable(Float64), busy_less_quiet_high Nullable(Float64), busy_reason String";

#[derive(Row, Serialize)]
pub(super) struct ReturnRow {
    brand: Arc<str>,
    channel: Arc<str>,
    community: Arc<str>,
    campaign: Arc<str>,
    side: &'static str,
    period: &'static str,
    period_start: u16,
    period_end: u16,
    complete: bool,
    margin_base: Option<i128>,
    cost_base: Option<i128>,
    roi: Option<f64>,
    roi_low: Option<f64>,
    roi_high: Option<f64>,
    roi_from: Option<f64>,
    roi_to: Option<f64>,
    verdict: Option<&'static str>,
    units: u64,
    effective_units: Option<f64>,
    conversions: f64,
    margin_traced: Option<i128>,
    margin_of_earlier_posts: Option<i128>,
    cost_without_side_share: Option<f64>,
    roi_so_far: Option<f64>,
    expected_share: Option<f64>,
    reason: &'static str,
    notes: Vec<&'static str>,
}

#[derive(Row, Serialize)]
pub(super) struct RuleRow {
    brand: Arc<str>,
    channel: Arc<str>,
    side: &'static str,
    period: &'static str,
    period_start: u16,
    period_end: u16,
    model: &'static str,
    lookback_days: u16,
    complete: bool,
    margin_base: Option<i128>,
    cost_base: Option<i128>,
    roi: Option<f64>,
    reason: &'static str,
}

#[derive(Row, Serialize)]
pub(super) struct ComparisonRow {
    brand: Arc<str>,
    kind: &'static str,
    period: &'static str,
    period_start: u16,
    period_end: u16,
    channel: Arc<str>,
    community: Arc<str>,
    side: &'static str,
    first_margin_base: Option<i128>,
    first_cost_base: Option<i128>,
    second_margin_base: Option<i128>,
    second_cost_base: Option<i128>,
    log_ratio: Option<f64>,
    log_ratio_low: Option<f64>,
    log_ratio_high: Option<f64>,
    times: Option<f64>,
    p_first: Option<f64>,
    verdict: Option<&'static str>,
    reason: &'static str,
}

#[derive(Row, Serialize)]
pub(super) struct CohortRow {
    brand: Arc<str>,
    cohort: u16,
    side: &'static str,
    posts: u64,
    cost_base: Option<i128>,
    money_base: Option<i128>,
    time_base: Option<i128>,
    hours: f64,
    revenue_base: Option<i128>,
    margin_base: Option<i128>,
    margin_without_post: Option<i128>,
    conversions: Option<f64>,
    roi: Option<f64>,
    roi_low: Option<f64>,
    roi_high: Option<f64>,
    roi_lowest_model: Option<f64>,
    roi_highest_model: Option<f64>,
    roi_direct_0: Option<f64>,
    roi_direct_100: Option<f64>,
    roas: Option<f64>,
    effective_roots: Option<f64>,
    top1_share: Option<f64>,
    traced_share: Option<f64>,
    labour_coverage: Option<f64>,
    engagements: Option<u64>,
    clicks: Option<u64>,
    cost_per_engagement: Option<f64>,
    cost_per_click: Option<f64>,
    cost_per_acquisition: Option<f64>,
    mature: bool,
    basis: &'static str,
    reason: &'static str,
    base_currency: Arc<str>,
}

#[derive(Row, Serialize)]
pub(super) struct ImmediacyRow {
    brand: Arc<str>,
    p_conversation: Option<f64>,
    p_broadcast: Option<f64>,
    difference: Option<f64>,
    difference_low: Option<f64>,
    difference_high: Option<f64>,
    verdict: Option<&'static str>,
    reason: &'static str,
}

#[derive(Row, Serialize)]
pub(super) struct PlaceRow {
    brand: Arc<str>,
    channel: Arc<str>,
    community: Arc<str>,
    period_start: Option<u16>,
    period_end: Option<u16>,
    margin_base: Option<i128>,
    cost_base: Option<i128>,
    average_roi: Option<f64>,
    roi_low: Option<f64>,
    roi_high: Option<f64>,
    units: u64,
    effective_units: Option<f64>,
    top1_share: Option<f64>,
    roi_pooled: Option<f64>,
    sd: Option<f64>,
    p_positive: Option<f64>,
    p_top10: Option<f64>,
    place_rank: Option<u64>,
    rank_low: Option<u64>,
    rank_high: Option<u64>,
    tied: bool,
    reason: &'static str,
    replies: u64,
    visits_per_reply: Option<f64>,
    visits_per_reply_low: Option<f64>,
    visits_per_reply_high: Option<f64>,
    replies_reason: &'static str,
    posts: u64,
    visits_per_post: Option<f64>,
    visits_per_post_low: Option<f64>,
    visits_per_post_high: Option<f64>,
    posts_reason: &'static str,
    busy_less_quiet: Option<f64>,
    busy_less_quiet_low: Option<f64>,
    busy_less_quiet_high: Option<f64>,
    busy_reason: &'static str,
}

/// The first and the last day of a period, the end exclusive, as a `Date` holds them.
fn dates(period: Period) -> (u16, u16) {
    (date(period.start), date(period.end))
}

/// A day as a `Date` holds it.
fn date(day: Day) -> u16 {
    u16::try_from(day.max(0)).unwrap_or(u16::MAX)
}

pub(super) fn return_row(row: roi::Row) -> ReturnRow {
    let (period_start, period_end) = dates(row.period);
    ReturnRow {
        brand: row.brand,
        channel: row.place.channel,
        community: row.place.community,
        campaign: row.place.campaign,
        side: row.side.name(),
        period: row.period.span.name(),
        period_start,
        period_end,
        complete: row.complete,
        margin_base: row.margin_base,
        cost_base: row.cost_base,
        roi: row.roi,
        roi_low: row.roi_low,
        roi_high: row.roi_high,
        roi_from: row.roi_from,
        roi_to: row.roi_to,
        verdict: row.verdict.map(|verdict| verdict.text()),
        units: row.units as u64,
        effective_units: row.effective_units,
        conversions: row.conversions,
        margin_traced: row.margin_traced,
        margin_of_earlier_posts: row.margin_of_earlier_posts,
        cost_without_side_share: row.cost_without_side_share,
        roi_so_far: row.roi_so_far,
        expected_share: row.expected_share,
        reason: row.reason.map_or("", |reason| reason.text()),
        notes: row.notes.iter().map(|note| note.text()).collect(),
    }
}

pub(super) fn rule_row(row: RuledRow) -> RuleRow {
    let (period_start, period_end) = dates(row.period);
    RuleRow {
        brand: row.brand,
        channel: row.channel,
        side: row.side.name(),
        period: row.period.span.name(),
        period_start,
        period_end,
        model: row.rule.name(),
        lookback_days: row.lookback,
        complete: row.complete,
        margin_base: row.margin_base,
        cost_base: row.cost_base,
        roi: row.roi,
        reason: row.reason.map_or("", |reason| reason.text()),
    }
}

pub(super) fn comparison_row(row: comparison::Row) -> ComparisonRow {
    let (period_start, period_end) = dates(row.period);
    let ([first_margin_base, second_margin_base], [first_cost_base, second_cost_base]) = (row.margin_base, row.cost_base);
    ComparisonRow {
        brand: row.brand,
        kind: row.kind.name(),
        period: row.period.span.name(),
        period_start,
        period_end,
        channel: row.place.channel,
        community: row.place.community,
        side: row.side.map_or("", Side::name),
        first_margin_base,
        first_cost_base,
        second_margin_base,
        second_cost_base,
        log_ratio: row.log_ratio,
        log_ratio_low: row.log_ratio_low,
        log_ratio_high: row.log_ratio_high,
        times: row.times,
        p_first: row.p_first,
        verdict: row.verdict.map(|verdict| verdict.text()),
        reason: row.reason.map_or("", |reason| reason.text()),
    }
}

pub(super) fn immediacy_row(row: immediacy::Row) -> ImmediacyRow {
    ImmediacyRow {
        reason: row.reason(),
        brand: row.brand,
        p_conversation: row.p_conversation,
        p_broadcast: row.p_broadcast,
        difference: row.difference,
        difference_low: row.difference_low,
        difference_high: row.difference_high,
        verdict: row.verdict.map(|verdict| verdict.text()),
    }
}

pub(super) fn place_row(row: places::Row) -> PlaceRow {
    let (period_start, period_end) = row.period.map(dates).unzip();
    let of = |figure: fn(&Standing) -> f64| row.standing.as_ref().map(figure);
    let rank = |rank: fn(&Standing) -> Option<usize>| row.standing.as_ref().and_then(rank).map(|rank| rank as u64);
    PlaceRow {
        period_start,
        period_end,
        margin_base: row.margin_base,
        cost_base: row.cost_base,
        average_roi: row.average_roi,
        roi_low: row.roi_low,
        roi_high: row.roi_high,
        units: row.units as u64,
        effective_units: row.effective_units,
        top1_share: row.top1_share,
        roi_pooled: of(|standing| standing.roi_pooled),
        sd: of(|standing| standing.sd),
        p_positive: of(|standing| standing.p_positive),
        p_top10: of(|standing| standing.p_top10),
        place_rank: rank(|standing| standing.place_rank),
        rank_low: rank(|standing| Some(standing.rank_low)),
        rank_high: rank(|standing| Some(standing.rank_high)),
        tied: row.standing.is_some_and(|standing| standing.tied),
        reason: row.reason.map_or("", |reason| reason.text()),
        replies: row.replies.written,
        visits_per_reply: row.replies.each,
        visits_per_reply_low: row.replies.low,
        visits_per_reply_high: row.replies.high,
        replies_reason: row.replies.reason,
        posts: row.posts.written,
        visits_per_post: row.posts.each,
        visits_per_post_low: row.posts.low,
        visits_per_post_high: row.posts.high,
        posts_reason: row.posts.reason,
        busy_less_quiet: row.busy.less_quiet,
        busy_less_quiet_low: row.busy.low,
        busy_less_quiet_high: row.busy.high,
        busy_reason: row.busy.reason,
        brand: row.brand,
        channel: row.place.channel,
        community: row.place.community,
    }
}

pub(super) fn cohort_row(row: cohort::Row) -> CohortRow {
    CohortRow {
        brand: row.brand,
        cohort: date(row.week),
        side: row.side.map_or("all", Side::name),
        posts: row.posts as u64,
        cost_base: row.cost_base,
        money_base: row.money_base,
        time_base: row.time_base,
        hours: row.hours,
        revenue_base: row.revenue_base,
        margin_base: row.margin_base,
        margin_without_post: row.margin_without_post,
        conversions: row.conversions,
        roi: row.roi,
        roi_low: row.roi_low,
        roi_high: row.roi_high,
        roi_lowest_model: row.roi_lowest_model,
        roi_highest_model: row.roi_highest_model,
        roi_direct_0: row.roi_direct_0,
        roi_direct_100: row.roi_direct_100,
        roas: row.roas,
        effective_roots: row.effective_roots,
        top1_share: row.top1_share,
        traced_share: row.traced_share,
        labour_coverage: row.labour_coverage,
        engagements: row.reaction.map(|of| of.engagements),
        clicks: row.reaction.map(|of| of.clicks),
        cost_per_engagement: row.reaction.and_then(|of| of.cost_per_engagement),
        cost_per_click: row.reaction.and_then(|of| of.cost_per_click),
        cost_per_acquisition: row.cost_per_acquisition,
        mature: row.mature,
        basis: row.basis.text(),
        reason: row.reason.map_or("", |reason| reason.text()),
        base_currency: row.base_currency,
    }
}
