-- Who takes part, comes back and carries it, per week: rows of the grain `brand` over everything of a brand, rows of the
-- grain `place` per channel and community. Never add people over rows. Bots (class bot of the table actor) are left out
-- of every figure but `bots` and the pairs, which belong to the threads begun in the week.
SELECT
    grain, week, brand, channel, community,
    length(who) AS people, length(arrayDistinct(shared)) AS sharers, length(arrayDistinct(replied)) AS repliers,
    sharers + repliers - people AS on_both_sides, bots,
    if(week = first_week, NULL, seen - lagInFrame(seen, 1, 0) OVER one_back) AS new_people,
    if(week = first_week, NULL, length(who_before)) AS people_week_before,
    if(week = first_week, NULL, length(arrayIntersect(who, who_before))) AS returned,
    returned / nullIf(people_week_before, 0) AS returning_share,
    length(times) AS appearances, appearances / nullIf(people, 0) AS appearances_per_person,
    arrayCount(rank -> rank <= ceil(people / 100), ranks) / nullIf(appearances, 0) AS top_1_percent_share,
    arrayCount(rank -> rank <= ceil(people / 10), ranks) / nullIf(appearances, 0) AS top_10_percent_share,
    arrayMax(arrayEnumerateUniq(shared)) / nullIf(length(shared), 0) AS top_sharer_share,
    dyads, pairs_fwd + pairs_rev - dyads AS reciprocal_pairs,
    reciprocal_pairs / nullIf(dyads, 0) AS dyad_reciprocity, 2 * reciprocal_pairs / nullIf(pairs_fwd + pairs_rev, 0) AS edge_reciprocity,
    two_way_replies / nullIf(nonself_replies, 0) AS two_way_share
FROM (
    SELECT
        *,
        -- The n-th time that somebody appeared as often as that: the m who appeared most make up those with n <= m.
        arrayEnumerateUniq(times) AS ranks,
        min(week) OVER (PARTITION BY brand) AS first_week,
        if(lagInFrame(week, 1, toDate(0)) OVER one_back + 7 = week, lagInFrame(who, 1, who) OVER one_back, []) AS who_before,
        uniqExactArray(who) OVER (PARTITION BY grain, brand, channel, community ORDER BY week ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS seen
    FROM (
        SELECT *, arrayEnumerateUniq(arrayConcat(shared, replied)) AS times, arrayFilter((x, n) -> n = 1, arrayConcat(shared, replied), times) AS who
        FROM {model.people_week}
    )
    WINDOW one_back AS (PARTITION BY grain, brand, channel, community ORDER BY week ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
WINDOW one_back AS (PARTITION BY grain, brand, channel, community ORDER BY week ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
