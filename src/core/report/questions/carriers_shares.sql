SELECT
    leftPad(lower(hex(actor)), 16, '0') AS person, children, largest_subtree, truncated, credit_base, sales, buyers, posts, reason,
    (SELECT argMax(base_currency, day) FROM money WHERE brand = {brand} AND day <= toDate(as_of)) AS base_currency
FROM carriers
WHERE brand = {brand} AND children > 0
ORDER BY children DESC, largest_subtree DESC, actor
LIMIT 10
