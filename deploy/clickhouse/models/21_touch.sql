-- What people who bought came through, as far as a rule may look back from one of their sales: visits with a visitor, own hosts as
-- referrers left out, and clicks of a visitor that no visit names, with the time of what was clicked: `attribution` says which of these
-- are touches.
-- order: person, brand, time
WITH
    -- Visitors who may be somebody who bought: the others, most of them, need not be looked up.
    buyer AS (
        SELECT visitor FROM {model.person} WHERE person IN (SELECT person FROM {model.sale})
        UNION ALL
        SELECT toUInt64OrZero(person) AS visitor FROM {model.sale}),
    every AS (
        SELECT
            visitor, brand, time, day, false AS is_click, root, campaign, direct, tracked, visit, click, side, channel, community,
            NULL AS target_time
        FROM {model.origin} WHERE has_visitor AND NOT self_referral AND visitor IN (SELECT visitor FROM buyer)
        UNION ALL
        SELECT
            visitor, brand, time, day, true AS is_click, root, told_campaign AS campaign, false AS direct,
            told_side != '' AS tracked, '' AS visit, click, if(told_side = '', 'other', told_side) AS side, channel, community, target_time
        FROM {model.click}
        WHERE has_visitor AND visitor IN (SELECT visitor FROM buyer) AND click NOT IN (SELECT click FROM {model.origin} WHERE click != '')),
    someones AS (
        SELECT e.*, if(p.person != '', p.person, toString(e.visitor)) AS person
        FROM every AS e ASOF LEFT JOIN {model.person} AS p ON p.visitor = e.visitor AND e.day >= p.since),
    bought AS (
        SELECT person, brand, min(sold_at) - INTERVAL {longest_lookback} DAY AS since, max(sold_at) AS until
        FROM {model.sale} GROUP BY person, brand)
SELECT
    s.person AS person, toString(s.brand) AS brand, s.time AS time, s.day AS day, toBool(s.is_click) AS is_click, s.root AS root,
    toString(s.campaign) AS campaign, toBool(s.direct) AS direct, toBool(s.tracked) AS tracked, s.visit AS visit, s.click AS click,
    toString(s.side) AS side, toString(s.channel) AS channel, toString(s.community) AS community, s.target_time AS target_time
FROM someones AS s INNER JOIN bought AS b ON b.person = s.person AND b.brand = s.brand
WHERE s.time > b.since AND s.time <= b.until
