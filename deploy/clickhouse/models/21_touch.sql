-- What people who bought came through: visits with a visitor, own hosts as referrers left out, and clicks of a visitor that no visit
-- names, with the time of what was clicked: `attribution` says which of these are touches.
-- order: person, brand, time
WITH
    (SELECT (groupArray(value), groupArray(side)) FROM side_rule WHERE field = 'utm_medium') AS media,
    (SELECT (groupArray(value), groupArray(side)) FROM side_rule WHERE field = 'utm_source') AS sources,
    alone AS (
        SELECT
            c.id AS id, c.time AS time, c.visitor AS visitor, p.brand AS brand, p.root AS root, p.channel AS channel, p.community AS community,
            if(p.campaign != '', p.campaign, c.utm_campaign) AS campaign, p.target_side AS target_side,
            transform(p.utm_medium, media.1, media.2, '') AS medium_side, transform(p.utm_source, sources.1, sources.2, '') AS source_side,
            multiIf(target_side != '', target_side, medium_side != '', medium_side, source_side != '', source_side, 'other') AS side,
            target_side != '' OR medium_side != '' OR source_side != '' AS tracked,
            toDate(toDateTime(least(4294967295, greatest(0, toInt64(toDateTime(c.time)) + k.utc_offset)), 'UTC')) AS day, c.target_time AS target_time
        FROM (SELECT * FROM click_row WHERE has_visitor AND id NOT IN (SELECT click FROM visit_row)) AS c
        INNER JOIN click_place AS p ON p.click = c.id
        ASOF LEFT JOIN brand_clock AS k ON k.brand = p.brand AND toDateTime(c.time) >= k.since),
    every AS (
        SELECT visitor, brand, time, day, false AS is_click, visit AS id, root, campaign, direct, tracked, visit, click, side, channel, community, NULL AS target_time
        FROM touch
        UNION ALL
        SELECT visitor, brand, time, day, true AS is_click, id, root, campaign, false AS direct, tracked, '' AS visit, id AS click, side, channel, community, target_time
        FROM alone)
SELECT
    if(p.person != '', p.person, toString(e.visitor)) AS person, toString(e.brand) AS brand, e.time AS time, e.day AS day, toBool(e.is_click) AS is_click,
    e.id AS id, e.root AS root, toString(e.campaign) AS campaign, toBool(e.direct) AS direct, toBool(e.tracked) AS tracked, e.visit AS visit,
    e.click AS click, toString(e.side) AS side, toString(e.channel) AS channel, toString(e.community) AS community, e.target_time AS target_time
FROM every AS e
ASOF LEFT JOIN {model.person} AS p ON p.visitor = e.visitor AND e.day >= p.since
WHERE (person, brand) IN (SELECT person, brand FROM {model.sale})
