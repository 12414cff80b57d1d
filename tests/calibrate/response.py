"""How often the intervals of the view `response` hold the truth, and what its leads see of a hidden cause of visits and replies.

Minutes stand in place of the view `minute`: 28 days of visits with lunch and evening peaks, weekends and good days; a brand reply (in sittings)
brings visits with mean lag 4 minutes, 0.6 each; a share (in bursts) after about two hours, 1.5 each. Then six confounders in three
strengths; of these the brand's own posts and the mails in the calendar are known to the model. The oracle of the widths knows the rhythm of the day and how each kernel falls off on either side of 15 minutes.
"""

import collections

import numpy

import table
from table import store

DAYS, BATCH, FIRST = 28, 5, 28_401_120
SIZE = 1440 * DAYS
MINUTE = numpy.arange(SIZE) % 1440
RHYTHM = 1 + 0.7 * numpy.sin(2 * numpy.pi * MINUTE / 1440 - 1.2) + 0.35 * numpy.exp(-(((MINUTE - 760) / 45) ** 2)) + 0.5 * numpy.exp(-(((MINUTE - 1230) / 70) ** 2))
LAG = numpy.arange(720)
SOON, LATE = numpy.exp(-LAG / 4), (LAG / 60) ** 2 * numpy.exp(-LAG / 60)
SOON, LATE = SOON / SOON.sum(), LATE / LATE.sum()
EARLY = {"brand_reply": SOON[:15].sum(), "share": LATE[:15].sum()}
EARLY["difference"] = EARLY["brand_reply"] - EARLY["share"]
EFFECT = {"brand_reply": 0.6, "share": 1.5}
AFTER = {"brand_reply": SOON, "share": LATE}
# Visits of one event until so many minutes after it, and where the view says each figure: the bin, the column, the ends of its interval.
SUMS = {
    ("brand_reply", "visits within 15 minutes"): 15, ("brand_reply", "visits within 60 minutes"): 60, ("brand_reply", "visits_per_event"): 720,
    ("share", "visits within 4 hours"): 240, ("share", "visits_per_event"): 720,
}  # fmt: skip
SO_FAR = ("cumulative", "cumulative_low", "cumulative_high")
FIGURES = {
    "visits within 15 minutes": ("5-14", *SO_FAR), "visits within 60 minutes": ("15-59", *SO_FAR), "visits within 4 hours": ("60-239", *SO_FAR),
    "visits_per_event": ("total", "visits_per_event", "low", "high"), "share_within_15": ("total", "share_within_15", "share_within_15_low", "share_within_15_high"),
    "lead_effect": ("total", "lead_effect", "lead_low", "lead_high"),
}  # fmt: skip
CONFOUNDERS = {
    "persistent-shock": (0.5, 1, 3), "launch-mail": (0.5, 1, 3), "launch-mail, in the calendar": (0.5, 1, 3), "sudden-news": (0.5, 1, 3),
    "visits-cause-replies": (0.01, 0.03, 0.1), "small-brand": (3, 10, 30), "own-posts": (100, 300, 1000),
}  # fmt: skip


def simulate(seed, confounder="", strength=0.0):
    """Visits, brand replies, shares, mails, own posts by minute, and the rate behind the visits."""
    dice = numpy.random.default_rng(seed)
    level = numpy.repeat(dice.lognormal(0, 0.25, DAYS) * numpy.where(numpy.arange(DAYS) % 7 > 4, 0.7, 1), 1440)
    busy, shock, after_mail, asked = RHYTHM * level, numpy.zeros(SIZE), numpy.zeros(SIZE), numpy.zeros(SIZE)
    mails, posts, sittings, shares = numpy.zeros(SIZE, int), numpy.zeros(SIZE, int), numpy.zeros(SIZE), numpy.zeros(SIZE, int)
    size = strength if confounder == "small-brand" else 1
    if confounder == "persistent-shock":
        for start in dice.choice(SIZE - 180, 2 * DAYS, replace=False):
            shock[start : start + 180] += strength * dice.gamma(2, 0.5)
    if confounder == "sudden-news":
        for start in 1440 * numpy.arange(2, DAYS, 9) + dice.integers(0, 1440, len(range(2, DAYS, 9))):
            shock[start : start + 2880] += 3 * strength * numpy.exp(-numpy.arange(min(2880, SIZE - start)) / 720)
    if confounder.startswith("launch-mail"):
        mails[1440 * numpy.arange(2, DAYS, 4) + 600 + dice.integers(0, 240, len(range(2, DAYS, 4)))] = 1
        after_mail = strength * numpy.convolve(mails, numpy.exp(-numpy.arange(300) / 40))[:SIZE]
    if confounder == "own-posts":
        posts[dice.choice(SIZE, 3 * DAYS, replace=False, p=busy / busy.sum())] = 1
    after_post = numpy.convolve(posts, LATE)[:SIZE]
    for start in dice.choice(SIZE, 8 * DAYS, replace=False, p=busy / busy.sum()):
        sittings[start : start + 30] += 1
    for start in dice.choice(SIZE, 100):
        length = min(600, SIZE - start)
        shares[start : start + length] += dice.poisson(3 * numpy.exp(-numpy.arange(length) / 45))
    other = 20 * busy + 6 * shock + 40 * after_mail + strength * after_post
    if confounder == "visits-cause-replies":
        own = dice.poisson(other)
        other, asked = own, strength * numpy.convolve(own, numpy.exp(-numpy.arange(120) / 20) / 20)[:SIZE]
    replies = dice.poisson(sittings + 2 * shock + 3 * after_mail + asked + 4 * after_post)
    rate = other + 0.6 * numpy.convolve(replies, SOON)[:SIZE] + 1.5 * numpy.convolve(shares, LATE)[:SIZE]
    caused = rate - other
    visits = other + dice.poisson(caused) if confounder == "visits-cause-replies" else dice.poisson(rate / size)
    shown = mails if confounder.endswith("in the calendar") else numpy.zeros(SIZE, int)
    return (visits, replies, shares, shown, posts), rate / size


def oracle(columns, rate):
    """Widths of 95 % intervals by the information of a Poisson model with every day's level free and the true shapes known."""
    _, replies, shares, *_ = columns
    after = [numpy.convolve(x, kernel)[:SIZE] for x, k in ((replies, SOON), (shares, LATE)) for kernel in (numpy.where(LAG < 15, k, 0) / k[:15].sum(), numpy.where(LAG < 15, 0, k) / k[15:].sum())]
    days = (MINUTE[None, :] * 0 + numpy.arange(SIZE)[None, :] // 1440 == numpy.arange(DAYS)[:, None]) * RHYTHM
    design = numpy.vstack([days, after])[:, 720:]
    covariance = numpy.linalg.inv((design / rate[720:]) @ design.T)[-4:, -4:]
    slope = lambda treatment, early, late: numpy.array([early, late, 0, 0] if treatment == "brand_reply" else [0, 0, early, late])
    slopes = {}
    for (treatment, name), minutes in SUMS.items():
        late = AFTER[treatment][15:]
        slopes[treatment, name] = slope(treatment, 1, late[: minutes - 15].sum() / late.sum())
    for treatment, total in EFFECT.items():
        slopes[treatment, "share_within_15"] = slope(treatment, (1 - EARLY[treatment]) / total, -EARLY[treatment] / total)
    slopes["difference", "share_within_15"] = slopes["brand_reply", "share_within_15"] - slopes["share", "share_within_15"]
    return {key: 2 * 1.96 * numpy.sqrt(one @ covariance @ one) for key, one in slopes.items()}


def answers(brands):
    """The view's rows of some brands, given name -> minutes."""
    table.load("whole", f"brand, {COUNTS}", ((brand, *(column.tolist() for column in columns)) for brand, columns in brands.items()))
    store.run("TRUNCATE TABLE minute")
    store.run(
        f"INSERT INTO minute (brand, minute, day, minute_of_day, {COUNTS}) SELECT brand, {FIRST} + k, toDate(toUInt16(intDiv({FIRST} + k, 1440))), k % 1440, {COUNTS}"
        f" FROM whole ARRAY JOIN {COUNTS}, range({SIZE}) AS k"
    )
    return store.dicts(f"SELECT * FROM {table.question('response')}")


class Outcome:
    """What the view said over some seeds of one world."""

    def __init__(self, count, confounder="", strength=0.0, first=0, widths=False):
        self.values, self.width, self.best = (collections.defaultdict(list) for _ in range(3))
        self.low, self.high, self.missing = collections.Counter(), collections.Counter(), collections.Counter()
        self.verdicts, self.count = collections.defaultdict(collections.Counter), count
        scale = strength if confounder == "small-brand" else 1
        self.truth = {key: EFFECT[key[0]] * AFTER[key[0]][:minutes].sum() / scale for key, minutes in SUMS.items()}
        self.truth |= {(t, "share_within_15"): v for t, v in EARLY.items()} | {(t, "lead_effect"): 0.0 for t in EFFECT}
        for start in range(first, first + count, BATCH):
            brands = {}
            for seed in range(start, min(start + BATCH, first + count)):
                brands[f"b{seed}"], rate = simulate(seed, confounder, strength)
                for key, value in oracle(brands[f"b{seed}"], rate).items() if widths else ():
                    self.best[key].append(value)
            for row in answers(brands):
                self.take(row)

    def take(self, row):
        if row["bin"] == "total":
            self.verdicts[row["treatment"]][row["verdict"]] += 1
        for name, (place, column, below, above) in FIGURES.items():
            key = (row["treatment"], name)
            if key not in self.truth or row["bin"] != place:
                continue
            if row[below] is None:
                self.missing[key] += 1
                continue
            self.low[key] += row[below] > self.truth[key]
            self.high[key] += row[above] < self.truth[key]
            self.width[key].append(row[above] - row[below])
            self.values[key].append(row[column])


def main():
    few = table.seeds(1000, 5)
    shown = table.Table(f"response, {few} brands of {DAYS} days without a confounder")
    clean = Outcome(few, widths=True)
    for key, truth in clean.truth.items():
        n, misses = len(clean.width[key]), (clean.low[key], clean.high[key])
        meant = (87, 94) if key[1] == "lead_effect" else (92.5, 97.5)
        more = f"truth {truth:.2f}, median {numpy.median(clean.values[key]) if n else numpy.nan:.2f}, misses {misses[0]} above the truth, {misses[1]} below; no interval {clean.missing[key]}"
        shown.share(f"{key[0]} {key[1]}: interval holds the truth", n - sum(misses), n, *meant, promised=key in PROMISED, more=more)
        if n and key in clean.best:
            wide, best = numpy.median(clean.width[key]), numpy.median(clean.best[key])
            shown.most(f"{key[0]} {key[1]}: width over the oracle's", wide / best, 1.5, promised=key in NARROW, slack=1.5, more=f"{wide:.2f} and {best:.2f}")
    for treatment, counts in clean.verdicts.items():
        print(f"  {treatment}: verdicts {dict(counts)}")
    shown.share("brand_reply: flagged without a confounder", clean.verdicts["brand_reply"]["flagged"], few, 0, 5)
    if table.SHORT:
        shown.end()
    confounded(max(5, few // 20))
    shown.end()


def confounded(some):
    """Prints how far hidden causes bias the visits of an hour and of twelve, and what the leads say."""
    heads = ("confounder", "strength", "60 min: bias %", "held %", "12 h: bias %", "held %", "flagged %", "undecided %", "not flagged %")
    line = "  {:30} {:9} {:>15} {:>8} {:>13} {:>8} {:>10} {:>12} {:>14}"
    print(f"\nconfounders, {some} brands each: visits per brand reply\n" + line.format(*heads))
    for confounder, strengths in CONFOUNDERS.items():
        for word, strength in zip(("weak", "medium", "strong"), strengths):
            one, figures = Outcome(some, confounder, strength, first=5000), []
            for key in (("brand_reply", "visits within 60 minutes"), ("brand_reply", "visits_per_event")):
                n = len(one.values[key])
                figures += [100 * (numpy.mean(one.values[key]) / one.truth[key] - 1), 100 * (n - one.low[key] - one.high[key]) / n] if n else [numpy.nan] * 2
            figures += [100 * one.verdicts["brand_reply"][verdict] / some for verdict in ("flagged", "undecided", "not_flagged_at_20pct")]
            print(line.format(confounder, word, *(f"{figure:.0f}" for figure in figures)), flush=True)


# What docs/calibration.md lists as met: coverages, widths.
PROMISED, NARROW = {*SUMS, ("brand_reply", "lead_effect"), ("share", "lead_effect")}, {("brand_reply", "visits within 15 minutes")}
COUNTS = "visits, brand_replies, shares, mails, brand_posts"
table.stand_in("minute", "brand String, minute UInt32, day Date, minute_of_day UInt16, visits UInt64, brand_replies UInt64, shares UInt64, brand_posts UInt64, mails UInt64, ads UInt64, launches UInt64, other_events UInt64", "brand, minute")
store.run(f"CREATE OR REPLACE TABLE whole (brand String, {COUNTS.replace(',', ' Array(UInt32),')} Array(UInt32)) ENGINE = Memory")
main()
