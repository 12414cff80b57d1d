//! Sessions of one person: where each would end, for every touch that may begin one.
//!
//! The edge of a look-back may cut a session anywhere, so sessions cannot be formed once for all sales. But where a session
//! ends depends on its first touch alone. That end is worked out once for every touch, from the last one to the first, and the
//! sessions of any stretch are then read off by going from one beginning to the next.

use super::{Lookback, Touch};
use crate::record::Millis;

/// A touch that comes later than this after the one before it begins a session.
const GAP_MS: Millis = 30 * 60_000;

/// The touches of one person and brand in order, and the sessions that they form.
#[derive(Debug)]
pub struct Trail<M> {
    touches: Vec<Touch<M>>,
    /// Of each touch: the one that ends the session which begins with it; the number of touches if none does.
    end: Vec<usize>,
    /// Of each touch: the first from it on that is not direct; the number of touches if none is.
    known: Vec<usize>,
}

impl<M> Trail<M> {
    /// Of touches in any order; those in the order of time, kind and id cost least.
    #[must_use]
    pub fn new(mut touches: Vec<Touch<M>>) -> Trail<M> {
        touches.sort_by(|a, b| a.order().cmp(&b.order()));
        let end = ends(&touches);
        let mut known = vec![touches.len(); touches.len() + 1];
        for (i, touch) in touches.iter().enumerate().rev() {
            known[i] = if touch.direct { known[i + 1] } else { i };
        }
        Trail { touches, end, known }
    }

    /// The touches that stand for the sessions within the look-back, in order. The time is logarithmic in the touches and
    /// linear in the sessions.
    pub fn sessions(&self, sold_at: Millis, lookback: Lookback) -> impl Iterator<Item = &Touch<M>> {
        let edge = lookback.edge(sold_at);
        let until = self.touches.partition_point(|touch| touch.time <= sold_at);
        let mut begin = self.touches.partition_point(|touch| touch.time <= edge);
        std::iter::from_fn(move || {
            if begin >= until {
                return None;
            }
            let end = self.end[begin].min(until);
            let known = self.known[begin];
            let stands = if known < end { known } else { begin };
            begin = end;
            Some(&self.touches[stands])
        })
    }
}

/// Where the session that begins with each touch ends. One more than the touches: of none of them nothing ends.
fn ends<M>(touches: &[Touch<M>]) -> Vec<usize> {
    let posts = Names::of(touches, |touch| &touch.root);
    let campaigns = Names::of(touches, |touch| &touch.campaign);
    let mut end = vec![touches.len(); touches.len() + 1];
    let mut gap = touches.len();
    for i in (0..touches.len()).rev() {
        if touches.get(i + 1).is_some_and(|after| after.time.saturating_sub(touches[i].time) > GAP_MS) {
            gap = i + 1;
        }
        let (post, campaign) = (posts.first[i], campaigns.first[i]);
        let other_post = posts.other[post];
        // A post that came without a campaign is ended by any.
        let other_campaign = if post < campaign { campaign } else { campaigns.other[campaign] };
        end[i] = gap.min(other_post).min(other_campaign);
    }
    end
}

/// Where names stand among touches; the number of touches where there is none.
struct Names {
    /// The first touch with a name, from each on.
    first: Vec<usize>,
    /// Of each touch with a name: the first after it with another one.
    other: Vec<usize>,
}

impl Names {
    fn of<M>(touches: &[Touch<M>], name: impl Fn(&Touch<M>) -> &str) -> Names {
        let none = touches.len();
        let mut names = Names { first: vec![none; none + 1], other: vec![none; none + 1] };
        for (i, touch) in touches.iter().enumerate().rev() {
            let ahead = names.first[i + 1];
            if name(touch).is_empty() {
                names.first[i] = ahead;
            } else {
                let same = touches.get(ahead).is_some_and(|other| name(other) == name(touch));
                names.first[i] = i;
                names.other[i] = if same { names.other[ahead] } else { ahead };
            }
        }
        names
    }
}
