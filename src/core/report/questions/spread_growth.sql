SELECT dateDiff('second', b.root_time, g.window_start) / 3600 AS hours, g.cumulative_shares AS shares
FROM cascade_growth AS g
INNER JOIN (
    SELECT root, root_time FROM cascade_shape
    WHERE brand = {brand} AND is_brand AND toDate(root_time, {timezone}) BETWEEN {from} AND {to}
    ORDER BY size DESC, root LIMIT 1
) AS b ON b.root = g.root
WHERE g.shares > 0
ORDER BY g.window_start
