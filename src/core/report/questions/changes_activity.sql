SELECT day, sum(d.posts) AS posts, sum(d.shares) AS shares,
    sum(d.replies) - sum(d.brand_replies) AS audience_replies, sum(d.brand_replies) AS brand_replies,
    shares + audience_replies AS taken_part
FROM activity_daily AS d
WHERE brand = {brand} AND day BETWEEN {previous_from} AND {to}
GROUP BY day
ORDER BY day
