-- Which person a visitor is from a day on, once for all of the run: it is learned all day.
-- order: visitor, since
SELECT visitor, since, toValidUTF8(person) AS person
FROM visitor_person
