SELECT side, bin, sum(c.clicks) AS clicks, sum(c.unconfirmed) AS unconfirmed, sum(c.participant) AS participants
FROM click_lag AS c
WHERE brand = {brand} AND side IN ('broadcast', 'conversation') AND bin != ''
GROUP BY side, bin
ORDER BY side DESC, indexOf(['before', '0-10 s', '10-60 s', '1-5 min', '5-15 min', '15-60 min', '1-4 h', '4-24 h'], bin)
