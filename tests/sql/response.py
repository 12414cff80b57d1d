"""Effects of replies and shares by lag: the same regression, bootstrap and verdicts in numpy, from the minutes inserted here.

Brands: `acme` in a time zone whose clocks change, with mails, own posts, own hosts and hours that no lag covers; `quiet` without a
share; `young` with too few days, `new` without a whole one; `rare` with replies on few days; `steady` whose shares never vary; `led` whose replies follow the visits.
"""

import datetime
import zoneinfo

import numpy
from scipy import stats

from store import LARGEST, ask, dicts, insert, millis, opening, run, same

BINS = [(0, 0), (1, 4), (5, 14), (15, 59), (60, 239), (240, 719)]
LENGTHS = numpy.array([last - first + 1 for first, last in BINS])
NAMES = ["0", "1-4", "5-14", "15-59", "60-239", "240-719"]
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


def effects(products):
    """Visits per event by bin and the lead's effect, both treatments; columns that never vary are left out."""
    z, y = products[:-1, :-1], products[:-1, -1]
    kept = numpy.flatnonzero(numpy.diag(z) > 0)
    size = numpy.sqrt(numpy.diag(z)[kept])
    solution = numpy.full(len(z), numpy.nan)
    solution[kept] = numpy.linalg.lstsq(z[numpy.ix_(kept, kept)] / size / size[:, None], y[kept] / size, rcond=1e-10)[0] / size
    return solution[-14:].reshape(2, 7) * numpy.append(LENGTHS, 25)


def weights(brand, days):
    """How often each day counts in each draw: the engine's hash, turned into a Poisson number here."""
    dates = ",".join(f"toDate('{day}')" for day in days)
    rows = ask(f"SELECT draw, groupArray(toString(cityHash64('{brand}', day, draw))) FROM (SELECT arrayJoin([{dates}]) AS day, toUInt8(arrayJoin(range(1, 201))) AS draw ORDER BY draw, day) GROUP BY draw ORDER BY draw")
    return stats.poisson.ppf(numpy.array([[int(h) / 2**64 for h in hashes] for _, hashes in rows]), 1)


def expected(brand, minutes):
    """The view's rows of a brand whose figures the data can carry, by (treatment, bin)."""
    days, products, counts = regression(minutes)
    estimate = effects(products.sum(0))
    drawn = numpy.array([effects(numpy.tensordot(w, products, 1)) for w in weights(brand, days)])
    t95, t90 = stats.t.ppf([0.975, 0.95], len(days) - 1)
    rows, early, early_drawn, flags, above_0 = {}, [], [], [], []
    for side, treatment in enumerate(("brand_reply", "share")):
        if counts[:, side].sum() == 0:
            continue
        value, lead, values = estimate[side, :6], estimate[side, 6], drawn[:, side, :6]
        for k, name in enumerate([*NAMES, "total"]):
            here, there = (value[k], values[:, k]) if name != "total" else (value.sum(), values.sum(1))
            sd, sum_sd = there.std(ddof=1), values[:, : k + 1].sum(1).std(ddof=1)
            so_far = value[: k + 1].sum()
            rows[treatment, name] = {"visits_per_event": here, "low": here - t95 * sd, "high": here + t95 * sd, "cumulative": so_far}
            rows[treatment, name] |= {"cumulative_low": so_far - t95 * sum_sd, "cumulative_high": so_far + t95 * sum_sd}
        early.append(value[:3].sum() / value.sum())
        early_drawn.append(values[:, :3].sum(1) / values.sum(1))
        lead_sd = drawn[:, side, 6].std(ddof=1)
        low, high, fifth = lead - t90 * lead_sd, lead + t90 * lead_sd, 0.2 * abs(value.sum())
        verdict = "not_flagged_at_20pct" if -fifth < low and high < fifth else "flagged" if abs(lead) > 3 * lead_sd else "undecided"
        flags.append(verdict)
        total = rows[treatment, "total"]
        share_low, share_high = numpy.quantile(early_drawn[-1], [0.02, 0.98])
        above_0.append(bool(total["low"] > 0))
        shares = (early[-1], share_low, share_high, "") if above_0[-1] else (None, None, None, "the total may be 0: no share within 15 minutes, no T50")
        total |= dict(zip(("share_within_15", "share_within_15_low", "share_within_15_high", "reason"), shares))
        total |= {"lead_effect": lead, "lead_low": low, "lead_high": high, "verdict": verdict, "events": counts[:, side].sum(), "event_days": (counts[:, side] > 0).sum()}
        half = BINS[numpy.flatnonzero(2 * numpy.cumsum(value) >= value.sum())[0]] if above_0[-1] else (None, None)
        total |= {"t50_from_minutes": half[0], "t50_to_minutes": half[1], "days": len(days)}
    if len(early) == 2:
        low, high = numpy.quantile(early_drawn[0] - early_drawn[1], [0.02, 0.98])
        told = all(above_0)
        verdict = "flagged" if "flagged" in flags else "undecided" if not told else "supported" if low > 0 else "refuted" if high < 0 else "undecided"
        shares = (early[0] - early[1], low, high, "") if told else (None, None, None, "a total may be 0: no difference")
        rows["difference", "total"] = {**dict(zip(("share_within_15", "share_within_15_low", "share_within_15_high", "reason"), shares)), "verdict": verdict, "days": len(days)}
    return rows


def compare(brand, minutes, found):
    """Compares what can be estimated; gives back the other rows."""
    wanted = expected(brand, minutes)
    for key, columns in wanted.items():
        for column, value in columns.items():
            if value is None or isinstance(value, str):
                same(f"{brand} {key} {column}", found[key][column], value)
                continue
            # The view takes the t quantile in low and high from a series.
            wide = column in ("low", "high", "cumulative_low", "cumulative_high", "lead_low", "lead_high")
            width = max(columns[f"{name}high"] - columns[f"{name}low"] for name in ("", "cumulative_")) if "high" in columns else 0
            same(f"{brand} {key} {column}", found[key][column], float(value), 2e-5 * (1 + width) if wide else 1e-8)
    print(f"response: {brand}, {len(wanted)} rows as in numpy;", {key[0]: row["verdict"] for key, row in wanted.items() if key[1] == "total"})
    return {key: row for key, row in found.items() if key not in wanted}


def nothing(brand, rows, reason):
    """Rows without a figure, with their reason, and no verdict."""
    for key, row in rows.items():
        figures = [column for column in row if column.startswith(("visits_per", "low", "high", "cumulative", "share_within", "t50", "lead"))]
        assert len(figures) == 14 and all(row[column] is None for column in figures), (brand, key, row)
        same(f"{brand} {key} reason", row["reason"], reason[key[0]])
        assert row["verdict"] == ("undecided" if key[1] == "total" else ""), (brand, key, row)
    print(f"response: {brand}, {len(rows)} rows are NULL with their reason")


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
steady = world(5, 16)
steady["shares"][:] = 1
led = world(6, 16)
led["visits"] = led["visits"] + 4 * ahead(led["replies"], 6, 30)
run("INSERT INTO brand (valid_from, brand, timezone, landing_hosts) VALUES ('2026-01-01', 'acme', 'Europe/Berlin', ['acme.example']), ('2026-01-01', 'quiet', 'Etc/GMT+5', []), ('2026-01-01', 'led', 'UTC', [])")
brands = {"acme": acme, "quiet": quiet, "young": young, "new": new, "rare": rare, "steady": steady, "led": led}
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

whole = ask("SELECT sum(visits), sum(brand_replies), sum(shares), sum(brand_posts), count(), sum(mails + ads + launches + other_events) FROM minute WHERE brand = 'acme'")[0]
last = int(numpy.flatnonzero(acme["visits"])[-1]) + 1
counts = [int(acme[what][:last].sum()) for what in ("visits", "replies", "shares", "posts")]
same("minutes of acme", whole, [*counts, last, sum(int(c.sum()) for c in acme["events"].values())])
day, clock = local("Europe/Berlin", last)
found = ask("SELECT toString(day), minute_of_day FROM minute WHERE brand = 'acme' ORDER BY minute")
assert [(d, m) for d, m in found] == [(str(datetime.date.fromordinal(int(d))), int(m)) for d, m in zip(day, clock)]
print(f"response: {last} minutes of acme on its own clock")

days, products, _ = regression(acme)
drawn = weights("acme", days)
assert abs(drawn.mean() - 1) < 0.05 and abs(drawn.var() - 1) < 0.1, (drawn.mean(), drawn.var())
view = ask("SELECT effects FROM response_draw WHERE brand = 'acme' ORDER BY draw")
wanted = [effects(products.sum(0)), *(effects(numpy.tensordot(w, products, 1)) for w in drawn)]
same("201 draws of acme", [row[0] for row in view], [list(map(float, draw.ravel())) for draw in wanted], 1e-9)
print("response: 201 fits of acme as in numpy, the lags of calendar and own posts in them")

answer = {name: {} for name in brands}
for row in dicts("SELECT * FROM response"):
    answer[row["brand"]][row["treatment"], row["bin"]] = row
assert all(len(rows) == 15 for rows in answer.values()), answer.keys()
missing = "needs replies and shares on 10 days each"
of = lambda brand, *treatments: {key: row for key, row in answer[brand].items() if key[0] in treatments}
assert compare("acme", acme, answer["acme"]) == {}
nothing("quiet", compare("quiet", quiet, answer["quiet"]), {"share": "no shares", "difference": missing})
nothing("young", answer["young"], dict.fromkeys(("brand_reply", "share", "difference"), "fewer than 14 whole days"))
nothing("new", answer["new"], dict.fromkeys(("brand_reply", "share", "difference"), "fewer than 14 whole days"))
nothing("rare", of("rare", "brand_reply", "difference"), {"brand_reply": "events on fewer than 10 days", "difference": missing})
nothing("steady", of("steady", "share", "difference"), dict.fromkeys(("share", "difference"), "the lags cannot be told apart"))
assert all(row["visits_per_event"] is not None for row in of("steady", "brand_reply").values()), "what can be told is told"
assert compare("led", led, answer["led"]) == {}
same("a lead is seen", answer["led"]["brand_reply", "total"]["verdict"], "flagged")
same("and the comparison says so", answer["led"]["difference", "total"]["verdict"], "flagged")
total = answer["acme"]["brand_reply", "total"]
same("half of what a reply brings", [total["t50_from_minutes"], total["t50_to_minutes"]], [1, 4])
same("the hypothesis of acme", answer["acme"]["difference", "total"]["verdict"], "supported")
