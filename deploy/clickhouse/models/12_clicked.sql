-- One row a recent click: where it was, what was clicked, how long after, and whether it says when people come.
-- order: brand, root
WITH
    -- The accounts of a visitor's person.
    known AS (
        SELECT i.visitor AS visitor, groupUniqArray(a.actor) AS actors
        FROM identity AS i FINAL INNER JOIN identity AS a FINAL ON a.person = i.person
        WHERE i.person != '' AND a.actor != 0 GROUP BY i.visitor),
    -- Clicks of people whose account is known, with the accounts; and those who had written there: on the path, or in an earlier window.
    known_click AS (
        SELECT c.id AS id, c.time AS time, c.root AS root, c.path_actors AS path_actors, k.actors AS actors
        FROM {model.recent_click} AS c INNER JOIN known AS k ON k.visitor = c.who),
    wrote AS (
        SELECT root, actor, min(window_start) AS since
        FROM {model.happened} ARRAY JOIN arrayConcat(sharers, repliers) AS actor
        WHERE root IN (SELECT root FROM known_click) AND actor IN (SELECT arrayJoin(actors) FROM known_click)
        GROUP BY root, actor),
    took_part AS (
        SELECT c.id AS id
        FROM (SELECT *, arrayJoin(actors) AS actor FROM known_click) AS c LEFT JOIN wrote AS w ON w.root = c.root AND w.actor = c.actor
        WHERE has(c.path_actors, c.actor) OR (w.actor != 0 AND w.since < toStartOfFifteenMinutes(toDateTime(c.time))))
SELECT
    brand, channel, community, side, root, target_kind, has_led, lag_ms,
    multiIf(
        lag_ms < 0, 'before', lag_ms < 10000, '0-10 s', lag_ms < 60000, '10-60 s', lag_ms < 300000, '1-5 min', lag_ms < 900000, '5-15 min',
        lag_ms < 3600000, '15-60 min', lag_ms < 14400000, '1-4 h', '4-24 h') AS bin,
    multiIf(
        target_time IS NULL, 'target_unknown',
        lag_ms >= 86400000, 'late',
        NOT has_led OR row_number() OVER (PARTITION BY has_led, target, who ORDER BY time, id) > 1, 'unconfirmed',
        id IN (SELECT id FROM took_part), 'participant',
        'click') AS class
FROM {model.recent_click}
