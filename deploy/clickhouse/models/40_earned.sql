-- One row a sale or refund and touch that it credits within the configured look-back: its part and its margin under each of the five
-- rules, in the order first, last, linear, position, time decay, and its revenue under the configured one. Amounts in millionths
-- of the base currency that the brand has now.
-- order: brand
WITH
    now AS (SELECT brand, argMax(base_currency, valid_from) AS base_currency FROM brand FINAL GROUP BY brand),
    -- Posts on the clock of the brand that sold: that of another brand may be a day behind, and the period another one.
    posted AS (
        SELECT s.brand AS brand, s.root AS root, toInt32(toDate(toDateTime(toInt64(toDateTime(s.root_time)) + k.utc_offset, 'UTC'))) AS day
        FROM (
            SELECT c.brand AS brand, c.root AS root, r.root_time AS root_time
            FROM (SELECT DISTINCT brand, root FROM {model.credit_by_rule} WHERE root != '') AS c
            INNER JOIN (SELECT root, root_time FROM roots WHERE root IN (SELECT root FROM {model.credit_by_rule} WHERE root != '')) AS r ON r.root = c.root) AS s
        ASOF LEFT JOIN brand_clock AS k ON k.brand = s.brand AND toDateTime(s.root_time) >= k.since),
    parts AS (
        SELECT
            conversion, c.brand AS brand, visit, click, any(touched_day) AS day, any(c.side) AS side, any(c.channel) AS channel, any(c.community) AS community,
            any(c.campaign) AS campaign, any(c.root) AS root, any(c.direct) AS direct, any(refund_of) != '' OR min(c.credit) < 0 AS is_refund,
            toInt64(toUnixTimestamp64Milli(any(at)) - toUnixTimestamp64Milli(any(touched))) AS age,
            toUnixTimestamp64Milli(any(c.sold_at)) AS sold_at, toInt32(any(c.day)) AS money_day,
            maxIf(c.before_direct, model = {rule}) AS before_direct,
            -- What is known of the way to the sale; a refund that came later says nothing of its own.
            any(multiIf(refund_of != '' AND c.sold_at != at, NULL, c.root != '', 3, c.tracked, 2, visit != '', 1, 0)) AS basis,
            sumIf(toInt128(toInt256(toDecimal256(ifNull(c.credit_base, 0), 6) * 1000000)), model = {rule}) AS revenue,
            [sumIf(c.share, model = 'first'), sumIf(c.share, model = 'last'), sumIf(c.share, model = 'linear'), sumIf(c.share, model = 'position'),
                sumIf(c.share, model = 'time_decay')] AS share,
            [sumIf(c.units, model = 'first'), sumIf(c.units, model = 'last'), sumIf(c.units, model = 'linear'), sumIf(c.units, model = 'position'),
                sumIf(c.units, model = 'time_decay')] AS margin,
            -- The first of the reasons by their order.
            min(multiIf(c.base_currency != n.base_currency, 1, c.credit_base IS NULL, 3, c.margin_base IS NULL, 4, 9)) AS missing
        FROM (
            SELECT *, toInt128(toInt256(toDecimal256(ifNull(margin_base, 0), 6) * 1000000)) AS units
            FROM {model.credit_by_rule} WHERE lookback_days = {lookback}) AS c
        LEFT JOIN now AS n ON n.brand = c.brand
        GROUP BY conversion, brand, visit, click)
SELECT
    toString(p.brand) AS brand, toInt32(p.day) AS day, toString(p.side) AS side, toString(p.channel) AS channel, toString(p.community) AS community,
    toString(p.campaign) AS campaign, if(p.root = '', 0, cityHash64(p.root)) AS root, if(d.root = '', NULL, d.day) AS root_day,
    toBool(p.direct) AS direct, toBool(p.is_refund) AS is_refund, p.age AS age, p.share AS share, p.margin AS margin,
    toUInt8(p.missing) AS missing, p.sold_at AS sold_at, p.money_day AS money_day, toNullable(toUInt8(p.basis)) AS basis,
    p.revenue AS revenue, toBool(p.before_direct) AS before_direct
FROM parts AS p LEFT JOIN posted AS d ON d.brand = p.brand AND d.root = p.root
