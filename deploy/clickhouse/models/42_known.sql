-- One row a brand with money or traffic: how far it has been read on its own clock, since when it has visits and costs, of which sides
-- clicks are known, and the Mondays of the weeks in which it wrote.
-- order: brand
WITH
    seen AS (
        SELECT brand, min(toInt32(day)) AS first_visit, NULL AS first_cost, [] AS clicked, [] AS active_weeks FROM {model.origin} GROUP BY brand
        UNION ALL
        SELECT brand, NULL, min(day), [], [] FROM {model.spent} GROUP BY brand
        UNION ALL
        SELECT brand, NULL, NULL, [], [] FROM {model.part} GROUP BY brand
        UNION ALL
        SELECT brand, NULL, NULL, groupUniqArray(target_side), [] FROM {model.click} WHERE target_side != '' GROUP BY brand
        UNION ALL
        SELECT brand, NULL, NULL, [], groupUniqArray(toInt32(toMonday(day)))
        FROM {model.happened} WHERE (posts > 0 AND is_brand) OR brand_replies > 0 GROUP BY brand),
    every AS (
        SELECT brand, min(first_visit) AS first_visit, min(first_cost) AS first_cost, groupUniqArrayArray(clicked) AS clicked, groupUniqArrayArray(active_weeks) AS active_weeks
        FROM seen WHERE brand != '' GROUP BY brand)
SELECT
    toString(e.brand) AS brand, toString(n.base_currency) AS base_currency,
    toUnixTimestamp64Milli({as_of}) + 1000 * toInt64(k.utc_offset) AS complete_to,
    toNullable(toInt32(e.first_visit)) AS first_visit, toNullable(toInt32(e.first_cost)) AS first_cost,
    arrayMap(side -> toString(side), e.clicked) AS clicked, arraySort(e.active_weeks) AS active_weeks
FROM (SELECT *, toDateTime({as_of}) AS until FROM every) AS e
ASOF LEFT JOIN {model.clock} AS k ON k.brand = e.brand AND e.until >= k.since
LEFT JOIN {model.base} AS n ON n.brand = e.brand
