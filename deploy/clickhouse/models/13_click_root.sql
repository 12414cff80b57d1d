-- One row a root: of the clicks from 10 seconds to 24 hours after what was clicked, how many came within 15 minutes, by side. What
-- comes sooner are machines.
-- order: brand, root
SELECT
    toString(brand) AS brand, root,
    countIf(side = 'conversation' AND lag_ms < 900000) AS conversation_early, countIf(side = 'conversation') AS conversation,
    countIf(side = 'broadcast' AND lag_ms < 900000) AS broadcast_early, countIf(side = 'broadcast') AS broadcast
FROM {model.clicked}
WHERE class = 'click' AND lag_ms >= 10000
GROUP BY brand, root
