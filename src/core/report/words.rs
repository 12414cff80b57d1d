//! What the answers' words for reasons, notes and sides mean, for people who do not read tables.

use super::number::plain;

/// The words of `reason` and `notes`, and what they say.
const SAID: [(&str, &str); 26] = [
    ("few_buyers", "fewer than five people bought"),
    ("few_roots", "too few posts were clicked"),
    ("few_sales", "it stands on fewer than ten sales"),
    ("few_units", "almost all of it hangs on one post"),
    ("labour_coverage", "hours are logged in fewer than four of five active weeks"),
    ("missing_exchange_rate", "an exchange rate is missing, table fx"),
    ("missing_hourly_rate", "an hourly rate is missing, table labour_rate"),
    ("missing_margin_rate", "the margin of a sale is missing, table brand"),
    ("no_clicks", "no click on its posts is known"),
    ("no_conversions", "nothing was sold"),
    ("no_cost", "no cost of it is known"),
    ("no_difference", "the places differ by no more than chance"),
    ("no_mature_posts", "no post is old enough"),
    ("no_spread", "too few places to compare"),
    ("no_touch", "no sale names a visitor whose visits are known"),
    ("no_value", "nothing came back"),
    ("not_complete", "sales that count may still come"),
    ("not_mature", "sales that count may still come"),
    ("other_currency", "part of it was sold in another base currency"),
    ("partial_start", "the data begin within it"),
    ("partly_allocated", "more than a tenth of the brand's cost names no side"),
    ("partly_traced", "more than a tenth of it names no post"),
    ("short_period", "a week is too short"),
    ("unallocated_cost", "this cost names no side"),
    ("unattributed", "no visit before the sale is known"),
    ("unbounded_estimate", "hours were estimated without a least and a most"),
];

/// A reason or a note in words. One that is not in the list is said as it is, and so is what is words already.
pub(super) fn said(reason: &str) -> String {
    match SAID.iter().find(|(known, _)| *known == reason) {
        Some((_, says)) => (*says).to_owned(),
        None if reason.contains(' ') => reason.to_owned(),
        None => plain(reason),
    }
}

/// A side, or what is of none.
pub(super) fn side(name: &str) -> String {
    match name {
        "other" => "other visits".to_owned(),
        "unattributed" => "nobody's credit".to_owned(),
        "(unallocated)" => "neither side named".to_owned(),
        name => plain(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_said_and_an_unknown_one_stands_as_it_is() {
        assert_eq!(said("partial_start"), "the data begin within it");
        assert_eq!(said("new_reason"), "new reason");
        assert_eq!(said(&said("missing_hourly_rate")), "an hourly rate is missing, table labour_rate");
        assert_eq!(side("(unallocated)"), "neither side named");
    }
}
