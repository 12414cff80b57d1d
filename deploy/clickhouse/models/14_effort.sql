-- What the brand wrote under each root in each of the 13 weeks that end a day before the data do, and the visits by clicks on that,
-- whenever they came. Weeks are seven times 24 hours, on whole windows.
-- order: brand, root
WITH
    toStartOfFifteenMinutes(toDateTime({as_of})) - INTERVAL 1 DAY AS until,
    until - INTERVAL 91 DAY AS since,
    (time) -> toUInt8(intDiv(toInt64(toUnixTimestamp(time)) - toInt64(toUnixTimestamp(since)), 604800)) AS week_of,
    wrote AS (
        SELECT
            root, week_of(window_start) AS week, any(a.brand) AS brand, any(a.channel) AS channel, any(a.community) AS community,
            sum(a.brand_replies) AS replies, sumIf(a.posts, a.is_brand) AS posts
        FROM {model.happened} AS a
        WHERE window_start >= since AND window_start < until AND (a.brand_replies > 0 OR (a.posts > 0 AND a.is_brand))
        GROUP BY root, week),
    visited AS (SELECT click, count() AS visits FROM {model.origin} WHERE click != '' GROUP BY click),
    -- The last node of a path is what was clicked.
    drawn AS (
        SELECT
            c.root AS root, week_of(assumeNotNull(c.target_time)) AS week,
            sumIf(v.visits, c.target_kind = 'reply') AS reply_visits, sumIf(v.visits, c.target_kind = 'post') AS post_visits
        FROM {model.click} AS c INNER JOIN visited AS v ON v.click = c.click
        WHERE c.target_time >= since AND c.target_time < until AND c.path_is_brand[-1]
        GROUP BY root, week)
SELECT
    toString(w.brand) AS brand, toString(w.channel) AS channel, toString(w.community) AS community, cityHash64(w.root) AS root,
    w.week AS week, toUInt64(w.replies) AS replies, toUInt64(d.reply_visits) AS reply_visits,
    toUInt64(w.posts) AS posts, toUInt64(d.post_visits) AS post_visits
FROM wrote AS w LEFT JOIN drawn AS d ON d.root = w.root AND d.week = w.week
WHERE brand != ''
