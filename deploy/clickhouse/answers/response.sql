-- When visits follow a brand reply and when a share, per brand: a row per lag bin, a row `total`, and `difference`, replies less shares.
-- Visits per event in the bin and, `cumulative`, up to its end, with 95 % intervals: Student's t times the spread over resampled days. Long bins are
-- wide and so is the total; up to an hour the sum is far narrower. Of the share within 15 minutes, a ratio that may
-- leave 0 to 1, the draws' own 2 % and 98 %, and none where the total may be 0. Leads: visits cannot come from events 6 to 30 minutes later, so an effect there (90 % interval) flags
-- the model; `not_flagged_at_20pct` means within a fifth of the total, and is weak evidence. No verdict says caused.
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
