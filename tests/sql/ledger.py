"""Cost by day, time by rule and the ledger against plain Python, and against the facts to the last unit."""

import collections
import datetime
import random
import zoneinfo
from decimal import Decimal
from fractions import Fraction

from store import ask, dicts, facts, insert, millis, run, same

R = random.Random(4)
DAY = 86400
T0 = 1729987200  # 2024-10-27 00:00 UTC, a Sunday; clocks in Berlin go back on that day, in New York a week later
ZONE = {"acme": "Europe/Berlin", "zeta": "America/New_York", "mu": "UTC", "": "UTC"}
BASE = {"acme": "EUR", "zeta": "USD", "mu": "", "": ""}
FX = {"EUR": [("2024-01-01", "1.1"), ("2024-11-01", "1.2")], "USD": [("2024-01-01", "1")], "GBP": [("2024-11-05", "1.3")]}
HOURLY = {"editor": [("2024-01-01", "50", "EUR"), ("2024-11-03", "60", "EUR")], "agent": [("2024-01-01", "30", "USD")], "abroad": [("2024-01-01", "20", "CHF")]}
RULE = {"acme": [("2024-01-01", 120, 60, 300)], "zeta": [("2024-01-01", 90, None, None)], "mu": [("2024-01-01", None, None, None)]}
OWNED = {"spring": [("2024-01-01", "acme", "ann"), ("2024-11-04", "zeta", "bob")]}
UNIT = 1000000


def held(rows, day):
    found = [row[1:] for row in rows if row[0] <= day]
    return found[-1] if found else None


def day_of(brand, second, offset=0):
    local = datetime.datetime.fromtimestamp(second, zoneinfo.ZoneInfo(ZONE[brand])).date()
    return local + datetime.timedelta(days=offset)


def rate(currency, brand, day):
    base = BASE[brand]
    if currency == base != "":
        return Fraction(1)
    over, under = held(FX.get(currency, []), str(day)), ("1",) if base == "" else held(FX.get(base, []), str(day))
    return Fraction(over[0]) / Fraction(under[0]) if over and under else None


costs = []
for i in range(300):
    start = T0 + R.randrange(0, 20 * DAY)
    length = R.choice([None, None, 3600, DAY, 3 * DAY, 7 * DAY, 30 * DAY])
    timed = i % 3 == 0
    brand = R.choice(["acme", "zeta", "mu", ""])
    place = R.choice([("x", "a"), ("x", "b"), ("reddit", ""), ("", "")])
    if timed and brand == "acme":  # acme logs time in its first week only; zeta never
        start, length = T0 + 2 * DAY + R.randrange(DAY), None
    if timed and brand == "zeta":
        brand = "mu"
    estimated = timed and i % 2 == 0
    bounds = (None, None) if not estimated or i % 12 == 0 else (1000, 90000)
    sign = -1 if i % 15 == 0 else 1  # a correction downwards takes from both bounds, too
    bounds = tuple(bound and sign * bound for bound in bounds)
    costs.append({"id": f"k{i}", "time": start + R.choice([0, 5 * DAY]), "kind": "work" if timed else "ads", "amount": None if timed and i % 6 else Decimal(R.randrange(0, 10**9)) / UNIT, "currency": "" if timed and i % 6 else R.choice(["EUR", "USD", "GBP"]),
                  "seconds": sign * R.randrange(1, 40000) if timed else None, "seconds_low": bounds[0], "seconds_high": bounds[1], "role": R.choice(["editor", "agent", "abroad", "nobody"]) if timed else "", "estimated": estimated,
                  "brand": brand, "campaign": R.choice(["spring", "", "autumn"]), "channel": place[0], "community": place[1], "side": R.choice(["broadcast", "conversation", ""]), "period_start": None if length is None else start, "period_end": None if length is None else start + length})
costs.append({**costs[1], "id": "whole", "amount": Decimal("100.000001"), "currency": "EUR", "seconds": None, "brand": "acme", "period_start": T0 - 2 * 3600, "period_end": T0 + 29 * DAY + 23 * 3600})  # local midnights, a day of 25 hours inside
# Periods that end within the hour by which the clocks went back: with the clock of their start they would end a day later.
for brand, begins, days, ends in (("acme", -2, 10, 22.5), ("zeta", 5, 12, 28.5)):
    costs.append({**costs[1], "id": f"autumn {brand}", "amount": Decimal("77.000001"), "currency": "EUR", "seconds": None, "brand": brand, "period_start": T0 + begins * 3600, "period_end": T0 + days * DAY + int(ends * 3600)})
costs.append({**costs[1], "id": "large", "amount": Decimal("9" * 32 + ".999999"), "currency": "EUR", "seconds": None, "brand": "", "campaign": "", "period_start": T0, "period_end": T0 + 3 * DAY})
windows = []
for i in range(40):
    # Below posts of the brand and of others; by the brand alone until, in every second, somebody else replies once.
    own, answered = i % 4 in (1, 2), int(i % 4 > 1)
    brand = ("acme", "zeta", "mu")[i % 3]
    seen, started = i % 5 > 0, T0 + i * 11 * 3600
    dims = {"brand": brand, "campaign": "spring" if i % 2 else "", "channel": ("x", "")[i % 4 == 3], "community": ("a", "")[i % 4 == 3]}
    none = dict.fromkeys(dims, "")
    row = {"epoch": 0, "source": "t/0", "root": f"r{i}", "root_is_brand": own, "root_time": started}
    windows.append({**row, "window_start": started // 900 * 900, "opened": i, "version": 1, "root_seen": True, "posts": 1, "replies": i % 3, "brand_replies": i % 3, **dims})
    later = started + R.randrange(0, 15 * DAY)
    windows.append({**row, "window_start": later // 900 * 900, "opened": i if seen else 1000 + i, "version": 2, "root_seen": seen, "posts": 0, "replies": 1 + i % 4 + answered, "brand_replies": 1 + i % 4, **(dims if seen else none)})


def times(rows):
    stamps = ("time", "root_time", "period_start", "period_end")
    return [{k: millis(v * 1000) if k in stamps and v is not None else v for k, v in row.items()} for row in rows]


facts("cost", times(costs))
insert("activity_window", times(windows))
insert("fx", [{"valid_from": s, "currency": c, "to_base": Decimal(r)} for c, rows in FX.items() for s, r in rows])
insert("labour_rate", [{"valid_from": s, "role": role, "rate": Decimal(r), "currency": c} for role, rows in HOURLY.items() for s, r, c in rows])
insert("campaign", [{"valid_from": s, "campaign": name, "brand": b, "owner": o, "objective": ""} for name, rows in OWNED.items() for s, b, o in rows])
insert("brand", [{"valid_from": rows[0][0], "brand": b, "margin_rate": Decimal("0.4"), "timezone": ZONE[b], "base_currency": BASE[b], "seconds_per_reply": rows[0][1], "seconds_per_reply_low": rows[0][2], "seconds_per_reply_high": rows[0][3], "reply_role": "editor"} for b, rows in RULE.items()])

# ---------------------------------------------------------------- the days of each cost, in Python
Line = collections.namedtuple("Line", "day brand campaign channel community side role currency units seconds low high estimated")
lines = []
for c in costs:
    start = c["period_start"] if c["period_start"] is not None else c["time"]
    last = c["period_end"] - 1 if c["period_end"] is not None else start
    utc = str(datetime.datetime.fromtimestamp(start, datetime.timezone.utc).date())
    brand = c["brand"] or (held(OWNED.get(c["campaign"], []), utc) or ("",))[0]
    first = day_of(brand, start)
    days = max(1, (day_of(brand, last) - first).days + 1)
    seconds = c["seconds"] or 0
    bounded = not (c["estimated"] and c["seconds"] is not None and c["seconds_low"] is None)
    low, high = (c["seconds_low"], c["seconds_high"]) if c["seconds_low"] is not None else (seconds, seconds)
    amount = int((c["amount"] or 0) * UNIT) if c["id"] != "large" else 10**38 - 1
    upto = lambda total, i: (abs(total) * i // days) * (1 if total > 0 else -1)
    share = lambda total, i: upto(total, i + 1) - upto(total, i)
    channel = c["channel"] if c["channel"] or c["community"] else "(unallocated)"
    for i in range(days):
        lines.append(Line(first + datetime.timedelta(days=i), brand, c["campaign"], channel, c["community"], c["side"], c["role"], c["currency"], share(amount, i),
                          share(seconds, i), share(low, i) if bounded else None, share(high, i) if bounded else None, c["estimated"]))
monday = lambda day: day - datetime.timedelta(days=day.weekday())
by_week = collections.Counter()
for x in lines:
    by_week[x.brand, monday(x.day)] += x.seconds
logged = {week for week, seconds in by_week.items() if seconds > 0}
seen = {w["root"]: w for w in windows if w["posts"]}
replies, alone, others = collections.Counter(), 0, {w["root"] for w in windows if w["replies"] > w["brand_replies"]}
for w in windows:
    root = seen[w["root"]]
    if root["root_is_brand"] and w["root"] not in others:
        alone += w["brand_replies"]  # answers nobody, takes no time by rule
        continue
    replies[day_of(root["brand"], w["window_start"]), root["brand"], root["campaign"], root["channel"], root["community"]] += w["brand_replies"]
ruled = 0
for (day, brand, campaign, channel, community), n in replies.items():
    seconds, low, high = held(RULE[brand], str(day))
    if n and seconds and (brand, monday(day)) not in logged:
        ruled += n
        lines.append(Line(day, brand, campaign, channel, community, "conversation", "editor", "", 0, n * seconds, None if low is None else n * low, None if high is None else n * high, True))
assert ruled > 10 and alone > 10 and any(brand == "acme" for brand, _ in logged) and any(x.seconds < 0 for x in lines), (ruled, alone)


def hourly(line):
    return held(HOURLY.get(line.role, []), str(line.day))


key = lambda line: (str(line.day), line.brand, line.campaign, line.channel, line.community, line.side, line.role, line.currency, line.estimated)
wanted = collections.defaultdict(lambda: [0, 0, 0, 0, Fraction(0), Fraction(0), Fraction(0), Fraction(0), 0])


def add(total, value):
    return None if total is None or value is None else total + value


for x in lines:
    to_base, hour = rate(x.currency, x.brand, x.day), hourly(x)
    hour_base = None if hour is None or rate(hour[1], x.brand, x.day) is None else Fraction(hour[0]) * rate(hour[1], x.brand, x.day)
    timed = lambda s: Fraction(0) if s == 0 else None if s is None or hour_base is None else s * hour_base / 3600
    money = Fraction(0) if x.units == 0 else None if to_base is None or x.units > 10**35 else Fraction(x.units, UNIT) * to_base
    w = wanted[key(x)]
    for place, value in enumerate((x.units, x.seconds, x.low, x.high, money, timed(x.seconds), timed(x.low), timed(x.high))):
        w[place] = add(w[place], value)
    w[8] += 1
found = {}
for row in ask(f"""SELECT toString(day), brand, campaign, channel, community, side, role, currency, estimated, toString(toInt256(toDecimal256(sum(c.amount), 6) * {UNIT})), sum(c.seconds),
        if(countIf(c.seconds_low IS NULL) > 0, NULL, sum(c.seconds_low)), if(countIf(c.seconds_high IS NULL) > 0, NULL, sum(c.seconds_high)), if(countIf(c.money_base IS NULL) > 0, NULL, toString(sum(c.money_base))),
        if(countIf(c.time_base IS NULL) > 0, NULL, toString(sum(c.time_base))), if(countIf(c.time_base_low IS NULL) > 0, NULL, toString(sum(c.time_base_low))), if(countIf(c.time_base_high IS NULL) > 0, NULL, toString(sum(c.time_base_high)))
        FROM cost_day AS c GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9"""):
    found[tuple(row[:8]) + (bool(row[8]),)] = row[9:]
assert set(found) == set(wanted), sorted(set(found) ^ set(wanted))[:5]
for k, w in wanted.items():
    for place, (f, v) in enumerate(zip(found[k], w)):
        if v is None or f is None or place < 4:
            same(f"cost_day {k} [{place}]", None if f is None else str(f), None if v is None else str(v))
        else:
            assert abs(Fraction(f) - v) <= Fraction(w[8], UNIT) + abs(v) / 10**16, (k, place, f, float(v))
empty = [sum(v[i] is None for v in wanted.values()) for i in (2, 4, 5)]
assert all(n > 3 for n in empty), empty
print(f"cost_day: {len(wanted)} lines, {ruled} replies by rule; without bounds, rate, hourly rate: {empty}")

# ---------------------------------------------------------------- the ledger
conversions = []
for i in range(200):
    back = i % 10 == 9
    conversions.append({"id": f"o{i}", "time": T0 + R.randrange(0, 20 * DAY), "visitor": i % 20, "has_visitor": i % 7 > 0, "brand": R.choice(["acme", "zeta", "mu"]), "amount": Decimal(R.randrange(1, 10**8) * (-1 if back else 1)) / UNIT, "currency": R.choice(["EUR", "GBP"]),
                        "margin_rate": None if i % 3 else Decimal("0.3"), "refund_of": f"o{i - 1}" if back else ""})
sale = {o["id"]: o for o in conversions}
brand_of = lambda o: sale.get(o["refund_of"], o)["brand"]  # a refund is its sale's
assert sum(brand_of(o) != o["brand"] for o in conversions) > 5
facts("conversion", times(conversions), source="t/1")
facts("visit", times([{"id": f"v{i}", "time": T0 + i * 3600, "visitor": i % 20, "has_visitor": True, "brand": ("acme", "zeta", "mu")[i % 3], "utm_medium": ("", "cpc")[i % 2]} for i in range(100)]), source="t/2")
totals = {(e, c): Decimal(a) for e, c, a in ask("SELECT entry, currency, toString(sum(m.amount)) FROM money AS m WHERE m.amount IS NOT NULL GROUP BY entry, currency")}
facts_by_currency = collections.Counter()
for c in costs:
    if c["amount"]:
        facts_by_currency["cost_money", c["currency"]] += int(c["amount"] * UNIT) if c["id"] != "large" else 10**38 - 1
for o in conversions:
    facts_by_currency["refund" if o["refund_of"] else "revenue", o["currency"]] += int(o["amount"] * UNIT)
for k, units in facts_by_currency.items():
    same(f"the ledger adds up to the facts: {k}", str(int(totals[k].scaleb(6))) if abs(units) < 10**30 else "0", str(units) if abs(units) < 10**30 else "0")
same("no other entries", sorted({k[0] for k in totals}), ["cost_money", "cost_time", "margin", "refund", "revenue"])
days = {tuple(row[:3]): int(row[3]) for row in ask(f"SELECT entry, brand, toString(day), toString(toInt256(sum(m.amount) * {UNIT})) FROM money AS m WHERE entry IN ('revenue', 'refund') GROUP BY ALL")}
by_day = collections.Counter()
for o in conversions:
    by_day["refund" if o["refund_of"] else "revenue", brand_of(o), str(day_of(brand_of(o), o["time"]))] += int(o["amount"] * UNIT)
assert days == dict(by_day), "revenue and refunds on their own days"
seconds = collections.Counter()
for x in lines:
    seconds[x.brand, str(x.day)] += x.seconds
assert {(b, d): int(s) for b, d, s in ask("SELECT brand, toString(day), sum(m.seconds) FROM money AS m GROUP BY brand, day HAVING sum(m.seconds) != 0")} == {k: v for k, v in seconds.items() if v}, "seconds on their days"
margins = collections.Counter()
for o in conversions:
    own = o["margin_rate"] if o["margin_rate"] is not None else sale[o["refund_of"]]["margin_rate"] if o["refund_of"] else None
    margins[brand_of(o)] += Fraction(o["amount"]) * Fraction(own if own is not None else Decimal("0.4"))
for brand, amount in ask("SELECT brand, toString(sum(m.amount)) FROM money AS m WHERE entry = 'margin' GROUP BY brand"):
    assert abs(Fraction(amount) - margins[brand]) < Fraction(1, 1000), (brand, amount, float(margins[brand]))
for row in dicts("SELECT * FROM money"):
    assert (row["reason"] == "") == (row["amount"] is not None and row["amount_base"] is not None), row
    assert row["reason"] in ("", "missing_hourly_rate", "missing_exchange_rate", "missing_margin_rate"), row
    wanted_owner = (held(OWNED.get(row["campaign"], []), row["day"]) or ("", ""))[1]
    same("owner as of the day", row["owner"], wanted_owner)
reasons = dict(ask("SELECT reason, count() FROM money GROUP BY reason"))
assert {"", "missing_hourly_rate", "missing_exchange_rate"} <= set(reasons), reasons
print(f"money: {len(totals)} totals as the facts, by day and brand; owners as of the day; reasons {sorted(reasons)}")

# ---------------------------------------------------------------- corrected dimensions restate history from their dates
before = dict(ask("SELECT toString(day), toString(sum(m.amount_base)) FROM money AS m WHERE entry = 'revenue' AND brand = 'acme' AND currency = 'GBP' AND reason = '' GROUP BY day"))
# A rate, an owner and a margin: no figure below hangs on two of them, so that one run restates all three.
run("INSERT INTO fx VALUES ('2024-11-08', 'GBP', 2.6)")
run("INSERT INTO campaign VALUES ('2024-11-01', 'spring', 'acme', 'eve', '')")
run("INSERT INTO brand (valid_from, brand, margin_rate, timezone, base_currency) VALUES ('2024-01-01', 'mu', 0.5, 'UTC', '')")
after = dict(ask("SELECT toString(day), toString(sum(m.amount_base)) FROM money AS m WHERE entry = 'revenue' AND brand = 'acme' AND currency = 'GBP' AND reason = '' GROUP BY day"))
for day in before:
    assert abs(Decimal(after[day]) - Decimal(before[day]) * (2 if day >= "2024-11-08" else 1)) < Decimal("0.001"), (day, before[day], after[day])
same("a new owner from its date", sorted({o for d, o in ask("SELECT toString(day), owner FROM money WHERE campaign = 'spring' AND day BETWEEN '2024-11-01' AND '2024-11-03'")}), ["eve"])
margins_mu = sum(Fraction(o["amount"]) * Fraction(3, 10) if (o["margin_rate"] or (o["refund_of"] and sale[o["refund_of"]]["margin_rate"])) else Fraction(o["amount"]) / 2 for o in conversions if brand_of(o) == "mu")
((margin_now,),) = ask("SELECT toString(sum(m.amount)) FROM money AS m WHERE entry = 'margin' AND brand = 'mu'")
assert abs(Fraction(margin_now) - margins_mu) < Fraction(1, 1000), (margin_now, float(margins_mu))
print(f"restated: a rate on {sum(d >= '2024-11-08' for d in before)} of {len(before)} days, an owner, a margin")
