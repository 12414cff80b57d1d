-- Posts that a brand wrote or answered under: the Monday of their week on the brand's clock, and what they set off within the look-back.
-- order: brand
SELECT
    cityHash64(r.root) AS root, toString(r.brand) AS brand, toUnixTimestamp64Milli(r.root_time) AS posted_at,
    toInt32(toMonday(toDate(toDateTime(toInt64(toDateTime(r.root_time)) + k.utc_offset, 'UTC')))) AS week,
    r.engagements AS engagements, r.clicks AS clicks
FROM (
    SELECT
        root, assumeNotNull(argMaxIf(h.root_time, opened, posts > 0)) AS root_time, argMaxIf(h.brand, opened, posts > 0) AS brand,
        sumIf(toUInt64(toUInt64(h.shares) + h.replies - h.brand_replies + h.reactions), is_within) AS engagements,
        sumIf(toUInt64(h.clicks), is_within) AS clicks
    FROM (SELECT *, ifNull(window_start < root_time + INTERVAL {lookback} DAY, false) AS is_within FROM {model.happened}) AS h
    GROUP BY root
    HAVING max(posts) > 0 AND (max(posts > 0 AND is_brand) OR max(brand_replies) > 0) AND brand != ''
) AS r
ASOF LEFT JOIN {model.clock} AS k ON k.brand = r.brand AND toDateTime(r.root_time) >= k.since
