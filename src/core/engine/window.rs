//! What happened in a window, by the events' own times: the rows of `activity_window`.
//!
//! A window is made of facts of the events themselves, nothing that depends on a parent, so it is
//! additive and never closes while its root lives. Keeps I4: per life, windows add up to the totals.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::head::Head;
use super::life::Life;
use super::pseudonym::DELETED;
use super::tree::{Node, Tree, flag};
use crate::record::Millis;
use crate::row::ActivityWindow;

/// The number of a window since 1970.
pub(super) type WindowIndex = u32;

const MINUTE: Millis = 60_000;

/// The window that a time falls into. Times are 1970 to 2105 and windows at least a minute, so it fits.
pub(super) fn index(time: Millis, window: Millis) -> WindowIndex {
    WindowIndex::try_from(time.div_euclid(window)).unwrap_or_default()
}

/// Facts of one window that are no nodes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) reactions: u32,
    pub(super) deletes: u32,
    pub(super) clicks: u32,
    /// The last value of each gauge, sorted by name.
    samples: Vec<Sample>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sample {
    metric: Arc<str>,
    time: Millis,
    value: f64,
}

/// What a sample did to its window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SampleEffect {
    pub(super) is_new_metric: bool,
    /// Whether the row shows another value now.
    pub(super) shows: bool,
}

impl Facts {
    /// Keeps the last value by time; of equal times, the greatest.
    pub(super) fn sample(&mut self, metric: &str, time: Millis, value: f64) -> SampleEffect {
        match self.samples.binary_search_by(|sample| (*sample.metric).cmp(metric)) {
            Err(place) => {
                self.samples.insert(place, Sample { metric: metric.into(), time, value });
                SampleEffect { is_new_metric: true, shows: true }
            }
            Ok(place) => {
                let last = &mut self.samples[place];
                let later = time.cmp(&last.time).then(value.total_cmp(&last.value)).is_gt();
                let shows = later && value.to_bits() != last.value.to_bits();
                if later {
                    (last.time, last.value) = (time, value);
                }
                SampleEffect { is_new_metric: false, shows }
            }
        }
    }
}

/// Adds the rows of the wanted windows of a life, which are sorted, in order.
pub(super) fn add_rows(life: &Life, head: &Head, window: Millis, wanted: &[WindowIndex], rows: &mut Vec<ActivityWindow>) {
    let first = rows.len();
    let mut windows = Windows { head, window, wanted, places: BTreeMap::new(), last: None, rows };
    if let Some(post) = &life.post
        && let Some((row, _)) = windows.at(post.time)
    {
        row.posts += 1;
        row.mentions += u32::from(post.mentions_brand);
    }
    windows.add(life.cascade.as_deref(), add_share);
    windows.add(life.thread.as_deref(), add_reply);
    for (&at, facts) in life.others.iter().flat_map(|others| &others.windows) {
        if let Some(row) = windows.row(at) {
            add_facts(row, facts);
        }
    }
    let rows = &mut rows[first..];
    rows.sort_unstable_by_key(|row| row.window_start);
    rows.iter_mut().for_each(sort_sets);
}

struct Windows<'a> {
    head: &'a Head,
    window: Millis,
    /// Sorted.
    wanted: &'a [WindowIndex],
    /// Where each window's row stands: rows are large, so they are built where they stay.
    places: BTreeMap<WindowIndex, usize>,
    /// The window and place that were asked for last: the next is often the same.
    last: Option<(WindowIndex, usize)>,
    rows: &'a mut Vec<ActivityWindow>,
}

impl Windows<'_> {
    fn add(&mut self, tree: Option<&Tree>, add: fn(&mut ActivityWindow, &Node, u8)) {
        for node in tree.map_or(&[][..], |tree| &tree.nodes()[1..]) {
            if let Some((row, minute)) = self.at(node.time) {
                row.mentions += u32::from(node.has(flag::MENTIONS_BRAND));
                add(row, node, minute);
            }
        }
    }

    /// The row of a time, and the minute in its window.
    fn at(&mut self, time: Millis) -> Option<(&mut ActivityWindow, u8)> {
        let minute = u8::try_from(time.rem_euclid(self.window) / MINUTE).unwrap_or(u8::MAX);
        let at = index(time, self.window);
        self.row(at).map(|row| (row, minute))
    }

    fn row(&mut self, at: WindowIndex) -> Option<&mut ActivityWindow> {
        if let Some((last, place)) = self.last
            && last == at
        {
            return self.rows.get_mut(place);
        }
        self.wanted.binary_search(&at).ok()?;
        let place = *self.places.entry(at).or_insert_with(|| {
            let seconds = u32::try_from(Millis::from(at) * self.window / 1000).unwrap_or(u32::MAX);
            self.rows.push(self.head.window_row(seconds));
            self.rows.len() - 1
        });
        self.last = Some((at, place));
        self.rows.get_mut(place)
    }
}

fn add_share(row: &mut ActivityWindow, node: &Node, minute: u8) {
    row.shares += 1;
    row.quotes += u32::from(node.has(flag::QUOTE));
    row.share_minutes.push(minute);
    if node.actor != DELETED {
        row.sharers.push(node.actor);
    }
}

fn add_reply(row: &mut ActivityWindow, node: &Node, minute: u8) {
    row.replies += 1;
    row.reply_minutes.push(minute);
    if node.has(flag::BRAND) {
        row.brand_replies += 1;
        row.brand_reply_minutes.push(minute);
    }
    if node.actor != DELETED {
        row.repliers.push(node.actor);
    }
}

fn add_facts(row: &mut ActivityWindow, facts: &Facts) {
    row.reactions += facts.reactions;
    row.deletes += facts.deletes;
    row.clicks += facts.clicks;
    row.samples.extend(facts.samples.iter().map(|sample| (Arc::clone(&sample.metric), sample.value)));
}

/// Equal content is equal bytes.
fn sort_sets(row: &mut ActivityWindow) {
    for actors in [&mut row.sharers, &mut row.repliers] {
        actors.sort_unstable();
        actors.dedup();
    }
    for minutes in [&mut row.share_minutes, &mut row.reply_minutes, &mut row.brand_reply_minutes] {
        minutes.sort_unstable();
    }
}
