-- Where each visit came from: worked out once for all of the run.
-- order: tuple()
SELECT
    visit, time, day, brand, visitor, has_visitor, self_referral, direct, tracked, side, click, click_time, root, channel, community,
    campaign, own_brand, names_click, has_utm
FROM visit_origin
