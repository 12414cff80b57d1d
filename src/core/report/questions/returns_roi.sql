SELECT
    side, period, period_start, period_end - 1 AS last_day, complete, cost_base, margin_base, conversions,
    roi, roi_low, roi_high, roi_from, roi_to, verdict, effective_units, margin_traced, margin_of_earlier_posts,
    cost_without_side_share, roi_so_far, expected_share, reason, arrayStringConcat(notes, ' ') AS notes,
    (SELECT argMax(base_currency, day) FROM money WHERE brand = {brand} AND day <= toDate(as_of)) AS base_currency
FROM roi
WHERE brand = {brand} AND (
    period IN ('last_4_weeks', 'last_13_weeks', 'all')
    OR period IN ('week', 'month') AND period_start <= {to} AND period_end > {from})
ORDER BY indexOf(['last_13_weeks', 'all', 'last_4_weeks', 'month', 'week'], period), period_start,
    indexOf(['broadcast', 'conversation', 'other', 'unattributed', '(unallocated)'], side)
