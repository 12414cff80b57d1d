//! Clicks on posts and replies, with or without what the hypothesis says.

use std::sync::Arc;

use super::dice::Dice;
use grapevine_core::answers::immediacy::{Click, Target};

const SECOND: i64 = 1_000;
const DAY: i64 = 86_400_000;

/// How far the log has been read.
pub(crate) const COMPLETE_TO: i64 = 100 * DAY;

/// Roots of each side.
const ROOTS: u64 = 60;

/// Clicks of 60 roots a side, each with a tempo of its own. Of posts about one click in four comes within 15 minutes, of replies about
/// two in three where `sooner`, else as many as of posts. A part of the links is fetched by two machines as soon as it is there.
pub(crate) fn draw(dice: &mut Dice, sooner: bool, fetched: f64) -> Vec<Click> {
    let mut clicks = Vec::new();
    for root in 0..2 * ROOTS {
        let target = if root < ROOTS { Target::Post } else { Target::Reply };
        let typical = if sooner && target == Target::Reply { 1.0 } else { -1.5 };
        let early = 1.0 / (1.0 + (-(typical + 0.8 * dice.normal())).exp());
        let posted = (10.0 + 80.0 * dice.unit()) as i64 * DAY + (dice.unit() * DAY as f64) as i64;
        let click = |visitor: Option<u64>, age: i64| Click {
            time: posted + age,
            root,
            channel: Arc::from("forum"),
            community: Arc::from("a"),
            target: root,
            posted: Some((posted, target)),
            visitor,
            participant: false,
        };
        if dice.chance(fetched) {
            clicks.push(click(None, (dice.unit() * 8.0) as i64 * SECOND));
            // One that runs scripts, and is counted as a visitor.
            clicks.push(click(Some(1_000_000 + root), (dice.unit() * 8.0) as i64 * SECOND));
        }
        let mean = 8.0 * dice.skewed(1.0);
        for visitor in 0..u64::from(dice.poisson(mean)) {
            let seconds = if dice.chance(early) { 10.0 + 890.0 * dice.unit() } else { 900.0 * 96.0_f64.powf(dice.unit()) };
            clicks.push(click(Some(root * 10_000 + visitor), (seconds * SECOND as f64) as i64));
        }
    }
    clicks
}
