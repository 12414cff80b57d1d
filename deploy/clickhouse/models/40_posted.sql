-- The day of each post that a sale credits, on the clock of the brand that sold: that of another brand may be a day behind, and the period
-- another one.
-- order: brand
SELECT
    s.brand AS brand, cityHash64(s.root) AS root,
    toInt32(toDate(toDateTime(toInt64(toDateTime(s.root_time)) + k.utc_offset, 'UTC'))) AS day
FROM (
    SELECT c.brand AS brand, c.root AS root, r.root_time AS root_time
    FROM (SELECT DISTINCT brand, root FROM {model.part} WHERE root != '') AS c
    INNER JOIN (
        SELECT root, root_time FROM roots WHERE root IN (SELECT root FROM {model.part} WHERE root != '')) AS r ON r.root = c.root) AS s
ASOF LEFT JOIN {model.clock} AS k ON k.brand = s.brand AND toDateTime(s.root_time) >= k.since
