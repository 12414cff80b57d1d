//! Experiments: which unit is in which arm, and the `assign` events that say so, also where nothing is posted.

use std::collections::BTreeMap;

use super::fact::{Fact, Outbox, instant};
use super::pull::{place_name, purpose};
use super::settings::{Experiment, Settings, Unit};
use crate::generator::dice::Dice;
use crate::generator::line;
use crate::generator::people::hash;
use crate::generator::plan::{Account, Post};
use crate::generator::world::{self, BRANDS, FIRST, HOUR, WEEK_START};
use crate::record::Millis;

/// The experiment's name in the events.
pub(crate) const NAME: &str = "exp-1";
/// The arms, the treated one second.
const ARMS: [&str; 2] = ["control", "treated"];
/// How long a time slot is.
const SLOT: Millis = 4 * HOUR;

/// Who is in which arm.
#[derive(Debug)]
pub(crate) struct Trial {
    seed: u64,
    experiment: Option<Experiment>,
    /// Every community, and whether it is treated.
    communities: BTreeMap<String, bool>,
}

impl Trial {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut all: Vec<String> = world::communities()
            .map(|(_, community)| community.to_owned())
            .chain((0..settings.places.into()).map(place_name))
            .collect();
        all.sort_unstable_by_key(|name| Dice::keyed(settings.seed, purpose::ARM, [0, hash(name)]).below(1 << 32));
        let communities = all.into_iter().enumerate().map(|(at, name)| (name, at % 2 == 1)).collect();
        Trial { seed: settings.seed, experiment: settings.experiment, communities }
    }

    /// Whether a post's lines of that time bring more visitors, if the experiment has an effect.
    pub(crate) fn is_treated(&self, post: &Post, time: Millis) -> bool {
        post.brand == BRANDS[0] && self.arm(post, time) == Some(true)
    }

    /// `None`: it takes no part.
    fn arm(&self, post: &Post, time: Millis) -> Option<bool> {
        match self.experiment?.unit {
            Unit::Post => (post.author == Account::Brand).then(|| self.coin([1, post.number])),
            Unit::Community => self.communities.get(&*post.community).copied(),
            Unit::TimeSlot => Some(self.coin([2, slot(time)])),
        }
    }

    fn coin(&self, thing: [u64; 2]) -> bool {
        Dice::keyed(self.seed, purpose::ARM, thing).below(2) == 1
    }

    /// Marks the brand's own post with its arm.
    pub(crate) fn mark(&self, post: &mut Post, time: Millis) {
        if post.author == Account::Brand {
            post.trial = self.arm(post, time).map(|treated| (NAME, ARMS[usize::from(treated)]));
        }
    }

    /// The assignment of one of the brand's own posts.
    pub(crate) fn assign_post(&self, post: &Post, time: Millis, outbox: &mut Outbox) {
        if self.is_by(Unit::Post)
            && let Some(treated) = self.arm(post, time).filter(|_| post.author == Account::Brand)
        {
            self.assign(&line::root_id(post), treated, time, outbox);
        }
    }

    /// What is assigned at the full hour: at the very first every community and the slot it is in, then each slot at its start.
    pub(crate) fn assign_hour(&self, time: Millis, outbox: &mut Outbox) {
        if self.is_by(Unit::Community) && time == FIRST {
            for (community, treated) in &self.communities {
                self.assign(community, *treated, time, outbox);
            }
        }
        let into_slot = (time - WEEK_START) % SLOT;
        if self.is_by(Unit::TimeSlot) && (time == FIRST || into_slot == 0) {
            self.assign(&instant(time - into_slot), self.coin([2, slot(time)]), time, outbox);
        }
    }

    fn is_by(&self, unit: Unit) -> bool {
        self.experiment.is_some_and(|experiment| experiment.unit == unit)
    }

    fn assign(&self, unit: &str, treated: bool, time: Millis, outbox: &mut Outbox) {
        let unit_type = self.experiment.map_or("", |experiment| experiment.unit.word());
        let id = format!("assign:{NAME}/{unit}");
        let fact = Fact::new("assign", &id, time)
            .text("experiment", NAME)
            .text("arm", ARMS[usize::from(treated)])
            .text("unit", unit)
            .text("unit_type", unit_type);
        outbox.send(&mut Dice::keyed(self.seed, purpose::ARM, [3, hash(&id)]), fact);
    }
}

fn slot(time: Millis) -> u64 {
    ((time - WEEK_START) / SLOT).unsigned_abs()
}
