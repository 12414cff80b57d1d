-- Which places deserve the next hour: what `crate::answers::places` says, with the hours that were spent there and what people call them.
WITH
    called AS (
        SELECT channel, community, argMax(name, valid_from) AS name, tupleElement(argMax(tuple(members), valid_from), 1) AS members
        FROM place FINAL WHERE valid_from <= toDate({as_of}) GROUP BY channel, community),
    spent AS (
        SELECT p.brand AS brand, p.channel AS channel, p.community AS community, sum(c.seconds) / 3600 AS hours
        FROM {model.placed} AS p
        INNER JOIN (SELECT *, if(channel = '(unallocated)', '', channel) AS place FROM {model.cost}) AS c
            ON c.brand = p.brand AND c.place = p.channel AND c.community = p.community
        WHERE c.day >= p.period_start AND c.day < p.period_end
        GROUP BY brand, channel, community)
SELECT
    p.brand AS brand, p.channel AS channel, p.community AS community, p.* EXCEPT (brand, channel, community),
    c.name AS name, c.members AS members, toFloat64(s.hours) AS hours, n.base_currency AS base_currency
FROM {model.placed} AS p
LEFT JOIN called AS c ON c.channel = p.channel AND c.community = p.community
LEFT JOIN spent AS s ON s.brand = p.brand AND s.channel = p.channel AND s.community = p.community
LEFT JOIN {model.base} AS n ON n.brand = p.brand
