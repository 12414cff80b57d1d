"""How often the interval of `roi_cohort` holds the true return of a brand's cohort.

Posts and their value stand in place of the model `root_value`, hours in place of `cost_day`. A post brings a Poisson number of visits
around a lognormal mean (spread `sv` over posts), 3 in 100 buy, orders are lognormal with a spread of 1. The oracle of the width
knows the true spread of a post's value.
"""

import numpy

import table
from table import store

COHORT, WATERMARK, COST = "2026-01-05", "2026-06-01 00:00:00", 500
# posts, spread of visits over posts; whether its coverage is promised
WORLDS = {(12, 0.5): False, (50, 0.5): True, (200, 0.5): True, (50, 1.5): True, (200, 1.5): True, (200, 2.0): True}
VALUE = 0.9 * numpy.exp(3)


def values(dice, posts, spread):
    """Margin of each post."""
    visits = dice.poisson(dice.lognormal(numpy.log(30) - spread * spread / 2, spread, posts))
    return [round(float(dice.lognormal(2.5, 1, orders).sum()), 2) for orders in dice.binomial(visits, 0.03)]


def posts_stand_in():
    """A view `root_value` over a small table: each post's value is the same under every rule, side `all` and horizon."""
    table.stand_in("post", "brand String, community String, root String, value Float64", "brand, community")
    store.run("DROP VIEW IF EXISTS root_value")
    store.run(f"""CREATE VIEW root_value AS SELECT root, toUInt8(1) AS is_post, brand, '' AS campaign, 'x' AS channel, community, toDate('{COHORT}') AS cohort, 'USD' AS base_currency,
        toDateTime64('{COHORT} 12:00:00', 3, 'UTC') AS root_time, [0, 0, 0]::Array(UInt64) AS engagements, [0, 0, 0]::Array(UInt64) AS clicks, [cohort] AS active_weeks,
        [(cohort, toUInt8(3))] AS weeks, arrayMap(k -> toDecimal128(value, 6), range(15)) AS known_revenue, arrayResize([toDecimal128(0, 6)], 15) AS direct_margin,
        arrayResize([toUInt8(0)], 15) AS direct_unknown, [] AS entries_by_cell, arrayMap(k -> toDecimal128(if(k < 45, value, 0), 6), range(180)) AS margin,
        margin AS revenue, arrayResize([0.], 180) AS sales, arrayResize([0.], 180) AS before_direct, arrayResize([toUInt8(0)], 180) AS unknown, known_revenue AS traced_margin FROM post""")
    money = "Nullable(Decimal(38, 6))"
    table.stand_in("cost_day", f"day Date, brand String, campaign String, channel String, community String, side String, kind String, by_rule Bool, role String, estimated Bool, amount Decimal(38, 6), currency String, seconds UInt64, seconds_low Nullable(UInt64), seconds_high Nullable(UInt64), time_amount {money}, time_currency String, money_base {money}, time_base {money}, time_base_low {money}, time_base_high {money}, cost_base {money}, base_currency String", "brand, day")


COST_COLUMNS = "day, brand, channel, community, side, seconds, seconds_low, seconds_high, time_amount, money_base, time_base, time_base_low, time_base_high, cost_base, base_currency"


def cost(brand, community, amount):
    return (COHORT, brand, "x", community, "broadcast", 3600, 3600, 3600, amount, 0, amount, amount, amount, amount, "USD")


def main():
    number = table.seeds(1000, 30)
    shown = table.Table(f"roi, {number} brands of each kind: 95 % interval of a cohort's return")
    posts_stand_in()
    for (posts, spread), promised in WORLDS.items():
        dice = numpy.random.default_rng([7, posts, int(10 * spread)])
        rows = []
        for start in range(0, number, 200):
            worlds = {f"b{k}": values(dice, posts, spread) for k in range(start, min(start + 200, number))}
            table.load("post", "brand, community, root, value", ((b, "c", f"{b}-{k}", v) for b, vs in worlds.items() for k, v in enumerate(vs)))
            table.load("cost_day", COST_COLUMNS, (cost(b, "c", COST) for b in worlds))
            rows += store.dicts(f"SELECT roi_low, roi_high, roi, reason FROM {table.question('roi_cohort', WATERMARK)} WHERE grain = 'brand' AND side = 'all' AND model = 'last' AND lookback_days = 30 AND horizon_days = 30")
        assert len(rows) == number, len(rows)
        truth = posts * VALUE / COST - 1
        known = [(row["roi_low"], row["roi_high"]) for row in rows if row["roi_low"] is not None]
        assert all(row["reason"] in ("few_roots", "no_value") for row in rows if row["roi_low"] is None)
        above, below = sum(low > truth for low, _ in known), sum(high < truth for _, high in known)
        name = f"{posts} posts, spread {spread}"
        shown.share(f"{name}: interval holds the truth", len(known) - above - below, len(known), 92.5, 97.5, promised, f"misses {above} above the truth, {below} below; {number - len(known)} without an interval, with a reason")
        # Variance of a random number of orders: 0.9 of them on average, each e^3 with variance e^6 (e - 1).
        true_sd = numpy.sqrt(0.9 * numpy.exp(6) * (numpy.e - 1) + (0.9 + 0.81 * (numpy.exp(spread**2) - 1)) * numpy.exp(6))
        best = 2 * 1.96 * numpy.sqrt(posts) * true_sd / COST
        shown.most(f"{name}: median width over the oracle's", numpy.median([high - low for low, high in known]) / best, 1.5, promised, slack=1.5)
    shown.end()


if __name__ == "__main__":
    main()
