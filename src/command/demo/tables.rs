//! What the demo shows when nobody asks anything: titles of tables, and their questions.

use serde_json::Value;

use crate::generator::money::{Settings, Truth};

/// Of the money: which side returned what, and how soon people came.
pub(super) const MONEY: [(&str, &str); 3] = [
    (
        "What did each side return? Margin of sales whose last contact that was not direct it was, against what was spent on it",
        "SELECT brand, side, period_start AS first_day, period_end - 1 AS last_day, round(cost_base) AS spent, round(margin_base) AS came_back,
             ifNull(concat(if(roi < 0, '', '+'), toString(round(100 * roi)), ' %'), '') AS returned,
             ifNull(concat(toString(round(100 * roi_low)), ' to ', toString(round(100 * roi_high)), ' %'), '') AS likely,
             multiIf(r.verdict = 'positive', 'it pays', r.verdict = 'negative', 'it loses', r.verdict = 'cannot_tell', 'cannot be told', reason) AS verdict
         FROM roi AS r WHERE period = 'all' AND side IN ('broadcast', 'conversation') AND cost_base > 0 ORDER BY brand, side",
    ),
    (
        "Which of the two returned more for each unit of money that was spent? Times what conversation returned, broadcast did",
        "SELECT brand, round(times, 2) AS times_conversation, round(exp(log_ratio_low), 2) AS at_least, round(exp(log_ratio_high), 2) AS at_most,
             concat(toString(round(100 * p_first)), ' %') AS p_broadcast_is_higher,
             multiIf(c.verdict = 'first', 'broadcast', c.verdict = 'second', 'conversation', 'cannot be told') AS verdict
         FROM comparison AS c WHERE kind = 'sides' AND period = 'all' AND times IS NOT NULL ORDER BY brand",
    ),
    (
        "How soon do people come? Of the clicks within a day of what was clicked, those within 15 minutes",
        "SELECT brand, ifNull(concat(toString(round(100 * p_conversation, 1)), ' %'), '') AS of_conversation,
             ifNull(concat(toString(round(100 * p_broadcast, 1)), ' %'), '') AS of_broadcast,
             multiIf(i.verdict = 'supported', 'at once to conversation, later to broadcast', i.verdict = 'refuted', 'sooner to broadcast',
                 i.verdict = 'undecided', 'cannot be told', reason) AS verdict
         FROM immediacy AS i ORDER BY brand",
    ),
];

/// The title of what [`gap`] asks.
pub(super) const GAP: &str = "Is credit the truth? Margin that a rule of credit gives to each side, and margin that would be missing without it, over all days";

/// Of posts, shares and replies.
pub(super) const CONTENT: [(&str, &str); 8] = [
    (
        "Broadcast or conversation? Events by channel and side",
        "SELECT channel, sum(s.broadcast) AS broadcast, sum(s.conversation) AS conversation,
             round(sum(s.conversation) / nullIf(sum(s.broadcast) + sum(s.conversation), 0), 3) AS conversation_share
         FROM sides AS s GROUP BY channel ORDER BY channel",
    ),
    (
        "How far did it spread? The largest cascades of each size",
        "SELECT size_bin, root, size, max_depth, round(structural_virality, 2) AS virality, round(inferred_share, 2) AS inferred_share
         FROM cascade_ranking WHERE rank_by_size <= 2 ORDER BY size_bin DESC, rank_by_size LIMIT 12",
    ),
    (
        "How fast? Seconds to depths, to ten people, to half of the shares",
        "SELECT root, seconds_to_depth_1, seconds_to_depth_2, seconds_to_10_people, half_life_seconds
         FROM cascade_speed ORDER BY size DESC LIMIT 5",
    ),
    (
        "Does a share bring another? Reproduction by generation",
        "SELECT generation, sum(r.nodes) AS nodes, round(sum(r.children) / sum(r.nodes), 3) AS reproduction FROM reproduction AS r \
         GROUP BY generation ORDER BY generation LIMIT 6",
    ),
    (
        "Do people talk with each other? The largest threads",
        "SELECT root, replies, round(dyad_reciprocity, 2) AS mutual_pairs, round(two_wayness, 2) AS two_way,
             round(turn_taking, 2) AS turns, h_index, longest_exchange
         FROM thread_dialogue ORDER BY replies DESC, root LIMIT 5",
    ),
    (
        "Where do they? Communities by conversation rate: replies of the audience for each post of the brand",
        "SELECT community, brand_posts, round(conversation_rate, 2) AS conversation, round(amplification_rate, 2) AS amplification
         FROM community_conversation WHERE brand_posts > 0 ORDER BY conversation_rate DESC NULLS LAST, community LIMIT 8",
    ),
    (
        "How fast are the answers? Seconds",
        "SELECT channel, community, threads, round(response_seconds_p50) AS median, round(response_seconds_p90) AS slowest_tenth,
             round(brand_response_rate, 2) AS answered_by_brand
         FROM response_times ORDER BY threads DESC LIMIT 6",
    ),
    ("Was everything counted?", "SELECT source, read, accepted, duplicates, rejected, conserved FROM sources ORDER BY source"),
];

/// A question whose answer is the gap between credit and cause. Generates the world three times, to know what is missing without a side.
pub(super) fn gap(settings: &Settings) -> String {
    gap_to(&Truth::of(settings).to_json())
}

fn gap_to(truth: &Value) -> String {
    let mut caused = Vec::new();
    for (side, brands) in truth["caused"].as_object().into_iter().flatten() {
        for (brand, figures) in brands.as_object().into_iter().flatten() {
            caused.push(format!("('{brand}', '{side}', '{}')", figures["margin_base"].as_str().unwrap_or_default()));
        }
    }
    format!(
        "SELECT t.brand AS brand, t.side AS side, round(if(c.brand = '', 0, c.last)) AS rule_last,
             round(if(c.brand = '', 0, c.lowest)) AS lowest_rule, round(if(c.brand = '', 0, c.highest)) AS highest_rule,
             round(toFloat64(t.caused)) AS truth, round(if(c.brand = '', 0, c.last) - toFloat64(t.caused)) AS gap
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
        assert!(gap_to(&truth).contains(wanted));
    }
}
