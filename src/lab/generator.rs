//! A believable week of a brand's posts, shares and replies: seeded, fixed in the past, the same bytes for ever.
//!
//! Channels where people repeat and channels where they talk, several communities, days and nights; and
//! a little of what real logs hold: copies, late and swapped arrivals, posts overtaken by their shares, parents that
//! never come, deleted accounts. It makes no malformed lines, and only whole numbers decide, so that no
//! machine's arithmetic changes a byte. Memory holds the lines that are still to come of the posts written
//! so far, about a tenth of all.

mod dice;
mod later;
mod line;
pub mod money;
mod people;
mod plan;
mod posts;
mod queue;
#[cfg(test)]
mod tests;
mod tree;
mod week;
mod world;

pub use later::{first_monday, weeks_later};
use plan::Pending;
use posts::Posts;
use queue::Queue;
use week::Days;

use crate::record::Millis;

/// One record for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The record's key, as the event format has it: mostly the root's id.
    pub key: String,
    /// The record's value: one event as JSON, without a line break.
    pub json: Vec<u8>,
    /// When it reaches the log: what a broker would stamp. Never before the event's own time.
    pub time: Millis,
}

/// The lines of the week, in the order in which they reach the log.
#[derive(Debug)]
pub struct Generator {
    posts: Posts,
    pending: Queue<Pending>,
}

impl Generator {
    /// Exactly so many events. The same seed and number give the same lines for ever.
    #[must_use]
    pub fn new(seed: u64, events: usize) -> Self {
        Generator { posts: Posts::new(seed, events, &Days::week()), pending: Queue::new() }
    }
}

impl Iterator for Generator {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        // No line of a post that is still to be written can come before the post's own time.
        while let Some(time) = self.posts.next_time()
            && !self.pending.has_before(time)
        {
            for pending in self.posts.write(|_, _| {}) {
                self.pending.push(pending.arrival, pending);
            }
        }
        self.pending.pop().map(|pending| line_of(&pending))
    }
}

fn line_of(pending: &Pending) -> Line {
    Line { key: line::root_id(&pending.post), json: line::write(pending).into_bytes(), time: pending.arrival }
}
