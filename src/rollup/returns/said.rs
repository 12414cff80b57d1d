//! The rows of the answers about returns, as their tables hold them. Money as whole numbers of the last of six decimals.

use std::sync::Arc;

use ::clickhouse::Row;
use serde::Serialize;

use crate::answers::period::{Day, Period};
use crate::answers::roi::{self, RuledRow};
use crate::answers::{Side, comparison, immediacy};

/// The columns of [`ReturnRow`]: each of the four tables keeps those that it has.
pub(super) const RETURN: &str = "brand String, channel String, community String, campaign String, side String, period String, period_start Date, \
    period_end Date, complete Bool, margin_base Nullable(Decimal(38, 6)), cost_base Nullable(Decimal(38, 6)), roi Nullable(Float64), \
    roi_low Nullable(Float64), roi_high Nullable(Float64), roi_from Nullable(Float64), roi_to Nullable(Float64), verdict Nullable(String), \
    units UInt64, effective_units Nullable(Float64), conversions Float64, margin_traced Nullable(Decimal(38, 6)), \
    margin_of_earlier_posts Nullable(Decimal(38, 6)), cost_without_side_share Nullable(Float64), roi_so_far Nullable(Float64), \
    expected_share Nullable(Float64), reason String, notes Array(String)";

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

/// The first and the last day of a period, the end exclusive, as a `Date` holds them.
fn dates(period: Period) -> (u16, u16) {
    let date = |day: Day| u16::try_from(day.max(0)).unwrap_or(u16::MAX);
    (date(period.start), date(period.end))
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
