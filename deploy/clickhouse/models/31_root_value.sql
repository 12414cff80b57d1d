-- Posts with the credit they got, in cells; and, per brand, the credit that none of its posts got. A building block of roi and places.
-- order: brand
WITH
    ['all', 'broadcast', 'conversation', 'other'] AS sides,
    ['first', 'last', 'linear', 'position', 'time_decay'] AS models,
    -- Each credited touch with a vector of its 15 rules (model, look-back): margin, revenue, part of a sale, what a direct visit followed, what has no rate.
    -- Credit that reaches no cohort post goes to the selling brand. Refunds take the evidence class of their sale.
    touched AS (
        SELECT
            conversion, visit, if(any(c.root) IN (SELECT r.root FROM {model.cohort_root} AS r), any(c.root), '') AS root, any(c.brand) AS sold_by, any(c.base_currency) AS base_currency, if(root = '', sold_by, '') AS of_brand, any(indexOf(sides, toString(c.side))) AS side, any(c.sold_at) AS at,
            max(c.direct) AS direct, any((toMonday(c.day), toInt8(multiIf(c.refund_of != '' AND c.sold_at != c.at, -1, c.root != '', 3, c.tracked, 2, c.visit != '', 1, 0)))) AS evidence,
            sumForEach(arrayMap(k -> if(k = c.rule, ifNull(c.margin_base, 0), 0), range(15))) AS margin,
            sumForEach(arrayMap(k -> if(k = c.rule, ifNull(c.credit_base, 0), 0), range(15))) AS revenue,
            sumForEach(arrayMap(k -> if(k = c.rule AND c.refund_of = '' AND c.credit >= 0, c.share, 0.), range(15))) AS sales,
            sumForEach(arrayMap(k -> if(k = c.rule AND c.before_direct, toFloat64(ifNull(c.margin_base, 0)), 0.), range(15))) AS before_direct,
            maxForEach(arrayMap(k -> toUInt8(multiIf(k != c.rule OR c.share = 0, 0, c.credit_base IS NULL, 2, c.margin_base IS NULL, 1, 0)), range(15))) AS unknown
        FROM (SELECT *, 3 * (indexOf(models, model) - 1) + indexOf([7, 30, 90], lookback_days) - 1 AS rule FROM {model.credit_by_rule}) AS c
        GROUP BY conversion, visit, click
    ),
    traced AS (
        SELECT
            root, of_brand, min(t.sold_by) AS sold_by, groupArrayIf((side, at, margin, revenue, sales, before_direct, unknown, base_currency), root != '') AS entries,
            sumForEach(t.revenue) AS known_revenue, sumForEachIf(t.margin, t.direct) AS direct_margin, maxForEachIf(t.unknown, t.direct) AS direct_unknown, groupUniqArray(t.evidence) AS weeks
        FROM touched AS t GROUP BY root, of_brand
    )
SELECT
    r.root AS root, r.root != '' AS is_post, if(is_post, r.brand, t.sold_by) AS brand, r.campaign AS campaign, r.channel AS channel, r.community AS community,
    r.cohort AS cohort, r.base_currency AS base_currency, r.root_time AS root_time, r.engagements AS engagements, r.clicks AS clicks, r.active_weeks AS active_weeks,
    -- Sold by a brand with another base currency, or when the brand had another: money that cannot be added to the rest.
    arrayMap(x -> if(x.8 = r.base_currency, x, (x.1, x.2, arrayResize([toDecimal128(0, 6)], 15), arrayResize([toDecimal128(0, 6)], 15), x.5, arrayResize([0.], 15), arrayMap((m, v, u) -> toUInt8(if(m != 0 OR v != 0 OR u > 0, 3, 0)), x.3, x.4, x.7), x.8)), t.entries) AS entries,
    t.weeks AS weeks, if(is_post, arrayReduce('sumForEach', arrayMap(x -> x.4, entries)), t.known_revenue) AS known_revenue, t.direct_margin AS direct_margin, t.direct_unknown AS direct_unknown,
    if(is_post AND notEmpty(entries), arrayMap(c -> arrayFilter(x -> (c < 3 OR x.1 = intDiv(c, 3) + 1) AND x.2 <= r.root_time + toIntervalDay([7, 30, 90][c % 3 + 1]), entries), range(12)), []) AS entries_by_cell,
    arrayFlatten(arrayMap(c -> arrayReduce('sumForEach', arrayPushBack(arrayMap(x -> x.3, c), arrayResize([toDecimal128(0, 6)], 15))), entries_by_cell)) AS margin,
    arrayFlatten(arrayMap(c -> arrayReduce('sumForEach', arrayPushBack(arrayMap(x -> x.4, c), arrayResize([toDecimal128(0, 6)], 15))), entries_by_cell)) AS revenue,
    arrayFlatten(arrayMap(c -> arrayReduce('sumForEach', arrayPushBack(arrayMap(x -> x.5, c), arrayResize([0.], 15))), entries_by_cell)) AS sales,
    arrayFlatten(arrayMap(c -> arrayReduce('sumForEach', arrayPushBack(arrayMap(x -> x.6, c), arrayResize([0.], 15))), entries_by_cell)) AS before_direct,
    arrayFlatten(arrayMap(c -> arrayReduce('maxForEach', arrayPushBack(arrayMap(x -> x.7, c), arrayResize([toUInt8(0)], 15))), entries_by_cell)) AS unknown,
    if(is_post, arrayReduce('sumForEach', arrayMap(x -> x.3, entries)), []) AS traced_margin
FROM {model.cohort_root} AS r FULL JOIN traced AS t ON t.root = r.root
SETTINGS join_use_nulls = 0
