-- The parts of a conversion are the whole of it.
SELECT conversion, model, lookback_days, sum(share) AS whole
FROM {{ source('grapevine', 'credit') }}
GROUP BY conversion, model, lookback_days
HAVING abs(whole - 1) > 1e-9
