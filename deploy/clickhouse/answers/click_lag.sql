-- How long after a post, share or reply the clicks on it came. Rows without a bin hold what is in none, and what shares brought.
WITH
    counted AS (
        SELECT
            brand, side, channel, community, target_kind, if(class IN ('target_unknown', 'late'), '', bin) AS bin,
            countIf(class = 'click') AS clicks, countIf(class = 'unconfirmed') AS unconfirmed, countIf(class = 'participant') AS participant,
            countIf(class = 'target_unknown') AS target_unknown, countIf(class = 'late') AS late, count() AS every, countIf(has_led) AS led, 0 AS shares
        FROM {model.clicked}
        GROUP BY brand, side, channel, community, target_kind, bin
        UNION ALL
        SELECT brand, 'broadcast', channel, community, 'share', '', 0, 0, 0, 0, 0, 0, 0, sum(a.shares) AS shares
        FROM {model.happened} AS a
        WHERE window_start < {as_of} - INTERVAL 1 DAY AND window_start >= {as_of} - INTERVAL 92 DAY
        GROUP BY brand, channel, community
        HAVING shares > 0)
SELECT
    brand, side, channel, community, target_kind, bin,
    sum(c.clicks) AS clicks, sum(c.unconfirmed) AS unconfirmed, sum(c.participant) AS participant,
    sum(c.target_unknown) AS target_unknown, sum(c.late) AS late, sum(c.shares) AS shares,
    if(shares = 0, NULL, sum(sum(c.every)) OVER kind / shares) AS clicks_per_share, if(shares = 0, NULL, sum(sum(c.led)) OVER kind / shares) AS visits_per_share
FROM counted AS c
GROUP BY brand, side, channel, community, target_kind, bin
WINDOW kind AS (PARTITION BY brand, side, channel, community, target_kind)
