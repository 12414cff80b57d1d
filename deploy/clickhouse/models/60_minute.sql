-- Visits, the brand's replies and own posts, shares and what the calendar says, by minute, zeros are rows: the latest 90 days that both
-- visits and posts cover. Replies of a monologue answer nobody and are none here. Small blocks, because all zeros between the rows of one
-- block come as one block; of hundreds of brands with a few visits a month those are many all the same.
-- order: brand, minute
WITH
    -- Declared times beyond that are somebody's clock, not the end of the data.
    {as_of} + INTERVAL 1 MINUTE AS reach,
    reach < toDateTime64('1971-01-01', 3, 'UTC') AS reach_unknown,
    -- Before the first post or visit, and after the last visit, nothing is known: those are no zeros.
    known AS (
        SELECT v.brand AS brand, greatest(v.first, v.last - 131039, h.first) AS first, v.last AS last
        FROM (
            SELECT brand, intDiv(toUnixTimestamp(min(o.time)), 60) AS first, intDiv(toUnixTimestamp(max(o.time)), 60) AS last
            FROM {model.origin} AS o WHERE brand != '' AND NOT self_referral AND (reach_unknown OR time <= reach) GROUP BY brand) AS v
        LEFT JOIN (
            SELECT brand, intDiv(toUnixTimestamp(min(window_start)), 60) AS first
            FROM {model.happened} WHERE reach_unknown OR window_start <= reach GROUP BY brand) AS h ON h.brand = v.brand),
    seen AS (
        SELECT
            o.brand AS brand, toUInt32(intDiv(toUnixTimestamp(o.time), 60)) AS minute, 1 AS visits, 0 AS brand_replies, 0 AS shares,
            0 AS brand_posts
        FROM {model.origin} AS o INNER JOIN known AS k ON k.brand = o.brand
        WHERE NOT o.self_referral AND (reach_unknown OR o.time <= reach) AND minute BETWEEN k.first AND k.last
        UNION ALL
        SELECT brand, toUInt32(intDiv(toUnixTimestamp(window_start), 60) + e.1) AS minute, 0, e.2, e.3, e.4
        FROM (
            SELECT h.*, k.first AS first, k.last AS last FROM {model.happened} AS h INNER JOIN known AS k ON k.brand = h.brand
            WHERE intDiv(toUnixTimestamp(h.window_start), 60) BETWEEN k.first - 15 AND k.last)
        ARRAY JOIN arrayConcat(
            [(0, 0, 0, 0)], arrayMap(x -> (x, 1, 0, 0), if(monologue, [], brand_reply_minutes)),
            arrayMap(x -> (x, 0, 1, 0), share_minutes),
            if(is_brand AND posts > 0, [(dateDiff('minute', window_start, assumeNotNull(root_time)), 0, 0, 1)], [])) AS e
        WHERE minute BETWEEN first AND last),
    dense AS (
        SELECT
            brand, minute, sum(s.visits) AS visits, sum(s.brand_replies) AS brand_replies, sum(s.shares) AS shares,
            sum(s.brand_posts) AS brand_posts
        FROM seen AS s GROUP BY brand, minute
        ORDER BY brand, minute WITH FILL STEP 1),
    moved AS (
        SELECT brand, toUInt32(intDiv(toUnixTimestamp(time), 60)) AS minute,
            [countIf(kind = 'mail'), countIf(kind = 'ad'), countIf(kind = 'launch'),
                countIf(kind NOT IN ('mail', 'ad', 'launch'))] AS events
        FROM calendar FINAL GROUP BY brand, minute)
SELECT
    toString(d.brand) AS brand, d.minute AS minute, toInt32(intDiv(d.minute + intDiv(k.utc_offset, 60), 1440)) AS day,
    toUInt16((d.minute + intDiv(k.utc_offset, 60)) % 1440) AS minute_of_day, toUInt32(d.visits) AS visits,
    toUInt32(d.brand_replies) AS brand_replies, toUInt32(d.shares) AS shares, toUInt32(d.brand_posts) AS brand_posts,
    arrayMap(kind -> toUInt32(own.events[kind] + every.events[kind]), [1, 2, 3, 4]) AS events
FROM dense AS d
ASOF LEFT JOIN {model.clock} AS k ON k.brand = d.brand AND toDateTime(toUInt32(d.minute * 60), 'UTC') >= k.since
LEFT JOIN moved AS own ON own.brand = d.brand AND own.minute = d.minute
LEFT JOIN moved AS every ON every.brand = '' AND every.minute = d.minute
SETTINGS max_block_size = 1024
