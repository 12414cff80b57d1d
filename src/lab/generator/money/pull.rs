//! How many visitors a line of the log brings: the causal effect, in whole numbers.

use super::fact::{awake, seconds};
use super::figures::{
    APPEAL, APPEAL_OF_PLACE, APPEAL_OF_TALK, LAG_OF_SPREAD, LAG_OF_TALK, PULL_OF_OWN_POST, PULL_OF_POST, PULL_OF_REPLY,
    PULL_OF_SHARE, VISIT_HOURS,
};
use super::journey::{self, Books, Link, Origin, Start};
use super::settings::{Confounder, Settings, Side};
use super::tally::brand_named;
use super::trial::Trial;
use crate::generator::dice::{Dice, mean};
use crate::generator::line;
use crate::generator::plan::{Account, Pending, Post, What};
use crate::generator::world::{BRANDS, Habit};

/// What the streams of draws are for.
pub(crate) mod purpose {
    pub(crate) const DAY: u64 = 1;
    pub(crate) const MINUTE: u64 = 2;
    pub(crate) const OWN_JOURNEY: u64 = 3;
    pub(crate) const PULL: u64 = 4;
    pub(crate) const LINK_JOURNEY: u64 = 5;
    pub(crate) const EXTRA_PULL: u64 = 6;
    pub(crate) const EXTRA_JOURNEY: u64 = 7;
    pub(crate) const APPEAL: u64 = 8;
    pub(crate) const PLACE: u64 = 9;
    pub(crate) const PLACE_OF_POST: u64 = 10;
    pub(crate) const SURGE: u64 = 11;
    pub(crate) const QUESTION: u64 = 12;
    pub(crate) const ARM: u64 = 13;
    pub(crate) const SPENDING: u64 = 14;
    pub(crate) const SHEET: u64 = 15;
    pub(crate) const REPORT: u64 = 16;
    pub(crate) const BOT: u64 = 17;
    pub(crate) const HOUR: u64 = 18;
}

/// The side of a line's link, and the line's number below its post; `None`: it holds no link.
pub(crate) fn side_and_number(what: &What) -> Option<(Side, u32)> {
    match *what {
        What::Post => Some((Side::Broadcast, 0)),
        What::Share { number, .. } => Some((Side::Broadcast, number)),
        What::Reply { number, .. } => Some((Side::Conversation, number)),
        What::Reaction { .. } | What::Delete { .. } | What::Sample { .. } => None,
    }
}

/// Visitors that a line brings on average, in 1/1,000, before its post's appeal.
fn pull(post: &Post, what: &What) -> u64 {
    let own = post.author == Account::Brand;
    match *what {
        What::Post if own && post.channel.habit == Habit::Broadcast => PULL_OF_OWN_POST[0],
        What::Post if own => PULL_OF_OWN_POST[1],
        What::Post => PULL_OF_POST,
        What::Share { actor: Account::Bot(_), .. } | What::Reaction { .. } | What::Delete { .. } | What::Sample { .. } => 0,
        What::Share { .. } => PULL_OF_SHARE[usize::from(!own)],
        What::Reply { actor, .. } => PULL_OF_REPLY[usize::from(actor != Account::Brand)],
    }
}

/// Draws the visitors that lines bring.
#[derive(Debug)]
pub(crate) struct Pull {
    seed: u64,
    places: u16,
    /// The measured brand's part of its ordinary visitors, in 1/1,000.
    size: u64,
    effect_percent: u64,
}

impl Pull {
    pub(crate) fn new(settings: &Settings) -> Self {
        Pull {
            seed: settings.seed,
            places: settings.places,
            size: size(settings),
            effect_percent: settings.experiment.map_or(0, |experiment| experiment.effect_percent.into()),
        }
    }

    /// What follows from a line, which is none's copy.
    pub(crate) fn follow(&self, pending: &Pending, trial: &Trial, books: &mut Books<'_>) {
        let Some((side, number)) = side_and_number(&pending.what) else { return };
        let millionths = self.mean(pending, side);
        let thing = [pending.post.number, u64::from(number) << 1 | u64::from(side == Side::Conversation)];
        let count = Dice::keyed(self.seed, purpose::PULL, thing).poisson(millionths);
        for n in 0..count {
            self.visit(pending, purpose::LINK_JOURNEY, n, books);
        }
        if trial.is_treated(&pending.post, pending.time) {
            let more = millionths * self.effect_percent / 100;
            for n in 0..Dice::keyed(self.seed, purpose::EXTRA_PULL, thing).poisson(more) {
                self.visit(pending, purpose::EXTRA_JOURNEY, n, books);
            }
        }
    }

    /// Millionths of a visitor.
    fn mean(&self, pending: &Pending, side: Side) -> u64 {
        let post = &pending.post;
        let mut dice = Dice::keyed(self.seed, purpose::APPEAL, [post.number, u64::from(side == Side::Conversation)]);
        let appeal = dice.draw(if side == Side::Broadcast { APPEAL } else { APPEAL_OF_TALK });
        let place = place_number(&post.community).map_or(1_000, |number| appeal_of_place(self.seed, number));
        let size = if post.brand == BRANDS[0] { self.size } else { 1_000 };
        pull(post, &pending.what) * appeal * place / 1_000 * size / 1_000
    }

    fn visit(&self, pending: &Pending, purpose: u64, n: u64, books: &mut Books<'_>) {
        let Some((side, number)) = side_and_number(&pending.what) else { return };
        let thing = u64::from(number) << 24 | n << 1 | u64::from(side == Side::Conversation);
        let mut dice = Dice::keyed(self.seed, purpose, [pending.post.number, thing]);
        let after = dice.draw(if side == Side::Broadcast { LAG_OF_SPREAD } else { LAG_OF_TALK });
        let time = pending.time + 10_000 + seconds(&mut dice, after);
        // An answer is read by those who wait for it; a post in the morning.
        let time = if side == Side::Broadcast { awake(time, &VISIT_HOURS, &mut dice) } else { time };
        let (root, target) = (line::root_id(&pending.post), line::id(pending));
        let kind = if purpose == purpose::EXTRA_JOURNEY { 'e' } else { 'c' };
        let link = Link { side, post: &pending.post, root: &root, target: &target };
        let brand = brand_named(pending.post.brand);
        let start = Start { name: format!("{target}/{kind}{n}"), brand, time, origin: Origin::Link(link) };
        journey::play(&mut dice, &start, books);
    }

    /// Gives a post of the feed its place among the many, if there are many.
    pub(crate) fn place(&self, post: &mut Post) {
        if self.places > 0 && post.channel.prefix == PLACES_PREFIX {
            let number = Dice::keyed(self.seed, purpose::PLACE_OF_POST, [post.number, 0]).below(self.places.into());
            post.community = place_name(number).into();
        }
    }
}

/// The measured brand against its ordinary size, in 1/1,000.
pub(crate) fn size(settings: &Settings) -> u64 {
    settings.by_strength(Confounder::SmallBrand, 1_000, [333, 100, 33])
}

/// What ids begin with on the channel that has many places.
pub(crate) const PLACES_PREFIX: &str = "ch";
const PLACE: &str = "chirper/place-";

/// The name of one of many places.
pub(crate) fn place_name(number: u64) -> String {
    format!("{PLACE}{number:05}")
}

/// Its number; `None`: it is another.
pub(crate) fn place_number(community: &str) -> Option<u64> {
    community.strip_prefix(PLACE).and_then(|number| number.parse().ok())
}

/// How much better or worse a place's links do, in 1/1,000.
pub(crate) fn appeal_of_place(seed: u64, number: u64) -> u64 {
    Dice::keyed(seed, purpose::PLACE, [number, 0]).draw(APPEAL_OF_PLACE)
}

/// First visits that a line of the measured brand brings on average, in 1/1,000: its own post, a share of it, its answer.
pub(crate) fn expected(settings: &Settings) -> [u64; 3] {
    let broadcast = mean(APPEAL) * size(settings) / 1_000;
    let talk = mean(APPEAL_OF_TALK) * size(settings) / 1_000;
    [PULL_OF_OWN_POST[0] * broadcast / 1_000, PULL_OF_SHARE[0] * broadcast / 1_000, PULL_OF_REPLY[0] * talk / 1_000]
}
