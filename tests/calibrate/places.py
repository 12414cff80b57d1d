"""What `places` says of the best of many places whose return is known, and what it says when all are alike.

A place has 10 to 80 posts and a true appeal (lognormal, spread 0.35; true for all visits alike); visits, sales and orders as in roi.py, spread 0.5
over posts. Also a few small brands: 12 places; and brands without any difference between 50 places.
"""

import numpy

import roi
import table
from table import store

TAU = 0.35


def world(dice, brand, places, tau, posts=(10, 80)):
    """Posts, costs and true returns of a brand's places."""
    truths, rows, costs = {}, [], []
    for k in range(places):
        number, appeal = int(dice.integers(*posts)), float(dice.lognormal(-tau * tau / 2, tau))
        visits = dice.poisson(dice.lognormal(numpy.log(30) - 0.125, 0.5, number))
        orders = dice.binomial(visits, numpy.minimum(1, 0.03 * appeal))
        rows += [(brand, f"c{k}", f"{brand}-{k}-{i}", round(float(dice.lognormal(2.5, 1, n).sum()), 2)) for i, n in enumerate(orders)]
        # Each post costs what a post is worth on average: the true return is appeal - 1.
        spent = round(number * roi.VALUE, 2)
        costs.append(roi.cost(brand, f"c{k}", spent))
        truths[brand, f"c{k}"] = number * roi.VALUE * appeal / spent - 1
    return truths, rows, costs


def answer(worlds):
    """The view's rows, each with its truth."""
    truths = {key: value for world in worlds for key, value in world[0].items()}
    table.load("post", "brand, community, root, value", [row for world in worlds for row in world[1]])
    table.load("cost_day", roi.COST_COLUMNS, [row for world in worlds for row in world[2]])
    rows = store.dicts(f"SELECT brand, community, average_roi, roi_pooled, sd, p_top10, p_positive, rank_low, rank_high, place_rank, reason FROM {table.question('places', roi.WATERMARK)} WHERE model = 'last' AND lookback_days = 30 AND horizon_days = 30")
    assert len(rows) == len(truths), (len(rows), len(truths))
    return [{**row, "truth": truths[row["brand"], row["community"]]} for row in rows]


def held(rows):
    return sum(abs(row["roi_pooled"] - row["truth"]) <= 1.645 * row["sd"] for row in rows)


def main():
    many = max(1, table.seeds(1000, 50) // 50)
    few = 5 * many if table.SHORT else 25 * many
    shown = table.Table(f"places, {many} brands of 1,000 places, {few} of 12, {few} of 50 without a difference")
    roi.posts_stand_in()
    dice = numpy.random.default_rng(9)
    gaps, plain, right, of, covered, listed = [], [], 0, 0, 0, 0
    for k in range(many):
        rows = answer([world(dice, f"m{k}", 1000, TAU)])
        best = sorted(rows, key=lambda row: -row["roi_pooled"])[:10]
        lucky = sorted(rows, key=lambda row: -row["average_roi"])[:10]
        gaps.append(numpy.mean([row["roi_pooled"] - row["truth"] for row in best]))
        plain.append(numpy.mean([row["average_roi"] - row["truth"] for row in lucky]))
        covered, right, of = covered + held(rows), right + held(best), of + len(rows)
        listed += sum(row["p_top10"] for row in rows)
    shown.most("ten best of 1,000: |pooled less true|, mean over brands", abs(numpy.mean(gaps)), 0.05, slack=10, more=f"{numpy.mean(gaps):+.3f}; unpooled {numpy.mean(plain):+.2f}")
    shown.share("1,000 places: 90 % intervals hold the truth", covered, of, 87.5, 92.5)
    shown.share("ten best of 1,000: 90 % intervals hold the truth", right, 10 * many, 85, 95, promised=False)
    shown.most("1,000 places: p_top10 adds up to, less 10", abs(listed / many - 10), 0.01)
    rows = answer([world(dice, f"s{k}", 12, TAU) for k in range(few)])
    shown.share("12 places: 90 % intervals hold the truth", held(rows), len(rows), 87.5, 92.5)
    rows = answer([world(dice, f"z{k}", 50, 0) for k in range(few)])
    ties = [row for row in rows if row["reason"] == "no_difference"]
    shown.share("50 alike places: brands told that they are ties (no_difference)", len(ties) // 50, few, 40, 100, promised=False)
    shown.share("50 alike places: 90 % intervals hold the truth", held(rows), len(rows), 87.5, 100)
    if ties:
        shown.most("ties: |mean p_top10 less 10 of 50|", abs(numpy.mean([row["p_top10"] for row in ties]) - 0.2), 0.01)
        assert all(row["p_positive"] is not None and row["rank_low"] == 1 and row["rank_high"] == 50 for row in ties), "ties hold every rank"
    shown.end()


main()
