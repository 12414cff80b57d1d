-- What people who bought came through: visits with a visitor, own hosts as referrers left out, and clicks of a visitor that no visit
-- names, if they came ten seconds or more after what was clicked, or if nobody knows when that was: machines are faster.
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
            toDate(toDateTime(least(4294967295, greatest(0, toInt64(toDateTime(c.time)) + k.utc_offset)), 'UTC')) AS day
        FROM (
            SELECT * FROM click_row
            WHERE has_visitor AND id NOT IN (SELECT click FROM visit_row)
                AND (target_time IS NULL OR time >= assumeNotNull(target_time) + INTERVAL 10 SECOND)) AS c
        INNER JOIN click_place AS p ON p.click = c.id
        ASOF LEFT JOIN brand_clock AS k ON k.brand = p.brand AND toDateTime(c.time) >= k.since),
    every AS (
        SELECT
            person, brand, time, day, false AS is_click, visit AS id, root, campaign, direct, tracked, visit, click, side, channel, community
        FROM touch
        UNION ALL
        SELECT
            if(p.person != '', p.person, toString(a.visitor)) AS person, a.brand, a.time, a.day, true AS is_click, a.id AS id, a.root, a.campaign,
            false AS direct, a.tracked, '' AS visit, a.id AS click, a.side, a.channel, a.community
        FROM alone AS a ASOF LEFT JOIN visitor_person AS p ON p.visitor = a.visitor AND a.day >= p.since)
SELECT
    person, toString(brand) AS brand, time, day, toBool(is_click) AS is_click, id, root, toString(campaign) AS campaign, toBool(direct) AS direct,
    toBool(tracked) AS tracked, visit, click, toString(side) AS side, toString(channel) AS channel, toString(community) AS community
FROM every
WHERE (person, brand) IN (SELECT person, brand FROM {model.sale})
