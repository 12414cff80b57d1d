SELECT
    uniqExactIf(conversion, reason = '') AS known,
    uniqExactIf(conversion, reason = 'target_unknown') AS target_unknown,
    uniqExactIf(conversion, reason = 'path_inferred') AS path_inferred
FROM path_credit
WHERE brand = {brand} AND day BETWEEN {from} AND {to}
