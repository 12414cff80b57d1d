WITH worth AS (
    SELECT
        conversion, any(toFloat64(credit_base) / nullIf(toFloat64(credit), 0)) AS rate, any(base_currency) AS base_currency
    FROM credit
    WHERE brand = {brand} AND day BETWEEN {from} AND {to} AND credit != 0
    GROUP BY conversion
)
SELECT
    if(p.actor = 0, '', leftPad(lower(hex(p.actor)), 16, '0')) AS sharer, min(p.generation) AS nearest,
    uniqExact(p.conversion) AS conversions, w.base_currency AS base_currency, countIf(w.rate IS NULL) AS without_rate,
    if(without_rate > 0, NULL, ifNull(sumIf(toFloat64(p.credit) * w.rate, p.model = 'equal_path'), 0)) AS equal_path,
    if(without_rate > 0, NULL, ifNull(sumIf(toFloat64(p.credit) * w.rate, p.model = 'decay_path'), 0)) AS decay_path
FROM path_credit AS p
INNER JOIN worth AS w ON w.conversion = p.conversion
WHERE p.brand = {brand} AND p.day BETWEEN {from} AND {to} AND p.generation > 0 AND NOT p.is_brand AND p.reason = ''
GROUP BY sharer, base_currency
ORDER BY sharer = '', equal_path DESC NULLS LAST, sharer, base_currency
LIMIT 10
