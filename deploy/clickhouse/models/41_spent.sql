-- What was spent on each day and thing, in millionths of the base currency that the brand has now.
-- order: brand
WITH (amount) -> toInt128(toInt256(toDecimal256(ifNull(amount, 0), 6) * 1000000)) AS units
SELECT
    toString(c.brand) AS brand, toInt32(c.day) AS day, if(c.side = '', '(unallocated)', toString(c.side)) AS side,
    if(c.channel = '(unallocated)', '', toString(c.channel)) AS channel, toString(c.community) AS community, toString(c.campaign) AS campaign,
    sum(units(c.money_base)) AS money, sum(units(c.time_base)) AS time, sum(units(c.time_base_low)) AS time_low, sum(units(c.time_base_high)) AS time_high,
    toInt64(sum(c.seconds)) AS seconds, toBool(max(c.worked)) AS timed, toBool(max(c.seconds_low IS NULL)) AS unbounded,
    toUInt8(min(multiIf(c.base_currency != n.base_currency, 1, c.time_amount IS NULL, 2, c.cost_base IS NULL, 3, 9))) AS missing
FROM (
    -- Whether the work of the day's week is known: time that was reckoned by a rule or logged, or conversation that was paid for, in
    -- whatever currency, as far as corrections have left some.
    SELECT
        *, (by_rule AND seconds > 0) OR sum(if(by_rule, 0, seconds)) OVER (PARTITION BY brand, toMonday(day)) > 0
            OR sum(if(side = 'conversation', amount, 0)) OVER (PARTITION BY brand, toMonday(day), currency) > 0 AS worked
    FROM {model.cost}) AS c
LEFT JOIN {model.base} AS n ON n.brand = c.brand
GROUP BY c.brand, c.day, side, channel, community, campaign
