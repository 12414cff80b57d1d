//! Posts and everything that hangs from them, planned one after the other in the order in which they are written.

use super::dice::Dice;
use super::plan::{self, Pending, Post};
use super::tree::Stage;
use super::week::{Days, Week};

use crate::record::Millis;

/// A post may take half of the lines that are left, so that the others have some until the end; this few it may take in any case.
const LINES_ANYWAY: usize = 20;

/// The posts of the days, as many as the lines wanted need.
#[derive(Debug)]
pub(crate) struct Posts {
    dice: Dice,
    week: Week,
    end: Millis,
    /// Lines still to be planned.
    wanted: usize,
    /// No tree is larger, so that a few lines do not all belong to one.
    nodes_max: usize,
    posts: u64,
    /// When the next post is written, at the earliest; `None`: no other is.
    next_post: Option<Millis>,
}

impl Posts {
    pub(crate) fn new(seed: u64, events: usize, days: &Days) -> Self {
        let nodes_max = (events / 20).max(20);
        let mut posts = Posts {
            dice: Dice::new(seed),
            week: Week::new(days, nodes_max),
            end: days.end(),
            wanted: events,
            nodes_max,
            posts: 0,
            next_post: None,
        };
        posts.choose_next();
        posts
    }

    /// When the next post is written, at the earliest. No line of it comes before.
    pub(crate) fn next_time(&self) -> Option<Millis> {
        self.next_post
    }

    fn choose_next(&mut self) {
        let wanted = u64::try_from(self.wanted).unwrap_or(u64::MAX);
        self.next_post = (wanted > 0).then(|| self.week.next_post(&mut self.dice, wanted));
    }

    /// Plans everything that follows from the next post; it is cut where its lines are enough. `adapt` may change the post, whose
    /// time it is told, before that.
    pub(crate) fn write(&mut self, adapt: impl FnOnce(&mut Post, Millis)) -> Vec<Pending> {
        let Some(next) = self.next_post else { return Vec::new() };
        let is_evening = self.week.is_evening();
        let time = if is_evening { self.week.evening_post(&mut self.dice) } else { next };
        self.posts += 1;
        let mut post = plan::write_post(&mut self.dice, self.posts, time);
        adapt(&mut post, time);
        let stage = Stage { from: time, until: self.end };
        let mut lines = plan::plan(&mut self.dice, post, stage, self.nodes_max);
        self.week.note(u64::try_from(lines.len()).unwrap_or(u64::MAX));
        let enough = if is_evening { self.wanted } else { (self.wanted / 2).max(LINES_ANYWAY).min(self.wanted) };
        if lines.len() > enough {
            lines.sort_by_key(|pending| pending.arrival);
            lines.truncate(enough);
        }
        self.wanted -= lines.len();
        self.choose_next();
        lines
    }
}
