-- What people who bought came through: visits with a visitor, own hosts as referrers left out, and clicks of a visitor that no visit
-- names, with the time of what was clicked: `attribution` says which of these are touches.
-- order: person, brand, time
WITH
    -- Visitors who may be somebody who bought: the others, most of them, need not be looked up.
    buyer AS (
        SELECT visitor FROM {model.person} WHERE person IN (SELECT person FROM {model.sale})
        UNION ALL
        SELECT toUInt64OrZero(person) AS visitor FROM {model.sale}),
    every AS (
        SELECT visitor, brand, time, day, false AS is_click, visit AS id, root, campaign, direct, tracked, visit, click, side, channel, community, NULL AS target_time
        FROM {model.origin} WHERE has_visitor AND NOT self_referral AND visitor IN (SELECT visitor FROM buyer)
        UNION ALL
        SELECT
            visitor, brand, time, day, true AS is_click, click AS id, root, told_campaign AS campaign, false AS direct,
            told_side != '' AS tracked, '' AS visit, click, if(told_side = '', 'other', told_side) AS side, channel, community, target_time
        FROM {model.click}
        WHERE has_visitor AND visitor IN (SELECT visitor FROM buyer) AND click NOT IN (SELECT click FROM {model.origin} WHERE click != ''))
SELECT
    if(p.person != '', p.person, toString(e.visitor)) AS person, toString(e.brand) AS brand, e.time AS time, e.day AS day, toBool(e.is_click) AS is_click,
    e.id AS id, e.root AS root, toString(e.campaign) AS campaign, toBool(e.direct) AS direct, toBool(e.tracked) AS tracked, e.visit AS visit,
    e.click AS click, toString(e.side) AS side, toString(e.channel) AS channel, toString(e.community) AS community, e.target_time AS target_time
FROM every AS e
ASOF LEFT JOIN {model.person} AS p ON p.visitor = e.visitor AND e.day >= p.since
WHERE (person, brand) IN (SELECT person, brand FROM {model.sale})
