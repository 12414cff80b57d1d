//! The rules: how much each session of a sale weighs.

use super::{DAY_MS, Touch};
use crate::record::Millis;

/// After this time a touch counts half as much as one now.
const HALF_LIFE_MS: Millis = 7 * DAY_MS;

/// The weight of a touch that has not decayed: fine enough for any amount, and whole, so that every split is exact.
const UNDECAYED: f64 = 4_294_967_296.;

/// Who gets the credit, among the touches that stand for the sessions within the look-back. As a number, its place in [`Rule::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// All to the first.
    First,
    /// All to the last that is not direct; to the last one if all are.
    Last,
    /// The same to each.
    Linear,
    /// 40 % to the first, 40 % to the last, and the rest to those between, the same to each; of two a half each.
    Position,
    /// Half as much for every 7 days before the last one.
    TimeDecay,
}

impl Rule {
    /// All of them.
    pub const ALL: [Rule; 5] = [Rule::First, Rule::Last, Rule::Linear, Rule::Position, Rule::TimeDecay];

    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Rule::First => "first",
            Rule::Last => "last",
            Rule::Linear => "linear",
            Rule::Position => "position",
            Rule::TimeDecay => "time_decay",
        }
    }

    /// Weights of touches in order, one each; at least one is above 0. Without touches there is one weight: nobody's.
    /// `last_known` is the last that is not direct.
    pub(super) fn weigh<M>(self, touches: &[&Touch<M>], last_known: Option<usize>, weights: &mut Vec<u64>) {
        let end = touches.len().saturating_sub(1);
        let only = |chosen: usize| move |i: usize| u64::from(i == chosen);
        weights.clear();
        if touches.is_empty() {
            weights.push(1);
            return;
        }
        match self {
            Rule::First => weights.extend((0..=end).map(only(0))),
            Rule::Last => weights.extend((0..=end).map(only(last_known.unwrap_or(end)))),
            Rule::Linear => weights.extend((0..=end).map(|_| 1)),
            Rule::Position => {
                // 0.4 to 0.2 / m as whole numbers: 2 m to 1, of m touches between.
                let between = touches.len().saturating_sub(2) as u64;
                let ends = (2 * between).max(1);
                weights.extend((0..=end).map(|i| if i == 0 || i == end { ends } else { 1 }));
            }
            Rule::TimeDecay => {
                let last = touches.last().map_or(0, |touch| touch.time);
                weights.extend(touches.iter().map(|touch| decayed(touch.time.saturating_sub(last))));
            }
        }
    }
}

/// What a touch weighs that came so long before the last one (`age` is 0 or negative). A touch of very long ago weighs nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 2^32")]
fn decayed(age: Millis) -> u64 {
    (UNDECAYED * (age as f64 / HALF_LIFE_MS as f64).exp2()).round_ties_even() as u64
}
