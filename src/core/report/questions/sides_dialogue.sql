SELECT s.root AS root, r.url AS url, channel, community, size - 1 AS replies, max_depth, levels, unique_actors, brand_replies, two_wayness,
    dyad_reciprocity, h_index, longest_exchange
FROM (
    SELECT * FROM thread_shape
    WHERE brand = {brand} AND toDate(root_time, {timezone}) BETWEEN {from} AND {to}
    ORDER BY size DESC, root
    LIMIT 5
) AS s
LEFT ANY JOIN (SELECT root, url FROM roots WHERE brand = {brand}) AS r ON r.root = s.root
ORDER BY replies DESC, root
