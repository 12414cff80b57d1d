//! When posts are written: over the week's rhythm, at a rate that makes the lines come out as asked.
//!
//! It decides only the times of posts; what follows a post is its plan's.

use super::dice::Dice;
use super::world::{HOUR, WEEK_START, rhythm};

/// Hours of a week.
const HOURS: usize = 168;
/// Lines that a post is expected to bring, until experience says otherwise, and the weight of that expectation in posts.
const EXPECTED_LINES: u64 = 25;
const EXPECTED_WEIGHT: u64 = 100;
/// How a post's lines are spread over the hours after it, in 1/1,000: what a post at the end of the week still brings.
const BROUGHT: [(usize, u64); 7] = [(0, 60), (1, 180), (3, 350), (6, 520), (12, 720), (24, 870), (72, 1_000)];
/// Fine enough for ten million posts in a week.
const UNIT: u64 = 1 << 40;

/// The times of posts.
#[derive(Debug)]
pub(crate) struct Week {
    /// Lines expected from the posts of each hour, accumulated, in parts of `UNIT`: 169 entries.
    until: Vec<u64>,
    /// How much of that has gone by.
    position: u64,
    /// Lines and posts so far.
    brought: u64,
    posts: u64,
}

impl Week {
    pub(crate) fn new() -> Self {
        let weights: Vec<u64> = (0..HOURS).map(|hour| rhythm(hour) * brought_by(HOURS - 1 - hour)).collect();
        let total: u64 = weights.iter().sum();
        let mut gone = 0;
        let mut until = vec![0];
        for weight in weights {
            gone += weight;
            until.push(gone * (UNIT / total));
        }
        Week { until, position: 0, brought: 0, posts: 0 }
    }

    /// The time of the next post, not before the last one's, when so many lines are still wanted.
    pub(crate) fn next_post(&mut self, dice: &mut Dice, wanted: u64) -> i64 {
        let lines_a_post = (self.brought + EXPECTED_LINES * EXPECTED_WEIGHT) / (self.posts + EXPECTED_WEIGHT);
        let end = self.until[HOURS];
        let left = end - self.position;
        let step = left / wanted.max(1) * lines_a_post;
        // Half of what is left at most, so that the week never ends before the lines do.
        let step = step.min(left / 2);
        self.position += step / 1_000 * dice.below(2_000);
        self.position = self.position.min(end - 1);
        self.time()
    }

    /// Takes note of how many lines a post brings in a week that goes on.
    pub(crate) fn note(&mut self, lines: u64) {
        self.brought += lines;
        self.posts += 1;
    }

    fn time(&self) -> i64 {
        let hour = self.until.partition_point(|&until| until <= self.position) - 1;
        let (from, to) = (self.until[hour], self.until[hour + 1]);
        let hour_ms = HOUR.unsigned_abs();
        // Within an hour nothing is gained by full precision; this cannot overflow.
        let within = ((self.position - from) >> 10) * hour_ms / ((to - from) >> 10).max(1);
        let hours = i64::try_from(hour).unwrap_or(0) * HOUR;
        WEEK_START + hours + i64::try_from(within.min(hour_ms - 1)).unwrap_or(0)
    }
}

/// How many of 1,000 lines of a post come within so many hours.
fn brought_by(hours: usize) -> u64 {
    BROUGHT.iter().rev().find(|(from, _)| *from <= hours).map_or(0, |(_, brought)| *brought)
}
