-- One row a sale or refund and touch that it credits within the configured look-back: its part and its margin under each of the five
-- rules, in the order first, last, linear, position, time decay, its revenue under the configured one, and the day of the post.
-- Amounts in millionths of the base currency that the brand has now.
-- order: brand
WITH
    -- Posts on the clock of the brand that sold: that of another brand may be a day behind, and the period another one.
    posted AS (
        SELECT s.brand AS brand, s.root AS root, toInt32(toDate(toDateTime(toInt64(toDateTime(s.root_time)) + k.utc_offset, 'UTC'))) AS day
        FROM (
            SELECT c.brand AS brand, c.root AS root, r.root_time AS root_time
            FROM (SELECT DISTINCT brand, root FROM {model.part} WHERE root != '') AS c
            INNER JOIN (SELECT root, root_time FROM roots WHERE root IN (SELECT root FROM {model.part} WHERE root != '')) AS r ON r.root = c.root) AS s
        ASOF LEFT JOIN {model.clock} AS k ON k.brand = s.brand AND toDateTime(s.root_time) >= k.since)
SELECT p.* EXCEPT root, if(p.root = '', 0, cityHash64(p.root)) AS root, if(d.root = '', NULL, d.day) AS root_day
FROM {model.part} AS p LEFT JOIN posted AS d ON d.brand = p.brand AND d.root = p.root
