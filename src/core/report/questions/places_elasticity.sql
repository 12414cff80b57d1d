SELECT elasticity, low, high, p_value, lead_z, verdict, communities, days, reason
FROM elasticity
WHERE brand = {brand}
