-- Whose credit each sale and refund is by the configured rule, within its look-back.
SELECT *
FROM {model.credit_by_rule}
WHERE model = {rule} AND lookback_days = {lookback}
