"""`places` against plain Python: returns from the lines of credit_by_rule and cost_day, visits from the windows, clicks and visits that were put in."""

import collections
import datetime
import math
import random
import statistics
import zoneinfo
from decimal import Decimal

import numpy
from scipy import stats

from store import dicts, facts, insert, listed, millis, opening, run, same

R = random.Random(31)
MINUTE, HOUR, DAY, UNIT = 60_000, 3_600_000, 86_400_000, 1_000_000
WINDOW, WEEK = 15 * MINUTE, 7 * DAY
EPOCH = datetime.date(1970, 1, 1)
REACHED = 1_768_952_230_000  # 2026-01-20 23:37:10 UTC, the 21st in Berlin
UNTIL = REACHED // WINDOW * WINDOW - DAY
SINCE = UNTIL - 13 * WEEK
LOOKBACK = 30
# Per brand: its clock, its base currency, how many places it has, how many of them by name return far more, posts in a place.
BRANDS = {
    "acme": ("Europe/Berlin", "EUR", 26, 0, 24),
    "star": ("America/New_York", "", 12, 1, 20),
    "pair": ("Asia/Kolkata", "USD", 2, 0, 8),
    "poor": ("UTC", "", 4, 0, 3),
    "blind": ("UTC", "", 4, 0, 6),
    "young": ("UTC", "", 3, 0, 3),
}
SELLS = {"acme": 0.35, "star": 0.5, "pair": 0.8, "poor": 0.0, "blind": 0.6, "young": 0.5}

windows, clicks, visits, sales, costs, posts, replies = {}, [], [], [], [], [], []


def window(root, time, **counts):
    start = time // WINDOW * WINDOW
    row = windows.setdefault((root["name"], start), {
        "window_start": start // 1000, "root": root["name"], "epoch": 0, "source": "t/0", "opened": root["opened"], "version": 5, "root_seen": True, "root_is_brand": root["own"], "root_time": millis(root["time"]),
        "brand": root["brand"], "campaign": "", "channel": root["channel"], "community": root["community"], "posts": 0, "replies": 0, "brand_replies": 0})
    for column, count in counts.items():
        row[column] += count


def click(root, target, time, kind, written, by_brand, visited, far=1.0):
    """A click on something, the visits that name it, and perhaps a sale."""
    visitor = len(clicks) + 1
    path = [root["name"]] if kind == "post" else [root["name"], "77", "78"]
    clicks.append({"id": f"c{visitor}", "time": time, "root": root["name"], "target": target, "target_kind": kind, "target_time": written, "path": path, "path_actors": [1] * len(path),
                   "path_is_brand": [root["own"]] if kind == "post" else [not by_brand, not by_brand, by_brand], "depth": len(path) - 1, "visitor": visitor, "has_visitor": True,
                   **{k: root[k] for k in ("brand", "channel", "community")}})
    for n in range(visited):
        visits.append({"id": f"v{len(visits)}", "time": time + 2000 + n * MINUTE, "visitor": visitor, "has_visitor": n % 2 == 0, "click": f"c{visitor}", "brand": root["brand"]})
    if visited and R.random() < SELLS[root["brand"]]:
        amount = 40 * far * R.lognormvariate(0, 0.7)
        sales.append({"id": f"o{len(sales)}", "time": time + HOUR, "visitor": visitor, "has_visitor": True, "brand": root["brand"], "amount": Decimal(str(round(amount, 2))), "currency": "EUR"})


for brand, (_, _, places, ahead, each) in BRANDS.items():
    begins = REACHED - (20 if brand == "young" else 125) * DAY
    for number in range(places):
        channel, community = ("forum", "x")[number % 2], f"{brand}-{number:02}"
        far, talkative = (9.0 if number < ahead else 1.0), R.choice([1, 1, 2, 5])
        for n in range(each if number else 45):
            time = R.randrange(begins, REACHED - HOUR)
            if brand == "acme" and number == 0 and n < 4:  # at the edges of the 91 days
                time = (SINCE - 1, SINCE, UNTIL - 1, UNTIL)[n]
            root = {"name": f"{community}-{n}", "brand": brand, "channel": channel, "community": community, "time": time, "own": R.random() < 0.6, "opened": opening()}
            window(root, time, posts=1)
            posts.append((root, time))
            if root["own"]:
                for _ in range(R.choice([0, 0, 1, 4])):
                    click(root, root["name"], time + R.randrange(DAY), "post", time, True, R.randrange(3), far)
            for k in range(R.randrange(talkative + 1)):
                at = time + R.randrange(25 * DAY)
                at = (SINCE - 1, SINCE, SINCE + WEEK, UNTIL - 1, UNTIL)[k % 5] if brand == "acme" and number == 0 and n < 4 and time < SINCE else at
                if at >= REACHED - HOUR:
                    continue
                window(root, at, replies=1, brand_replies=1)
                replies.append((root, at))
                for _ in range(R.choice([0, 0, 1, 3])):
                    click(root, f"{root['name']}/{k}", at + R.randrange(HOUR), "reply", at, True, R.choice([0, 1, 1, 2]), far)
            # What others wrote, shares, and what nobody knows the time of.
            window(root, time + HOUR, replies=1)
            click(root, "else", time + 2 * HOUR, "reply", time + HOUR, False, 1, far)
            click(root, "share", time + 2 * HOUR, R.choice(["share", "unknown"]), time + HOUR, True, 1, far)
            if n % 5 == 0:
                click(root, "lost", time + 2 * HOUR, "reply", None, True, 1, far)
        for week in range((REACHED - begins) // WEEK + 1):
            where = {"brand": brand, "channel": channel, "community": community, "campaign": ""}
            for side, amount, seconds in (("conversation", None, 1800), ("broadcast", 5, None), ("", 3 if week % 4 == 0 else None, None)):
                if amount or seconds:
                    role = "" if seconds is None else "unknown" if brand == "blind" and number == 1 else "editor"
                    costs.append({"id": f"k{len(costs)}", "time": begins + week * WEEK + number * MINUTE, "kind": "work", "amount": amount, "currency": "EUR" if amount else "", "seconds": seconds, "role": role, "side": side, **where})
costs += [{**costs[0], "id": "nowhere", "channel": "", "community": ""}, {**costs[1], "id": "none", "community": "acme-nobody", "time": REACHED - 60 * DAY}]
# A place that sold and cost nothing.
free = {"name": "free", "brand": "acme", "channel": "x", "community": "acme-free", "time": REACHED - 70 * DAY, "own": True, "opened": opening()}
window(free, free["time"], posts=1)
posts.append((free, free["time"]))
for _ in range(12):
    click(free, "free", free["time"] + HOUR, "post", free["time"], True, 1)
# Visits without a click say nothing of a place: they are the margin that names none.
visits += [{"id": f"d{n}", "time": REACHED - 60 * DAY + n * HOUR, "visitor": 900_000 + n, "has_visitor": True, "click": "", "brand": "acme"} for n in range(9)]
sales += [{**sales[0], "id": f"d{n}", "time": REACHED - 60 * DAY + n * HOUR + MINUTE, "visitor": 900_000 + n, "brand": "acme"} for n in range(9)]

visits, clicks, sales = ([row for row in rows if row["time"] < REACHED] for rows in (visits, clicks, sales))
insert("activity_window", list(windows.values()))
for table, rows, source in (("click", clicks, "t/0"), ("visit", visits, "t/1"), ("conversion", sales, "t/2"), ("cost", costs, "t/3")):
    facts(table, [{k: millis(v) if k in ("time", "target_time") else v for k, v in row.items()} for row in rows], source=source)
insert("progress", [{"epoch": 0, "source": f"t/{n}", "version": 1, "log_end": 0, "watermark": millis(REACHED - n * HOUR)} for n in range(4)])
run("INSERT INTO fx VALUES ('2025-01-01', 'EUR', 1.1), ('2025-01-01', 'USD', 1)")
run("INSERT INTO labour_rate VALUES ('2025-01-01', 'editor', 40, 'EUR')")
run("INSERT INTO place VALUES ('2025-01-01', 'forum', 'acme-00', 'Old name', 'forum', 100), ('2025-06-01', 'forum', 'acme-00', 'Riders', 'forum', NULL), ('2027-01-01', 'forum', 'acme-00', 'Later', 'forum', 7), ('2025-01-01', 'x', 'acme-01', 'Feed', 'feed', 9)")
insert("brand", [{"valid_from": "2025-01-01", "brand": brand, "margin_rate": Decimal("0.5"), "timezone": of[0], "base_currency": of[1]} for brand, of in BRANDS.items()])

# ---------------------------------------------------------------- money, from the lines
found = {(row["brand"], row["channel"], row["community"]): row for row in dicts("SELECT *, toString(margin_base) AS margin, toString(cost_base) AS cost FROM places")}
number_of = lambda day: (datetime.date.fromisoformat(day) - EPOCH).days
units_of = lambda text: int(Decimal(text) * UNIT)
credit, cost = collections.defaultdict(list), collections.defaultdict(list)
for row in dicts("SELECT brand, channel, community, root, side, toString(touched_day) AS day, share, toString(margin_base) AS margin FROM credit_by_rule WHERE model = 'last' AND lookback_days = 30 AND share != 0"):
    credit[row["brand"]].append({**row, "day": number_of(row["day"]), "units": units_of(row["margin"])})
for row in dicts("SELECT brand, if(channel = '(unallocated)', '', channel) AS place, community, toString(day) AS day, toInt64(seconds) AS seconds, time_amount IS NULL AS unknown, toString(cost_base) AS cost FROM cost_day"):
    cost[row["brand"]].append({**row, "day": number_of(row["day"])})
any_rule = collections.defaultdict(set)
for row in dicts("SELECT DISTINCT brand, channel, community, toString(touched_day) AS day FROM credit_by_rule WHERE lookback_days = 30 AND side != 'unattributed'"):
    any_rule[row["brand"]].add((number_of(row["day"]), row["channel"], row["community"]))


def local_day(time, brand):
    zone = zoneinfo.ZoneInfo(BRANDS[brand][0])
    return (datetime.datetime.fromtimestamp(time / 1000, zone).date() - EPOCH).days


def unit_values(lines, start, end):
    """By post, or by day and channel; by week where the days of a long period hang together."""
    of_unit, of_day = collections.Counter(), collections.Counter()
    for row in lines:
        of_unit[row["root"] or (row["day"], row["channel"])] += row["units"]
        of_day[row["day"]] += row["units"]
    monday = lambda day: day - (day + 3) % 7
    if (monday(end) - monday(start + 6)) // 7 >= 13:
        days = numpy.array([of_day[day] / UNIT for day in range(start, end)])
        away = days - days.mean()
        if (away**2).sum() > 0 and (away[1:] * away[:-1]).sum() / (away**2).sum() > 2 / math.sqrt(len(days)):
            of_unit = collections.Counter()
            for row in lines:
                of_unit[monday(row["day"])] += row["units"]
    return numpy.array([amount / UNIT for amount in of_unit.values()])


def returned(brand):
    """Margin, cost, hours and units of each place, and the period."""
    reached = local_day(REACHED, brand)
    first = max(min(local_day(row["time"], brand) for row in visits if row["brand"] == brand), min(row["day"] for row in cost[brand]))
    start, end = first, reached - LOOKBACK
    if start >= end:
        return None, {}
    within = lambda row: start <= row["day"] < end
    places = {key[1:] for key in any_rule[brand] if start <= key[0] < end} | {(row["place"], row["community"]) for row in cost[brand] if within(row)}
    of = {}
    for place in places:
        lines = [row for row in credit[brand] if within(row) and (row["channel"], row["community"]) == place and row["side"] != "unattributed"]
        spent = [row for row in cost[brand] if within(row) and (row["place"], row["community"]) == place]
        of[place] = {"margin": sum(row["units"] for row in lines), "cost": None if any(row["unknown"] for row in spent) else sum(units_of(row["cost"]) for row in spent),
                     "hours": sum(row["seconds"] for row in spent) / 3600, "units": unit_values(lines, start, end)}
    return (start, end), of


def among_best(mean, sd, best):
    """By quadrature of each density, the others counted by multiplying polynomials."""
    if len(mean) <= best:
        return [1.0] * len(mean)
    x, answer = numpy.linspace(-8, 8, 801), []
    for i in range(len(mean)):
        fewer = []
        for value in mean[i] + sd[i] * x:
            count = numpy.ones(1)
            for p in numpy.delete(stats.norm.sf(value, mean, sd), i):
                count = numpy.convolve(count, [1 - p, p])
            fewer.append(count[:best].sum())
        answer.append(float(numpy.trapezoid(numpy.array(fewer) * stats.norm.pdf(x), x)))
    return answer


def standings(of):
    """Pooled returns, and what is said of ranks."""
    names = [place for place in sorted(of) if place[0] and of[place]["cost"]]
    if not names:
        return {}, 0.0
    x = numpy.array([of[place]["margin"] / of[place]["cost"] - 1 for place in names])
    spent, every = numpy.array([of[place]["cost"] / UNIT for place in names]), numpy.concatenate([of[place]["units"] for place in names])
    if not len(every) or every.sum() ** 2 < 2 * (every**2).sum():
        return {}, 0.0
    s2, k = (every**2).sum() / spent.sum() / spent, len(names)
    w = 1 / s2
    mean = numpy.average(x, weights=w)
    tau2 = max(0.0, ((w * (x - mean) ** 2).sum() - (k - 1)) / (w.sum() - (w**2).sum() / w.sum())) if k > 1 else 0.0
    w = 1 / (s2 + tau2)
    mean, b = numpy.average(x, weights=w), (max(0, k - 3) / max(1, k - 1)) * s2 * w
    own = s2 * (1 - b)
    pooled, sd = mean + (1 - b) * (x - mean), numpy.sqrt(own + b**2 * (1 / w.sum() + (2 / (k - 3) if k > 3 else 0) * (x - mean) ** 2))
    low, high = pooled - 1.645 * sd, pooled + 1.645 * sd
    best = [min(1, 10 / k)] * k if tau2 == 0 else among_best(pooled, numpy.sqrt(own), 10)
    rank_low, rank_high = [1 + int((low > up).sum()) for up in high], [k - int((high < down).sum()) for down in low]
    unknown = tau2 == 0 or rank_high[int(numpy.argmax(pooled))] > 1
    stand = {}
    for i, place in enumerate(names):
        tied = bool(unknown and rank_low[i] == 1)
        stand[place] = {"roi_pooled": pooled[i], "sd": sd[i], "p_positive": float(stats.norm.cdf(pooled[i] / sd[i])), "p_top10": best[i], "place_rank": None if tied else 1 + int((pooled > pooled[i]).sum()),
                        "rank_low": rank_low[i], "rank_high": rank_high[i], "tied": tied}
    return stand, tau2


# ---------------------------------------------------------------- visits, from what was put in
by_click = collections.Counter(row["click"] for row in visits if row["click"])
brought = collections.Counter()
for row in clicks:
    if row["target_time"] is not None and SINCE <= row["target_time"] < UNTIL and row["path_is_brand"][-1] and row["target_kind"] in ("post", "reply"):
        brought[row["root"], row["target_kind"], (row["target_time"] - SINCE) // WEEK] += by_click[row["id"]]
written = collections.Counter()
home = {}
for kind, every in (("reply", replies), ("post", [(root, time) for root, time in posts if root["own"]])):
    for root, time in every:
        start = time // WINDOW * WINDOW
        if SINCE <= start < UNTIL:
            written[root["name"], kind, (start - SINCE) // WEEK] += 1
            home[root["name"]] = root
assert sum(brought.values()) > 1000 and set(brought) <= set(written), "what was clicked was written"


def visited(brand, place, kind):
    """Visits for each thing that was written, and why there is no interval."""
    whole, part = collections.Counter(), collections.Counter()
    for (name, of, week), count in written.items():
        root = home[name]
        if of == kind and (root["brand"], root["channel"], root["community"]) == (brand, *place):
            whole[name] += count
            part[name] += brought[name, of, week]
    if not whole:
        return [0, None, None, None, "none_written"]
    b, a = numpy.array(list(whole.values()), float), numpy.array([part[name] for name in whole], float)
    n, ratio = len(b), a.sum() / b.sum()
    if a.sum() == 0:
        return [int(b.sum()), 0, None, None, "no_visits"]
    if n < 20 or a.sum() ** 2 < 2 * (a**2).sum():
        return [int(b.sum()), ratio, None, None, "few_roots" if n < 20 else "few_units"]
    se = math.sqrt(((a - ratio * b) ** 2).sum() / b.sum() ** 2 * n / (n - 1))
    half = stats.t.ppf(0.975, max(3, math.floor(b.sum() ** 2 / (b**2).sum() + 1e-9) - 1)) * se / ratio
    up = half * (1 + 0.6 * a.max() / math.sqrt((a**2).sum()) * (1 - 2 * (a**2).sum() / a.sum() ** 2))
    return [int(b.sum()), ratio, ratio * math.exp(-half), ratio * math.exp(up), ""]


def busy(brand):
    """Weighted least squares of busy weeks with an effect of each place, its CR2 variance by matrices."""
    places = collections.defaultdict(lambda: [[0, 0] for _ in range(13)])
    for (name, kind, week), count in written.items():
        root = home[name]
        if kind == "reply" and root["brand"] == brand:
            places[root["channel"], root["community"]][week][0] += count
            places[root["channel"], root["community"]][week][1] += brought[name, kind, week]
    rows = []
    for place, weeks in places.items():
        median = statistics.median(count for count, _ in weeks if count)
        if len({count > median for count, _ in weeks if count}) == 2:
            rows += [(place, count > median, count, visits) for count, visits in weeks if count]
    names = sorted({row[0] for row in rows})
    if len(names) < 20:
        return [None, None, None, "few_places"]
    root = numpy.sqrt([row[2] for row in rows])
    dummies = numpy.array([[row[0] == name for name in names] for row in rows]) * root[:, None]
    off = lambda v: v - dummies @ numpy.linalg.lstsq(dummies, v, rcond=None)[0]
    x, y = off(numpy.array([row[1] for row in rows]) * root), off(numpy.array([row[3] / row[2] for row in rows]) * root)
    beta, hat = float(x @ y / (x @ x)), numpy.outer(x, x) / (x @ x)
    error, variance, forms = y - x * beta, 0.0, []
    for name in names:
        own = numpy.array([row[0] == name for row in rows])
        values, vectors = numpy.linalg.eigh(numpy.eye(own.sum()) - hat[numpy.ix_(own, own)])
        adjust = vectors @ numpy.diag(1 / numpy.sqrt(values)) @ vectors.T
        variance += float(x[own] @ adjust @ error[own]) ** 2 / float(x @ x) ** 2
        form = numpy.zeros(len(rows))
        form[own] = adjust @ x[own]
        forms.append((numpy.eye(len(rows)) - hat) @ form)
    gram = numpy.array(forms) @ numpy.array(forms).T
    half = stats.t.ppf(0.975, numpy.trace(gram) ** 2 / float((gram**2).sum())) * math.sqrt(variance)
    return [beta, beta - half, beta + half, ""]


# ---------------------------------------------------------------- row by row
seen, wanted_keys = collections.Counter(), set()
for brand in BRANDS:
    period, of = returned(brand)
    stand, tau2 = standings(of)
    weeks = busy(brand)
    talked = {(root["channel"], root["community"]) for root in home.values() if root["brand"] == brand}
    for place in of.keys() | talked:
        what, wanted_keys = f"{brand} {place}", wanted_keys | {(brand, *place)}
        row, own = found[brand, *place], of.get(place, {"margin": 0, "cost": 0, "hours": 0, "units": numpy.array([])})
        same(what, [row["period_start"], row["period_end"]], [str(EPOCH + datetime.timedelta(days=day)) for day in period] if period else [None, None])
        same(f"{what}: money", [row["margin"] and units_of(row["margin"]), row["cost"] and units_of(row["cost"])], [own["margin"], own["cost"]] if period else [None, None])
        same(f"{what}: hours", row["hours"], own["hours"], 1e-9)
        values = own["units"]
        n = values.sum() ** 2 / (values**2).sum() if len(values) else 0
        same(f"{what}: units", [row["units"], row["effective_units"], row["top1_share"]], [len(values), n if place in of else None, values.max() / values.sum() if len(values) else None], 1e-9)
        sold = any(line["units"] for line in credit[brand])
        no_return = "not_complete" if not period else "no_conversions" if not sold else "missing_hourly_rate" if own["cost"] is None else "no_cost" if own["cost"] <= 0 else ""
        interval = ["no_value" if values.sum() <= 0 else "few_units" if n < 2 else ""]
        reason = "no_place" if not place[0] else no_return or ("no_spread" if place not in stand else interval[0] or ("no_difference" if tau2 == 0 else "tied" if stand[place]["tied"] else ""))
        same(f"{what}: reason", row["reason"], reason)
        average = low = high = None
        if not no_return and place[0]:
            average = own["margin"] / own["cost"] - 1
            if not interval[0]:
                half = stats.t.ppf(0.975, max(3, math.floor(n + 1e-9) - 1)) * math.sqrt((values**2).sum()) / values.sum()
                up = half * (1 + 0.6 * values.max() / math.sqrt((values**2).sum()) * (1 - 2 / n))
                low, high = (1 + average) * math.exp(-half) - 1, (1 + average) * math.exp(up) - 1
        same(f"{what}: return", [row["average_roi"], row["roi_low"], row["roi_high"]], [average, low, high], 1e-6)
        empty = {"roi_pooled": None, "sd": None, "p_positive": None, "place_rank": None, "rank_low": None, "rank_high": None, "p_top10": None, "tied": False}
        for column, wanted in stand.get(place, empty).items():
            same(f"{what}: {column}", row[column], wanted, 2e-3 if column == "p_top10" else 1e-6)
        for kind, columns in (("reply", ("replies", "visits_per_reply", "visits_per_reply_low", "visits_per_reply_high", "replies_reason")), ("post", ("posts", "visits_per_post", "visits_per_post_low", "visits_per_post_high", "posts_reason"))):
            wanted = visited(brand, place, kind)
            same(f"{what}: {kind}", [row[column] for column in columns], wanted, 1e-6)
            seen[f"{kind} {wanted[-1]}"] += 1
        same(f"{what}: busy", [row[column] for column in ("busy_less_quiet", "busy_less_quiet_low", "busy_less_quiet_high", "busy_reason")], weeks, 1e-6)
        same(f"{what}: name", [row["name"], row["members"]], {"acme-00": ["Riders", None], "acme-01": ["Feed", 9]}.get(place[1], ["", None]))
        same(f"{what}: currency", row["base_currency"], BRANDS[brand][1])
        seen.update([reason, "tied" if row["tied"] else "ranked" if row["place_rank"] else "none", f"busy {weeks[-1]}"])
same("no other rows", sorted(set(found) - wanted_keys), [])
# The rows of the brand's places are those of roi_place, its sides together.
sides = collections.Counter()
for row in dicts("SELECT brand, channel, community, toFloat64(sum(margin_base)) AS margin, toFloat64(sum(cost_base)) AS cost, countIf(cost_base IS NULL) AS unknown FROM roi_place WHERE period = 'all' AND side != 'unattributed' GROUP BY brand, channel, community"):
    own = found[row["brand"], row["channel"], row["community"]]
    same(f"the sides of {row}", [float(own["margin"])] + ([float(own["cost"])] if int(row["unknown"]) == 0 else []), [row["margin"]] + ([row["cost"]] if int(row["unknown"]) == 0 else []), 1e-9)
    sides[row["brand"]] += 1
assert sides["acme"] > 26 and sides["star"] == 12, sides
needed = {"", "no_place", "no_conversions", "not_complete", "no_difference", "missing_hourly_rate", "no_cost", "ranked", "tied", "reply ", "reply few_roots", "reply none_written", "post ", "post few_roots", "busy ", "busy few_places"}
assert needed <= set(seen), needed - set(seen)
listed("places", "reason", "replies_reason", "posts_reason", "busy_reason")
print(f"places: {len(found)} rows, {dict(seen)}")
