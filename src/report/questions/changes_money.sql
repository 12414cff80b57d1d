SELECT
    day, any(m.base_currency) AS base_currency, uniqExact(m.base_currency) AS currencies,
    if(countIf(amount_base IS NULL AND entry IN ('revenue', 'refund')) > 0, NULL, ifNull(sumIf(amount_base,
        entry IN ('revenue', 'refund')), 0)) AS revenue,
    if(countIf(amount_base IS NULL AND entry IN ('cost_money', 'cost_time')) > 0, NULL, ifNull(sumIf(amount_base,
        entry IN ('cost_money', 'cost_time')), 0)) AS cost
FROM money AS m
WHERE brand = {brand} AND day BETWEEN {previous_from} AND {to}
GROUP BY day
ORDER BY day
