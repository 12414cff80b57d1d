"""Credit, credit up the path, cost by day and the ledger against plain Python, money to the last unit."""

import collections
import datetime
import decimal
import random
import zoneinfo
from decimal import Decimal
from fractions import Fraction

from store import ask, dicts, facts, insert, millis, one, run, same

decimal.getcontext().prec = 60
R = random.Random(9)
DAY, T0 = 86400, 1700000000  # seconds; 2023-11-14 22:13:20 UTC
UNIT = 1000000
ZONES = {"acme": "America/New_York", "zeta": "Asia/Tokyo"}
BASE = {"acme": "EUR", "zeta": "", "plain": ""}
FX = {"EUR": [("2023-01-01", "1.1"), ("2023-12-01", "1.2")], "USD": [("2023-01-01", "1")], "GBP": [("2023-12-10", "1.25")]}
MARGIN = {"acme": [("2023-01-01", "0.4"), ("2023-12-05", "0.45")], "zeta": [("2023-01-01", None)]}
MODELS = ("first", "last", "linear", "position", "time_decay")


def dated(rows, day):
    """The value that holds on a day, written YYYY-MM-DD; None before the first."""
    held = [value for since, value in rows if since <= day]
    return held[-1] if held else None


def local_day(brand, second):
    zone = zoneinfo.ZoneInfo(ZONES.get(brand, "UTC"))
    return datetime.datetime.fromtimestamp(second, zone).strftime("%Y-%m-%d")


def rate(currency, brand, day):
    """What one unit of a currency is worth in the brand's base currency; None where a rate is missing."""
    base = BASE.get(brand, "")
    if currency == base != "":
        return Fraction(1)
    over, under = dated(FX.get(currency, []), day), "1" if base == "" else dated(FX.get(base, []), day)
    return None if over is None or under is None else Fraction(over) / Fraction(under)


def times(rows):
    """Seconds to what the table takes."""
    stamps = ("time", "root_time", "period_start", "period_end")
    return [{k: millis(v * 1000) if k in stamps and v is not None else v for k, v in row.items()} for row in rows]


# ---------------------------------------------------------------- facts
places = [("x", "a"), ("x", "b"), ("reddit", "c"), ("reddit", "d"), ("mail", ""), ("", "")]
roots = {}
for i in range(60):
    channel, community = places[i % 6]
    roots[f"r{i}"] = {"channel": channel, "community": community, "campaign": f"k{i % 2}", "brand": ("acme", "zeta", "plain")[i % 3], "time": T0 + i * 3600}
insert("activity_window", times([
    {"window_start": r["time"] // 900 * 900, "root": name, "epoch": 0, "source": "t/0", "opened": i, "version": i + 1, "root_seen": True, "root_is_brand": True,
     "root_time": r["time"], "brand": r["brand"], "campaign": r["campaign"], "channel": r["channel"], "community": r["community"], "posts": 1}
    for i, (name, r) in enumerate(roots.items())]))
clicks = []
for i in range(500):
    depth = R.choice([0, 1, 2, 3, 5, 60])
    path = [R.choice([0, 5, 6, 7, 8, 9, 9]) for _ in range(depth + 1)]
    kept = path if depth < 32 else path[:1] + path[-31:]
    root = f"r{R.randrange(60)}"
    late = i % 7 == 0  # read before its root post: the row has no dimensions
    dims = {k: "" if late else roots[root][k] for k in ("brand", "campaign", "channel", "community")}
    # The brand's own account wrote on some paths, and stands on others.
    clicks.append({"path_is_brand": [actor == 5 for actor in kept] if i % 20 == 0 else [], "id": f"c{i}", "time": T0 + R.randrange(0, 40 * DAY), "root": root, "target_kind": R.choice(["unknown", "post", "share", "reply"]),
                   "path": [str(a) for a in kept], "path_actors": kept, "depth": depth, "path_inferred": R.choice([0, 0, 0, depth // 2, depth // 2 + 1, depth]), "visitor": 0, "has_visitor": False, **dims})
visits = []
for i in range(2400):
    c, brand = R.randrange(1100), R.choice(["acme", "acme", "zeta", "plain"])
    visits.append({"id": f"v{i}", "time": T0 + R.randrange(0, 60 * DAY), "visitor": R.randrange(1, 200), "has_visitor": i % 50 > 0,
                   "click": f"c{c}" if c < 500 else "c-unknown" if c < 520 else "", "brand": brand, "utm_medium": R.choice(["", "", "social-conversation", "cpc"]), "referrer_host": R.choice(["", "", "social.example", "elsewhere.example"])})
for i in range(0, 800, 2):  # a second visit some minutes after: the same session or, at more than half an hour, another
    visits.append({**visits[i], "id": f"w{i}", "time": visits[i]["time"] + R.choice([60, 1799, 1800, 1801, 2400]), "click": R.choice(["", "c7"])})
sales = []
for i in range(500):
    amount = R.choice(["0", "0.000001", "0.000007", "-3.5", f"{R.randrange(1, 200000000) / UNIT:.6f}", f"{R.randrange(1, 200000000) / UNIT:.6f}", "12345678901234567890123456.123457"])
    sales.append({"id": f"o{i}", "time": T0 + R.randrange(0, 60 * DAY), "visitor": R.randrange(1, 240), "has_visitor": i % 25 > 0, "brand": R.choice(["acme", "acme", "zeta", "plain"]), "kind": "sale",
                  "amount": Decimal(amount), "currency": R.choice(["EUR", "USD", "GBP", "XXX"]), "margin_rate": R.choice([None, None, Decimal("0.25")]), "refund_of": ""})
# In the evening of the brand's day, when the day of UTC has another margin and other persons.
for day in (21, 36):
    for i in range(8):
        evening = T0 + day * DAY - T0 % DAY + 3 * 3600
        sales.append({**sales[0], "id": f"evening{day}-{i}", "time": evening, "visitor": 22 + 4 * i, "has_visitor": True, "brand": "acme", "amount": Decimal(100), "currency": "USD", "margin_rate": None})
refunds = []
for i in range(60):  # partial, repeated (the same sale twice), before their sale, without a visitor or a brand, of a sale that is not known
    sale = sales[R.randrange(400) // 2]
    known = i % 6 > 0
    refunds.append({**sale, "id": f"z{i}", "time": sale["time"] + R.choice([-5, 1, 40]) * DAY, "amount": -(sale["amount"] / R.choice([1, 3])).quantize(Decimal("0.000001")), "margin_rate": None,
                    "refund_of": sale["id"] if known else "o-unknown", "visitor": 0 if known else sale["visitor"], "has_visitor": not known and sale["has_visitor"], "brand": sale["brand"] if i % 4 else "" if known else "acme"})
facts("click", times(clicks))
facts("visit", times(visits), source="t/1")
facts("conversion", times(sales + refunds), source="t/2")
for refund in refunds:  # a refund takes back, whatever sign was sent
    refund["amount"] = -abs(refund["amount"])
persons = {visitor: [("2023-01-01", f"p{visitor // 2}"), ("2023-12-20", f"q{visitor}")][visitor % 3 == 0 :] for visitor in range(20, 60)}
insert("identity", [{"valid_from": since, "visitor": v, "person": person, "account": ""} for v, rows in persons.items() for since, person in rows])
insert("fx", [{"valid_from": since, "currency": c, "to_base": Decimal(r)} for c, rows in FX.items() for since, r in rows])
insert("brand", [{"valid_from": since, "brand": b, "margin_rate": None if m is None else Decimal(m), "timezone": ZONES[b], "base_currency": BASE[b]} for b, rows in MARGIN.items() for since, m in rows])
run("INSERT INTO utm_side VALUES ('utm_medium', 'social-conversation', 'conversation'), ('referrer_host', 'social.example', 'broadcast')")

# ---------------------------------------------------------------- the same in Python
CLICK, SALE = {c["id"]: c for c in clicks}, {s["id"]: s for s in sales}


def person(visitor, brand, second):
    """Who it is as of the brand's own day; the first row also holds before its day."""
    rows = persons.get(visitor, [])
    return dated(rows, local_day(brand, second)) or (rows[0][1] if rows else str(visitor))


trail = collections.defaultdict(list)
for v in visits:
    if not v["has_visitor"]:
        continue
    click = CLICK.get(v["click"])
    told = {"post": "broadcast", "share": "broadcast", "reply": "conversation"}.get(click["target_kind"] if click else "")
    told = told or {"social-conversation": "conversation"}.get(v["utm_medium"]) or {"social.example": "broadcast"}.get(v["referrer_host"]) or "other"
    direct = v["click"] == "" and v["utm_medium"] == "" and v["referrer_host"] == ""
    dims = roots[click["root"]] if click else {"channel": "", "community": "", "campaign": ""}
    trail[person(v["visitor"], v["brand"], v["time"]), v["brand"]].append(
        (v["time"], v["id"], direct, told, dims["channel"], dims["community"], dims["campaign"], click["root"] if click else "", click["id"] if click else ""))


def ends(session, touch):
    """Whether a touch ends a session that has named another post, another campaign, or a post and no campaign."""
    post = next((t[7] for t in session if t[7]), "")
    campaign = next((t[6] for t in session if t[6]), "")
    return (touch[7] != "" and post not in ("", touch[7])) or (touch[6] != "" and (campaign or post) not in ("", touch[6]))


def touches(conversion, days):
    sale = SALE.get(conversion["refund_of"], conversion)
    if not sale["has_visitor"]:
        return []
    end, brand = sale["time"], conversion["brand"] or sale["brand"]
    rows = sorted(t for t in trail[person(sale["visitor"], brand, end), brand] if end - days * DAY < t[0] <= end)
    sessions = []
    for t in rows:
        if sessions and t[0] - sessions[-1][-1][0] <= 1800 and not ends(sessions[-1], t):
            sessions[-1].append(t)
        else:
            sessions.append([t])
    return [next((t for t in session if not t[2]), session[0]) for session in sessions]


def weights(model, ts):
    m = len(ts)
    known = [i for i, t in enumerate(ts) if not t[2]]
    last = known[-1] if known else m - 1
    part = {
        "first": lambda i: i == 0,
        "last": lambda i: i == last,
        "linear": lambda i: 1,
        "position": lambda i: max(1, 2 * (m - 2)) if i in (0, m - 1) else 1,
        "time_decay": lambda i: 2.0 ** ((ts[i][0] - ts[-1][0]) / (7 * DAY)),
    }[model]
    return [round(2**32 * float(part(i))) for i in range(m)]


def split(units, ws):
    """Largest remainder, ties to the earlier."""
    total, size = sum(ws), abs(units)
    parts = [size * w // total for w in ws]
    order = sorted(range(len(ws)), key=lambda i: (-Fraction(size * ws[i] % total), i))
    for i in order[: size - sum(parts)]:
        parts[i] += 1
    return [p if units >= 0 else -p for p in parts]


def units(amount):
    return int(amount * UNIT)


compared = 0
for model in MODELS:
    for days in (7, 30, 90):
        wanted, found = {}, {}
        for o in sales + refunds:
            ts = touches(o, days)
            if not ts:
                wanted[o["id"], ""] = (units(o["amount"]), "unattributed", "", "", "", "", "")
            for t, weight, part in zip(ts, weights(model, ts), split(units(o["amount"]), weights(model, ts))) if ts else []:
                if weight > 0:
                    wanted[o["id"], t[1]] = (part, *t[3:])
        for row in dicts(f"SELECT conversion, visit, toString(toInt256(toDecimal256(credit, 6) * {UNIT})) AS part, side, channel, community, campaign, root, click FROM credit_by_rule WHERE model = '{model}' AND lookback_days = {days}"):
            found[row["conversion"], row["visit"]] = (int(row["part"]), row["side"], row["channel"], row["community"], row["campaign"], row["root"], row["click"])
        assert set(found) == set(wanted), f"{model} {days}: {sorted(set(found) ^ set(wanted))[:5]}"
        for key in wanted:
            assert found[key] == wanted[key], f"{model} {days} {key}: {found[key]} is not {wanted[key]}"
        compared += len(wanted)
several = sum(len(touches(o, 90)) > 2 for o in sales)
assert several > 50 and sum(not touches(o, 90) for o in sales) > 20, several
print(f"credit: {compared} rows of 5 models x 3 look-backs, each to 0.000001; {several} sales with more than two touches")
sums = collections.Counter()
for conversion, total, share in ask(f"SELECT conversion, toString(toInt256(toDecimal256(sum(credit), 6) * {UNIT})), sum(share) FROM credit_by_rule GROUP BY model, lookback_days, conversion"):
    sums[int(total) == units({o["id"]: o for o in sales + refunds}[conversion]["amount"]) and abs(share - 1) < 1e-9] += 1
same("every conversion adds up under every rule", [sums[True], sums[False]], [15 * len(sales + refunds), 0])


def margin_rate(o):
    sale = SALE.get(o["refund_of"], o)
    own = o["margin_rate"] if o["margin_rate"] is not None else sale["margin_rate"]
    if own is not None:
        return Fraction(own)
    brand = o["brand"] or sale["brand"]
    held = dated(MARGIN.get(brand, []), local_day(brand, sale["time"]))
    return None if held is None else Fraction(held)


worth = 0
for row in dicts("SELECT conversion, toString(day) AS day, brand, toString(sum(c.credit_base)) AS credit_base, toString(sum(c.margin_base)) AS margin_base, any(base_currency) AS base, countIf(c.credit_base IS NULL) AS no_rate, countIf(c.margin_base IS NULL) AS no_margin FROM credit_by_rule AS c WHERE model = 'linear' AND lookback_days = 90 GROUP BY conversion, day, brand"):
    o = {o["id"]: o for o in sales + refunds}[row["conversion"]]
    brand = o["brand"] or SALE[o["refund_of"]]["brand"]
    day = local_day(brand, o["time"])
    same(f"day of {o['id']}", [row["day"], row["brand"], row["base"]], [day, brand, BASE[brand]])
    to_base, margin = rate(o["currency"], brand, day), margin_rate(o)
    slack = Fraction(len(touches(o, 90)) + 1, UNIT) + abs(Fraction(o["amount"])) / 10**17
    if to_base is None:
        assert int(row["no_rate"]) and int(row["no_margin"]), row
    else:
        assert abs(Fraction(row["credit_base"]) - Fraction(o["amount"]) * to_base) <= slack, (row, o)
        assert (margin is None) == bool(int(row["no_margin"])), row
        if margin is not None:
            assert abs(Fraction(row["margin_base"]) - Fraction(o["amount"]) * to_base * margin) <= slack, (row, o)
        worth += 1
assert worth > 300, worth
print(f"in base currencies, as of the brand's own day: {worth} conversions, the others without a rate")

# ---------------------------------------------------------------- up the path
traced = {}
for o in sales + refunds:
    ts = touches(o, 30)
    if ts:
        t = ts[weights("last", ts).index(2**32)]
        if t[8]:
            traced[o["id"]] = (t[8], units(o["amount"]))
for model, decay in (("equal_path", Fraction(1)), ("decay_path", Fraction(1, 2))):
    found, wanted, empty_reason = collections.Counter(), collections.Counter(), {}
    own = {(roots[click["root"]]["brand"], 5) for click in clicks if any(click["path_is_brand"])}
    flagged = ask(f"SELECT brand, toString(actor), is_brand, count() FROM path_credit WHERE model = '{model}' GROUP BY ALL")
    assert own and all(is_brand == ((brand, int(actor)) in own) for brand, actor, is_brand, _ in flagged) and any(row[2] for row in flagged), flagged
    for row in dicts(f"SELECT conversion, generation, toString(actor) AS actor, credit IS NULL AS empty, toString(toInt256(toDecimal256(ifNull(credit, 0), 6) * {UNIT})) AS part, reason FROM path_credit WHERE model = '{model}'"):
        found[row["conversion"], row["generation"], int(row["actor"])] += int(row["part"])
        assert bool(row["empty"]) == (row["reason"] != ""), row
        empty_reason[row["conversion"]] = row["reason"]
    assert set(empty_reason) == set(traced), f"{model}: {sorted(set(empty_reason) ^ set(traced))[:5]}"
    for name, (click_id, value) in traced.items():
        click = CLICK[click_id]
        depth, nodes = click["depth"], click["path_actors"]
        reason = "target_unknown" if click["target_kind"] == "unknown" else "path_inferred" if 2 * click["path_inferred"] > depth else ""
        same(f"{model} {name}: reason", empty_reason[name], reason)
        # The path as a list, the cut middle spelled out; neighbours of one account become one.
        full = [nodes[0]] + [None] * (depth + 1 - len(nodes)) + nodes[1:]
        chain = [a for i, a in enumerate(full) if i == 0 or a in (0, None) or a != full[i - 1]]
        deepest = len(chain) - 1
        scale = sum(decay ** (deepest - g) for g in range(deepest + 1))
        for g, actor in enumerate(chain):
            key = (name, -1, 0) if actor is None else (name, g, actor)
            wanted[key] += 0 if reason else value * decay ** (deepest - g) / scale
    for key in set(found) | set(wanted):
        # Weights are whole numbers of 2^-32: beside the unit of rounding, a part may be off by so much of the value.
        assert abs(found[key] - wanted[key]) <= 2 + abs(traced[key[0]][1]) * Fraction(64, 2**32), (model, key, found[key], float(wanted[key]))
    for name in traced:
        if empty_reason[name] == "":
            same(f"{model} {name} adds up", sum(v for k, v in found.items() if k[0] == name), traced[name][1])
    reasons = collections.Counter(empty_reason.values())
    assert all(reasons[r] > 5 for r in ("", "target_unknown", "path_inferred")), reasons
    print(f"{model}: {len(wanted)} parts of {len(traced)} conversions; reasons {dict(reasons)}")
