//! Why there is no return: what is looked at, in the words of [`Reason`].

use super::super::Side;
use super::super::money::Money;
use super::super::reason::Reason;

/// What a reason takes away. What needs more than one thing (the verdict) goes with any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// The return, and with it everything that stands on it.
    Roi,
    /// The interval.
    Interval,
    /// The range.
    Range,
}

/// What is known of the brand's period as a whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Findings {
    /// Every sale that may credit it has come.
    pub(super) complete: bool,
    /// It begins before visits or costs were known.
    pub(super) partial_start: bool,
    /// The brand sold something.
    pub(super) sold: bool,
    /// Some of that has a touch.
    pub(super) touched: bool,
    /// The brand's own work is known.
    pub(super) labour: bool,
}

/// Every reason why a side has no return in the period, each of which takes it away.
pub(super) fn grounds(side: Side, found: &Findings, margin: Money, cost: Money) -> Vec<(Reason, Takes)> {
    let grounds = [
        (side == Side::Unattributed, Reason::Unattributed),
        (side == Side::Unallocated, Reason::UnallocatedCost),
        (!found.complete, Reason::NotComplete),
        (found.partial_start, Reason::PartialStart),
        (!found.sold, Reason::NoConversions),
        (found.sold && !found.touched, Reason::NoTouch),
        (!found.labour, Reason::LabourCoverage),
        (cost.known().is_some_and(|cost| cost <= 0), Reason::NoCost),
    ];
    let grounds = grounds.into_iter().filter_map(|(holds, reason)| holds.then_some(reason));
    let missing = margin.missing().into_iter().chain(cost.missing()).map(Reason::from);
    grounds.chain(missing).map(|reason| (reason, Takes::Roi)).collect()
}
