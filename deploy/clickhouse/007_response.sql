-- What replies and shares do to traffic and when, whether it pays to take part more, and what experiments say.
-- Associations under a stated model, never causes: only `experiments` compares like with like. Every figure stands
-- beside an interval, or is NULL with a reason. Each estimate is a chain of building blocks, so that a view reads its
-- rows once: minute, response_day, response_draw, response.

-- Visits, the brand's replies and own posts, and shares by minute, zeros are rows: the latest 90 days that both visits and posts cover. Replies of a
-- monologue answer nobody and are none here. A building block.
CREATE OR REPLACE VIEW minute AS
WITH
    -- Declared times beyond the watermark are somebody's clock, not the end of the data.
    (SELECT max(watermark) + toIntervalMinute(1) FROM sources) AS reach,
    reach < toDateTime64('1971-01-01', 3, 'UTC') AS reach_unknown,
    events AS (
        SELECT brand, toUInt32(intDiv(toUnixTimestamp(time), 60)) AS minute, count() AS visits, 0 AS brand_replies, 0 AS shares, 0 AS brand_posts, 0 AS content
        FROM visit_origin WHERE NOT self_referral AND (reach_unknown OR time <= reach) GROUP BY brand, minute
        UNION ALL
        SELECT brand, toUInt32(intDiv(toUnixTimestamp(window_start), 60) + e.1) AS minute, 0 AS visits, e.2 AS brand_replies, e.3 AS shares, e.4 AS brand_posts, 1 AS content
        FROM activity
        ARRAY JOIN arrayConcat(
            [(0, 0, 0, 0)], arrayMap(x -> (x, 1, 0, 0), if(monologue, [], brand_reply_minutes)), arrayMap(x -> (x, 0, 1, 0), share_minutes),
            if(is_brand AND posts > 0, [(dateDiff('minute', window_start, assumeNotNull(root_time)), 0, 0, 1)], [])) AS e
        WHERE reach_unknown OR window_start <= reach
    ),
    -- Before the first post or visit, and after the last visit, nothing is known: those are no zeros.
    known AS (
        SELECT
            brand, minute, sum(events.visits) AS visits, sum(events.brand_replies) AS brand_replies, sum(events.shares) AS shares, sum(events.brand_posts) AS brand_posts,
            maxIf(minute, visits > 0) OVER b AS last_visit, minIf(minute, visits > 0) OVER b AS first_visit,
            minIf(minute, max(content) > 0) OVER b AS first_content
        FROM events GROUP BY brand, minute
        WINDOW b AS (PARTITION BY brand)
    ),
    dense AS (
        SELECT brand, minute, visits, brand_replies, shares, brand_posts
        FROM known
        WHERE minute BETWEEN greatest(first_visit, first_content) AND last_visit AND minute + 91 * 1440 > last_visit
        ORDER BY brand, minute WITH FILL STEP 1
    ),
    moved AS (
        SELECT
            brand, toUInt32(intDiv(toUnixTimestamp(time), 60)) AS minute, countIf(kind = 'mail') AS mails, countIf(kind = 'ad') AS ads,
            countIf(kind = 'launch') AS launches, countIf(kind NOT IN ('mail', 'ad', 'launch')) AS other_events
        FROM calendar FINAL GROUP BY brand, minute
    )
SELECT
    d.brand AS brand, d.minute AS minute,
    toDate(toUInt16(intDiv(d.minute + intDiv(k.utc_offset, 60), 1440))) AS day, toUInt16((d.minute + intDiv(k.utc_offset, 60)) % 1440) AS minute_of_day,
    d.visits AS visits, d.brand_replies AS brand_replies, d.shares AS shares, d.brand_posts AS brand_posts,
    own.mails + every.mails AS mails, own.ads + every.ads AS ads, own.launches + every.launches AS launches, own.other_events + every.other_events AS other_events
FROM dense AS d
ASOF LEFT JOIN brand_clock AS k ON k.brand = d.brand AND toDateTime(toUInt32(d.minute * 60), 'UTC') >= k.since
LEFT JOIN moved AS own ON own.brand = d.brand AND own.minute = d.minute
LEFT JOIN moved AS every ON every.brand = '' AND d.brand != '' AND every.minute = d.minute
SETTINGS join_use_nulls = 0
COMMENT 'Visits, the brand''s replies and own posts, and shares by minute, zeros are rows: the latest 90 days that both visits and posts cover. A building block';

-- Per brand and day, the products of every pair of the model's columns about the day's means; 0 for a day that the minutes do not wholly cover. A building block of response.
-- Columns: 8 harmonics of the minute of day (16); the same times the day's mean, because good days multiply traffic and talk alike (16); mails, ads, launches,
-- other events and the brand's own posts 0-14, 15-59, 60-239 minutes ago (15): a post brings visits for hours and is answered in the same hours;
-- brand replies 0, 1-4, 5-14, 15-59, 60-239, 240-719 minutes ago and 6-30 minutes ahead (7); shares likewise (7); visits.
CREATE OR REPLACE VIEW response_day AS
WITH
    running AS (
        SELECT
            brand, minute, day, minute_of_day, visits, brand_replies, shares,
            toInt64(sum(mails) OVER w) AS m, toInt64(sum(ads) OVER w) AS a, toInt64(sum(launches) OVER w) AS l, toInt64(sum(other_events) OVER w) AS o,
            toInt64(sum(brand_posts) OVER w) AS p, toInt64(sum(brand_replies) OVER w) AS c, toInt64(sum(shares) OVER w) AS s,
            2 * pi() * minute_of_day / 1440 AS u, row_number() OVER w AS place, count() OVER (PARTITION BY brand) AS places
        FROM minute
        WINDOW w AS (PARTITION BY brand ORDER BY minute ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    ),
    -- What had happened by so many minutes ago: the difference of two is what happened between them.
    lagged AS (
        SELECT
            brand, day, minute_of_day, toFloat64(visits) AS y, brand_replies, shares, u, place > 720 AND place + 30 <= places AS usable,
            m, lagInFrame(m, 15) OVER w AS m15, lagInFrame(m, 60) OVER w AS m60, lagInFrame(m, 240) OVER w AS m240,
            a, lagInFrame(a, 15) OVER w AS a15, lagInFrame(a, 60) OVER w AS a60, lagInFrame(a, 240) OVER w AS a240,
            l, lagInFrame(l, 15) OVER w AS l15, lagInFrame(l, 60) OVER w AS l60, lagInFrame(l, 240) OVER w AS l240,
            o, lagInFrame(o, 15) OVER w AS o15, lagInFrame(o, 60) OVER w AS o60, lagInFrame(o, 240) OVER w AS o240,
            p, lagInFrame(p, 15) OVER w AS p15, lagInFrame(p, 60) OVER w AS p60, lagInFrame(p, 240) OVER w AS p240,
            c, lagInFrame(c, 1) OVER w AS c1, lagInFrame(c, 5) OVER w AS c5, lagInFrame(c, 15) OVER w AS c15, lagInFrame(c, 60) OVER w AS c60, lagInFrame(c, 240) OVER w AS c240, lagInFrame(c, 720) OVER w AS c720,
            s, lagInFrame(s, 1) OVER w AS s1, lagInFrame(s, 5) OVER w AS s5, lagInFrame(s, 15) OVER w AS s15, lagInFrame(s, 60) OVER w AS s60, lagInFrame(s, 240) OVER w AS s240, lagInFrame(s, 720) OVER w AS s720,
            leadInFrame(c, 30) OVER w - leadInFrame(c, 5) OVER w AS c_ahead, leadInFrame(s, 30) OVER w - leadInFrame(s, 5) OVER w AS s_ahead
        FROM running
        WINDOW w AS (PARTITION BY brand ORDER BY minute ROWS BETWEEN 720 PRECEDING AND 30 FOLLOWING)
    )
SELECT
    brand, day, countIf(usable) AS minutes, toBool(min(minute_of_day) = 0 AND max(minute_of_day) = 1439 AND minutes >= 720) AS whole, sum(y) AS visits, sum(lagged.brand_replies) AS brand_replies, sum(lagged.shares) AS shares, avg(y) AS level,
    -- Of a day that is not whole nothing is known.
    arrayMap(row -> arrayMap(v -> if(whole, v * minutes, 0.), row), covarPopMatrixIf(
        cos(u), sin(u), cos(2 * u), sin(2 * u), cos(3 * u), sin(3 * u), cos(4 * u), sin(4 * u), cos(5 * u), sin(5 * u), cos(6 * u), sin(6 * u), cos(7 * u), sin(7 * u), cos(8 * u), sin(8 * u),
        m - m15, m15 - m60, m60 - m240, a - a15, a15 - a60, a60 - a240, l - l15, l15 - l60, l60 - l240, o - o15, o15 - o60, o60 - o240, p - p15, p15 - p60, p60 - p240,
        c - c1, c1 - c5, c5 - c15, c15 - c60, c60 - c240, c240 - c720, c_ahead, s - s1, s1 - s5, s5 - s15, s15 - s60, s60 - s240, s240 - s720, s_ahead, y, usable)) AS pairs,
    -- The harmonics times the level follow the harmonics, first in every row, then as rows. Visits are no row.
    arrayMap(row -> arrayConcat(arraySlice(row, 1, 16), arrayMap(v -> v * level, arraySlice(row, 1, 16)), arraySlice(row, 17)), pairs) AS wide,
    arrayConcat(arraySlice(wide, 1, 16), arrayMap(row -> arrayMap(v -> v * level, row), arraySlice(wide, 1, 16)), arrayPopBack(arraySlice(wide, 17))) AS products
FROM lagged
GROUP BY brand, day
COMMENT 'Per brand and day, the products of every pair of the model''s columns about the day''s means. A building block of response';

-- The model's effects on visits per brand and draw: draw 0 is the estimate; in the others each day counts as often as a Poisson draw of mean 1
-- says, hashed from brand, day and draw so that it repeats. A column that does not vary beside the earlier ones drops out; replies_vary and shares_vary say whether all of
-- their seven columns stayed.
-- The last 14 columns before the visits are replies and shares; no number here depends on how many stand before them.
-- effects: visits per brand reply in each of the six bins and 25 x the lead's coefficient, then the same per share. A building block of response.
CREATE OR REPLACE VIEW response_draw AS
WITH
    weighted AS (
        SELECT
            brand, draw, whole, products, response_day.brand_replies AS brand_replies, response_day.shares AS shares,
            cityHash64(brand, day, draw) / 18446744073709551616. AS u,
            if(draw = 0, 1., toFloat64(arraySum(edge -> u >= edge, [
                0.36787944117144233, 0.7357588823428847, 0.9196986029286058, 0.9810118431238463, 0.9963401531726563, 0.9994058151824183,
                0.999916758850712, 0.9999897508033253, 0.999998874797402, 0.9999998885745216, 0.9999999899522336, 0.9999999991683892]))) AS weight
        FROM response_day
        CROSS JOIN (SELECT arrayJoin(range(201)) AS draw) AS draws
        WHERE draw = 0 OR (whole AND weight > 0)
    ),
    summed AS (
        SELECT
            brand, draw, countIf(whole) AS days, countIf(whole AND weighted.brand_replies > 0) AS brand_reply_days, countIf(whole AND weighted.shares > 0) AS share_days,
            sumIf(weighted.brand_replies, whole) AS brand_replies, sumIf(weighted.shares, whole) AS shares,
            any(length(products[1])) AS columns, sumForEach(arrayMap(v -> v * weight, arrayFlatten(products))) AS total
        FROM weighted
        GROUP BY brand, draw
    ),
    -- Each column divided by its own size: what is left of 1 after the earlier columns says whether it varies by itself.
    scaled AS (
        SELECT
            *, arraySplit((v, i) -> i % columns = 1, total, arrayEnumerate(total)) AS rows,
            arrayMap((row, i) -> if(row[i] > 0, 1 / sqrt(row[i]), 0.), rows, arrayEnumerate(rows)) AS scale,
            arrayMap((row, a) -> arrayMap((v, b) -> v * a * b, row, arrayPushBack(scale, 1.)), rows, scale) AS scaled_rows
        FROM summed
    ),
    -- Gauss-Jordan: the first row leaves, its column with it; the rows of replies and shares come back at the end until only the solution is left.
    solved AS (
        SELECT
            *,
            arrayFold(
                (acc, i) -> arrayConcat(
                    arrayMap(
                        (row, f) -> arrayMap((v, p) -> v - f * p, row, if(acc[1][1] > 1e-9, arrayMap(p -> p / acc[1][1], arrayPopFront(acc[1])), arrayMap(p -> 0., arrayPopFront(acc[1])))),
                        arrayMap(row -> arrayPopFront(row), arrayPopFront(acc)), arrayMap(row -> row[1], arrayPopFront(acc))),
                    multiIf(
                        i < columns - 14, [], acc[1][1] > 1e-9, [arrayMap(p -> p / acc[1][1], arrayPopFront(acc[1]))],
                        [arrayPushBack(arrayMap(p -> 0., arrayPopBack(arrayPopFront(acc[1]))), nan)])),
                range(1, columns), scaled_rows) AS solution
        FROM scaled
    )
SELECT
    brand, draw, days, brand_reply_days, share_days, brand_replies, shares,
    arrayMap((row, a, minutes) -> if(isNaN(row[1]), 0., row[1] * a * minutes), solution, arraySlice(scale, -14), [1, 4, 10, 45, 180, 480, 25, 1, 4, 10, 45, 180, 480, 25]) AS effects,
    NOT arrayExists(row -> isNaN(row[1]), arraySlice(solution, 1, 7)) AS replies_vary, NOT arrayExists(row -> isNaN(row[1]), arraySlice(solution, 8)) AS shares_vary
FROM solved
COMMENT 'The model''s effects on visits per brand and draw: draw 0 is the estimate, the others resample days. A building block of response';
