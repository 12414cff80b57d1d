SELECT
    experiment, unit_type, arm, control_arm, units, control_units, units_with_sales, mean, control_mean,
    difference, low, high, p_value, verdict, reason
FROM experiments
WHERE arm != control_arm AND experiment IN (
    SELECT experiment FROM assignment_row
    WHERE (unit_type = 'root' AND unit IN (SELECT root FROM roots WHERE brand = {brand}))
        OR (unit_type = 'community' AND unit IN (SELECT community FROM roots WHERE brand = {brand}))
        OR (unit_type = 'visitor' AND unit IN (
            SELECT toString(visitor) FROM visit_row
            WHERE brand = {brand} AND (SELECT countIf(unit_type = 'visitor') FROM assignment_row) > 0))
        OR (unit_type = 'person' AND unit IN (
            SELECT person FROM touch WHERE brand = {brand} AND (SELECT countIf(unit_type = 'person') FROM assignment_row) > 0))
        OR (unit_type = 'time_slot' AND (
            experiment IN (SELECT experiment FROM roots WHERE brand = {brand})
            OR experiment NOT IN (SELECT experiment FROM roots))))
ORDER BY experiment, unit_type, arm
LIMIT 1 BY experiment, unit_type, arm
