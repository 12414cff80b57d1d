-- One row a click of the 91 days that end a day before the data do, with who it was, if it led to a visit, and how long after what was
-- clicked it came. A day before, so that every target was there for all of the 24 hours.
-- order: tuple()
WITH
    {as_of} - INTERVAL 1 DAY AS until,
    recent AS (
        SELECT * FROM {model.click}
        WHERE time < until AND time >= until - INTERVAL 91 DAY AND (target_time IS NULL OR target_time <= until)),
    -- A click led to a visit if a visit with a visitor names it.
    led AS (
        SELECT click, argMin(visitor, (time, visit)) AS visitor
        FROM {model.origin} WHERE has_visitor AND click IN (SELECT click FROM recent) GROUP BY click)
SELECT
    c.click AS id, c.time AS time, c.root AS root, c.target AS target, toString(c.target_kind) AS target_kind, c.target_time AS target_time,
    c.brand AS brand, c.channel AS channel, c.community AS community, if(c.target_side = '', 'other', c.target_side) AS side,
    -- Whoever it was: the click says, else the visit that it led to.
    l.click != '' AS has_led, if(c.has_visitor OR NOT has_led, c.visitor, l.visitor) AS who, c.path_actors AS path_actors,
    if(c.target_time IS NULL, 0, toUnixTimestamp64Milli(c.time) - toUnixTimestamp64Milli(assumeNotNull(c.target_time))) AS lag_ms
FROM recent AS c LEFT JOIN led AS l ON l.click = c.click
