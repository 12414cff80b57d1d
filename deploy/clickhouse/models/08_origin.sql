-- Where each visit came from: worked out once for all of the run. Its side follows what was clicked; where no click tells, the link
-- parameters and then the referring host, by the table utm_side; where nothing tells, it is `other`. Its campaign is that of the clicked
-- post, else the link's.
-- order: tuple()
WITH
    (SELECT (groupArray(value), groupArray(side)) FROM side_rule WHERE field = 'utm_medium') AS media,
    (SELECT (groupArray(value), groupArray(side)) FROM side_rule WHERE field = 'utm_source') AS sources,
    (SELECT (groupArray(value), groupArray(side)) FROM side_rule WHERE field = 'referrer_host') AS hosts,
    transform(v.utm_medium, media.1, media.2, '') AS medium_side,
    transform(v.utm_source, sources.1, sources.2, '') AS source_side,
    transform(lowerUTF8(v.referrer_host), hosts.1, hosts.2, '') AS host_side,
    -- What tells the side, the first that does; an own host tells nothing.
    multiIf(
        self_referral, '', v.target_side != '', v.target_side, medium_side != '', medium_side, source_side != '', source_side,
        host_side) AS told_side
SELECT
    v.visit AS visit, v.time AS time,
    toDate(toDateTime(least(4294967295, greatest(0, toInt64(toDateTime(v.time)) + k.utc_offset)), 'UTC')) AS day,
    v.brand AS brand, v.visitor AS visitor, v.has_visitor AS has_visitor,
    -- A click on a link of ours tells more than the page that it led through.
    toBool(v.click = '' AND v.referrer_host != ''
        AND arrayExists(h -> lowerUTF8(h) = lowerUTF8(v.referrer_host), k.landing_hosts)) AS self_referral,
    toBool(v.direct) AS direct, toBool(told_side != '') AS tracked, toLowCardinality(if(told_side = '', 'other', told_side)) AS side,
    v.click AS click, v.click_time AS click_time, v.root AS root, v.channel AS channel, v.community AS community, v.campaign AS campaign,
    v.own_brand AS own_brand, v.names_click AS names_click, v.has_utm AS has_utm
FROM (
    SELECT
        i.id AS visit, i.time AS time, i.visitor AS visitor, i.has_visitor AS has_visitor,
        toLowCardinality(if(i.brand != '', i.brand, c.brand)) AS brand,
        i.referrer_host AS referrer_host, if(i.utm_medium != '', i.utm_medium, c.utm_medium) AS utm_medium,
        if(i.utm_source != '', i.utm_source, c.utm_source) AS utm_source, c.target_side AS target_side,
        c.click AS click, c.time AS click_time, c.root AS root, c.channel AS channel, c.community AS community,
        toLowCardinality(
            multiIf(c.campaign != '', c.campaign, i.utm_campaign != '', i.utm_campaign, c.utm_campaign)) AS campaign,
        -- What the visit says itself.
        i.brand AS own_brand, i.click != '' AS names_click,
        i.utm_source != '' OR i.utm_medium != '' OR i.utm_campaign != '' OR i.utm_content != '' OR i.utm_term != '' AS has_utm,
        NOT names_click AND NOT has_utm AND i.referrer_host = '' AS direct
    FROM visit_row AS i
    LEFT ANY JOIN {model.click} AS c ON c.click = i.click
) AS v
ASOF LEFT JOIN {model.clock} AS k ON k.brand = v.brand AND toDateTime(v.time) >= k.since
