-- What happened per day, brand, channel, community and side, beside the week before, the same weekday of the 28 days before and the year
-- before. A place that is quiet today but usually is not has a row: what is usual is added up over places. Distinct people do not add up
-- over rows. The emv_* columns are media price equivalents, not value, and never enter ROI.
WITH
    if(b.base_currency = '', toDecimal64(1, 8), nullIf(f.to_base, 0)) AS base_rate,
    -- Posts, shares, replies of others and of the brand, reactions and clicks, as far as they are of the side.
    (side, x) -> [
        if(side = 'broadcast', x[1], 0), if(side = 'broadcast', x[2], 0), if(side = 'conversation', x[3], 0),
        multiIf(side = 'conversation', x[4], side = 'broadcast', x[14], 0), if(side = 'other', x[5], 0),
        if(side = 'other', x[6], 0)] AS of_side,
    placed AS (
        SELECT
            day, brand, channel, community, spine, side, of_side(side, own) AS here, if(side = 'other', d.impressions, 0) AS impressions,
            if(day < first_day + 7, [], of_side(side, week)) AS before, if(day < first_day + 364, [], of_side(side, year)) AS year_before,
            if(day < first_day + 28, [], arrayMap(x -> x / 4, of_side(side, weeks))) AS usual,
            if(side = 'broadcast', own[7], 0) AS quotes, if(side = 'broadcast', own[8], 0) AS brand_posts,
            if(side = 'broadcast', own[12], 0) AS sharers,
            multiIf(side = 'conversation', own[13], side = 'broadcast', own[15], 0) AS repliers,
            own[10] / nullIf(own[8], 0) AS conversation_rate, own[9] / nullIf(own[8], 0) AS amplification_rate,
            own[11] / nullIf(own[8], 0) AS applause_rate, if(channel IN (SELECT channel FROM media_price), channel, '') AS priced_channel
        FROM {model.place_day} AS d
        ARRAY JOIN ['broadcast', 'conversation', 'other'] AS side
        WHERE spine OR d.impressions != 0 OR arraySum(here) + arraySum(before) + arraySum(year_before) + arraySum(usual) > 0)
SELECT
    r.day AS day, r.brand AS brand, r.channel AS channel, r.community AS community, r.side AS side,
    r.here[1] AS posts, r.here[2] AS shares, r.quotes AS quotes, r.here[3] + r.here[4] AS replies, r.here[4] AS brand_replies,
    r.here[3] AS audience_replies, r.here[5] AS reactions, r.here[6] AS clicks, r.impressions AS impressions,
    r.sharers AS sharers, r.repliers AS repliers,
    if(empty(r.before), NULL, r.before[1]) AS posts_previous_period, if(empty(r.before), NULL, r.before[2]) AS shares_previous_period,
    if(empty(r.before), NULL, r.before[3]) AS audience_replies_previous_period,
    if(empty(r.before), NULL, r.before[4]) AS brand_replies_previous_period,
    if(empty(r.before), NULL, r.before[5]) AS reactions_previous_period, if(empty(r.before), NULL, r.before[6]) AS clicks_previous_period,
    if(empty(r.usual), NULL, r.usual[1]) AS posts_usual, if(empty(r.usual), NULL, r.usual[2]) AS shares_usual,
    if(empty(r.usual), NULL, r.usual[3]) AS audience_replies_usual, if(empty(r.usual), NULL, r.usual[4]) AS brand_replies_usual,
    if(empty(r.usual), NULL, r.usual[5]) AS reactions_usual, if(empty(r.usual), NULL, r.usual[6]) AS clicks_usual,
    if(empty(r.year_before), NULL, r.year_before[1]) AS posts_previous_year,
    if(empty(r.year_before), NULL, r.year_before[2]) AS shares_previous_year,
    if(empty(r.year_before), NULL, r.year_before[3]) AS audience_replies_previous_year,
    if(empty(r.year_before), NULL, r.year_before[4]) AS brand_replies_previous_year,
    if(empty(r.year_before), NULL, r.year_before[5]) AS reactions_previous_year,
    if(empty(r.year_before), NULL, r.year_before[6]) AS clicks_previous_year,
    r.brand_posts AS brand_posts, r.conversation_rate AS conversation_rate, r.amplification_rate AS amplification_rate,
    r.applause_rate AS applause_rate,
    if(shares = 0, 0, toDecimal128(shares * m.share / base_rate, 6)) AS emv_shares,
    if(audience_replies = 0, 0, toDecimal128(audience_replies * m.reply / base_rate, 6)) AS emv_replies,
    if(reactions = 0, 0, toDecimal128(reactions * m.reaction / base_rate, 6)) AS emv_reactions,
    if(clicks = 0, 0, toDecimal128(clicks * m.click / base_rate, 6)) AS emv_clicks,
    if(r.impressions = 0, 0, toDecimal128(toDecimal256(r.impressions, 0) * m.impression / base_rate, 6)) AS emv_impressions,
    emv_shares + emv_replies + emv_reactions + emv_clicks + emv_impressions AS emv,
    b.base_currency AS emv_currency,
    if(emv IS NULL, 'a media price or a rate is missing', '') AS emv_reason
FROM placed AS r
ASOF LEFT JOIN media_price_list AS m ON m.channel = r.priced_channel AND r.day >= m.valid_from
ASOF LEFT JOIN (SELECT brand, valid_from, base_currency FROM brand FINAL) AS b ON b.brand = r.brand AND r.day >= b.valid_from
ASOF LEFT JOIN (SELECT currency, valid_from, to_base FROM fx FINAL) AS f ON f.currency = b.base_currency AND r.day >= f.valid_from
