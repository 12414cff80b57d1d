-- Visits, the brand's replies and own posts, shares and what the calendar says, by minute, in the latest 90 days that both visits and posts
-- cover. In a minute without a row nothing happened, but in the first of them one stands all the same. Replies of a monologue answer
-- nobody and are none here.
-- order: brand, minute
WITH
    -- Declared times beyond that are somebody's clock, not the end of the data.
    {as_of} + INTERVAL 1 MINUTE AS reach,
    reach < toDateTime64('1971-01-01', 3, 'UTC') AS reach_unknown,
    -- Before the first post or visit, and after the last visit, nothing is known.
    known AS (
        SELECT v.brand AS brand, greatest(v.first, v.last - 131039, h.first) AS first, v.last AS last
        FROM (
            SELECT brand, intDiv(toUnixTimestamp(min(o.time)), 60) AS first, intDiv(toUnixTimestamp(max(o.time)), 60) AS last
            FROM {model.origin} AS o WHERE brand != '' AND NOT self_referral AND (reach_unknown OR time <= reach) GROUP BY brand) AS v
        LEFT JOIN (
            SELECT brand, intDiv(toUnixTimestamp(min(window_start)), 60) AS first
            FROM {model.happened} WHERE reach_unknown OR window_start <= reach GROUP BY brand) AS h ON h.brand = v.brand),
    seen AS (
        SELECT o.brand AS brand, intDiv(toUnixTimestamp(o.time), 60) AS minute, 'visit' AS what
        FROM {model.origin} AS o WHERE NOT o.self_referral AND (reach_unknown OR o.time <= reach)
        UNION ALL
        SELECT brand, intDiv(toUnixTimestamp(window_start), 60) + e.1 AS minute, e.2
        FROM {model.happened}
        ARRAY JOIN arrayConcat(
            arrayMap(x -> (x, 'reply'), if(monologue, [], brand_reply_minutes)), arrayMap(x -> (x, 'share'), share_minutes),
            if(is_brand AND posts > 0, [(dateDiff('minute', window_start, assumeNotNull(root_time)), 'post')], [])) AS e
        UNION ALL
        SELECT
            arrayJoin(if(c.brand = '', (SELECT groupArray(toString(brand)) FROM known), [toString(c.brand)])) AS brand,
            intDiv(toUnixTimestamp(c.time), 60) AS minute, if(c.kind IN ('mail', 'ad', 'launch'), toString(c.kind), 'other')
        FROM (SELECT * FROM calendar FINAL) AS c
        UNION ALL
        SELECT brand, first AS minute, '' FROM known)
SELECT
    toString(s.brand) AS brand, toUInt32(s.minute) AS minute, toUInt32(countIf(what = 'visit')) AS visits,
    toUInt32(countIf(what = 'reply')) AS brand_replies, toUInt32(countIf(what = 'share')) AS shares,
    toUInt32(countIf(what = 'post')) AS brand_posts,
    arrayMap(count -> toUInt32(count), [countIf(what = 'mail'), countIf(what = 'ad'), countIf(what = 'launch'), countIf(what = 'other')]) AS events
FROM seen AS s INNER JOIN known AS k ON k.brand = s.brand WHERE s.minute BETWEEN k.first AND k.last
GROUP BY brand, minute
