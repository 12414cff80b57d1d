-- Which places deserve the next hour: each channel and community of a brand over all that is mature, and its estimate pooled with the others.
WITH
    {as_of} AS reached,
    [3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281, 2.201, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.093, 2.086] AS t_points,
    -- Vectors of the 15 rules, per place and horizon. Rows without a post hold what is known of the brand.
    valued AS (
        SELECT brand, channel, community, base_currency, horizon, countIf(is_post) AS roots,
            sumForEach(v.margin) AS margin, sumForEach(arrayMap(x -> pow(toFloat64(x), 2), v.margin)) AS squares, maxForEach(arrayMap(x -> toFloat64(x), v.margin)) AS largest, maxForEach(v.unknown) AS unknown,
            toInt8(maxIf(v.evidence, v.is_post = v.is_post)) AS evidence
        FROM (
            SELECT brand, channel, community, base_currency, is_post, horizon, arraySlice(margin, (horizon - 1) * 15 + 1, 15) AS margin, arraySlice(unknown, (horizon - 1) * 15 + 1, 15) AS unknown,
                arrayMax(arrayPushBack(arrayMap(w -> toInt8(w.2), weeks), toInt8(-1))) AS evidence
            FROM {model.root_value}
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
