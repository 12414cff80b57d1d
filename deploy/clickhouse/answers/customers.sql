-- Who bought for the first time and who came back, by the month of the sale on the brand's own days and the side that the sale is credited
-- to (last touch that is not direct, 30 days). First is the first sale ever of the person to the brand. A refund counts with its sale.
WITH
    line AS (
        SELECT
            c.brand AS brand, toStartOfMonth(s.sold_day) AS month, c.side AS side, s.person AS person, s.refund_of = '' AND s.amount >= 0 AS is_sale,
            is_sale AND person != '' AND row_number() OVER (PARTITION BY c.brand, person, is_sale ORDER BY s.sold_at, c.conversion) = 1 AS is_first,
            c.credit_base AS credit,
            multiIf(s.base_currency != n.base_currency, 'other_currency', credit IS NULL, 'missing_exchange_rate', '') AS lacks
        FROM {model.credit} AS c
        INNER JOIN {model.sale} AS s ON s.conversion = c.conversion
        LEFT JOIN {model.base} AS n ON n.brand = c.brand)
SELECT
    brand, month, side,
    countIf(is_first) AS new_customers, uniqExactIf(person, is_sale AND person != '') - new_customers AS returning_customers,
    countIf(is_sale) AS sales, countIf(is_sale AND person = '') AS sales_without_visitor,
    if(reason = '', sum(l.credit), NULL) AS revenue_base,
    multiIf(max(lacks = 'other_currency'), 'other_currency', max(lacks = 'missing_exchange_rate'), 'missing_exchange_rate', '') AS reason
FROM line AS l
GROUP BY brand, month, side
