SELECT
    s.root AS root, r.url AS url, channel, community, root_time, shares, max_depth, levels, structural_virality, unique_actors,
    inferred_share, structure_exact, shares_of_all, posts_shared, effective_posts
FROM (
    SELECT
        *, sum(shares) OVER () AS shares_of_all, count() OVER () AS posts_shared,
        pow(shares_of_all, 2) / nullIf(sum(shares * shares) OVER (), 0) AS effective_posts
    FROM (SELECT *, size - 1 AS shares FROM cascade_shape)
    WHERE brand = {brand} AND is_brand AND toDate(root_time, {timezone}) BETWEEN {from} AND {to}
    ORDER BY shares DESC, root
    LIMIT 10
) AS s
LEFT ANY JOIN (SELECT root, url FROM roots WHERE brand = {brand}) AS r ON r.root = s.root
ORDER BY shares DESC, root
