SELECT day, sum(d.posts) AS posts, sum(d.shares) AS shares, sumIf(d.replies, side = 'conversation') AS replies,
    sumIf(d.brand_replies, side = 'conversation') AS brand_replies, sumIf(d.replies, side = 'broadcast') AS monologue
FROM activity_daily AS d
WHERE brand = {brand} AND day BETWEEN {from} AND {to}
GROUP BY day
ORDER BY day
