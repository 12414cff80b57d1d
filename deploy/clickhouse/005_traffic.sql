-- How far the data reach, the clocks of brands, and which side link parameters and hosts stand for. Days are the brand's own: its time zone as
-- of the day, UTC where the table brand says nothing.

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

-- The rules of utm_side, values spelled as in visit_row; a side that is none of the three is no rule. A building block.
CREATE OR REPLACE VIEW side_rule AS
WITH text -> trim(BOTH ' \t\r\n' FROM if(isValidUTF8(decodeURLComponent(replaceRegexpAll(text, '[+]([^+\\s])', ' \\1'))), decodeURLComponent(replaceRegexpAll(text, '[+]([^+\\s])', ' \\1')), text)) AS decoded
SELECT field, lowerUTF8(decoded(r.value)) AS value, min(r.side) AS side
FROM utm_side AS r FINAL
WHERE r.side IN ('broadcast', 'conversation', 'other') AND value != ''
GROUP BY field, value
COMMENT 'The rules of utm_side, values spelled as in visit_row; a side that is none of the three is no rule. A building block';

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
