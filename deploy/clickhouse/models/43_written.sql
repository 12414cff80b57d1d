-- What each brand wrote under each root on each of its days, whether anything came of it or not: posts, and replies in conversation.
-- order: brand
SELECT DISTINCT
    toString(h.brand) AS brand, toInt32(h.day) AS day, if(h.wrote = 1, 'broadcast', 'conversation') AS side, toString(h.channel) AS channel,
    toString(h.community) AS community, cityHash64(h.root) AS root
FROM (
    SELECT *, arrayJoin(arrayFilter(way -> way > 0, [if(posts > 0 AND is_brand, 1, 0), if(brand_replies > 0 AND NOT monologue, 2, 0)])) AS wrote
    FROM {model.happened} WHERE (posts > 0 AND is_brand) OR brand_replies > 0) AS h
WHERE brand != ''
