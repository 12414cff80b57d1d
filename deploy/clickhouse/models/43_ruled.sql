-- Credited margin and sales of each day, channel and side under each rule and look-back, in millionths of the base currency that the
-- brand has now.
-- order: brand
WITH now AS (SELECT brand, argMax(base_currency, valid_from) AS base_currency FROM brand FINAL GROUP BY brand)
SELECT
    toString(c.brand) AS brand, toInt32(c.touched_day) AS day, toString(c.channel) AS channel, toString(c.side) AS side, toString(c.model) AS model,
    toUInt16(c.lookback_days) AS lookback_days, sum(toInt128(toInt256(toDecimal256(ifNull(c.margin_base, 0), 6) * 1000000))) AS margin,
    toUInt8(min(multiIf(c.base_currency != n.base_currency, 1, c.credit_base IS NULL, 3, c.margin_base IS NULL, 4, 9))) AS missing,
    sumIf(c.share, c.refund_of = '' AND c.credit >= 0) AS conversions
FROM {model.credit_by_rule} AS c LEFT JOIN now AS n ON n.brand = c.brand
GROUP BY c.brand, c.touched_day, c.channel, c.side, c.model, c.lookback_days
