-- The brands' clocks, once for all of the run.
-- order: brand, since
SELECT * FROM brand_clock
