-- The base currency that each brand has now: on the day up to which the data reach, on its own clock. A row of a later day
-- does not hold yet.
-- order: brand
SELECT b.brand AS brand, argMax(b.base_currency, b.valid_from) AS base_currency
FROM (SELECT brand, valid_from, base_currency, toDateTime({as_of}) AS until FROM brand FINAL) AS b
ASOF LEFT JOIN {model.clock} AS k ON k.brand = b.brand AND b.until >= k.since
WHERE b.valid_from <= toDate(toDateTime(greatest(0, toInt64(b.until) + k.utc_offset), 'UTC'))
GROUP BY brand
