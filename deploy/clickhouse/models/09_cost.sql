-- What was spent on each day: worked out once for all of the run.
-- order: tuple()
SELECT * FROM cost_day
