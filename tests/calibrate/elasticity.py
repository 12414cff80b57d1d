"""How often `elasticity` finds an effect where there is none, and how often its interval holds the true one.

Cells of places and days stand in place of the view `community_day`. Some places and days are busier, for visits and interactions alike;
visits also have slow swings of their own in each place, so that cells of a place are not independent. The oracle of the width knows the spread of those.
"""

import datetime

import numpy

import table
from table import store

DAYS, FIRST = 28, datetime.date(2026, 1, 5)
# places, true elasticity, whether visits cause the next day's interactions
WORLDS = {"60 places, elasticity 0.35": (60, 0.35, False), "60 places, none": (60, 0.0, False), "15 places, none": (15, 0.0, False), "15 places, elasticity 0.35": (15, 0.35, False), "60 places, visits cause interactions": (60, 0.0, True)}


def world(dice, places, effect, backwards):
    """Interactions and visits by place and day."""
    place, day = dice.normal(0, 0.8, places)[:, None], 0.5 * numpy.sin(numpy.arange(DAYS) / 3)
    swing = numpy.repeat(dice.normal(0, 0.3, (places, DAYS // 7)), 7, axis=1)
    if backwards:
        visits = dice.poisson(numpy.exp(1 + place + day + swing))
        before = numpy.column_stack([visits[:, :1], visits[:, :-1]])
        return dice.poisson(0.3 + 0.5 * before), visits, None
    done = dice.poisson(numpy.exp(0.3 + 0.6 * place + day + dice.normal(0, 0.6, (places, DAYS))))
    mean = numpy.exp(1 + place + day + swing + effect * numpy.log1p(done))
    # What the oracle knows: the means; the variance within a place by its week's swing, 0.3 in the logarithm.
    x = numpy.log1p(done)
    for _ in range(50):
        x = x - (mean * x).sum(1, keepdims=True) / mean.sum(1, keepdims=True)
        x = x - (mean * x).sum(0) / mean.sum(0)
    weeks = (mean * x).reshape(places, DAYS // 7, 7).sum(2)
    bread = (mean * x * x).sum()
    return done, dice.poisson(mean), 2 * 1.96 * numpy.sqrt(bread + 0.3**2 * (weeks**2).sum()) / bread


def main():
    number, batch = table.seeds(1000, 12), 50
    shown = table.Table(f"elasticity, {number} brands of each kind, {DAYS} days")
    table.stand_in("community_day", "brand String, channel String, community String, day Date, interactions UInt64, visits UInt64", "brand, community, day")
    for name, (places, effect, backwards) in WORLDS.items():
        dice, rows, best = numpy.random.default_rng([13, places, int(100 * effect), backwards]), [], []
        for start in range(0, number, batch):
            cells = []
            for k in range(start, min(start + batch, number)):
                done, visits, width = world(dice, places, effect, backwards)
                best.append(width)
                cells += [(f"b{k}", "x", f"c{p}", FIRST + datetime.timedelta(days=d), int(done[p, d]), int(visits[p, d])) for p in range(places) for d in range(DAYS)]
            table.load("community_day", "brand, channel, community, day, interactions, visits", cells)
            rows += store.dicts(f"SELECT * FROM {table.question('elasticity')}")
        answered = [row for row in rows if row["elasticity"] is not None]
        why = {row["reason"] for row in rows if row["elasticity"] is None}
        shown.share(f"{name}: answered", len(answered), number, 99, 100, more=", ".join(sorted(why)))
        count = lambda verdict: sum(row["verdict"] == verdict for row in rows)
        if backwards:
            shown.share(f"{name}: flagged", count("flagged"), number, 80, 100)
            continue
        flagged = f"{count('flagged')} flagged, median {numpy.median([row['elasticity'] for row in answered]):.3f}"
        if not effect:
            shown.share(f"{name}: supported or refuted", count("supported") + count("refuted"), number, 2.5, 6.5, more=flagged)
            shown.share(f"{name}: p below 0.05", sum(row["p_value"] < 0.05 for row in answered), len(answered), 3.5, 6.5, promised=places >= 40)
        else:
            shown.share(f"{name}: supported", count("supported"), number, 80, 100, more=flagged)
        if places >= 40:
            above, below = sum(row["low"] > effect for row in answered), sum(row["high"] < effect for row in answered)
            shown.share(f"{name}: interval holds the truth", len(answered) - above - below, len(answered), 92.5, 97.5, more=f"misses {above} above the truth, {below} below")
            shown.most(f"{name}: median width over the oracle's", numpy.median([row["high"] - row["low"] for row in answered]) / numpy.median(best), 1.5)
    shown.end()


main()
