-- What the posts and conversations returned for the money and the hours: by cohort of posts, and by place.
--
-- A cohort is the posts of a week (the brand's own, Monday to Sunday) that the brand wrote or answered under. It cost what was
-- spent on the days of that week, and returned what sales up to a horizon after each post brought, credited to that post, less
-- what was given back of them since, however late. What the data cannot carry is NULL, and `reason` says why; nothing
-- becomes surer because something is missing.

-- How far every source that is alive has been read. A building block of roi and places.
CREATE OR REPLACE VIEW live_watermark AS
SELECT min(s.watermark) AS watermark
FROM (SELECT watermark, max(watermark) OVER () AS newest FROM sources) AS s
WHERE s.watermark > newest - toIntervalDay(1)
HAVING count() > 0
COMMENT 'How far every source that is alive has been read: the least watermark of those within a day of the newest. A building block of roi and places';

-- Posts that the brand wrote or answered under, with the week they belong to and what they set off. A building block of roi and places.
CREATE OR REPLACE VIEW cohort_root AS
SELECT
    r.root AS root, r.root_time AS root_time, r.brand AS brand, r.campaign AS campaign, r.channel AS channel, r.community AS community,
    toMonday(toDate(toDateTime(toInt64(toDateTime(r.root_time)) + k.utc_offset, 'UTC'))) AS cohort, k.base_currency AS base_currency,
    arrayMap((h, n) -> n + arraySum(w -> if(w.1 < r.root_time + toIntervalDay(h), w.2, 0), r.elsewhere), [7, 30, 90], r.engagements_seen) AS engagements,
    arrayMap((h, n) -> n + arraySum(w -> if(w.1 < r.root_time + toIntervalDay(h), w.3, 0), r.elsewhere), [7, 30, 90], r.clicks_seen) AS clicks,
    arrayDistinct(arrayConcat(if(r.is_brand, [cohort], []), arrayMap(w -> toMonday(toDate(toDateTime(toInt64(w) + k.utc_offset, 'UTC'))), r.answered))) AS active_weeks
FROM (
    SELECT
        root,
        assumeNotNull(argMaxIf(w.root_time, opened, posts > 0)) AS root_time, argMaxIf(w.brand, opened, posts > 0) AS brand, argMaxIf(w.campaign, opened, posts > 0) AS campaign,
        argMaxIf(w.channel, opened, posts > 0) AS channel, argMaxIf(w.community, opened, posts > 0) AS community,
        -- A life that never saw the post does not know its time.
        [sumIf(engaged, root_seen AND window_start < w.root_time + toIntervalDay(7)), sumIf(engaged, root_seen AND window_start < w.root_time + toIntervalDay(30)), sumIf(engaged, root_seen AND window_start < w.root_time + toIntervalDay(90))] AS engagements_seen,
        [sumIf(w.clicks, root_seen AND window_start < w.root_time + toIntervalDay(7)), sumIf(w.clicks, root_seen AND window_start < w.root_time + toIntervalDay(30)), sumIf(w.clicks, root_seen AND window_start < w.root_time + toIntervalDay(90))] AS clicks_seen,
        groupArrayIf((window_start, engaged, toUInt64(w.clicks)), NOT root_seen) AS elsewhere,
        max(posts > 0 AND root_is_brand) AS is_brand, groupUniqArrayIf(window_start, brand_replies > 0) AS answered
    FROM (SELECT *, toUInt64(toUInt64(shares) + replies - brand_replies + reactions) AS engaged FROM activity_row) AS w
    GROUP BY root
    HAVING max(posts) > 0 AND (is_brand OR notEmpty(answered))
) AS r
ASOF LEFT JOIN brand_clock AS k ON k.brand = r.brand AND toDateTime(r.root_time) >= k.since
SETTINGS join_use_nulls = 0
COMMENT 'Posts that the brand wrote or answered under, with the week they belong to and what they set off within 7, 30 and 90 days, and the weeks in which the brand was active in them. A building block of roi and places';

-- Posts with the credit they got, in cells; and, per brand, the credit that none of its posts got. A building block of roi and places.
CREATE OR REPLACE VIEW root_value AS
WITH
    ['all', 'broadcast', 'conversation', 'other'] AS sides,
    ['first', 'last', 'linear', 'position', 'time_decay'] AS models,
    -- Each credited touch with a vector of its 15 rules (model, look-back): margin, revenue, part of a sale, what a direct visit followed, what has no rate.
    -- Credit that reaches no cohort post goes to the selling brand. Refunds take the evidence class of their sale.
    touched AS (
        SELECT
            conversion, visit, if(any(c.root) IN (SELECT r.root FROM cohort_root AS r), any(c.root), '') AS root, any(c.brand) AS sold_by, any(c.base_currency) AS base_currency, if(root = '', sold_by, '') AS of_brand, any(indexOf(sides, toString(c.side))) AS side, any(c.sold_at) AS at,
            max(c.direct) AS direct, any((toMonday(c.day), toInt8(multiIf(c.refund_of != '' AND c.sold_at != c.at, -1, c.root != '', 3, c.tracked, 2, c.visit != '', 1, 0)))) AS evidence,
            sumForEach(arrayMap(k -> if(k = c.rule, ifNull(c.margin_base, 0), 0), range(15))) AS margin,
            sumForEach(arrayMap(k -> if(k = c.rule, ifNull(c.credit_base, 0), 0), range(15))) AS revenue,
            sumForEach(arrayMap(k -> if(k = c.rule AND c.refund_of = '', c.share, 0.), range(15))) AS sales,
            sumForEach(arrayMap(k -> if(k = c.rule AND c.before_direct, toFloat64(ifNull(c.margin_base, 0)), 0.), range(15))) AS before_direct,
            maxForEach(arrayMap(k -> toUInt8(multiIf(k != c.rule OR c.share = 0, 0, c.credit_base IS NULL, 2, c.margin_base IS NULL, 1, 0)), range(15))) AS unknown
        FROM (SELECT *, 3 * (indexOf(models, model) - 1) + indexOf([7, 30, 90], lookback_days) - 1 AS rule FROM credit) AS c
        GROUP BY conversion, visit
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
FROM cohort_root AS r FULL JOIN traced AS t ON t.root = r.root
SETTINGS join_use_nulls = 0
COMMENT 'Posts with the credit they got; per brand (no root) the credit that no post got. Arrays of 180 cells: side (all, broadcast, conversation, other), horizon (7, 30, 90 days), model, look-back; arrays of 15 rules: model, look-back. A building block of roi and places';

-- What each cohort of posts returned, by brand, campaign, channel and place, by side, by rule of credit and horizon.
CREATE OR REPLACE VIEW roi AS
WITH
    (SELECT watermark FROM live_watermark) AS reached,
    ['all', 'broadcast', 'conversation', 'other', '(unallocated)'] AS sides,
    -- Two-sided 95 % points of Student's t with 3 to 20 degrees of freedom; beyond, by expansion around the normal.
    [3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281, 2.201, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.093, 2.086] AS t_points,
    by_group AS (
        SELECT
            brand, campaign, channel, community, cohort, base_currency,
            countIf(is_post) AS posts, maxIf(p.root_time, is_post) AS newest, sumForEachIf(p.engagements, is_post) AS engagements, sumForEachIf(p.clicks, is_post) AS clicks,
            sumForEach(p.margin) AS margin, sumForEach(p.revenue) AS revenue, sumForEach(p.sales) AS sales, sumForEach(p.before_direct) AS before_direct, maxForEach(p.unknown) AS unknown,
            sumForEach(arrayMap(x -> pow(toFloat64(x), 2), p.margin)) AS squares, maxForEach(arrayMap(x -> toFloat64(x), p.margin)) AS largest,
            sumForEach(p.traced_margin) AS traced_margin, sumForEach(p.known_revenue) AS known_revenue, sumForEachIf(p.known_revenue, is_post) AS traced_revenue,
            sumForEach(p.direct_margin) AS direct_margin, maxForEach(p.direct_unknown) AS direct_unknown,
            groupUniqArrayArray(p.weeks) AS weeks, groupUniqArrayArray(p.active_weeks) AS active_weeks
        FROM root_value AS p
        GROUP BY brand, campaign, channel, community, cohort, base_currency
    ),
    -- Cost of each day in the week it belongs to; five sides: all, the three, unallocated.
    spent AS (
        SELECT
            brand, if(c.campaign = '' AND NOT c.by_rule, '(unallocated)', c.campaign) AS campaign, channel, community, toMonday(day) AS cohort, base_currency,
            sumForEach(arrayMap(i -> if(i = 1 OR i = c.s, ifNull(c.money_base, 0), 0), range(1, 6))) AS money, sumForEach(arrayMap(i -> if(i = 1 OR i = c.s, ifNull(c.time_base, 0), 0), range(1, 6))) AS time,
            sumForEach(arrayMap(i -> if(i = 1 OR i = c.s, ifNull(c.time_base_low, 0), 0), range(1, 6))) AS time_low, sumForEach(arrayMap(i -> if(i = 1 OR i = c.s, ifNull(c.time_base_high, 0), 0), range(1, 6))) AS time_high,
            sumForEach(arrayMap(i -> if(i = 1 OR i = c.s, c.seconds, 0), range(1, 6))) AS seconds,
            maxForEach(arrayMap(i -> toUInt8(if(i = 1 OR i = c.s, multiIf(c.time_amount IS NULL, 2, c.cost_base IS NULL, 1, 0), 0)), range(1, 6))) AS unpriced,
            maxForEach(arrayMap(i -> toUInt8((i = 1 OR i = c.s) AND c.seconds_low IS NULL), range(1, 6))) AS unbounded,
            groupUniqArrayIf(toMonday(day), c.is_timed) AS timed_weeks
        FROM (
            -- A week has time if corrections leave some.
            SELECT *, if(indexOf(sides, toString(side)) < 2, 5, indexOf(sides, toString(side))) AS s, sum(seconds) OVER (PARTITION BY brand, toMonday(day)) > 0 AS is_timed
            FROM cost_day
        ) AS c
        GROUP BY brand, campaign, channel, community, cohort, base_currency
    ),
    by_grain AS (
        SELECT
            g.1 AS grain, u.brand AS brand, g.2 AS campaign, g.3 AS channel, g.4 AS community, u.cohort AS cohort, u.base_currency AS base_currency,
            sum(u.posts) AS posts, max(u.newest) AS newest, sumForEach(u.engagements) AS engagements, sumForEach(u.clicks) AS clicks,
            sumForEach(u.margin) AS margin, sumForEach(u.revenue) AS revenue, sumForEach(u.sales) AS sales, sumForEach(u.before_direct) AS before_direct, maxForEach(u.unknown) AS unknown,
            sumForEach(u.squares) AS squares, maxForEach(u.largest) AS largest,
            sumForEach(u.traced_margin) AS traced_margin, sumForEach(u.known_revenue) AS known_revenue, sumForEach(u.traced_revenue) AS traced_revenue,
            sumForEach(u.direct_margin) AS direct_margin, maxForEach(u.direct_unknown) AS direct_unknown, groupUniqArrayArray(u.weeks) AS weeks, groupUniqArrayArray(u.active_weeks) AS active_weeks,
            sumForEach(u.money) AS money, sumForEach(u.time) AS time, sumForEach(u.time_low) AS time_low, sumForEach(u.time_high) AS time_high,
            sumForEach(u.seconds) AS seconds, maxForEach(u.unpriced) AS unpriced, maxForEach(u.unbounded) AS unbounded, groupUniqArrayArray(u.timed_weeks) AS timed_weeks
        FROM (
            SELECT brand, campaign, channel, community, cohort, base_currency, posts, newest, engagements, clicks, margin, revenue, sales, before_direct, unknown, squares, largest,
                traced_margin, known_revenue, traced_revenue, direct_margin, direct_unknown, weeks, active_weeks,
                [] AS money, [] AS time, [] AS time_low, [] AS time_high, [] AS seconds, [] AS unpriced, [] AS unbounded, [] AS timed_weeks
            FROM by_group
            UNION ALL
            SELECT brand, campaign, channel, community, cohort, base_currency, 0 AS posts, toDateTime64(0, 3, 'UTC') AS newest, [] AS engagements, [] AS clicks, [] AS margin, [] AS revenue, [] AS sales, [] AS before_direct, [] AS unknown, [] AS squares, [] AS largest,
                [] AS traced_margin, [] AS known_revenue, [] AS traced_revenue, [] AS direct_margin, [] AS direct_unknown, [] AS weeks, [] AS active_weeks,
                money, time, time_low, time_high, seconds, unpriced, unbounded, timed_weeks
            FROM spent
        ) AS u
        -- What no post got is evidence on the brand, no group of its own.
        ARRAY JOIN if(u.cohort = toDate(0), [('brand', '', '', '')], [('brand', '', '', ''), ('campaign', toString(u.campaign), '', ''), ('channel', '', toString(u.channel), ''), ('place', '', toString(u.channel), toString(u.community))]) AS g
        GROUP BY grain, brand, campaign, channel, community, cohort, base_currency
    ),
    -- What is known of the brand as a whole, beside each of its groups.
    beside AS (
        SELECT *,
            sumForEach(if(grain = 'brand', traced_margin, [])) OVER b AS brand_traced, sumForEach(if(grain = 'brand', direct_margin, [])) OVER b AS brand_direct, maxForEach(if(grain = 'brand', direct_unknown, [])) OVER b AS brand_direct_unknown,
            sumForEach(if(grain = 'brand', traced_revenue, [])) OVER b AS brand_traced_revenue, sumForEach(if(grain = 'brand', known_revenue, [])) OVER b AS brand_revenue,
            groupUniqArrayArray(if(grain = 'brand', weeks, [])) OVER b AS brand_weeks, groupUniqArrayArray(if(grain = 'brand', active_weeks, [])) OVER b AS brand_active, groupUniqArrayArray(if(grain = 'brand', timed_weeks, [])) OVER b AS brand_timed,
            length(arrayIntersect(brand_active, brand_timed)) / nullIf(length(brand_active), 0) AS labour_coverage
        FROM by_grain
        WINDOW b AS (PARTITION BY brand)
    ),
    cells AS (
        SELECT
            grain, brand, campaign, channel, community, cohort, base_currency, posts, newest, side, horizon, rule, labour_coverage,
            ['first', 'last', 'linear', 'position', 'time_decay'][intDiv(rule, 3) + 1] AS model, [7, 30, 90][rule % 3 + 1] AS lookback_days, [7, 30, 90][horizon] AS horizon_days,
            (side - 1) * 45 + (horizon - 1) * 15 + rule + 1 AS cell,
            engagements[horizon] AS engaged, clicks[horizon] AS clicked,
            toUInt8(if(side > 4, 0, unknown[cell])) AS value_unknown, if(side > 4, 0, margin[cell]) AS value_exact, toFloat64(value_exact) AS value, if(side > 4, 0, revenue[cell]) AS earned, if(side > 4, 0., sales[cell]) AS sold,
            if(side > 4, 0., squares[cell]) AS value_squares, if(side > 4, 0., largest[cell]) AS value_largest, if(side > 4, 0., before_direct[cell]) AS value_before_direct,
            if(side > 4, [], arrayMap(m -> margin[(side - 1) * 45 + (horizon - 1) * 15 + 3 * m + rule % 3 + 1], range(5))) AS value_by_model,
            if(side > 4, 0, arrayMax(arrayMap(m -> unknown[(side - 1) * 45 + (horizon - 1) * 15 + 3 * m + rule % 3 + 1], range(5)))) AS unknown_by_model,
            if(side > 4, [], sales) AS any_sales,
            money[side] AS spent_money, time[side] AS spent_time, toFloat64(spent_money + time_low[side]) AS cost_low, toFloat64(spent_money + time_high[side]) AS cost_high,
            seconds[side] AS spent_seconds, unpriced[side] AS cost_unpriced, unbounded[side] AS cost_unbounded, toFloat64(spent_money) + toFloat64(spent_time) AS cost,
            if(brand_direct_unknown[rule + 1] > 0, NULL, toFloat64(brand_direct[rule + 1]) / nullIf(greatest(0, toFloat64(brand_traced[rule + 1])), 0)) AS direct_to_traced,
            toFloat64(brand_traced_revenue[rule + 1]) / nullIf(toFloat64(brand_revenue[rule + 1]), 0) AS traced_share,
            -- The best evidence among the brand's conversions from the cohort's first day to the horizon after its last.
            arrayMax(arrayPushBack(arrayMap(w -> if(w.1 >= cohort AND w.1 <= cohort + 7 + horizon_days, toInt8(w.2), toInt8(-1)), brand_weeks), toInt8(-1))) AS evidence,
            if(posts > 0, newest + toIntervalDay(horizon_days), toDateTime64(cohort + 7 + horizon_days, 3, 'UTC')) AS ripe
        FROM beside
        ARRAY JOIN range(1, 6) AS side
        ARRAY JOIN range(1, 4) AS horizon
        ARRAY JOIN range(15) AS rule
        WHERE cohort != toDate(0) AND (side < 4 OR cost != 0 OR spent_seconds != 0 OR cost_unpriced > 0 OR (side = 4 AND arraySum(arraySlice(any_sales, 136, 45)) > 0))
    ),
    judged AS (
        SELECT *,
            ifNull(ripe < reached, false) AS mature,
            ['none', 'none', 'visits', 'utm', 'clicks'][evidence + 2] AS basis,
            multiIf(
                side = 5 OR campaign = '(unallocated)' OR channel = '(unallocated)', 'unallocated_cost',
                posts = 0, 'no_posts',
                NOT mature, 'not_mature',
                evidence = -1, 'no_conversions',
                evidence = 0, 'no_touch',
                evidence < 3, 'no_clicks',
                cost_unpriced = 2, 'missing_hourly_rate',
                value_unknown = 3, 'other_currency',
                cost_unpriced = 1 OR value_unknown = 2, 'missing_exchange_rate',
                value_unknown = 1, 'missing_margin_rate',
                side > 1 AND ifNull(labour_coverage, 0) < 0.8, 'labour_coverage',
                cost <= 0, 'no_cost', '') AS why,
            if(why = '', value, NULL) AS good, good / nullIf(cost, 0) AS ratio,
            value * value / nullIf(value_squares, 0) AS roots_that_count, greatest(3, floor(roots_that_count) - 1) AS freedom,
            -- On a log scale, because values are skewed. What was not seen yet is the rare hit: the upper end is further away, the more a single root weighs among many.
            if(value > 0 AND roots_that_count >= 2, sqrt(greatest(0, (value_squares - value * value / posts) * posts / (posts - 1))) / value
                * if(freedom <= 20, t_points[toUInt32(freedom) - 2], 1.959964 + 2.372271 / freedom + 2.8225 / (freedom * freedom)), NULL) AS half,
            half * (1 + 0.6 * value_largest / sqrt(value_squares) * (1 - 2 / roots_that_count)) AS half_up
        FROM cells
    )
SELECT
    j.grain AS grain, j.brand AS brand, j.campaign AS campaign, j.channel AS channel, j.community AS community, j.cohort AS cohort, j.horizon_days AS horizon_days, sides[j.side] AS side, j.model AS model, j.lookback_days AS lookback_days,
    k.owner AS owner, j.posts AS posts,
    if(j.cost_unpriced > 0, NULL, j.spent_money + j.spent_time) AS cost_base, if(j.cost_unpriced > 0, NULL, j.spent_money) AS money_base, if(j.cost_unpriced > 0, NULL, j.spent_time) AS time_base, j.spent_seconds / 3600 AS hours,
    if(j.evidence < 3 OR j.value_unknown > 1, NULL, j.earned) AS revenue_base, if(j.evidence < 3 OR j.value_unknown > 0, NULL, j.value_exact) AS margin_base, if(j.evidence < 3, NULL, j.sold) AS conversions,
    j.ratio - 1 AS roi,
    if(j.cost_unbounded > 0, NULL, j.good * exp(-j.half) / nullIf(j.cost_high, 0) - 1) AS roi_low, if(j.cost_unbounded > 0, NULL, j.good * exp(j.half_up) / if(j.cost_low > 0, j.cost_low, NULL) - 1) AS roi_high,
    if(j.why = '' AND j.unknown_by_model = 0, toFloat64(arrayMin(j.value_by_model)) / nullIf(j.cost, 0) - 1, NULL) AS roi_lowest_model, if(j.why = '' AND j.unknown_by_model = 0, toFloat64(arrayMax(j.value_by_model)) / nullIf(j.cost, 0) - 1, NULL) AS roi_highest_model,
    (j.good - j.value_before_direct) / nullIf(j.cost, 0) - 1 AS roi_direct_0, j.ratio * (1 + j.direct_to_traced) - 1 AS roi_direct_100,
    if(j.why IN ('', 'no_cost'), toFloat64(j.earned) / nullIf(toFloat64(j.spent_money), 0), NULL) AS roas,
    if(j.evidence < 3 OR j.value_unknown > 0, NULL, j.roots_that_count) AS effective_roots, if(j.evidence < 3 OR j.value_unknown > 0 OR j.value <= 0, NULL, j.value_largest / nullIf(j.value, 0)) AS top1_share,
    j.traced_share AS traced_share, j.labour_coverage AS labour_coverage,
    if(j.side > 1, NULL, j.engaged) AS engagements, if(j.side > 1, NULL, j.clicked) AS clicks,
    if(j.mature AND j.side = 1 AND j.cost_unpriced = 0 AND j.posts > 0, j.cost / nullIf(j.engaged, 0), NULL) AS cost_per_engagement, if(j.mature AND j.side = 1 AND j.cost_unpriced = 0 AND j.posts > 0, j.cost / nullIf(j.clicked, 0), NULL) AS cost_per_click,
    if(j.why = '', j.cost / nullIf(j.sold, 0), NULL) AS cost_per_acquisition,
    j.mature AS mature, j.basis AS basis,
    multiIf(j.why != '', j.why, j.value <= 0, 'no_value', j.half IS NULL, 'few_roots', j.cost_unbounded > 0, 'unbounded_estimate', j.cost_low <= 0, 'no_cost_at_low_estimate', '') AS reason,
    j.base_currency AS base_currency
FROM judged AS j
ASOF LEFT JOIN (SELECT campaign, valid_from, owner FROM campaign_row) AS k ON k.campaign = j.campaign AND j.cohort >= k.valid_from
SETTINGS join_use_nulls = 0
COMMENT 'What each cohort of posts returned: posts of a week, the cost of the days of that week, conversions up to horizon_days after each post, credited to it. Filter by grain, side, model, lookback_days and horizon_days; do not add over them. A refund counts with its sale, however late it comes. engagements: shares, replies of others and reactions. basis: the best evidence among the brand''s conversions of the time: clicks, utm, visits, none. reason, of roi or of its interval: unallocated_cost (names no such group), no_posts, not_mature, no_conversions, no_touch (no visitor or no visit known), no_clicks (visits known, but not from which post), missing_hourly_rate, other_currency (part of it was sold by a brand with another base currency), missing_exchange_rate, missing_margin_rate, labour_coverage (side by side needs time in 80 % of the brand''s active weeks), no_cost; of the interval alone: no_value (nothing or less came back), few_roots (value from fewer than two effective roots), unbounded_estimate (estimated seconds without low and high), no_cost_at_low_estimate';

-- Which places deserve the next hour: each channel and community of a brand over all that is mature, and its estimate pooled with the others.
CREATE OR REPLACE VIEW places AS
WITH
    (SELECT watermark FROM live_watermark) AS reached,
    [3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281, 2.201, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.093, 2.086] AS t_points,
    -- Vectors of the 15 rules, per place and horizon. Rows without a post hold what is known of the brand.
    valued AS (
        SELECT brand, channel, community, base_currency, horizon, countIf(is_post) AS roots,
            sumForEach(v.margin) AS margin, sumForEach(arrayMap(x -> pow(toFloat64(x), 2), v.margin)) AS squares, maxForEach(arrayMap(x -> toFloat64(x), v.margin)) AS largest, maxForEach(v.unknown) AS unknown,
            toInt8(maxIf(v.evidence, v.is_post = v.is_post)) AS evidence
        FROM (
            SELECT brand, channel, community, base_currency, is_post, horizon, arraySlice(margin, (horizon - 1) * 15 + 1, 15) AS margin, arraySlice(unknown, (horizon - 1) * 15 + 1, 15) AS unknown,
                arrayMax(arrayPushBack(arrayMap(w -> toInt8(w.2), weeks), toInt8(-1))) AS evidence
            FROM root_value
            ARRAY JOIN [1, 2, 3] AS horizon
            WHERE NOT is_post OR ifNull(root_time + toIntervalDay([7, 30, 90][horizon]) < reached, false)
        ) AS v
        GROUP BY brand, channel, community, base_currency, horizon
    ),
    spent AS (
        SELECT brand, channel, community, base_currency, horizon, sum(c.cost_base) AS cost, sum(c.money_base + c.time_base_low) AS cost_low, sum(c.money_base + c.time_base_high) AS cost_high,
            sum(c.seconds) AS seconds, max(multiIf(c.time_amount IS NULL, 2, c.cost_base IS NULL, 1, 0)) AS unpriced, max(c.seconds_low IS NULL) AS unbounded
        FROM cost_day AS c
        ARRAY JOIN [1, 2, 3] AS horizon
        WHERE c.day + [7, 30, 90][horizon] <= toDate(reached)
        GROUP BY brand, channel, community, base_currency, horizon
    ),
    united AS (
        SELECT brand, channel, community, base_currency, horizon, sum(u.roots) AS roots, sumForEach(u.margin) AS margin, sumForEach(u.squares) AS squares, maxForEach(u.largest) AS largest, maxForEach(u.unknown) AS unknown,
            max(u.evidence) AS own_evidence, sum(u.cost) AS cost, sum(u.cost_low) AS cost_low, sum(u.cost_high) AS cost_high, sum(u.seconds) AS seconds, max(u.unpriced) AS unpriced, max(u.unbounded) AS unbounded,
            max(u.place) AS place
        FROM (
            SELECT brand, channel, community, base_currency, horizon, roots, margin, squares, largest, unknown, evidence, toDecimal128(0, 6) AS cost, toDecimal128(0, 6) AS cost_low, toDecimal128(0, 6) AS cost_high, 0 AS seconds, 0 AS unpriced, 0 AS unbounded, roots > 0 AS place FROM valued
            UNION ALL
            SELECT brand, channel, community, base_currency, horizon, 0 AS roots, [] AS margin, [] AS squares, [] AS largest, [] AS unknown, toInt8(-1) AS evidence, ifNull(cost, 0) AS cost, ifNull(cost_low, 0) AS cost_low, ifNull(cost_high, 0) AS cost_high, seconds, unpriced, unbounded, 1 AS place FROM spent
        ) AS u
        GROUP BY brand, channel, community, base_currency, horizon
    ),
    judged AS (
        SELECT brand, channel, community, base_currency, horizon, rule, roots, place, toFloat64(cost) AS spent_base, cost AS cost_exact, toFloat64(cost_low) AS low, toFloat64(cost_high) AS high, seconds, unpriced, unbounded,
            margin[rule + 1] AS value_exact, toFloat64(value_exact) AS value, squares[rule + 1] AS value_squares, largest[rule + 1] AS value_largest, unknown[rule + 1] AS value_unknown, evidence,
            multiIf(
                channel = '(unallocated)', 'unallocated_cost',
                roots = 0, 'no_mature_posts',
                evidence = -1, 'no_conversions',
                evidence = 0, 'no_touch',
                evidence < 3, 'no_clicks',
                unpriced = 2, 'missing_hourly_rate',
                value_unknown = 3, 'other_currency',
                unpriced = 1 OR value_unknown = 2, 'missing_exchange_rate',
                value_unknown = 1, 'missing_margin_rate',
                spent_base <= 0, 'no_cost', '') AS why,
            if(why = '', value / nullIf(spent_base, 0) - 1, NULL) AS average,
            if(roots > 1 AND value_unknown = 0 AND evidence = 3, (value_squares - value * value / roots), NULL) AS within
        FROM (SELECT *, max(own_evidence) OVER (PARTITION BY brand) AS evidence FROM united)
        ARRAY JOIN range(15) AS rule
        WHERE place > 0
    ),
    -- Partial pooling: normal, with a variance common to the brand's roots, spread between places (tau2) after DerSimonian and Laird.
    common AS (
        SELECT *, sum(within) OVER b / nullIf(sum(if(within IS NULL, 0, roots - 1)) OVER b, 0) * roots / nullIf(spent_base * spent_base, 0) AS s2, if(roots > 1 AND average IS NOT NULL AND s2 > 0, 1 / s2, 0.) AS weight
        FROM judged WINDOW b AS (PARTITION BY brand, base_currency, horizon, rule)
    ),
    first_middle AS (SELECT *, sum(ifNull(average, 0) * weight) OVER b / nullIf(sum(weight) OVER b, 0) AS even FROM common WINDOW b AS (PARTITION BY brand, base_currency, horizon, rule)),
    spread AS (
        SELECT *, greatest(0., ifNull((sum(ifNull(pow(average - even, 2), 0) * weight) OVER b - (countIf(weight > 0) OVER b - 1)) / nullIf(sum(weight) OVER b - sum(weight * weight) OVER b / nullIf(sum(weight) OVER b, 0), 0), 0)) AS tau2,
            if(weight > 0, 1 / (s2 + tau2), 0.) AS heed
        FROM first_middle WINDOW b AS (PARTITION BY brand, base_currency, horizon, rule)
    ),
    middle AS (
        SELECT *, sum(ifNull(average, 0) * heed) OVER b / nullIf(sum(heed) OVER b, 0) AS mu, 1 / nullIf(sum(heed) OVER b, 0) AS mu_variance, countIf(weight > 0) OVER b AS pooled_places, s2 / nullIf(tau2 + s2, 0) AS shrunk
        FROM spread WINDOW b AS (PARTITION BY brand, base_currency, horizon, rule)
    ),
    -- sd holds what is not known of the place, of the middle and (after Morris) of the spread; own_sd the first alone, since the others move all places alike.
    pooled AS (
        SELECT *, mu + (1 - shrunk) * (average - mu) AS roi_pooled, if(roi_pooled IS NULL, NULL, sqrt(tau2 * shrunk)) AS own_sd,
            if(roi_pooled IS NULL, NULL, sqrt(tau2 * shrunk + shrunk * shrunk * (mu_variance + if(pooled_places > 3, 2 / (pooled_places - 3), 2) * pow(average - mu, 2)))) AS sd,
            -- Without a spread all places are ties, and chance alone says who is among the ten.
            if(roi_pooled IS NULL, [], arrayMap(d -> -(assumeNotNull(roi_pooled) + greatest(assumeNotNull(own_sd), 1e-9 * (1 + abs(assumeNotNull(roi_pooled))))
                * sqrt(-2 * log((cityHash64(channel, community, d, 1) + 0.5) / 18446744073709551616.)) * cos(2 * pi() * (cityHash64(channel, community, d, 2) + 0.5) / 18446744073709551616.)), range(400))) AS draws
        FROM middle
    ),
    ranked AS (
        SELECT brand, base_currency, horizon, rule,
            groupArray((toString(channel), toString(community), roots, cost_exact, low, high, seconds, unpriced, unbounded, value_exact, value_squares, value_largest, value_unknown, evidence, why, average, roi_pooled, sd, draws, tau2)) AS places_of,
            groupArraySortedForEach(10)(draws) AS best, countIf(roi_pooled IS NOT NULL) AS placed,
            groupArrayIf(assumeNotNull(roi_pooled), roi_pooled IS NOT NULL) AS middles, groupArrayIf(assumeNotNull(roi_pooled - 1.645 * sd), roi_pooled IS NOT NULL) AS lows, groupArrayIf(assumeNotNull(roi_pooled + 1.645 * sd), roi_pooled IS NOT NULL) AS highs
        FROM pooled
        GROUP BY brand, base_currency, horizon, rule
    ),
    shown AS (
        SELECT ['first', 'last', 'linear', 'position', 'time_decay'][intDiv(rule, 3) + 1] AS model, [7, 30, 90][rule % 3 + 1] AS lookback_days, [7, 30, 90][horizon] AS horizon_days,
            brand, p.1 AS channel, p.2 AS community, p.3 AS roots, p.4 AS cost, p.5 AS cost_low, p.6 AS cost_high, p.7 / 3600 AS hours, p.8 AS unpriced, p.9 AS unbounded, p.10 AS value_exact, toFloat64(value_exact) AS value,
            if(p.14 < 3 OR p.13 > 0, NULL, value * value / nullIf(p.11, 0)) AS effective_roots, if(p.14 < 3 OR p.13 > 0 OR value <= 0, NULL, p.12 / nullIf(value, 0)) AS top1_share,
            p.13 AS value_unknown, p.14 AS evidence, p.15 AS why, p.16 AS average, p.17 AS roi_pooled, p.18 AS sd, p.20 AS tau2, greatest(3, floor(effective_roots) - 1) AS freedom,
            if(why = '' AND value > 0 AND effective_roots >= 2, sqrt(greatest(0, (p.11 - value * value / roots) * roots / (roots - 1))) / value
                * if(freedom <= 20, t_points[toUInt32(ifNull(freedom, 3)) - 2], 1.959964 + 2.372271 / freedom + 2.8225 / (freedom * freedom)), NULL) AS half,
            half * (1 + 0.6 * p.12 / sqrt(p.11) * (1 - 2 / effective_roots)) AS half_up,
            if(roi_pooled IS NULL, NULL, if(placed <= 10, 1., arrayAvg(arrayMap((x, ten) -> x <= ten[10], p.19, best)))) AS p_top10,
            if(roi_pooled IS NULL, NULL, 1 + arrayCount(x -> x > assumeNotNull(roi_pooled), middles)) AS place_rank,
            if(roi_pooled IS NULL, NULL, 1 + arrayCount(x -> x > assumeNotNull(roi_pooled + 1.645 * sd), lows)) AS rank_low,
            if(roi_pooled IS NULL, NULL, placed - arrayCount(x -> x < assumeNotNull(roi_pooled - 1.645 * sd), highs)) AS rank_high, base_currency
        FROM (SELECT *, arrayJoin(places_of) AS p FROM ranked)
    )
SELECT
    s.model AS model, s.lookback_days AS lookback_days, s.horizon_days AS horizon_days, s.brand AS brand, s.channel AS channel, s.community AS community, n.name AS name, n.members AS members,
    s.roots AS roots, if(s.unpriced > 0, NULL, s.cost) AS cost_base, s.hours AS hours, if(s.roots = 0 OR s.evidence < 3 OR s.value_unknown > 0, NULL, s.value_exact) AS margin_base,
    s.average AS average_roi, if(s.unbounded > 0, NULL, s.value * exp(-s.half) / nullIf(s.cost_high, 0) - 1) AS roi_low, if(s.unbounded > 0, NULL, s.value * exp(s.half_up) / if(s.cost_low > 0, s.cost_low, NULL) - 1) AS roi_high,
    s.effective_roots AS effective_roots, s.top1_share AS top1_share,
    s.roi_pooled AS roi_pooled, s.sd AS sd, 0.5 * erfc(-s.roi_pooled / nullIf(s.sd * sqrt(2), 0)) AS p_positive, s.p_top10 AS p_top10, s.place_rank AS place_rank, s.rank_low AS rank_low, s.rank_high AS rank_high,
    ['none', 'none', 'visits', 'utm', 'clicks'][s.evidence + 2] AS basis,
    multiIf(s.why != '', s.why, s.roi_pooled IS NULL, 'no_spread', s.value <= 0, 'no_value', s.half IS NULL, 'few_roots', s.unbounded > 0, 'unbounded_estimate', s.cost_low <= 0, 'no_cost_at_low_estimate', s.tau2 = 0, 'no_difference', '') AS reason,
    s.base_currency AS base_currency
FROM (SELECT *, toDate(reached) AS as_of FROM shown) AS s
ASOF LEFT JOIN (SELECT channel, community, valid_from, name, members FROM place FINAL) AS n ON n.channel = s.channel AND n.community = s.community AND s.as_of >= n.valid_from
SETTINGS join_use_nulls = 0
COMMENT 'Which places deserve the next hour: each place of a brand over all its mature posts, and its estimate pooled with the brand''s other places (roi_pooled, sd). average_roi is an average over what was done, not what one more hour brings. p_top10: how often among the ten best in 400 draws. rank_low to rank_high: the ranks it may have; places whose ranges overlap are ties. basis and reason as in roi; also no_mature_posts, no_spread (too few places to pool), no_difference (the places differ by no more than chance: roi_pooled is the same for all, all are ties)';
