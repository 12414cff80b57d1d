"""Experiments: units, zeros, first assignments, refunds, rates as of the day and the test against scipy.

`by_visitor` control and test, in three currencies; `by_person` three arms, none called control; `by_root` and `by_community`
through the last touch; `lonely` with an arm of one; `many_arms` with nine; `lopsided` with a few units of which none sold anything, beside many; `idle` without a sale; `unpriced` with a currency nobody priced; `by_device`.
`by_slot`: three slots of four hours a day, none at night, of the brand whose posts carry it; `every_brand`: hours, which no post carries; `by_day`: days of New York, one of 23 hours;
`long_day`: days of which one has 25 hours; `to_the_end`: days up to now; `in_blocks`: distances that are equally common; `no_slot`: slots that are no time; `one_slot`: a slot without another to tell its length.
"""

import collections
import datetime
import decimal
import itertools
import zoneinfo

import numpy
from scipy import stats
from statsmodels.stats.multitest import multipletests

from store import dicts, facts, insert, listed, millis, run, same

HOUR, DAY = 3_600_000, 86_400_000
T0 = int(datetime.datetime(2026, 3, 2, tzinfo=datetime.timezone.utc).timestamp()) * 1000
FIRST_VISITOR = 2**63 + 11
DICE, DICE_OF_ARMS = numpy.random.default_rng(5), numpy.random.default_rng(1)
MOVED = T0 + 10 * DAY
REACHED = T0 + 19 * DAY + 17 * HOUR  # in the last slot

run("INSERT INTO fx VALUES ('2026-01-01', 'USD', 1), ('2026-01-01', 'EUR', 1.1), ('2026-03-12', 'EUR', 1.3), ('2026-01-01', 'JPY', 0.0065)")


def rate(currency, at):
    """As of the day of the money."""
    return {"USD": 1.0, "JPY": 0.0065, "EUR": 1.1 if at < MOVED else 1.3}[currency]


assignments, clicks, visits, conversions = [], [], [], []
sales = collections.defaultdict(list)  # (unit type, unit) -> (sold at, value)
touched = []  # (last touch, sold at, value, brand)


def assign(experiment, kind, unit, arm, at):
    assignments.append({"id": f"a{len(assignments)}", "time": millis(at), "experiment": experiment, "arm": arm, "unit": unit, "unit_type": kind})


def sell(visitor, at, amount, currency, units=(), refund_of=None, named=True, seen=None, brand="acme"):
    """A conversion, and for the comparison its value under each unit that it counts for; a refund counts when its sale did."""
    row = {"id": f"c{len(conversions)}", "time": millis(at), "visitor": visitor if named else 0, "has_visitor": named, "brand": brand, "amount": decimal.Decimal(amount), "currency": currency,
           "refund_of": conversions[refund_of]["id"] if refund_of is not None else ""}
    conversions.append(row)
    sold_at = int(conversions[refund_of]["time"] * 1000) if refund_of is not None else at
    for unit in [("visitor", str(visitor)), *units]:
        sales[unit].append((sold_at, float(row["amount"]) * rate(currency, at) if currency != "XAU" else None))
    if seen is not None:
        touched.append((seen, *sales["visitor", str(visitor)][-1], brand))
    return len(conversions) - 1


for k in range(240):
    visitor, arm = FIRST_VISITOR + k, "control" if k % 2 else "test"
    since = T0 + int(DICE.integers(0, 3 * DAY))
    assign("by_visitor", "visitor", str(visitor), arm, since)
    if k % 7 == 0:
        assign("by_visitor", "visitor", str(visitor), "control" if arm == "test" else "test", since + DAY)
    for _ in range(DICE.poisson(0.5 + 0.4 * (arm == "test"))):
        at = since + int(DICE.integers(-5 * DAY, 15 * DAY))
        sold = sell(visitor, at, str(round(float(DICE.lognormal(3, 1)), 2)), str(DICE.choice(["USD", "EUR", "JPY"])))
        if DICE.random() < 0.3:
            sell(visitor, max(at, since) + 2 * DAY, "-1.25", conversions[sold]["currency"], refund_of=sold, named=bool(DICE.random() < 0.5))
sell(FIRST_VISITOR + 999, T0 + 5 * DAY, "5000", "USD")

people = []
for k in range(90):
    person, arm = f"p{k}", "bca"[k % 3]
    assign("by_person", "person", person, arm, T0)
    for device in range(2):
        visitor = 5000 + 2 * k + device
        people.append(f"('2026-01-01', {visitor}, '{person}', '')")
        for _ in range(DICE.poisson(0.8)):
            sell(visitor, T0 + int(DICE.integers(1, 20 * DAY)), str(round(float(DICE.gamma(2, 20 + 25 * (arm == "c"))), 2)), "EUR", units=[("person", person)])
run(f"INSERT INTO identity (valid_from, visitor, person, account) VALUES {','.join(people)}")

for k in range(40):
    root, town = f"root{k}", f"town{k % 20}"
    assign("by_root", "root", root, "control" if k % 2 else "early", T0)
    if k < 20:
        assign("by_community", "community", town, "control" if k % 2 else "held", T0 + DAY)
    for _ in range(DICE.poisson(2.5)):
        visitor, at = 9000 + len(visits), T0 + int(DICE.integers(-2 * DAY, 10 * DAY))
        for back, place in ((3, (k + 7) % 40), (1, k)):
            click = {"id": f"k{len(clicks)}", "time": millis(at - back * DAY), "root": f"root{place}", "target_kind": "post", "brand": "acme", "channel": "x", "community": f"town{place % 20}", "visitor": visitor, "has_visitor": True}
            clicks.append(click)
            visits.append({"id": f"v{len(visits)}", "time": click["time"], "visitor": visitor, "has_visitor": True, "brand": "acme", "click": click["id"], "referrer_host": ""})
        sell(visitor, at, str(round(float(DICE.lognormal(2, 0.7)), 2)), "USD", units=[("root", root), ("community", town)], seen=at - DAY)

for k in range(6):
    assign("lonely", "visitor", str(70000 + k), "control" if k else "test", T0)
    assign("idle", "visitor", str(71000 + k), "control" if k % 2 else "test", T0)
    assign("unpriced", "visitor", str(72000 + k), ("control", "test", "other")[k % 3], T0)
    assign("by_device", "device", str(k), "control" if k % 2 else "test", T0)
    for start in (70000, 72000):
        sell(start + k, T0 + DAY + k, str(k + 1), "XAU" if (start, k) == (72000, 1) else "USD")
for k in range(200):
    assign("lopsided", "visitor", str(74000 + k), "control" if k >= 12 else "test", T0)
    if k % 16 == 15:
        sell(74000 + k, T0 + DAY + k, str(20 + k % 7), "USD")
# Nine arms, of which the control arm alone was unlucky.
for k in range(270):
    assign("many_arms", "visitor", str(75000 + k), "control" if k % 9 == 0 else f"arm{k % 9}", T0)
    if DICE_OF_ARMS.random() < (0.3 if k % 9 == 0 else 0.5):
        sell(75000 + k, T0 + DAY + k, str(20 + k % 7), "USD")
for k in range(60):
    begins = T0 + k // 3 * DAY + (8 + 4 * (k % 3)) * HOUR
    written = datetime.datetime.fromtimestamp(begins / 1000, datetime.timezone(datetime.timedelta(hours=k % 2))).isoformat()
    # Assigned late, and once more under another spelling: a slot bounds its sales itself.
    assign("by_slot", "time_slot", written, "control" if DICE.random() < 0.5 else "test", begins + HOUR)
    assign("by_slot", "time_slot", written.split("+")[0].replace("T", " ") if k % 2 == 0 else written, "nobody", begins + 2 * HOUR)
for k in range(200):
    assign("every_brand", "time_slot", str((T0 + k * HOUR) // 1000), "ab"[int(DICE.integers(0, 2))], T0 - DAY)
# Arms in turn, over days of 23 and of 25 hours, and over a gap.
for k in range(16):
    assign("by_day", "time_slot", datetime.datetime(2026, 3, 3 + k, tzinfo=zoneinfo.ZoneInfo("America/New_York")).isoformat(), ("control", "test")[k % 2], T0)
    assign("long_day", "time_slot", str((T0 + k * DAY + (k > 6) * HOUR) // 1000), ("control", "test")[k % 2], T0)
    # Half an hour of the last day is missing, which may have 23 hours, as another has.
    assign("to_the_end", "time_slot", str((REACHED - k * DAY + (k > 4) * HOUR) // 1000 - 84600), ("control", "test")[k % 2], T0)
for k, hours in enumerate((0, 5, 48, 53, 96)):
    assign("in_blocks", "time_slot", str((T0 + hours * HOUR) // 1000), ("control", "test")[k % 2], T0)
for k in range(4):
    assign("no_slot", "time_slot", "12" if k == 3 else f"2026-03-0{k + 1} 08:00:00", "control" if k % 2 else "test", T0)
assign("one_slot", "time_slot", "2026-03-03T00:00:00Z", "test", T0)
for k in range(300):
    visitor, seen, brand = 80000 + k, T0 + int(DICE.integers(0, 20 * DAY)), "zenith" if k % 5 == 0 else "acme"
    if k % 10 == 1:
        seen = T0 + k // 15 * DAY + 20 * HOUR - (k % 20 == 1)  # a slot's last millisecond, and the first after it
    # A direct visit later is no last touch; what had none but direct ones is credited to the last.
    for at, found_by in ((seen, "search.example" if k % 3 else ""), *([(seen + 5 * HOUR, "")] if k % 3 else [])):
        visits.append({"id": f"v{len(visits)}", "time": millis(at), "visitor": visitor, "has_visitor": True, "brand": brand, "click": "", "referrer_host": found_by})
    at = seen + int(DICE.integers(6 * HOUR, 25 * DAY))
    sold = sell(visitor, at, str(round(float(DICE.lognormal(2, 1)), 2)), "EUR", seen=seen, brand=brand)
    if k % 9 == 0:
        sell(visitor, at + DAY, "-2.5", "EUR", refund_of=sold, seen=seen, brand=brand)
insert("progress", [{"epoch": 0, "source": "t/0", "first": 0, "version": 1, "watermark": millis(REACHED)}])
insert("activity_window", [{"window_start": T0 // 1000, "root": "root1", "source": "t/0", "opened": 1, "version": 1, "root_seen": True, "brand": "acme", "experiment": "by_slot", "posts": 1}])
facts("assignment", assignments)
facts("click", clicks)
facts("visit", visits)
facts("conversion", conversions)

REFUSED = {"by_device": "no sales are known by this type of unit", "no_slot": "a time slot is no time", "one_slot": "a time slot has no length"}
# Whose sales count, and how many hours its slots last.
SLOTS = {"by_slot": ("acme", {4}), "every_brand": ("", {1}), "by_day": ("", {23, 24}), "long_day": ("", {24}), "to_the_end": ("", {23, 24}), "in_blocks": ("", {5})}
# Of no brand: those whose units bought from two, and from none. The others are acme's, by its posts or because nobody else sold to their units.
BRANDS = {"every_brand": "", "by_day": "", "long_day": "", "to_the_end": "", "in_blocks": "", "no_slot": "", "one_slot": "", "idle": "", "by_device": ""}


def slot_start(text):
    """In milliseconds; text that is no time stays what it is."""
    if text.isdigit():
        return 1000 * int(text)
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError:
        return text
    return int(1000 * (time if time.tzinfo else time.replace(tzinfo=datetime.timezone.utc)).timestamp())


ends, ripe = {}, {}
for experiment, (_, hours) in SLOTS.items():
    starts = sorted({slot_start(row["unit"]) for row in assignments if row["experiment"] == experiment})
    distances = collections.Counter(after - start for start, after in itertools.pairwise(starts))
    usual = min(distance for distance, times in distances.items() if times == max(distances.values()))
    ends[experiment] = {start: min(start + usual, after) for start, after in zip(starts, [*starts[1:], starts[-1] + usual])}
    # Over a change of clocks the last one, which no other ends, may be an hour shorter, if another was.
    ripe[experiment, starts[-1]] = starts[-1] + max(usual - HOUR, min(distances))
    same(f"hours of the slots of {experiment}", sorted({(end - start) / HOUR for start, end in ends[experiment].items()}), sorted(hours))

arms = collections.defaultdict(dict)
for row in sorted(assignments, key=lambda row: (row["time"], row["id"])):
    unit = slot_start(row["unit"]) if row["unit_type"] == "time_slot" else row["unit"]
    if row["experiment"] in SLOTS and ripe.get((row["experiment"], unit), ends[row["experiment"]][unit]) > REACHED:
        continue
    arms[row["experiment"], row["unit_type"]].setdefault(unit, (row["arm"], int(row["time"] * 1000)))
found = {(row["experiment"], row["arm"]): row for row in dicts("SELECT * FROM experiments")}
FIGURES = ["difference", "standard_error", "t", "degrees_of_freedom", "p_value", "low", "high"]


def tested(mine, theirs):
    """Welch's test with its interval; where fewer than ten units of an arm sold anything and the other has more than one and a half times as many, Student's if it is wider."""
    tests = [(test.confidence_interval(0.95), test) for test in (stats.ttest_ind(mine, theirs, equal_var=alike) for alike in (False, True))]
    doubted = any(numpy.count_nonzero(few) < 10 and len(many) > 1.5 * len(few) for few, many in ((mine, theirs), (theirs, mine)))
    return max(tests if doubted else tests[:1], key=lambda found: found[0].high - found[0].low)


compared, seen = 0, collections.Counter()
for (experiment, kind), units in arms.items():
    values = collections.defaultdict(list)
    for unit, (arm, since) in units.items():
        if experiment in SLOTS:
            brand = SLOTS[experiment][0]
            values[arm].append([value for seen, _, value, whose in touched if unit <= seen < ends[experiment][unit] and brand in ("", whose)])
        else:
            values[arm].append([value for at, value in sales[kind, unit] if at >= since])
    control = "control" if "control" in values else min(values)
    # A sum with a missing rate is None; a unit without a sale is 0.
    sums = {arm: [None if None in unit else sum(unit) for unit in rows] for arm, rows in values.items()}
    for arm, mine in sums.items():
        row, theirs = found.pop((experiment, arm)), sums[control]
        same(f"{experiment} {arm}", [row["control_arm"], row["control_rule"]], [control, "named control" if control == "control" else "first arm by name"])
        same(f"{experiment} {arm} brand", row["brand"], BRANDS.get(experiment, "acme"))
        same(f"{experiment} {arm} units", [row["units"], row["control_units"]], [len(mine), 0 if arm == control else len(theirs)])
        if experiment in REFUSED or None in mine:
            same(f"{experiment} {arm}", [row[c] for c in ["mean", "units_with_sales", "control_mean", *FIGURES]], [None] * 10)
            same(f"{experiment} {arm} reason", row["reason"], REFUSED.get(experiment, "a rate is missing"))
            continue
        same(f"{experiment} {arm} mean", row["mean"], float(numpy.mean(mine)), 1e-9)
        same(f"{experiment} {arm} with sales", row["units_with_sales"], sum(value != 0 for value in mine))
        reason = {"lonely": "fewer than two units in an arm", "idle": "no unit differs from another"}.get(experiment, "")
        if arm == control or reason:
            same(f"{experiment} {arm}", [row[c] for c in [*FIGURES, "reason", "verdict"]], [None] * 7 + (["the control arm", ""] if arm == control else [reason, "undecided"]))
            continue
        interval, test = tested(mine, theirs)
        # What is said holds for all arms of the experiment together.
        others = [tested(other, theirs)[1].pvalue for name, other in sums.items() if name not in (arm, control) and None not in other]
        decided = dict(zip([test.pvalue, *others], multipletests([test.pvalue, *others], method="holm")[1]))[test.pvalue] < 0.05
        seen[test.pvalue < 0.05, decided] += 1
        difference = numpy.mean(mine) - numpy.mean(theirs)
        error = (interval.high - difference) / stats.t.ppf(0.975, test.df)
        wanted = [numpy.mean(theirs), difference, error, test.statistic, test.df, test.pvalue, interval.low, interval.high]
        same(f"{experiment} {arm}", [row[c] for c in ["control_mean", *FIGURES]], list(map(float, wanted)), 1e-8)
        same(f"{experiment} {arm} verdict", [row["verdict"], row["reason"]], ["undecided" if not decided else "higher" if difference > 0 else "lower", ""])
        compared += 1
        if experiment == "lopsided":
            assert stats.ttest_ind(mine, theirs, equal_var=False).pvalue < 0.01 and row["verdict"] == "undecided", "by its own spread alone the small arm would be called lower"
        print(f"experiments: {experiment} {arm} against {control}, {len(mine)} and {len(theirs)} units, {difference:.2f} +- {error:.2f}, p {test.pvalue:.3f}, as in scipy")
assert not found and compared == 21, (found, compared)
assert seen[True, True] and seen[True, False] and seen[False, False], seen
listed("experiments", "reason")
