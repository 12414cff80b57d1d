//! What happened in a window, by the events' own times: the rows of `activity_window`.
//!
//! A window is made of facts of the events themselves, nothing that depends on a parent, so it is
//! additive and never closes while its root lives. Keeps I4: per life, windows add up to the totals.

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
    /// About what a gauge takes, its name included.
    pub(super) const SAMPLE_BYTES: usize = 2 * size_of::<Sample>() + 32;

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
    rows.extend(wanted.iter().map(|&at| head.window_row(u32::try_from(start(at, window) / 1000).unwrap_or(u32::MAX))));
    let mut windows = Windows { window, wanted, rows: &mut rows[first..] };
    if let Some(post) = &life.post
        && let Some(row) = windows.row(index(post.time, window))
    {
        row.posts += 1;
        row.mentions += u32::from(post.mentions_brand);
    }
    windows.add(life.cascade.as_deref(), add_shares);
    windows.add(life.thread.as_deref(), add_replies);
    for (&at, facts) in life.others.iter().flat_map(|others| &others.windows) {
        if let Some(row) = windows.row(at) {
            add_facts(row, facts);
        }
    }
    windows.rows.iter_mut().for_each(sort_sets);
}

struct Windows<'a> {
    window: Millis,
    /// Sorted.
    wanted: &'a [WindowIndex],
    /// A row for each that is wanted; none stays empty, for an event of its own marked it.
    rows: &'a mut [ActivityWindow],
}

impl Windows<'_> {
    fn row(&mut self, at: WindowIndex) -> Option<&mut ActivityWindow> {
        let place = self.wanted.binary_search(&at).ok()?;
        self.rows.get_mut(place)
    }

    /// Adds the nodes of a tree in runs that fall into one window: a log is nearly in order, so there are few.
    fn add(&mut self, tree: Option<&Tree>, add: fn(&mut ActivityWindow, &[Node], Millis)) {
        let mut rest = tree.map_or(&[][..], |tree| &tree.nodes()[1..]);
        while let Some(node) = rest.first() {
            let at = index(node.time, self.window);
            let start = start(at, self.window);
            let span = start..start + self.window;
            let others = rest[1..].iter().take_while(|node| span.contains(&node.time)).count();
            let (run, after) = rest.split_at(1 + others);
            rest = after;
            if let Some(row) = self.row(at) {
                row.mentions += count(run, flag::MENTIONS_BRAND);
                add(row, run, start);
            }
        }
    }
}

/// When a window begins.
fn start(at: WindowIndex, window: Millis) -> Millis {
    Millis::from(at) * window
}

fn add_shares(row: &mut ActivityWindow, run: &[Node], start: Millis) {
    row.shares += length(run);
    row.quotes += count(run, flag::QUOTE);
    row.share_minutes.extend(run.iter().map(|node| minute(node, start)));
    add_actors(&mut row.sharers, run);
}

fn add_replies(row: &mut ActivityWindow, run: &[Node], start: Millis) {
    row.replies += length(run);
    row.brand_replies += count(run, flag::BRAND);
    row.reply_minutes.extend(run.iter().map(|node| minute(node, start)));
    row.brand_reply_minutes.extend(run.iter().filter(|node| node.has(flag::BRAND)).map(|node| minute(node, start)));
    add_actors(&mut row.repliers, run);
}

fn add_actors(actors: &mut Vec<u64>, run: &[Node]) {
    actors.reserve(run.len());
    actors.extend(run.iter().map(|node| node.actor).filter(|&actor| actor != DELETED));
}

fn length(run: &[Node]) -> u32 {
    u32::try_from(run.len()).unwrap_or(u32::MAX)
}

fn count(run: &[Node], flag: u8) -> u32 {
    run.iter().map(|node| u32::from(node.has(flag))).sum()
}

/// The minute in the window that began at `start`.
fn minute(node: &Node, start: Millis) -> u8 {
    u8::try_from((node.time - start) / MINUTE).unwrap_or(u8::MAX)
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
