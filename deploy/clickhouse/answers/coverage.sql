-- How much of a brand's week can be trusted and what is missing, in plain words. Sources, rejects and gaps are those of all brands: a record
-- that was lost names none.
WITH
    (SELECT (sum(c.sources), sum(c.sources_behind), any(c.rejected_share)) FROM completeness AS c) AS reached,
    (SELECT (count(), sum(records)) FROM gaps) AS lost,
    -- Rules by which the tables forget, in days: deploy/clickhouse-retention.sql.
    (SELECT groupArray((name, days)) FROM (
        SELECT DISTINCT name, toUInt32OrZero(extract(create_table_query, ' TTL .*?toIntervalDay\\((\\d+)\\)')) AS days FROM system.tables
        WHERE database IN (currentDatabase(), currentDatabase() || '_local') AND days > 0
            AND name IN ('activity_window', 'assignment', 'click', 'conversion', 'cost', 'report', 'visit') ORDER BY name)) AS rules,
    -- What is missing of a part: everything, or more than a fifth.
    (what, of, part, whole) -> multiIf(
        whole = 0, '', part = whole, what || ' of all ' || of,
        part > whole / 5, what || ' of ' || toString(round(100 * part / whole)) || ' % of the ' || of, '') AS lacking,
    known AS (
        SELECT
            w.brand AS brand, w.week AS week, w.counts AS c, k.utc_offset AS utc_offset, b.seconds_per_reply IS NOT NULL AS time_by_rule,
            b.there = 1 AS has_row, b.timezone IN (SELECT time_zone FROM system.time_zones) AS has_zone,
            -- Time by rule stands in for a week without any that was logged; it needs an hourly rate, too.
            ifNull(b.seconds_per_reply > 0, false) AND c[15] > 0 AND c[16] = 0 AND l.role = '' AS lacks_rate,
            if(lacks_rate, ['an hourly rate for ' || if(b.reply_role = '', 'time without a role', b.reply_role)], []) AS by_rule,
            arraySort(arrayConcat(w.names, by_rule)) AS names, toDate(g.before) AS kept_from,
            arrayMap(rule -> rule.1 || ' after ' || toString(rule.2) || ' days', arrayFilter(rule -> w.week < toDate(w.until) - rule.2, rules)) AS expired
        FROM (SELECT *, week + 6 AS sunday, toDateTime({as_of}) AS until FROM {model.covered}) AS w
        ASOF LEFT JOIN (SELECT 1 AS there, brand, valid_from, timezone, seconds_per_reply, toString(reply_role) AS reply_role FROM brand FINAL) AS b
            ON b.brand = w.brand AND w.sunday >= b.valid_from
        ASOF LEFT JOIN (SELECT role, valid_from FROM labour_rate FINAL WHERE role != '') AS l ON l.role = b.reply_role AND w.sunday >= l.valid_from
        LEFT ANY JOIN (SELECT brand, max(before) AS before FROM removal GROUP BY brand) AS g ON g.brand = w.brand
        ASOF LEFT JOIN {model.clock} AS k ON k.brand = w.brand AND w.until >= k.since)
SELECT
    brand, week, toBool(week + 7 <= toDate(toDateTime(greatest(0, toInt64(toDateTime({as_of})) + utc_offset), 'UTC'))) AS week_complete,
    reached.1 AS sources, reached.2 AS sources_behind, reached.3 AS rejected_share, ifNull(lost.1, 0) AS gaps, ifNull(lost.2, 0) AS gap_records,
    c[1] AS events, c[2] AS edges, c[3] / nullIf(edges, 0) AS inferred_share,
    c[4] + c[5] AS clicks, c[4] / nullIf(clicks, 0) AS clicks_with_target_share,
    c[6] AS visits, c[7] / nullIf(visits, 0) AS visits_with_visitor_share, c[8] / nullIf(visits, 0) AS visits_with_click_share,
    c[9] / nullIf(visits, 0) AS visits_with_utm_share, c[10] AS conversions, c[11] / nullIf(conversions, 0) AS conversions_with_visitor_share,
    c[12] AS conversions_without_margin, c[13] AS costs, c[14] / nullIf(costs, 0) AS costs_with_place_share,
    c[15] AS active_days, c[17] AS active_days_with_time, c[17] / nullIf(active_days, 0) AS active_days_with_time_share,
    toBool(time_by_rule) AS time_by_rule, if(active_days = 0, NULL, toBool(time_by_rule OR c[16] > 0)) AS labour_known,
    sum(ifNull(labour_known, false)) OVER b / nullIf(countIf(active_days > 0) OVER b, 0) AS labour_coverage,
    arrayStringConcat(names, '; ') AS missing_rates,
    arrayStringConcat(arrayFilter(word -> word != '', [
        if(week_complete, '', 'the end of the week'),
        if(ifNull(sources_behind, 0) > 0, toString(sources_behind) || ' of ' || toString(sources) || ' sources, more than a day behind', ''),
        if(gaps > 0, 'records in no count after a resume', ''),
        if(week < kept_from, 'what was removed on purpose, from before ' || toString(kept_from), ''),
        if(notEmpty(expired), 'what the rules of tables remove: ' || arrayStringConcat(expired, ', '), ''),
        if(ifNull(rejected_share, 0) > 0.01, 'more than 1 % of the records, rejected', ''),
        multiIf(NOT has_row, 'the brand in the table brand', NOT has_zone, 'a known time zone: days are of UTC', ''),
        if(events = 0, 'activity', ''), if(clicks = 0, 'clicks', ''), if(visits = 0, 'visits', ''), if(conversions = 0, 'conversions', ''),
        if(costs = 0, 'costs', ''), if(c[3] * 2 > edges, 'the parents of more than half of the edges', ''),
        lacking('the target', 'clicks', c[5], clicks), lacking('the visitor', 'visits', visits - c[7], visits),
        if(visits > 0 AND c[8] = 0 AND c[9] = 0, 'anything that says where visits came from', ''),
        lacking('the visitor', 'conversions', conversions - c[11], conversions), lacking('the margin', 'conversions', c[12], conversions),
        lacking('the place', 'costs', costs - c[14], costs), if(ifNull(NOT labour_known, false), 'time, logged or by rule', ''), missing_rates
    ]), '; ') AS missing
FROM known
WINDOW b AS (PARTITION BY brand)
