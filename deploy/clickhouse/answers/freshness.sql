-- Which events have stopped coming: of each brand and type of event the newest quarter of an hour that holds one, and the usual distance
-- between two such quarters over the 90 days up to it. Late is what has been silent for five of these, as far as the data reach.
WITH
    came AS (
        SELECT figure.1 AS type, a.brand AS brand, a.window_start AS at
        FROM activity AS a
        ARRAY JOIN [('post', a.posts), ('share', a.shares), ('reply', a.replies), ('reaction', a.reactions), ('delete', a.deletes),
            ('sample', toUInt32(length(a.samples)))] AS figure
        WHERE figure.2 > 0
        UNION ALL
        SELECT 'click' AS type, brand, toStartOfFifteenMinutes(toDateTime(time)) AS at FROM click_place
        UNION ALL
        SELECT 'visit' AS type, if(v.brand != '', v.brand, c.brand) AS brand, toStartOfFifteenMinutes(toDateTime(v.time)) AS at
        FROM visit_row AS v LEFT ANY JOIN click_place AS c ON c.click = v.click
        UNION ALL
        SELECT 'conversion' AS type, brand, toStartOfFifteenMinutes(toDateTime(s.at)) AS at FROM {model.sale} AS s
        UNION ALL
        SELECT 'cost' AS type, if(c.brand != '', c.brand, k.brand) AS brand, toStartOfFifteenMinutes(toDateTime(c.time)) AS at
        FROM (SELECT *, toDate(time) AS day FROM cost_row) AS c
        ASOF LEFT JOIN (SELECT campaign, valid_from, brand FROM campaign_row) AS k ON k.campaign = c.campaign AND c.day >= k.valid_from
        UNION ALL
        SELECT 'report' AS type, brand, toStartOfFifteenMinutes(toDateTime(time)) AS at FROM report_row),
    quarter AS (
        SELECT brand, type, at, max(at) OVER (PARTITION BY brand, type) AS newest
        FROM (SELECT DISTINCT toString(brand) AS brand, type, at FROM came WHERE at <= {as_of})),
    spaced AS (
        SELECT brand, type, newest, dateDiff('second', lagInFrame(at, 1, at) OVER w, at) AS gap
        FROM quarter
        WHERE at > newest - INTERVAL 90 DAY
        WINDOW w AS (PARTITION BY brand, type ORDER BY at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW))
SELECT
    brand, type, newest, countIf(gap > 0) AS gaps,
    if(gaps < 5, NULL, toUInt64(quantileExactWeighted(0.5)(toUInt64(gap), toUInt64(gap)))) AS usual_gap_seconds,
    greatest(0, dateDiff('second', newest, {as_of})) AS silent_seconds,
    if(gaps < 5, NULL, toBool(silent_seconds > 5 * usual_gap_seconds)) AS late,
    if(gaps < 5, 'few_events', '') AS reason
FROM spaced
GROUP BY brand, type, newest
SETTINGS join_use_nulls = 0
