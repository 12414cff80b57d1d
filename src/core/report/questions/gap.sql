SELECT
    model, side, base_currency,
    if(countIf(c.credit_base IS NULL) > 0, NULL, sum(c.credit_base)) AS revenue_base,
    if(countIf(c.margin_base IS NULL) > 0, NULL, sum(c.margin_base)) AS margin_base
FROM (
    SELECT model, side, base_currency, credit_base, margin_base FROM credit_by_rule
    WHERE brand = {brand} AND lookback_days = 30 AND run = (SELECT max(run) FROM run)
    UNION ALL
    -- A rule that gives a side nothing has no row of it.
    SELECT DISTINCT rule AS model, side, base_currency, toNullable(toDecimal128(0, 6)), toNullable(toDecimal128(0, 6))
    FROM credit_by_rule ARRAY JOIN ['first', 'last', 'linear', 'position', 'time_decay'] AS rule
    WHERE brand = {brand} AND lookback_days = 30 AND run = (SELECT max(run) FROM run)
) AS c
WHERE side IN ('broadcast', 'conversation')
GROUP BY model, side, base_currency
ORDER BY side, model, base_currency
