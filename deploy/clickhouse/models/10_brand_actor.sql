-- Accounts of a brand: whoever is known to have written under its flag, and those that `actor` names. Rows say who wrote for the brand on
-- paths of clicks, among the shares that were shared on, and in windows in which nobody else replied.
-- order: brand, actor
SELECT DISTINCT toString(brand) AS brand, actor
FROM (
    SELECT brand, arrayJoin(arrayFilter((a, i) -> a != 0 AND path_is_brand[i], path_actors, arrayEnumerate(path_actors))) AS actor
    FROM {model.click}
    UNION ALL
    SELECT brand, node.actor AS actor FROM cascade_row ARRAY JOIN top_nodes AS node WHERE node.is_brand AND node.actor != 0
    UNION ALL
    SELECT brand, arrayJoin(repliers) AS actor FROM {model.happened} WHERE brand_replies > 0 AND brand_replies = replies
    UNION ALL
    SELECT brand, a.actor AS actor FROM actor AS a FINAL WHERE brand != ''
)
WHERE brand != ''
