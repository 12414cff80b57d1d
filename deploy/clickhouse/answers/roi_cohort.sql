-- What each cohort of posts returned, by brand, campaign, channel and place, by side, by rule of credit and horizon.
--
-- A cohort is the posts of a week (the brand's own, Monday to Sunday) that the brand wrote or answered under. It cost what was
-- spent on the days of that week, and returned what sales up to a horizon after each post brought, credited to that post, less
-- what was given back of them since, however late. What the data cannot carry is NULL, and `reason` says why; nothing
-- becomes surer because something is missing.
WITH
    {as_of} AS reached,
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
        FROM {model.root_value} AS p
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
