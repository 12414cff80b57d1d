"""Visits after replies: the same regression in numpy, with the errors of leaving a day out, from the minutes inserted here.

Brands: `acme` in a time zone whose clocks change, with mails, own posts, own hosts and hours that no lag covers; `quiet` without a
share; `young` with too few days, `new` without a whole one; `rare` with replies on few days, `mute` without any; `steady` whose shares
never vary, `even` whose replies do not; `led` whose replies follow the visits.
"""

import datetime
import zoneinfo

import numpy
from scipy import stats

from store import LARGEST, dicts, insert, listed, millis, opening, run, same

BINS = [(0, 0), (1, 4), (5, 14), (15, 59), (60, 239), (240, 719)]
LENGTHS = numpy.array([last - first + 1 for first, last in BINS])
START = datetime.datetime(2026, 3, 20, 5, 0, tzinfo=datetime.timezone.utc)
FIRST = int(START.timestamp()) // 60
KINDS = ["mail", "ad", "launch", "news"]


def world(seed, days, zone="UTC"):
    """Minutes of one brand: visits with a daily rhythm and good days, replies in sittings, shares in bursts, a kernel for each."""
    dice = numpy.random.default_rng(seed)
    size = days * 1440
    clock = 2 * numpy.pi * numpy.arange(size) / 1440
    rhythm = 1 + 0.6 * numpy.sin(clock - 1.2) + 0.2 * numpy.cos(3 * clock)
    level = numpy.repeat(dice.lognormal(0, 0.3, days), 1440)
    replies, shares = numpy.zeros(size, int), numpy.zeros(size, int)
    for start in dice.integers(0, size - 30, 6 * days):
        replies[start : start + 30] += dice.poisson(0.6, 30)
    for start in dice.integers(0, size - 200, 3 * days):
        shares[start : start + 200] += dice.poisson(1.5 * numpy.exp(-numpy.arange(200) / 40))
    lag = numpy.arange(720)
    soon, late = numpy.exp(-lag / 4), lag**2 * numpy.exp(-lag / 60)
    rate = rhythm * level
    rate += numpy.convolve(replies, 3 * soon / soon.sum())[:size] + numpy.convolve(shares, 2 * late / late.sum())[:size]
    return {"zone": zone, "visits": dice.poisson(rate), "replies": replies, "shares": shares, "posts": numpy.zeros(size, int), "events": {kind: numpy.zeros(size, int) for kind in KINDS}}


def put(brand, minutes):
    """Inserts a brand's minutes as windows of a root and as visits; a post in the first minute says that the content is known."""
    size = len(minutes["visits"])
    spread = lambda counts, at: [k for k in range(15) for _ in range(counts[at + k])]
    keys = {"epoch": 0, "source": "t/0", "opened": opening(), "version": 1, "root": f"root-{brand}", "root_seen": True, "brand": brand}
    insert(
        "activity_window",
        [
            {**keys, "window_start": (FIRST + at) * 60, "posts": int(at == 0), "share_minutes": spread(minutes["shares"], at), "brand_reply_minutes": spread(minutes["replies"], at)}
            for at in range(0, size, 15)
            if at == 0 or minutes["shares"][at : at + 15].any() or minutes["replies"][at : at + 15].any()
        ],
    )
    # A post of the brand's own is a root of its own; a stranger's, a minute later, is no post of the brand.
    insert(
        "activity_window",
        [
            {**keys, "opened": opening(), "window_start": (FIRST + at + late) // 15 * 900, "posts": 1, "root": f"{brand}-{at}-{late}-{k}", "root_time": millis((FIRST + at + late) * 60000 + 59999), "root_is_brand": late == 0}
            for at, count in enumerate(minutes["posts"])
            for k in range(count)
            for late in (0, 1)
        ],
    )
    run("CREATE OR REPLACE TABLE tick (minute UInt32, visits UInt32) ENGINE = Memory")
    run("INSERT INTO tick VALUES " + ",".join(f"({FIRST + at},{count})" for at, count in enumerate(minutes["visits"]) if count))
    run(
        "INSERT INTO visit (id, epoch, source, version, time, brand) SELECT concat("
        f"'{brand}', toString(minute), '/', toString(k)), 0, 't/0', {LARGEST} - minute, toDateTime64(60 * minute + k % 60, 3, 'UTC'), '{brand}' FROM tick ARRAY JOIN range(visits) AS k"
    )
    run("DROP TABLE tick")
    insert("calendar", [{"time": millis((FIRST + int(at)) * 60000), "brand": brand, "kind": kind, "name": f"{kind} {at}"} for kind, counts in minutes["events"].items() for at in numpy.flatnonzero(counts)])


def behind(counts, first, last):
    total = numpy.concatenate([[0], numpy.cumsum(counts)])
    at = numpy.arange(len(counts))
    return total[numpy.clip(at - first + 1, 0, None)] - total[numpy.clip(at - last, 0, None)]


def ahead(counts, first, last):
    total = numpy.concatenate([[0], numpy.cumsum(counts)])
    at = numpy.arange(len(counts))
    return total[numpy.clip(at + last + 1, None, len(counts))] - total[numpy.clip(at + first, None, len(counts))]


def local(zone, size):
    """The day and the minute of day of each minute, on the brand's own clock."""
    zone = zoneinfo.ZoneInfo(zone)
    times = [(START + datetime.timedelta(minutes=k)).astimezone(zone) for k in range(size)]
    return numpy.array([t.date().toordinal() for t in times]), numpy.array([t.hour * 60 + t.minute for t in times])


def regression(minutes):
    """Products per day of the columns about the day's means, for the whole days; which columns are treatments."""
    visits = minutes["visits"].astype(float)
    seen = numpy.flatnonzero(visits)[-1] + 1
    visits, replies, shares = visits[:seen], minutes["replies"][:seen], minutes["shares"][:seen]
    day, clock = local(minutes["zone"], seen)
    controls = [*(minutes["events"][kind] for kind in KINDS), minutes["posts"]]
    events = [behind(control[:seen], *bounds) for control in controls for bounds in ((0, 14), (15, 59), (60, 239))]
    waves = [wave(2 * numpy.pi * k * clock / 1440) for k in range(1, 9) for wave in (numpy.cos, numpy.sin)]
    level = {d: visits[day == d].mean() for d in set(day)}
    level = numpy.array([level[d] for d in day])
    treated = [column for x in (replies, shares) for column in [*(behind(x, *bounds) for bounds in BINS), ahead(x, 6, 30)]]
    columns = numpy.column_stack([*events, *waves, *(level * wave for wave in waves), *treated, visits]).astype(float)
    usable = (numpy.arange(seen) >= 720) & (numpy.arange(seen) < seen - 30)
    days, products, counts = [], [], []
    for d in sorted(set(day)):
        rows = day == d
        if clock[rows].min() > 0 or clock[rows].max() < 1439 or (rows & usable).sum() < 720:
            continue
        z = columns[rows & usable]
        z = z - z.mean(0)
        days.append(datetime.date.fromordinal(int(d)))
        products.append(z.T @ z)
        counts.append((replies[rows].sum(), shares[rows].sum()))
    return days, numpy.array(products), numpy.array(counts)


def expected(minutes):
    """The rows of a brand whose figures the data can carry, by minutes."""
    days, products, counts = regression(minutes)
    total = products.sum(0)
    z = total[:-1, :-1]
    size = numpy.where(numpy.diag(z) > 0, numpy.sqrt(numpy.diag(z)), 1)
    solve = lambda all: numpy.linalg.pinv(all[:-1, :-1] / size / size[:, None], rcond=1e-9, hermitian=True) @ (all[:-1, -1] / size) / size
    solution, without = solve(total), numpy.array([solve(total - day) for day in products])
    t95, t90 = stats.t.ppf([0.975, 0.95], len(days) - 1)

    def effect(*lengths):
        along = numpy.zeros(len(z))
        along[len(z) - 14 :][: len(lengths)] = lengths
        return along @ solution, numpy.sqrt((((without - solution) @ along) ** 2).sum() * (len(days) - 1) / len(days))

    rows, (lead, lead_error) = {}, effect(0, 0, 0, 0, 0, 0, 25)
    for within, kept in ((15, 3), (60, 4)):
        value, error = effect(*LENGTHS[:kept])
        low, high = lead - t90 * lead_error, lead + t90 * lead_error
        verdict = "not_flagged_at_20pct" if max(abs(low), abs(high)) < 0.2 * abs(value) else "flagged" if abs(lead) > 3 * lead_error else "undecided"
        rows[within] = {"visits_per_reply": value, "low": value - t95 * error, "high": value + t95 * error, "lead": lead, "lead_low": low, "lead_high": high, "lead_verdict": verdict,
                        "days": len(days), "replies": counts[:, 0].sum(), "reply_days": (counts[:, 0] > 0).sum(), "reason": "", "beside_immediacy": "cannot_tell"}
    return rows


def compare(brand, minutes, found):
    """Compares what can be estimated."""
    wanted = expected(minutes)
    for within, columns in wanted.items():
        for column, value in columns.items():
            same(f"{brand} {within} {column}", found[within][column], value if isinstance(value, str) else float(value), 0 if isinstance(value, str) else 1e-7)
    print(f"response: {brand}, as in numpy;", {within: f"{row['low']:.2f} to {row['high']:.2f}, {row['lead_verdict']}" for within, row in wanted.items()})


def nothing(brand, rows, reason):
    """Rows without a figure, with their reason, and no verdict."""
    for within, row in rows.items():
        assert all(row[column] is None for column in ("visits_per_reply", "low", "high", "lead", "lead_low", "lead_high", "lead_verdict")), (brand, row)
        same(f"{brand} {within} reason", [row["reason"], row["beside_immediacy"]], [reason, "cannot_tell"])
    print(f"response: {brand}, nothing and why: {reason}")


acme = world(1, 20, "Europe/Berlin")
dice = numpy.random.default_rng(9)
for kind, effect in (("mail", 30), ("launch", 60)):
    for at in dice.integers(1440, 18 * 1440, 9):
        acme["events"][kind][at] += 1
        acme["visits"][at : at + 120] += dice.poisson(effect * numpy.exp(-numpy.arange(120) / 30) / 30)
        acme["replies"][at : at + 60] += dice.poisson(0.3, 60)
for at in dice.integers(0, 19 * 1440, 30):
    acme["posts"][at] += 1
    acme["visits"][at : at + 300] += dice.poisson(20 * numpy.exp(-numpy.arange(300) / 90) / 90)
    acme["replies"][at : at + 120] += dice.poisson(0.1, 120)
quiet = world(2, 16, "Etc/GMT+5")
quiet["visits"][0] = 1
quiet["shares"][:] = 0
young = world(3, 10)
new = world(7, 1)
rare = world(4, 16)
rare["replies"][: 9 * 1440] = 0
mute = world(8, 16)
mute["replies"][:] = 0
steady = world(5, 16)
steady["shares"][:] = 1
even = world(9, 16)
even["replies"][:] = 1
led = world(6, 16)
led["visits"] = led["visits"] + 4 * ahead(led["replies"], 6, 30)
run("INSERT INTO brand (valid_from, brand, timezone, landing_hosts) VALUES ('2026-01-01', 'acme', 'Europe/Berlin', ['acme.example']), ('2026-01-01', 'quiet', 'Etc/GMT+5', []), ('2026-01-01', 'led', 'UTC', [])")
brands = {"acme": acme, "quiet": quiet, "young": young, "new": new, "rare": rare, "mute": mute, "steady": steady, "even": even, "led": led}
for name, minutes in brands.items():
    put(name, minutes)
# Events of every brand, one of the own hosts as referrer, a visit before the first post: only the first count.
news = 8 * 1440 + 77
insert("calendar", [{"time": millis((FIRST + news) * 60000), "brand": "", "kind": kind, "name": "everywhere"} for kind in KINDS])
for minutes in brands.values():
    if news < len(minutes["visits"]):
        for counts in minutes["events"].values():
            counts[news] += 1
insert("visit", [{"id": f"own{k}", "epoch": 0, "source": "t/0", "version": LARGEST, "time": millis((FIRST + 3000 + k) * 60000), "brand": "acme", "referrer_host": "acme.example"} for k in range(200)])
insert("visit", [{"id": f"early{k}", "epoch": 0, "source": "t/0", "version": LARGEST, "time": millis((FIRST - 4000 + k) * 60000), "brand": "acme"} for k in range(0, 4000, 50)])
# A visit and a share beyond the watermark are somebody's clock.
insert("progress", [{"epoch": 0, "source": "t/0", "first": 0, "version": 1, "watermark": millis((FIRST + 40 * 1440) * 60000)}])
insert("visit", [{"id": "later", "epoch": 0, "source": "t/0", "version": LARGEST, "time": millis(4_000_000_000_000), "brand": "acme"}])
insert("activity_window", [{"window_start": 4_000_000_500 // 900 * 900, "epoch": 0, "source": "t/0", "root": "root-acme", "opened": opening(), "version": 1, "root_seen": True, "brand": "acme", "share_minutes": [3]}])
# Below its own post the brand alone wrote: that answers nobody and is no treatment.
insert("activity_window", [{"window_start": (FIRST + 4500) * 60, "epoch": 0, "source": "t/0", "root": "alone", "opened": opening(), "version": 1, "root_seen": True, "root_is_brand": True, "brand": "acme", "replies": 4, "brand_replies": 4, "brand_reply_minutes": [3, 3, 7, 14]}])

# Hundreds of brands with two visits in 85 days: what did not happen takes no memory.
few = [f"few{k}" for k in range(300)]
insert("activity_window", [{"window_start": (FIRST - 86 * 1440) * 60, "epoch": 0, "source": "t/0", "root": f"root-{name}", "opened": opening(), "version": 1, "root_seen": True, "brand": name, "posts": 1} for name in few])
insert("visit", [{"id": f"{name}/{at}", "epoch": 0, "source": "t/0", "version": LARGEST, "time": millis((FIRST + at * 1440) * 60000), "brand": name} for name in few for at in (-80, 5)])
# The latest 91 days count, also where nothing happened when they began.
insert("activity_window", [{"window_start": (FIRST - 101 * 1440) * 60, "epoch": 0, "source": "t/0", "root": "root-old", "opened": opening(), "version": 1, "root_seen": True, "brand": "old", "posts": 1}])
insert("visit", [{"id": f"old/{at}", "epoch": 0, "source": "t/0", "version": LARGEST, "time": millis((FIRST + at * 1440) * 60000), "brand": "old"} for at in (-100, 5)])

answer = {name: {} for name in brands}
for row in dicts("SELECT * FROM response WHERE brand LIKE 'few%'"):
    same(f"{row['brand']} {row['minutes']}", [row["days"], row["reason"]], [84, "no brand replies"])
    few.append(row["brand"])
same("brands with few visits", len(few), 900)
same("days of old", [row["days"] for row in dicts("SELECT * FROM response WHERE brand = 'old'")], [90, 90])
for row in dicts("SELECT * FROM response WHERE brand NOT LIKE 'few%' AND brand != 'old'"):
    answer[row["brand"]][row["minutes"]] = row
assert all(sorted(rows) == [15, 60] for rows in answer.values()), answer.keys()
for name in ("acme", "quiet", "steady", "led"):
    compare(name, brands[name], answer[name])
for name in ("young", "new"):
    nothing(name, answer[name], "fewer than 14 whole days")
nothing("rare", answer["rare"], "replies on fewer than 10 days")
nothing("mute", answer["mute"], "no brand replies")
nothing("even", answer["even"], "the lags cannot be told apart")
listed("response", "reason")
same("a lead is seen", answer["led"][60]["lead_verdict"], "flagged")
