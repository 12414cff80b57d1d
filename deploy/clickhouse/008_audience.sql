-- Who took part, how much, and against what was usual: activity per day, buzz, people. Days and weeks (from Monday) are
-- the brand's own: its time zone as of the day, UTC where the table brand says nothing. The base windows of 15 minutes
-- add up to every civil day.

-- What the platform counted as impressions, by the window in which its gauge grew. A building block of activity_daily.
CREATE OR REPLACE VIEW impression_growth AS
SELECT
    window_start, brand, channel, community,
    value - lagInFrame(value, 1, 0.) OVER (PARTITION BY root ORDER BY window_start, source, opened ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS impressions
FROM (
    SELECT window_start, root, source, opened, brand, channel, community, samples['impressions'] AS value
    FROM activity
    WHERE mapContains(samples, 'impressions') AND root IN (SELECT root FROM activity_window WHERE mapContains(samples, 'impressions'))
)
COMMENT 'What the platform counted as impressions, by the window in which its gauge grew. A building block of activity_daily';

-- Sums and distinct people per day, brand, channel and community; replies of monologues by themselves. A building block of activity_daily.
CREATE OR REPLACE VIEW activity_place_day AS
SELECT
    toDate(toDateTime(least(4294967295, greatest(0, toInt64(a.window_start) + k.utc_offset)), 'UTC')) AS day,
    a.brand AS brand, a.channel AS channel, a.community AS community,
    sum(a.posts) AS posts, sumIf(a.posts, a.is_brand) AS brand_posts,
    sum(a.shares) AS shares, sum(a.quotes) AS quotes,
    sumIf(a.replies, NOT a.monologue) AS replies, sumIf(a.brand_replies, NOT a.monologue) AS brand_replies, sumIf(a.brand_replies, a.monologue) AS own_replies,
    sum(a.reactions) AS reactions, sum(a.clicks) AS clicks,
    sumIf(a.shares, a.is_brand) AS shares_of_brand_posts,
    sumIf(a.replies, a.is_brand) - sumIf(a.brand_replies, a.is_brand) AS audience_replies_to_brand_posts,
    sumIf(a.reactions, a.is_brand) AS reactions_to_brand_posts,
    sum(a.impressions) AS impressions,
    uniqExactArray(a.sharers) AS sharers, uniqExactArrayIf(a.repliers, NOT a.monologue) AS repliers, uniqExactArrayIf(a.repliers, a.monologue) AS own_repliers
FROM (
    SELECT window_start, brand, channel, community, is_brand, posts, shares, quotes, replies, brand_replies, reactions, clicks, 0. AS impressions, sharers, repliers, monologue
    FROM activity
    UNION ALL
    SELECT window_start, brand, channel, community, false AS is_brand, 0 AS posts, 0 AS shares, 0 AS quotes, 0 AS replies, 0 AS brand_replies, 0 AS reactions, 0 AS clicks, impressions, [] AS sharers, [] AS repliers, false AS monologue
    FROM impression_growth
) AS a
ASOF LEFT JOIN brand_clock AS k ON k.brand = a.brand AND a.window_start >= k.since
GROUP BY day, brand, channel, community
SETTINGS join_use_nulls = 0
COMMENT 'Sums and distinct people per day, brand, channel and community. A building block of activity_daily';

-- Media prices in the reference currency, by channel and from a day on; NULL: no price, or no rate for its currency. A building block of activity_daily.
CREATE OR REPLACE VIEW media_price_list AS
SELECT
    w.channel AS channel, w.valid_from AS valid_from,
    maxIf(price, metric = 'share') AS share, maxIf(price, metric = 'reply') AS reply, maxIf(price, metric = 'reaction') AS reaction,
    maxIf(price, metric = 'click') AS click, maxIf(price, metric = 'impression') AS impression
FROM (
    SELECT
        p.channel AS channel, p.valid_from AS valid_from, p.metric AS metric,
        toDecimal256(p.price, 8) * if(p.currency = '', 1, nullIf(f.to_base, 0)) AS price
    FROM (
        SELECT
            n.channel AS channel, n.valid_from AS valid_from, n.metric AS metric,
            if(own.metric != '', own.price, every.price) AS price, if(own.metric != '', own.currency, every.currency) AS currency,
            own.metric != '' OR every.metric != '' AS priced
        FROM (
            SELECT channel, metric, valid_from
            FROM (SELECT channel FROM media_price UNION DISTINCT SELECT '') AS channels
            CROSS JOIN (SELECT arrayJoin(['share', 'reply', 'reaction', 'click', 'impression']) AS metric) AS metrics
            CROSS JOIN (
                SELECT valid_from FROM media_price
                UNION DISTINCT SELECT valid_from FROM fx WHERE currency IN (SELECT currency FROM media_price)
            ) AS days
        ) AS n
        ASOF LEFT JOIN (SELECT * FROM media_price FINAL) AS own ON own.channel = n.channel AND own.metric = n.metric AND n.valid_from >= own.valid_from
        ASOF LEFT JOIN (SELECT * FROM media_price FINAL WHERE channel = '') AS every ON every.metric = n.metric AND n.valid_from >= every.valid_from
    ) AS p
    ASOF LEFT JOIN (SELECT * FROM fx FINAL) AS f ON f.currency = p.currency AND p.valid_from >= f.valid_from
    WHERE p.priced
) AS w
GROUP BY channel, valid_from
SETTINGS join_use_nulls = 0
COMMENT 'Media prices in the reference currency, by channel and from a day on; NULL: no price, or no rate for its currency. A building block of activity_daily';

-- Weeks in which an account was known as a bot, as of its Sunday. A building block of people.
CREATE OR REPLACE VIEW bot_week AS
SELECT b.actor AS actor, w.week AS week
FROM (
    SELECT actor, class, valid_from, leadInFrame(valid_from, 1, toDate(65535)) OVER (PARTITION BY actor ORDER BY valid_from ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS until
    FROM actor FINAL
    WHERE actor IN (SELECT actor FROM actor WHERE class = 'bot')
) AS b
CROSS JOIN (SELECT DISTINCT toMonday(toDate(window_start) + arrayJoin([-1, 0, 1])) AS week FROM activity_window WHERE epoch != 65535) AS w
WHERE b.class = 'bot' AND w.week + 6 >= b.valid_from AND w.week + 6 < b.until
COMMENT 'Weeks in which an account was known as a bot, as of its Sunday. A building block of people';

-- Who shared and who replied, once per root and window, and the pairs of threads begun, per week and grain. A building block of people.
CREATE OR REPLACE VIEW people_week AS
SELECT
    grain, week, brand, if(grain = 'place', w.channel, '') AS channel, if(grain = 'place', w.community, '') AS community,
    groupArrayArray(w.shared) AS shared, groupArrayArray(w.replied) AS replied, uniqExactArray(w.bots) AS bots,
    uniqExactArray(w.fwd) AS pairs_fwd, uniqExactArray(w.rev) AS pairs_rev, uniqExactArray(arrayConcat(w.fwd, w.rev)) AS dyads,
    sum(w.two_way_replies) AS two_way_replies, sum(w.nonself_replies) AS nonself_replies
FROM (
    SELECT
        brand, channel, community, week,
        arrayFilter(x -> (x, week) NOT IN (SELECT actor, week FROM bot_week), every_shared) AS shared,
        arrayFilter(x -> (x, week) NOT IN (SELECT actor, week FROM bot_week), every_replied) AS replied,
        arrayFilter(x -> (x, week) IN (SELECT actor, week FROM bot_week), arrayConcat(every_shared, every_replied)) AS bots,
        emptyArrayUInt64() AS fwd, emptyArrayUInt64() AS rev, toUInt64(0) AS two_way_replies, toUInt64(0) AS nonself_replies
    FROM (
        SELECT
            a.brand AS brand, a.channel AS channel, a.community AS community,
            toMonday(toDate(toDateTime(least(4294967295, greatest(0, toInt64(a.window_start) + k.utc_offset)), 'UTC'))) AS week,
            groupArrayArray(a.sharers) AS every_shared, groupArrayArray(a.repliers) AS every_replied
        FROM activity AS a ASOF LEFT JOIN brand_clock AS k ON k.brand = a.brand AND a.window_start >= k.since
        GROUP BY brand, channel, community, week
        HAVING notEmpty(every_shared) OR notEmpty(every_replied)
        SETTINGS join_use_nulls = 0
    )
    UNION ALL
    SELECT
        t.brand AS brand, t.channel AS channel, t.community AS community,
        toMonday(toDate(toDateTime(least(4294967295, greatest(0, toInt64(toDateTime(t.begun)) + k.utc_offset)), 'UTC'))) AS week,
        [] AS shared, [] AS replied, [] AS bots, groupUniqArrayArray(t.dyad_fwd) AS fwd, groupUniqArrayArray(t.dyad_rev) AS rev,
        sum(t.two_way_replies) AS two_way_replies, sum(t.nonself_replies) AS nonself_replies
    -- Of a thread whose post nobody saw the first time that is known.
    FROM (SELECT *, ifNull(root_time, first_time) AS begun FROM thread_life) AS t ASOF LEFT JOIN brand_clock AS k ON k.brand = t.brand AND toDateTime(t.begun) >= k.since
    GROUP BY brand, channel, community, week
    SETTINGS join_use_nulls = 0
) AS w
ARRAY JOIN ['brand', 'place'] AS grain
GROUP BY grain, week, brand, channel, community
COMMENT 'Who shared and who replied, once per root and window, and the pairs of threads begun, per week and grain. A building block of people';
