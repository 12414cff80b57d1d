-- What each unit of an experiment sold after its assignment, refunds with their sale; 0 where it sold nothing. Sales are those of the
-- brands whose posts carry the experiment, of all if none does: what others sold is nothing that its brands may read. `sellers` are the
-- brands whose sales count.
-- order: experiment
SELECT
    a.experiment AS experiment, a.unit_type AS unit_type, a.arm AS arm,
    sumIf(s.value, s.unit != '' AND s.sold_at >= a.since AND (empty(a.brands) OR has(a.brands, s.brand)) AS counts) AS value,
    toBool(countIf(counts AND s.no_rate) > 0) AS without_rate, groupUniqArrayIf(s.brand, counts) AS sellers, any(a.flaw) AS flaw
FROM (
    SELECT a.*, c.brands AS brands
    FROM {model.assigned} AS a LEFT JOIN (SELECT experiment, groupArray(brand) AS brands FROM {model.carried} GROUP BY experiment) AS c
    ON c.experiment = a.experiment) AS a
LEFT JOIN {model.unit_sale} AS s ON s.of_experiment = if(a.is_slot, a.experiment, '') AND s.unit_type = a.unit_type AND s.unit = a.unit
GROUP BY a.experiment, a.unit_type, a.unit, a.arm
