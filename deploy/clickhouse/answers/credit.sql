-- Whose credit each sale and refund is by the last touch that is not direct, within 30 days.
SELECT *
FROM {model.credit_by_rule}
WHERE model = 'last' AND lookback_days = 30
