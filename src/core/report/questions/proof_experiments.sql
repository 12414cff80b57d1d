SELECT
    experiment, unit_type, arm, control_arm, units, control_units, units_with_sales, mean, control_mean,
    difference, low, high, p_value, verdict, reason
FROM experiments
WHERE arm != control_arm AND brand = {brand}
ORDER BY experiment, unit_type, arm
