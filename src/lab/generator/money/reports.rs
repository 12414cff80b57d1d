//! What platforms claim of their own: figures of walled gardens, day by day.

use std::collections::BTreeMap;

use super::fact::{Fact, Outbox, date, millis};
use super::pull::purpose;
use crate::generator::dice::Dice;
use crate::generator::people::hash;
use crate::generator::plan::Post;
use crate::generator::world::{BRANDS, DAY, EARLY, HOUR, WEEK_START};
use crate::record::Millis;

/// Figures that are not reported yet: the brand's own posts by day, channel and campaign.
#[derive(Debug)]
pub(crate) struct Reports {
    seed: u64,
    posts: BTreeMap<(Millis, &'static str, &'static str), u64>,
}

impl Reports {
    pub(crate) fn new(seed: u64) -> Self {
        Reports { seed, posts: BTreeMap::new() }
    }

    /// One of the brand's own posts where people repeat.
    pub(crate) fn note(&mut self, post: &Post, time: Millis) {
        let day = time - (time - WEEK_START) % DAY;
        *self.posts.entry((day, post.channel.name, post.campaign.unwrap_or(""))).or_default() += 1;
    }

    /// Writes what is known of the days before this one.
    pub(crate) fn start_day(&mut self, day: Millis, outbox: &mut Outbox) {
        let later = self.posts.split_off(&(day, "", ""));
        for ((of_day, channel, campaign), posts) in std::mem::replace(&mut self.posts, later) {
            let name = format!("report:{channel}/{campaign}/{}", date(of_day));
            let mut dice = Dice::keyed(self.seed, purpose::REPORT, [hash(&name), 0]);
            // The day is the brand's own, as for costs.
            let end = of_day + DAY - EARLY;
            let impressions = posts * (400 + dice.below(900));
            let clicks = posts * (9 + dice.below(9));
            let conversions = clicks * (30 + dice.below(60)) / 1_000;
            for (metric, value) in [("impressions", impressions), ("clicks", clicks), ("conversions", conversions)] {
                let fact = Fact::new("report", &format!("{name}/{metric}"), end - 1)
                    .text("origin", &format!("{channel}-insights"))
                    .text("metric", metric)
                    .number("value", value)
                    .text("grain", "day")
                    .number("period_start", of_day)
                    .number("period_end", end)
                    .text("brand", BRANDS[0])
                    .text("campaign", campaign)
                    .text("channel", channel);
                let known = day + 2 * HOUR + millis(dice.below(3_600_000));
                outbox.send_later(&mut dice, fact, known);
            }
        }
    }
}
