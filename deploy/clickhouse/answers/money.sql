-- The ledger: what was spent and what came back, on the day of the money. The cash view: never call a ratio of it ROI.
WITH
    entries AS (
        SELECT
            day, brand, if(campaign = '' AND NOT by_rule, '(unallocated)', campaign) AS campaign, channel, community, if(side = '', '(unallocated)', side) AS side, base_currency,
            arrayJoin([
                ('cost_money', toString(currency), toNullable(amount), money_base, toInt64(0), estimated, ''),
                ('cost_time', toString(time_currency), time_amount, time_base, seconds, estimated, if(time_amount IS NULL, 'missing_hourly_rate', ''))]) AS line
        FROM {model.cost}
        WHERE (line.1 = 'cost_money' AND line.3 != 0) OR line.5 != 0
        UNION ALL
        SELECT
            day, brand, campaign, channel, community, side, base_currency,
            arrayJoin([
                (if(refund_of != '' OR credit < 0, 'refund', 'revenue'), toString(currency), toNullable(credit), credit_base, toInt64(0), false, ''),
                ('margin', toString(currency), margin, margin_base, toInt64(0), false, if(margin IS NULL, 'missing_margin_rate', ''))]) AS line
        FROM {model.credit}
    )
SELECT
    m.day AS day, m.brand AS brand, m.campaign AS campaign, m.channel AS channel, m.community AS community, m.side AS side, m.entry AS entry,
    m.currency AS currency, m.amount AS amount, m.base_currency AS base_currency, m.amount_base AS amount_base,
    m.seconds AS seconds, m.estimated AS estimated, k.owner AS owner, m.reason AS reason
FROM (
    SELECT
        day, brand, campaign, channel, community, side, base_currency, line.1 AS entry, line.2 AS currency, line.6 AS estimated,
        multiIf(line.7 != '', line.7, line.4 IS NULL, 'missing_exchange_rate', '') AS reason,
        sum(line.3) AS amount, sum(line.4) AS amount_base, sum(line.5) AS seconds
    FROM entries
    GROUP BY day, brand, campaign, channel, community, side, entry, currency, base_currency, estimated, reason
) AS m
ASOF LEFT JOIN (SELECT campaign, valid_from, owner FROM campaign_row) AS k ON k.campaign = m.campaign AND m.day >= k.valid_from
