SELECT
    model, side, base_currency,
    if(countIf(credit_base IS NULL) > 0, NULL, sum(credit_base)) AS revenue_base,
    if(countIf(margin_base IS NULL) > 0, NULL, sum(margin_base)) AS margin_base
FROM credit_by_rule
WHERE brand = {brand} AND lookback_days = 30 AND side IN ('broadcast', 'conversation')
GROUP BY model, side, base_currency
ORDER BY side, model, base_currency
