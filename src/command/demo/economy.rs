//! The demo's world with money: two months of costs, visits and sales, of which it is known what each side caused.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Arguments;
use crate::generator::money::{Economy, Settings, Truth};

/// Long enough for cohorts to mature after 7 and 30 days.
const DAYS: u16 = 63;
/// People who come for reasons of their own on an ordinary day.
const VISITS_A_DAY: u32 = 1_000;

/// What is shown in the end: the title of a table, and its question.
const TABLES: [(&str, &str); 3] = [
    (
        "What came back? Margin credited to each side's touches by the last that was not direct, less its cost, over its cost",
        "SELECT brand, side, period, round(margin_base) AS margin, round(cost_base) AS cost, round(roi, 2) AS roi,
             round(roi_low, 2) AS at_least, round(roi_high, 2) AS at_most, verdict, reason
         FROM roi
         WHERE period IN ('last_4_weeks', 'all') AND side IN ('broadcast', 'conversation')
         ORDER BY brand, period DESC, side",
    ),
    (
        "Which side returned more for each unit of cost? first is broadcast, second conversation",
        "SELECT brand, period, round(times, 2) AS first_to_second, round(exp(log_ratio_low), 2) AS at_least,
             round(exp(log_ratio_high), 2) AS at_most, round(p_first, 3) AS p_first, verdict, reason
         FROM comparison WHERE kind = 'sides' AND period = 'all' ORDER BY brand",
    ),
    (
        "Do people come at once to conversation, and later to broadcast? Shares of clicks within 15 minutes of what was clicked",
        "SELECT brand, round(p_conversation, 3) AS of_conversation, round(p_broadcast, 3) AS of_broadcast,
             round(difference_low, 3) AS at_least, round(difference_high, 3) AS at_most, verdict, reason
         FROM immediacy ORDER BY brand",
    ),
];

/// The world of the demo.
pub(super) fn settings(arguments: &Arguments) -> Settings {
    Settings {
        seed: arguments.seed,
        events: arguments.events,
        days: DAYS,
        visits_a_day: VISITS_A_DAY,
        places: 0,
        confounders: BTreeMap::new(),
        bots: false,
        experiment: None,
        without: None,
    }
}

/// Its exchange rates, hourly rates, margins and the like, as SQL.
pub(super) fn dimensions(arguments: &Arguments) -> String {
    Economy::dimensions(&settings(arguments))
}

/// The tables of returns, and at the end the gap. Generates the world three times more, to know what is missing without a side.
pub(super) fn tables(arguments: &Arguments) -> Vec<(&'static str, String)> {
    let truth = Truth::of(&settings(arguments)).to_json();
    let mut tables: Vec<_> = TABLES.map(|(title, query)| (title, query.to_owned())).into();
    tables.push((
        "Is credit the truth? Margin that a rule of credit gives to each side, and margin that would be missing without it",
        gap(&truth),
    ));
    tables
}

/// A question whose answer is the gap.
fn gap(truth: &Value) -> String {
    let mut caused = Vec::new();
    for (side, brands) in truth["caused"].as_object().into_iter().flatten() {
        for (brand, figures) in brands.as_object().into_iter().flatten() {
            caused.push(format!("('{brand}', '{side}', '{}')", figures["margin_base"].as_str().unwrap_or_default()));
        }
    }
    format!(
        "SELECT t.brand AS brand, t.side AS side, round(c.last) AS rule_last, round(c.lowest) AS lowest_rule,
             round(c.highest) AS highest_rule, round(toFloat64(t.caused)) AS truth,
             round(c.last - toFloat64(t.caused)) AS gap
         FROM values('brand String, side String, caused String', {}) AS t
         LEFT JOIN (
             SELECT brand, side, if(is_unknown, NULL, m[2]) AS last, if(is_unknown, NULL, arrayMin(m)) AS lowest, if(is_unknown, NULL, arrayMax(m)) AS highest
             FROM (
                 -- A rule that gives a side nothing has no row of it.
                 SELECT brand, side, countIf(margin_base IS NULL) > 0 AS is_unknown,
                     [sumIf(known, model = 'first'), sumIf(known, model = 'last'), sumIf(known, model = 'linear'),
                      sumIf(known, model = 'position'), sumIf(known, model = 'time_decay')] AS m
                 FROM (SELECT *, toFloat64(ifNull(margin_base, 0)) AS known FROM credit_by_rule WHERE lookback_days = 30)
                 GROUP BY brand, side
             )
         ) AS c ON c.brand = t.brand AND c.side = t.side
         ORDER BY brand, side",
        caused.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_asks_for_every_side_of_every_brand() {
        let truth = serde_json::json!({"caused": {
            "broadcast": {"acme": {"margin_base": "1.5"}, "zenith": {"margin_base": "-2"}},
            "conversation": {"acme": {"margin_base": "0.25"}},
        }});
        let wanted = "('acme', 'broadcast', '1.5'), ('zenith', 'broadcast', '-2'), ('acme', 'conversation', '0.25')) AS t";
        assert!(gap(&truth).contains(wanted));
    }
}
