-- One row a conversion: whose touches count for it and up to when, and what it is worth. Money and rates as whole numbers of their
-- last decimal: millionths, and 10^-18 of the base currency.
-- order: person, brand
SELECT
    person, toString(brand) AS brand, conversion, sold_at, sold_day, toInt128(toInt256(toDecimal256(amount, 6) * 1000000)) AS amount, refund_of,
    toInt32(toDecimal64(margin_rate, 6) * 1000000) AS margin_rate,
    toInt128(toInt256(toDecimal256(base_rate, 18) * toInt256('1000000000000000000'))) AS base_rate,
    at, day, toString(kind) AS kind, toString(currency) AS currency, toString(base_currency) AS base_currency
FROM conversion_value
