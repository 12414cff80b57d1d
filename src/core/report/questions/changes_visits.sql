SELECT
    day,
    sumIf(visits, side = 'broadcast') AS broadcast_visits,
    sumIf(visits, side = 'conversation') AS conversation_visits,
    sumIf(visits, side NOT IN ('broadcast', 'conversation')) AS other_visits,
    broadcast_visits + conversation_visits + other_visits AS all_visits
FROM traffic
WHERE brand = {brand} AND day BETWEEN {previous_from} AND {to}
GROUP BY day
ORDER BY day
