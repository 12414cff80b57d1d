SELECT
    channel, community, name, members, cost_base, hours, margin_base, base_currency, average_roi, roi_low, roi_high,
    effective_units, top1_share, roi_pooled, sd, p_positive, p_top10, rank_low, rank_high, reason,
    replies, visits_per_reply, visits_per_reply_low, visits_per_reply_high, replies_reason,
    posts, visits_per_post, visits_per_post_low, visits_per_post_high, posts_reason,
    busy_less_quiet, busy_less_quiet_low, busy_less_quiet_high, busy_reason
FROM places
WHERE brand = {brand}
ORDER BY roi_pooled DESC NULLS LAST, channel, community
