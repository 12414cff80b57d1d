//! The post of a life, as far as rows need it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::interner::Interner;
use super::super::pseudonym::DELETED;
use super::TEXT_AN_ENTRY;
use crate::record::Millis;

/// The root post, as far as rows need it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::engine) struct Post {
    pub(in crate::engine) time: Millis,
    pub(in crate::engine) actor: u64,
    pub(in crate::engine) is_brand: bool,
    pub(in crate::engine) mentions_brand: bool,
    /// Where it stands; no two posts share one, so it is not interned.
    pub(in crate::engine) url: Arc<str>,
    pub(in crate::engine) dimensions: Dimensions,
}

impl Post {
    /// Whether it is a message to the brand: it mentions it, and somebody known outside the brand wrote it.
    pub(in crate::engine) fn is_for_the_brand(&self) -> bool {
        self.mentions_brand && !self.is_brand && self.actor != DELETED
    }
}

/// What a root is grouped by; empty text where the post does not say, or is not seen.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::engine) struct Dimensions {
    pub(in crate::engine) brand: Arc<str>,
    pub(in crate::engine) campaign: Arc<str>,
    pub(in crate::engine) channel: Arc<str>,
    pub(in crate::engine) platform: Arc<str>,
    pub(in crate::engine) community: Arc<str>,
    pub(in crate::engine) experiment: Arc<str>,
    pub(in crate::engine) arm: Arc<str>,
    pub(in crate::engine) tags: Arc<[Arc<str>]>,
}

impl Dimensions {
    pub(super) fn of(post: &crate::event::Post<'_>, interner: &mut Interner) -> Self {
        Dimensions {
            brand: interner.intern(&post.brand),
            campaign: interner.intern(&post.campaign),
            channel: interner.intern(&post.channel),
            platform: interner.intern(&post.platform),
            community: interner.intern(&post.community),
            experiment: interner.intern(&post.experiment),
            arm: interner.intern(&post.arm),
            tags: post.tags.iter().map(|tag| interner.intern(tag)).collect(),
        }
    }

    pub(super) fn share(&mut self, interner: &mut Interner) {
        let Dimensions { brand, campaign, channel, platform, community, experiment, arm, tags } = self;
        for text in [brand, campaign, channel, platform, community, experiment, arm] {
            *text = interner.intern(text);
        }
        *tags = tags.iter().map(|tag| interner.intern(tag)).collect();
    }

    pub(super) fn bytes(&self) -> usize {
        let Dimensions { brand, campaign, channel, platform, community, experiment, arm, tags } = self;
        let texts = [brand, campaign, channel, platform, community, experiment, arm];
        // A tag costs memory besides its letters.
        texts.map(|text| text.len()).iter().sum::<usize>()
            + tags.iter().map(|tag| tag.len()).sum::<usize>()
            + tags.len() * TEXT_AN_ENTRY / 2
    }
}
