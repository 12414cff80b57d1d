SELECT
    day, any(m.base_currency) AS base_currency, uniqExact(m.base_currency) AS currencies,
    if(countIf(is_revenue AND amount_base IS NULL) > 0, NULL, ifNull(sumIf(amount_base, is_revenue), 0)) AS revenue,
    if(countIf(is_cost AND amount_base IS NULL) > 0, NULL, ifNull(sumIf(amount_base, is_cost), 0)) AS cost
FROM (
    SELECT
        day, base_currency, amount_base,
        entry IN ('revenue', 'refund') AS is_revenue, entry IN ('cost_money', 'cost_time') AS is_cost
    FROM money
    WHERE brand = {brand} AND day BETWEEN {previous_from} AND {to}
) AS m
GROUP BY day
ORDER BY day
