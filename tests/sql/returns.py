"""`roi` and its kin, `comparison` and `immediacy` against plain Python: from the lines of credit_by_rule and cost_day, from visits, clicks and activity."""

import bisect
import collections
import datetime
import itertools
import math
import random
import zoneinfo
from decimal import Decimal

from scipy import stats

from store import dicts, facts, insert, millis, one, opening, run, same

R = random.Random(23)
MINUTE, HOUR, DAY, UNIT = 60_000, 3_600_000, 86_400_000, 1_000_000
EPOCH = datetime.date(1970, 1, 1)
# Half an hour past midnight in Berlin, the evening before in New York; 30 days before Berlin's day is a Monday.
REACHED = 1_768_951_800_000  # 2026-01-20 23:30 UTC
RULES = ("first", "last", "linear", "position", "time_decay")
CONFIGURED, LOOKBACK = "last", 30
PLACES = [("x", "a"), ("x", "b"), ("forum", "c"), ("forum", "d"), ("", "")]
# Per brand: its clock, its base currency, its first day, posts, touches, what a sale on broadcast and on conversation is worth, what both cost
# a week, and the share of clicks on both that come within a quarter of an hour.
BRANDS = {
    "acme": ("Europe/Berlin", "EUR", "2025-03-20", 120, 1500, (90, 60), (60, 110), (0.3, 0.9)),
    "zeta": ("America/New_York", "", "2025-08-10", 60, 600, (15, 160), (80, 60), (0.5, 0.55)),
    "free": ("Asia/Kolkata", "USD", "2025-10-10", 50, 350, (40, 40), (0, 0), (0.8, 0.2)),
    "nova": ("America/Sao_Paulo", "BRL", "2025-09-15", 40, 400, (12, 40), (300, 280), (0.5, 0.5)),
    "mute": ("Asia/Tokyo", "EUR", "2025-09-25", 4, 40, (40, 40), (30, 30), (0.5, 0.5)),
    "still": ("UTC", "", "2025-10-10", 4, 40, (0, 0), (30, 30), (0.5, 0.5)),
    "pair": ("Pacific/Auckland", "EUR", "2025-12-08", 2, 0, (0, 0), (30, 30), (0.5, 0.5)),
    "idle": ("Europe/London", "EUR", "2025-09-20", 30, 150, (60, 60), (40, 40), (0.5, 0.5)),
}


def at(text, brand="still"):
    """Milliseconds of a brand's own time."""
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo(BRANDS[brand][0])).timestamp() * 1000)


# ---------------------------------------------------------------- a world
roots, windows, clicks, visits, sales, costs = {}, {}, [], [], [], []


def post(name, brand, time, own=True):
    channel, community = R.choice(PLACES[:4])
    roots[name] = {"brand": brand, "campaign": R.choice(["spring", "autumn", ""]), "channel": channel, "community": community, "time": time, "opened": opening(), "own": own}
    for n in range(3):
        start = (time + n * n * R.randrange(1, 40) * HOUR) // (15 * MINUTE) * 15 * MINUTE
        repliers = sorted({R.randrange(100, 160) for _ in range(R.randrange(3))})
        windows[name, start] = {"window_start": start // 1000, "root": name, "epoch": 0, "source": "t/0", "opened": roots[name]["opened"], "version": 5, "root_seen": True, "root_is_brand": own, "root_time": millis(time), "brand": brand,
                                **{k: roots[name][k] for k in ("campaign", "channel", "community")}, "posts": int(n == 0), "replies": len(repliers) + 1, "brand_replies": int(n == 1 and brand != "idle"), "sharers": [], "repliers": repliers}


def touch(brand, visitor, time, side, name):
    """A visit or a click alone; what it was on."""
    _, _, _, _, _, _, _, early = BRANDS[brand]
    if side in ("broadcast", "conversation") and R.random() < 0.85:
        quick = R.random() < early[side == "conversation"]
        lag = R.randrange(10_000, 15 * MINUTE) if quick else R.randrange(15 * MINUTE, DAY)
        lag = R.choice([-1, 0, 9_999, 10_000, 15 * MINUTE - 1, 15 * MINUTE, DAY - 1, DAY, 3 * DAY]) if R.random() < 0.05 else lag
        kind = "reply" if side == "conversation" else R.choice(["post", "share"])
        unknown, named = R.random() < 0.03, R.random() > 0.1
        click = {"id": f"c{len(clicks)}", "time": time, "root": name, "target": f"{name}/{len(clicks)}", "target_kind": kind, "target_time": None if unknown else time - lag, "path": [name], "path_actors": [R.randrange(100, 160)], "depth": 0,
                 "visitor": visitor if named else 0, "has_visitor": named, **{k: roots[name][k] if R.random() > 0.1 else "" for k in ("brand", "campaign", "channel", "community")}}
        if click["brand"] != roots[name]["brand"] or R.random() < 0.1:
            click.update({k: "" for k in ("brand", "campaign", "channel", "community")})
        clicks.append(click)
        if R.random() < 0.1:  # the same once more
            clicks.append({**click, "id": f"c{len(clicks)}", "time": time + R.randrange(1000, HOUR)})
            visits.append({"id": f"v{len(visits)}", "time": clicks[-1]["time"], "visitor": visitor, "has_visitor": True, "click": clicks[-1]["id"], "brand": brand, "utm_medium": "", "utm_campaign": "", "referrer_host": ""})
        if R.random() < 0.9:
            visits.append({"id": f"v{len(visits)}", "time": time + 2000, "visitor": visitor, "has_visitor": R.random() > 0.05, "click": click["id"], "brand": brand, "utm_medium": "", "utm_campaign": "", "referrer_host": ""})
    else:
        told = {"broadcast": {"utm_medium": "cpc"}, "conversation": {"utm_medium": "talk"}, "other": {"referrer_host": "search.example"}, "direct": {}}[side]
        campaign = R.choice(["", "", "Spring"]) if told else ""
        visits.append({"id": f"v{len(visits)}", "time": time, "visitor": visitor, "has_visitor": True, "click": "", "brand": brand, **{k: told.get(k, "") for k in ("utm_medium", "referrer_host")}, "utm_campaign": campaign})


def sale(brand, visitor, time, amount, **more):
    sales.append({"id": f"o{len(sales)}", "time": time, "visitor": visitor or 0, "has_visitor": visitor is not None, "brand": brand, "amount": Decimal(str(round(amount, 2))),
                  "currency": R.choice(["EUR", "USD"]), "margin_rate": Decimal("0.5") if brand == "zeta" else None, "refund_of": "", **more})
    return sales[-1]


def spend(brand, time, side, amount=None, seconds=None, **more):
    channel, community = R.choice(PLACES)
    costs.append({"id": f"k{len(costs)}", "time": time, "kind": "work", "amount": None if amount is None else Decimal(str(round(amount, 2))), "currency": "" if amount is None else R.choice(["EUR", "USD"]),
                  "seconds": seconds, "seconds_low": None, "seconds_high": None,
                  "role": "" if seconds is None else "editor", "estimated": False, "brand": brand, "campaign": R.choice(["Spring", "autumn", ""]), "channel": channel, "community": community, "side": side, "period_start": None, "period_end": None, **more})


for brand, (_, _, since, posts, touches, worth, weekly, _) in BRANDS.items():
    begins = at(since, brand) + 10 * HOUR
    for n in range(posts):
        post(f"{brand}-{n}", brand, begins + R.randrange(0, max(1, REACHED - begins - 3 * DAY)), own=brand != "idle")
    names = sorted((name for name in roots if roots[name]["brand"] == brand), key=lambda name: roots[name]["time"])
    for n in range(touches):
        time = R.randrange(begins, REACHED - 3 * HOUR) if n else begins
        if brand == "acme" and R.random() > 0.5 + 0.5 * math.sin(time / (9 * DAY)):  # demand that stays for weeks
            continue
        side = R.choice(["broadcast", "broadcast", "conversation", "conversation", "other", "direct"])
        visitor = 1000 * list(BRANDS).index(brand) + R.randrange(1, 900)
        known = [name for name in names if roots[name]["time"] < time][-25:] or names[:1]
        name = known[min(len(known) - 1, int(R.expovariate(0.2)))]
        name = R.choice(list(roots)) if brand == "acme" and R.random() < 0.05 else name  # a post of another brand
        touch(brand, visitor, time, side, name)
        if R.random() < 0.25:
            touch(brand, visitor, time + R.randrange(HOUR, 6 * DAY), R.choice(["direct", "direct", "other", "broadcast"]), name)
        if worth[0] and R.random() < 0.6:
            amount = worth[side == "conversation"] * R.lognormvariate(0, 0.6)
            late = time > at("2025-11-23", brand)
            # Weeks that returned far more or far less than those before, and a place far more than the others.
            amount *= (2 if brand == "acme" else 1) * (8 if brand == "zeta" and roots[name]["community"] == "c" else 1)
            amount *= 14 if (brand, side) == ("nova", "conversation") and late else 0.06 if brand == "zeta" and late else 1
            sold = sale(brand, None if brand == "mute" or R.random() < 0.04 else visitor, time + int(R.expovariate(1 / (5 * DAY))) + HOUR, amount)
            if R.random() < 0.08:
                sale(brand, None, sold["time"] + R.randrange(DAY, 50 * DAY), -float(sold["amount"]) * R.choice([0.5, 1, 1.5]), refund_of=sold["id"], currency=sold["currency"])
            elif R.random() < 0.03:
                sale(brand, visitor, sold["time"] + DAY, -amount, currency=sold["currency"])
    for week in range(int((REACHED - begins) / (7 * DAY)) + 1):
        start = begins + 7 * DAY * week
        for day, side in itertools.product(range(0, 7, 2), ("broadcast", "conversation") if weekly[0] else ()):
            price = weekly[side == "conversation"] / 4
            if side == "broadcast" or (day == 2 and week % 3 == 0 and brand != "idle"):
                spend(brand, start + day * DAY, side, amount=price * R.uniform(0.7, 1.3))
            elif brand not in ("idle", "mute"):
                seconds, estimated = int(price * 100), day == 4 and brand in ("acme", "nova")
                bounded = {"seconds_low": seconds // 2, "seconds_high": seconds * 2} if estimated and (brand == "acme" or week % 5) else {}
                spend(brand, start + day * DAY, side, seconds=seconds, estimated=estimated, **bounded)
        if weekly[0]:
            spend(brand, start + DAY, "", amount=weekly[0] * (0.1 if brand == "acme" else 0.5))
        if brand == "acme" and week % 4 == 0:
            spend(brand, start, "broadcast", amount=100, period_start=start, period_end=start + 28 * DAY)
            spend(brand, start, "other", amount=3)
            spend(brand, start, "", seconds=600, seconds_low=300, seconds_high=1200, estimated=True)

# What happens seldom, at a time of its own, so that it leaves the other periods alone.
for day, more in (("2025-09-10", {"currency": "XXX"}), ("2025-09-17", {"margin_rate": None}), ("2025-12-02", {"margin_rate": None})):
    visitor = 990_000 + len(sales)
    touch("zeta", visitor, at(f"{day} 09:00", "zeta"), "conversation", "zeta-0")
    touch("zeta", visitor, at(f"{day} 11:00", "zeta"), "other" if day > "2025-12" else "conversation", "zeta-0")
    sale("zeta", visitor, at(f"{day} 11:30", "zeta"), 50, **more)
spend("zeta", at("2025-09-03 10:00", "zeta"), "broadcast", seconds=600, role="unknown")
spend("zeta", at("2025-09-04 10:00", "zeta"), "conversation", amount=10, currency="XXX")
spend("zeta", at("2025-12-09 10:00", "zeta"), "", seconds=600, seconds_low=None, seconds_high=None, estimated=True)
# Posts of another brand that are of the day before, but for the brand that sells by them.
for month in (8, 9, 10, 11):
    name, first = f"night-{month}", at(f"2025-{month:02}-01 02:00", "acme")
    post(name, "zeta", first)
    for n in range(3):
        touch("acme", 980_000 + 10 * month + n, first + n * DAY + HOUR, "broadcast", name)
        sale("acme", 980_000 + 10 * month + n, first + n * DAY + 5 * HOUR, 70)
# Two sides that earned on one day alone, the same.
for n, side in enumerate(("broadcast", "conversation")):
    for k in range(2):
        visitor = 970_000 + 10 * n + k
        visits.append({"id": f"pair{n}{k}", "time": at("2025-12-12 12:00", "pair"), "visitor": visitor, "has_visitor": True, "click": "", "brand": "pair", "utm_medium": ("cpc", "talk")[n], "utm_campaign": "", "referrer_host": ""})
        sale("pair", visitor, at("2025-12-12 13:00", "pair"), 40, currency="EUR")
visits.append({**visits[-1], "id": "pair", "time": at("2025-12-08 10:00", "pair"), "visitor": 979_999})
# A touch of a side that cost nothing and, a month before, brought nothing.
touch("mute", 969_000, at("2025-11-10 12:00", "mute"), "other", "mute-0")
sale("mute", 969_000, at("2025-11-10 13:00", "mute"), 40)
# Eight weeks in which a brand wrote: its work is known, but for two in which time or money was taken back; one was paid for in a currency without a rate.
for n in range(8):
    day = at("2025-10-08 12:00", "idle") + 7 * n * DAY
    post(f"idle-own-{n}", "idle", day)
    for sign in (1, -1) if n in (1, 5) else (1,):
        spend("idle", day, "conversation", **({"amount": 10 * sign, "currency": "XXX" if n == 7 else "EUR"} if n > 4 else {"seconds": 3600 * sign}))

sales = [row for row in sales if row["time"] < REACHED]
visits, clicks = ([row for row in rows if row["time"] < REACHED] for rows in (visits, clicks))
insert("activity_window", list(windows.values()))
timed = ("time", "target_time", "period_start", "period_end")
for table, rows, source in (("click", clicks, "t/0"), ("visit", visits, "t/1"), ("conversion", sales, "t/2"), ("cost", costs, "t/3")):
    facts(table, [{k: millis(v) if k in timed else v for k, v in row.items()} for row in rows], source=source)
# One source is behind, so the data reach only as far as it does; one is at rest since long.
insert("progress", [{"epoch": 0, "source": s, "version": 1, "log_end": end, "watermark": millis(w)} for s, end, w in (("t/0", 0, REACHED + 2 * HOUR), ("t/1", 0, REACHED + HOUR), ("t/8", 9, REACHED), ("t/9", 1, REACHED - 90 * DAY))])
insert("identity", [{"valid_from": "2025-01-01", "visitor": v, "person": f"p{v // 2}" if v % 3 else "", "account": "", "actor": 100 + v % 60 if v % 2 else 0} for v in range(1, 900, 2)])
run("INSERT INTO fx VALUES ('2025-01-01', 'EUR', 1.1), ('2025-09-01', 'EUR', 1.17), ('2025-01-01', 'USD', 1), ('2025-01-01', 'BRL', 0.18), ('2025-01-01', 'GBP', 1.3)")
run("INSERT INTO labour_rate VALUES ('2025-01-01', 'editor', 40, 'EUR')")
run("INSERT INTO utm_side VALUES ('utm_medium', 'talk', 'conversation'), ('utm_medium', 'cpc', 'broadcast')")
brands = [{"valid_from": "2025-01-01", "brand": b, "margin_rate": None if b == "zeta" else Decimal("0.5"), "timezone": of[0], "base_currency": "EUR" if b == "zeta" else of[1],
           "seconds_per_reply": 120 if b == "mute" else None, "reply_role": "editor"} for b, of in BRANDS.items()]
insert("brand", brands + [{**brands[list(BRANDS).index("zeta")], "valid_from": "2025-08-25", "base_currency": ""}])

# ---------------------------------------------------------------- what the database holds, a line each
ORDER = ("unattributed", "unallocated_cost", "not_complete", "partial_start", "no_conversions", "no_touch", "other_currency", "missing_hourly_rate",
         "missing_exchange_rate", "missing_margin_rate", "labour_coverage", "no_cost", "no_value", "few_units", "short_period", "unbounded_estimate")
SIDES = ("broadcast", "conversation", "other")  # those that can return something


def number(day):
    return (datetime.date.fromisoformat(day) - EPOCH).days


def local(time, brand):
    """Milliseconds of the brand's own clock: its midnights are whole days."""
    zone = zoneinfo.ZoneInfo(BRANDS[brand][0])
    offset = datetime.datetime.fromtimestamp(time / 1000, zone).utcoffset()
    return time + int(offset.total_seconds()) * 1000


def local_day(time, brand):
    return local(time, brand) // DAY


def monday(day):
    return day - (day + 3) % 7


def units(text):
    return None if text is None else int(Decimal(text) * UNIT)


COMPLETE_TO = int(one("SELECT min(toUnixTimestamp64Milli(watermark)) FROM progress FINAL WHERE version < log_end"))
now = {row["brand"]: row["base_currency"] for row in dicts("SELECT brand, argMax(base_currency, valid_from) AS base_currency FROM brand FINAL GROUP BY brand")}
posted = {row["root"]: row for row in dicts("SELECT root, toUnixTimestamp64Milli(root_time) AS time, brand FROM roots")}
negative = {row["id"] for row in dicts("SELECT id FROM conversion_row WHERE refund_of != '' OR amount < 0")}
lines = collections.defaultdict(list)
for row in dicts("SELECT model, lookback_days, brand, conversion, visit, click, side, channel, community, campaign, root, direct, share, base_currency, toString(credit_base) AS credit_base, toString(margin_base) AS margin_base,"
                 " toUnixTimestamp64Milli(at) AS at, toUnixTimestamp64Milli(touched) AS touched, toString(touched_day) AS day FROM credit_by_rule"):
    brand, root = row["brand"], row["root"]
    row["missing"] = "other_currency" if row["base_currency"] != now[brand] else "missing_exchange_rate" if row["credit_base"] is None else "missing_margin_rate" if row["margin_base"] is None else None
    row["day"], row["units"], row["sold"] = number(row["day"]), units(row["margin_base"]), 0 if row["conversion"] in negative else row["share"]
    row["age"] = int(row["at"]) - int(row["touched"])
    row["earlier"] = local_day(int(posted[root]["time"]), brand) if root in posted else None
    if row["side"] != "unattributed":
        same("the day of a touch", row["day"], local_day(int(row["touched"]), brand))
    lines[brand, row["model"], row["lookback_days"]].append(row)
spent = collections.defaultdict(list)
for row in dicts("SELECT brand, toString(day) AS day, side, channel, community, campaign, toString(amount) AS amount, currency, toInt64(seconds) AS seconds, by_rule, seconds_low IS NULL AS unbounded, base_currency, toString(time_amount) AS time_amount,"
                 " toString(money_base) AS money, toString(time_base) AS time, toString(time_base_low) AS low, toString(time_base_high) AS high FROM cost_day"):
    row["missing"] = "other_currency" if row["base_currency"] != now[row["brand"]] else "missing_hourly_rate" if row["time_amount"] is None else "missing_exchange_rate" if row["money"] is None or row["time"] is None else None
    row["day"], row["side"] = number(row["day"]), row["side"] or "(unallocated)"
    row["channel"] = "" if row["channel"] == "(unallocated)" else row["channel"]
    for column in ("low", "high", "time"):  # without bounds there is no range, whatever stands here
        amount = row["time"] if row["unbounded"] else row[column]
        row[column] = None if row["missing"] else units(row["money"]) + units(amount)
    spent[row["brand"]].append(row)
written = collections.defaultdict(list)
for row in dicts("SELECT brand, channel, community, root, toUnixTimestamp(window_start) * 1000 AS time, posts > 0 AND is_brand AS posted, brand_replies > 0 AND NOT monologue AS answered FROM activity WHERE (posts > 0 AND is_brand) OR brand_replies > 0"):
    row["day"] = local_day(int(row["time"]), row["brand"])
    written[row["brand"]] += [{**row, "side": side} for side, wrote in (("broadcast", row["posted"]), ("conversation", row["answered"])) if wrote]
first_visit = {}
for row in dicts("SELECT v.brand AS brand, toUnixTimestamp64Milli(min(v.time)) AS time FROM visit_row AS v WHERE v.brand != '' GROUP BY v.brand"):
    first_visit[row["brand"]] = local_day(int(row["time"]), row["brand"])
click_rows = dicts("SELECT id, toUnixTimestamp64Milli(time) AS time, root, target, toString(target_kind) AS kind, toUnixTimestamp64Milli(target_time) AS written, path_actors, visitor, has_visitor, brand FROM click_row")
kind_side = {"post": "broadcast", "share": "broadcast", "reply": "conversation"}
for row in click_rows:
    row["brand"] = row["brand"] or posted[row["root"]]["brand"]
clicked = {(row["brand"], kind_side[row["kind"]]) for row in click_rows if row["kind"] in kind_side}
wrote = collections.defaultdict(set)
for row in dicts("SELECT DISTINCT brand, toUnixTimestamp(window_start) * 1000 AS time FROM activity WHERE (posts > 0 AND is_brand) OR brand_replies > 0"):
    wrote[row["brand"]].add(monday(local_day(int(row["time"]), row["brand"])))


# ---------------------------------------------------------------- definitions
class Money:
    """A sum in millionths, or the first reason why there is none."""

    def __init__(self, parts):
        parts = list(parts)
        self.why = min((why for why, _ in parts if why), key=ORDER.index, default=None)
        self.units = None if self.why else sum(amount for _, amount in parts)
        self.value = None if self.why else self.units / UNIT


class Brand:
    """What is known of one brand, and its periods."""

    def __init__(self, name):
        self.name, self.clock = name, local(COMPLETE_TO, name)
        self.reached = self.clock // DAY
        self.end = self.reached - LOOKBACK
        self.costs = sorted(spent[name], key=lambda row: row["day"])
        self.written = sorted(written[name], key=lambda row: row["day"])
        self.credit = {rule: sorted(lines[name, rule, LOOKBACK], key=lambda row: row["day"]) for rule in RULES}
        self.days = sorted({row["day"] for row in self.costs} | {row["day"] for rows in self.credit.values() for row in rows})
        starts = [day for day in (first_visit.get(name), min((row["day"] for row in self.costs), default=None)) if day is not None]
        self.start = max(starts, default=None)
        # Work is known of a week with time, logged or reckoned by a rule, or with money for conversation in some currency; as far as corrections leave any.
        work = collections.Counter()
        for row in self.costs:
            work[monday(row["day"]), "by rule" if row["by_rule"] else "logged"] += int(row["seconds"])
            work[monday(row["day"]), row["currency"]] += Decimal(row["amount"]) if row["side"] == "conversation" else 0
        self.worked = {week for (week, _), amount in work.items() if amount > 0}
        self.arrived = {side: self.arrivals(side) for side in SIDES}

    def arrivals(self, side):
        """Ages and margins of the touches of the newest 91 complete days; None if they are too few."""
        rows = [row for row in self.credit[CONFIGURED] if self.end - 91 <= row["day"] < self.end and row["side"] == side]
        whole = Money((row["missing"], row["units"]) for row in rows)
        if sum(row["sold"] for row in rows) < 30 or whole.why or whole.units <= 0:
            return None
        rows.sort(key=lambda row: row["age"])
        return [row["age"] for row in rows], list(itertools.accumulate(row["units"] for row in rows)), whole.units

    def expected(self, side, costs):
        """The share that has usually come by now, of days weighted by what each cost."""
        if self.arrived.get(side) is None or sum(row["time"] for row in costs) <= 0:
            return None
        ages, sums, whole = self.arrived[side]
        come = [(row["time"], bisect.bisect_right(ages, self.clock - (row["day"] + 1) * DAY)) for row in costs]
        return sum(cost * (sums[n - 1] / whole if n else 0) for cost, n in come) / sum(cost for cost, _ in come)

    def first(self):
        return self.start if self.start is not None else self.days[0]

    def period(self, span):
        """The trailing ones."""
        start = {"last_4_weeks": self.end - 28, "last_13_weeks": self.end - 91, "all": self.first()}[span]
        return [(span, start, self.end)] if start < self.end else []

    def periods(self, spans):
        """Trailing ones, and those of the calendar that have begun and hold anything."""
        for span in spans:
            if span in ("last_4_weeks", "last_13_weeks", "all"):
                yield from self.period(span)
            else:
                yield from sorted({calendar(span, day) for day in self.days if day <= self.reached})

    def partial(self, start):
        return self.start is not None and start < self.start

    def labour(self, start, end):
        """Whether work is known of four in five of the weeks of the period in which the brand wrote."""
        weeks = {week for week in wrote[self.name] if start <= week < end}
        return bool(wrote[self.name]) and 5 * len(weeks & self.worked) >= 4 * len(weeks)


def calendar(span, day):
    if span == "week":
        return span, monday(day), monday(day) + 7
    date, months = EPOCH + datetime.timedelta(days=day), 1 if span == "month" else 3
    begin = (date.month - 1) // months * months + 1
    first = datetime.date(date.year, begin, 1)
    after = datetime.date(date.year + (begin + months > 12), (begin + months - 1) % 12 + 1, 1)
    return span, (first - EPOCH).days, (after - EPOCH).days


def within(rows, start, end):
    day = lambda row: row["day"]
    return rows[bisect.bisect_left(rows, start, key=day) : bisect.bisect_left(rows, end, key=day)]


def freedom(z, y):
    """max(3, floor(z^2 / y) - 1); equal terms give a whole number only up to rounding."""
    return max(3, math.floor(z * z / y * (1 + 1e-9)) - 1)


def why(found, extra=()):
    """The first reason that holds."""
    return min((reason for reason in (*found, *extra) if reason), key=ORDER.index, default="")


def against(brand, side, start, end, lookback, rows, margin, cost):
    """What takes away a return. `rows`: the credit of the whole brand in the period."""
    sold = sum(row["sold"] for row in rows) > 0
    touched = sum(row["sold"] for row in rows if row["side"] != "unattributed") > 0
    return [reason for holds, reason in (
        (side == "unattributed", "unattributed"), (side == "(unallocated)", "unallocated_cost"), (end > brand.reached - lookback, "not_complete"), (brand.partial(start), "partial_start"),
        (not sold, "no_conversions"), (sold and not touched, "no_touch"), (margin.why, margin.why), (cost.why, cost.why), (not brand.labour(start, end), "labour_coverage"), (cost.why is None and cost.units <= 0, "no_cost")) if holds]


def unit_values(rows, start, end):
    """The margin of each unit: roots, else days of a channel; weeks where the days of a long period hang together."""
    of_unit, of_day = collections.Counter(), collections.Counter()
    for row in rows:
        of_unit[row["root"] or (row["day"], row["channel"])] += row["units"] or 0
        of_day[row["day"]] += row["units"] or 0
    first = monday(start + 6)
    if (monday(end) - first) // 7 >= 13:
        series = [of_day[day] / UNIT for day in range(start, end)]
        mean = math.fsum(series) / len(series)
        spread = math.fsum((x - mean) ** 2 for x in series)
        if spread > 0 and math.fsum((x - mean) * (y - mean) for x, y in itertools.pairwise(series)) / spread > 2 / math.sqrt(len(series)):
            of_unit = collections.Counter()
            for row in rows:
                of_unit[monday(row["day"])] += row["units"] or 0
            return [amount / UNIT for amount in of_unit.values()], True
    return [amount / UNIT for amount in of_unit.values()], False


def spread(values):
    """half and half_up of the values of units, or why there are none."""
    total, squares = math.fsum(values), math.fsum(x * x for x in values)
    if total <= 0:
        return None, "no_value"
    n = total * total / squares
    if n < 2:
        return None, "few_units"
    half = stats.t.ppf(0.975, freedom(total, squares)) * math.sqrt(squares) / total
    return (half, half * (1 + 0.6 * max(values) / math.sqrt(squares) * (1 - 2 / n))), None


BY = {"roi": (), "roi_channel": ("channel",), "roi_campaign": ("campaign",), "roi_place": ("channel", "community")}
SPANS = ("week", "last_4_weeks", "month", "quarter", "last_13_weeks", "all")
SPANS_OF = {"roi": SPANS, "roi_channel": SPANS[2:], "roi_campaign": SPANS[3:], "roi_place": SPANS[3:]}
seen = collections.Counter()


def cells(brand, by, start, end):
    """What each thing and side earned under each rule, and what it cost."""
    found = collections.defaultdict(lambda: ({rule: [] for rule in RULES}, []))
    for rule in RULES:
        for row in within(brand.credit[rule], start, end):
            found[(*(row[column] for column in by), row["side"])][0][rule].append(row)
    for row in within(brand.costs, start, end):
        found[(*(row[column] for column in by), row["side"])][1].append(row)
    return found


def worth(rows):
    return Money((row["missing"], row["units"]) for row in rows)


def outlay(rows, column="time"):
    return Money((row["missing"], row[column]) for row in rows)


class Range:
    """40 returns: what is shared out over the cells of a period."""

    def __init__(self, found):
        self.of = {key: cell for key, cell in found.items() if key[-1] in SIDES}
        free = [row for key, cell in found.items() if key[-1] == "(unallocated)" for row in cell[1]]
        self.free, self.unbounded = {column: outlay(free, column) for column in ("time", "low", "high")}, any(row["unbounded"] for row in free)
        self.owned = outlay([row for _, costs in self.of.values() for row in costs])
        self.direct = {rule: worth([row for credit, _ in self.of.values() for row in credit[rule] if row["direct"]]) for rule in RULES}
        self.other = {key: {rule: worth([row for row in credit[rule] if not row["direct"]]) for rule in RULES} for key, (credit, _) in self.of.items()}
        self.rest = {rule: sum(max(0, other[rule].units or 0) for other in self.other.values()) for rule in RULES}

    def ends(self, key):
        """Least and greatest margin over cost, or why there are none."""
        credit, costs = self.of[key]
        shares = any(money.why or money.units for money in self.free.values())
        by_cost = any(not self.rest[rule] and self.direct[rule].units != 0 for rule in RULES)
        missing = [worth(credit[rule]).why for rule in RULES] + [money.why for money in self.direct.values()] + ([self.owned.why] if by_cost else []) + [outlay(costs).why] + ([self.owned.why, self.free["time"].why] if shares else [])
        if any(missing):
            return None, why(missing)
        if any(row["unbounded"] for row in costs) or (shares and self.unbounded):
            return None, "unbounded_estimate"
        returns = []
        for rule, direct, bound, shared in itertools.product(RULES, (0, 1), ("low", "high"), (0, 1)):
            own = self.other[key][rule].units
            part = max(0, outlay(costs).units) / self.owned.units if (self.owned.units or 0) > 0 else 0
            margin = own + direct * self.direct[rule].units * (max(0, own) / self.rest[rule] if self.rest[rule] else part)
            cost = outlay(costs, bound).units + shared * part * (self.free[bound].units if shares else 0)
            if cost <= 0:
                return None, "unbounded_estimate"
            returns.append(margin / cost)
        return (min(returns), max(returns)), None


def returned(brand, table):
    """The rows of a table of returns."""
    for span, start, end in brand.periods(SPANS_OF[table]):
        found, rows = cells(brand, BY[table], start, end), within(brand.credit[CONFIGURED], start, end)
        ranges = Range(found)
        whole, free = outlay(within(brand.costs, start, end)), ranges.free["time"]
        without_side = free.value / whole.value if whole.why is None and free.why is None and whole.units > 0 else None
        for key, (credit, costs) in found.items():
            side, mine = key[-1], credit[CONFIGURED]
            margin, cost, traced = worth(mine), outlay(costs), worth([row for row in mine if row["root"]])
            complete, has_clicks = end <= brand.end, (brand.name, side) in clicked
            (values, weekly), sold = unit_values(mine, start, end), sum(row["sold"] for row in mine)
            reasons = against(brand, side, start, end, LOOKBACK, rows, margin, cost)
            ratio = margin.value / cost.value if margin.why is None and cost.why is None and cost.units > 0 else None
            low = high = edges = verdict = None
            if reasons:
                roi = None
            else:
                roi = ratio - 1
                interval, no_interval = spread(values)
                edges, no_range = ranges.ends(key)
                too_short = "short_period" if span == "week" or end - start < 28 else None
                interval = None if too_short else interval
                reasons = [no_interval, too_short, no_range]
                if interval:
                    low, high = ratio * math.exp(-interval[0]) - 1, ratio * math.exp(interval[1]) - 1
                if interval and edges:
                    verdict = "positive" if edges[0] * math.exp(-interval[0]) > 1 else "negative" if edges[1] * math.exp(interval[1]) < 1 else "cannot_tell"
            so_far = side in SIDES and not complete and not brand.partial(start) and ratio is not None
            squares = math.fsum(x * x for x in values)
            notes = [note for holds, note in (
                (has_clicks and margin.why is None and traced.why is None and abs(margin.units - traced.units) * 10 > abs(margin.units), "partly_traced"),
                (without_side is not None and without_side > 0.1, "partly_allocated"), (sold < 10 - 1e-9, "few_sales"), (not has_clicks, "no_clicks")) if holds and side in SIDES]
            expected = brand.expected(side, costs) if so_far else None
            seen.update([f"{table} {span}", why(reasons), verdict, *notes])
            seen.update(what for holds, what in ((roi is not None and weekly, "weekly units"), (so_far, "so far"), (expected is not None, "expected share"), (low is not None and edges is None, "an interval without a range"),
                                                 (edges is not None and low is None, "a range without an interval"),) if holds)
            yield (brand.name, *key, span, start), {
                "period_end": end, "complete": complete, "margin_base": margin.units, "cost_base": cost.units, "roi": roi, "roi_low": low, "roi_high": high, "roi_from": edges and edges[0] - 1, "roi_to": edges and edges[1] - 1,
                "verdict": verdict, "units": len(values), "effective_units": None if margin.why else math.fsum(values) ** 2 / squares if squares else 0, "conversions": sold,
                "margin_traced": traced.units if has_clicks else None, "margin_of_earlier_posts": worth([row for row in mine if row["earlier"] is not None and row["earlier"] < start]).units,
                "cost_without_side_share": without_side, "roi_so_far": ratio - 1 if so_far else None, "expected_share": expected, "reason": why(reasons), "notes": notes}


def by_rule(brand):
    """The rows of roi_by_rule."""
    for span, start, end in brand.periods(("month", "quarter", "last_13_weeks", "all")):
        paid = collections.defaultdict(list)
        for row in within(brand.costs, start, end):
            paid[row["channel"], row["side"]].append(row)
        for rule, lookback in itertools.product(RULES, (7, 30, 90)):
            rows, got = [row for row in lines[brand.name, rule, lookback] if start <= row["day"] < end], collections.defaultdict(list)
            for row in rows:
                got[row["channel"], row["side"]].append(row)
            for channel, side in {*paid, *got}:
                margin, cost = worth(got[channel, side]), outlay(paid.get((channel, side), []))
                reason = why(against(brand, side, start, end, lookback, rows, margin, cost))
                seen[f"by rule: {reason}"] += 1
                yield (brand.name, channel, side, span, start, rule, lookback), {
                    "period_end": end, "complete": end <= brand.reached - lookback, "margin_base": margin.units, "cost_base": cost.units, "roi": None if reason else margin.value / cost.value - 1, "reason": reason}


def compared(brand, kind, periods, first, second):
    """One comparison; `first` and `second` are lines of credit and of cost, and what was written."""
    (credit1, costs1, wrote1), (credit2, costs2, wrote2) = first, second
    m1, c1, m2, c2 = worth(credit1), outlay(costs1), worth(credit2), outlay(costs2)
    reasons = [m1.why, c1.why, m2.why, c2.why] + [reason for _, start, end in periods for holds, reason in ((brand.partial(start), "partial_start"), (not brand.labour(start, end), "labour_coverage")) if holds]
    row = {"period_end": periods[0][2], "first_margin_base": m1.units, "first_cost_base": c1.units, "second_margin_base": m2.units, "second_cost_base": c2.units,
           "log_ratio": None, "log_ratio_low": None, "log_ratio_high": None, "times": None, "p_first": None, "verdict": None}
    if not any(reasons):
        reasons = ["no_cost" if min(c1.units, c2.units) <= 0 else None, "no_value" if min(m1.units, m2.units) <= 0 else None]
    if not any(reasons):
        shares, of_units = [], []
        for credit, margin, wrote in ((credit1, m1, wrote1), (credit2, m2, wrote2)):
            by_day, by_unit = collections.Counter(), collections.Counter()
            for line in credit:
                by_day[line["day"]] += line["units"]
                # A place has units of its own: they are never those of another place of the same post.
                by_unit[line["root"] or (line["day"], line["channel"]), *((line["channel"], line["community"]) if kind == "place" else ())] += line["units"]
            shares.append({day: amount / margin.units for day, amount in by_day.items()})
            # Posts that brought nothing are units, too.
            for line in wrote:
                by_unit[line["root"], *((line["channel"], line["community"]) if kind == "place" else ())] += 0
            seen[f"{kind}: units that brought nothing"] += 0 in by_unit.values()
            of_units += of_their_units([*by_unit.values()])
        joined = {day: shares[0].get(day, 0) - shares[1].get(day, 0) for day in {*shares[0], *shares[1]}}.values()
        z = [*shares[0].values(), *shares[1].values()] if kind == "period" else joined
        squares, fourths = math.fsum(x**2 for x in z), math.fsum(x**4 for x in z)
        if squares < 1e-20:
            reasons = ["few_units"]
        else:
            ratio = math.log(m1.value / c1.value) - math.log(m2.value / c2.value)
            by_unit = (math.fsum(x**2 for x in of_units), math.fsum(x**4 for x in of_units))
            half, squares, degrees = max((stats.t.ppf(0.975, freedom(two, four)) * math.sqrt(two), two, freedom(two, four)) for two, four in ((squares, fourths), by_unit) if two > 1e-20)
            row.update(log_ratio=ratio, log_ratio_low=ratio - half, log_ratio_high=ratio + half, times=math.exp(ratio), p_first=float(stats.t.cdf(ratio / math.sqrt(squares), degrees)))
    return {**row, "reason": why(reasons)}


def of_their_units(amounts):
    """What each unit of a side adds to its error: how far it is from the mean of the units, as a share of their sum."""
    number, total = len(amounts), sum(amounts)
    if total <= 0:
        return []
    return [(amount * number - total) / (number * total) * math.sqrt(number / (number - 1)) for amount in amounts] if number > 1 else [1.0]


def comparison(brand):
    """The rows of comparison, with the verdicts of Holm's correction. As in the tables of returns, what any rule credits is there."""
    rows, last = {}, brand.credit[CONFIGURED]
    of = lambda start, end, column, side: tuple([row for row in within(rows, start, end) if row[column] == side] for rows in (last, brand.costs, brand.written))
    for period in [*brand.period("last_13_weeks"), *brand.period("all")]:
        span, start, end = period
        rows["sides", span, start, "", "", ""] = compared(brand, "sides", [period], of(start, end, "side", "broadcast"), of(start, end, "side", "conversation"))
        credit = [row for row in within(last, start, end) if row["side"] in SIDES and row["channel"]]
        paid = [row for row in within(brand.costs, start, end) if row["channel"]]
        every = [row for rule in RULES for row in within(brand.credit[rule], start, end) if row["side"] in SIDES and row["channel"]]
        places = {(row["channel"], row["community"]) for row in every + paid}
        wrote = [row for row in within(brand.written, start, end) if (row["channel"], row["community"]) in places]
        for place in places:
            here = lambda row: (row["channel"], row["community"]) == place
            there = lambda row: not here(row)
            rows["place", span, start, *place, ""] = compared(brand, "place", [period], *(tuple([*filter(which, rows)] for rows in (credit, paid, wrote)) for which in (here, there)))
    pairs = [((span, start, end), (span, start - 28, start)) for span, start, end in brand.period("last_4_weeks")]
    for span in ("month", "quarter"):
        every = sorted({calendar(span, day) for day in range(brand.first(), brand.end)})
        pairs += [(second, first) for first, second in itertools.pairwise(every) if second[2] <= brand.end]
    for period, before in pairs:
        for side in SIDES:
            one, other = (of(start, end, "side", side) for _, start, end in (period, before))
            if any((*one[:2], *other[:2])):
                rows["period", *period[:2], "", "", side] = compared(brand, "period", [period, before], one, other)
    families = collections.defaultdict(list)
    for key, row in rows.items():
        if row["p_first"] is not None:
            families[key[:2]].append((2 * min(row["p_first"], 1 - row["p_first"]), key))
    for family in families.values():
        stopped = False
        for rank, (p, key) in enumerate(sorted(family)):
            stopped = stopped or p * (len(family) - rank) >= 0.05
            rows[key]["verdict"] = "cannot_tell" if stopped else "first" if rows[key]["p_first"] > 0.5 else "second"
    for key, row in rows.items():
        seen[f"{key[0]}: {row['verdict'] or row['reason']}"] += 1
        yield (brand.name, *key), row


# ---------------------------------------------------------------- how soon clicks come
def immediacy():
    """The rows of immediacy."""
    until, led = COMPLETE_TO - DAY, {}
    for row in dicts("SELECT click, argMin(visitor, (time, id)) AS visitor FROM visit_row WHERE has_visitor AND click != '' GROUP BY click"):
        led[row["click"]] = row["visitor"]
    person, accounts, windows = {}, collections.defaultdict(set), collections.defaultdict(list)
    for row in dicts("SELECT visitor, person, toString(actor) AS actor FROM identity FINAL WHERE person != ''"):
        person[row["visitor"]] = row["person"]
        accounts[row["person"]] |= {int(row["actor"])} - {0}
    for row in dicts("SELECT root, toUnixTimestamp(window_start) * 1000 AS time, arrayJoin(arrayConcat(sharers, repliers)) AS actor FROM activity"):
        windows[row["root"], int(row["actor"])].append(int(row["time"]))
    early, every, first = collections.Counter(), collections.Counter(), set()
    for row in sorted(click_rows, key=lambda row: (int(row["time"]), row["id"])):
        time, written = int(row["time"]), None if row["written"] is None else int(row["written"])
        if not until - 91 * DAY <= time < until or (written is not None and written > until) or row["id"] not in led:
            continue
        who = row["visitor"] if row["has_visitor"] else led[row["id"]]
        again, window = (row["target"], who) in first, time // (15 * MINUTE) * 15 * MINUTE
        first.add((row["target"], who))
        own = accounts.get(person.get(who), set())
        took_part = any(actor in map(int, row["path_actors"]) or any(start < window for start in windows[row["root"], actor]) for actor in own)
        seen["participants"] += took_part
        if again or took_part or written is None or not 10_000 <= time - written < DAY or row["kind"] not in kind_side:
            continue
        key = (row["brand"], kind_side[row["kind"]], row["root"])
        every[key] += 1
        early[key] += time - written < 15 * MINUTE
    for brand in sorted({key[0] for key in every}):
        errors, p, middle, degrees, few = collections.Counter(), {}, {}, [], False
        for side in ("conversation", "broadcast"):
            keys = [key for key in every if key[:2] == (brand, side)]
            b, n = sum(every[key] for key in keys), len(keys)
            few |= n < 20
            p[side] = sum(early[key] for key in keys) / b if b else None
            if n > 1:
                # Where roots show no spread, the interval is that of two more of the mean size, whose clicks were all early and all late.
                more = {(side, "early"): (b / n, b / n), (side, "late"): (0, b / n)} if p[side] in (0, 1) else {}
                sign, b_more, n_more = 1 if side == "conversation" else -1, b + len(more) * b / n, n + len(more)
                middle[side] = (sum(early[key] for key in keys) + sum(a for a, _ in more.values())) / b_more
                for root, (a, of) in {**{key[2]: (early[key], every[key]) for key in keys}, **more}.items():
                    errors[root] += sign * (a - middle[side] * of) / b_more * math.sqrt(n_more / (n_more - 1))
            degrees.append(freedom(b, sum(every[key] ** 2 for key in keys)) if keys else 3)
        row = {"p_conversation": p["conversation"], "p_broadcast": p["broadcast"], "difference": None, "difference_low": None, "difference_high": None, "verdict": None, "reason": "few_roots"}
        if not few:
            # The square of a sum is both variances and twice the covariance.
            difference, centre, half = p["conversation"] - p["broadcast"], middle["conversation"] - middle["broadcast"], stats.t.ppf(0.975, min(degrees)) * math.sqrt(math.fsum(e * e for e in errors.values()))
            verdict = "supported" if centre - half > 0 and difference >= 0.1 else "refuted" if centre + half < 0 and difference <= -0.1 else "undecided"
            row.update(difference=difference, difference_low=centre - half, difference_high=centre + half, verdict=verdict, reason="")
        seen[f"immediacy: {row['verdict'] or row['reason']}"] += 1
        yield (brand,), row


# ---------------------------------------------------------------- against the answers
MONEY = {"margin_base", "cost_base", "margin_traced", "margin_of_earlier_posts", "first_margin_base", "first_cost_base", "second_margin_base", "second_cost_base"}


def check(table, keys, wanted):
    """Every column of every row."""
    run_number = one("SELECT max(run) FROM run")
    rows = dicts(f"SELECT * REPLACE (toUnixTimestamp64Milli(as_of) AS as_of{''.join(f', toString({c}) AS {c}' for c in sorted(MONEY & set(next(iter(wanted.values())))))}) FROM {table}")
    found = {}
    for row in rows:
        row.update({column: number(row[column]) for column in ("period_start", "period_end") if column in row})
        found[tuple(row[key] for key in keys)] = row
    same(f"{table}: a row a key", len(found), len(rows))
    lacking, more = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    assert not lacking and not more, f"{table}: {len(lacking)} rows lack, {lacking[:3]}; {len(more)} are too many, {more[:3]}"
    for key, row in wanted.items():
        got = found[key]
        same(f"{table} {key}: the columns", sorted(got), sorted({"run", "as_of", *keys, *row}))
        same(f"{table} {key}: the run", [int(got["run"]), int(got["as_of"])], [int(run_number), COMPLETE_TO])
        for column, value in row.items():
            theirs = units(got[column]) if column in MONEY else got[column]
            if isinstance(value, float) and theirs is not None:
                assert math.isclose(float(theirs), value, rel_tol=1e-9, abs_tol=1e-12), f"{table} {key} {column}: {theirs} is not {value}"
            else:
                assert theirs == value, f"{table} {key} {column}: {theirs!r} is not {value!r}; {got}"
    print(f"{table}: {len(wanted)} rows, every column")


known = [Brand(name) for name in sorted(BRANDS)]
for table, by in BY.items():
    check(table, ("brand", *by, "side", "period", "period_start"), dict(row for brand in known for row in returned(brand, table)))
check("roi_by_rule", ("brand", "channel", "side", "period", "period_start", "model", "lookback_days"), dict(row for brand in known for row in by_rule(brand)))
check("comparison", ("brand", "kind", "period", "period_start", "channel", "community", "side"), dict(row for brand in known for row in comparison(brand)))
check("immediacy", ("brand",), dict(immediacy()))
# What the world is there for.
verdicts, unlike = ("positive", "negative", "cannot_tell"), ("first", "second", "cannot_tell")
every = [*ORDER, "", *verdicts, "partly_traced", "partly_allocated", "few_sales", "no_clicks", "weekly units", "so far", "expected share", "an interval without a range", "a range without an interval", "participants"]
every += [f"{table} {span}" for table, spans in SPANS_OF.items() for span in spans]
every += [f"by rule: {reason}" for reason in (*ORDER[: ORDER.index("no_value")], "")]
every += [f"{kind}: {verdict}" for kind in ("sides", "place", "period") for verdict in (*unlike, "partial_start", "missing_exchange_rate", "labour_coverage", "no_value")]
every += [f"period: {reason}" for reason in ("no_cost", "missing_hourly_rate", "missing_margin_rate")] + [f"{kind}: units that brought nothing" for kind in ("sides", "place", "period")] + ["sides: other_currency", "sides: few_units"]
every += [f"immediacy: {verdict}" for verdict in ("supported", "refuted", "undecided", "few_roots")]
lacking = [what for what in every if not seen[what]]
assert not lacking, f"the world does not provoke {lacking}"
print(f"reasons of returns: { {reason: seen[reason] for reason in ORDER} }; verdicts { {verdict: seen[verdict] for verdict in verdicts} }")
