SELECT
    treatment, side, bin, visits_per_event, low, high, cumulative, cumulative_low, cumulative_high,
    share_within_15, share_within_15_low, share_within_15_high,
    t50_from_minutes, t50_to_minutes, lead_effect, lead_low, lead_high, hypothesis, verdict, days, events, reason
FROM response
WHERE brand = {brand}
ORDER BY treatment, lag_to_minutes, lag_from_minutes DESC
