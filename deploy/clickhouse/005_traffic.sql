-- How far the data reach. Where visits came from: touches for attribution, traffic by side, place and day. Days are the brand's own: its time
-- zone as of the day, UTC where the table brand says nothing. A visit's side follows what was clicked; where no click
-- tells, the link parameters and then the referring host, by the table utm_side; where nothing tells, it is `other`. Its campaign is that of
-- the clicked post, else the link's.

-- How far the tables are complete, per source, and whether every record was counted exactly once. `skipped`: offsets below `next` that are in no count although no gap is recorded for them: markers and aborted records of transactions, compaction; else 0, but for the moments between a resumption and the first rows after it.
CREATE OR REPLACE VIEW sources AS
SELECT
    source, epoch, first, version AS next, read, accepted, duplicates, conflicting_copies, rejected,
    read = accepted + duplicates + rejected AS conserved, toInt64(version - first) - toInt64(read) - lost AS skipped, watermark, log_end, written
FROM progress FINAL
LEFT JOIN (SELECT epoch, source, toInt64(sum(next - first)) AS lost FROM gap FINAL GROUP BY epoch, source) AS g USING (epoch, source)
WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
        OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
ORDER BY source
SETTINGS distributed_product_mode = 'local'
COMMENT 'How far the tables are complete, per source, and whether every record was counted exactly once';

-- When the clocks of the brands' time zones change, from 1970 on. A building block of brand_clock.
CREATE OR REPLACE VIEW zone_offset AS
WITH
    (zone, at) -> toInt32(toInt64(toDateTime(formatDateTime(toDateTime(at, 'UTC'), '%F %T', zone), 'UTC')) - at) AS offset_at
SELECT timezone, toDateTime(change, 'UTC') AS since, offset_at(timezone, greatest(change, 86400)) AS utc_offset
FROM (
    -- The weeks at whose ends the offset is another. From `numbers` and not from an array: constant arrays are worked out again and again while a query is planned.
    SELECT timezone, toInt64(number * 604800) AS week
    FROM (SELECT DISTINCT if(timezone IN (SELECT time_zone FROM system.time_zones), timezone, 'UTC') AS timezone FROM brand FINAL) AS known CROSS JOIN numbers(7100) AS n
    WHERE number = 0 OR offset_at(timezone, week) != offset_at(timezone, week + 604800)
)
-- Of such a week the days, of those the quarters of an hour at which it changes; the clock of 1970 holds from the first week on.
ARRAY JOIN if(week = 0, [toInt64(0)], arrayFilter(at -> offset_at(timezone, at) != offset_at(timezone, at - 900),
    arrayFlatten(arrayMap(day -> arrayMap(quarter -> day + 900 * quarter, range(1, 97)),
        arrayFilter(day -> offset_at(timezone, day) != offset_at(timezone, day + 86400), arrayMap(k -> week + 86400 * k, range(7))))))) AS change
COMMENT 'When the clocks of the brands'' time zones change, from 1970 on. A building block of brand_clock';

-- The brands' clocks and what else holds from a time on: local time is UTC plus `utc_offset`. A building block.
CREATE OR REPLACE VIEW brand_clock AS
SELECT
    b.brand AS brand, greatest(b.since, z.since) AS since, z.utc_offset AS utc_offset,
    b.timezone AS timezone, b.landing_hosts AS landing_hosts
FROM (
    SELECT
        brand, toDateTime(valid_from, 'UTC') AS since, if(timezone IN (SELECT time_zone FROM system.time_zones), timezone, 'UTC') AS timezone, landing_hosts,
        leadInFrame(since, 1, toDateTime(4294967295, 'UTC')) OVER (PARTITION BY brand ORDER BY valid_from ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS until
    FROM brand FINAL
) AS b
INNER JOIN (
    SELECT
        timezone, since, utc_offset,
        leadInFrame(since, 1, toDateTime(4294967295, 'UTC')) OVER (PARTITION BY timezone ORDER BY since ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS until
    FROM zone_offset
) AS z ON z.timezone = b.timezone
WHERE z.since < b.until AND b.since < z.until
COMMENT 'The brands'' clocks and what else holds from a time on: local time is UTC plus utc_offset. A building block';

-- Clicks with the dimensions of their root post, from another life or a later event where the click's own life had not seen it. A building block.
CREATE OR REPLACE VIEW click_place AS
SELECT
    c.id AS click, c.time AS time, c.root AS root,
    multiIf(c.target_kind IN ('post', 'share'), 'broadcast', c.target_kind = 'reply', 'conversation', '') AS target_side,
    c.utm_medium AS utm_medium, c.utm_source AS utm_source, c.utm_campaign AS utm_campaign,
    if(c.known, c.brand, r.brand) AS brand, if(c.known, c.campaign, r.campaign) AS campaign,
    if(c.known, c.channel, r.channel) AS channel, if(c.known, c.community, r.community) AS community,
    c.visitor AS visitor, c.has_visitor AS has_visitor, c.target AS target, c.target_kind AS target_kind, c.target_time AS target_time,
    c.depth AS depth, c.path_inferred AS path_inferred, c.path_actors AS path_actors, c.path_is_brand AS path_is_brand
FROM (SELECT *, (brand, campaign, channel, platform, community) != ('', '', '', '', '') AS known FROM click_row) AS c
LEFT ANY JOIN (
    SELECT root, brand, campaign, channel, community FROM roots
    WHERE root IN (SELECT root FROM click_row WHERE (brand, campaign, channel, platform, community) = ('', '', '', '', ''))
) AS r ON r.root = c.root
SETTINGS join_use_nulls = 0
COMMENT 'Clicks with the dimensions of their root post, from another life or a later event where the click''s own life had not seen it. A building block';

-- The rules of utm_side, values spelled as in visit_row; a side that is none of the three is no rule. A building block of visit_origin.
CREATE OR REPLACE VIEW side_rule AS
WITH text -> trim(BOTH ' \t\r\n' FROM if(isValidUTF8(decodeURLComponent(replaceRegexpAll(text, '[+]([^+\\s])', ' \\1'))), decodeURLComponent(replaceRegexpAll(text, '[+]([^+\\s])', ' \\1')), text)) AS decoded
SELECT field, lowerUTF8(decoded(r.value)) AS value, min(r.side) AS side
FROM utm_side AS r FINAL
WHERE r.side IN ('broadcast', 'conversation', 'other') AND value != ''
GROUP BY field, value
COMMENT 'The rules of utm_side, values spelled as in visit_row; a side that is none of the three is no rule. A building block of visit_origin';

-- Where each visit came from, and what says so. A building block of touch and traffic.
CREATE OR REPLACE VIEW visit_origin AS
WITH
    (SELECT (groupArray(value), groupArray(side)) FROM side_rule WHERE field = 'utm_medium') AS media,
    (SELECT (groupArray(value), groupArray(side)) FROM side_rule WHERE field = 'utm_source') AS sources,
    (SELECT (groupArray(value), groupArray(side)) FROM side_rule WHERE field = 'referrer_host') AS hosts
SELECT
    v.visit AS visit, v.time AS time, v.brand AS brand, v.visitor AS visitor, v.has_visitor AS has_visitor,
    toDate(toDateTime(least(4294967295, greatest(0, toInt64(toDateTime(v.time)) + k.utc_offset)), 'UTC')) AS day,
    -- A click on a link of ours tells more than the page that it led through.
    toBool(v.click = '' AND v.referrer_host != '' AND arrayExists(h -> lowerUTF8(h) = lowerUTF8(v.referrer_host), k.landing_hosts)) AS self_referral,
    v.click AS click, v.click_time AS click_time, v.root AS root, v.channel AS channel, v.community AS community, v.campaign AS campaign,
    transform(v.utm_medium, media.1, media.2, '') AS medium_side,
    transform(v.utm_source, sources.1, sources.2, '') AS source_side,
    transform(lowerUTF8(v.referrer_host), hosts.1, hosts.2, '') AS host_side,
    multiIf(self_referral, '', v.target_side != '', 'click', medium_side != '', 'utm_medium', source_side != '', 'utm_source', host_side != '', 'referrer_host', '') AS told_by,
    multiIf(told_by = 'click', v.target_side, told_by = 'utm_medium', medium_side, told_by = 'utm_source', source_side, told_by = 'referrer_host', host_side, 'other') AS side,
    toBool(told_by != '') AS tracked,
    toBool(v.direct) AS direct,
    v.own_brand AS own_brand, v.names_click AS names_click, v.has_utm AS has_utm
FROM (
    SELECT
        i.id AS visit, i.time AS time, i.visitor AS visitor, i.has_visitor AS has_visitor, if(i.brand != '', i.brand, c.brand) AS brand,
        i.referrer_host AS referrer_host, if(i.utm_medium != '', i.utm_medium, c.utm_medium) AS utm_medium, if(i.utm_source != '', i.utm_source, c.utm_source) AS utm_source,
        c.click AS click, c.time AS click_time, c.root AS root, c.channel AS channel, c.community AS community,
        multiIf(c.campaign != '', c.campaign, i.utm_campaign != '', i.utm_campaign, c.utm_campaign) AS campaign, c.target_side AS target_side,
        -- What the visit says itself.
        i.brand AS own_brand, i.click != '' AS names_click,
        i.utm_source != '' OR i.utm_medium != '' OR i.utm_campaign != '' OR i.utm_content != '' OR i.utm_term != '' AS has_utm,
        NOT names_click AND NOT has_utm AND i.referrer_host = '' AS direct
    FROM visit_row AS i
    LEFT ANY JOIN click_place AS c ON c.click = i.click
) AS v
ASOF LEFT JOIN brand_clock AS k ON k.brand = v.brand AND toDateTime(v.time) >= k.since
SETTINGS join_use_nulls = 0
COMMENT 'Where each visit came from, and what says so. A building block of touch and traffic';

-- Which person a visitor is from a day on. Who it was is mostly learned late, at a purchase: the first row also holds before its day. A building block.
CREATE OR REPLACE VIEW visitor_person AS
SELECT visitor, if(row_number() OVER (PARTITION BY visitor ORDER BY valid_from) = 1, toDate(0), valid_from) AS since, person
FROM identity FINAL
COMMENT 'Which person a visitor is from a day on; the first row also holds before its day. A building block of touch and credit';

-- Touches: what each visitor came through, one row per visit with a visitor, own hosts as referrers left out. A building block of attribution.
CREATE OR REPLACE VIEW touch AS
SELECT
    o.visitor AS visitor, if(p.person != '', p.person, toString(o.visitor)) AS person, o.brand AS brand, o.time AS time, o.day AS day, o.visit AS visit,
    o.click AS click, o.root AS root, o.channel AS channel, o.community AS community, o.campaign AS campaign,
    o.side AS side, o.tracked AS tracked, o.direct AS direct
FROM (SELECT * FROM visit_origin WHERE has_visitor AND NOT self_referral) AS o
ASOF LEFT JOIN visitor_person AS p ON p.visitor = o.visitor AND o.day >= p.since
SETTINGS join_use_nulls = 0
COMMENT 'Touches: what each visitor came through, one row per visit with a visitor, own hosts as referrers left out. A building block of attribution';

-- How far the data reach: the least watermark of the sources that are alive (no more than a day behind the newest). Of the others those are behind
-- that have something left to read, or have shown no sign of life for three hours (a worker writes one an hour) while others have; the rest are at rest, read to
-- their ends. A building block.
CREATE OR REPLACE VIEW completeness AS
SELECT
    minIf(watermark, watermark > newest - toIntervalDay(1)) AS complete_to,
    count() AS sources,
    countIf(watermark <= newest - toIntervalDay(1) AND (next < log_end OR written < last_written - toIntervalHour(3))) AS sources_behind,
    sum(s.rejected) / nullIf(sum(s.read), 0) AS rejected_share
FROM (SELECT watermark, read, rejected, next, log_end, written, max(watermark) OVER () AS newest, max(written) OVER () AS last_written FROM sources) AS s
HAVING sources > 0
COMMENT 'How far the data reach: the least watermark of the sources that are alive (no more than a day behind the newest). A building block';
