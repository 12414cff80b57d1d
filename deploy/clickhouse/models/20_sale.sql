-- One row a conversion: whose touches count for it and up to when, and what it is worth. Money and rates as whole numbers of their
-- last decimal: millionths, and 10^-18 of the base currency.
-- order: person, brand
WITH
    -- A refund stands on the brand and the touches of its sale, whichever came first; one whose sale is not known stands on its own.
    sold AS (
        SELECT
            c.id AS conversion, c.time AS at, toDateTime(c.time) AS at_second, if(s.brand != '', s.brand, c.brand) AS brand,
            c.kind AS kind, c.currency AS currency, c.amount AS amount, c.refund_of AS refund_of,
            ifNull(c.margin_rate, s.margin_rate) AS own_margin_rate,
            if(s.id != '', s.time, c.time) AS sold_at, toDateTime(sold_at) AS sold_second,
            if(s.id != '', s.visitor, c.visitor) AS visitor, if(s.id != '', s.has_visitor, c.has_visitor) AS has_visitor
        FROM conversion_row AS c
        LEFT ANY JOIN (
            SELECT id, time, visitor, has_visitor, brand, margin_rate FROM conversion_row
            WHERE id IN (SELECT refund_of FROM conversion_row WHERE refund_of != '')) AS s ON s.id = c.refund_of),
    dated AS (
        SELECT c.*, toDate(toDateTime(toInt64(c.at_second) + k.utc_offset, 'UTC')) AS day
        FROM (
            SELECT s.*, toDate(toDateTime(toInt64(s.sold_second) + k.utc_offset, 'UTC')) AS sold_day
            FROM sold AS s ASOF LEFT JOIN {model.clock} AS k ON k.brand = s.brand AND s.sold_second >= k.since) AS c
        ASOF LEFT JOIN {model.clock} AS k ON k.brand = c.brand AND c.at_second >= k.since),
    if(c.currency = n.base_currency AND c.currency != '', toDecimal128(1, 18),
        toDecimal128(
            toDecimal256(nullIf(f.to_base, 0), 18) / if(n.base_currency = '', toDecimal64(1, 8), nullIf(g.to_base, 0)), 18)) AS rate,
    -- Beyond any real price the product would not fit its type.
    if(abs(toFloat64(c.amount)) * toFloat64(rate) < 1e30, rate, NULL) AS fitting_rate
SELECT
    multiIf(NOT c.has_visitor, '', p.person != '', p.person, toString(c.visitor)) AS person, toString(c.brand) AS brand,
    c.conversion AS conversion, c.sold_at AS sold_at, c.sold_day AS sold_day,
    toInt128(toInt256(toDecimal256(c.amount, 6) * 1000000)) AS amount, c.refund_of AS refund_of,
    toInt32(toDecimal64(ifNull(c.own_margin_rate, b.margin_rate), 6) * 1000000) AS margin_rate,
    toInt128(toInt256(toDecimal256(fitting_rate, 18) * toInt256('1000000000000000000'))) AS base_rate,
    c.at AS at, c.day AS day, toString(c.kind) AS kind, toString(c.currency) AS currency,
    toValidUTF8(toString(n.base_currency)) AS base_currency
FROM dated AS c
ASOF LEFT JOIN (SELECT brand, valid_from, base_currency FROM brand FINAL) AS n ON n.brand = c.brand AND c.day >= n.valid_from
ASOF LEFT JOIN (SELECT brand, valid_from, margin_rate FROM brand FINAL) AS b ON b.brand = c.brand AND c.sold_day >= b.valid_from
ASOF LEFT JOIN {model.person} AS p ON p.visitor = c.visitor AND c.sold_day >= p.since
ASOF LEFT JOIN (SELECT currency, valid_from, to_base FROM fx FINAL) AS f ON f.currency = c.currency AND c.day >= f.valid_from
ASOF LEFT JOIN (SELECT currency, valid_from, to_base FROM fx FINAL) AS g ON g.currency = n.base_currency AND c.day >= g.valid_from
