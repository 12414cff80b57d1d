-- Credit up the reshare path, per sharer and generation: accounting rules, not causes; filter by model. NULL with a reason where the path is not known.
-- order: brand, conversion
WITH
    (u, w) -> arrayMap((x, i) -> toDecimal128(toDecimal256(sign(u) * (intDiv(abs(u) * x, arraySum(w))
        + (indexOf(arraySort(j -> (-((abs(u) * w[j]) % arraySum(w)), j), arrayEnumerate(w)), i) <= abs(u) - arraySum(arrayMap(z -> intDiv(abs(u) * z, arraySum(w)), w)))), 6) / 1000000, 6), w, arrayEnumerate(w)) AS split,
    traced AS (SELECT * FROM {model.credit} WHERE click != ''),
    -- The path as it was known at the click: the root, what the row left out, the nearest nodes. Neighbours of one known account are one.
    path AS (
        SELECT
            a.conversion AS conversion, a.at AS at, a.day AS day, a.brand AS brand, a.currency AS currency, a.root AS root, a.click AS click, a.credit AS value,
            p.depth AS depth, p.path_actors AS nodes, toUInt32(greatest(0, toInt64(depth) + 1 - length(nodes))) AS cut,
            multiIf(p.target_kind = 'unknown', 'target_unknown', toUInt64(p.path_inferred) * 2 > depth, 'path_inferred', '') AS reason,
            arrayFilter((actor, i) -> i = 1 OR (i = 2 AND cut > 0) OR actor = 0 OR actor != nodes[i - 1], nodes, arrayEnumerate(nodes)) AS actors,
            length(actors) + cut - 1 AS deepest,
            arrayMap(i -> toInt32(if(i = 1, 0, deepest + i - length(actors))), arrayEnumerate(actors)) AS generations
        FROM traced AS a INNER JOIN {model.click} AS p ON p.click = a.click
    ),
    weighed AS (
        SELECT *,
            arrayPushBack(arrayMap(g -> toInt256(round(4294967296 * if(model = 'equal_path', 1., exp2(toFloat64(g) - deepest)))), generations),
                toInt256(round(4294967296 * multiIf(cut = 0, 0., model = 'equal_path', toFloat64(cut), exp2(2. - length(actors)) - exp2(1. - deepest))))) AS weights
        FROM path CROSS JOIN (SELECT arrayJoin(['equal_path', 'decay_path']) AS model) AS x
    )
SELECT
    model, conversion, at, day, brand, currency, root, click, actor, toBool((toString(brand), actor) IN (SELECT brand, actor FROM {model.brand_actor})) AS is_brand, generation,
    toNullable(if(reason = '', part, NULL)) AS credit, reason
FROM weighed
ARRAY JOIN arrayPushBack(actors, 0) AS actor, arrayPushBack(generations, -1) AS generation, split(toInt256(toDecimal256(value, 6) * 1000000), weights) AS part
WHERE generation >= 0 OR cut > 0
