"""How often `experiments` calls a difference significant where there is none (A/A), finds one that it should in 80 % of trials (A/B), and how
often its interval holds the true effect; for each kind of unit that it knows.

Assignments, sales and their credit stand in place of the views below it. Sales per unit are a Poisson number around a gamma-distributed
mean, orders lognormal; an effect multiplies the number of orders. Its size is the one that a normal approximation detects in 80 of 100.
Time slots follow each other for four hours each, an arm for each by chance; every trial is a brand of its own.
"""

import datetime

import numpy
from scipy import stats

import table
from table import store

START, SOLD, DAY = "2026-01-05 00:00:00", "2026-01-10 00:00:00", "2026-01-10"
# Units per arm, orders per unit, spread of the units' means (gamma shape), median order's logarithm.
KINDS = {"root": (100, 1.5, 1.0), "community": (30, 40, 4.0), "visitor": (500, 0.3, 1.0), "person": (500, 0.3, 1.0), "time_slot": (84, 10, 2.0)}
FIRST_SLOT, HOUR = datetime.datetime(2026, 1, 5), datetime.timedelta(hours=1)


def moments(orders, shape, lift):
    """Mean and variance of a unit's sales."""
    mean, square = numpy.exp(0.5 * 0.7**2), numpy.exp(2 * 0.7**2)
    return lift * orders * mean, lift * orders * square + (lift * orders * mean) ** 2 / shape


def lift_for_80(count, orders, shape):
    """The smallest effect that two arms of so many units detect in 80 of 100 trials, normally approximated."""
    lifts = numpy.linspace(1, 4, 3001)
    (first, spread), found = moments(orders, shape, 1), 0
    for found in lifts:
        mean, variance = moments(orders, shape, found)
        if (mean - first) / numpy.sqrt((spread + variance) / count) >= stats.norm.ppf(0.975) + stats.norm.ppf(0.8):
            break
    return found


def main():
    number = table.seeds(1000, 40)
    shown = table.Table(f"experiments, {number} A/A and {number} A/B trials of each kind of unit")
    table.stand_in("assignment_row", "experiment String, arm String, unit String, unit_type String, time DateTime64(3, 'UTC'), id String", "experiment")
    table.stand_in("conversion_row", "id String, time DateTime64(3, 'UTC'), visitor UInt64, has_visitor Bool, refund_of String", "id")
    table.stand_in("conversion_value", "conversion String, day Date, currency String, amount Decimal(38, 6), sold_at DateTime64(3, 'UTC'), person String", "conversion")
    table.stand_in("credit_by_rule", "conversion String, brand String, day Date, currency String, sold_at DateTime64(3, 'UTC'), touched DateTime64(3, 'UTC'), visit String, side String, root String, community String, credit Decimal(38, 6), share Float64, model String, lookback_days UInt8", "conversion")
    table.stand_in("root_row", "experiment String, brand String", "experiment")
    table.load("fx", "valid_from, currency, to_base", [("2025-01-01", "USD", 1)])
    for kind, (units, orders, shape) in KINDS.items():
        dice = numpy.random.default_rng([11, units, list(KINDS).index(kind)])
        lift, tried, sold = lift_for_80(units, orders, shape), [], []
        for trial in range(2 * number):
            slots = dice.permutation(2 * units)
            for arm in ("control", "test"):
                mean = dice.gamma(shape, orders / shape, units) * (lift if trial >= number and arm == "test" else 1)
                for unit, bought in enumerate(dice.poisson(mean)):
                    name = str((trial * 2 + (arm == "test")) * 1000 + unit)
                    begins = FIRST_SLOT + 4 * HOUR * int(slots[units * (arm == "test") + unit])
                    tried.append((trial, arm, begins.isoformat() if kind == "time_slot" else name, kind, START, name))
                    if bought:
                        sold.append((name, round(float(dice.lognormal(0, 0.7, bought).sum()), 6), trial, begins + 4 * HOUR * dice.random() if kind == "time_slot" else SOLD))
        table.load("assignment_row", "experiment, arm, unit, unit_type, time, id", tried)
        table.load("conversion_row", "id, time, visitor, has_visitor, refund_of", ((f"s{n}", SOLD, n, "true", "") for n, *_ in sold))
        table.load("conversion_value", "conversion, day, currency, amount, sold_at, person", ((f"s{n}", DAY, "USD", v, SOLD, n if kind == "person" else "") for n, v, *_ in sold))
        columns = "conversion, brand, day, currency, sold_at, touched, visit, side, root, community, credit, share, model, lookback_days"
        table.load("credit_by_rule", columns, ((f"s{n}", f"b{trial}", DAY, "USD", SOLD, seen, n, "other", n if kind == "root" else "", n if kind == "community" else "", v, 1, "last", 30) for n, v, trial, seen in sold))
        table.load("root_row", "experiment, brand", ((trial, f"b{trial}") for trial in range(2 * number)))
        rows = {int(row["experiment"]): row for row in store.dicts(f"SELECT * FROM {table.question('experiments', '2100-01-01 00:00:00')} WHERE arm = 'test'")}
        assert len(rows) == 2 * number, len(rows)
        alike, differ = [rows[k] for k in range(number)], [rows[k] for k in range(number, 2 * number)]
        effect = moments(orders, shape, lift)[0] - moments(orders, shape, 1)[0]
        shown.share(f"A/A by {kind}: significant at 5 %", sum(row["p_value"] < 0.05 for row in alike), number, 3.5, 6.5)
        shown.share(f"A/B by {kind}: detected, designed for 80 %", sum(row["verdict"] == "higher" for row in differ), number, 75, 85, more=f"{units} units an arm, orders x {lift:.2f}")
        above, below = sum(row["low"] > effect for row in differ), sum(row["high"] < effect for row in differ)
        shown.share(f"A/B by {kind}: interval holds the effect", number - above - below, number, 92.5, 97.5, more=f"misses {above} above the truth, {below} below")
        best = 2 * 1.96 * numpy.sqrt((moments(orders, shape, 1)[1] + moments(orders, shape, lift)[1]) / units)
        shown.most(f"A/B by {kind}: median width over the oracle's", numpy.median([row["high"] - row["low"] for row in differ]) / best, 1.5)
    shown.end()


main()
