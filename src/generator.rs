//! A believable week of a brand's posts, shares and replies: seeded, fixed in the past, the same bytes for ever.
//!
//! Channels where people repeat and channels where they talk, several communities, days and nights; and
//! a little of what real logs hold: copies, late and swapped arrivals, posts overtaken by their shares, parents that
//! never come, deleted accounts. It makes no malformed lines, and only whole numbers decide, so that no
//! machine's arithmetic changes a byte. Memory holds the lines that are still to come of the posts written
//! so far, about a tenth of all.

mod dice;
mod line;
mod plan;
#[cfg(test)]
mod tests;
mod tree;
mod week;
mod world;

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use dice::Dice;
use plan::Pending;
use week::Week;

use crate::record::Millis;

/// One record for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The record's key: the root's id.
    pub key: String,
    /// The record's value: one event as JSON, without a line break.
    pub json: Vec<u8>,
    /// When it reaches the log: what a broker would stamp. Never before the event's own time.
    pub time: Millis,
}

/// The lines of the week, in the order in which they reach the log.
#[derive(Debug)]
pub struct Generator {
    dice: Dice,
    week: Week,
    /// Lines still to be planned.
    wanted: usize,
    /// No tree is larger, so that a few lines do not all belong to one.
    nodes_max: usize,
    posts: u64,
    /// When the next post is written; `None`: no other is.
    next_post: Option<Millis>,
    pending: BinaryHeap<Reverse<Turn>>,
    turns: u64,
}

/// A pending line and its place: by arrival, then in the order of planning.
#[derive(Debug)]
struct Turn {
    number: u64,
    pending: Pending,
}

impl Turn {
    fn place(&self) -> (Millis, u64) {
        (self.pending.arrival, self.number)
    }
}

impl PartialEq for Turn {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Turn {}

impl PartialOrd for Turn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Turn {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl Generator {
    /// Exactly so many events. The same seed and number give the same lines for ever.
    #[must_use]
    pub fn new(seed: u64, events: usize) -> Self {
        let mut generator = Generator {
            dice: Dice::new(seed),
            week: Week::new(),
            wanted: events,
            nodes_max: (events / 20).max(20),
            posts: 0,
            next_post: None,
            pending: BinaryHeap::new(),
            turns: 0,
        };
        generator.choose_next_post();
        generator
    }

    fn choose_next_post(&mut self) {
        let wanted = u64::try_from(self.wanted).unwrap_or(u64::MAX);
        self.next_post = (wanted > 0).then(|| self.week.next_post(&mut self.dice, wanted));
    }

    /// Plans everything that follows from a post; the last one is cut where the lines are enough.
    fn write_post(&mut self, time: Millis) {
        self.posts += 1;
        let mut lines = plan::plan(&mut self.dice, self.posts, time, self.nodes_max);
        self.week.note(u64::try_from(lines.len()).unwrap_or(u64::MAX));
        if lines.len() > self.wanted {
            lines.sort_by_key(|pending| pending.arrival);
            lines.truncate(self.wanted);
        }
        self.wanted -= lines.len();
        for pending in lines {
            self.turns += 1;
            self.pending.push(Reverse(Turn { number: self.turns, pending }));
        }
        self.choose_next_post();
    }
}

impl Iterator for Generator {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        // No line of a post that is still to be written can come before the post's own time.
        while let Some(time) = self.next_post
            && self.pending.peek().is_none_or(|Reverse(turn)| turn.pending.arrival >= time)
        {
            self.write_post(time);
        }
        let Reverse(Turn { number: _, pending }) = self.pending.pop()?;
        let json = line::write(&pending).into_bytes();
        Some(Line { key: line::root_id(&pending.post), json, time: pending.arrival })
    }
}
