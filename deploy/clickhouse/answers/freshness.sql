-- Which events have stopped coming: of each brand and type of event the newest quarter of an hour that holds one, and the usual distance
-- between two such quarters over the 90 days up to it. Late is what has been silent for five of these, as far as the data reach.
WITH
    came AS (
        SELECT figure.1 AS type, brand, figure.2 AS quarters
        FROM (
            SELECT
                brand, [('post', groupUniqArrayIf(window_start, h.posts > 0)), ('share', groupUniqArrayIf(window_start, h.shares > 0)),
                    ('reply', groupUniqArrayIf(window_start, h.replies > 0)), ('reaction', groupUniqArrayIf(window_start, h.reactions > 0)),
                    ('delete', groupUniqArrayIf(window_start, h.deletes > 0)),
                    ('sample', groupUniqArrayIf(window_start, notEmpty(h.samples)))] AS figures
            FROM {model.happened} AS h
            GROUP BY brand)
        ARRAY JOIN figures AS figure
        UNION ALL
        SELECT 'click' AS type, brand, groupUniqArray(toStartOfFifteenMinutes(toDateTime(time))) AS quarters
        FROM {model.click} GROUP BY brand
        UNION ALL
        SELECT 'visit' AS type, brand, groupUniqArray(toStartOfFifteenMinutes(toDateTime(time))) AS quarters
        FROM {model.origin} GROUP BY brand
        UNION ALL
        SELECT 'conversion' AS type, brand, [toStartOfFifteenMinutes(toDateTime(s.at))] AS quarters FROM {model.sale} AS s
        UNION ALL
        SELECT 'cost' AS type, if(c.brand != '', c.brand, k.brand) AS brand, [toStartOfFifteenMinutes(toDateTime(c.time))] AS quarters
        FROM (SELECT *, toDate(time) AS day FROM cost_row) AS c
        ASOF LEFT JOIN (SELECT campaign, valid_from, brand FROM campaign_row) AS k ON k.campaign = c.campaign AND c.day >= k.valid_from
        UNION ALL
        SELECT 'report' AS type, brand, [toStartOfFifteenMinutes(toDateTime(time))] AS quarters FROM report_row),
    known AS (
        SELECT
            toString(brand) AS brand, type,
            arrayMap(at -> toUnixTimestamp(at), arrayFilter(at -> at <= {as_of}, groupUniqArrayArray(c.quarters))) AS quarters
        FROM came AS c GROUP BY brand, type HAVING notEmpty(quarters)),
    spaced AS (
        SELECT
            brand, type, arrayMax(quarters) AS last, toDateTime(last, 'UTC') AS newest,
            arrayDifference(arraySort(arrayFilter(at -> at > last - 90 * 86400, quarters))) AS distances,
            arrayMap(gap -> toUInt64(gap), arrayFilter(gap -> gap > 0, distances)) AS gaps_between
        FROM known)
SELECT
    brand, type, newest, length(gaps_between) AS gaps,
    if(gaps < 5, NULL, toUInt64(arrayReduce('quantileExactWeighted(0.5)', gaps_between, gaps_between))) AS usual_gap_seconds,
    greatest(0, dateDiff('second', newest, {as_of})) AS silent_seconds,
    if(gaps < 5, NULL, toBool(silent_seconds > 5 * usual_gap_seconds)) AS late,
    if(gaps < 5, 'few_events', '') AS reason
FROM spaced
