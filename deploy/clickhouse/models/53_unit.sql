-- What each unit of an experiment sold after its assignment, refunds with their sale; 0 where it sold nothing.
-- order: experiment
SELECT
    a.experiment AS experiment, a.unit_type AS unit_type, a.arm AS arm,
    sumIf(s.value, s.unit != '' AND s.sold_at >= a.since) AS value,
    toBool(countIf(s.unit != '' AND s.sold_at >= a.since AND s.no_rate) > 0) AS without_rate, any(a.flaw) AS flaw
FROM {model.assigned} AS a
LEFT JOIN {model.unit_sale} AS s ON s.of_experiment = if(a.is_slot, a.experiment, '') AND s.unit_type = a.unit_type AND s.unit = a.unit
GROUP BY a.experiment, a.unit_type, a.unit, a.arm
SETTINGS join_use_nulls = 0
