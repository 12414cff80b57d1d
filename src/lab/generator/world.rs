//! The invented world: channels, communities, campaigns; and the few figures that make its trees resemble real ones.
//!
//! The figures of [`CASCADE`] and [`THREAD`] were fitted to the distributions (never the rows) of 527 repost
//! cascades of a microblog and 3,431 threads of a forum; a test compares what comes out with those distributions.

use super::dice::Curve;

/// Monday 2024-03-04 00:00 UTC.
pub(crate) const WEEK_START: i64 = 1_709_510_400_000;
/// Milliseconds of an hour.
pub(crate) const HOUR: i64 = 3_600_000;
/// Milliseconds of a day.
pub(crate) const DAY: i64 = 24 * HOUR;
/// When the log begins. Days are the brands' own: by then the first Monday has begun in Berlin and in New York, so nothing of the world
/// belongs to the week before.
pub(crate) const FIRST: i64 = WEEK_START + 5 * HOUR;
/// How long before midnight the log ends: in Berlin the next Monday begins then, in summer.
pub(crate) const EARLY: i64 = 2 * HOUR;
/// The end of a log of one week.
#[cfg(test)]
pub(crate) const WEEK_END: i64 = WEEK_START + 7 * DAY - EARLY;

/// How trees of one kind grow. Every curve gives one value a tree, except `lag` and `gap` (one a node).
#[derive(Debug)]
pub(crate) struct Growth {
    /// Nodes, the root post included.
    pub(crate) size: Curve,
    /// Seconds from the post to the tree's median node.
    pub(crate) median: Curve,
    /// A node's age over that median, in 1/1,000: many nodes soon, a long tail.
    pub(crate) lag: Curve,
    /// How many of 1,000 nodes hang from the root.
    pub(crate) root_share: Curve,
    /// How many of 1,000 others choose a parent that somebody chose before (hubs).
    pub(crate) hub_share: Curve,
    /// How many nodes back the rest look for a parent.
    pub(crate) gap: Curve,
    /// Of how many candidates the one with the fewest children is taken: 2 makes dialogues.
    pub(crate) candidates: u32,
    /// How many of 1,000 actors are deleted accounts.
    pub(crate) deleted: u64,
    /// Milliseconds that pass at least between a node and what hangs from it: nobody answers what he has not read.
    pub(crate) pause: u64,
}

/// Trees of shares that spread. The real set holds none below about 40 nodes.
pub(crate) const CASCADE: Growth = Growth {
    size: &[
        (0, 41),
        (500, 89),
        (1_000, 100),
        (2_500, 135),
        (5_000, 257),
        (7_500, 461),
        (9_000, 689),
        (9_500, 807),
        (10_000, 938),
    ],
    median: &[(0, 1_700), (1_000, 3_100), (2_500, 5_300), (5_000, 12_600), (7_500, 38_400), (9_000, 99_000), (10_000, 400_000)],
    lag: &[
        (0, 0),
        (500, 35),
        (1_000, 87),
        (2_500, 386),
        (5_000, 1_000),
        (7_500, 2_400),
        (9_000, 10_000),
        (9_500, 28_000),
        (9_900, 240_000),
        (10_000, 2_000_000),
    ],
    root_share: &[(0, 100), (1_000, 290), (5_000, 590), (9_000, 880), (10_000, 1_000)],
    hub_share: &[(0, 0), (5_000, 450), (10_000, 900)],
    gap: &[(0, 0), (2_500, 2), (5_000, 8), (7_500, 40), (9_000, 150), (10_000, 700)],
    candidates: 1,
    deleted: 5,
    pause: 3_000,
};

/// Sizes of the shares' trees that do not spread: the common case among posts that are shared at all.
pub(crate) const SMALL_CASCADE_SIZE: Curve = &[(0, 2), (5_000, 3), (8_000, 8), (10_000, 41)];

/// Trees of replies on channels where people talk. The one real thread above 1,500 nodes is left out.
pub(crate) const THREAD: Growth = Growth {
    size: &[
        (0, 1),
        (560, 1),
        (1_000, 2),
        (2_500, 6),
        (5_000, 22),
        (7_500, 72),
        (9_000, 133),
        (9_500, 184),
        (9_900, 327),
        (9_990, 771),
        (10_000, 1_500),
    ],
    median: &[
        (0, 2_500),
        (500, 8_100),
        (1_000, 11_200),
        (2_500, 17_300),
        (5_000, 24_500),
        (7_500, 36_700),
        (9_000, 55_500),
        (9_500, 80_000),
        (10_000, 600_000),
    ],
    lag: &[
        (0, 0),
        (100, 30),
        (500, 150),
        (1_000, 270),
        (2_500, 560),
        (5_000, 1_000),
        (7_500, 1_700),
        (9_000, 3_060),
        (9_500, 4_700),
        (9_900, 43_000),
        (10_000, 600_000),
    ],
    root_share: &[(0, 100), (1_000, 230), (5_000, 420), (9_000, 650), (10_000, 900)],
    hub_share: &[(0, 0), (10_000, 0)],
    gap: &[(0, 0), (1_000, 1), (2_500, 3), (5_000, 10), (7_500, 33), (9_000, 80), (9_900, 260), (10_000, 900)],
    candidates: 2,
    deleted: 100,
    pause: 10_000,
};

/// Sizes of the replies' trees below posts that broadcast.
pub(crate) const SMALL_THREAD_SIZE: Curve = &[(0, 2), (5_000, 3), (9_000, 8), (10_000, 20)];

/// Followers of somebody who shares.
pub(crate) const FOLLOWERS: Curve = &[(0, 3), (5_000, 180), (9_000, 1_500), (9_900, 20_000), (10_000, 500_000)];

/// Milliseconds from an event to its line in the log: mostly seconds, a few minutes, now and then an hour and more.
pub(crate) const ARRIVAL: Curve =
    &[(0, 100), (5_000, 900), (9_000, 3_000), (9_800, 25_000), (9_950, 600_000), (10_000, 5_400_000)];

/// The same for the posts that their shares overtake.
pub(crate) const LATE_POST: Curve = &[(0, 300_000), (5_000, 1_200_000), (10_000, 3_600_000)];

/// What people mostly do on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Most posts get nothing, a few are shared widely.
    Broadcast,
    /// Most posts get answers.
    Conversation,
}

/// A channel on a platform.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) name: &'static str,
    pub(crate) platform: &'static str,
    /// What the platform's ids begin with.
    pub(crate) prefix: &'static str,
    pub(crate) habit: Habit,
    pub(crate) communities: &'static [&'static str],
    /// How many of 1,000 posts are the brand's own.
    pub(crate) own_posts: u64,
    /// How many of 1,000 who take part are regulars of the community.
    pub(crate) regulars: u64,
}

/// The channels, as often in the list as posts are written there.
pub(crate) const CHANNELS: [&Channel; 8] = [&FEED, &FEED, &FEED, &FEED, &PAGE, &PAGE, &FORUM, &CHAT];

/// Where a brand answers questions.
pub(crate) fn help_channel() -> &'static Channel {
    &FORUM
}

/// Every channel with each of its communities.
pub(crate) fn communities() -> impl Iterator<Item = (&'static Channel, &'static str)> {
    let channels: [&'static Channel; 4] = [&FEED, &PAGE, &FORUM, &CHAT];
    channels.into_iter().flat_map(|channel| channel.communities.iter().map(move |community| (channel, *community)))
}

const FEED: Channel = Channel {
    name: "chirper-feed",
    platform: "chirper",
    prefix: "ch",
    habit: Habit::Broadcast,
    communities: &["chirper/everybody", "chirper/cycling", "chirper/outdoors"],
    own_posts: 350,
    regulars: 400,
};
const PAGE: Channel = Channel {
    name: "facetown-page",
    platform: "facetown",
    prefix: "ft",
    habit: Habit::Broadcast,
    communities: &["facetown/acme-page", "facetown/city-rides"],
    own_posts: 600,
    regulars: 500,
};
const FORUM: Channel = Channel {
    name: "agora-forum",
    platform: "agora",
    prefix: "ag",
    habit: Habit::Conversation,
    communities: &["agora/commuting", "agora/bike-repair", "agora/beginners", "agora/deals"],
    own_posts: 100,
    regulars: 850,
};
const CHAT: Channel = Channel {
    name: "huddle-rooms",
    platform: "huddle",
    prefix: "hu",
    habit: Habit::Conversation,
    communities: &["huddle/acme-riders", "huddle/testers"],
    own_posts: 250,
    regulars: 850,
};

/// The brand that is measured, and one to compare it with; as often in the list as they are talked about.
pub(crate) const BRANDS: [&str; 5] = ["acme", "acme", "acme", "acme", "zenith"];
/// Campaigns of broadcasts and of conversations.
pub(crate) const BROADCAST_CAMPAIGNS: [&str; 3] = ["spring-launch", "spring-launch", "always-on"];
/// See [`BROADCAST_CAMPAIGNS`].
pub(crate) const CONVERSATION_CAMPAIGNS: [&str; 2] = ["ask-us-anything", "care"];
/// Tags of posts, as JSON.
pub(crate) const TAGS: [&str; 5] =
    [r#"["video"]"#, r#"["launch","video"]"#, r#"["question"]"#, r#"["tips","howto"]"#, r#"["offer"]"#];

/// How much is posted in each hour of a day (UTC), in parts of the busiest: Europe with some America.
const HOURS: [u64; 24] = [30, 20, 14, 10, 10, 14, 26, 45, 62, 70, 74, 78, 84, 80, 78, 80, 86, 94, 100, 98, 90, 76, 60, 44];
/// And on each day from Monday on.
const DAYS: [u64; 7] = [90, 94, 96, 96, 100, 84, 78];

/// How much is posted in an hour of the week (0 to 167), of at most 10,000.
pub(crate) fn rhythm(hour: usize) -> u64 {
    HOURS[hour % 24] * DAYS[(hour / 24) % 7]
}

/// How much the people of a brand do in each hour of a working day in Berlin (UTC), in 1/1,000 of what they do on average: at
/// night nobody is there, in the evening some.
const OFFICE: [u64; 24] =
    [0, 0, 0, 0, 0, 0, 1_200, 1_700, 1_700, 1_700, 1_700, 1_500, 1_700, 1_700, 1_700, 1_700, 1_700, 900, 900, 800, 600, 0, 0, 0];

/// How much a brand's people do at a time, in 1/1,000 of what they do on average. At weekends few are there; zenith is six hours behind.
pub(crate) fn office(brand: &str, time: i64) -> u64 {
    let behind = if brand == BRANDS[0] { 0 } else { 6 };
    let hours = usize::try_from((time - WEEK_START).div_euclid(HOUR) - behind).unwrap_or(0);
    let is_weekend = hours / 24 % 7 >= 5;
    OFFICE[hours % 24] / if is_weekend { 3 } else { 1 }
}
