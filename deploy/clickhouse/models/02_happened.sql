-- What happened in each window, with what is known of its post and the day on the brand's clock: joined once for all of the run.
-- order: tuple()
SELECT toDate(toDateTime(least(4294967295, greatest(0, toInt64(a.window_start) + k.utc_offset)), 'UTC')) AS day, a.*
FROM (
    SELECT
        window_start, root, source, opened, brand, channel, community, root_time, is_brand, monologue, posts, shares, quotes, replies,
        brand_replies, mentions, reactions, deletes, clicks, sharers, repliers, share_minutes, brand_reply_minutes, samples
    FROM activity) AS a
ASOF LEFT JOIN {model.clock} AS k ON k.brand = a.brand AND a.window_start >= k.since
