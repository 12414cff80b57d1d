SELECT
    period, period_start, period_end - 1 AS last_day, times, exp(log_ratio_low) AS times_low, exp(log_ratio_high) AS times_high,
    p_first, verdict, reason
FROM comparison
WHERE brand = {brand} AND kind = 'sides'
ORDER BY verdict IS NULL, period = 'all'
