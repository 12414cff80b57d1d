//! What the brand wrote in a place in 13 weeks, and the visits that came by clicks on it.

use std::collections::BTreeMap;

use crate::answers::Place;
use crate::estimate::Unsaid;
use crate::estimate::ratio::{self, Share};
use crate::estimate::within::{self, Cluster};

/// How many weeks are looked at.
const WEEKS: usize = 13;

/// Roots that an interval needs.
const ROOTS_MIN: usize = 20;

/// Places that a comparison of busy and quiet weeks needs.
const PLACES_MIN: usize = 20;

/// What the brand wrote under one root in one week, and the visits by clicks on that, whenever they came.
#[derive(Clone, Debug, PartialEq)]
pub struct Effort {
    /// The root's place.
    pub place: Place,
    /// A number that stands for the root.
    pub root: u64,
    /// 0 to 12.
    pub week: u8,
    /// The brand's replies.
    pub replies: u64,
    /// Visits by clicks on them.
    pub reply_visits: u64,
    /// The root itself, if it is the brand's and of this week.
    pub posts: u64,
    /// Visits by clicks on it.
    pub post_visits: u64,
}

/// Visits for each thing that the brand wrote.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visits {
    /// How many things.
    pub written: u64,
    /// Visits for each.
    pub each: Option<f64>,
    /// Where that lies with 95 %, by roots.
    pub low: Option<f64>,
    /// The same.
    pub high: Option<f64>,
    /// The first thing that is missing, '' if nothing is.
    pub reason: &'static str,
}

impl Visits {
    /// Of nothing.
    pub const NONE: Visits = Visits { written: 0, each: None, low: None, high: None, reason: "none_written" };

    fn of(written: u64, roots: &[Share]) -> Visits {
        let whole: f64 = roots.iter().map(|root| root.whole).sum();
        if whole <= 0.0 {
            return Visits::NONE;
        }
        let each = Some(roots.iter().map(|root| root.part).sum::<f64>() / whole);
        let without = |reason| Visits { written, each, low: None, high: None, reason };
        match ratio::rate(roots) {
            Err(Unsaid::NoValue | Unsaid::NoCost) => without("no_visits"),
            _ if roots.len() < ROOTS_MIN => without("few_roots"),
            Err(Unsaid::FewUnits) => without("few_units"),
            Ok(rate) => Visits { written, each, low: Some(rate.low), high: Some(rate.high), reason: "" },
        }
    }
}

/// Visits a reply in the weeks in which the brand replied more than usual in a place, less that in its other weeks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Busy {
    /// On average over the places.
    pub less_quiet: Option<f64>,
    /// Where that lies with 95 %, by places.
    pub low: Option<f64>,
    /// The same.
    pub high: Option<f64>,
    /// Why there is none.
    pub reason: &'static str,
}

impl Busy {
    /// Of too few places, or of places that do not differ.
    pub const NONE: Busy = Busy { less_quiet: None, low: None, high: None, reason: "few_places" };
}

/// What is known of a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic {
    /// By root: visits and replies, visits and posts.
    roots: BTreeMap<u64, (Share, Share)>,
    /// By week: visits and replies.
    weeks: [Share; WEEKS],
    replies: u64,
    posts: u64,
}

impl Traffic {
    #[expect(clippy::cast_precision_loss, reason = "numbers of visits and replies")]
    pub(super) fn note(&mut self, effort: &Effort) {
        let add = |share: &mut Share, part: u64, whole: u64| {
            share.part += part as f64;
            share.whole += whole as f64;
        };
        let (replies, posts) = self.roots.entry(effort.root).or_default();
        add(replies, effort.reply_visits, effort.replies);
        add(posts, effort.post_visits, effort.posts);
        if let Some(week) = self.weeks.get_mut(usize::from(effort.week)) {
            add(week, effort.reply_visits, effort.replies);
        }
        self.replies += effort.replies;
        self.posts += effort.posts;
    }

    pub(super) fn replies(&self) -> Visits {
        Visits::of(self.replies, &written(self.roots.values().map(|root| root.0)))
    }

    pub(super) fn posts(&self) -> Visits {
        Visits::of(self.posts, &written(self.roots.values().map(|root| root.1)))
    }

    /// Its busy and its quiet weeks: those above the median of the weeks with a reply, and the others. A week without one has no visits
    /// a reply.
    fn cluster(&self) -> Option<Cluster> {
        let mut counts: Vec<f64> = self.weeks.iter().map(|week| week.whole).filter(|replies| *replies > 0.0).collect();
        counts.sort_unstable_by(f64::total_cmp);
        let upper = *counts.get(counts.len() / 2)?;
        let median = f64::midpoint(upper, *counts.get((counts.len() - 1) / 2)?);
        let (mut busy, mut quiet) = (Share::default(), Share::default());
        for week in &self.weeks {
            let sum = if week.whole > median { &mut busy } else { &mut quiet };
            sum.part += week.part;
            sum.whole += week.whole;
        }
        Cluster::of(busy, quiet)
    }
}

/// Of the roots those under which something was written.
fn written(roots: impl Iterator<Item = Share>) -> Vec<Share> {
    roots.filter(|root| root.whole > 0.0).collect()
}

/// All places together.
pub(super) fn busy<'a>(places: impl Iterator<Item = &'a Traffic>) -> Busy {
    let mut visited = false;
    let clusters = places.inspect(|place| visited |= place.weeks.iter().any(|week| week.part > 0.0));
    let clusters: Vec<Cluster> = clusters.filter_map(Traffic::cluster).collect();
    match within::mean(&clusters) {
        _ if clusters.len() < PLACES_MIN => Busy::NONE,
        // Not a difference of exactly 0: nothing was measured.
        _ if !visited => Busy { reason: "no_visits", ..Busy::NONE },
        Ok(mean) => Busy { less_quiet: Some(mean.difference), low: Some(mean.low), high: Some(mean.high), reason: "" },
        Err(_) => Busy::NONE,
    }
}
