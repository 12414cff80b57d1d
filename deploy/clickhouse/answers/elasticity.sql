-- Whether traffic grows with how much the brand takes part, per brand: percent more visits for a percent more interactions (of 1 + them), same place, other days.
-- Errors go by place. Below 40 places they are too small: then there is no interval, and the p value comes from 1,999 draws of the places' signs under no
-- effect. A verdict needs both the p value and the error to say so. The next day's interactions stand in the same model: they cannot bring today's visits, so an effect of theirs (|z| > 3) flags it. Never a cause.
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
