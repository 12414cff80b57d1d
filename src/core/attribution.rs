//! Whose credit a sale is: rules that say which of the touches before it get which part of its money.
//!
//! `docs/roi.md` explains every rule with an example; the tests run its examples. What the rules need is fed in, of one person
//! and brand after the other ([`credit`]), and nothing else is looked at.
//!
//! # Sessions
//!
//! Touches in close succession are one, the *session*, and for it stands its first touch that is not direct (the first one if
//! all are). A session ends
//! - before a touch that comes more than 30 minutes after the one before it, whatever it is;
//! - before a click on another post than the one that the session has named;
//! - before a campaign, if the session has named another one, or a post and no campaign.
//!
//! What it *has named* is the first post and the first campaign of its touches. So a session that has named nothing is ended
//! by neither, and takes on what comes. Direct touches and other sources name nothing, and end no session by themselves.
//! Where the wording of the rules leaves a choice:
//! - a session that has named a campaign and no post is not ended by a post without a campaign: there is no other post;
//! - the same post under another campaign ends it, and so does a campaign for a post that had none;
//! - of A, B, A within minutes each is a session: "the same one again" is the one that the session is of;
//! - touches outside the look-back form no sessions: its edge may cut one, of which the rest then stands for itself.
//!
//! # Exactness
//!
//! Money is whole millionths. The parts of a sale add up to its amount exactly: each is rounded down, and the units that are
//! left go to the largest remainders, of equal ones to the earlier touch.

mod join;
mod money;
mod rule;
mod session;
#[cfg(test)]
mod tests;

pub use join::{Failed, credit};
pub use rule::Rule;
pub use session::Trail;

use crate::event::Millionths;
use crate::record::Millis;

/// How long after its target a click must come to be a touch of its own: what comes sooner without a visit are machines that
/// look at every new link.
const HUMAN_MS: Millis = 10_000;

/// Sessions of one sale that count, the latest. More of them within a look-back are no person: a shared id, a kiosk, a test.
const SESSIONS_MAX: usize = 500;

const DAY_MS: Millis = 86_400_000;

/// Of whom touches and sales are. Streams are sorted by it: by the bytes of the person, then of the brand.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who {
    /// The person, as of the day of the touch or of the sale; empty: not known, then a sale has no touches.
    pub person: String,
    /// The brand; of a refund that of its sale.
    pub brand: String,
}

/// What a touch is made of. In this order where times are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A visit with a visitor that is no self-referral.
    #[default]
    Visit,
    /// A click of a visitor that no visit names: see [`lone_click_is_touch`].
    Click,
}

/// What somebody came through. `M` is what the caller wants to find again, and no rule looks at: side, place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touch<M> {
    /// When the visit or the click was.
    pub time: Millis,
    /// Which of the two it is.
    pub kind: Kind,
    /// The id of the visit or of the click.
    pub id: String,
    /// The root of what was clicked; empty where no click is known.
    pub root: String,
    /// The campaign of the post that was clicked, else of the link; spelled alike whatever it came from; empty: none.
    pub campaign: String,
    /// Came without a click, a link parameter or a referring page.
    pub direct: bool,
    /// Something tells the side.
    pub tracked: bool,
    /// What passes through.
    pub more: M,
}

impl<M> Touch<M> {
    /// What touches of one person are sorted by.
    fn order(&self) -> (Millis, Kind, &str) {
        (self.time, self.kind, &self.id)
    }
}

/// A conversion: a sale, or what takes one back. `M` is what the caller wants to find again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sale<M> {
    /// The id of the conversion.
    pub id: String,
    /// When the sale was whose touches count. A refund stands on those of its sale, however late it comes; one that names no
    /// sale, or one that is not known, on those before itself.
    pub sold_at: Millis,
    /// Of a refund negative.
    pub amount: Millionths,
    /// The id of the sale that it takes back; empty: none is named.
    pub refund_of: String,
    /// The margin as a share of the amount, in millionths; `None`: not known.
    pub margin_rate: Option<i32>,
    /// What one unit of the currency is worth in the brand's base currency, in units of 10^-18; `None`: not known.
    pub base_rate: Option<i128>,
    /// What passes through.
    pub more: M,
}

impl<M> Sale<M> {
    /// Whether it takes back: it names a sale, or its amount is negative. It is no conversion of its own then.
    #[must_use]
    pub fn is_refund(&self) -> bool {
        !self.refund_of.is_empty() || self.amount < 0
    }
}

/// How far back touches count, in days of 24 hours: `sold_at - days < touch <= sold_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lookback {
    /// How many.
    pub days: u16,
}

impl Lookback {
    /// Those that are worked out.
    pub const ALL: [Lookback; 3] = [Lookback { days: 7 }, Lookback { days: 30 }, Lookback { days: 90 }];

    /// The last time before a sale that is too early.
    fn edge(self, sold_at: Millis) -> Millis {
        sold_at.saturating_sub(Millis::from(self.days) * DAY_MS)
    }
}

/// What one touch gets of one sale under one rule and look-back. Money in millionths, negative of refunds.
#[derive(Debug, PartialEq, Eq)]
pub struct Part<'a, M> {
    /// Under which rule.
    pub rule: Rule,
    /// Within which look-back.
    pub lookback: Lookback,
    /// Which of the touches within the look-back it is of; 0 of nobody's.
    pub number: usize,
    /// Whose it is; `None`: nobody's, the sale is *unattributed* and has this one part.
    pub touch: Option<&'a Touch<M>>,
    /// Its weight, above 0.
    pub weight: u64,
    /// The weights of all parts of the sale: `weight / of_weight` is the exact share.
    pub of_weight: u64,
    /// Its money; the parts of a sale add up to its amount.
    pub credit: Millionths,
    /// `credit` times the margin rate, exactly, in units of 10^-12; `None` without a margin rate, or beyond 38 digits.
    pub margin: Option<i128>,
    /// `credit` in the base currency, cut after six decimals; `None` without a rate, or for a sale worth 10^30 and more.
    pub credit_base: Option<Millionths>,
    /// Its margin in the base currency, cut after six decimals; `None` without either rate, or beyond 38 digits.
    pub margin_base: Option<Millionths>,
    /// The rule is [`Rule::Last`], and a direct session came after this touch.
    pub before_direct: bool,
}

impl<M> Part<'_, M> {
    /// The share as a number, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.weight as f64 / self.of_weight as f64
    }

    /// Whether the touch is direct; nobody's is not.
    #[must_use]
    pub fn direct(&self) -> bool {
        self.touch.is_some_and(|touch| touch.direct)
    }

    /// Whether something tells the touch's side; of nobody's nothing does.
    #[must_use]
    pub fn tracked(&self) -> bool {
        self.touch.is_some_and(|touch| touch.tracked)
    }
}

/// Whether a click of a visitor that no visit names is a touch: if it came 10 s or more after what was clicked, or if nobody
/// knows when that was (`target`).
#[must_use]
pub fn lone_click_is_touch(clicked: Millis, target: Option<Millis>) -> bool {
    target.is_none_or(|target| clicked.saturating_sub(target) >= HUMAN_MS)
}
