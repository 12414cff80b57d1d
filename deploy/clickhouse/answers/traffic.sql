-- How many came, from which side and place, and how much of it can be told: visits and clicks per brand and day.
SELECT
    brand, day, side, channel, community, campaign,
    countIf(is_visit) AS visits,
    countIf(has_visitor) AS visits_with_visitor, uniqExactIf(visitor, has_visitor) AS visitors,
    countIf(is_tracked) AS tracked, visits - tracked AS untracked,
    countIf(is_direct) AS direct, countIf(is_self_referral) AS self_referrals,
    countIf(seconds IS NOT NULL) AS visits_from_clicks, countIf(NOT is_visit) AS clicks,
    visits_from_clicks / nullIf(clicks, 0) AS visits_per_click,
    if(visits_from_clicks = 0, NULL, quantileExactInclusive(0.5)(seconds)) AS median_seconds_from_click,
    sum(untracked - self_referrals) OVER (PARTITION BY brand, day) AS dark_candidates,
    if(side = 'other' OR tracked = 0 OR dark_candidates > 0, NULL, 0.) AS dark_share,
    if(side = 'other' OR tracked = 0, NULL, 0.) AS dark_share_low,
    if(side = 'other' OR tracked = 0, NULL, dark_candidates / (tracked + dark_candidates)) AS dark_share_high,
    multiIf(side = 'other', 'no side', tracked = 0, 'no tracked visits', dark_candidates > 0, 'untracked visits tell no side', '') AS dark_share_reason
FROM (
    SELECT
        brand, day, side, channel, community, campaign, 1 AS is_visit, has_visitor, visitor, tracked AS is_tracked, direct AS is_direct, self_referral AS is_self_referral,
        if(click = '', NULL, greatest(0, dateDiff('second', click_time, time))) AS seconds
    FROM {model.origin}
    UNION ALL
    SELECT
        brand, day, if(told_side = '', 'other', told_side) AS side, channel, community, told_campaign AS campaign, 0 AS is_visit,
        false AS has_visitor, 0 AS visitor, false AS is_tracked, false AS is_direct, false AS is_self_referral, NULL AS seconds
    FROM {model.click}
)
GROUP BY brand, day, side, channel, community, campaign
