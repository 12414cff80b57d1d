-- Sums and distinct people per day, brand, channel and community; replies of monologues by themselves. Impressions are those by which the
-- platform's gauge grew in a window.
-- order: tuple()
WITH
    gauge AS (
        SELECT window_start, day, root, source, opened, brand, channel, community, samples['impressions'] AS value
        FROM {model.happened} WHERE mapContains(samples, 'impressions')),
    each AS (
        SELECT
            day, brand, channel, community, is_brand, posts, shares, quotes, replies, brand_replies, reactions, clicks,
            0. AS impressions, sharers, repliers, monologue
        FROM {model.happened}
        UNION ALL
        SELECT
            day, brand, channel, community, false AS is_brand, 0 AS posts, 0 AS shares, 0 AS quotes, 0 AS replies,
            0 AS brand_replies, 0 AS reactions, 0 AS clicks, value - lagInFrame(value, 1, 0.) OVER (
                PARTITION BY root ORDER BY window_start, source, opened ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS impressions,
            [] AS sharers, [] AS repliers, false AS monologue
        FROM gauge)
SELECT
    day, brand, channel, community,
    sum(a.posts) AS posts, sumIf(a.posts, a.is_brand) AS brand_posts, sum(a.shares) AS shares, sum(a.quotes) AS quotes,
    sumIf(a.replies, NOT a.monologue) AS replies, sumIf(a.brand_replies, NOT a.monologue) AS brand_replies,
    sumIf(a.brand_replies, a.monologue) AS own_replies, sum(a.reactions) AS reactions, sum(a.clicks) AS clicks,
    sumIf(a.shares, a.is_brand) AS shares_of_brand_posts,
    sumIf(a.replies, a.is_brand) - sumIf(a.brand_replies, a.is_brand) AS audience_replies_to_brand_posts,
    sumIf(a.reactions, a.is_brand) AS reactions_to_brand_posts, sum(a.impressions) AS impressions,
    uniqExactArray(a.sharers) AS sharers, uniqExactArrayIf(a.repliers, NOT a.monologue) AS repliers,
    uniqExactArrayIf(a.repliers, a.monologue) AS own_repliers
FROM each AS a
GROUP BY day, brand, channel, community
