//! How soon clicks follow what was clicked: whether traffic from conversation is immediate and that from broadcast is not.
//!
//! From clicks alone. Machines fetch links as soon as they appear, and authors click their own: so only clicks that led to a visit
//! count, one a visitor and target, none in the first ten seconds, and none of people who wrote in the thread before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{DAY, Side};
use crate::estimate::ratio::{self, Apart, Share, Total};

/// Days of clicks that are looked at.
const DAYS: i64 = 91;

/// Roots that a side needs.
const ROOTS_MIN: usize = 20;

/// The least difference that is worth a verdict.
const DIFFERENCE_MIN: f64 = 0.1;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

/// What was clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A post.
    Post,
    /// A share of one.
    Share,
    /// A reply.
    Reply,
}

impl Target {
    /// Its name in a row.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Target::Post => "post",
            Target::Share => "share",
            Target::Reply => "reply",
        }
    }

    /// The side that it is on.
    #[must_use]
    pub fn side(self) -> Side {
        match self {
            Target::Post | Target::Share => Side::Broadcast,
            Target::Reply => Side::Conversation,
        }
    }
}

/// A click. Names are told apart by numbers that stand for them.
#[derive(Clone, Debug, PartialEq)]
pub struct Click {
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// The root of what was clicked.
    pub root: u64,
    /// Its channel.
    pub channel: Arc<str>,
    /// Its community.
    pub community: Arc<str>,
    /// What was clicked.
    pub target: u64,
    /// When that was written, and what it is; `None`: the log does not say.
    pub posted: Option<(i64, Target)>,
    /// Who clicked: the visitor of a visit that names the click; `None`: no visit does.
    pub visitor: Option<u64>,
    /// That person had written in the root's tree before.
    pub participant: bool,
}

/// How old a target was when it was clicked, the lower end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bin {
    /// Before it was written: clocks differ.
    Before,
    /// Machines.
    Seconds10,
    /// 10 to 60 seconds.
    Seconds60,
    /// 1 to 5 minutes.
    Minutes5,
    /// 5 to 15 minutes.
    Minutes15,
    /// 15 to 60 minutes.
    Minutes60,
    /// 1 to 4 hours.
    Hours4,
    /// 4 to 24 hours.
    Hours24,
    /// When it was written is not known.
    TargetUnknown,
}

impl Bin {
    /// Its name in a row.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Bin::Before => "before",
            Bin::Seconds10 => "0-10 s",
            Bin::Seconds60 => "10-60 s",
            Bin::Minutes5 => "1-5 min",
            Bin::Minutes15 => "5-15 min",
            Bin::Minutes60 => "15-60 min",
            Bin::Hours4 => "1-4 h",
            Bin::Hours24 => "4-24 h",
            Bin::TargetUnknown => "target_unknown",
        }
    }

    /// The bin of an age in milliseconds; `None` from 24 hours on.
    fn of(age: i64) -> Option<Bin> {
        let ends = [
            (0, Bin::Before),
            (10 * SECOND, Bin::Seconds10),
            (MINUTE, Bin::Seconds60),
            (5 * MINUTE, Bin::Minutes5),
            (15 * MINUTE, Bin::Minutes15),
            (60 * MINUTE, Bin::Minutes60),
            (240 * MINUTE, Bin::Hours4),
            (DAY, Bin::Hours24),
        ];
        ends.into_iter().find(|(end, _)| age < *end).map(|(_, bin)| bin)
    }

    /// What of a click counts: whether it is a person's, and whether it was within 15 minutes.
    fn share(self) -> Share {
        match self {
            Bin::Seconds60 | Bin::Minutes5 | Bin::Minutes15 => Share { part: 1.0, whole: 1.0 },
            Bin::Minutes60 | Bin::Hours4 | Bin::Hours24 => Share { part: 0.0, whole: 1.0 },
            Bin::Before | Bin::Seconds10 | Bin::TargetUnknown => Share::default(),
        }
    }
}

/// What the lags of a place's clicks are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LagRow {
    /// The brand.
    pub brand: Arc<str>,
    /// What was clicked; `None` where that is not known.
    pub target: Option<Target>,
    /// The channel of the root.
    pub channel: Arc<str>,
    /// The community of the root.
    pub community: Arc<str>,
    /// How old it was.
    pub bin: Bin,
    /// Clicks that led to a visit, the first of a visitor on a target.
    pub clicks: u64,
    /// Clicks that led to none, and further ones of the same visitor.
    pub unconfirmed: u64,
    /// Clicks of people who had written in the thread.
    pub participant: u64,
}

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

/// Both tables of a brand: the lags of its clicks in the 91 days before all of a day's clicks have come, and what they say.
/// `complete_to` is how far the log has been read, in milliseconds since 1970; the order of the clicks does not matter.
#[must_use]
pub fn immediacy(brand: &Arc<str>, complete_to: i64, clicks: &[Click]) -> (Vec<LagRow>, Row) {
    let end = complete_to.saturating_sub(DAY);
    let mut clicks: Vec<&Click> =
        clicks.iter().filter(|click| click.time < end && click.time >= end.saturating_sub(DAYS * DAY)).collect();
    clicks.sort_by_key(|click| (click.time, click.target, click.visitor));
    let mut seen = BTreeSet::new();
    let mut lags: BTreeMap<_, LagRow> = BTreeMap::new();
    let mut roots: BTreeMap<u64, (Share, Share)> = BTreeMap::new();
    for click in clicks {
        let Some(bin) = bin(click, end) else { continue };
        let target = click.posted.map(|(_, target)| target);
        let lag = lags.entry((target, &click.channel, &click.community, bin)).or_insert_with(|| LagRow {
            brand: brand.clone(),
            target,
            channel: click.channel.clone(),
            community: click.community.clone(),
            bin,
            clicks: 0,
            unconfirmed: 0,
            participant: 0,
        });
        if click.participant {
            lag.participant += 1;
        } else if click.visitor.is_some_and(|visitor| seen.insert((visitor, click.target))) {
            lag.clicks += 1;
            count(roots.entry(click.root).or_default(), target, bin.share());
        } else {
            lag.unconfirmed += 1;
        }
    }
    let clusters: Vec<(Share, Share)> = roots.into_values().collect();
    (lags.into_values().collect(), row(brand, &clusters))
}

/// Where a click counts; `None` where it does not, or where clicks on its target may still come.
fn bin(click: &Click, end: i64) -> Option<Bin> {
    let Some((posted, _)) = click.posted else { return Some(Bin::TargetUnknown) };
    if posted > end { None } else { Bin::of(click.time.saturating_sub(posted)) }
}

fn count(root: &mut (Share, Share), target: Option<Target>, share: Share) {
    let side = match target {
        Some(Target::Reply) => &mut root.0,
        Some(Target::Post | Target::Share) => &mut root.1,
        None => return,
    };
    side.part += share.part;
    side.whole += share.whole;
}

fn row(brand: &Arc<str>, clusters: &[(Share, Share)]) -> Row {
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
