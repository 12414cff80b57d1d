//! When posts are written: over the days' rhythm, at a rate that makes the lines come out as asked.
//!
//! It decides only the times of posts; what follows a post is its plan's.

use super::dice::Dice;
use super::world::{DAY, EARLY, FIRST, HOUR, WEEK_START, rhythm};

/// Lines that a post is expected to bring where trees may be of any size, and the weight of that expectation in posts.
const EXPECTED_LINES: u64 = 25;
const EXPECTED_WEIGHT: u64 = 50;
/// How a post's lines are spread over the hours after it, in 1/1,000: what a post at the end of the week still brings.
const BROUGHT: [(usize, u64); 13] = [
    (0, 90),
    (1, 200),
    (2, 290),
    (3, 370),
    (4, 450),
    (6, 550),
    (8, 650),
    (12, 740),
    (18, 820),
    (24, 880),
    (36, 930),
    (48, 955),
    (72, 1_000),
];
/// Fine enough for ten million posts in a week.
const UNIT: u64 = 1 << 40;
/// The level of an ordinary day.
const ORDINARY: u64 = 1_000;
/// Hours at the end whose posts are planned together, until the lines are enough: what is missing or too much by then is spread over them.
/// At least so many, and of more days than twelve one part in so many.
const EVENING: usize = 12;
const EVENING_PART: usize = 24;

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

    /// Midnight after the last one: what is written down later, such as its time sheets, is written then.
    pub(crate) fn midnight(&self) -> i64 {
        WEEK_START + i64::try_from(self.levels.len()).unwrap_or(0) * DAY
    }

    /// The moment from which on nothing happens any more.
    pub(crate) fn end(&self) -> i64 {
        self.midnight() - EARLY
    }

    /// The level of the day of that time.
    pub(crate) fn level(&self, time: i64) -> u64 {
        usize::try_from((time - WEEK_START) / DAY).ok().and_then(|day| self.levels.get(day)).copied().unwrap_or(ORDINARY)
    }

    /// Hours from the first midnight to the end.
    fn hours(&self) -> usize {
        usize::try_from((self.end() - WEEK_START) / HOUR).unwrap_or(0)
    }

    /// How much is posted in an hour.
    fn weight(&self, hour: usize) -> u64 {
        let time = WEEK_START + i64::try_from(hour).unwrap_or(0) * HOUR;
        if time < FIRST { 0 } else { rhythm(hour) * self.level(time) / ORDINARY }
    }
}

/// The times of posts.
#[derive(Debug)]
pub(crate) struct Week {
    /// Posts until the start of each hour, in parts of `UNIT`: 0 first.
    until: Vec<u64>,
    /// What the posts from the start of each hour on bring of the lines that they would bring if the days went on, likewise: 0 last.
    lines_from: Vec<u64>,
    /// How much of `until` has gone by.
    position: u64,
    /// Lines so far, and posts in 1/1,000, each as far as the days go on after it; both with what was expected.
    brought: u64,
    posts: u64,
}

impl Week {
    /// Trees of at most so many nodes.
    pub(crate) fn new(days: &Days, nodes_max: usize) -> Self {
        let hours = days.hours();
        let expected = EXPECTED_LINES.min(4 + u64::try_from(nodes_max / 8).unwrap_or(EXPECTED_LINES));
        let total: u64 = (0..hours).map(|hour| days.weight(hour)).sum();
        let (mut until, mut lines_from) = (vec![0; hours + 1], vec![0; hours + 1]);
        for hour in 0..hours {
            until[hour + 1] = until[hour] + days.weight(hour) * (UNIT / total.max(1));
        }
        for hour in (0..hours).rev() {
            lines_from[hour] = lines_from[hour + 1] + (until[hour + 1] - until[hour]) / 1_000 * brought_by(hours - 1 - hour);
        }
        let (brought, posts) = (expected * EXPECTED_WEIGHT, 1_000 * EXPECTED_WEIGHT);
        Week { until, lines_from, position: 0, brought, posts }
    }

    /// Goes on to the next post, when so many lines are still wanted. Its time; in the evening the evening's start.
    pub(crate) fn next_post(&mut self, dice: &mut Dice, wanted: u64) -> i64 {
        let thousandths_a_post = self.brought * 1_000_000 / self.posts;
        let step = self.lines_from[self.hour()] / 1_000 * thousandths_a_post / wanted.max(1);
        self.position = (self.position + step / 1_000 * dice.below(2_000)).min(self.evening());
        self.time(self.position)
    }

    /// Whether the last hours have come.
    pub(crate) fn is_evening(&self) -> bool {
        self.position >= self.evening()
    }

    /// Any time in the last hours.
    pub(crate) fn evening_post(&self, dice: &mut Dice) -> i64 {
        let length = self.until.last().copied().unwrap_or(0) - self.evening();
        self.time(self.evening() + (length >> 20) * dice.below(1 << 20))
    }

    /// Takes note of how many lines a post brings while the days go on.
    pub(crate) fn note(&mut self, lines: u64) {
        self.brought += lines;
        self.posts += brought_by(self.until.len() - 2 - self.hour());
    }

    fn evening(&self) -> u64 {
        let hours = self.until.len() - 1;
        self.until[hours.saturating_sub(EVENING.max(hours / EVENING_PART))]
    }

    /// The hour of the position.
    fn hour(&self) -> usize {
        self.hour_of(self.position)
    }

    fn hour_of(&self, position: u64) -> usize {
        self.until.partition_point(|&until| until <= position).clamp(1, self.until.len() - 1) - 1
    }

    fn time(&self, position: u64) -> i64 {
        let hour = self.hour_of(position);
        let (from, to) = (self.until[hour], self.until[hour + 1]);
        let hour_ms = HOUR.unsigned_abs();
        // Within an hour nothing is gained by full precision; this cannot overflow.
        let within = ((position - from) >> 10) * hour_ms / ((to - from) >> 10).max(1);
        let hours = i64::try_from(hour).unwrap_or(0) * HOUR;
        WEEK_START + hours + i64::try_from(within.min(hour_ms - 1)).unwrap_or(0)
    }
}

/// How many of 1,000 lines of a post come within so many hours.
fn brought_by(hours: usize) -> u64 {
    BROUGHT.iter().rev().find(|(from, _)| *from <= hours).map_or(0, |(_, brought)| *brought)
}
