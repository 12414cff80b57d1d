-- One row a conversion: whose touches count for it and up to when, and what it is worth. Money and rates as whole numbers of their
-- last decimal: millionths, and 10^-18 of the base currency.
-- order: person, brand
SELECT
    multiIf(NOT c.has_visitor, '', p.person != '', p.person, toString(c.visitor)) AS person, toString(c.brand) AS brand, c.conversion AS conversion,
    c.sold_at AS sold_at, c.sold_day AS sold_day, toInt128(toInt256(toDecimal256(c.amount, 6) * 1000000)) AS amount, c.refund_of AS refund_of,
    toInt32(toDecimal64(c.margin_rate, 6) * 1000000) AS margin_rate,
    toInt128(toInt256(toDecimal256(c.base_rate, 18) * toInt256('1000000000000000000'))) AS base_rate,
    c.at AS at, c.day AS day, toString(c.kind) AS kind, toString(c.currency) AS currency, toValidUTF8(toString(c.base_currency)) AS base_currency
FROM conversion_value AS c
ASOF LEFT JOIN {model.person} AS p ON p.visitor = c.visitor AND c.sold_day >= p.since
