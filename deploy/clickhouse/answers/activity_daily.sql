-- What happened per day, brand, channel, community and side, beside the week and the year before. Every day between a brand's first and last has a row per side without channel and community, so that none is missing. Distinct people do not add up over rows. The emv_* columns are media price equivalents, not value, and never enter ROI.
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
