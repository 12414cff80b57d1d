SELECT minutes, visits_per_reply, low, high, reason
FROM response
WHERE brand = {brand}
ORDER BY minutes
