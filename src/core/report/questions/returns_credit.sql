SELECT
    model, side, base_currency, if(countIf(credit_base IS NULL) > 0, NULL, sum(credit_base)) AS revenue_base
FROM credit_by_rule
WHERE brand = {brand} AND day BETWEEN {from} AND {to} AND lookback_days = 30
GROUP BY model, side, base_currency
ORDER BY model, base_currency, side
