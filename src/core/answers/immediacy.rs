//! How soon clicks follow what was clicked: whether traffic from conversation is immediate and that from broadcast is not.
//!
//! From clicks alone. Machines fetch links as soon as they appear, and authors click their own: so only clicks that led to a visit
//! count, one a visitor and target, none in the first ten seconds, and none of people who wrote in the thread before. The model
//! `clicked` sees to that.

use std::sync::Arc;

pub use crate::estimate::ratio::Share;
use crate::estimate::ratio::{self, Apart, Total};

/// Roots that a side needs.
const ROOTS_MIN: usize = 20;

/// The least difference that is worth a verdict.
const DIFFERENCE_MIN: f64 = 0.1;

/// What is said of the hypothesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Clicks on conversation come sooner, by ten points or more.
    Supported,
    /// They come later, by ten points or more.
    Refuted,
    /// Neither.
    Undecided,
}

impl Finding {
    /// Its word in a row.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Finding::Supported => "supported",
            Finding::Refuted => "refuted",
            Finding::Undecided => "undecided",
        }
    }

    /// The one of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Finding> {
        [Finding::Supported, Finding::Refuted, Finding::Undecided].into_iter().find(|finding| finding.text() == word)
    }
}

/// The share of clicks within 15 minutes, of those from 10 seconds to 24 hours.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The brand.
    pub brand: Arc<str>,
    /// On replies.
    pub p_conversation: Option<f64>,
    /// On posts and shares.
    pub p_broadcast: Option<f64>,
    /// The first less the second.
    pub difference: Option<f64>,
    /// Where it lies with 95 %.
    pub difference_low: Option<f64>,
    /// Where it lies with 95 %.
    pub difference_high: Option<f64>,
    /// `None` with fewer than 20 roots on a side.
    pub verdict: Option<Finding>,
}

impl Row {
    /// Why there is no verdict, '' where there is one.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        if self.verdict.is_some() { "" } else { "few_roots" }
    }
}

/// What the clicks of a brand say. Of each root the clicks from 10 seconds to 24 hours after what was clicked, and those of them within
/// 15 minutes: on replies, and on posts and shares.
#[must_use]
pub fn immediacy(brand: &Arc<str>, clusters: &[(Share, Share)]) -> Row {
    let conversation = Total::of(clusters.iter().map(|root| root.0));
    let broadcast = Total::of(clusters.iter().map(|root| root.1));
    let enough = conversation.clusters.min(broadcast.clusters) >= ROOTS_MIN;
    let apart = ratio::apart(clusters).ok().filter(|_| enough);
    Row {
        brand: brand.clone(),
        p_conversation: conversation.share(),
        p_broadcast: broadcast.share(),
        difference: apart.map(|apart| apart.difference),
        difference_low: apart.map(|apart| apart.low),
        difference_high: apart.map(|apart| apart.high),
        verdict: apart.map(finding),
    }
}

fn finding(apart: Apart) -> Finding {
    if apart.low > 0.0 && apart.difference >= DIFFERENCE_MIN {
        Finding::Supported
    } else if apart.high < 0.0 && apart.difference <= -DIFFERENCE_MIN {
        Finding::Refuted
    } else {
        Finding::Undecided
    }
}
