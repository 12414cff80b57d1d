-- When people address a brand, by the hour and weekday of its own clock, and how soon it answers: the messages of the 91 days that
-- end a day before the data do, so that each has had its day. Every life's messages; hours are exact, for every clock is off by whole
-- quarters of an hour.
-- order: brand, channel, weekday, hour
WITH
    toStartOfFifteenMinutes(toDateTime({as_of})) - INTERVAL 1 DAY AS until,
    until - INTERVAL 91 DAY AS since,
    message AS (
        SELECT root, root_seen, brand, channel, q.quarter AS quarter,
            q.messages AS messages, q.within_15_minutes AS soon, q.within_1_hour AS within_hour, q.within_24_hours AS within_day
        FROM thread_row ARRAY JOIN customer_quarters AS q
        WHERE quarter >= since AND quarter < until
        UNION ALL
        -- A post without a reply has no thread, and no answer.
        SELECT root, root_seen, brand, channel, toStartOfFifteenMinutes(toDateTime(root_time)) AS quarter, 1, 0, 0, 0
        FROM root_row
        WHERE root_to_brand AND quarter >= since AND quarter < until
            AND (opened, log) NOT IN (SELECT opened, cityHash64(source, epoch) FROM thread)),
    -- A life that never saw its post is of the brand that another life tells.
    unseen AS (
        SELECT root FROM thread WHERE (opened, cityHash64(source, epoch)) NOT IN (SELECT opened, cityHash64(source, epoch) FROM root)
        SETTINGS distributed_product_mode = 'local'),
    placed AS (
        SELECT m.* EXCEPT (brand, channel), if(m.root_seen, m.brand, r.brand) AS brand, if(m.root_seen, m.channel, r.channel) AS channel
        FROM message AS m
        LEFT ANY JOIN (SELECT root, brand, channel FROM roots WHERE root IN (SELECT root FROM unseen)) AS r ON r.root = m.root
        WHERE brand != '')
SELECT
    brand, channel, toUInt8(toDayOfWeek(local)) AS weekday, toUInt8(toHour(local)) AS hour,
    sum(messages) AS messages, sum(soon) AS within_15_minutes, sum(within_hour) AS within_1_hour, sum(within_day) AS within_24_hours
FROM (
    SELECT m.*, toDateTime(toInt64(m.quarter) + k.utc_offset, 'UTC') AS local
    FROM placed AS m ASOF LEFT JOIN {model.clock} AS k ON k.brand = m.brand AND m.quarter >= k.since)
GROUP BY brand, channel, weekday, hour
