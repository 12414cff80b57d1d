-- Who took part, how much, and against what was usual: activity per day, buzz, people. Days and weeks (from Monday) are
-- the brand's own: its time zone as of the day, UTC where the table brand says nothing. The base windows of 15 minutes
-- add up to every civil day.

-- Media prices in the reference currency, by channel and from a day on; NULL: no price, or no rate for its currency. A building block of activity_daily.
CREATE OR REPLACE VIEW media_price_list AS
SELECT
    w.channel AS channel, w.valid_from AS valid_from,
    maxIf(price, metric = 'share') AS share, maxIf(price, metric = 'reply') AS reply, maxIf(price, metric = 'reaction') AS reaction,
    maxIf(price, metric = 'click') AS click, maxIf(price, metric = 'impression') AS impression
FROM (
    SELECT
        p.channel AS channel, p.valid_from AS valid_from, p.metric AS metric,
        toDecimal256(p.price, 8) * if(p.currency = '', 1, nullIf(f.to_base, 0)) AS price
    FROM (
        SELECT
            n.channel AS channel, n.valid_from AS valid_from, n.metric AS metric,
            if(own.metric != '', own.price, every.price) AS price, if(own.metric != '', own.currency, every.currency) AS currency,
            own.metric != '' OR every.metric != '' AS priced
        FROM (
            SELECT channel, metric, valid_from
            FROM (SELECT channel FROM media_price UNION DISTINCT SELECT '') AS channels
            CROSS JOIN (SELECT arrayJoin(['share', 'reply', 'reaction', 'click', 'impression']) AS metric) AS metrics
            CROSS JOIN (
                SELECT valid_from FROM media_price
                UNION DISTINCT SELECT valid_from FROM fx WHERE currency IN (SELECT currency FROM media_price)
            ) AS days
        ) AS n
        ASOF LEFT JOIN (SELECT * FROM media_price FINAL) AS own ON own.channel = n.channel AND own.metric = n.metric AND n.valid_from >= own.valid_from
        ASOF LEFT JOIN (SELECT * FROM media_price FINAL WHERE channel = '') AS every ON every.metric = n.metric AND n.valid_from >= every.valid_from
    ) AS p
    ASOF LEFT JOIN (SELECT * FROM fx FINAL) AS f ON f.currency = p.currency AND p.valid_from >= f.valid_from
    WHERE p.priced
) AS w
GROUP BY channel, valid_from
SETTINGS join_use_nulls = 0
COMMENT 'Media prices in the reference currency, by channel and from a day on; NULL: no price, or no rate for its currency. A building block of activity_daily';

-- Weeks in which an account was known as a bot, as of its Sunday. A building block of people.
CREATE OR REPLACE VIEW bot_week AS
SELECT b.actor AS actor, w.week AS week
FROM (
    SELECT actor, class, valid_from, leadInFrame(valid_from, 1, toDate(65535)) OVER (PARTITION BY actor ORDER BY valid_from ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS until
    FROM actor FINAL
    WHERE actor IN (SELECT actor FROM actor WHERE class = 'bot')
) AS b
CROSS JOIN (SELECT DISTINCT toMonday(toDate(window_start) + arrayJoin([-1, 0, 1])) AS week FROM activity_window WHERE epoch != 65535) AS w
WHERE b.class = 'bot' AND w.week + 6 >= b.valid_from AND w.week + 6 < b.until
COMMENT 'Weeks in which an account was known as a bot, as of its Sunday. A building block of people';
