-- Clicks with the dimensions of their root post, the day on the brand's clock and the campaign and side that something tells: joined once
-- for all of the run. Nothing tells the side where `told_side` is empty.
-- order: tuple()
WITH
    (SELECT (groupArray(value), groupArray(side)) FROM side_rule WHERE field = 'utm_medium') AS media,
    (SELECT (groupArray(value), groupArray(side)) FROM side_rule WHERE field = 'utm_source') AS sources,
    transform(c.utm_medium, media.1, media.2, '') AS medium_side
SELECT
    c.*, toDate(toDateTime(least(4294967295, greatest(0, toInt64(toDateTime(c.time)) + k.utc_offset)), 'UTC')) AS day,
    if(c.campaign != '', c.campaign, c.utm_campaign) AS told_campaign,
    multiIf(
        c.target_side != '', c.target_side, medium_side != '', medium_side,
        transform(c.utm_source, sources.1, sources.2, '')) AS told_side
FROM click_place AS c
ASOF LEFT JOIN {model.clock} AS k ON k.brand = c.brand AND toDateTime(c.time) >= k.since
SETTINGS join_use_nulls = 0
