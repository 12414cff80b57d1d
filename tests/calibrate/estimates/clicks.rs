//! Clicks on posts and replies, with or without what the hypothesis says.

use super::dice::Dice;
use grapevine_core::answers::immediacy::Share;

/// Roots of each side.
const ROOTS: u64 = 60;

/// What counts of the clicks of 60 roots a side, each with a tempo of its own. Of posts about one click in four comes within 15
/// minutes, of replies about two in three where `sooner`, else as many as of posts. A part of the links is fetched by two machines as
/// soon as it is there, one of which runs scripts and is counted as a visitor.
pub(crate) fn draw(dice: &mut Dice, sooner: bool, fetched: f64) -> Vec<(Share, Share)> {
    let root = |number: u64| {
        let is_reply = number >= ROOTS;
        let typical = if sooner && is_reply { 1.0 } else { -1.5 };
        let early = 1.0 / (1.0 + (-(typical + 0.8 * dice.normal())).exp());
        let mut seconds = Vec::new();
        if dice.chance(fetched) {
            seconds.push(dice.unit() * 8.0);
        }
        let mean = 8.0 * dice.skewed(1.0);
        for _ in 0..dice.poisson(mean) {
            seconds.push(if dice.chance(early) { 10.0 + 890.0 * dice.unit() } else { 900.0 * 96.0_f64.powf(dice.unit()) });
        }
        let mut share = Share::default();
        for seconds in seconds.into_iter().filter(|seconds| (10.0..86_400.0).contains(seconds)) {
            share.whole += 1.0;
            share.part += f64::from(u8::from(seconds < 900.0));
        }
        if is_reply { (share, Share::default()) } else { (Share::default(), share) }
    };
    (0..2 * ROOTS).map(root).collect()
}

/// Roots with a click each, a few of them with more, of which every side has as many early ones as the other.
pub(crate) fn few(dice: &mut Dice, (replies, posts): (u32, u32), early: f64) -> Vec<(Share, Share)> {
    let mut share = || {
        let whole = 1 + dice.poisson(0.2);
        let part = (0..whole).filter(|_| dice.chance(early)).count();
        Share { part: part as f64, whole: f64::from(whole) }
    };
    let replies: Vec<_> = (0..replies).map(|_| (share(), Share::default())).collect();
    replies.into_iter().chain((0..posts).map(|_| (Share::default(), share()))).collect()
}
