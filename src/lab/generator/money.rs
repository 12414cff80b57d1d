//! The money side of the generated world: clicks, visits, conversions, costs, assignments and reports beside the posts.
//!
//! It is asked for, and changes nothing where it is not. Every cause has its own stream of draws: when a
//! side is switched off, only what that side causes is gone, and all other lines are the same to the byte. It
//! knows nothing of how anybody attributes or estimates: it makes what happens, and counts it by its cause.

mod anyway;
mod bots;
mod dimensions;
mod fact;
mod figures;
mod journey;
mod pull;
mod reports;
mod settings;
mod spending;
mod tally;
#[cfg(test)]
mod tests;
mod trial;
mod truth;

pub use settings::{Confounder, Experiment, Settings, Side, Strength, Unit};
pub use truth::Truth;

use std::collections::BTreeSet;

use super::dice::Dice;
use super::plan::{Account, Pending, Target, What};
use super::posts::Posts;
use super::queue::Queue;
use super::week::Days;
use super::world::{DAY, HOUR, Habit, WEEK_START};
use super::{Line, later, line_of};
use crate::record::Millis;
use anyway::Anyway;
use fact::Outbox;
use journey::Books;
use pull::{Pull, purpose};
use reports::Reports;
use spending::Spending;
use tally::Tally;
use trial::Trial;

/// The lines of the days, money included, in the order in which they reach the log.
#[derive(Debug)]
pub struct Economy {
    without: Option<Side>,
    bots: Option<u64>,
    posts: Posts,
    /// The next full hour that is still to come; `None` after the last day.
    next_hour: Option<Millis>,
    midnight: Millis,
    pending: Queue<Item>,
    anyway: Anyway,
    pull: Pull,
    spending: Spending,
    reports: Reports,
    trial: Trial,
    outbox: Outbox,
    tally: Tally,
    /// How much later the world is than the generator's own.
    later: Millis,
}

/// A line to come.
#[derive(Debug)]
enum Item {
    Content(Pending),
    Fact(Line),
}

impl Economy {
    /// The same settings give the same lines for ever.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let levels = (0..u64::from(settings.days))
            .map(|day| Dice::keyed(settings.seed, purpose::DAY, [0, day]).draw(figures::DAY_LEVEL))
            .collect();
        let days = Days::new(levels);
        Economy {
            without: settings.without,
            bots: settings.bots.then_some(settings.seed),
            posts: Posts::new(settings.seed, if settings.days == 0 { 0 } else { settings.events }, &days),
            next_hour: Some(WEEK_START),
            midnight: days.midnight(),
            pending: Queue::new(),
            anyway: Anyway::new(settings, &days),
            pull: Pull::new(settings),
            spending: Spending::new(settings.seed, settings.without),
            reports: Reports::new(settings.seed),
            trial: Trial::new(settings),
            outbox: Outbox { until: days.end(), lines: Vec::new() },
            tally: Tally::default(),
            later: later::by(settings.weeks_later),
        }
    }

    /// The dimension tables that belong to these events, as statements of `INSERT`.
    #[must_use]
    pub fn dimensions(settings: &Settings) -> String {
        dimensions::sql(settings)
    }

    /// Everything up to the next moment at which something begins.
    fn advance(&mut self, time: Millis) {
        if self.next_hour == Some(time) {
            self.pass_hour(time);
        } else {
            let (pull, trial) = (&self.pull, &self.trial);
            let lines = self.posts.write(|post, time| {
                pull.place(post);
                trial.mark(post, time);
            });
            self.take(lines);
        }
        for line in self.outbox.lines.drain(..) {
            self.pending.push(line.time, Item::Fact(line));
        }
    }

    /// Midnight after the last day only settles what is written down later.
    fn pass_hour(&mut self, hour: Millis) {
        self.next_hour = (hour < self.midnight).then_some(hour + HOUR);
        if (hour - WEEK_START) % DAY == 0 {
            self.spending.start_day(hour, &mut self.outbox);
            self.reports.start_day(hour, &mut self.outbox);
        }
        if hour >= self.outbox.until {
            return;
        }
        self.trial.assign_hour(hour, &mut self.outbox);
        let mut books = Books { outbox: &mut self.outbox, tally: &mut self.tally };
        let mut lines = Vec::new();
        if (hour - WEEK_START) % DAY == 0 {
            lines = self.anyway.start_day(hour, &mut books);
        }
        lines.extend(self.anyway.pass_hour(hour, &mut books));
        self.take(lines);
    }

    /// Lines of content: queued, with all that follows from them.
    fn take(&mut self, mut lines: Vec<Pending>) {
        if let Some(seed) = self.bots {
            let post = lines.iter().find(|line| line.what == What::Post);
            let shares = post.map(|line| bots::shares(seed, &line.post, line.time, self.outbox.until));
            lines.extend(shares.unwrap_or_default());
        }
        // A copy says what was said before, and nothing follows from it.
        let mut seen = BTreeSet::new();
        for line in lines {
            if self.is_off(&line.what) {
                continue;
            }
            if seen.insert(said(&line)) {
                self.follow(&line);
            }
            self.pending.push(line.arrival, Item::Content(line));
        }
    }

    fn follow(&mut self, line: &Pending) {
        self.spending.note(line, &mut self.outbox);
        let mut books = Books { outbox: &mut self.outbox, tally: &mut self.tally };
        let broadcast_is_on = self.without != Some(Side::Broadcast);
        if line.what == What::Post {
            self.trial.assign_post(&line.post, line.time, books.outbox);
            if line.post.author == Account::Brand && line.post.channel.habit == Habit::Broadcast && broadcast_is_on {
                self.reports.note(&line.post, line.time);
            }
            if let Some(seed) = self.bots.filter(|_| broadcast_is_on) {
                bots::clicks(seed, &line.post, line.time, &mut books);
            }
        }
        // A post stays where broadcast is off, because the thread hangs from it; its link leads nowhere.
        let side = pull::side_and_number(&line.what).map(|(side, _)| side);
        if side.is_some_and(|side| self.without != Some(side)) {
            self.pull.follow(line, &self.trial, &mut books);
        }
    }

    /// Whether a line belongs to the side that is switched off, or is about one that does.
    fn is_off(&self, what: &What) -> bool {
        let side = match what {
            What::Post | What::Sample { .. } => None,
            What::Share { .. } => Some(Side::Broadcast),
            What::Reply { .. } => Some(Side::Conversation),
            What::Reaction { target, .. } | What::Delete { target, .. } => match target {
                Target::Post => None,
                Target::Share(_) => Some(Side::Broadcast),
                Target::Reply(_) => Some(Side::Conversation),
            },
        };
        side.is_some() && side == self.without
    }
}

/// What tells a line from another that is no copy of it.
fn said(line: &Pending) -> (u64, u8, u32) {
    let (kind, number) = match line.what {
        What::Post => (0, 0),
        What::Share { number, .. } => (1, number),
        What::Reply { number, .. } => (2, number),
        What::Reaction { number, .. } => (3, number),
        What::Delete { number, .. } => (4, number),
        What::Sample { number, .. } => (5, number),
    };
    (line.post.number, kind, number)
}

impl Iterator for Economy {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        // No line of a post or of an hour that is still to come can be earlier than the post or the hour itself.
        while let Some(time) = [self.posts.next_time(), self.next_hour].into_iter().flatten().min()
            && !self.pending.has_before(time)
        {
            self.advance(time);
        }
        let line = self.pending.pop().map(|item| match item {
            Item::Content(pending) => line_of(&pending),
            Item::Fact(line) => line,
        });
        line.map(|line| later::moved(line, self.later))
    }
}
