//! Why a number is not there, and what stands beside one.

use super::money::Missing;

/// Why a row lacks its return, its interval, its range or its verdict. In the order in which they are said: the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Margin without a touch returns on no cost.
    Unattributed,
    /// Cost without a side has no margin.
    UnallocatedCost,
    /// No post of the week.
    NoPosts,
    /// Sales may still come.
    NotComplete,
    /// The same, of the posts of a week.
    NotMature,
    /// It begins before visits or costs were known.
    PartialStart,
    /// The brand sold nothing.
    NoConversions,
    /// The brand sold, but no sale has a touch.
    NoTouch,
    /// Visits are known, but not from which post.
    NoClicks,
    /// Money is kept in another base currency.
    OtherCurrency,
    /// Hours without a rate.
    MissingHourlyRate,
    /// A currency without an exchange rate.
    MissingExchangeRate,
    /// A sale without a margin rate.
    MissingMarginRate,
    /// Of too few weeks it is known what the brand's own work was.
    LabourCoverage,
    /// Nothing was spent.
    NoCost,
    /// The margin is not above 0.
    NoValue,
    /// One or two posts made nearly all of it.
    FewUnits,
    /// The same, where units are the posts of a week.
    FewRoots,
    /// Less than four weeks.
    ShortPeriod,
    /// Estimated hours without a low and a high, or with a low of nothing.
    UnboundedEstimate,
    /// At the lowest estimate of the hours nothing was spent.
    NoCostAtLowEstimate,
}

impl Reason {
    /// Its word in a row.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Reason::Unattributed => "unattributed",
            Reason::UnallocatedCost => "unallocated_cost",
            Reason::NoPosts => "no_posts",
            Reason::NotComplete => "not_complete",
            Reason::NotMature => "not_mature",
            Reason::PartialStart => "partial_start",
            Reason::NoConversions => "no_conversions",
            Reason::NoTouch => "no_touch",
            Reason::NoClicks => "no_clicks",
            Reason::OtherCurrency => "other_currency",
            Reason::MissingHourlyRate => "missing_hourly_rate",
            Reason::MissingExchangeRate => "missing_exchange_rate",
            Reason::MissingMarginRate => "missing_margin_rate",
            Reason::LabourCoverage => "labour_coverage",
            Reason::NoCost => "no_cost",
            Reason::NoValue => "no_value",
            Reason::FewUnits => "few_units",
            Reason::FewRoots => "few_roots",
            Reason::ShortPeriod => "short_period",
            Reason::UnboundedEstimate => "unbounded_estimate",
            Reason::NoCostAtLowEstimate => "no_cost_at_low_estimate",
        }
    }
}

impl From<Missing> for Reason {
    fn from(missing: Missing) -> Reason {
        match missing {
            Missing::OtherCurrency => Reason::OtherCurrency,
            Missing::HourlyRate => Reason::MissingHourlyRate,
            Missing::ExchangeRate => Reason::MissingExchangeRate,
            Missing::MarginRate => Reason::MissingMarginRate,
        }
    }
}

/// What stands beside a number without removing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// More than a tenth of the margin has no post.
    PartlyTraced,
    /// More than a tenth of the brand's cost has no side.
    PartlyAllocated,
    /// Fewer than ten sales: the interval is wider than need be.
    FewSales,
    /// No click of the side is known, so nothing can be traced to a post.
    NoClicks,
}

impl Note {
    /// Its word in a row.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Note::PartlyTraced => "partly_traced",
            Note::PartlyAllocated => "partly_allocated",
            Note::FewSales => "few_sales",
            Note::NoClicks => "no_clicks",
        }
    }
}

/// Whether a return is above or below nothing, whatever the assumptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// More came back than was spent.
    Positive,
    /// Less came back than was spent.
    Negative,
    /// The interval, as it stands or moved to the nearer end of the range, holds 0.
    CannotTell,
}

impl Verdict {
    /// Its word in a row.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Verdict::Positive => "positive",
            Verdict::Negative => "negative",
            Verdict::CannotTell => "cannot_tell",
        }
    }
}
