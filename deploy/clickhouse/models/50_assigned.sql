-- One row a unit of an experiment with the arm of its first assignment: since when its sales count, of a time slot from when to
-- when. A slot is named by its start and lasts to the next of its experiment, at most as long as the commonest distance between two of
-- them (of equally common ones the shortest), the last one as long as that: days may have 23 hours, and slots may come in blocks. It is
-- no unit before the data reach its end (the last one's, which none follows: as if it had an hour less, but no less than the shortest).
-- order: experiment
WITH
    named AS (
        SELECT
            CAST(r.experiment AS String) AS experiment, CAST(r.unit_type AS String) AS unit_type, unit_type = 'time_slot' AS is_slot,
            CAST(r.arm AS String) AS arm, r.time AS time, r.id AS id,
            match(r.unit, '^([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*|[0-9]{9,10})$') AS is_time,
            if(is_slot AND is_time, parseDateTime64BestEffortOrNull(r.unit, 3, 'UTC'), NULL) AS begins,
            ifNull(toString(begins), r.unit) AS unit
        FROM assignment_row AS r),
    drawn AS (
        SELECT
            experiment, unit_type, is_slot, unit, begins, argMin(n.arm, (n.time, n.id)) AS arm,
            -- A slot bounds its sales itself.
            if(is_slot, toDateTime64(0, 3, 'UTC'), min(n.time)) AS since,
            dateDiff('millisecond', begins, leadInFrame(begins) OVER (
                PARTITION BY experiment, is_slot ORDER BY begins ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING)) AS distance
        FROM named AS n
        GROUP BY experiment, unit_type, is_slot, unit, begins),
    measured AS (
        SELECT
            *, argMaxIf(distance, (times, -distance), distance > 0) OVER e AS usual, min(distance) OVER e AS shortest,
            begins + toIntervalMillisecond(least(ifNull(distance, usual), usual)) AS ends,
            -- No next one says how long the last is: over a change of clocks it may be as short as the shortest.
            if(distance IS NULL, begins + toIntervalMillisecond(greatest(usual - 3600000, shortest)), ends) AS ripe
        FROM (SELECT *, count() OVER (PARTITION BY experiment, is_slot, distance) AS times FROM drawn)
        WINDOW e AS (PARTITION BY experiment, is_slot))
SELECT
    experiment, unit_type, toBool(is_slot) AS is_slot, unit, arm, since, begins, ends,
    multiIf(NOT is_slot, '', begins IS NULL, 'a time slot is no time', ends IS NULL, 'a time slot has no length', '') AS flaw
FROM measured
WHERE ifNull(ripe <= {as_of}, true)
