SELECT
    side, base_currency,
    if(countIf(is_money AND amount_base IS NULL) > 0, NULL, ifNull(sumIf(amount_base, is_money), 0)) AS money_base,
    if(countIf(NOT is_money AND amount_base IS NULL) > 0, NULL, ifNull(sumIf(amount_base, NOT is_money), 0)) AS time_base,
    sum(seconds) / 3600 AS hours, sumIf(seconds, estimated) / 3600 AS estimated_hours,
    arrayStringConcat(arraySort(groupUniqArrayIf(toString(reason), reason != '')), ', ') AS reasons
FROM (
    SELECT side, base_currency, amount_base, seconds, estimated, reason, entry = 'cost_money' AS is_money
    FROM money
    WHERE brand = {brand} AND day BETWEEN {from} AND {to} AND entry IN ('cost_money', 'cost_time')
)
GROUP BY side, base_currency
ORDER BY side = '(unallocated)', side, base_currency
