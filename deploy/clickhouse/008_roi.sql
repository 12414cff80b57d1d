-- What the posts and conversations returned for the money and the hours: by cohort of posts, and by place.
--
-- A cohort is the posts of a week (the brand's own, Monday to Sunday) that the brand wrote or answered under. It cost what was
-- spent on the days of that week, and returned what conversions up to a horizon after each post brought, credited to
-- that post. What the data cannot carry is NULL, and `reason` says why; nothing becomes surer because something is missing.

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
    arrayMap((h, n) -> n + arraySum(w -> if(w.1 < r.root_time + toIntervalDay(h), w.3, 0), r.elsewhere), [7, 30, 90], r.clicks_seen) AS clicks
FROM (
    SELECT
        root,
        argMaxIf(w.root_time, opened, posts > 0) AS root_time, argMaxIf(w.brand, opened, posts > 0) AS brand, argMaxIf(w.campaign, opened, posts > 0) AS campaign,
        argMaxIf(w.channel, opened, posts > 0) AS channel, argMaxIf(w.community, opened, posts > 0) AS community,
        -- A life that never saw the post does not know its time.
        [sumIf(engaged, root_seen AND window_start < w.root_time + toIntervalDay(7)), sumIf(engaged, root_seen AND window_start < w.root_time + toIntervalDay(30)), sumIf(engaged, root_seen AND window_start < w.root_time + toIntervalDay(90))] AS engagements_seen,
        [sumIf(w.clicks, root_seen AND window_start < w.root_time + toIntervalDay(7)), sumIf(w.clicks, root_seen AND window_start < w.root_time + toIntervalDay(30)), sumIf(w.clicks, root_seen AND window_start < w.root_time + toIntervalDay(90))] AS clicks_seen,
        groupArrayIf((window_start, engaged, toUInt64(w.clicks)), NOT root_seen) AS elsewhere
    FROM (SELECT *, toUInt64(toUInt64(shares) + replies - brand_replies + reactions) AS engaged FROM activity_row) AS w
    GROUP BY root
    HAVING max(posts) > 0 AND (max(posts > 0 AND root_is_brand) OR sum(brand_replies) > 0)
) AS r
ASOF LEFT JOIN brand_clock AS k ON k.brand = r.brand AND toDateTime(r.root_time) >= k.since
SETTINGS join_use_nulls = 0
COMMENT 'Posts that the brand wrote or answered under, with the week they belong to and what they set off within 7, 30 and 90 days. A building block of roi and places';

-- What each cohort of posts returned, by brand, campaign, channel and place, by side, by rule of credit and horizon.
CREATE OR REPLACE VIEW roi AS
WITH
    (SELECT watermark FROM live_watermark) AS reached,
    ['first', 'last', 'linear', 'position', 'time_decay'] AS models,
    ['all', 'broadcast', 'conversation', 'other', '(unallocated)'] AS sides,
    -- Two-sided 95 % points of Student's t with 1 to 20 degrees of freedom; beyond, by expansion around the normal.
    [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281, 2.201, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.093, 2.086] AS t_points,
    freedom -> if(freedom <= 20, t_points[greatest(1, toUInt32(freedom))], 1.959964 + 2.372271 / freedom + 2.8225 / (freedom * freedom)) AS t_point,
    -- Each credited touch with a vector of its 15 rules (model, look-back): credit, margin, part of a sale, what a direct visit followed, what has no rate.
    touched AS (
        SELECT
            conversion, visit, any(c.root) AS root, if(root = '', any(c.brand), '') AS of_brand, any(indexOf(sides, toString(c.side))) AS side, any(c.at) AS at,
            max(c.direct) AS direct, any((toMonday(c.day), multiIf(c.root != '', 3, c.tracked, 2, c.visit != '', 1, 0))) AS evidence,
            sumForEach(arrayMap(k -> if(k = c.rule, ifNull(c.margin_base, 0), 0), range(15))) AS margin,
            sumForEach(arrayMap(k -> if(k = c.rule, ifNull(c.credit_base, 0), 0), range(15))) AS revenue,
            sumForEach(arrayMap(k -> if(k = c.rule AND c.refund_of = '', c.share, 0), range(15))) AS sales,
            sumForEach(arrayMap(k -> if(k = c.rule AND c.before_direct, toFloat64(ifNull(c.margin_base, 0)), 0), range(15))) AS before_direct,
            maxForEach(arrayMap(k -> toUInt8(multiIf(k != c.rule OR c.share = 0, 0, c.credit_base IS NULL, 2, c.margin_base IS NULL, 1, 0)), range(15))) AS unknown
        FROM (SELECT *, 3 * (indexOf(models, model) - 1) + indexOf([7, 30, 90], lookback_days) - 1 AS rule FROM credit) AS c
        GROUP BY conversion, visit
    ),
    -- Credit by root; credit without a root stays, per brand, as evidence of what is known at all.
    traced AS (
        SELECT
            root, of_brand, groupArrayIf((side, at, margin, revenue, sales, before_direct, unknown), root != '') AS entries,
            sumForEach(t.revenue) AS known_revenue, sumForEachIf(t.margin, t.direct) AS direct_margin, maxForEachIf(t.unknown, t.direct) AS direct_unknown, groupUniqArray(t.evidence) AS weeks
        FROM touched AS t GROUP BY root, of_brand
    ),
    -- 180 cells: side (all and the three), horizon, rule.
    by_root AS (
        SELECT
            r.root != '' AS is_post, if(is_post, r.brand, t.of_brand) AS brand, r.campaign AS campaign, r.channel AS channel, r.community AS community, r.cohort AS cohort, r.base_currency AS base_currency,
            r.root_time AS root_time, r.engagements AS engagements, r.clicks AS clicks, t.weeks AS weeks,
            t.known_revenue AS known_revenue, t.direct_margin AS direct_margin, t.direct_unknown AS direct_unknown,
            if(is_post AND notEmpty(t.entries), arrayMap(c -> arrayFilter(x -> (c < 3 OR x.1 = intDiv(c, 3) + 1) AND x.2 <= r.root_time + toIntervalDay([7, 30, 90][c % 3 + 1]), t.entries), range(12)), []) AS cells,
            arrayFlatten(arrayMap(c -> arrayReduce('sumForEach', arrayPushBack(arrayMap(x -> x.3, c), arrayResize([toDecimal128(0, 6)], 15))), cells)) AS margin,
            arrayFlatten(arrayMap(c -> arrayReduce('sumForEach', arrayPushBack(arrayMap(x -> x.4, c), arrayResize([toDecimal128(0, 6)], 15))), cells)) AS revenue,
            arrayFlatten(arrayMap(c -> arrayReduce('sumForEach', arrayPushBack(arrayMap(x -> x.5, c), arrayResize([0.], 15))), cells)) AS sales,
            arrayFlatten(arrayMap(c -> arrayReduce('sumForEach', arrayPushBack(arrayMap(x -> x.6, c), arrayResize([0.], 15))), cells)) AS before_direct,
            arrayFlatten(arrayMap(c -> arrayReduce('maxForEach', arrayPushBack(arrayMap(x -> x.7, c), arrayResize([toUInt8(0)], 15))), cells)) AS unknown,
            if(is_post, arrayReduce('sumForEach', arrayMap(x -> x.3, t.entries)), []) AS traced_margin
        FROM cohort_root AS r FULL JOIN traced AS t ON t.root = r.root
    ),
    by_group AS (
        SELECT
            brand, campaign, channel, community, cohort, base_currency,
            countIf(is_post) AS posts, maxIf(p.root_time, is_post) AS newest, sumForEachIf(p.engagements, is_post) AS engagements, sumForEachIf(p.clicks, is_post) AS clicks,
            sumForEach(p.margin) AS margin, sumForEach(p.revenue) AS revenue, sumForEach(p.sales) AS sales, sumForEach(p.before_direct) AS before_direct, maxForEach(p.unknown) AS unknown,
            sumForEach(arrayMap(x -> pow(toFloat64(x), 2), p.margin)) AS squares, maxForEach(arrayMap(x -> toFloat64(x), p.margin)) AS largest,
            sumForEach(p.traced_margin) AS traced_margin, sumForEach(p.known_revenue) AS known_revenue, sumForEach(p.direct_margin) AS direct_margin, maxForEach(p.direct_unknown) AS direct_unknown, groupUniqArrayArray(p.weeks) AS weeks
        FROM by_root AS p
        GROUP BY brand, campaign, channel, community, cohort, base_currency
    )
SELECT * FROM by_group
SETTINGS join_use_nulls = 0
