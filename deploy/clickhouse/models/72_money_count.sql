-- Of money: what coverage counts, and which rates are needed: none between a currency and the same, between two one for each but the
-- reference currency, whose name is empty.
-- order: tuple()
WITH
    (currency, base) -> arrayMap(c -> ('missing rates', toUInt64(1), c, ''),
        multiIf(currency = base AND currency != '', [], base = '', [currency], [currency, base])) AS rates,
    sold AS (
        SELECT brand, toDateTime(v.at) AS at, day,
            arrayConcat(
                [('conversions', toUInt64(1), '', ''), ('conversions with a visitor', toUInt64(person != ''), '', ''),
                    ('conversions without a margin', toUInt64(margin_rate IS NULL), '', '')],
                rates(toString(currency), toString(base_currency))) AS entries
        FROM {model.sale} AS v),
    -- A cost counts in each week of its period, time and rates on each of its days; at noon, so that no change of clocks moves it to
    -- another. A day has time, and so has its week, as far as corrections leave some.
    each AS (
        SELECT
            *, i, first_day + i AS day, i = 0 OR day = toMonday(day) AS is_counted,
            toInt64(intDiv(toInt128(seconds) * (i + 1), days) - intDiv(toInt128(seconds) * i, days)) AS day_seconds,
            sum(day_seconds) OVER (PARTITION BY brand, day) > 0
                AND sum(day_seconds) OVER (PARTITION BY brand, toMonday(day)) > 0 AS is_timed
        FROM cost_span ARRAY JOIN range(toUInt32(days)) AS i),
    spent AS (
        SELECT c.brand AS brand, c.noon + 86400 * c.i AS at, c.day AS day,
            arrayConcat(
                [('costs', toUInt64(is_counted), '', ''), ('time logged', toUInt64(is_timed), '', ''),
                    ('costs with a place', toUInt64(is_counted AND (c.channel != '' OR c.community != '')), '', '')],
                if(c.day_seconds != 0 AND l.role = '',
                    [('missing rates', toUInt64(1), '', if(c.role = '', 'time without a role', toString(c.role)))], []),
                if(c.amount != 0, rates(toString(c.currency), toString(b.base_currency)), []),
                if(c.day_seconds != 0 AND l.role != '', rates(toString(l.currency), toString(b.base_currency)), [])) AS entries
        FROM each AS c
        ASOF LEFT JOIN (SELECT role, valid_from, currency FROM labour_rate FINAL WHERE role != '') AS l
            ON l.role = c.role AND c.day >= l.valid_from
        ASOF LEFT JOIN (SELECT brand, valid_from, base_currency FROM brand FINAL) AS b ON b.brand = c.brand AND c.day >= b.valid_from),
    every AS (
        SELECT brand, at, day, entry, entry.3 AS currency
        FROM (SELECT * FROM sold UNION ALL SELECT * FROM spent) ARRAY JOIN entries AS entry)
SELECT
    m.brand AS brand, m.at AS at, m.entry.1 AS metric, m.entry.2 AS number,
    multiIf(metric != 'missing rates', '', m.entry.4 != '', 'an hourly rate for ' || m.entry.4, m.currency = '', 'the currency',
        'an exchange rate for ' || m.currency) AS name
FROM every AS m
ASOF LEFT JOIN (SELECT currency, valid_from, to_base FROM fx FINAL) AS f ON f.currency = m.currency AND m.day >= f.valid_from
WHERE m.entry.1 != 'missing rates' OR m.entry.4 != '' OR f.to_base = 0
