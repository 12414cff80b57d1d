SELECT day, sum(d.posts) AS posts, sum(d.shares) AS shares, sum(d.replies) AS replies,
    sum(d.brand_replies) AS brand_replies
FROM activity_daily AS d
WHERE brand = {brand} AND day BETWEEN {from} AND {to}
GROUP BY day
ORDER BY day
