-- Clicks with the dimensions of their root post, from another life or a later event where the click's own life had not seen it; with the
-- day on the brand's clock and the campaign and side that something tells: joined once for all of the run. Nothing tells the side where
-- `told_side` is empty.
-- order: tuple()
WITH
    (SELECT (groupArray(value), groupArray(side)) FROM side_rule WHERE field = 'utm_medium') AS media,
    (SELECT (groupArray(value), groupArray(side)) FROM side_rule WHERE field = 'utm_source') AS sources,
    transform(c.utm_medium, media.1, media.2, '') AS medium_side,
    placed AS (
        SELECT
            c.id AS click, c.time AS time, c.root AS root,
            toLowCardinality(
                multiIf(c.target_kind IN ('post', 'share'), 'broadcast', c.target_kind = 'reply', 'conversation', '')) AS target_side,
            c.utm_medium AS utm_medium, c.utm_source AS utm_source, c.utm_campaign AS utm_campaign,
            toLowCardinality(if(c.known, c.brand, r.brand)) AS brand, toLowCardinality(if(c.known, c.campaign, r.campaign)) AS campaign,
            toLowCardinality(if(c.known, c.channel, r.channel)) AS channel,
            toLowCardinality(if(c.known, c.community, r.community)) AS community,
            c.visitor AS visitor, c.has_visitor AS has_visitor, c.target AS target, c.target_kind AS target_kind,
            c.target_time AS target_time, c.depth AS depth, c.path_inferred AS path_inferred,
            c.path_actors AS path_actors, c.path_is_brand AS path_is_brand
        FROM (SELECT *, (brand, campaign, channel, platform, community) != ('', '', '', '', '') AS known FROM click_row) AS c
        LEFT ANY JOIN (
            SELECT root, brand, campaign, channel, community FROM roots
            WHERE root IN (SELECT root FROM click_row WHERE (brand, campaign, channel, platform, community) = ('', '', '', '', ''))
        ) AS r ON r.root = c.root)
SELECT
    c.*, toDate(toDateTime(least(4294967295, greatest(0, toInt64(toDateTime(c.time)) + k.utc_offset)), 'UTC')) AS day,
    toLowCardinality(if(c.campaign != '', c.campaign, c.utm_campaign)) AS told_campaign,
    toLowCardinality(multiIf(
        c.target_side != '', c.target_side, medium_side != '', medium_side,
        transform(c.utm_source, sources.1, sources.2, ''))) AS told_side
FROM placed AS c
ASOF LEFT JOIN {model.clock} AS k ON k.brand = c.brand AND toDateTime(c.time) >= k.since
