SELECT
    period, model, side, if(countIf(r.margin_base IS NULL) > 0, NULL, sum(r.margin_base)) AS margin_base,
    if(countIf(r.cost_base IS NULL) > 0, NULL, sum(r.cost_base)) AS cost_base,
    (SELECT argMax(base_currency, day) FROM money WHERE brand = {brand} AND day <= toDate(as_of)) AS base_currency
FROM roi_by_rule AS r
WHERE brand = {brand} AND lookback_days = 30 AND period IN ('last_13_weeks', 'all')
    AND side IN ('broadcast', 'conversation', 'other', 'unattributed')
GROUP BY period, model, side
ORDER BY indexOf(['first', 'last', 'linear', 'position', 'time_decay'], model),
    indexOf(['broadcast', 'conversation', 'other', 'unattributed'], side), period
