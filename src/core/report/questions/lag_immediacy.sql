SELECT p_conversation, p_broadcast, difference, difference_low, difference_high, verdict, reason
FROM immediacy
WHERE brand = {brand}
