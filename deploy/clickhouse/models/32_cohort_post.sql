-- Posts that a brand wrote or answered under: the Monday of their week on the brand's clock, and what they set off within the look-back.
-- order: brand
SELECT
    cityHash64(r.root) AS root, toString(r.brand) AS brand, toUnixTimestamp64Milli(r.root_time) AS posted_at,
    toInt32(toMonday(toDate(toDateTime(toInt64(toDateTime(r.root_time)) + k.utc_offset, 'UTC')))) AS week,
    r.engaged_seen + arraySum(w -> if(w.1 < r.root_time + INTERVAL {lookback} DAY, w.2, 0), r.elsewhere) AS engagements,
    r.clicks_seen + arraySum(w -> if(w.1 < r.root_time + INTERVAL {lookback} DAY, w.3, 0), r.elsewhere) AS clicks
FROM (
    SELECT
        root, assumeNotNull(argMaxIf(w.root_time, opened, posts > 0)) AS root_time, argMaxIf(w.brand, opened, posts > 0) AS brand,
        -- A life that never saw the post does not know its time.
        sumIf(engaged, root_seen AND window_start < w.root_time + INTERVAL {lookback} DAY) AS engaged_seen,
        sumIf(toUInt64(w.clicks), root_seen AND window_start < w.root_time + INTERVAL {lookback} DAY) AS clicks_seen,
        groupArrayIf((window_start, engaged, toUInt64(w.clicks)), NOT root_seen) AS elsewhere
    FROM (SELECT *, toUInt64(toUInt64(shares) + replies - brand_replies + reactions) AS engaged FROM activity_row) AS w
    GROUP BY root
    HAVING max(posts) > 0 AND (max(posts > 0 AND root_is_brand) OR max(brand_replies) > 0) AND brand != ''
) AS r
ASOF LEFT JOIN {model.clock} AS k ON k.brand = r.brand AND toDateTime(r.root_time) >= k.since
SETTINGS join_use_nulls = 0
