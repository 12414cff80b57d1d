SELECT minutes, visits_per_reply, low, high, beside_immediacy, reason
FROM response
WHERE brand = {brand}
ORDER BY minutes
