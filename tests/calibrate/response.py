"""How often the intervals of the view response hold the truth: many simulated brands, their minutes put in place of the view minute.

    CLICKHOUSE_URL=... CLICKHOUSE_DATABASE=SCRATCH target/python-venv/bin/python tests/calibrate/response.py SEEDS

Visits follow a brand reply with mean lag 4 minutes, 0.6 each, and a share after about two hours, 1.5 each, over 28 days with
lunch and evening peaks, weekends and good days. A fifth of the seeds each: a hidden cause of both, an unknown mail, a known one.
"""

import collections
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "sql"))
import store

DAYS, BATCH, FIRST = 28, 5, 28_401_120
SIZE = 1440 * DAYS
MINUTE = numpy.arange(SIZE) % 1440
RHYTHM = 1 + 0.7 * numpy.sin(2 * numpy.pi * MINUTE / 1440 - 1.2) + 0.35 * numpy.exp(-(((MINUTE - 760) / 45) ** 2)) + 0.5 * numpy.exp(-(((MINUTE - 1230) / 70) ** 2))
LAG = numpy.arange(720)
SOON, LATE = numpy.exp(-LAG / 4), (LAG / 60) ** 2 * numpy.exp(-LAG / 60)
SOON, LATE = SOON / SOON.sum(), LATE / LATE.sum()
TRUTH = {
    ("brand_reply", "visits_per_event"): 0.6, ("share", "visits_per_event"): 1.5,
    ("brand_reply", "share_within_15"): SOON[:15].sum(), ("share", "share_within_15"): LATE[:15].sum(),
    ("difference", "share_within_15"): SOON[:15].sum() - LATE[:15].sum(), ("brand_reply", "lead_effect"): 0.0, ("share", "lead_effect"): 0.0,
}  # fmt: skip
NAMES = {"visits_per_event": ("low", "high"), "share_within_15": ("share_within_15_low", "share_within_15_high"), "lead_effect": ("lead_low", "lead_high")}


def simulate(seed, hidden, mailed):
    """Visits, brand replies, shares and mails by minute."""
    dice = numpy.random.default_rng(seed)
    level = numpy.repeat(dice.lognormal(0, 0.25, DAYS) * numpy.where(numpy.arange(DAYS) % 7 > 4, 0.7, 1), 1440)
    shock, mails, sittings, shares = numpy.zeros(SIZE), numpy.zeros(SIZE, int), numpy.zeros(SIZE), numpy.zeros(SIZE, int)
    if hidden:
        for start in dice.choice(SIZE - 90, 60, replace=False):
            shock[start : start + 90] += dice.gamma(2, 1) * numpy.exp(-numpy.arange(90) / 30)
    if mailed:
        mails[1440 * numpy.arange(2, DAYS, 4) + 600 + dice.integers(0, 240, len(range(2, DAYS, 4)))] = 1
    after_mail = numpy.convolve(mails, numpy.exp(-numpy.arange(300) / 40))[:SIZE]
    busy = RHYTHM * level
    for start in dice.choice(SIZE, 8 * DAYS, replace=False, p=busy / busy.sum()):
        sittings[start : start + 30] += 1
    replies = dice.poisson(sittings + 2 * shock + 3 * after_mail)
    for start in dice.choice(SIZE, 100):
        length = min(600, SIZE - start)
        shares[start : start + length] += dice.poisson(3 * numpy.exp(-numpy.arange(length) / 45))
    rate = 20 * busy + 6 * shock + 40 * after_mail + 0.6 * numpy.convolve(replies, SOON)[:SIZE] + 1.5 * numpy.convolve(shares, LATE)[:SIZE]
    return dice.poisson(rate), replies, shares, mails


def answers(brands):
    """The view's rows `total` of some brands, given name -> minutes."""
    store.run("TRUNCATE TABLE minute")
    for brand, columns in brands.items():
        rows = ",".join(f"('{brand}',{FIRST + k},{(FIRST + k) // 1440},{k % 1440},{v},{c},{s},{m})" for k, (v, c, s, m) in enumerate(zip(*columns)))
        store.run(f"INSERT INTO minute (brand, minute, day, minute_of_day, visits, brand_replies, shares, mails) VALUES {rows}")
    return store.dicts("SELECT * FROM response WHERE bin = 'total'")


def scenario(name, seeds, hidden=False, mailed=False, known=False):
    """Coverage, misses below and above, and verdicts over the seeds."""
    low, high, width, values, verdicts, missing = (collections.defaultdict(kind) for kind in (int, int, list, list, collections.Counter, int))
    for start in range(0, seeds, BATCH):
        brands = {}
        for seed in range(start, min(start + BATCH, seeds)):
            *columns, mails = simulate(seed, hidden, mailed)
            brands[f"b{seed}"] = (*columns, mails if known else numpy.zeros(SIZE, int))
        for row in answers(brands):
            verdicts[row["treatment"]][row["verdict"]] += 1
            for column, (below, above) in NAMES.items():
                key = (row["treatment"], column)
                if key not in TRUTH:
                    continue
                if row[below] is None:
                    missing[key] += 1
                    continue
                low[key] += row[below] > TRUTH[key]
                high[key] += row[above] < TRUTH[key]
                width[key].append(row[above] - row[below])
                values[key].append(row[column])
    print(f"{name}, {seeds} seeds")
    for key, truth in TRUTH.items():
        n = len(width[key])
        if n:
            print(f"  {key[0]:11} {key[1]:16} true {truth:5.2f}, median {numpy.median(values[key]):5.2f}, width {numpy.median(width[key]):5.2f}, "
                  f"held by {100 * (n - low[key] - high[key]) / n:5.1f} % ({'90' if key[1] == 'lead_effect' else '95'} meant), above it {low[key]}, below it {high[key]}, none {missing[key]}")
    for treatment, counts in verdicts.items():
        print(f"  {treatment:11} verdicts {dict(counts)}", flush=True)


def main():
    seeds = int(sys.argv[1])
    columns = "brand String, minute UInt32, day Date, minute_of_day UInt16, visits UInt64, brand_replies UInt64, shares UInt64, mails UInt64, ads UInt64, launches UInt64, other_events UInt64"
    store.run("DROP VIEW IF EXISTS minute")
    store.run(f"CREATE TABLE IF NOT EXISTS minute ({columns}) ENGINE = MergeTree ORDER BY (brand, minute)")
    scenario("clean", seeds)
    few = max(1, seeds // 5)
    scenario("a hidden cause of both", few, hidden=True)
    scenario("a mail nobody entered", few, mailed=True)
    scenario("the mail is in the calendar", few, mailed=True, known=True)


main()
