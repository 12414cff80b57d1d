-- One row a click of the 91 days that end a day before the data do: where it was, what was clicked, how long after, and whether
-- it says when people come. A day before, so that every target was there for all of the 24 hours.
-- order: brand, root
WITH
    {as_of} - INTERVAL 1 DAY AS until,
    -- A click led to a visit if a visit with a visitor names it.
    led AS (SELECT click, argMin(visitor, (time, id)) AS visitor FROM visit_row WHERE has_visitor AND click != '' GROUP BY click),
    -- The accounts of a visitor's person.
    known AS (
        SELECT i.visitor AS visitor, groupUniqArray(a.actor) AS actors
        FROM identity AS i FINAL INNER JOIN identity AS a FINAL ON a.person = i.person
        WHERE i.person != '' AND a.actor != 0 GROUP BY i.visitor),
    clicked AS (
        SELECT
            c.id AS id, c.time AS time, c.root AS root, c.target AS target, toString(c.target_kind) AS target_kind, c.target_time AS target_time,
            p.brand AS brand, p.channel AS channel, p.community AS community, if(p.target_side = '', 'other', p.target_side) AS side,
            -- Whoever it was: the click says, else the visit that it led to.
            l.click != '' AS has_led, if(c.has_visitor OR NOT has_led, c.visitor, l.visitor) AS who, c.path_actors AS path_actors,
            if(c.target_time IS NULL, 0, toUnixTimestamp64Milli(c.time) - toUnixTimestamp64Milli(assumeNotNull(c.target_time))) AS lag_ms
        FROM click_row AS c
        INNER JOIN click_place AS p ON p.click = c.id
        LEFT JOIN led AS l ON l.click = c.id
        WHERE c.time < until AND c.time >= until - INTERVAL 91 DAY AND (c.target_time IS NULL OR c.target_time <= until)),
    -- Clicks of people whose account is known, with the accounts; and those who had written there: on the path, or in an earlier window.
    known_click AS (SELECT c.id AS id, c.time AS time, c.root AS root, c.path_actors AS path_actors, k.actors AS actors FROM clicked AS c INNER JOIN known AS k ON k.visitor = c.who),
    wrote AS (
        SELECT root, actor, min(window_start) AS since
        FROM activity_row ARRAY JOIN arrayConcat(sharers, repliers) AS actor
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
FROM clicked
