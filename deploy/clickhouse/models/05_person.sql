-- Which person a visitor is from a day on, once for all of the run: it is learned all day, and mostly late, at a purchase. The first
-- row also holds before its day.
-- order: visitor, since
SELECT
    visitor, if(row_number() OVER (PARTITION BY visitor ORDER BY valid_from) = 1, toDate(0), valid_from) AS since,
    toValidUTF8(person) AS person
FROM identity FINAL
