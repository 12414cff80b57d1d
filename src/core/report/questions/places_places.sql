SELECT
    channel, community, name, members, posts, cost_base, hours, margin_base, base_currency,
    average_roi, roi_low, roi_high, effective_units, top1_share,
    roi_pooled, sd, p_positive, p_top10, tied, rank_low, rank_high, reason
FROM places
WHERE brand = {brand}
ORDER BY roi_pooled IS NULL, roi_pooled DESC, channel, community
