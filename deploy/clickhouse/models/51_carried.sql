-- Which experiments the posts of a brand carry.
-- order: experiment
SELECT DISTINCT toString(r.experiment) AS experiment, toString(r.brand) AS brand
FROM root_row AS r
WHERE r.experiment IN (SELECT experiment FROM {model.assigned}) AND r.brand != ''
