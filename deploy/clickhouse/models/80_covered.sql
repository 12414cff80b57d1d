-- What is known of each week of a brand, first to last: a list of counts in the order of `metrics`, then on how many days the brand wrote, on
-- how many time was logged, and on how many both; and which rates are missing, by name.
-- order: brand, week
WITH
    ['events', 'edges', 'inferred edges', 'clicks on something known', 'clicks on something unknown', 'visits', 'visits with a visitor',
        'visits with a click', 'visits with utm', 'conversions', 'conversions with a visitor', 'conversions without a margin', 'costs',
        'costs with a place', 'own events', 'time logged'] AS metrics,
    daily AS (
        SELECT
            n.brand AS brand, toDate(toDateTime(least(4294967295, greatest(0, toInt64(n.at) + k.utc_offset)), 'UTC')) AS day,
            groupUniqArrayIf(n.name, n.name != '' AND n.number > 0) AS names,
            arrayMap(m -> (sumMap([n.metric], [n.number]) AS found).2[indexOf(found.1, m)], metrics) AS sums,
            arrayConcat(arraySlice(sums, 1, 14), arrayMap(x -> toUInt64(x > 0), [sums[15], sums[16], least(sums[15], sums[16])])) AS counts
        FROM {model.coverage_count} AS n
        ASOF LEFT JOIN {model.clock} AS k ON k.brand = n.brand AND n.at >= k.since
        GROUP BY brand, day),
    -- Each day counts in its week; one row of the brand also spans its weeks.
    spanned AS (
        SELECT
            brand, names, counts, toMonday(min(day) OVER w) AS first, intDiv(toMonday(max(day) OVER w) - first, 7) AS last,
            arrayJoin(arrayConcat([(toMonday(day), true)],
                if(row_number() OVER w = 1, arrayMap(i -> (first + 7 * i, false), range(toUInt32(last + 1))), []))) AS move
        FROM daily
        WINDOW w AS (PARTITION BY brand))
SELECT toString(brand) AS brand, move.1 AS week, sumForEachIf(counts, move.2) AS counts, groupUniqArrayArrayIf(names, move.2) AS names
FROM spanned
GROUP BY brand, week
