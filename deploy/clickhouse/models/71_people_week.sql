-- Who shared and who replied, once per root and window, and the pairs of threads begun, per week and grain.
-- order: grain, brand
SELECT
    grain, week, brand, if(grain = 'place', w.channel, '') AS channel, if(grain = 'place', w.community, '') AS community,
    groupArrayArray(w.shared) AS shared, groupArrayArray(w.replied) AS replied, uniqExactArray(w.bots) AS bots,
    uniqExactArray(w.fwd) AS pairs_fwd, uniqExactArray(w.rev) AS pairs_rev, uniqExactArray(arrayConcat(w.fwd, w.rev)) AS dyads,
    sum(w.two_way_replies) AS two_way_replies, sum(w.nonself_replies) AS nonself_replies
FROM (
    SELECT
        brand, channel, community, week,
        arrayFilter(x -> (x, week) NOT IN (SELECT actor, week FROM bot_week), every_shared) AS shared,
        arrayFilter(x -> (x, week) NOT IN (SELECT actor, week FROM bot_week), every_replied) AS replied,
        arrayFilter(x -> (x, week) IN (SELECT actor, week FROM bot_week), arrayConcat(every_shared, every_replied)) AS bots,
        emptyArrayUInt64() AS fwd, emptyArrayUInt64() AS rev, toUInt64(0) AS two_way_replies, toUInt64(0) AS nonself_replies
    FROM (
        SELECT
            brand, channel, community, toMonday(day) AS week,
            groupArrayArray(sharers) AS every_shared, groupArrayArray(repliers) AS every_replied
        FROM {model.happened}
        GROUP BY brand, channel, community, week
        HAVING notEmpty(every_shared) OR notEmpty(every_replied)
    )
    UNION ALL
    SELECT
        t.brand AS brand, t.channel AS channel, t.community AS community,
        toMonday(toDate(toDateTime(least(4294967295, greatest(0, toInt64(toDateTime(t.begun)) + k.utc_offset)), 'UTC'))) AS week,
        [] AS shared, [] AS replied, [] AS bots, groupUniqArrayArray(t.dyad_fwd) AS fwd, groupUniqArrayArray(t.dyad_rev) AS rev,
        sum(t.two_way_replies) AS two_way_replies, sum(t.nonself_replies) AS nonself_replies
    -- Of a thread whose post nobody saw the first time that is known.
    FROM (SELECT *, ifNull(root_time, first_time) AS begun FROM thread_life) AS t
    ASOF LEFT JOIN {model.clock} AS k ON k.brand = t.brand AND toDateTime(t.begun) >= k.since
    GROUP BY brand, channel, community, week
) AS w
ARRAY JOIN ['brand', 'place'] AS grain
GROUP BY grain, week, brand, channel, community
