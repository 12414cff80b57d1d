-- What each arm of an experiment sold per assigned unit, and how far that is from the control arm: intention to treat, by the first assignment of a
-- unit, in the reference currency as of the days of the money. Units that sold nothing are zeros; what was sold before the assignment does not count,
-- its refunds neither (a time slot bounds its sales itself). Sales of a root or a community are those that `credit` gives it (last touch that is not direct, 30 days). Control is the arm
-- `control`, else the first by name.
-- A time slot is named by its start and lasts to the next of its experiment, at most as long as the commonest distance between two of them (of equally
-- common ones the shortest), the last one as long as that: days may have 23 hours, and slots may come in blocks. Its sales are those whose last touch, by the
-- same rule, came within it, of the brands whose posts carry the experiment, of all if none does; a slot is no unit before the data reach its end
-- (the last one's, which none follows: as if it had an hour less, but no less than the shortest).
WITH
    {as_of} AS reached,
    drawn AS (
        SELECT
            experiment, unit_type, unit, begins, argMin(a.arm, (a.time, a.id)) AS arm, unit_type = 'time_slot' AS is_slot, if(is_slot, toDateTime64(0, 3, 'UTC'), min(a.time)) AS since,
            dateDiff('millisecond', begins, leadInFrame(begins) OVER (PARTITION BY experiment, is_slot ORDER BY begins ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING)) AS distance
        FROM (
            SELECT r.experiment AS experiment, r.unit_type AS unit_type,
                if(unit_type = 'time_slot' AND match(r.unit, '^([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*|[0-9]{9,10})$'), parseDateTime64BestEffortOrNull(r.unit, 3, 'UTC'), NULL) AS begins,
                ifNull(toString(begins), r.unit) AS unit, r.arm AS arm, r.time AS time, r.id AS id
            FROM assignment_row AS r
        ) AS a
        GROUP BY experiment, unit_type, unit, begins
    ),
    assigned AS (
        SELECT *, multiIf(NOT is_slot, '', begins IS NULL, 'a time slot is no time', ends IS NULL, 'a time slot has no length', '') AS flaw
        FROM (
            SELECT
                *, argMaxIf(distance, (times, -distance), distance > 0) OVER (PARTITION BY experiment, is_slot) AS usual, begins + toIntervalMillisecond(least(ifNull(distance, usual), usual)) AS ends,
                -- No next one says how long the last is: over a change of clocks it may be as short as the shortest, an hour less than usual.
                if(distance IS NULL, begins + toIntervalMillisecond(greatest(usual - 3600000, min(distance) OVER (PARTITION BY experiment, is_slot))), ends) AS ripe
            FROM (SELECT *, count() OVER (PARTITION BY experiment, is_slot, distance) AS times FROM drawn)
        )
        WHERE ifNull(ripe <= reached, true)
    ),
    slot AS (SELECT experiment, unit, assumeNotNull(a.begins) AS begins, assumeNotNull(a.ends) AS ends FROM assigned AS a WHERE a.ends IS NOT NULL),
    (
        SELECT groupArray((experiment, brands)) FROM (
            SELECT experiment, groupUniqArrayIf(brand, carries) AS brands
            FROM (
                SELECT experiment, '' AS brand, false AS carries FROM slot
                UNION ALL SELECT toString(a.experiment) AS experiment, toString(a.brand) AS brand, true AS carries FROM root_row AS a WHERE a.experiment IN (SELECT experiment FROM slot)
            )
            GROUP BY experiment
        )
    ) AS trials,
    buyer AS (
        SELECT c.id AS conversion, if(s.id != '', s.visitor, c.visitor) AS visitor
        FROM conversion_row AS c LEFT ANY JOIN (SELECT * FROM conversion_row WHERE has_visitor) AS s ON s.id = c.refund_of
        WHERE s.id != '' OR c.has_visitor
    ),
    sale AS (
        SELECT '' AS of_experiment, 'person' AS unit_type, person AS unit, sold_at, day, currency, toFloat64(amount) AS amount FROM conversion_value WHERE person != ''
        UNION ALL
        SELECT '' AS of_experiment, 'visitor' AS unit_type, toString(b.visitor) AS unit, v.sold_at AS sold_at, v.day AS day, v.currency AS currency, toFloat64(v.amount) AS amount
        FROM conversion_value AS v INNER ANY JOIN buyer AS b ON b.conversion = v.conversion
        UNION ALL
        SELECT k.of_experiment AS of_experiment, k.unit_type AS unit_type, if(k.of_experiment = '', k.named, s.unit) AS unit, k.sold_at AS sold_at, k.day AS day, k.currency AS currency, k.amount AS amount
        FROM (
            SELECT
                arrayJoin(arrayConcat([('', 'root', root), ('', 'community', toString(community))], arrayMap(e -> (e.1, 'time_slot', ''), arrayFilter(e -> side != 'unattributed' AND (empty(e.2) OR has(e.2, brand)), trials)))) AS u,
                u.1 AS of_experiment, u.2 AS unit_type, u.3 AS named, touched, sold_at, day, currency, toFloat64(credit) AS amount
            FROM {model.credit_by_rule} WHERE model = 'last' AND lookback_days = 30 AND share > 0
        ) AS k
        ASOF LEFT JOIN slot AS s ON s.experiment = k.of_experiment AND k.touched >= s.begins
        WHERE unit != '' AND (k.of_experiment = '' OR k.touched < s.ends)
    ),
    priced AS (
        SELECT s.of_experiment AS of_experiment, s.unit_type AS unit_type, s.unit AS unit, s.sold_at AS sold_at, s.amount * toFloat64(f.to_base) AS value, f.to_base = 0 AS no_rate
        FROM sale AS s ASOF LEFT JOIN (SELECT currency, valid_from, to_base FROM fx FINAL) AS f ON f.currency = s.currency AND s.day >= f.valid_from
    ),
    unit_sum AS (
        SELECT
            a.experiment AS experiment, a.unit_type AS unit_type, a.unit AS unit, a.arm AS arm,
            sumIf(p.value, p.unit != '' AND p.sold_at >= a.since) AS value, countIf(p.unit != '' AND p.sold_at >= a.since AND p.no_rate) AS without_rate, any(a.flaw) AS flaw
        FROM assigned AS a LEFT JOIN priced AS p ON p.of_experiment = if(a.is_slot, a.experiment, '') AND p.unit_type = a.unit_type AND p.unit = a.unit
        GROUP BY experiment, unit_type, unit, arm
    ),
    -- A unit of the control arm stands beside every other arm.
    beside AS (
        SELECT
            experiment, unit_type, value, without_rate, flaw, unit_sum.arm AS own_arm, groupUniqArray(unit_sum.arm) OVER e AS arms,
            if(has(arms, 'control'), 'control', arraySort(arms)[1]) AS control_arm,
            arrayJoin(if(own_arm = control_arm, arms, [own_arm])) AS arm, own_arm != arm AS is_control
        FROM unit_sum
        WINDOW e AS (PARTITION BY experiment, unit_type)
    ),
    -- The test refuses arms in which no unit differs from another.
    varied AS (
        SELECT *, varSampIf(value, NOT is_control) OVER s + varSampIf(value, is_control) OVER s > 1e-18 * pow(avg(value) OVER s, 2) AS varies
        FROM beside
        WINDOW s AS (PARTITION BY experiment, unit_type, arm)
    ),
    compared AS (
        SELECT
            experiment, unit_type, arm, any(varied.control_arm) AS control_arm, arm = control_arm AS alone,
            countIf(NOT is_control) AS units, countIf(NOT is_control AND value != 0) AS units_with_sales, countIf(is_control) AS control_units,
            avgIf(value, NOT is_control) AS mean, avgIf(value, is_control) AS control_mean, mean - control_mean AS difference,
            varSampIf(value, NOT is_control) / units AS spread, varSampIf(value, is_control) / control_units AS control_spread,
            sqrt(spread + control_spread) AS se, welchTTestIf(0.95)(value, is_control, varies) AS test,
            sumIf(without_rate, NOT is_control) AS own_without_rate, sum(without_rate) AS any_without_rate, max(flaw) AS slots_flaw,
            multiIf(unit_type NOT IN ('visitor', 'person', 'root', 'community', 'time_slot'), 'no sales are known by this type of unit', slots_flaw != '', slots_flaw, own_without_rate > 0, 'a rate is missing', '') AS own_missing,
            multiIf(
                own_missing != '', own_missing, alone, 'the control arm', any_without_rate > 0, 'a rate is missing', units < 2 OR control_units < 2, 'fewer than two units in an arm', NOT any(varies), 'no unit differs from another', '') AS missing
        FROM varied
        GROUP BY experiment, unit_type, arm
    )
SELECT
    experiment, unit_type, arm, control_arm, if(control_arm = 'control', 'named control', 'first arm by name') AS control_rule, units, control_units,
    if(own_missing = '', compared.units_with_sales, NULL) AS units_with_sales, if(own_missing = '', compared.mean, NULL) AS mean, if(missing IN ('', 'fewer than two units in an arm', 'no unit differs from another'), compared.control_mean, NULL) AS control_mean,
    if(missing = '', compared.difference, NULL) AS difference, if(missing = '', se, NULL) AS standard_error,
    if(missing = '', difference / se, NULL) AS t, if(missing = '', pow(spread + control_spread, 2) / (pow(spread, 2) / (units - 1) + pow(control_spread, 2) / (control_units - 1)), NULL) AS degrees_of_freedom,
    if(missing = '', test.2, NULL) AS p_value, if(missing = '', test.3, NULL) AS low, if(missing = '', test.4, NULL) AS high,
    multiIf(missing = 'the control arm', '', missing != '', 'undecided', test.3 > 0, 'higher', test.4 < 0, 'lower', 'undecided') AS verdict,
    missing AS reason
FROM compared
SETTINGS join_use_nulls = 0
