-- Views: what analysts query. They hide FINAL, epochs and lives, and divide safely: a ratio whose denominator
-- is 0 is NULL, never 0 and never inf. An epoch is read where `active_epoch` names it for the source; a source
-- without a row there is read in epoch 0. Of several lives of a root the windows add up and the largest shape
-- stands (`lives` says so). It is exact (`structure_exact`) if it is the only one, saw the post (a life that was nothing but the post
-- has no shape, so one is not enough), and no other life took in what it hangs from of the other tree. root_row, cascade_row,
-- thread_row, activity_row, cascade_life and thread_life carry the others; a filter on `root` reaches the primary key through all of them but `activity*`,
-- whose key begins with the window's time: filter those by `window_start` too.
-- What is asked of two tables under one source says distributed_product_mode = 'local': both lie on the shard of the source, if there are shards.

-- Rows of the table root under the active epoch: one per life that saw its post. A life is (source, opened, epoch); `log`
-- stands for source and epoch in joins, because a join on numbers takes half the time of one on texts. Sources are
-- thousands at most, so no two of them have one 64-bit number. Campaigns have one spelling from here on, as in the views of facts.
CREATE OR REPLACE VIEW root_row AS
WITH text -> trim(BOTH ' \t\r\n' FROM if(isValidUTF8(decodeURLComponent(replaceRegexpAll(text, '[+]([^+\\s])', ' \\1'))), decodeURLComponent(replaceRegexpAll(text, '[+]([^+\\s])', ' \\1')), text)) AS decoded
SELECT * REPLACE (toLowCardinality(lowerUTF8(decoded(campaign))) AS campaign), cityHash64(source, epoch) AS log FROM root FINAL
WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
        OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
COMMENT 'Rows of the table root under the active epoch: one per life that saw its post';

-- Rows of the table cascade under the active epoch, with what is known of the post: one per life.
CREATE OR REPLACE VIEW cascade_row AS
SELECT
    c.root AS root, c.epoch AS epoch, c.source AS source, c.opened AS opened, c.version AS version,
    r.root_seen AS root_seen, if(r.root_seen, r.root_time, NULL) AS root_time, r.root_is_brand AS root_is_brand,
    r.brand AS brand, r.campaign AS campaign, r.channel AS channel, r.platform AS platform, r.community AS community, r.experiment AS experiment, r.arm AS arm, r.tags AS tags,
    -- Ages count from the post, so a row that does not know it yet knows none, whatever `root` says by now.
    c.* EXCEPT (root, epoch, source, opened, version, log, ages_from_post) REPLACE (if(c.ages_from_post, c.age_hist, map()) AS age_hist, if(c.ages_from_post, c.depth_first_ms, []) AS depth_first_ms, if(c.ages_from_post, c.users_first_ms, map()) AS users_first_ms)
FROM (
    SELECT *, cityHash64(source, epoch) AS log FROM cascade FINAL
    WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
            OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
) AS c
LEFT ANY JOIN root_row AS r ON r.opened = c.opened AND r.log = c.log AND r.root = c.root
SETTINGS join_use_nulls = 0
COMMENT 'Rows of the table cascade under the active epoch, with what is known of the post: one per life';

-- Rows of the table thread under the active epoch, with what is known of the post: one per life.
CREATE OR REPLACE VIEW thread_row AS
SELECT
    t.root AS root, t.epoch AS epoch, t.source AS source, t.opened AS opened, t.version AS version,
    r.root_seen AS root_seen, if(r.root_seen, r.root_time, NULL) AS root_time, r.root_is_brand AS root_is_brand,
    r.brand AS brand, r.campaign AS campaign, r.channel AS channel, r.platform AS platform, r.community AS community, r.experiment AS experiment, r.arm AS arm, r.tags AS tags,
    t.* EXCEPT (root, epoch, source, opened, version, log)
FROM (
    SELECT *, cityHash64(source, epoch) AS log FROM thread FINAL
    WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
            OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
) AS t
LEFT ANY JOIN root_row AS r ON r.opened = t.opened AND r.log = t.log AND r.root = t.root
SETTINGS join_use_nulls = 0
COMMENT 'Rows of the table thread under the active epoch, with what is known of the post: one per life';

-- Rows of the table activity_window under the active epoch, with what is known of the post: one per life and window.
CREATE OR REPLACE VIEW activity_row AS
SELECT
    w.window_start AS window_start, w.root AS root, w.epoch AS epoch, w.source AS source, w.opened AS opened, w.version AS version,
    r.root_seen AS root_seen, if(r.root_seen, r.root_time, NULL) AS root_time, r.root_is_brand AS root_is_brand,
    r.brand AS brand, r.campaign AS campaign, r.channel AS channel, r.platform AS platform, r.community AS community, r.experiment AS experiment, r.arm AS arm, r.tags AS tags,
    w.* EXCEPT (window_start, root, epoch, source, opened, version, log)
FROM (
    SELECT *, cityHash64(source, epoch) AS log FROM activity_window FINAL
    WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
            OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
) AS w
LEFT ANY JOIN root_row AS r ON r.opened = w.opened AND r.log = w.log
SETTINGS join_use_nulls = 0
COMMENT 'Rows of the table activity_window under the active epoch, with what is known of the post: one per life and window';

-- Every root post that was seen, with its dimensions: one row per root.
CREATE OR REPLACE VIEW roots AS
SELECT root, root_time, root_is_brand AS is_brand, brand, campaign, channel, platform, community, experiment, arm, tags, url
FROM root_row
WHERE root_seen
ORDER BY source DESC, opened DESC
LIMIT 1 BY root
COMMENT 'Every root post that was seen, with its dimensions: one row per root';

-- The life that stands for each root with a share: the largest, with the dimensions of a life that saw the post. The joins of this view, of
-- thread_life and of cascade_speed find one row at most; ANY keeps ClickHouse 26.7 from reordering them, which fails beside another view (issue 114113).
CREATE OR REPLACE VIEW cascade_life AS
SELECT
    l.root AS root,
    if(l.root_seen, l.brand, r.brand) AS brand,
    if(l.root_seen, l.campaign, r.campaign) AS campaign,
    if(l.root_seen, l.channel, r.channel) AS channel,
    if(l.root_seen, l.platform, r.platform) AS platform,
    if(l.root_seen, l.community, r.community) AS community,
    if(l.root_seen, l.experiment, r.experiment) AS experiment,
    if(l.root_seen, l.arm, r.arm) AS arm,
    if(l.root_seen, l.tags, r.tags) AS tags,
    if(l.root_seen OR r.root = '', l.root_time, r.root_time) AS root_time,
    if(l.root_seen, l.root_is_brand, r.is_brand) AS is_brand,
    l.root_seen OR r.root != '' AS root_seen,
    l.size AS size, l.max_depth AS max_depth, l.levels AS levels, l.s1 AS s1, l.s2 AS s2, l.inferred AS inferred, l.cycles_cut AS cycles_cut, l.self_edges AS self_edges, l.reported_inferred AS reported_inferred, l.unique_actors AS unique_actors, l.deleted_actors AS deleted_actors, l.repeat_shares AS repeat_shares, l.self_shares AS self_shares, l.quotes AS quotes, l.deletes AS deletes, l.max_children AS max_children, l.reach AS reach, l.reach_known AS reach_known, l.first_time AS first_time, l.last_time AS last_time,
    l.age_hist AS age_hist, l.delay_hist AS delay_hist, l.depth_first_ms AS depth_first_ms, l.users_first_ms AS users_first_ms,
    l.spreaders AS spreaders, l.top_nodes AS top_nodes,
    l.source AS source, l.opened AS opened, l.version AS version, l.lives AS lives,
    -- A brand that replied in a life without shares would be known among the sharers.
    toUInt8(l.lives = 1 AND l.root_seen AND arrayAll(life -> life = (l.source, l.opened), o.lives)) AS structure_exact
FROM (
    SELECT *, count() OVER (PARTITION BY root) AS lives FROM cascade_row
    ORDER BY size DESC, source DESC, opened DESC
    LIMIT 1 BY root
) AS l
LEFT ANY JOIN (
    SELECT * FROM roots
    WHERE root IN (
        SELECT root FROM cascade WHERE (opened, cityHash64(source, epoch)) NOT IN (SELECT opened, cityHash64(source, epoch) FROM root)
        SETTINGS distributed_product_mode = 'local')
) AS r ON r.root = l.root
LEFT ANY JOIN (
    SELECT root, groupUniqArray((source, opened)) AS lives FROM thread
    WHERE brand_replies > 0
        AND ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
            OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
    GROUP BY root
) AS o ON o.root = l.root
SETTINGS join_use_nulls = 0
COMMENT 'The life that stands for each root with a share: the largest, with the dimensions of a life that saw the post';

-- The life that stands for each root with a reply: the largest, with the dimensions of a life that saw the post.
CREATE OR REPLACE VIEW thread_life AS
SELECT
    l.root AS root,
    if(l.root_seen, l.brand, r.brand) AS brand,
    if(l.root_seen, l.campaign, r.campaign) AS campaign,
    if(l.root_seen, l.channel, r.channel) AS channel,
    if(l.root_seen, l.platform, r.platform) AS platform,
    if(l.root_seen, l.community, r.community) AS community,
    if(l.root_seen, l.experiment, r.experiment) AS experiment,
    if(l.root_seen, l.arm, r.arm) AS arm,
    if(l.root_seen, l.tags, r.tags) AS tags,
    if(l.root_seen OR r.root = '', l.root_time, r.root_time) AS root_time,
    if(l.root_seen, l.root_is_brand, r.is_brand) AS is_brand,
    l.root_seen OR r.root != '' AS root_seen,
    l.size AS size, l.max_depth AS max_depth, l.levels AS levels, l.s1 AS s1, l.s2 AS s2, l.inferred AS inferred, l.cycles_cut AS cycles_cut, l.self_edges AS self_edges, l.unique_actors AS unique_actors, l.deleted_actors AS deleted_actors, l.deletes AS deletes, l.h_index AS h_index, l.brand_replies AS brand_replies, l.audience_replies AS audience_replies, l.nonself_replies AS nonself_replies, l.two_way_replies AS two_way_replies, l.dyads AS dyads, l.reciprocal_pairs AS reciprocal_pairs, l.dyad_fwd AS dyad_fwd, l.dyad_rev AS dyad_rev, l.aba AS aba, l.aba_eligible AS aba_eligible, l.longest_exchange AS longest_exchange, l.reentrants AS reentrants, l.sessions AS sessions, l.longest_session_ms AS longest_session_ms, l.longest_session_messages AS longest_session_messages, l.last_session_start AS last_session_start, l.first_time AS first_time, l.last_time AS last_time, l.latency_hist AS latency_hist, l.first_response_hist AS first_response_hist, l.brand_response_hist AS brand_response_hist, l.customer_messages AS customer_messages, l.customer_messages_answered AS customer_messages_answered,
    l.source AS source, l.opened AS opened, l.version AS version, l.lives AS lives,
    -- A quote that a life without replies took in would be known to whoever answers it.
    toUInt8(l.lives = 1 AND l.root_seen AND arrayAll(life -> life = (l.source, l.opened), o.lives)) AS structure_exact
FROM (
    SELECT *, count() OVER (PARTITION BY root) AS lives FROM thread_row
    ORDER BY size DESC, source DESC, opened DESC
    LIMIT 1 BY root
) AS l
LEFT ANY JOIN (
    SELECT * FROM roots
    WHERE root IN (
        SELECT root FROM thread WHERE (opened, cityHash64(source, epoch)) NOT IN (SELECT opened, cityHash64(source, epoch) FROM root)
        SETTINGS distributed_product_mode = 'local')
) AS r ON r.root = l.root
LEFT ANY JOIN (
    SELECT root, groupUniqArray((source, opened)) AS lives FROM cascade
    WHERE quotes > 0
        AND ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
            OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
    GROUP BY root
) AS o ON o.root = l.root
SETTINGS join_use_nulls = 0
COMMENT 'The life that stands for each root with a reply: the largest, with the dimensions of a life that saw the post';

-- How far, wide and deep each post was shared: one row per root with at least one share.
CREATE OR REPLACE VIEW cascade_shape AS
SELECT
    root, brand, campaign, channel, platform, community, experiment, arm, tags, root_time, is_brand, root_seen,
    'broadcast' AS side,
    size, max_depth,
    arrayMax(if(max_depth > 65535, arrayPopBack(levels), levels)) AS max_breadth,
    levels,
    toUInt128(toUInt128(size) * s1 - s2) AS wiener,
    toFloat64(wiener) / nullIf(toFloat64(size) * (toFloat64(size) - 1) / 2, 0) AS structural_virality,
    unique_actors, deleted_actors, inferred,
    inferred / nullIf(size - 1, 0) AS inferred_share,
    s1 / nullIf(size - 1, 0) AS mean_share_depth,
    max_children / nullIf(size - 1, 0) AS broadcast_share,
    levels[2] / nullIf(size - 1, 0) AS root_share,
    1 - levels[2] / nullIf(size - 1, 0) AS viral_share,
    repeat_shares, self_shares, quotes, deletes, cycles_cut, self_edges, reported_inferred,
    reach AS potential_reach, reach_known,
    (size - 1) / nullIf(reach, 0) AS share_rate,
    first_time, last_time, source, opened, version, lives, structure_exact
FROM cascade_life AS life
COMMENT 'How far, wide and deep each post was shared: one row per root with at least one share';

-- How far, wide and deep each conversation went: one row per root with at least one reply.
CREATE OR REPLACE VIEW thread_shape AS
SELECT
    root, brand, campaign, channel, platform, community, experiment, arm, tags, root_time, is_brand, root_seen,
    'conversation' AS side,
    size, max_depth,
    arrayMax(if(max_depth > 65535, arrayPopBack(levels), levels)) AS max_breadth,
    levels,
    toUInt128(toUInt128(size) * s1 - s2) AS wiener,
    toFloat64(wiener) / nullIf(toFloat64(size) * (toFloat64(size) - 1) / 2, 0) AS structural_virality,
    unique_actors, deleted_actors, inferred,
    inferred / nullIf(size - 1, 0) AS inferred_share,
    s1 / nullIf(size - 1, 0) AS mean_reply_depth,
    h_index, dyads, reciprocal_pairs,
    reciprocal_pairs / nullIf(dyads, 0) AS dyad_reciprocity,
    two_way_replies / nullIf(nonself_replies, 0) AS two_wayness,
    aba / nullIf(aba_eligible, 0) AS turn_taking,
    brand_replies, audience_replies, longest_exchange, sessions, deletes, cycles_cut, self_edges,
    first_time, last_time, source, opened, version, lives, structure_exact
FROM thread_life AS life
COMMENT 'How far, wide and deep each conversation went: one row per root with at least one reply';

-- What is known of the post of each life: from the life itself or, where it did not see it, from the one of `roots`. A building block of activity.
CREATE OR REPLACE VIEW life_root AS
SELECT opened, log, root_seen, root_time, root_is_brand, brand, campaign, channel, platform, community, experiment, arm, tags
FROM root_row
UNION ALL
SELECT l.opened AS opened, l.log AS log, true AS root_seen, r.root_time AS root_time, r.is_brand AS root_is_brand, r.brand AS brand, r.campaign AS campaign, r.channel AS channel, r.platform AS platform, r.community AS community, r.experiment AS experiment, r.arm AS arm, r.tags AS tags
FROM (
    SELECT DISTINCT root, opened, cityHash64(source, epoch) AS log
    FROM activity_window
    WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
            OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
        AND (opened, log) NOT IN (SELECT opened, cityHash64(source, epoch) FROM root)
    SETTINGS distributed_product_mode = 'local'
) AS l
INNER JOIN roots AS r ON r.root = l.root
COMMENT 'What is known of the post of each life: from the life itself or, where it did not see it, from the one of roots. A building block of activity';

-- What happened, per root and window: sums and sets, broadcast and conversation side by side. Replies of a brand below its own post are a
-- monologue as long as nobody else replied there, in any window of any life: they are broadcast.
CREATE OR REPLACE VIEW activity AS
SELECT
    w.window_start AS window_start, w.root AS root,
    p.brand AS brand, p.campaign AS campaign, p.channel AS channel, p.platform AS platform, p.community AS community, p.experiment AS experiment, p.arm AS arm, p.tags AS tags,
    if(p.root_seen, p.root_time, NULL) AS root_time, p.root_is_brand AS is_brand, p.root_seen AS root_seen,
    w.posts AS posts, w.shares AS shares, w.quotes AS quotes, w.replies AS replies, w.brand_replies AS brand_replies, w.mentions AS mentions, w.reactions AS reactions, w.deletes AS deletes, w.clicks AS clicks, w.sharers AS sharers, w.repliers AS repliers, w.share_minutes AS share_minutes, w.reply_minutes AS reply_minutes, w.brand_reply_minutes AS brand_reply_minutes, w.samples AS samples,
    toBool(p.root_is_brand AND w.root IN (
        SELECT a.root FROM activity_window AS a FINAL
        WHERE a.replies > 0
            AND ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
                OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
        GROUP BY a.root HAVING sum(a.replies) = sum(a.brand_replies))) AS monologue,
    toUInt64(w.posts) + w.shares + if(monologue, w.replies, 0) AS broadcast_events, toUInt64(if(monologue, 0, w.replies)) AS conversation_events, toUInt64(w.reactions) + w.clicks AS other_events,
    w.source AS source, w.opened AS opened
FROM (
    SELECT *, cityHash64(source, epoch) AS log FROM activity_window FINAL
    WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
            OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
) AS w
LEFT ANY JOIN life_root AS p ON p.opened = w.opened AND p.log = w.log
SETTINGS join_use_nulls = 0
COMMENT 'What happened, per root and window: sums and sets, broadcast and conversation side by side';

-- Broadcast or conversation, and how much of each: per day, brand and channel.
CREATE OR REPLACE VIEW sides AS
SELECT
    toDate(window_start, 'UTC') AS day, brand, channel,
    sum(broadcast_events) AS broadcast, sum(conversation_events) AS conversation, sum(other_events) AS other,
    conversation / nullIf(broadcast + conversation, 0) AS conversation_share,
    sum(activity.posts) AS posts, sum(activity.shares) AS shares,
    sum(activity.replies) - sum(activity.brand_replies) AS audience_replies, sum(activity.brand_replies) AS brand_replies,
    uniqExactArray(activity.sharers) AS sharers, uniqExactArray(activity.repliers) AS repliers,
    sharers + uniqExactArrayIf(activity.repliers, NOT monologue) - uniqExactArray(arrayConcat(activity.sharers, if(monologue, [], activity.repliers))) AS people_on_both_sides
FROM activity
GROUP BY day, brand, channel
COMMENT 'Broadcast or conversation, and how much of each: per day, brand and channel';

-- How one post spread over time: shares and replies per window and since the beginning; filter by root.
CREATE OR REPLACE VIEW cascade_growth AS
SELECT
    root, window_start, shares, replies,
    sum(shares) OVER w AS cumulative_shares,
    sum(replies) OVER w AS cumulative_replies
FROM (
    SELECT root, window_start, sum(a.shares) AS shares, sum(a.replies) AS replies
    FROM activity_window AS a FINAL
    WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
            OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
    GROUP BY root, window_start
)
WHERE shares + replies > 0
WINDOW w AS (PARTITION BY root ORDER BY window_start ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
ORDER BY root, window_start
COMMENT 'How one post spread over time: shares and replies per window and since the beginning; filter by root';

-- Ranks of each cascade among those of its size, by size, depth and virality: compare shapes only within a size bin.
CREATE OR REPLACE VIEW cascade_ranking AS
SELECT
    toUInt8(floor(log2(size))) AS size_bin,
    rank() OVER (PARTITION BY size_bin ORDER BY size DESC) AS rank_by_size,
    rank() OVER (PARTITION BY size_bin ORDER BY max_depth DESC) AS rank_by_depth,
    rank() OVER (PARTITION BY size_bin ORDER BY structural_virality DESC) AS rank_by_virality,
    count() OVER (PARTITION BY size_bin) AS cascades_in_bin,
    root, brand, campaign, channel, community, size, max_depth, max_breadth, structural_virality, inferred_share, unique_actors, structure_exact
FROM cascade_shape AS shape
COMMENT 'Ranks of each cascade among those of its size, by size, depth and virality: compare shapes only within a size bin';

-- How fast each post spread: seconds to a depth, to k people and to half of its shares; NULL where not reached.
CREATE OR REPLACE VIEW cascade_speed AS
SELECT
    root, brand, campaign, channel, platform, community, root_time, size, max_depth, unique_actors, inferred_share_of_shares AS inferred_share,
    arrayMap(ms -> ms / 1000, depth_first_ms) AS seconds_to_depth,
    if(length(depth_first_ms) > 1, depth_first_ms[2] / 1000, NULL) AS seconds_to_depth_1, if(length(depth_first_ms) > 2, depth_first_ms[3] / 1000, NULL) AS seconds_to_depth_2, if(length(depth_first_ms) > 3, depth_first_ms[4] / 1000, NULL) AS seconds_to_depth_3, if(length(depth_first_ms) > 5, depth_first_ms[6] / 1000, NULL) AS seconds_to_depth_5, if(length(depth_first_ms) > 10, depth_first_ms[11] / 1000, NULL) AS seconds_to_depth_10,
    users_first_ms AS milliseconds_to_people,
    if(mapContains(users_first_ms, toUInt32(10)), users_first_ms[toUInt32(10)] / 1000, NULL) AS seconds_to_10_people, if(mapContains(users_first_ms, toUInt32(100)), users_first_ms[toUInt32(100)] / 1000, NULL) AS seconds_to_100_people, if(mapContains(users_first_ms, toUInt32(1000)), users_first_ms[toUInt32(1000)] / 1000, NULL) AS seconds_to_1000_people,
    if(empty(mapKeys(age_hist)), NULL, 0.99 * pow(1.01 / 0.99, mapKeys(mapSort(age_hist))[arrayFirstIndex(c -> c >= greatest(1, ceil(0.5 * arraySum(mapValues(mapSort(age_hist))))), arrayCumSum(mapValues(mapSort(age_hist))))])) AS half_life_seconds,
    if(empty(mapKeys(delay_hist)), NULL, 0.99 * pow(1.01 / 0.99, mapKeys(mapSort(delay_hist))[arrayFirstIndex(c -> c >= greatest(1, ceil(0.5 * arraySum(mapValues(mapSort(delay_hist))))), arrayCumSum(mapValues(mapSort(delay_hist))))])) AS median_delay_seconds,
    if(root_time IS NULL OR watermark = toDateTime64(0, 3, 'UTC'), NULL, greatest(0, dateDiff('second', root_time, watermark))) AS age_seconds,
    root_seen AND ifNull(age_seconds >= 7 * 86400, 0) AS mature
FROM (
    SELECT l.*, l.inferred / nullIf(l.size - 1, 0) AS inferred_share_of_shares, p.watermark AS watermark
    FROM cascade_life AS l
    LEFT ANY JOIN (SELECT epoch, source, watermark FROM progress FINAL WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
            OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))) AS p ON p.source = l.source
    SETTINGS join_use_nulls = 0
) AS by_speed
COMMENT 'How fast each post spread: seconds to a depth, to k people and to half of its shares; NULL where not reached';

-- The busiest window of each cascade, and how long after it half of the shares since then had come.
CREATE OR REPLACE VIEW cascade_peak AS
SELECT
    root, windows[peak] AS peak_window, counts[peak] AS peak_shares,
    arraySum(counts) AS shares, arraySum(since_peak) AS shares_since_peak,
    dateDiff('second', peak_window, windows[peak - 1 + arrayFirstIndex(c -> 2 * c >= shares_since_peak, arrayCumSum(since_peak))]) AS half_life_after_peak_seconds
FROM (
    SELECT root, arraySort(groupArray((window_start, shares))) AS w,
        arrayMap(x -> x.1, w) AS windows, arrayMap(x -> x.2, w) AS counts,
        indexOf(counts, arrayMax(counts)) AS peak, arraySlice(counts, peak) AS since_peak
    FROM (
        SELECT root, window_start, sum(a.shares) AS shares
        FROM activity_window AS a FINAL
        WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
                OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
        GROUP BY root, window_start
        HAVING shares > 0
    )
    GROUP BY root
) AS by_peak
COMMENT 'The busiest window of each cascade, and how long after it half of the shares since then had come';

-- How many shares a share brings: reproduction number per generation, brand and channel; generation 0 holds the posts, those without a share too.
CREATE OR REPLACE VIEW reproduction AS
SELECT
    brand, channel, generation,
    sum(level_nodes) AS nodes, sum(level_children) AS children,
    children / nullIf(nodes, 0) AS reproduction_number,
    uniqExact(root) AS posts
FROM (
    SELECT root, brand, channel, toUInt32(level - 1) AS generation, levels[level] AS level_nodes, levels[level + 1] AS level_children
    FROM cascade_shape ARRAY JOIN arrayEnumerate(levels) AS level
    WHERE level < 65535
    UNION ALL
    SELECT root, brand, channel, toUInt32(0) AS generation, toUInt64(1) AS level_nodes, toUInt64(0) AS level_children
    FROM roots
    WHERE root NOT IN (
        SELECT root FROM cascade
        WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
                OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
    )
)
GROUP BY brand, channel, generation
ORDER BY brand, channel, generation
COMMENT 'How many shares a share brings: reproduction number per generation, brand and channel; generation 0 holds the posts, those without a share too';

-- Do people talk with us and with each other: reciprocity, turns, response times and sessions of each thread.
CREATE OR REPLACE VIEW thread_dialogue AS
SELECT
    root, brand, campaign, channel, platform, community, experiment, arm, tags, root_time, is_brand, root_seen,
    size, toUInt64(size - 1) AS replies, unique_actors, inferred, h_index,
    dyads, reciprocal_pairs,
    reciprocal_pairs / nullIf(dyads, 0) AS dyad_reciprocity,
    2 * reciprocal_pairs / nullIf(length(dyad_fwd) + length(dyad_rev), 0) AS edge_reciprocity,
    two_way_replies / nullIf(nonself_replies, 0) AS two_wayness,
    aba / nullIf(aba_eligible, 0) AS turn_taking,
    longest_exchange,
    reentrants / nullIf(unique_actors, 0) AS reentry_rate,
    brand_replies, audience_replies, brand_replies / nullIf(size - 1, 0) AS brand_reply_share,
    if(empty(mapKeys(latency_hist)), NULL, 0.99 * pow(1.01 / 0.99, mapKeys(mapSort(latency_hist))[arrayFirstIndex(c -> c >= greatest(1, ceil(0.5 * arraySum(mapValues(mapSort(latency_hist))))), arrayCumSum(mapValues(mapSort(latency_hist))))])) AS response_seconds_p50,
    if(empty(mapKeys(latency_hist)), NULL, 0.99 * pow(1.01 / 0.99, mapKeys(mapSort(latency_hist))[arrayFirstIndex(c -> c >= greatest(1, ceil(0.9 * arraySum(mapValues(mapSort(latency_hist))))), arrayCumSum(mapValues(mapSort(latency_hist))))])) AS response_seconds_p90,
    if(empty(mapKeys(first_response_hist)), NULL, 0.99 * pow(1.01 / 0.99, mapKeys(mapSort(first_response_hist))[arrayFirstIndex(c -> c >= greatest(1, ceil(0.5 * arraySum(mapValues(mapSort(first_response_hist))))), arrayCumSum(mapValues(mapSort(first_response_hist))))])) AS first_response_seconds_p50,
    if(empty(mapKeys(first_response_hist)), NULL, 0.99 * pow(1.01 / 0.99, mapKeys(mapSort(first_response_hist))[arrayFirstIndex(c -> c >= greatest(1, ceil(0.9 * arraySum(mapValues(mapSort(first_response_hist))))), arrayCumSum(mapValues(mapSort(first_response_hist))))])) AS first_response_seconds_p90,
    if(empty(mapKeys(brand_response_hist)), NULL, 0.99 * pow(1.01 / 0.99, mapKeys(mapSort(brand_response_hist))[arrayFirstIndex(c -> c >= greatest(1, ceil(0.5 * arraySum(mapValues(mapSort(brand_response_hist))))), arrayCumSum(mapValues(mapSort(brand_response_hist))))])) AS brand_response_seconds_p50,
    if(empty(mapKeys(brand_response_hist)), NULL, 0.99 * pow(1.01 / 0.99, mapKeys(mapSort(brand_response_hist))[arrayFirstIndex(c -> c >= greatest(1, ceil(0.9 * arraySum(mapValues(mapSort(brand_response_hist))))), arrayCumSum(mapValues(mapSort(brand_response_hist))))])) AS brand_response_seconds_p90,
    customer_messages, customer_messages_answered,
    customer_messages_answered / nullIf(customer_messages, 0) AS brand_response_rate,
    sessions, longest_session_ms / 1000 AS longest_session_seconds, longest_session_messages, last_session_start,
    first_time, last_time, lives, structure_exact
FROM thread_life AS life
COMMENT 'Do people talk with us and with each other: reciprocity, turns, response times and sessions of each thread';

-- How fast replies come, over all threads of a brand, channel and community: quantiles of the summed histograms.
CREATE OR REPLACE VIEW response_times AS
SELECT
    brand, channel, community, threads,
    if(empty(mapKeys(latency)), NULL, 0.99 * pow(1.01 / 0.99, mapKeys(mapSort(latency))[arrayFirstIndex(c -> c >= greatest(1, ceil(0.5 * arraySum(mapValues(mapSort(latency))))), arrayCumSum(mapValues(mapSort(latency))))])) AS response_seconds_p50,
    if(empty(mapKeys(latency)), NULL, 0.99 * pow(1.01 / 0.99, mapKeys(mapSort(latency))[arrayFirstIndex(c -> c >= greatest(1, ceil(0.9 * arraySum(mapValues(mapSort(latency))))), arrayCumSum(mapValues(mapSort(latency))))])) AS response_seconds_p90,
    if(empty(mapKeys(first_response)), NULL, 0.99 * pow(1.01 / 0.99, mapKeys(mapSort(first_response))[arrayFirstIndex(c -> c >= greatest(1, ceil(0.5 * arraySum(mapValues(mapSort(first_response))))), arrayCumSum(mapValues(mapSort(first_response))))])) AS first_response_seconds_p50,
    if(empty(mapKeys(first_response)), NULL, 0.99 * pow(1.01 / 0.99, mapKeys(mapSort(first_response))[arrayFirstIndex(c -> c >= greatest(1, ceil(0.9 * arraySum(mapValues(mapSort(first_response))))), arrayCumSum(mapValues(mapSort(first_response))))])) AS first_response_seconds_p90,
    if(empty(mapKeys(brand_response)), NULL, 0.99 * pow(1.01 / 0.99, mapKeys(mapSort(brand_response))[arrayFirstIndex(c -> c >= greatest(1, ceil(0.5 * arraySum(mapValues(mapSort(brand_response))))), arrayCumSum(mapValues(mapSort(brand_response))))])) AS brand_response_seconds_p50,
    if(empty(mapKeys(brand_response)), NULL, 0.99 * pow(1.01 / 0.99, mapKeys(mapSort(brand_response))[arrayFirstIndex(c -> c >= greatest(1, ceil(0.9 * arraySum(mapValues(mapSort(brand_response))))), arrayCumSum(mapValues(mapSort(brand_response))))])) AS brand_response_seconds_p90,
    messages AS customer_messages, answered / nullIf(messages, 0) AS brand_response_rate
FROM (
    SELECT brand, channel, community, count() AS threads,
        sumMap(latency_hist) AS latency, sumMap(first_response_hist) AS first_response, sumMap(brand_response_hist) AS brand_response,
        sum(customer_messages) AS messages, sum(customer_messages_answered) AS answered
    FROM thread_life GROUP BY brand, channel, community
) AS by_times
COMMENT 'How fast replies come, over all threads of a brand, channel and community: quantiles of the summed histograms';

-- Which communities talk with the brand: conversation, amplification and applause per post of the brand, and both sides.
CREATE OR REPLACE VIEW community_conversation AS
SELECT
    brand, channel, platform, community,
    sum(a.posts) AS posts, sumIf(a.posts, is_brand) AS brand_posts,
    sum(a.shares) AS shares, sum(a.replies) AS replies, sum(a.brand_replies) AS brand_replies,
    sum(a.replies) - sum(a.brand_replies) AS audience_replies,
    sumIf(a.replies, is_brand) - sumIf(a.brand_replies, is_brand) AS audience_replies_to_brand_posts,
    audience_replies_to_brand_posts / nullIf(brand_posts, 0) AS conversation_rate,
    sumIf(a.shares, is_brand) / nullIf(brand_posts, 0) AS amplification_rate,
    sumIf(a.reactions, is_brand) / nullIf(brand_posts, 0) AS applause_rate,
    sum(broadcast_events) AS broadcast, sum(conversation_events) AS conversation,
    conversation / nullIf(broadcast + conversation, 0) AS conversation_share,
    uniqExactArray(a.sharers) AS sharers, uniqExactArray(a.repliers) AS repliers
FROM activity AS a
GROUP BY brand, channel, platform, community
ORDER BY conversation_rate DESC NULLS LAST, conversation DESC
COMMENT 'Which communities talk with the brand: conversation, amplification and applause per post of the brand, and both sides';

-- Lives whose windows do not add up to their totals: must return nothing while no batch is under way.
CREATE OR REPLACE VIEW conservation AS
SELECT
    epoch, source, root, opened,
    sum(ws) AS window_shares, sum(cs) AS cascade_shares, sum(wr) AS window_replies, sum(tr) AS thread_replies
FROM (
    SELECT epoch, source, root, opened, toUInt64(shares) AS ws, toUInt64(0) AS cs, toUInt64(replies) AS wr, toUInt64(0) AS tr FROM activity_window FINAL WHERE epoch != 65535
    UNION ALL
    SELECT epoch, source, root, opened, toUInt64(0) AS ws, toUInt64(size - 1) AS cs, toUInt64(0) AS wr, toUInt64(0) AS tr FROM cascade FINAL WHERE epoch != 65535
    UNION ALL
    SELECT epoch, source, root, opened, toUInt64(0) AS ws, toUInt64(0) AS cs, toUInt64(0) AS wr, toUInt64(size - 1) AS tr FROM thread FINAL WHERE epoch != 65535
)
GROUP BY epoch, source, root, opened
HAVING window_shares != cascade_shares OR window_replies != thread_replies
COMMENT 'Lives whose windows do not add up to their totals: must return nothing while no batch is under way';

-- Which records were no events, and why: counts, times and an example per source and reason.
CREATE OR REPLACE VIEW rejects_summary AS
SELECT
    source, reason, count() AS records, min(received) AS first_received, max(received) AS last_received,
    countIf(truncated) AS truncated_records, countIf(replayed) AS replayed_records,
    argMax(detail, offset) AS latest_detail, max(offset) AS latest_offset
FROM rejects FINAL
WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
        OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
GROUP BY source, reason
ORDER BY records DESC, source, reason
COMMENT 'Which records were no events, and why: counts, times and an example per source and reason';
