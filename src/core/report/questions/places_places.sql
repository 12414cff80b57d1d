SELECT
    horizon_days, channel, community, name, members, roots, cost_base, hours, margin_base, base_currency,
        average_roi, roi_low, roi_high, effective_roots, top1_share,
    roi_pooled, sd, p_positive, p_top10, place_rank, rank_low, rank_high, basis, reason
FROM places
WHERE brand = {brand} AND model = 'last' AND lookback_days = 30
ORDER BY horizon_days, place_rank NULLS LAST, channel, community
