//! The figures of the invented economy: brands, prices, rates, and how people come, come back and buy.
//!
//! Nothing here was fitted to data; the shapes are those that make estimates hard: few large values, days that
//! differ, people who would have bought anyway.

use crate::generator::dice::Curve;
use crate::generator::world::{DAY, WEEK_START};

/// A brand and its shop.
#[derive(Debug)]
pub(crate) struct Brand {
    pub(crate) name: &'static str,
    pub(crate) hosts: [&'static str; 2],
    pub(crate) timezone: &'static str,
    /// Empty: the reference currency.
    pub(crate) base_currency: &'static str,
    /// Its visits without any post, in 1/1,000 of those asked for.
    pub(crate) visits: u64,
    /// People who come again and again.
    pub(crate) regulars: u64,
    /// Currencies, as often in the list as people pay in them.
    pub(crate) currencies: [&'static str; 10],
    /// From which day on (against the first Monday) which part of the revenue is margin, in 1/1,000.
    pub(crate) margins: &'static [(i64, u64)],
}

/// The brand that is measured, and the one to compare it with.
pub(crate) const BRANDS: [Brand; 2] = [
    Brand {
        name: "acme",
        hosts: ["acme.example", "shop.acme.example"],
        timezone: "Europe/Berlin",
        base_currency: "EUR",
        visits: 1_000,
        regulars: 4_000,
        currencies: ["EUR", "EUR", "EUR", "EUR", "EUR", "EUR", "USD", "USD", "GBP", "CHF"],
        margins: &[(-63, 420), (28, 400)],
    },
    Brand {
        name: "zenith",
        hosts: ["zenith.example", "buy.zenith.example"],
        timezone: "America/New_York",
        base_currency: "",
        visits: 150,
        regulars: 900,
        currencies: ["USD", "USD", "USD", "USD", "USD", "USD", "USD", "USD", "EUR", "EUR"],
        margins: &[(-63, 350)],
    },
];

/// The currency in which rates are given.
pub(crate) const REFERENCE_CURRENCY: &str = "USD";

/// From which day on a unit of a currency is worth how much of the reference currency, in 1/100,000,000.
pub(crate) const RATES: [(i64, &str, u64); 13] = [
    (-63, "USD", 100_000_000),
    (-63, "EUR", 109_000_000),
    (-3, "EUR", 108_250_000),
    (28, "EUR", 107_500_000),
    (58, "EUR", 107_120_000),
    (-63, "GBP", 127_000_000),
    (-3, "GBP", 126_550_000),
    (28, "GBP", 125_700_000),
    (58, "GBP", 125_250_000),
    (-63, "CHF", 117_000_000),
    (-3, "CHF", 113_050_000),
    (28, "CHF", 111_000_000),
    (58, "CHF", 109_500_000),
];

/// From which day on an hour of a role costs how much, in cents of EUR.
pub(crate) const LABOUR: [(i64, &str, u64); 4] =
    [(-63, EDITOR, 4_200), (28, EDITOR, 4_400), (-63, COMMUNITY_MANAGER, 3_600), (28, COMMUNITY_MANAGER, 3_800)];
/// Who writes posts for channels that broadcast.
pub(crate) const EDITOR: &str = "content_editor";
/// Who talks.
pub(crate) const COMMUNITY_MANAGER: &str = "community_manager";

/// What attention costs as advertising: metric, channel, price in 1/10,000 of USD.
pub(crate) const MEDIA_PRICES: [(&str, &str, u64); 6] = [
    ("impression", "", 80),
    ("impression", "chirper-feed", 65),
    ("reaction", "", 500),
    ("reply", "", 6_000),
    ("share", "", 4_000),
    ("click", "", 5_500),
];

/// Campaigns: name, owner, objective.
pub(crate) const CAMPAIGNS: [(&str, &str, &str); 4] = [
    ("spring-launch", "ada", "sales"),
    ("always-on", "ada", "awareness"),
    ("ask-us-anything", "grace", "trust"),
    ("care", "grace", "service"),
];

/// What a day is against an ordinary one, in 1/1,000: for posts and visits alike.
pub(crate) const DAY_LEVEL: Curve =
    &[(0, 560), (1_000, 725), (2_500, 845), (5_000, 980), (7_500, 1_140), (9_000, 1_320), (10_000, 1_700)];
/// The same for an hour's visits: counts vary more than those of independent visitors would.
pub(crate) const HOUR_LEVEL: Curve = &[(0, 600), (1_000, 800), (5_000, 990), (9_000, 1_210), (10_000, 1_500)];
/// Visits in each hour (UTC), in 1/1,000 of the mean: lunch, and the evening.
pub(crate) const VISIT_HOURS: [u64; 24] = [
    300, 200, 150, 120, 120, 200, 450, 800, 1_100, 1_250, 1_300, 1_400, 1_700, 1_500, 1_300, 1_250, 1_300, 1_400, 1_550, 1_600,
    1_800, 1_500, 1_100, 610,
];
/// And on each day from Monday on.
pub(crate) const VISIT_DAYS: [u64; 7] = [1_050, 1_080, 1_060, 1_040, 1_000, 860, 910];

/// Visitors a line brings on average, in 1/1,000: the brand's own post where people repeat, and where they talk.
pub(crate) const PULL_OF_OWN_POST: [u64; 2] = [20_000, 5_000];
/// Somebody's post about the brand; a share of the brand's post, and of another.
pub(crate) const PULL_OF_POST: u64 = 40;
/// See [`PULL_OF_POST`].
pub(crate) const PULL_OF_SHARE: [u64; 2] = [600, 60];
/// An answer by the brand, and by anybody else.
pub(crate) const PULL_OF_REPLY: [u64; 2] = [1_000, 15];
/// What one post's links are against another's, in 1/1,000: few are much better than most.
pub(crate) const APPEAL: Curve = &[
    (0, 30),
    (1_000, 168),
    (2_500, 309),
    (5_000, 607),
    (7_500, 1_190),
    (9_000, 2_180),
    (9_750, 4_300),
    (9_900, 6_200),
    (10_000, 15_000),
];
/// The same for the links in its thread.
pub(crate) const APPEAL_OF_TALK: Curve = &[(0, 300), (2_500, 700), (5_000, 950), (7_500, 1_250), (10_000, 2_000)];
/// And for whole places.
pub(crate) const APPEAL_OF_PLACE: Curve =
    &[(0, 350), (1_000, 610), (2_500, 750), (5_000, 950), (7_500, 1_190), (9_000, 1_480), (10_000, 2_300)];

/// Seconds from an answer to the visitor it brings: minutes.
pub(crate) const LAG_OF_TALK: Curve =
    &[(0, 0), (1_000, 25), (2_500, 69), (5_000, 166), (7_500, 333), (9_000, 553), (9_750, 885), (9_900, 1_105), (10_000, 2_400)];
/// The same for posts and shares: hours.
pub(crate) const LAG_OF_SPREAD: Curve = &[
    (0, 60),
    (100, 1_560),
    (1_000, 3_960),
    (2_500, 6_240),
    (5_000, 9_600),
    (7_500, 14_100),
    (9_000, 19_140),
    (9_900, 30_240),
    (10_000, 42_000),
];
/// Seconds until somebody comes back.
pub(crate) const RETURN: Curve =
    &[(0, 7_200), (2_500, 40_000), (5_000, 120_000), (7_500, 400_000), (9_500, 1_200_000), (10_000, 3_400_000)];
/// Seconds from the last visit to the purchase.
pub(crate) const DECISION: Curve = &[(0, 40), (6_000, 1_500), (8_000, 30_000), (9_500, 300_000), (10_000, 1_700_000)];
/// Seconds from the purchase to the refund, and to the next purchase.
pub(crate) const REGRET: Curve = &[(0, 3_600), (5_000, 350_000), (9_000, 1_100_000), (10_000, 2_600_000)];
/// See [`REGRET`].
pub(crate) const REORDER: Curve = &[(0, 400_000), (5_000, 1_000_000), (10_000, 2_500_000)];
/// Cents of a purchase.
pub(crate) const PRICE: Curve = &[
    (0, 490),
    (1_000, 1_450),
    (2_500, 2_490),
    (5_000, 4_490),
    (7_500, 8_900),
    (9_000, 16_900),
    (9_900, 74_900),
    (10_000, 289_900),
];

/// Seconds of a shock, a mail and of news, from their start to a visit or question they bring.
pub(crate) const FADE_OF_SHOCK: Curve =
    &[(0, 0), (2_500, 3_600), (5_000, 9_000), (7_500, 18_000), (9_500, 43_000), (10_000, 80_000)];
/// See [`FADE_OF_SHOCK`].
pub(crate) const FADE_OF_MAIL: Curve = &[(0, 0), (2_500, 700), (5_000, 1_700), (7_500, 3_400), (9_500, 7_200), (10_000, 20_000)];
/// See [`FADE_OF_SHOCK`].
pub(crate) const FADE_OF_NEWS: Curve =
    &[(0, 0), (2_500, 5_000), (5_000, 14_000), (7_500, 40_000), (9_500, 120_000), (10_000, 200_000)];
/// Seconds from a question to the brand's answer.
pub(crate) const ANSWER: Curve = &[(0, 45), (5_000, 400), (9_000, 1_800), (10_000, 9_000)];

/// The value that holds at a time, of pairs of (first day, value) in the order of days; `None` before the first.
pub(crate) fn as_of<T: Copy>(dated: impl Iterator<Item = (i64, T)>, time: i64) -> Option<T> {
    let day = (time - WEEK_START).div_euclid(DAY);
    dated.take_while(|(from, _)| *from <= day).last().map(|(_, value)| value)
}
