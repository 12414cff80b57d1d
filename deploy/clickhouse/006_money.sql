-- What was spent. Amounts stay in their own currency, exact to the last of six decimals; figures in the brand's base currency stand beside
-- them (`*_base`): rates between two currencies are cut after 18 decimals, each line's figure after six. Exchange rates and hourly rates hold
-- as of the day of the money in the brand's time zone, so a corrected row restates history. A missing rate makes a figure NULL and never 0.

-- Costs with the brand that bears them and the days of its own that they cover: from that of the period's start to that of its last millisecond. A building block of cost_day and coverage.
CREATE OR REPLACE VIEW cost_span AS
SELECT
    c.brand AS brand, c.campaign AS campaign, c.channel AS channel, c.community AS community, c.side AS side, c.kind AS kind, c.role AS role, c.currency AS currency,
    ifNull(c.amount, 0) AS amount, c.estimated AS estimated, ifNull(c.seconds, 0) AS seconds, coalesce(c.seconds_low, c.seconds, 0) AS seconds_low, coalesce(c.seconds_high, c.seconds, 0) AS seconds_high,
    -- An estimate without bounds has no interval, however narrow the rest of it is.
    c.estimated AND c.seconds IS NOT NULL AND (c.seconds_low IS NULL OR c.seconds_high IS NULL) AS unbounded,
    toDate(toDateTime(toInt64(c.begins) + s.utc_offset, 'UTC')) AS first_day, toDateTime(toInt64(toDateTime(first_day, 'UTC')) + 43200 - s.utc_offset, 'UTC') AS noon,
    toInt64(greatest(1, toInt64(toDate(toDateTime(toInt64(c.ends) + e.utc_offset, 'UTC'))) - toInt64(first_day) + 1)) AS days
FROM (
    -- A cost that names only its campaign belongs to the campaign's brand.
    SELECT o.* EXCEPT (brand), if(o.brand != '', o.brand, k.brand) AS brand
    FROM (SELECT *, toDateTime(ifNull(period_start, time)) AS begins, toDate(begins) AS as_of, ifNull(toDateTime(period_end - toIntervalMillisecond(1)), begins) AS ends FROM cost_row) AS o
    ASOF LEFT JOIN (SELECT campaign, valid_from, brand FROM campaign_row) AS k ON k.campaign = o.campaign AND o.as_of >= k.valid_from
) AS c
ASOF LEFT JOIN brand_clock AS s ON s.brand = c.brand AND c.begins >= s.since
ASOF LEFT JOIN brand_clock AS e ON e.brand = c.brand AND c.ends >= e.since
SETTINGS join_use_nulls = 0
COMMENT 'Costs with the brand that bears them and the days of its own that they cover: from that of the period''s start to that of its last millisecond. A building block of cost_day and coverage';

-- Cost by the brand's own days: what was logged, and time by rule where a brand logged none in a week; monologues take no time by rule. A building block of money and roi.
CREATE OR REPLACE VIEW cost_day AS
WITH
    -- Beyond any real price the product would not fit its type: NULL, like what has no rate.
    (quantity, price) -> toDecimal128(toDecimal256(quantity, 6) * if(abs(toFloat64(quantity)) * toFloat64(price) < 1e30, toDecimal256(price, 18), NULL), 6) AS worth,
    -- Each of D days takes trunc(u (i + 1) / D) - trunc(u i / D) of u units: the days add up to the whole.
    logged AS (
        SELECT
            brand, campaign, channel, community, side, kind, role, currency, estimated, unbounded, first_day + i AS day,
            toDecimal128(toDecimal256(intDiv(units * (i + 1), days) - intDiv(units * i, days), 6) / 1000000, 6) AS amount,
            toInt64(intDiv(seconds * (i + 1), days) - intDiv(seconds * i, days)) AS seconds,
            toInt64(intDiv(seconds_low * (i + 1), days) - intDiv(seconds_low * i, days)) AS seconds_low,
            toInt64(intDiv(seconds_high * (i + 1), days) - intDiv(seconds_high * i, days)) AS seconds_high
        FROM (SELECT * EXCEPT (amount, seconds, seconds_low, seconds_high), toInt256(toDecimal256(amount, 6) * 1000000) AS units, toInt128(seconds) AS seconds, toInt128(seconds_low) AS seconds_low, toInt128(seconds_high) AS seconds_high FROM cost_span)
        ARRAY JOIN range(days) AS i
    ),
    replied AS (
        SELECT a.brand AS brand, a.campaign AS campaign, a.channel AS channel, a.community AS community,
            toDate(toDateTime(toInt64(a.window_start) + k.utc_offset, 'UTC')) AS day, sum(a.brand_replies) AS replies
        FROM activity AS a
        ASOF LEFT JOIN brand_clock AS k ON k.brand = a.brand AND a.window_start >= k.since
        WHERE a.brand_replies > 0 AND NOT a.monologue AND a.brand IN (SELECT brand FROM brand FINAL WHERE seconds_per_reply IS NOT NULL)
        GROUP BY brand, campaign, channel, community, day
    ),
    either AS (
        SELECT day, brand, campaign, if(channel = '' AND community = '', '(unallocated)', channel) AS channel, community, side, kind, false AS by_rule, role,
            currency, amount, estimated, unbounded, seconds, seconds_low, seconds_high
        FROM logged
        UNION ALL
        SELECT
            r.day AS day, r.brand AS brand, r.campaign AS campaign, r.channel AS channel, r.community AS community,
            'conversation' AS side, 'replies' AS kind, true AS by_rule, b.reply_role AS role, '' AS currency, toDecimal128(0, 6) AS amount,
            true AS estimated, b.seconds_per_reply_low IS NULL OR b.seconds_per_reply_high IS NULL AS unbounded,
            toInt64(r.replies * assumeNotNull(b.seconds_per_reply)) AS seconds,
            toInt64(r.replies * ifNull(b.seconds_per_reply_low, assumeNotNull(b.seconds_per_reply))) AS seconds_low,
            toInt64(r.replies * ifNull(b.seconds_per_reply_high, assumeNotNull(b.seconds_per_reply))) AS seconds_high
        FROM replied AS r
        ASOF INNER JOIN (SELECT * FROM brand FINAL) AS b ON b.brand = r.brand AND r.day >= b.valid_from
        WHERE b.seconds_per_reply > 0
    ),
    -- Time by rule only in weeks without any that was logged, and not all taken back.
    spent AS (
        SELECT * FROM (SELECT *, sum(if(by_rule, 0, seconds)) OVER (PARTITION BY brand, toMonday(day)) > 0 AS is_logged FROM either) WHERE NOT (by_rule AND is_logged)
    ),
    rated AS (
        SELECT
            c.day AS day, c.brand AS brand, c.campaign AS campaign, c.channel AS channel, c.community AS community, c.side AS side, c.kind AS kind, c.by_rule AS by_rule, c.role AS role,
            c.currency AS currency, c.amount AS amount, c.estimated AS estimated, c.unbounded AS unbounded, c.seconds AS seconds, c.seconds_low AS seconds_low, c.seconds_high AS seconds_high,
            l.currency AS time_currency, if(l.role = '', NULL, l.rate) AS hour_rate, b.base_currency AS base_currency
        FROM spent AS c
        ASOF LEFT JOIN (SELECT role, valid_from, rate, currency FROM labour_rate FINAL WHERE role != '') AS l ON l.role = c.role AND c.day >= l.valid_from
        ASOF LEFT JOIN (SELECT brand, valid_from, base_currency FROM brand FINAL) AS b ON b.brand = c.brand AND c.day >= b.valid_from
    ),
    converted AS (
        SELECT
            c.*, if(c.base_currency = '', toDecimal64(1, 8), nullIf(g.to_base, 0)) AS base_to_reference,
            if(c.currency = c.base_currency AND c.currency != '', toDecimal256(1, 18), toDecimal256(nullIf(f.to_base, 0), 18) / base_to_reference) AS money_rate,
            if(c.time_currency = c.base_currency AND c.time_currency != '', toDecimal256(1, 18), toDecimal256(nullIf(h.to_base, 0), 18) / base_to_reference) * c.hour_rate AS hour_base
        FROM rated AS c
        ASOF LEFT JOIN (SELECT currency, valid_from, to_base FROM fx FINAL) AS f ON f.currency = c.currency AND c.day >= f.valid_from
        ASOF LEFT JOIN (SELECT currency, valid_from, to_base FROM fx FINAL) AS g ON g.currency = c.base_currency AND c.day >= g.valid_from
        ASOF LEFT JOIN (SELECT currency, valid_from, to_base FROM fx FINAL) AS h ON h.currency = c.time_currency AND c.day >= h.valid_from
    )
SELECT
    c.day AS day, c.brand AS brand, c.campaign AS campaign, c.channel AS channel, c.community AS community, c.side AS side, c.kind AS kind, c.by_rule AS by_rule, c.role AS role, c.estimated AS estimated,
    c.amount AS amount, c.currency AS currency,
    c.seconds AS seconds, if(c.unbounded, NULL, c.seconds_low) AS seconds_low, if(c.unbounded, NULL, c.seconds_high) AS seconds_high,
    if(c.seconds = 0, toDecimal128(0, 6), toDecimal128(worth(c.seconds, c.hour_rate) / 3600, 6)) AS time_amount, if(c.seconds = 0, '', c.time_currency) AS time_currency,
    if(c.amount = 0, toDecimal128(0, 6), worth(c.amount, c.money_rate)) AS money_base,
    if(c.seconds = 0, toDecimal128(0, 6), toDecimal128(worth(c.seconds, c.hour_base) / 3600, 6)) AS time_base,
    if(seconds_low = 0, toDecimal128(0, 6), toDecimal128(worth(seconds_low, c.hour_base) / 3600, 6)) AS time_base_low,
    if(seconds_high = 0, toDecimal128(0, 6), toDecimal128(worth(seconds_high, c.hour_base) / 3600, 6)) AS time_base_high,
    money_base + time_base AS cost_base, c.base_currency AS base_currency
FROM converted AS c
SETTINGS join_use_nulls = 0
COMMENT 'Cost by the brand''s own days: what was logged, and time by rule where a brand logged none in a week. A building block of money and roi';
