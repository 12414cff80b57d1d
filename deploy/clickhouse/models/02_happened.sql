-- What happened in each window, with what is known of its post: joined once for all of the run.
-- order: tuple()
SELECT
    window_start, root, source, opened, brand, channel, community, root_time, is_brand, monologue, posts, shares, quotes, replies,
    brand_replies, mentions, reactions, deletes, clicks, sharers, repliers, share_minutes, brand_reply_minutes, samples
FROM activity
