-- Sales and refunds by the unit that they count for, in the reference currency as of the day of the money: of a visitor and of a person
-- their own, of a root and a community those that the configured rule gives them. Those of a time slot are of one experiment: their last
-- touch by that rule came within it, of the brands whose posts carry the experiment, of all if none does.
-- order: unit_type, unit
WITH
    slot AS (
        SELECT experiment, unit, assumeNotNull(a.begins) AS begins, assumeNotNull(a.ends) AS ends
        FROM {model.assigned} AS a WHERE a.is_slot AND a.ends IS NOT NULL),
    (SELECT groupArray((s.experiment, c.brands)) FROM (SELECT DISTINCT experiment FROM slot) AS s
        LEFT JOIN (SELECT experiment, groupArray(brand) AS brands FROM {model.carried} GROUP BY experiment) AS c
        ON c.experiment = s.experiment) AS trials,
    buyer AS (
        SELECT c.id AS conversion, if(s.id != '', s.visitor, c.visitor) AS visitor
        FROM conversion_row AS c LEFT ANY JOIN (SELECT * FROM conversion_row WHERE has_visitor) AS s ON s.id = c.refund_of
        WHERE s.id != '' OR c.has_visitor),
    credited AS (SELECT *, toFloat64(credit) AS amount FROM {model.credit}),
    slot_sale AS (
        SELECT trial.1 AS of_experiment, touched, brand, sold_at, day, currency, amount
        FROM credited ARRAY JOIN trials AS trial
        WHERE side != 'unattributed' AND (empty(trial.2) OR has(trial.2, brand))),
    sale AS (
        SELECT '' AS of_experiment, 'person' AS unit_type, person AS unit, brand, sold_at, day, currency, toFloat64(amount) / 1e6 AS amount
        FROM {model.sale} WHERE person != ''
        UNION ALL
        SELECT '', 'visitor', toString(b.visitor), v.brand, v.sold_at, v.day, v.currency, toFloat64(v.amount) / 1e6
        FROM {model.sale} AS v INNER ANY JOIN buyer AS b ON b.conversion = v.conversion
        UNION ALL
        SELECT '', 'root', root, brand, sold_at, day, currency, amount FROM credited WHERE root != ''
        UNION ALL
        SELECT '', 'community', toString(community), brand, sold_at, day, currency, amount FROM credited WHERE community != ''
        UNION ALL
        SELECT k.of_experiment, 'time_slot', s.unit, k.brand, k.sold_at, k.day, k.currency, k.amount
        FROM slot_sale AS k ASOF LEFT JOIN slot AS s ON s.experiment = k.of_experiment AND k.touched >= s.begins
        WHERE s.unit != '' AND k.touched < s.ends)
SELECT
    s.of_experiment AS of_experiment, s.unit_type AS unit_type, s.unit AS unit, toString(s.brand) AS brand, s.sold_at AS sold_at,
    s.amount * toFloat64(f.to_base) AS value, f.to_base = 0 AS no_rate
FROM sale AS s
ASOF LEFT JOIN (SELECT currency, valid_from, to_base FROM fx FINAL) AS f ON f.currency = s.currency AND s.day >= f.valid_from
