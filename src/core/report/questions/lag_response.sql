SELECT lag_to_minutes + 1 AS minutes, cumulative AS visits_per_reply, cumulative_low AS low, cumulative_high AS high, reason
FROM response
WHERE brand = {brand} AND treatment = 'brand_reply' AND bin IN ('5-14', '15-59')
ORDER BY minutes
