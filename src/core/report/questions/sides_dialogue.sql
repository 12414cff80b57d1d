SELECT root, channel, community, size - 1 AS replies, max_depth, levels, unique_actors, brand_replies, two_wayness,
    dyad_reciprocity, h_index, longest_exchange
FROM thread_shape
WHERE brand = {brand} AND toDate(root_time, {timezone}) BETWEEN {from} AND {to}
ORDER BY size DESC, root
LIMIT 5
