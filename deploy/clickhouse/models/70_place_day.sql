-- What counts on each day of each place of a brand: the figures of the day itself, of a week before, of the same weekdays of the 28 days
-- before, and of 364 days before. Every day between a brand's first and last has a row without channel and community (`spine`), so that
-- none is missing. Figures, in this order: posts, shares, replies of others, replies of the brand, reactions, clicks, quotes, posts of the
-- brand, shares, replies and reactions of those, sharers, repliers, monologue replies and their authors.
-- order: tuple()
SELECT
    move.1 AS day, brand, if(move.2 = -1, '', p.channel) AS channel, if(move.2 = -1, '', p.community) AS community,
    any(first_day) AS first_day, max(move.2 = -1) AS spine,
    sumForEachIf(figures, move.2 = 0) AS own, sumForEachIf(figures, move.2 = 7) AS week,
    sumForEachIf(figures, move.2 BETWEEN 7 AND 28) AS weeks, sumForEachIf(figures, move.2 = 364) AS year,
    sumIf(p.impressions, move.2 = 0) AS impressions
FROM (
    -- Each row counts on its own day and later ones; one row of the brand also spans its days.
    SELECT
        brand, channel, community, impressions, first_day,
        arrayMap(x -> toInt64(x), [
            posts, shares, replies - brand_replies, brand_replies, reactions, clicks, quotes, brand_posts, shares_of_brand_posts,
            audience_replies_to_brand_posts, reactions_to_brand_posts, sharers, repliers, own_replies, own_repliers]) AS figures,
        arrayJoin(arrayConcat(
            arrayMap(d -> (day + d, toInt16(d)), arrayFilter(d -> day + d <= last_day, [0, 7, 14, 21, 28, 364])),
            if(row = 1, arrayMap(d -> (first_day + d, toInt16(-1)), range(toUInt32(last_day - first_day + 1))), []))) AS move
    FROM (
        SELECT *, min(day) OVER w AS first_day, max(day) OVER w AS last_day, row_number() OVER w AS row
        FROM {model.activity_place_day} WINDOW w AS (PARTITION BY brand))) AS p
GROUP BY day, brand, channel, community
