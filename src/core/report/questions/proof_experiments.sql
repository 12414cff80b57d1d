SELECT
    if(brand = '', concat(experiment, ' (carried by no post)'), experiment) AS experiment, unit_type, arm, control_arm, units, control_units, units_with_sales, mean, control_mean,
    difference, low, high, p_value, verdict, reason
FROM experiments
WHERE arm != control_arm AND brand IN ({brand}, '')
ORDER BY experiment, unit_type, arm
LIMIT 1 BY experiment, unit_type, arm
