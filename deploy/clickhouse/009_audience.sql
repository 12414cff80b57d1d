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

-- What happened per day, brand, channel, community and side, beside the week and the year before. Every day between a brand's first and last has a row per side without channel and community, so that none is missing. Distinct people do not add up over rows. The emv_* columns are media price equivalents, not value, and never enter ROI.
CREATE OR REPLACE VIEW activity_daily AS
WITH if(b.base_currency = '', toDecimal64(1, 8), nullIf(f.to_base, 0)) AS base_rate
SELECT
    r.day AS day, r.brand AS brand, r.channel AS channel, r.community AS community, r.side AS side,
    r.posts AS posts, r.shares AS shares, r.quotes AS quotes, r.replies AS replies, r.brand_replies AS brand_replies, r.audience_replies AS audience_replies,
    r.reactions AS reactions, r.clicks AS clicks, r.impressions AS impressions, r.sharers AS sharers, r.repliers AS repliers,
    r.posts_previous_period AS posts_previous_period, r.shares_previous_period AS shares_previous_period, r.audience_replies_previous_period AS audience_replies_previous_period,
    r.brand_replies_previous_period AS brand_replies_previous_period, r.reactions_previous_period AS reactions_previous_period, r.clicks_previous_period AS clicks_previous_period,
    r.posts_previous_year AS posts_previous_year, r.shares_previous_year AS shares_previous_year, r.audience_replies_previous_year AS audience_replies_previous_year,
    r.brand_replies_previous_year AS brand_replies_previous_year, r.reactions_previous_year AS reactions_previous_year, r.clicks_previous_year AS clicks_previous_year,
    r.brand_posts AS brand_posts, r.conversation_rate AS conversation_rate, r.amplification_rate AS amplification_rate, r.applause_rate AS applause_rate,
    if(r.shares = 0, 0, toDecimal128(r.shares * m.share / base_rate, 6)) AS emv_shares,
    if(r.audience_replies = 0, 0, toDecimal128(r.audience_replies * m.reply / base_rate, 6)) AS emv_replies,
    if(r.reactions = 0, 0, toDecimal128(r.reactions * m.reaction / base_rate, 6)) AS emv_reactions,
    if(r.clicks = 0, 0, toDecimal128(r.clicks * m.click / base_rate, 6)) AS emv_clicks,
    if(r.impressions = 0, 0, toDecimal128(toDecimal256(r.impressions, 0) * m.impression / base_rate, 6)) AS emv_impressions,
    emv_shares + emv_replies + emv_reactions + emv_clicks + emv_impressions AS emv,
    b.base_currency AS emv_currency,
    if(emv IS NULL, 'a media price or a rate is missing', '') AS emv_reason
FROM (
    SELECT
        day, brand, channel, community, side,
        if(channel IN (SELECT channel FROM media_price), channel, '') AS priced_channel,
        -- Of the day itself, of the same weekday a week before, and of 364 days before.
        if(side = 'broadcast', now_[1], 0) AS posts, if(side = 'broadcast', now_[2], 0) AS shares, if(side = 'broadcast', now_[7], 0) AS quotes,
        multiIf(side = 'conversation', now_[3] + now_[4], side = 'broadcast', now_[14], 0) AS replies, multiIf(side = 'conversation', now_[4], side = 'broadcast', now_[14], 0) AS brand_replies, if(side = 'conversation', now_[3], 0) AS audience_replies,
        if(side = 'other', now_[5], 0) AS reactions, if(side = 'other', now_[6], 0) AS clicks, if(side = 'other', impressions_now, 0) AS impressions,
        if(side = 'broadcast', now_[12], 0) AS sharers, multiIf(side = 'conversation', now_[13], side = 'broadcast', now_[15], 0) AS repliers,
        if(day < first_day + 7, NULL, if(side = 'broadcast', week[1], 0)) AS posts_previous_period, if(day < first_day + 7, NULL, if(side = 'broadcast', week[2], 0)) AS shares_previous_period,
        if(day < first_day + 7, NULL, if(side = 'conversation', week[3], 0)) AS audience_replies_previous_period, if(day < first_day + 7, NULL, multiIf(side = 'conversation', week[4], side = 'broadcast', week[14], 0)) AS brand_replies_previous_period,
        if(day < first_day + 7, NULL, if(side = 'other', week[5], 0)) AS reactions_previous_period, if(day < first_day + 7, NULL, if(side = 'other', week[6], 0)) AS clicks_previous_period,
        if(day < first_day + 364, NULL, if(side = 'broadcast', year[1], 0)) AS posts_previous_year, if(day < first_day + 364, NULL, if(side = 'broadcast', year[2], 0)) AS shares_previous_year,
        if(day < first_day + 364, NULL, if(side = 'conversation', year[3], 0)) AS audience_replies_previous_year, if(day < first_day + 364, NULL, multiIf(side = 'conversation', year[4], side = 'broadcast', year[14], 0)) AS brand_replies_previous_year,
        if(day < first_day + 364, NULL, if(side = 'other', year[5], 0)) AS reactions_previous_year, if(day < first_day + 364, NULL, if(side = 'other', year[6], 0)) AS clicks_previous_year,
        if(side = 'broadcast', now_[8], 0) AS brand_posts,
        now_[10] / nullIf(now_[8], 0) AS conversation_rate, now_[9] / nullIf(now_[8], 0) AS amplification_rate, now_[11] / nullIf(now_[8], 0) AS applause_rate,
        spine
    FROM (
        SELECT
            move.1 AS day, brand, if(move.2 = -1, '', p.channel) AS channel, if(move.2 = -1, '', p.community) AS community, any(first_day) AS first_day,
            max(move.2 = -1) AS spine,
            sumForEachIf(figures, move.2 = 0) AS now_, sumForEachIf(figures, move.2 = 7) AS week, sumForEachIf(figures, move.2 = 364) AS year,
            sumIf(p.impressions, move.2 = 0) AS impressions_now
        FROM (
            -- Each row counts on its own day, a week and a year later; one row of the brand also spans its days.
            SELECT
                brand, channel, community, impressions, first_day,
                arrayMap(x -> toInt64(x), [posts, shares, replies - brand_replies, brand_replies, reactions, clicks, quotes, brand_posts, shares_of_brand_posts, audience_replies_to_brand_posts, reactions_to_brand_posts, sharers, repliers, own_replies, own_repliers]) AS figures,
                arrayJoin(arrayConcat(
                    arrayMap(d -> (day + d, toInt16(d)), arrayFilter(d -> day + d <= last_day, [0, 7, 364])),
                    if(row = 1, arrayMap(d -> (first_day + d, toInt16(-1)), range(toUInt32(last_day - first_day + 1))), []))) AS move
            FROM (
                SELECT *, min(day) OVER w AS first_day, max(day) OVER w AS last_day, row_number() OVER w AS row
                FROM activity_place_day WINDOW w AS (PARTITION BY brand)
            )
        ) AS p
        GROUP BY day, brand, channel, community
    )
    ARRAY JOIN ['broadcast', 'conversation', 'other'] AS side
    WHERE spine OR impressions != 0
        OR posts + shares + replies + reactions + clicks + ifNull(posts_previous_period + shares_previous_period + audience_replies_previous_period + brand_replies_previous_period + reactions_previous_period + clicks_previous_period, 0)
        + ifNull(posts_previous_year + shares_previous_year + audience_replies_previous_year + brand_replies_previous_year + reactions_previous_year + clicks_previous_year, 0) > 0
) AS r
ASOF LEFT JOIN media_price_list AS m ON m.channel = r.priced_channel AND r.day >= m.valid_from
ASOF LEFT JOIN (SELECT brand, valid_from, base_currency FROM brand FINAL) AS b ON b.brand = r.brand AND r.day >= b.valid_from
ASOF LEFT JOIN (SELECT currency, valid_from, to_base FROM fx FINAL) AS f ON f.currency = b.base_currency AND r.day >= f.valid_from
SETTINGS join_use_nulls = 0
COMMENT 'What happened per day, brand, channel, community and side, beside the week and the year before. The emv_* columns are media price equivalents, not value, and never enter ROI';

-- Mentions per brand and day against the brand's own baseline: the median of the same weekday in the four weeks before, and how far the days of those weeks lay from the medians of their weekdays (robust, 2.32 * the median distance, never less than the noise of a count). Beyond 3 a day is unusual; of quiet days fewer than one in a hundred is.
CREATE OR REPLACE VIEW buzz AS
WITH ifNull((SELECT complete_to FROM completeness), toDateTime64(0, 3, 'UTC')) AS complete_to
SELECT
    brand, day, mentions,
    toBool(day < toDate(toDateTime(greatest(0, toInt64(toDateTime(complete_to)) + utc_offset), 'UTC'))) AS day_complete,
    multiIf(length(past) < 28, 'fewer than 28 days before', NOT day_complete, 'the day is not complete', '') AS reason,
    if(length(past) < 28, NULL, medians[1]) AS baseline,
    if(length(past) < 28, NULL, greatest(2.32 * arrayElement(distances, 14) / 2 + 2.32 * arrayElement(distances, 15) / 2, sqrt(greatest(medians[1], 1)))) AS spread,
    mentions / nullIf(baseline, 0) AS ratio,
    if(reason = '', (mentions - baseline) / spread, NULL) AS z,
    multiIf(z IS NULL, NULL, z > 3, 'high', z < -3, 'low', 'usual') AS verdict
FROM (
    SELECT
        d.brand AS brand, d.day AS day, d.mentions AS mentions, d.past AS past, k.utc_offset AS utc_offset,
        arrayMap(w -> (arraySort([past[w], past[w + 7], past[w + 14], past[w + 21]])[2] + arraySort([past[w], past[w + 7], past[w + 14], past[w + 21]])[3]) / 2, [1, 2, 3, 4, 5, 6, 7]) AS medians,
        arraySort(arrayMap((x, i) -> abs(x - medians[(i - 1) % 7 + 1]), past, arrayEnumerate(past))) AS distances
    FROM (
        SELECT brand, day, mentions, toDateTime(complete_to) AS reached, groupArray(mentions) OVER (PARTITION BY brand ORDER BY day ROWS BETWEEN 28 PRECEDING AND 1 PRECEDING) AS past
        FROM (
            SELECT brand, move.1 AS day, sum(if(move.2, 0, toInt64(found))) AS mentions
            FROM (
                SELECT
                    brand, found,
                    arrayJoin(arrayConcat([(day, false)], if(row_number() OVER w = 1, arrayMap(d -> (min(day) OVER w + d, true), range(toUInt32(max(day) OVER w - min(day) OVER w + 1))), []))) AS move
                FROM (
                    SELECT a.brand AS brand, toDate(toDateTime(least(4294967295, greatest(0, toInt64(a.window_start) + k.utc_offset)), 'UTC')) AS day, sum(a.mentions) AS found
                    FROM activity AS a ASOF LEFT JOIN brand_clock AS k ON k.brand = a.brand AND a.window_start >= k.since
                    GROUP BY brand, day
                )
                WINDOW w AS (PARTITION BY brand)
            )
            GROUP BY brand, day
        )
    ) AS d
    ASOF LEFT JOIN brand_clock AS k ON k.brand = d.brand AND d.reached >= k.since
)
SETTINGS join_use_nulls = 0
COMMENT 'Mentions per brand and day against the brand''s own baseline: the same weekday of the four weeks before, with a robust spread';

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

-- Who takes part, comes back and carries it, per week: rows of the grain `brand` over everything of a brand, rows of the
-- grain `place` per channel and community. Never add people over rows. Bots (class bot of the table actor) are left out
-- of every figure but `bots` and the pairs, which belong to the threads begun in the week.
CREATE OR REPLACE VIEW people AS
SELECT
    grain, week, brand, channel, community,
    length(who) AS people, length(arrayDistinct(shared)) AS sharers, length(arrayDistinct(replied)) AS repliers,
    sharers + repliers - people AS on_both_sides, bots,
    if(week = first_week, NULL, seen - lagInFrame(seen, 1, 0) OVER one_back) AS new_people,
    if(week = first_week, NULL, length(who_before)) AS people_week_before,
    if(week = first_week, NULL, length(arrayIntersect(who, who_before))) AS returned,
    returned / nullIf(people_week_before, 0) AS returning_share,
    length(times) AS appearances, appearances / nullIf(people, 0) AS appearances_per_person,
    arrayCount(rank -> rank <= ceil(people / 100), ranks) / nullIf(appearances, 0) AS top_1_percent_share,
    arrayCount(rank -> rank <= ceil(people / 10), ranks) / nullIf(appearances, 0) AS top_10_percent_share,
    arrayMax(arrayEnumerateUniq(shared)) / nullIf(length(shared), 0) AS top_sharer_share,
    dyads, pairs_fwd + pairs_rev - dyads AS reciprocal_pairs,
    reciprocal_pairs / nullIf(dyads, 0) AS dyad_reciprocity, 2 * reciprocal_pairs / nullIf(pairs_fwd + pairs_rev, 0) AS edge_reciprocity,
    two_way_replies / nullIf(nonself_replies, 0) AS two_way_share
FROM (
    SELECT
        *,
        -- The n-th time that somebody appeared as often as that: the m who appeared most make up those with n <= m.
        arrayEnumerateUniq(times) AS ranks,
        min(week) OVER (PARTITION BY brand) AS first_week,
        if(lagInFrame(week, 1, toDate(0)) OVER one_back + 7 = week, lagInFrame(who, 1, who) OVER one_back, []) AS who_before,
        uniqExactArray(who) OVER (PARTITION BY grain, brand, channel, community ORDER BY week ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS seen
    FROM (
        SELECT *, arrayEnumerateUniq(arrayConcat(shared, replied)) AS times, arrayFilter((x, n) -> n = 1, arrayConcat(shared, replied), times) AS who
        FROM people_week
    )
    WINDOW one_back AS (PARTITION BY grain, brand, channel, community ORDER BY week ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
WINDOW one_back AS (PARTITION BY grain, brand, channel, community ORDER BY week ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
COMMENT 'Who takes part, comes back and carries it, per week: grain brand over everything of a brand, grain place per channel and community. Never add people over rows';
