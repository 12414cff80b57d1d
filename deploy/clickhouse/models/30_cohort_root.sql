-- Posts that the brand wrote or answered under, with the week they belong to and what they set off. A building block of roi and places.
-- order: root
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
