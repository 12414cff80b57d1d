-- Who carried it: what sharing brought, up the path of the clicks of 91 days, and what it set off, in the trees of posts of 91 days. The
-- brand's own accounts are left out, deleted ones, too. A line of money is cut after six decimals, like every other.
WITH
    line AS (
        SELECT
            p.brand AS brand, p.actor AS actor, p.root AS root, p.conversion AS conversion, s.person AS person,
            s.refund_of = '' AND s.amount >= 0 AS is_sale, toInt256(toDecimal256(p.credit, 6) * 1000000) AS units,
            if(s.base_currency = n.base_currency, intDiv(units * s.base_rate, toInt256('1000000000000000000')), NULL) AS credit,
            intDiv(credit * s.margin_rate, 1000000) AS margin
        FROM {model.path_credit} AS p
        INNER JOIN {model.sale} AS s ON s.conversion = p.conversion
        LEFT JOIN {model.base} AS n ON n.brand = p.brand
        WHERE p.model = 'decay_path' AND p.reason = '' AND p.actor != 0 AND NOT p.is_brand
            AND p.click IN (SELECT click FROM {model.click} WHERE time > {as_of} - INTERVAL 91 DAY AND time <= {as_of})),
    -- A sum is not known if one of its parts is not.
    brought AS (
        SELECT
            brand, actor, if(count(l.credit) = count(), sum(l.credit), NULL) AS credit, if(count(l.margin) = count(), sum(l.margin), NULL) AS margin,
            uniqExactIf(conversion, is_sale) AS sales, uniqExactIf(person, is_sale) AS buyers, uniqExact(root) AS posts
        FROM line AS l
        GROUP BY brand, actor),
    set_off AS (
        SELECT
            toString(c.brand) AS brand, node.actor AS actor, sum(toUInt64(node.children)) AS children, max(node.descendants) AS largest_subtree,
            toBool(max(c.spreaders > 32)) AS truncated
        FROM cascade_life AS c ARRAY JOIN top_nodes AS node
        WHERE c.root_time > {as_of} - INTERVAL 91 DAY AND c.root_time <= {as_of} AND node.actor != 0
            AND (toString(c.brand), node.actor) NOT IN (SELECT brand, actor FROM {model.brand_actor})
        GROUP BY brand, actor),
    every AS (SELECT brand, actor FROM brought UNION DISTINCT SELECT brand, actor FROM set_off)
SELECT
    e.brand AS brand, e.actor AS actor, s.children AS children, s.largest_subtree AS largest_subtree, s.truncated AS truncated,
    if(b.actor = 0, toDecimal128(0, 6), toDecimal128(toDecimal256(b.credit, 6) / 1000000, 6)) AS credit_base,
    if(b.actor = 0, toDecimal128(0, 6), toDecimal128(toDecimal256(b.margin, 6) / 1000000, 6)) AS margin_base,
    b.sales AS sales, b.buyers AS buyers, b.posts AS posts, if(b.sales > 0 AND b.buyers < 5, 'few_buyers', '') AS reason
FROM every AS e
LEFT JOIN set_off AS s ON s.brand = e.brand AND s.actor = e.actor
LEFT JOIN brought AS b ON b.brand = e.brand AND b.actor = e.actor
