-- What people who bought came through: visits with a visitor, own hosts as referrers left out, and clicks of a visitor that no visit
-- names, with the time of what was clicked: `attribution` says which of these are touches.
-- order: person, brand, time
WITH
    (SELECT (groupArray(value), groupArray(side)) FROM side_rule WHERE field = 'utm_medium') AS media,
    (SELECT (groupArray(value), groupArray(side)) FROM side_rule WHERE field = 'utm_source') AS sources,
    -- Visitors who may be somebody who bought: the others, most of them, need not be looked up.
    buyer AS (
        SELECT visitor FROM {model.person} WHERE person IN (SELECT person FROM {model.sale})
        UNION ALL
        SELECT toUInt64OrZero(person) AS visitor FROM {model.sale}),
    alone AS (
        SELECT
            c.click AS id, c.time AS time, c.visitor AS visitor, c.brand AS brand, c.root AS root, c.channel AS channel, c.community AS community,
            if(c.campaign != '', c.campaign, c.utm_campaign) AS campaign, c.target_side AS target_side,
            transform(c.utm_medium, media.1, media.2, '') AS medium_side, transform(c.utm_source, sources.1, sources.2, '') AS source_side,
            multiIf(target_side != '', target_side, medium_side != '', medium_side, source_side != '', source_side, 'other') AS side,
            target_side != '' OR medium_side != '' OR source_side != '' AS tracked,
            toDate(toDateTime(least(4294967295, greatest(0, toInt64(toDateTime(c.time)) + k.utc_offset)), 'UTC')) AS day, c.target_time AS target_time
        FROM (
            SELECT * FROM {model.click}
            WHERE has_visitor AND visitor IN (SELECT visitor FROM buyer) AND click NOT IN (SELECT click FROM {model.origin} WHERE click != '')) AS c
        ASOF LEFT JOIN {model.clock} AS k ON k.brand = c.brand AND toDateTime(c.time) >= k.since),
    every AS (
        SELECT visitor, brand, time, day, false AS is_click, visit AS id, root, campaign, direct, tracked, visit, click, side, channel, community, NULL AS target_time
        FROM {model.origin} WHERE has_visitor AND NOT self_referral AND visitor IN (SELECT visitor FROM buyer)
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
