"""`customers` and `freshness` against plain Python: who bought first and who again; which types of events have stopped coming."""

import collections
import datetime
import os
import random
import subprocess
import zoneinfo
from decimal import Decimal
from fractions import Fraction

import store
from store import GRAPEVINE, ask, dicts, empty, facts, insert, millis, opening, run, same, statements

R = random.Random(43)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
T0 = 1_767_225_600_000  # 2026-01-01
REACHED = T0 + 150 * DAY
BRANDS = {"acme": ("Europe/Berlin", "EUR"), "bolt": ("America/New_York", ""), "core": ("Asia/Tokyo", "EUR")}
FX = {"EUR": Fraction(11, 10), "USD": Fraction(1)}
SIDES = {"post": "broadcast", "share": "broadcast", "reply": "conversation"}
timed = lambda rows: [{**row, "time": millis(row["time"])} for row in rows]

# ---------------------------------------------------------------- sales of people who share devices, brands and months
clicks, visits, sales = [], [], []
for n in range(900):
    at, brand, visitor = T0 + R.randrange(0, 149 * DAY), R.choice(list(BRANDS)), R.randrange(1, 160)
    if n % 30 == 0:  # At an hour at which the month of the brand is another than that of UTC.
        at = T0 + R.choice([31, 59]) * DAY + R.choice([-90, -1, 0, 90]) * MINUTE
    kind = R.choice([None, "post", "share", "reply"])
    if kind:
        clicks.append({"id": f"c{n}", "time": at - 2000, "root": "r", "target_kind": kind, "path": ["r"], "path_actors": [1], "depth": 0, "brand": brand, "channel": "x", "visitor": visitor, "has_visitor": True})
    if n % 8:
        visits.append({"id": f"v{n}", "time": at - 1000, "visitor": visitor, "has_visitor": True, "click": f"c{n}" if kind else "", "brand": brand})
    sales.append({"id": f"o{n:03}", "time": at, "visitor": visitor if n % 12 else 0, "has_visitor": n % 12 > 0, "brand": brand, "kind": "sale", "amount": R.choice([Decimal(0), Decimal("-4"), Decimal(R.randrange(1, 90_000)) / 100]),
                  "currency": "XXX" if n % 120 == 1 else R.choice(["EUR", "USD"]), "refund_of": ""})
# Two sales of one person at the same moment: the id decides which of them is the first. And a refund five months later.
sales += [{**sales[1], "id": f"twin{n}", "visitor": 999, "currency": "EUR", "amount": Decimal(10)} for n in (2, 1)]
refunds = [{**sale, "id": f"z{sale['id']}", "time": sale["time"] + 150 * DAY, "amount": -abs(sale["amount"]), "refund_of": sale["id"]} for sale in sales[::9]]
facts("click", timed(clicks))
facts("visit", timed(visits), source="t/1")
facts("conversion", timed(sales + refunds), source="t/2")
people = {visitor: f"p{visitor // 2}" for visitor in range(1, 100)}
insert("identity", [{"valid_from": "2025-01-01", "visitor": visitor, "person": person, "account": ""} for visitor, person in people.items()])
insert("brand", [{"valid_from": "2025-01-01", "brand": brand, "timezone": zone, "base_currency": "USD" if brand == "core" else base} for brand, (zone, base) in BRANDS.items()])
# From March on, on its own clock, core keeps its books in euros: what was sold before cannot be added to the rest. What it will do after the
# end of the data changes nothing yet.
insert("brand", [{"valid_from": day, "brand": "core", "timezone": BRANDS["core"][0], "base_currency": base} for day, base in (("2026-03-01", "EUR"), ("2027-01-01", "USD"))])
insert("fx", [{"valid_from": "2025-01-01", "currency": currency, "to_base": Decimal(rate.numerator) / rate.denominator} for currency, rate in FX.items()])
insert("progress", [{"epoch": 0, "source": source, "version": 1, "log_end": 0, "watermark": millis(REACHED)} for source in ("t/0", "t/1", "t/2")])


def local(brand, time):
    return datetime.datetime.fromtimestamp(time / 1000, zoneinfo.ZoneInfo(BRANDS[brand][0]))


def base_of(brand, time):
    return "USD" if brand == "core" and local(brand, time).month < 3 else BRANDS[brand][1]


side_of = {conversion: side for conversion, side in ask("SELECT conversion, side FROM credit")}
assert {*side_of.values()} == {"broadcast", "conversation", "other", "unattributed"}
wanted, first = collections.defaultdict(lambda: {"new": 0, "people": set(), "sales": 0, "unknown": 0, "units": 0, "lacks": set()}), set()
for row in sorted(sales + refunds, key=lambda row: (row["time"], row["id"])):
    sale = next((sale for sale in sales if sale["id"] == row["refund_of"]), row)
    day, brand = local(row["brand"], sale["time"]), row["brand"]
    held = wanted[brand, f"{day.year}-{day.month:02}-01", side_of[row["id"]]]
    if row["refund_of"] == "" and row["amount"] >= 0:
        person = people.get(row["visitor"], row["visitor"]) if row["has_visitor"] else None
        held["sales"] += 1
        held["unknown"] += person is None
        if person is not None:
            held["people"].add(person)
            held["new"] += (brand, person) not in first
            first.add((brand, person))
    base = base_of(brand, row["time"])
    if base != BRANDS[brand][1]:
        held["lacks"].add("other_currency")
    elif row["currency"] not in FX:
        held["lacks"].add("missing_exchange_rate")
    else:
        rate = Fraction(1) if row["currency"] == base else Fraction(int(FX[row["currency"]] / FX.get(base, 1) * 10**18), 10**18)
        held["units"] += int(Fraction(row["amount"]) * 10**6 * rate)
found = {(row["brand"], row["month"], row["side"]): row for row in dicts("SELECT * FROM customers")}
same("the rows", sorted(found), sorted(wanted))
for key, row in found.items():
    held = wanted[key]
    same(f"{key}: people", [row["new_customers"], row["returning_customers"]], [held["new"], len(held["people"]) - held["new"]])
    same(f"{key}: sales", [row["sales"], row["sales_without_visitor"]], [held["sales"], held["unknown"]])
    reason = next((word for word in ("other_currency", "missing_exchange_rate") if word in held["lacks"]), "")
    same(f"{key}: reason", row["reason"], reason)
    same(f"{key}: revenue", row["revenue_base"], None if reason else Decimal(held["units"]) / 10**6)
assert {row["reason"] for row in found.values()} == {"", "other_currency", "missing_exchange_rate"}
same("everybody is new once to each brand", sum(int(row["new_customers"]) for row in found.values()), len(first))
assert sum(int(row["returning_customers"]) > 0 for row in found.values()) > 10 and len({person for _, person in first}) < len(first), "nobody buys of two brands"
print(f"customers: {len(found)} rows, every column; {len(first)} first sales of {len({person for _, person in first})} people")

# ---------------------------------------------------------------- types of events that come in their own ways
empty()
QUARTER = 15 * MINUTE
ways = {
    "click": [REACHED - k * HOUR for k in range(2, 300)],  # Two hours of silence, one is usual.
    "visit": [REACHED - 6 * HOUR - k * HOUR for k in range(0, 300)],  # Six of them: late.
    "conversion": [REACHED - 5 * HOUR - k * HOUR for k in range(0, 300)],  # Five to the moment: not yet more than five.
    "cost": [REACHED - 100 * DAY - k * DAY for k in range(0, 30)],  # Nothing in the last 90 days: what was usual was so before.
    "report": [REACHED - k * DAY for k in range(0, 5)],  # Four distances say little.
    # Busy by day and silent by night: half of the time lies in a night.
    "post": [REACHED - 3 * HOUR - day * DAY - k * 10 * MINUTE for day in range(0, 40) for k in range(0, 60)],
    "share": [T0 + R.randrange(0, 150 * DAY) for _ in range(2000)],
    "reply": [T0 + R.randrange(0, 150 * DAY) for _ in range(40)] + [REACHED + 3 * DAY],  # One is dated ahead of everything.
}
quarters = {kind: sorted({time // QUARTER * QUARTER for time in times if time // QUARTER * QUARTER <= REACHED}) for kind, times in ways.items()}
life = lambda at: {"window_start": at // 1000, "root": "r", "epoch": 0, "source": "t/0", "opened": 1, "version": 5, "root_seen": True, "root_time": millis(T0), "brand": "acme"}
opening()
windows = collections.defaultdict(dict)
for kind, column in (("post", "posts"), ("share", "shares"), ("reply", "replies")):
    for time in ways[kind]:
        windows[time // QUARTER * QUARTER].update({column: windows[time // QUARTER * QUARTER].get(column, 0) + 1})
insert("activity_window", [{**life(at), **{column: held.get(column, 0) for column in ("posts", "shares", "replies")}} for at, held in windows.items()])
facts("click", timed([{"id": f"c{time}", "time": time, "root": "r", "brand": "acme"} for time in ways["click"]]))
facts("visit", timed([{"id": f"v{n}", "time": time, "brand": "" if n % 2 and n < 200 else "acme", "click": f"c{ways['click'][n]}" if n < 200 else ""} for n, time in enumerate(ways["visit"])]), source="t/1")
facts("conversion", timed([{"id": f"o{time}", "time": time, "brand": "acme", "amount": Decimal(1), "currency": "EUR"} for time in ways["conversion"]]), source="t/2")
facts("cost", timed([{"id": f"k{time}", "time": time, "brand": "", "campaign": "spring"} for time in ways["cost"]]), source="t/3")
facts("report", timed([{"id": f"a{time}", "time": time, "brand": "acme", "origin": "ads"} for time in ways["report"]]), source="t/4")
insert("campaign", [{"valid_from": "2025-01-01", "campaign": "spring", "brand": "acme"}])
insert("progress", [{"epoch": 0, "source": f"t/{number}", "version": 1, "log_end": 0, "watermark": millis(REACHED)} for number in range(5)])
found = {row["type"]: row for row in dicts("SELECT * REPLACE (toUnixTimestamp(newest) AS newest, toUInt8(late) AS late) FROM freshness")}
same("the types that came", sorted(found), sorted(ways))
for kind, row in found.items():
    times = [time for time in quarters[kind] if time > quarters[kind][-1] - 90 * DAY]
    gaps = sorted((later - earlier) // 1000 for earlier, later in zip(times, times[1:]))
    silent = (REACHED - times[-1]) // 1000
    # The gap in which half of the time has passed, gap by gap from the shortest on.
    passed, usual = 0, None
    for gap in gaps:
        passed += gap
        if usual is None and 2 * passed >= sum(gaps):
            usual = gap
    few = len(gaps) < 5
    same(f"{kind}: newest", [row["brand"], row["newest"], row["gaps"], row["silent_seconds"]], ["acme", times[-1] // 1000, len(gaps), silent])
    same(f"{kind}: late", [row["usual_gap_seconds"], row["late"], row["reason"]], [None if few else usual, None if few else int(silent > 5 * usual), "few_events" if few else ""])
same("which are late", sorted(kind for kind, row in found.items() if row["late"]), ["cost", "visit"])
assert int(found["post"]["usual_gap_seconds"]) > 10 * 3600, found["post"]
empty()
same("without data nothing is late", ask("SELECT type FROM freshness") + ask("SELECT brand FROM customers"), [])
print(f"freshness: {len(found)} types of events, every column; late are cost and visit")

# ---------------------------------------------------------------- a case, folded by the program
case = store.MIGRATIONS.parents[1] / "tests" / "data" / "cases" / "06_refund_as_a_negative_sale.jsonl"
for statement in statements(case.with_suffix("").with_suffix(".dims.sql").read_text()):
    run(statement)
demo = [GRAPEVINE, "demo", "--partitions", "1", "--clickhouse", store.URL, "--input", case, "--query", "SELECT 1"]
subprocess.run(demo, env={**os.environ, "GRAPEVINE_CLICKHOUSE_DATABASE": store.PEOPLE}, check=True, capture_output=True)
store._stale.add(store.DATABASE)
same("case 06: one customer who bought twice and gave once back", ask("SELECT brand, toString(month), side, new_customers, returning_customers, sales, revenue_base, reason FROM customers"), [["acme", "2025-03-01", "broadcast", 1, 0, 2, 80, ""]])
same("case 06: what came seldom is not late", ask("SELECT type, late, reason FROM freshness ORDER BY type"), [[kind, None, "few_events"] for kind in ("click", "conversion", "cost", "post", "visit")])
print("customers: case 06")
