-- What replies and shares do to traffic and when, whether it pays to take part more, and what experiments say.
-- Associations under a stated model, never causes: only `experiments` compares like with like. Every figure stands
-- beside an interval, or is NULL with a reason. Each estimate is a chain of building blocks, so that a view reads its
-- rows once: minute, response_day, response_draw, response; community_day, elasticity_fit, elasticity.

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

-- When visits follow a brand reply and when a share, per brand: a row per lag bin, a row `total`, and `difference`, replies less shares.
-- Visits per event in the bin and, `cumulative`, up to its end, with 95 % intervals: Student's t times the spread over resampled days. Long bins are
-- wide and so is the total; up to an hour the sum is far narrower. Of the share within 15 minutes, a ratio that may
-- leave 0 to 1, the draws' own 2 % and 98 %, and none where the total may be 0. Leads: visits cannot come from events 6 to 30 minutes later, so an effect there (90 % interval) flags
-- the model; `not_flagged_at_20pct` means within a fifth of the total, and is weak evidence. No verdict says caused.
CREATE OR REPLACE VIEW response AS
WITH
    drawn AS (
        SELECT
            *, arrayCumSum(arraySlice(effects, 1, 6)) AS c, arrayCumSum(arraySlice(effects, 8, 6)) AS s,
            arrayConcat(
                arrayMap((v, sum, i) -> ('brand_reply', i, v, sum, nan, nan, c[6]), arraySlice(effects, 1, 6), c, range(1, 7)), [('brand_reply', 7, c[6], c[6], c[3] / c[6], effects[7], c[6])],
                arrayMap((v, sum, i) -> ('share', i, v, sum, nan, nan, s[6]), arraySlice(effects, 8, 6), s, range(1, 7)), [('share', 7, s[6], s[6], s[3] / s[6], effects[14], s[6])],
                [('difference', 7, nan, nan, c[3] / c[6] - s[3] / s[6], nan, nan)]) AS figures
        FROM response_draw
    ),
    figure AS (
        SELECT
            brand, draw, days, f.1 AS treatment, f.2 AS place, f.3 AS value, f.4 AS running, f.5 AS early, f.6 AS lead, f.7 AS whole,
            if(treatment = 'brand_reply', drawn.brand_replies, drawn.shares) AS events, if(treatment = 'brand_reply', brand_reply_days, share_days) AS event_days,
            treatment = 'difference' AND brand_reply_days < 10 AS no_replies, (replies_vary OR treatment = 'share') AND (shares_vary OR treatment = 'brand_reply') AS varies
        FROM drawn ARRAY JOIN figures AS f
    ),
    estimate AS (
        SELECT
            brand, treatment, place, anyIf(figure.days, draw = 0) AS days, anyIf(figure.events, draw = 0) AS events, anyIf(figure.event_days, draw = 0) AS event_days,
            1.959963984540054 + 2.372271230298562 / (days - 1) + 2.8224986157396112 / pow(days - 1, 2) + 2.555849679507722 / pow(days - 1, 3) AS t95,
            1.6448536269514722 + 1.5237691475737816 / (days - 1) + 1.4202029826359421 / pow(days - 1, 2) + 0.9830015120343027 / pow(days - 1, 3) AS t90,
            anyIf(value, draw = 0) AS v, stddevSampIf(value, draw > 0) AS sd, anyIf(running, draw = 0) AS so_far, stddevSampIf(running, draw > 0) AS so_far_sd, anyIf(whole, draw = 0) AS total,
            anyIf(early, draw = 0) AS share, quantileExactInclusiveIf(0.02)(early, draw > 0) AS share_low, quantileExactInclusiveIf(0.98)(early, draw > 0) AS share_high,
            anyIf(lead, draw = 0) AS ahead, stddevSampIf(lead, draw > 0) AS ahead_sd,
            multiIf(
                days < 14, 'fewer than 14 whole days', events = 0 AND treatment = 'brand_reply', 'no brand replies', events = 0 AND treatment = 'share', 'no shares',
                treatment = 'difference' AND (anyIf(no_replies, draw = 0) OR event_days < 10), 'needs replies and shares on 10 days each', event_days < 10, 'events on fewer than 10 days',
                NOT min(varies), 'the lags cannot be told apart', '') AS missing
        FROM figure
        GROUP BY brand, treatment, place
    ),
    known AS (
        SELECT
            *, treatment != 'difference' AND missing = '' AS has_value, place = 7 AND has_value AS has_lead, has_lead AND v - t95 * sd > 0 AS above_0,
            minIf(place, 2 * so_far >= total) OVER (PARTITION BY brand, treatment) AS half,
            multiIf(NOT has_lead, '', abs(ahead) + t90 * ahead_sd < 0.2 * abs(v), 'not_flagged_at_20pct', abs(ahead) > 3 * ahead_sd, 'flagged', 'undecided') AS lead_verdict
        FROM estimate
    ),
    -- A share of a total that may be 0 is no number, and its interval has no end.
    judged AS (
        SELECT
            *, countIf(lead_verdict = 'flagged') OVER b > 0 AS is_flagged, countIf(above_0) OVER b = 2 AS both_above_0,
            above_0 OR (treatment = 'difference' AND missing = '' AND both_above_0) AS has_share
        FROM known
        WINDOW b AS (PARTITION BY brand)
    )
SELECT
    brand, treatment, multiIf(treatment = 'brand_reply', 'conversation', treatment = 'share', 'broadcast', '') AS side,
    ['0', '1-4', '5-14', '15-59', '60-239', '240-719', 'total'][place] AS bin,
    [0, 1, 5, 15, 60, 240, 0][place] AS lag_from_minutes, [0, 4, 14, 59, 239, 719, 719][place] AS lag_to_minutes,
    if(has_value, v, NULL) AS visits_per_event, if(has_value, v - t95 * sd, NULL) AS low, if(has_value, v + t95 * sd, NULL) AS high,
    if(has_value, so_far, NULL) AS cumulative, if(has_value, so_far - t95 * so_far_sd, NULL) AS cumulative_low, if(has_value, so_far + t95 * so_far_sd, NULL) AS cumulative_high,
    if(has_share, share, NULL) AS share_within_15, if(has_share, judged.share_low, NULL) AS share_within_15_low, if(has_share, judged.share_high, NULL) AS share_within_15_high,
    if(above_0, [0, 1, 5, 15, 60, 240][half], NULL) AS t50_from_minutes, if(above_0, [0, 4, 14, 59, 239, 719][half], NULL) AS t50_to_minutes,
    if(has_lead, ahead, NULL) AS lead_effect, if(has_lead, ahead - t90 * ahead_sd, NULL) AS lead_low, if(has_lead, ahead + t90 * ahead_sd, NULL) AS lead_high,
    multiIf(place != 7, '', treatment = 'difference', 'conversation brings traffic sooner than broadcast', 'later events do not move earlier visits') AS hypothesis,
    multiIf(
        place != 7, '', missing != '', 'undecided', treatment != 'difference', lead_verdict, is_flagged, 'flagged',
        NOT has_share, 'undecided', judged.share_low > 0, 'supported', judged.share_high < 0, 'refuted', 'undecided') AS verdict,
    days, if(treatment = 'difference', NULL, events) AS events, if(treatment = 'difference', NULL, event_days) AS event_days,
    multiIf(missing != '', missing, place != 7 OR has_share, '', treatment = 'difference', 'a total may be 0: no difference', 'the total may be 0: no share within 15 minutes, no T50') AS reason
FROM judged
ORDER BY brand, treatment, place
COMMENT 'When visits follow a brand reply and when a share, per brand: effects by lag with intervals, leads, verdicts; never causes';

-- What the brand did and what came, per place and day of the brand's own clock, zeros are rows: the latest 90 days of every place where it took part. A building block of elasticity.
CREATE OR REPLACE VIEW community_day AS
WITH
    (SELECT max(watermark) + toIntervalMinute(1) FROM sources) AS reach,
    reach < toDateTime64('1971-01-01', 3, 'UTC') AS reach_unknown,
    seen AS (
        SELECT brand, channel, community, day, sum(s.interactions) AS interactions, sum(s.visits) AS visits
        FROM (
            SELECT
                a.brand AS brand, a.channel AS channel, a.community AS community,
                toDate(toUInt16(intDiv(toInt64(toUnixTimestamp(a.window_start)) + k.utc_offset, 86400))) AS day, a.interactions AS interactions, 0 AS visits
            FROM (
                SELECT brand, channel, community, window_start, sum(brand_replies + if(is_brand, posts, 0)) AS interactions
                FROM activity WHERE community != '' AND (reach_unknown OR window_start <= reach) GROUP BY brand, channel, community, window_start
            ) AS a
            ASOF LEFT JOIN brand_clock AS k ON k.brand = a.brand AND a.window_start >= k.since
            UNION ALL
            SELECT brand, channel, community, day, 0 AS interactions, count() AS visits
            FROM visit_origin WHERE NOT self_referral AND community != '' AND (reach_unknown OR time <= reach) GROUP BY brand, channel, community, day
        ) AS s
        GROUP BY brand, channel, community, day
    ),
    places AS (
        SELECT
            brand, channel, community, groupArray(toInt32(day)) AS days, groupArray(seen.interactions) AS counts, groupArray(seen.visits) AS visitors,
            min(min(toInt32(day))) OVER b AS first_day, max(max(toInt32(day))) OVER b AS last_day
        FROM seen
        GROUP BY brand, channel, community
        HAVING sum(seen.interactions) > 0
        WINDOW b AS (PARTITION BY brand)
    )
SELECT
    brand, channel, community, toDate(toUInt16(d)) AS day,
    if(has(days, d), counts[indexOf(days, d)], 0) AS interactions, if(has(days, d), visitors[indexOf(days, d)], 0) AS visits
FROM places
ARRAY JOIN range(greatest(first_day, last_day - 89), last_day + 1) AS d
SETTINGS join_use_nulls = 0
COMMENT 'What the brand did and what came, per place and day, zeros are rows: the latest 90 days of every place where it took part. A building block of elasticity';

-- Poisson pseudo-likelihood of visits on log(1 + interactions) of the day and of the next, with an effect per place and per day, per brand; and the
-- same with no effect of the day's own interactions (restricted). Places and days without a visit say nothing and stay out; cells without one stay in.
-- The fitted cells are moved by a Newton step, then scaled to the places' and the days' totals, until nothing changes. A building block of elasticity.
CREATE OR REPLACE VIEW elasticity_fit AS
WITH
    (cells, fitted, x) -> arraySum((y, m, z) -> arraySum((a, b, c) -> (a - b) * c, y, m, z), cells, fitted, x) AS score,
    (fitted, x, z) -> arraySum((m, p, q) -> arraySum((a, b, c) -> a * b * c, m, p, q), fitted, x, z) AS spread,
    (cells, fitted) -> arrayMap((y, m) -> arrayMap(v -> v * arraySum(y) / arraySum(m), m), cells, fitted) AS fit_places,
    (cells, fitted) -> arrayMap(m -> arrayMap((v, a, b) -> v * a / b, m, arrayReduce('sumForEach', cells), arrayReduce('sumForEach', fitted)), fitted) AS fit_days,
    (cells, fitted, x, z) -> (score(cells, fitted, x) * spread(fitted, z, z) - score(cells, fitted, z) * spread(fitted, x, z)) / (spread(fitted, x, x) * spread(fitted, z, z) - pow(spread(fitted, x, z), 2)) AS newton,
    (fitted, x) -> arrayMap((m, z) -> arrayMap(v -> v - arraySum((a, b) -> a * b, m, z) / arraySum(m), z), fitted, x) AS less_places,
    (fitted, x) -> arrayMap(z -> arrayMap((v, a, b) -> v - a / b, z, arrayReduce('sumForEach', arrayMap((m, r) -> arrayMap((a, b) -> a * b, m, r), fitted, x)), arrayReduce('sumForEach', fitted)), x) AS less_days,
    (restricted, cells, fitted, x, z) -> if(restricted, 0., newton(cells, fitted, x, z)) AS step,
    (restricted, cells, fitted, x, z) -> if(restricted, score(cells, fitted, z) / spread(fitted, z, z), newton(cells, fitted, z, x)) AS step_next,
    (fitted, x, z) -> arrayMap((p, q) -> arrayMap((a, b) -> a - b * spread(fitted, x, z) / spread(fitted, z, z), p, q), x, z) AS less_other,
    -- A place pulls the fit towards itself: its score is divided by the part of the information that the other places hold, as if it had been left out.
    (cells, fitted, x) -> arrayMap((y, m, z) -> arraySum((a, b, c) -> (a - b) * c, y, m, z) / greatest(1 - arraySum((b, c) -> b * c * c, m, z) / spread(fitted, x, x), 1e-6), cells, fitted, x) AS scores_of,
    cell AS (
        SELECT
            brand, channel, community, day, log1p(interactions) AS x, toFloat64(visits) AS y, day < max(day) OVER (PARTITION BY brand) AS followed,
            leadInFrame(x) OVER (PARTITION BY brand, channel, community ORDER BY day ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS next,
            sum(visits) OVER (PARTITION BY brand, day) > 0 AS visited
        FROM community_day
    ),
    place AS (
        SELECT brand, cityHash64(channel, community) AS hash, arraySort(groupArrayIf((day, x, next, y), followed AND visited)) AS c, arraySum(v -> v.4, c) > 0 AS counts
        FROM cell GROUP BY brand, channel, community
    ),
    panel AS (
        SELECT
            brand, arraySort(groupArrayIf((hash, c), counts)) AS p, arrayMap(r -> r.1, p) AS hashes, arrayMap(r -> arrayMap(v -> v.4, r.2), p) AS cells,
            arrayMap(r -> arrayMap(v -> 1., r), cells) AS ones, fit_days(cells, fit_places(cells, ones)) AS start,
            less_days(ones, less_places(ones, arrayMap(r -> arrayMap(v -> v.2, r.2), p))) AS x, less_days(ones, less_places(ones, arrayMap(r -> arrayMap(v -> v.3, r.2), p))) AS next
        FROM place GROUP BY brand
    ),
    -- s: the last steps, the fitted cells, cells, x, next, the two coefficients so far. At each step x and next lose what the places and days of
    -- the fit say of them (which changes no coefficient): otherwise each step overlooks that places and days move too, and the steps shrink too slowly.
    fit AS (
        SELECT
            brand, restricted, hashes, cells, x, next,
            arrayFold(
                (s, i) -> (
                    step(restricted, s.4, s.3, s.5, s.6), step_next(restricted, s.4, s.3, s.5, s.6),
                    fit_days(s.4, fit_places(s.4, arrayMap((m, p, q) -> arrayMap((a, b, c) -> a * exp(step(restricted, s.4, s.3, s.5, s.6) * b + step_next(restricted, s.4, s.3, s.5, s.6) * c), m, p, q), s.3, s.5, s.6))),
                    s.4, less_days(s.3, less_places(s.3, s.5)), less_days(s.3, less_places(s.3, s.6)), s.7 + step(restricted, s.4, s.3, s.5, s.6), s.8 + step_next(restricted, s.4, s.3, s.5, s.6)),
                range(40), (0., 0., start, cells, x, next, 0., 0.)) AS state,
            state.3 AS fitted
        FROM panel CROSS JOIN (SELECT arrayJoin([false, true]) AS restricted) AS r
    ),
    -- What of each regressor is its own: less the weighted effects of places and days, then less the other regressor.
    own AS (
        SELECT
            *, arrayFold((left, i) -> less_days(fitted, less_places(fitted, left)), range(20), state.5) AS own_x, arrayFold((left, i) -> less_days(fitted, less_places(fitted, left)), range(20), state.6) AS own_next
        FROM fit
    ),
    rest AS (SELECT *, less_other(fitted, own_x, own_next) AS rest_x, less_other(fitted, own_next, own_x) AS rest_next FROM own),
    -- Of a regressor that does not vary by itself nothing is left: then there is no fit.
    told AS (
        SELECT
            *, spread(fitted, rest_x, rest_x) AS left_of_x, spread(fitted, rest_next, rest_next) AS left_of_next,
            least(left_of_x, left_of_next) > 1e-9 AND isFinite(state.7 + state.8 + left_of_x + left_of_next) AS fits
        FROM rest
    )
SELECT
    brand, restricted, length(cells) AS communities, if(empty(cells), 0, length(cells[1])) AS days, arraySum(y -> countEqual(y, 0.), cells) AS zero_cells,
    if(fits, state.7, NULL) AS elasticity, if(fits, state.8, NULL) AS elasticity_next, if(fits, abs(state.1) + abs(state.2), NULL) AS unsettled,
    if(fits, left_of_x, NULL) AS information, if(fits, left_of_next, NULL) AS information_next,
    if(fits, pow(left_of_x, 2) / arraySum((m, z) -> pow(arraySum((b, c) -> b * c * c, m, z), 2), fitted, rest_x), NULL) AS places_that_count,
    if(fits, hashes, []) AS hashes, if(fits, scores_of(cells, fitted, rest_x), []) AS scores, if(fits, scores_of(cells, fitted, rest_next), []) AS scores_next
FROM told
COMMENT 'Poisson pseudo-likelihood of visits on the brand''s interactions with place and day effects, free and without an effect. A building block of elasticity';

-- Whether traffic grows with how much the brand takes part, per brand: percent more visits for a percent more interactions (of 1 + them), same place, other days.
-- Errors go by place. Below 40 places they are too small: then there is no interval, and the p value comes from 1,999 draws of the places' signs under no
-- effect. A verdict needs both the p value and the error to say so. The next day's interactions stand in the same model: they cannot bring today's visits, so an effect of theirs (|z| > 3) flags it. Never a cause.
CREATE OR REPLACE VIEW elasticity AS
WITH
    both AS (
        SELECT
            brand, anyIf(f.communities, NOT restricted) AS communities, anyIf(f.days, NOT restricted) AS days, anyIf(f.zero_cells, NOT restricted) AS zero_cells, max(f.unsettled) AS unsettled,
            anyIf(f.elasticity, NOT restricted) AS estimate, anyIf(f.elasticity_next, NOT restricted) AS estimate_next,
            anyIf(sqrt(arraySum(s -> s * s, f.scores) * (f.communities - 1) / f.communities) / information, NOT restricted) AS se,
            anyIf(sqrt(arraySum(s -> s * s, scores_next) * (f.communities - 1) / f.communities) / information_next, NOT restricted) AS se_next,
            anyIf(f.hashes, restricted) AS hashes, anyIf(f.scores, restricted) AS scores, communities >= 40 AS many,
            -- Few places may hold most of what is known: they are the freedom of Student's t.
            greatest(1, anyIf(f.places_that_count, NOT restricted) - 1) AS freedom,
            1.959963984540054 + 2.372271230298562 / freedom + 2.8224986157396112 / pow(freedom, 2) + 2.555849679507722 / pow(freedom, 3) AS t95,
            abs(estimate) > t95 * se AS beyond_error,
            multiIf(
                days < 14, 'fewer than 14 days with visits', communities < 6, 'fewer than 6 communities with visits',
                se IS NULL OR se_next IS NULL, 'the interactions do not vary by themselves', unsettled > 1e-4 * least(se, se_next), 'the fit does not settle', '') AS missing,
            if(
                many OR missing != '', erfc(abs(estimate / se) / sqrt(2)),
                (1 + countEqual(arrayMap(draw -> abs(arraySum((s, h) -> if(cityHash64(h, draw) % 2 = 0, s, -s), scores, hashes)) >= abs(arraySum(scores)), range(1, 2000)), 1)) / 2000) AS p
        FROM elasticity_fit AS f
        GROUP BY brand
    )
SELECT
    brand, 'traffic grows with how much the brand takes part' AS hypothesis,
    if(missing = '', estimate, NULL) AS elasticity, if(missing = '', se, NULL) AS standard_error,
    if(missing = '' AND many, estimate - t95 * se, NULL) AS low, if(missing = '' AND many, estimate + t95 * se, NULL) AS high,
    if(missing = '', p, NULL) AS p_value, if(many, 'error by community', 'signs of communities drawn') AS p_method,
    if(missing = '', estimate_next, NULL) AS lead, if(missing = '', se_next, NULL) AS lead_standard_error, if(missing = '', estimate_next / se_next, NULL) AS lead_z,
    multiIf(missing != '', 'undecided', abs(estimate_next / se_next) > 3, 'flagged', p >= 0.05 OR NOT beyond_error, 'undecided', estimate > 0, 'supported', 'refuted') AS verdict,
    communities, days, both.zero_cells AS zero_cells,
    multiIf(missing != '', missing, NOT many, 'no interval: fewer than 40 communities', '') AS reason
FROM both
COMMENT 'Whether traffic grows with how much the brand takes part, per brand: Poisson elasticity with its error, p value and lead; never a cause';

-- What each arm of an experiment sold per assigned unit, and how far that is from the control arm: intention to treat, by the first assignment of a
-- unit, in the reference currency as of the days of the money. Units that sold nothing are zeros; what was sold before the assignment does not count,
-- its refunds neither (a time slot bounds its sales itself). Sales of a root or a community are those that `credit` gives it (last touch that is not direct, 30 days). Control is the arm
-- `control`, else the first by name.
-- A time slot is named by its start and lasts to the next of its experiment, at most as long as the commonest distance between two of them (of equally
-- common ones the shortest), the last one as long as that: days may have 23 hours, and slots may come in blocks. Its sales are those whose last touch, by the
-- same rule, came within it, of the brands whose posts carry the experiment, of all if none does; a slot is no unit before the data reach its end
-- (the last one's, which none follows: as if it had an hour less, but no less than the shortest).
CREATE OR REPLACE VIEW experiments AS
WITH
    (SELECT complete_to FROM completeness) AS reached,
    drawn AS (
        SELECT
            experiment, unit_type, unit, begins, argMin(a.arm, (a.time, a.id)) AS arm, unit_type = 'time_slot' AS is_slot, if(is_slot, toDateTime64(0, 3, 'UTC'), min(a.time)) AS since,
            dateDiff('millisecond', begins, leadInFrame(begins) OVER (PARTITION BY experiment, is_slot ORDER BY begins ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING)) AS distance
        FROM (
            SELECT r.experiment AS experiment, r.unit_type AS unit_type,
                if(unit_type = 'time_slot' AND match(r.unit, '^([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*|[0-9]{9,10})$'), parseDateTime64BestEffortOrNull(r.unit, 3, 'UTC'), NULL) AS begins,
                ifNull(toString(begins), r.unit) AS unit, r.arm AS arm, r.time AS time, r.id AS id
            FROM assignment_row AS r
        ) AS a
        GROUP BY experiment, unit_type, unit, begins
    ),
    assigned AS (
        SELECT *, multiIf(NOT is_slot, '', begins IS NULL, 'a time slot is no time', ends IS NULL, 'a time slot has no length', '') AS flaw
        FROM (
            SELECT
                *, argMaxIf(distance, (times, -distance), distance > 0) OVER (PARTITION BY experiment, is_slot) AS usual, begins + toIntervalMillisecond(least(ifNull(distance, usual), usual)) AS ends,
                -- No next one says how long the last is: over a change of clocks it may be as short as the shortest, an hour less than usual.
                if(distance IS NULL, begins + toIntervalMillisecond(greatest(usual - 3600000, min(distance) OVER (PARTITION BY experiment, is_slot))), ends) AS ripe
            FROM (SELECT *, count() OVER (PARTITION BY experiment, is_slot, distance) AS times FROM drawn)
        )
        WHERE ifNull(ripe <= reached, true)
    ),
    slot AS (SELECT experiment, unit, assumeNotNull(a.begins) AS begins, assumeNotNull(a.ends) AS ends FROM assigned AS a WHERE a.ends IS NOT NULL),
    (
        SELECT groupArray((experiment, brands)) FROM (
            SELECT experiment, groupUniqArrayIf(brand, carries) AS brands
            FROM (
                SELECT experiment, '' AS brand, false AS carries FROM slot
                UNION ALL SELECT toString(a.experiment) AS experiment, toString(a.brand) AS brand, true AS carries FROM root_row AS a WHERE a.experiment IN (SELECT experiment FROM slot)
            )
            GROUP BY experiment
        )
    ) AS trials,
    buyer AS (
        SELECT c.id AS conversion, if(s.id != '', s.visitor, c.visitor) AS visitor
        FROM conversion_row AS c LEFT ANY JOIN (SELECT * FROM conversion_row WHERE has_visitor) AS s ON s.id = c.refund_of
        WHERE s.id != '' OR c.has_visitor
    ),
    sale AS (
        SELECT '' AS of_experiment, 'person' AS unit_type, person AS unit, sold_at, day, currency, toFloat64(amount) AS amount FROM conversion_value WHERE person != ''
        UNION ALL
        SELECT '' AS of_experiment, 'visitor' AS unit_type, toString(b.visitor) AS unit, v.sold_at AS sold_at, v.day AS day, v.currency AS currency, toFloat64(v.amount) AS amount
        FROM conversion_value AS v INNER ANY JOIN buyer AS b ON b.conversion = v.conversion
        UNION ALL
        SELECT k.of_experiment AS of_experiment, k.unit_type AS unit_type, if(k.of_experiment = '', k.named, s.unit) AS unit, k.sold_at AS sold_at, k.day AS day, k.currency AS currency, k.amount AS amount
        FROM (
            SELECT
                arrayJoin(arrayConcat([('', 'root', root), ('', 'community', toString(community))], arrayMap(e -> (e.1, 'time_slot', ''), arrayFilter(e -> visit != '' AND (empty(e.2) OR has(e.2, brand)), trials)))) AS u,
                u.1 AS of_experiment, u.2 AS unit_type, u.3 AS named, touched, sold_at, day, currency, toFloat64(credit) AS amount
            FROM credit WHERE model = 'last' AND lookback_days = 30 AND share > 0
        ) AS k
        ASOF LEFT JOIN slot AS s ON s.experiment = k.of_experiment AND k.touched >= s.begins
        WHERE unit != '' AND (k.of_experiment = '' OR k.touched < s.ends)
    ),
    priced AS (
        SELECT s.of_experiment AS of_experiment, s.unit_type AS unit_type, s.unit AS unit, s.sold_at AS sold_at, s.amount * toFloat64(f.to_base) AS value, f.to_base = 0 AS no_rate
        FROM sale AS s ASOF LEFT JOIN (SELECT currency, valid_from, to_base FROM fx FINAL) AS f ON f.currency = s.currency AND s.day >= f.valid_from
    ),
    unit_sum AS (
        SELECT
            a.experiment AS experiment, a.unit_type AS unit_type, a.unit AS unit, a.arm AS arm,
            sumIf(p.value, p.unit != '' AND p.sold_at >= a.since) AS value, countIf(p.unit != '' AND p.sold_at >= a.since AND p.no_rate) AS without_rate, any(a.flaw) AS flaw
        FROM assigned AS a LEFT JOIN priced AS p ON p.of_experiment = if(a.is_slot, a.experiment, '') AND p.unit_type = a.unit_type AND p.unit = a.unit
        GROUP BY experiment, unit_type, unit, arm
    ),
    -- A unit of the control arm stands beside every other arm.
    beside AS (
        SELECT
            experiment, unit_type, value, without_rate, flaw, unit_sum.arm AS own_arm, groupUniqArray(unit_sum.arm) OVER e AS arms,
            if(has(arms, 'control'), 'control', arraySort(arms)[1]) AS control_arm,
            arrayJoin(if(own_arm = control_arm, arms, [own_arm])) AS arm, own_arm != arm AS is_control
        FROM unit_sum
        WINDOW e AS (PARTITION BY experiment, unit_type)
    ),
    -- The test refuses arms in which no unit differs from another.
    varied AS (
        SELECT *, varSampIf(value, NOT is_control) OVER s + varSampIf(value, is_control) OVER s > 1e-18 * pow(avg(value) OVER s, 2) AS varies
        FROM beside
        WINDOW s AS (PARTITION BY experiment, unit_type, arm)
    ),
    compared AS (
        SELECT
            experiment, unit_type, arm, any(varied.control_arm) AS control_arm, arm = control_arm AS alone,
            countIf(NOT is_control) AS units, countIf(NOT is_control AND value != 0) AS units_with_sales, countIf(is_control) AS control_units,
            avgIf(value, NOT is_control) AS mean, avgIf(value, is_control) AS control_mean, mean - control_mean AS difference,
            varSampIf(value, NOT is_control) / units AS spread, varSampIf(value, is_control) / control_units AS control_spread,
            sqrt(spread + control_spread) AS se, welchTTestIf(0.95)(value, is_control, varies) AS test,
            sumIf(without_rate, NOT is_control) AS own_without_rate, sum(without_rate) AS any_without_rate, max(flaw) AS slots_flaw,
            multiIf(unit_type NOT IN ('visitor', 'person', 'root', 'community', 'time_slot'), 'no sales are known by this type of unit', slots_flaw != '', slots_flaw, own_without_rate > 0, 'a rate is missing', '') AS own_missing,
            multiIf(
                own_missing != '', own_missing, alone, 'the control arm', any_without_rate > 0, 'a rate is missing', units < 2 OR control_units < 2, 'fewer than two units in an arm', NOT any(varies), 'no unit differs from another', '') AS missing
        FROM varied
        GROUP BY experiment, unit_type, arm
    )
SELECT
    experiment, unit_type, arm, control_arm, if(control_arm = 'control', 'named control', 'first arm by name') AS control_rule, units, control_units,
    if(own_missing = '', compared.units_with_sales, NULL) AS units_with_sales, if(own_missing = '', compared.mean, NULL) AS mean, if(missing IN ('', 'fewer than two units in an arm', 'no unit differs from another'), compared.control_mean, NULL) AS control_mean,
    if(missing = '', compared.difference, NULL) AS difference, if(missing = '', se, NULL) AS standard_error,
    if(missing = '', difference / se, NULL) AS t, if(missing = '', pow(spread + control_spread, 2) / (pow(spread, 2) / (units - 1) + pow(control_spread, 2) / (control_units - 1)), NULL) AS degrees_of_freedom,
    if(missing = '', test.2, NULL) AS p_value, if(missing = '', test.3, NULL) AS low, if(missing = '', test.4, NULL) AS high,
    multiIf(missing = 'the control arm', '', missing != '', 'undecided', test.3 > 0, 'higher', test.4 < 0, 'lower', 'undecided') AS verdict,
    missing AS reason
FROM compared
SETTINGS join_use_nulls = 0
COMMENT 'What each arm of an experiment sold per assigned unit against the control arm, in the reference currency: Welch''s test, zeros included';
