//! What can be asked of the money side.

use std::collections::BTreeMap;

/// Broadcast or conversation, by what held the link: a post or share, or a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Side {
    /// Posts and shares.
    Broadcast,
    /// Replies.
    Conversation,
}

impl Side {
    /// As events and views spell it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Side::Broadcast => "broadcast",
            Side::Conversation => "conversation",
        }
    }
}

/// What moves visits and replies at once, or leaves little to count, so that estimates err.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Confounder {
    /// Hours of more visits and more questions, twice a day, for a reason nobody wrote down.
    PersistentShock,
    /// A mail every four days brings visits, and questions to answer; the calendar knows of it.
    LaunchMail,
    /// News, about every nine days: a rush of visits and questions that fades over two days.
    SuddenNews,
    /// Visitors ask, and the brand answers: the effect runs backwards.
    VisitsCauseReplies,
    /// A third, a tenth or a thirtieth of the visits: too few for much.
    SmallBrand,
}

/// How strong a confounder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Strength {
    /// Hard to notice.
    Weak,
    /// Noticed by whoever looks for it.
    Medium,
    /// Stronger than what is measured.
    Strong,
}

/// What an experiment assigns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Unit {
    /// Each of the brand's own posts, by a coin.
    Post,
    /// Every community, half of them treated.
    Community,
    /// Every four hours, by a coin.
    TimeSlot,
}

impl Unit {
    /// As `assign` events spell it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Unit::Post => "root",
            Unit::Community => "community",
            Unit::TimeSlot => "time_slot",
        }
    }
}

/// An experiment on the measured brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Experiment {
    /// What is assigned.
    pub unit: Unit,
    /// How many more visitors a treated unit's posts, shares and replies bring, in percent. 0: an A/A test.
    pub effect_percent: u32,
}

/// All of it. The same settings give the same lines for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Of all draws.
    pub seed: u64,
    /// Posts, shares, replies and what else a log without money holds; facts come on top.
    pub events: usize,
    /// Whole days from Monday, 2024-03-04.
    pub days: u16,
    /// So many weeks later, the same world: only its times differ.
    pub weeks_later: u16,
    /// Visits of the measured brand on an ordinary day that no post, share or reply brought.
    pub visits_a_day: u32,
    /// Over so many communities, each with a pull of its own, the feed's posts are spread; 0: over the usual three.
    pub places: u16,
    /// What confounds.
    pub confounders: BTreeMap<Confounder, Strength>,
    /// Whether programs share and click.
    pub bots: bool,
    /// An experiment.
    pub experiment: Option<Experiment>,
    /// The side that is switched off: its shares or replies, the links in it, its costs, and all that follows.
    pub without: Option<Side>,
}

impl Settings {
    /// A value by the strength of a confounder; `none` where it is off.
    pub(crate) fn by_strength<T>(&self, confounder: Confounder, none: T, [weak, medium, strong]: [T; 3]) -> T {
        match self.confounders.get(&confounder) {
            None => none,
            Some(Strength::Weak) => weak,
            Some(Strength::Medium) => medium,
            Some(Strength::Strong) => strong,
        }
    }

    /// The same world without one side.
    #[must_use]
    pub fn without(&self, side: Side) -> Self {
        Settings { without: Some(side), ..self.clone() }
    }
}
