-- What coverage counts, one metric a row, by a time of the day that it belongs to; `name` says which rate is missing.
-- order: tuple()
WITH
    happened AS (
        SELECT
            brand, min(window_start) AS at, sum(toUInt64(h.posts) + h.shares + h.replies + h.reactions + h.clicks) AS events,
            sumIf(h.posts, h.is_brand) + sum(h.brand_replies) AS own_events
        FROM {model.happened} AS h GROUP BY brand, day),
    -- Of a tree whose post nobody saw the first time that is known.
    tree AS (
        SELECT
            brand, toStartOfFifteenMinutes(toDateTime(ifNull(root_time, first_time))) AS at, toUInt64(sum(size - 1)) AS edges,
            sum(l.inferred) AS inferred_edges
        FROM (
            SELECT brand, root_time, first_time, size, inferred FROM cascade_life
            UNION ALL
            SELECT brand, root_time, first_time, size, inferred FROM thread_life) AS l
        GROUP BY brand, at),
    visited AS (
        SELECT
            own_brand, min(toDateTime(o.time)) AS at, count() AS visits, countIf(has_visitor) AS with_visitor,
            countIf(names_click) AS with_click, countIf(has_utm) AS with_utm
        -- The day is that of the brand that a click tells, where the visit names none.
        FROM {model.origin} AS o
        GROUP BY own_brand, day, if(own_brand = brand, toDateTime(0), toStartOfFifteenMinutes(toDateTime(o.time)))),
    -- Weeks that were removed whole are spanned all the same: those of `grapevine retain`, from the first thing to the last, and, where windows
    -- go by a rule of their table, those from a brand's first post on, for posts stay.
    removed AS (
        SELECT brand, arrayJoin([since, before - toIntervalMillisecond(1)]) AS at FROM removal FINAL
        UNION ALL
        SELECT brand, min(root_time) AS at FROM root_row
        WHERE (SELECT count() FROM system.tables WHERE database IN (currentDatabase(), currentDatabase() || '_local') AND name = 'activity_window'
            AND position(create_table_query, ' TTL ') > 0) > 0
        GROUP BY brand)
SELECT brand, at, metric, number, '' AS name
FROM happened ARRAY JOIN ['events', 'own events'] AS metric, [events, own_events] AS number
UNION ALL
SELECT brand, at, metric, number, '' AS name
FROM tree ARRAY JOIN ['edges', 'inferred edges'] AS metric, [edges, inferred_edges] AS number
UNION ALL
SELECT
    brand, min(toDateTime(c.time)) AS at,
    if(target_side = '', 'clicks on something unknown', 'clicks on something known') AS metric, count() AS number, '' AS name
FROM {model.click} AS c GROUP BY brand, day, metric
UNION ALL
SELECT own_brand AS brand, at, metric, number, '' AS name
FROM visited
ARRAY JOIN
    ['visits', 'visits with a visitor', 'visits with a click', 'visits with utm'] AS metric,
    [visits, with_visitor, with_click, with_utm] AS number
UNION ALL
SELECT brand, at, metric, number, name FROM {model.money_count}
UNION ALL
SELECT brand, toDateTime(at) AS at, 'removed' AS metric, toUInt64(0) AS number, '' AS name FROM removed
