//! When posts are written: over the days' rhythm, at a rate that makes the lines come out as asked.
//!
//! It decides only the times of posts; what follows a post is its plan's.

use super::dice::Dice;
use super::world::{DAY, HOUR, WEEK_START, rhythm};

/// Lines that a post is expected to bring, until experience says otherwise, and the weight of that expectation in posts.
const EXPECTED_LINES: u64 = 25;
const EXPECTED_WEIGHT: u64 = 100;
/// How a post's lines are spread over the hours after it, in 1/1,000: what a post at the end of the week still brings.
const BROUGHT: [(usize, u64); 7] = [(0, 60), (1, 180), (3, 350), (6, 520), (12, 720), (24, 870), (72, 1_000)];
/// Fine enough for ten million posts in a week.
const UNIT: u64 = 1 << 40;
/// The level of an ordinary day.
const ORDINARY: u64 = 1_000;

/// The days that are generated, from a Monday on: how much is posted on each, against an ordinary one, in 1/1,000.
#[derive(Clone, Debug)]
pub(crate) struct Days {
    levels: Vec<u64>,
}

impl Days {
    /// Seven ordinary ones.
    pub(crate) fn week() -> Self {
        Days { levels: vec![ORDINARY; 7] }
    }

    pub(crate) fn new(levels: Vec<u64>) -> Self {
        Days { levels }
    }

    /// The moment after the last one.
    pub(crate) fn end(&self) -> i64 {
        WEEK_START + i64::try_from(self.levels.len()).unwrap_or(0) * DAY
    }

    /// The level of the day of that time.
    pub(crate) fn level(&self, time: i64) -> u64 {
        usize::try_from((time - WEEK_START) / DAY).ok().and_then(|day| self.levels.get(day)).copied().unwrap_or(ORDINARY)
    }

    fn hours(&self) -> usize {
        self.levels.len() * 24
    }
}

/// The times of posts.
#[derive(Debug)]
pub(crate) struct Week {
    /// Lines expected from the posts of each hour, accumulated, in parts of `UNIT`: 0 first.
    until: Vec<u64>,
    /// How much of that has gone by.
    position: u64,
    /// Lines and posts so far.
    brought: u64,
    posts: u64,
}

impl Week {
    pub(crate) fn new(days: &Days) -> Self {
        let hours = days.hours();
        let weight = |hour: usize| rhythm(hour) * brought_by(hours - 1 - hour) * days.levels[hour / 24] / ORDINARY;
        let weights: Vec<u64> = (0..hours).map(weight).collect();
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
        let end = self.until.last().copied().unwrap_or(0);
        let left = end - self.position;
        let step = left / wanted.max(1) * lines_a_post;
        // Half of what is left at most, so that the days never end before the lines do.
        let step = step.min(left / 2);
        self.position += step / 1_000 * dice.below(2_000);
        self.position = self.position.min(end - 1);
        self.time()
    }

    /// Takes note of how many lines a post brings while the days go on.
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
