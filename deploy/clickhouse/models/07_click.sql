-- Clicks with the dimensions of their root post: joined once for all of the run.
-- order: tuple()
SELECT * FROM click_place
