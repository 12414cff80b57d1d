//! The columns that stand on every row of a life: identity, and what its post says.

use std::sync::Arc;

use super::life::{Dimensions, Life};
use crate::record::{Millis, Offset};
use crate::row::{ActivityWindow, Cascade, Thread};

/// The common columns of one life's rows, at one version.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) root: Arc<str>,
    pub(super) epoch: u16,
    pub(super) source: Arc<str>,
    pub(super) opened: Offset,
    pub(super) version: Offset,
    pub(super) root_seen: bool,
    pub(super) root_time: Millis,
    pub(super) root_is_brand: bool,
    pub(super) dimensions: Dimensions,
}

impl Head {
    pub(super) fn of(life: &Life, epoch: u16, source: &Arc<str>, version: Offset) -> Self {
        Head {
            root: Arc::clone(&life.root),
            epoch,
            source: Arc::clone(source),
            opened: life.opened,
            version,
            root_seen: life.post.is_some(),
            root_time: life.root_time().unwrap_or_default(),
            root_is_brand: life.post.as_ref().is_some_and(|post| post.is_brand),
            dimensions: life.post.as_ref().map_or_else(Dimensions::default, |post| post.dimensions.clone()),
        }
    }

    /// A row of `activity_window` in which nothing happened yet.
    pub(super) fn window_row(&self, window_start: u32) -> ActivityWindow {
        let dimensions = self.dimensions.clone();
        ActivityWindow {
            window_start,
            root: Arc::clone(&self.root),
            epoch: self.epoch,
            source: Arc::clone(&self.source),
            opened: self.opened,
            version: self.version,
            root_seen: self.root_seen,
            root_time: self.root_time,
            root_is_brand: self.root_is_brand,
            brand: dimensions.brand,
            campaign: dimensions.campaign,
            channel: dimensions.channel,
            platform: dimensions.platform,
            community: dimensions.community,
            experiment: dimensions.experiment,
            arm: dimensions.arm,
            tags: dimensions.tags,
            posts: Default::default(),
            shares: Default::default(),
            quotes: Default::default(),
            replies: Default::default(),
            brand_replies: Default::default(),
            mentions: Default::default(),
            reactions: Default::default(),
            deletes: Default::default(),
            clicks: Default::default(),
            sharers: Default::default(),
            repliers: Default::default(),
            share_minutes: Default::default(),
            reply_minutes: Default::default(),
            brand_reply_minutes: Default::default(),
            samples: Default::default(),
        }
    }

    /// A row of `cascade` before its tree is measured.
    pub(super) fn cascade_row(&self) -> Cascade {
        let dimensions = self.dimensions.clone();
        Cascade {
            root: Arc::clone(&self.root),
            epoch: self.epoch,
            source: Arc::clone(&self.source),
            opened: self.opened,
            version: self.version,
            root_seen: self.root_seen,
            root_time: self.root_time,
            root_is_brand: self.root_is_brand,
            brand: dimensions.brand,
            campaign: dimensions.campaign,
            channel: dimensions.channel,
            platform: dimensions.platform,
            community: dimensions.community,
            experiment: dimensions.experiment,
            arm: dimensions.arm,
            tags: dimensions.tags,
            size: Default::default(),
            max_depth: Default::default(),
            levels: Default::default(),
            s1: Default::default(),
            s2: Default::default(),
            inferred: Default::default(),
            cycles_cut: Default::default(),
            self_edges: Default::default(),
            reported_inferred: Default::default(),
            unique_actors: Default::default(),
            deleted_actors: Default::default(),
            repeat_shares: Default::default(),
            self_shares: Default::default(),
            quotes: Default::default(),
            deletes: Default::default(),
            max_children: Default::default(),
            reach: Default::default(),
            reach_known: Default::default(),
            first_time: Default::default(),
            last_time: Default::default(),
            age_hist: Default::default(),
            delay_hist: Default::default(),
            depth_first_ms: Default::default(),
            users_first_ms: Default::default(),
        }
    }

    /// A row of `thread` before its tree is measured.
    pub(super) fn thread_row(&self) -> Thread {
        let dimensions = self.dimensions.clone();
        Thread {
            root: Arc::clone(&self.root),
            epoch: self.epoch,
            source: Arc::clone(&self.source),
            opened: self.opened,
            version: self.version,
            root_seen: self.root_seen,
            root_time: self.root_time,
            root_is_brand: self.root_is_brand,
            brand: dimensions.brand,
            campaign: dimensions.campaign,
            channel: dimensions.channel,
            platform: dimensions.platform,
            community: dimensions.community,
            experiment: dimensions.experiment,
            arm: dimensions.arm,
            tags: dimensions.tags,
            size: Default::default(),
            max_depth: Default::default(),
            levels: Default::default(),
            s1: Default::default(),
            s2: Default::default(),
            inferred: Default::default(),
            cycles_cut: Default::default(),
            self_edges: Default::default(),
            unique_actors: Default::default(),
            deleted_actors: Default::default(),
            deletes: Default::default(),
            h_index: Default::default(),
            brand_replies: Default::default(),
            audience_replies: Default::default(),
            nonself_replies: Default::default(),
            two_way_replies: Default::default(),
            dyads: Default::default(),
            reciprocal_pairs: Default::default(),
            dyad_fwd: Default::default(),
            dyad_rev: Default::default(),
            aba: Default::default(),
            aba_eligible: Default::default(),
            longest_exchange: Default::default(),
            reentrants: Default::default(),
            sessions: Default::default(),
            longest_session_ms: Default::default(),
            longest_session_messages: Default::default(),
            last_session_start: Default::default(),
            first_time: Default::default(),
            last_time: Default::default(),
            latency_hist: Default::default(),
            first_response_hist: Default::default(),
            brand_response_hist: Default::default(),
            customer_messages: Default::default(),
            customer_messages_answered: Default::default(),
        }
    }
}
