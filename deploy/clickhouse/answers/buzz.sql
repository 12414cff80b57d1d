-- Mentions per brand and day against the brand's own baseline: the median of the same weekday in the four weeks before, and how far the days of those weeks lay from the medians of their weekdays (robust, 2.32 * the median distance, never less than the noise of a count). Beyond 3 a day is unusual; of quiet days fewer than one in a hundred is.
WITH {as_of} AS complete_to
SELECT
    brand, day, mentions,
    toBool(day < toDate(toDateTime(greatest(0, toInt64(toDateTime(complete_to)) + utc_offset), 'UTC'))) AS day_complete,
    multiIf(length(past) < 28, 'fewer than 28 days before', NOT day_complete, 'the day is not complete', '') AS reason,
    if(length(past) < 28, NULL, medians[1]) AS baseline,
    if(length(past) < 28, NULL, greatest(2.32 * arrayElement(distances, 14) / 2 + 2.32 * arrayElement(distances, 15) / 2, sqrt(greatest(medians[1], 1)))) AS spread,
    mentions / nullIf(baseline, 0) AS ratio,
    if(reason = '', (mentions - baseline) / spread, NULL) AS z,
    multiIf(z IS NULL, NULL, z > 3, 'high', z < -3, 'low', 'usual') AS verdict
FROM (
    SELECT
        d.brand AS brand, d.day AS day, d.mentions AS mentions, d.past AS past, k.utc_offset AS utc_offset,
        arrayMap(w -> (arraySort([past[w], past[w + 7], past[w + 14], past[w + 21]])[2] + arraySort([past[w], past[w + 7], past[w + 14], past[w + 21]])[3]) / 2, [1, 2, 3, 4, 5, 6, 7]) AS medians,
        arraySort(arrayMap((x, i) -> abs(x - medians[(i - 1) % 7 + 1]), past, arrayEnumerate(past))) AS distances
    FROM (
        SELECT brand, day, mentions, toDateTime(complete_to) AS reached, groupArray(mentions) OVER (PARTITION BY brand ORDER BY day ROWS BETWEEN 28 PRECEDING AND 1 PRECEDING) AS past
        FROM (
            SELECT brand, move.1 AS day, sum(if(move.2, 0, toInt64(found))) AS mentions
            FROM (
                SELECT
                    brand, found,
                    arrayJoin(arrayConcat([(day, false)], if(row_number() OVER w = 1, arrayMap(d -> (min(day) OVER w + d, true), range(toUInt32(max(day) OVER w - min(day) OVER w + 1))), []))) AS move
                FROM (
                    SELECT brand, day, sum(h.mentions) AS found FROM {model.happened} AS h GROUP BY brand, day
                )
                WINDOW w AS (PARTITION BY brand)
            )
            GROUP BY brand, day
        )
    ) AS d
    ASOF LEFT JOIN {model.clock} AS k ON k.brand = d.brand AND d.reached >= k.since
)
