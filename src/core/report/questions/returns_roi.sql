SELECT
    horizon_days, cohort, side, mature, posts, hours, cost_base, margin_base,
    roi, roi_low, roi_high, roi_lowest_model, roi_highest_model, roi_direct_0, roi_direct_100,
    effective_roots, top1_share, basis, reason, base_currency
FROM roi_cohort
WHERE grain = 'brand' AND brand = {brand} AND model = 'last' AND lookback_days = 30
    AND side IN ('all', 'broadcast', 'conversation') AND cohort BETWEEN {from} AND {to}
ORDER BY horizon_days, cohort, side
