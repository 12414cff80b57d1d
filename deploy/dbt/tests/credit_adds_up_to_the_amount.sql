-- Under every model and look-back the credits of a conversion are its amount, to the last decimal.
SELECT c.conversion, c.model, c.lookback_days, c.credit, a.amount
FROM (
    SELECT conversion, model, lookback_days, sum(credit) AS credit
    FROM {{ source('grapevine', 'credit_by_rule') }}
    GROUP BY conversion, model, lookback_days
) AS c
LEFT JOIN {{ source('grapevine', 'conversion_row') }} AS a ON a.id = c.conversion
WHERE c.credit != a.amount
