//! Facts become rows at once: what their own event says, and for a click the way from its root to the clicked target
//! as the tree was then.
//!
//! version = u64::MAX − offset, so the earliest copy of a fact wins: nothing is held here, and a replay writes the same rows.

use std::sync::Arc;

use super::life::{Dimensions, Life};
use super::path::Path;
use super::rejected::BYTES_A_ROW;
use super::{Engine, Slot};
use crate::event::{self, Body, Event};
use crate::record::{Millis, Record};
use crate::row;

/// The units of experiments whose ids stand in the tables as they were sent.
const UNITS_THAT_ARE_NO_PERSONS: [&str; 10] =
    ["root", "post", "community", "place", "channel", "campaign", "brand", "slot", "time_slot", "day"];

/// The columns that stand on every fact.
struct Key {
    id: String,
    epoch: u16,
    source: Arc<str>,
    key_source: Arc<str>,
    version: u64,
    time: Millis,
}

impl Engine {
    /// Puts the row of an accepted event into the pending batch, if it is a fact. A click names its life, if that is in memory.
    pub(super) fn keep_fact(&mut self, event: Event<'_>, record: &Record<'_>, life: Option<Slot>) {
        let offset = record.offset;
        let before = self.pending.facts();
        let key = || Key {
            id: event.id.into_owned(),
            epoch: self.rules.epoch,
            source: Arc::clone(&self.source),
            key_source: Arc::clone(&self.source),
            version: u64::MAX - offset,
            time: event.time,
        };
        match event.body {
            Body::Click(click) => self.keep_click(key(), *click, life),
            Body::Visit(visit) => self.keep_visit(key(), *visit),
            Body::Conversion(conversion) => self.keep_conversion(key(), *conversion),
            Body::Cost(cost) => self.pending.costs.push(cost_row(key(), *cost)),
            Body::Assign(assignment) => self.keep_assignment(key(), *assignment),
            Body::Report(report) => self.pending.reports.push(report_row(key(), *report)),
            Body::Post(_) | Body::Share(_) | Body::Reply(_) => {}
            Body::Reaction { .. } | Body::Delete { .. } | Body::Sample { .. } => {}
        }
        if self.pending.facts() > before {
            // So that a flood of long texts makes a flush due.
            self.pending_weight += record.payload.map_or(0, <[u8]>::len) / BYTES_A_ROW;
        }
    }

    fn keep_click(&mut self, key: Key, click: event::Click, life: Option<Slot>) {
        let names = self.names;
        let look = |life: &mut Life| (life.path_to(click.target.as_deref(), &names), dimensions(life));
        let found = life.and_then(|life| self.lives.change(life, look));
        // Of a life that has left memory, the root is known.
        let (path, dimensions) = found.unwrap_or_else(|| look(&mut Life::open(&click.root, 0, 0)));
        let Path { target_kind, target_time, target_inferred, nodes, actors, by_brand, depth, inferred } = path;
        let Key { id, epoch, source, key_source, version, time } = key;
        let root = click.root.clone();
        self.pending.clicks.push(row::Click {
            id,
            epoch,
            source,
            key_source,
            version,
            time,
            target_kind,
            target_time,
            target_inferred,
            path: std::iter::once(click.root).chain(nodes.iter().map(u64::to_string)).collect(),
            path_actors: actors,
            path_is_brand: by_brand,
            depth,
            path_inferred: inferred,
            visitor: names.visitor(click.visitor.as_deref()),
            has_visitor: click.visitor.is_some(),
            target: click.target.unwrap_or_else(|| root.clone()),
            root,
            utm_source: click.utm.source,
            utm_medium: click.utm.medium,
            utm_campaign: click.utm.campaign,
            utm_content: click.utm.content,
            utm_term: click.utm.term,
            brand: dimensions.brand,
            campaign: dimensions.campaign,
            channel: dimensions.channel,
            platform: dimensions.platform,
            community: dimensions.community,
        });
    }

    fn keep_visit(&mut self, key: Key, visit: event::Visit) {
        let Key { id, epoch, source, key_source, version, time } = key;
        self.pending.visits.push(row::Visit {
            id,
            epoch,
            source,
            key_source,
            version,
            time,
            visitor: self.names.visitor(visit.visitor.as_deref()),
            has_visitor: visit.visitor.is_some(),
            click: visit.click,
            brand: visit.brand,
            landing_host: visit.landing_host,
            landing_path: visit.landing_path,
            referrer_host: visit.referrer_host,
            utm_source: visit.utm.source,
            utm_medium: visit.utm.medium,
            utm_campaign: visit.utm.campaign,
            utm_content: visit.utm.content,
            utm_term: visit.utm.term,
        });
    }

    fn keep_conversion(&mut self, key: Key, conversion: event::Conversion) {
        let Key { id, epoch, source, key_source, version, time } = key;
        self.pending.conversions.push(row::Conversion {
            id,
            epoch,
            source,
            key_source,
            version,
            time,
            visitor: self.names.visitor(conversion.visitor.as_deref()),
            has_visitor: conversion.visitor.is_some(),
            brand: conversion.brand,
            kind: conversion.kind,
            amount: conversion.amount,
            currency: conversion.currency,
            margin_rate: conversion.margin_rate,
            refund_of: conversion.refund_of,
            relates_to: conversion.relates_to,
        });
    }

    /// A unit that is or may be a person is stored as its hash only, like every person.
    fn keep_assignment(&mut self, key: Key, assignment: event::Assignment) {
        let Key { id, epoch, source, key_source, version, time } = key;
        let event::Assignment { experiment, arm, unit, unit_type } = assignment;
        let unit = match unit_type.as_str() {
            kind if UNITS_THAT_ARE_NO_PERSONS.contains(&kind) => unit,
            "actor" => self.names.actor(Some(&unit)).to_string(),
            _ => self.names.visitor(Some(&unit)).to_string(),
        };
        self.pending.assignments.push(row::Assignment {
            id,
            epoch,
            source,
            key_source,
            version,
            time,
            experiment,
            arm,
            unit,
            unit_type,
        });
    }
}

/// What the click's root is grouped by, as far as its post was seen by then.
fn dimensions(life: &Life) -> Dimensions {
    life.post.as_ref().map_or_else(Dimensions::default, |post| post.dimensions.clone())
}

fn cost_row(key: Key, cost: event::Cost) -> row::Cost {
    let Key { id, epoch, source, key_source, version, time } = key;
    row::Cost {
        id,
        epoch,
        source,
        key_source,
        version,
        time,
        kind: cost.kind,
        amount: cost.amount,
        currency: cost.currency,
        seconds: cost.seconds,
        seconds_low: cost.seconds_low,
        seconds_high: cost.seconds_high,
        role: cost.role,
        estimated: cost.estimated,
        brand: cost.brand,
        campaign: cost.campaign,
        channel: cost.channel,
        community: cost.community,
        side: cost.side,
        period_start: cost.period_start,
        period_end: cost.period_end,
    }
}

fn report_row(key: Key, report: event::Report) -> row::Report {
    let Key { id, epoch, source, key_source, version, time } = key;
    row::Report {
        id,
        epoch,
        source,
        key_source,
        version,
        time,
        origin: report.origin,
        metric: report.metric,
        value: report.value,
        grain: report.grain,
        period_start: report.period_start,
        period_end: report.period_end,
        brand: report.brand,
        campaign: report.campaign,
        channel: report.channel,
    }
}
