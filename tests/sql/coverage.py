"""Coverage by brand and week against plain Python, and the words for what is missing as inputs are taken away."""

import collections
import datetime
import json
import random
import zoneinfo
from fractions import Fraction

import store
from store import ask, dicts, empty, facts, insert, millis, same

DICE = random.Random(3)
UTC = datetime.timezone.utc
DAY, WEEKS = 86400, 6
START = int(datetime.datetime(2026, 3, 2, tzinfo=UTC).timestamp())
END = START + WEEKS * 7 * DAY
BRANDS = {"berlin": ("Europe/Berlin", "EUR", "0.4", None), "tokyo": ("Asia/Tokyo", "JPY", None, 90)}  # tokyo's replies are the editor's
monday = lambda day: day - datetime.timedelta(days=day.weekday())
any_time = lambda: DICE.randrange(START * 1000, END * 1000)


def local_day(brand, milliseconds):
    zone = BRANDS.get(brand, ("UTC",))[0]
    return datetime.datetime.fromtimestamp(milliseconds // 1000, UTC).astimezone(zoneinfo.ZoneInfo(zone)).date()


# ---------------------------------------------------------------- dimensions, windows, shapes, facts
insert("brand", [{"brand": brand, "valid_from": "2020-01-01", "timezone": zone, "base_currency": base, "margin_rate": margin, "seconds_per_reply": rule, "reply_role": "editor" if rule else ""} for brand, (zone, base, margin, rule) in BRANDS.items()])
insert("fx", [{"currency": "EUR", "valid_from": "2026-03-20", "to_base": 1.1}])
insert("campaign", [{"campaign": "spring", "valid_from": "2020-01-01", "brand": "berlin"}])
insert("labour_rate", [{"role": "editor", "valid_from": "2026-03-10", "rate": 60, "currency": "EUR"}])
NAMES = ["berlin", "tokyo", "norow"]
windows = []
for number in range(120):
    brand, at = NAMES[number % 3], any_time() // 900_000 * 900
    if not (brand == "norow" and START + 14 * DAY <= at < START + 22 * DAY):
        windows.append({"window_start": at, "root": f"r{number}", "epoch": 0, "source": "t/0", "opened": number, "version": 1, "root_seen": True, "root_is_brand": DICE.random() < 0.3, "brand": brand, "posts": int(DICE.random() < 0.5), "shares": DICE.randrange(4), "replies": 3, "brand_replies": DICE.choice([0, 0, 0, 0, 1]), "reactions": 1, "clicks": 2})
insert("activity_window", windows)
shapes = [{"root": f"r{number}", "epoch": 0, "source": "t/0", "opened": 1000 + number, "version": 1, "root_seen": True, "root_time": any_time(), "brand": DICE.choice(NAMES), "size": DICE.randrange(2, 9), "inferred": DICE.randrange(2) * DICE.randrange(2)} for number in range(90)]
for table, part in (("cascade", shapes[:60]), ("thread", shapes[40:])):
    insert(table, [{**row, "root_time": millis(row["root_time"])} for row in part])
clicks = [{"id": f"c{number}", "time": any_time(), "root": f"r{number}", "target_kind": DICE.choice(["unknown", "post", "share", "reply"]), "brand": DICE.choice(NAMES)} for number in range(200)]
visits = [{"id": f"v{number}", "time": any_time(), "has_visitor": DICE.random() < 0.7, "click": DICE.choice(["", "c1", "lost"]), "brand": DICE.choice(NAMES), "utm_source": DICE.choice(["", "s"]), "utm_term": DICE.choice(["", "", "t"])} for number in range(400)]
conversions = [{"id": f"o{number}", "time": any_time(), "has_visitor": DICE.random() < 0.9, "brand": DICE.choice(NAMES), "currency": DICE.choice(["EUR", "EUR", "USD"]), "amount": 5, "margin_rate": DICE.choice([None, 0.2])} for number in range(150)]
# A refund has the brand, the margin and the buyer of its sale, whatever it says itself.
conversions += [{"id": f"x{number}", "time": any_time(), "has_visitor": False, "brand": DICE.choice(["", *NAMES]), "currency": "USD", "amount": 1, "margin_rate": None, "refund_of": f"o{number * 3}"} for number in range(30)]
conversions = [{"refund_of": "", **row} for row in conversions]
costs = []
for number in range(40):
    at, long = any_time(), DICE.choice([None, 1, 3 * DAY, 3 * DAY + 5000])
    costs.append({"id": f"k{number}", "time": any_time(), "brand": DICE.choice(["berlin", "", "norow"]), "campaign": "spring", "channel": DICE.choice(["", "x"]), "community": DICE.choice(["", "a"]), "amount": DICE.choice([None, 7]), "currency": DICE.choice(["EUR", "GBP"]), "seconds": DICE.choice([None, 0, 600, 600, -300]), "role": DICE.choice(["editor", "intern"]), "period_start": at if long else None, "period_end": at + long * 1000 if long else None})
TIMES = ("time", "period_start", "period_end")
told = lambda rows: [{column: millis(value) if column in TIMES else value for column, value in row.items()} for row in rows]
for table, facts_of in (("click", clicks), ("visit", visits), ("conversion", conversions), ("cost", costs)):
    facts(table, told(facts_of + facts_of[:20]))
    facts(table, told(facts_of[:50]), epoch=1)
REACHED = (END - 6 * DAY) * 1000
# How far the source is that has more to read: the data of a run reach so far.
BEHIND = REACHED - 3 * DAY * 1000
insert("progress", [{"epoch": 0, "source": source, "first": 0, "version": 1, "watermark": millis(reached), "read": read, "accepted": read - lost, "rejected": lost, "log_end": 5 if source == "t/2" else 1} for source, reached, read, lost in (("t/0", REACHED, 100, 1), ("t/1", REACHED + 900_000, 50, 2), ("t/2", BEHIND, 20, 0))])
insert("gap", [{"epoch": 0, "source": "t/0", "first": 3, "next": 10, "recorded": millis(REACHED)}, {"epoch": 1, "source": "t/1", "first": 3, "next": 100, "recorded": millis(REACHED)}])

# ---------------------------------------------------------------- the same in Python
weeks = collections.defaultdict(collections.Counter)
names, own_days, time_days = collections.defaultdict(set), collections.defaultdict(set), collections.defaultdict(set)
by_day, by_week = collections.Counter(), collections.Counter()


def count(brand, milliseconds, **figures):
    weeks[brand, monday(local_day(brand, milliseconds))].update(figures)


def lack(brand, day, lacking, name):
    if lacking:
        names[brand, monday(day)].add(name)


has_rate = lambda currency, day: currency == "EUR" and day >= datetime.date(2026, 3, 20)
for row in windows:
    at = row["window_start"] * 1000
    count(row["brand"], at, events=row["posts"] + row["shares"] + row["replies"] + row["reactions"] + row["clicks"])
    if row["posts"] and row["root_is_brand"] or row["brand_replies"]:
        own_days[row["brand"]].add(local_day(row["brand"], at))
for part in (shapes[:60], shapes[40:]):
    for row in part:
        count(row["brand"], row["root_time"], edges=row["size"] - 1, inferred=row["inferred"])
for row in clicks:
    count(row["brand"], row["time"], clicks=1, known=int(row["target_kind"] != "unknown"))
for row in visits:
    count(row["brand"], row["time"], visits=1, visitor=int(row["has_visitor"]), click=int(row["click"] != ""), utm=int(bool(row["utm_source"] or row["utm_term"])))
def convert(brand, day, currency):
    """A rate for each of two currencies, none for one and the same; the reference currency is its own."""
    base = BRANDS.get(brand, ("", ""))[1]
    for needed in {currency, base} - {""} if currency != base else ():
        lack(brand, day, not has_rate(needed, day), f"an exchange rate for {needed}")


sales = {row["id"]: row for row in conversions}
for row in conversions:
    sale = sales.get(row["refund_of"], row)
    brand, margin = sale["brand"], sale["margin_rate"] if row["margin_rate"] is None else row["margin_rate"]
    count(brand, row["time"], conversions=1, buyer=int(sale["has_visitor"]), no_margin=int(margin is None and BRANDS.get(brand, (0, 0, None))[2] is None))
    convert(brand, local_day(brand, row["time"]), row["currency"])
for row in costs:
    # A cost that names only its campaign belongs to the campaign's brand.
    brand, begin = row["brand"] or "berlin", row["period_start"] or row["time"]
    first = local_day(brand, begin)
    last = local_day(brand, row["period_end"] - 1 if row["period_end"] else begin)
    days = [first + datetime.timedelta(days=k) for k in range(max(1, (last - first).days + 1))]
    for week in {monday(day) for day in days}:
        weeks[brand, week].update(costs=1, placed=int(bool(row["channel"] or row["community"])))
    upto = lambda part: int(Fraction((row["seconds"] or 0) * part, len(days)))
    for part, day in enumerate(days):
        if row["amount"]:
            convert(brand, day, row["currency"])
        if seconds := upto(part + 1) - upto(part):
            by_day[brand, day] += seconds
            by_week[brand, monday(day)] += seconds
            paid = row["role"] == "editor" and day >= datetime.date(2026, 3, 10)
            lack(brand, day, not paid, f"an hourly rate for {row['role']}")
            if paid:
                convert(brand, day, "EUR")
# A day has time, and so has its week, as far as corrections leave some.
for (brand, day), seconds in by_day.items():
    if seconds > 0 and by_week[brand, monday(day)] > 0:
        time_days[brand].add(day)
assert any(seconds <= 0 for seconds in by_day.values()), "no day was taken back"
found = dicts("SELECT * EXCEPT (week_complete, time_by_rule, labour_known), toUInt8(week_complete) AS week_complete, toUInt8(time_by_rule) AS time_by_rule, toUInt8(labour_known) AS labour_known FROM coverage")
part = lambda some, whole: some / whole if whole else None
labour = {}
for brand in NAMES:
    rule = BRANDS.get(brand, (0, 0, 0, None))[3] is not None
    active = {monday(day) for day in own_days[brand]}
    labour[brand] = (rule, active, len([week for week in active if rule or week in {monday(day) for day in time_days[brand]}]))
span = {brand: [week for name, week in weeks if name == brand] for brand in NAMES}
same("rows of coverage", len(found), sum((max(held) - min(held)).days // 7 + 1 for held in span.values()))
for row in found:
    brand, week = row["brand"], datetime.date.fromisoformat(row["week"])
    held, days = weeks[brand, week], {week + datetime.timedelta(days=day) for day in range(7)}
    rule, active, known = labour[brand]
    own = own_days[brand] & days
    lack(brand, week, rule and own and not days & time_days[brand] and max(days) < datetime.date(2026, 3, 10), "an hourly rate for editor")
    wanted = {
        "week_complete": int(week + datetime.timedelta(days=7) <= local_day(brand, BEHIND)), "sources": 3, "sources_behind": 1, "rejected_share": 3 / 170, "gaps": 1, "gap_records": 7,
        "events": held["events"], "edges": held["edges"], "inferred_share": part(held["inferred"], held["edges"]), "clicks": held["clicks"], "clicks_with_target_share": part(held["known"], held["clicks"]),
        "visits": held["visits"], "visits_with_visitor_share": part(held["visitor"], held["visits"]), "visits_with_click_share": part(held["click"], held["visits"]), "visits_with_utm_share": part(held["utm"], held["visits"]),
        "conversions": held["conversions"], "conversions_with_visitor_share": part(held["buyer"], held["conversions"]), "conversions_without_margin": held["no_margin"],
        "costs": held["costs"], "costs_with_place_share": part(held["placed"], held["costs"]), "active_days": len(own), "active_days_with_time": len(own & time_days[brand]), "active_days_with_time_share": part(len(own & time_days[brand]), len(own)),
        "time_by_rule": int(rule), "labour_known": int(rule or bool(days & time_days[brand])) if own else None, "labour_coverage": part(known, len(active)),
    }
    for column, value in wanted.items():
        same(f"{brand} {week} {column}", row[column], value, 1e-9)
    same(f"{brand} {week} missing rates", row["missing_rates"], "; ".join(sorted(names[brand, week])))
assert {row["labour_known"] for row in found} == {0, 1, None} and len({row["labour_coverage"] for row in found}) == 2, labour
print(f"coverage: {len(found)} weeks, every column; labour coverage {({brand: f'{known}/{len(active)}' for brand, (_, active, known) in labour.items()})}")

# ---------------------------------------------------------------- words: one week with everything, then one input less at a time
NOW = START + 30 * DAY
read_to_end = {"epoch": 0, "source": "t/0", "first": 0, "version": 1, "watermark": NOW, "read": 100, "accepted": 100, "rejected": 0, "log_end": 1, "written": NOW}
# A source that has something left to read is behind, and so is one without a sign of life while others have shown one; one that was read to its end is not.
old = {**read_to_end, "source": "t/1", "watermark": START + 28 * DAY}
EVERYTHING = {
    "brand": [{"brand": "b", "valid_from": "2020-01-01", "timezone": "UTC", "margin_rate": 0.5, "seconds_per_reply": 60, "reply_role": "editor"}],
    "activity_window": [{"window_start": START, "root": "r", "epoch": 0, "source": "t/0", "opened": 1, "version": 1, "root_seen": True, "root_is_brand": True, "brand": "b", "posts": 1, "shares": 4}],
    "cascade": [{"root": "r", "epoch": 0, "source": "t/0", "opened": 1, "version": 1, "root_seen": True, "root_time": START, "brand": "b", "size": 5, "inferred": 2}],
    "click": [{"id": f"c{number}", "time": START, "root": "r", "target_kind": "post", "brand": "b"} for number in range(10)],
    "visit": [{"id": f"v{number}", "time": START, "has_visitor": True, "click": "c1", "brand": "b"} for number in range(10)],
    "conversion": [{"id": f"o{number}", "time": START, "has_visitor": True, "brand": "b", "currency": "EUR", "amount": 1} for number in range(10)],
    "cost": [{"id": "k", "time": START, "brand": "b", "channel": "x", "amount": 1, "currency": "EUR", "seconds": 60, "role": "editor"}],
    "fx": [{"currency": "EUR", "valid_from": "2020-01-01", "to_base": 1}], "labour_rate": [{"role": "editor", "valid_from": "2020-01-01", "rate": 1, "currency": "EUR"}],
    "progress": [read_to_end, old],
}
change = lambda table, **columns: {**EVERYTHING, table: [{**row, **columns} for row in EVERYTHING[table]]}
some = lambda table, **columns: {**EVERYTHING, table: [{**row, **columns} for row in EVERYTHING[table][:3]] + EVERYTHING[table][3:]}
few = lambda table, **columns: {**EVERYTHING, table: [{**row, **columns} for row in EVERYTHING[table][:2]] + EVERYTHING[table][2:]}
without = lambda table: {**EVERYTHING, table: []}
later = lambda days: {table: [{column: value + days * DAY if column in ("time", "root_time", "window_start") else value for column, value in row.items()} for row in rows] for table, rows in EVERYTHING.items()}
WORDS = [
    (EVERYTHING, ""), (without("click"), "clicks"), (without("visit"), "visits"), (without("conversion"), "conversions"), (without("cost"), "costs"), (without("activity_window"), "activity"),
    (change("brand", brand="other"), "the brand in the table brand; the margin of all conversions"), (change("brand", timezone="Mars"), "a known time zone: days are of UTC"),
    (change("cascade", inferred=3), "the parents of more than half of the edges"), (change("click", target_kind="unknown"), "the target of all clicks"), (some("click", target_kind="unknown"), "the target of 30 % of the clicks"), (few("click", target_kind="unknown"), ""),
    (change("visit", has_visitor=False), "the visitor of all visits"), (change("visit", click=""), "anything that says where visits came from"), (change("visit", click="", utm_source="s"), ""),
    (some("conversion", has_visitor=False), "the visitor of 30 % of the conversions"), (change("brand", margin_rate=None), "the margin of all conversions"), (change("cost", channel=""), "the place of all costs"),
    ({**change("cost", seconds=None), "brand": [{**EVERYTHING["brand"][0], "seconds_per_reply": None}]}, "time, logged or by rule"), (change("cost", seconds=None), ""), ({**change("cost", seconds=None), "brand": [{**EVERYTHING["brand"][0], "reply_role": "intern"}]}, "an hourly rate for intern"), (change("brand", seconds_per_reply=None), ""),
    ({**change("conversion", currency="USD"), "cost": [{**EVERYTHING["cost"][0], "currency": "USD"}]}, "an exchange rate for USD"), (change("cost", role="intern"), "an hourly rate for intern"),
    # In the week in which the data end, and where nothing says how far they reach.
    (later(28), "the end of the week"), (without("progress"), "the end of the week"),
    # What is no brand's own is missing at once, each with its word: 6 of 300 records, two sources of three, a resume, the rates.
    ({**EVERYTHING, "fx": [], "gap": [{"epoch": 0, "source": "t/0", "first": 1, "next": 1, "recorded": START}],
      "progress": [{**read_to_end, "accepted": 94, "rejected": 6}, {**old, "log_end": 2}, {**old, "source": "t/2", "written": NOW - 2 * DAY}]},
     "2 of 3 sources, more than a day behind; records in no count after a resume; more than 1 % of the records, rejected; an exchange rate for EUR"),
]
# What is no brand's own tells the databases apart; worlds that agree on it are the brands of one, each with its own life.
SHARED = ("fx", "labour_rate", "progress", "gap")
databases = collections.defaultdict(list)
for number, (world, words) in enumerate(WORDS):
    databases[json.dumps([world.get(table, []) for table in SHARED])].append((f"{number} ", world, words))
of_brand = lambda mark, row: {column: int(mark) if column == "opened" else mark + value if value and column in ("brand", "root", "id", "click") else value for column, value in row.items()}
for number, worlds in enumerate(databases.values()):
    empty()
    for mark, world, _ in worlds:
        # What they share replaces itself.
        for table, rows in world.items():
            rows = [{column: millis(value * 1000) if column in ("time", "root_time", "watermark", "recorded", "written") else value for column, value in of_brand(mark, row).items()} for row in rows]
            (facts if table in ("click", "visit", "conversion", "cost") else insert)(table, rows)
    found = ask("SELECT brand, missing FROM coverage WHERE brand LIKE '% b'")
    same(f"missing in database {number}", sorted(found), sorted([mark + "b", words] for mark, _, words in worlds))
print(f"coverage: {len(WORDS)} worlds in {len(databases)} databases, each with its words for what is missing")

# ---------------------------------------------------------------- five weeks of one cost, from midnight to midnight, over a change of clocks
empty()
insert("brand", [{"brand": "b", "valid_from": "2020-01-01", "timezone": "Europe/Berlin"}])
spans = {"autumn": ("2026-10-05T00:00+02:00", "2026-11-09T00:00+01:00"), "spring": ("2026-03-09T23:30+01:00", "2026-04-13T23:30+02:00")}
moments = {name: [1000 * int(datetime.datetime.fromisoformat(text).timestamp()) for text in span] for name, span in spans.items()}
facts("cost", [{"id": name, "time": millis(begin), "brand": "b", "channel": "x", "seconds": 7 * 3600, "role": "editor", "period_start": millis(begin), "period_end": millis(end)} for name, (begin, end) in moments.items()])
# A post of the brand at noon of each day of the autumn.
insert("activity_window", [{"window_start": moments["autumn"][0] // 1000 + DAY * day + DAY // 2, "root": "r", "epoch": 0, "source": "t/0", "opened": 1, "version": 1, "root_seen": True, "root_is_brand": True, "brand": "b", "posts": 1} for day in range(35)])

# ---------------------------------------------------------------- beside them, weeks that were removed whole: by brand, and by a rule of the table
week_of = lambda days: f"{(datetime.datetime.fromtimestamp(START, UTC) + datetime.timedelta(days=days)).date()}"
insert("removal", [{"brand": brand, "since": millis((START + since * DAY) * 1000), "before": millis((START + before * DAY) * 1000), "removed": millis(START * 1000)} for brand, since, before in (("gone", 3, 14), ("left", 0, 7), ("left", 0, 8))])
facts("visit", [{"id": "v", "time": millis((START + 22 * DAY) * 1000), "brand": "left"}])
insert("root", [{"root": "old", "epoch": 0, "source": "t/0", "opened": 2, "version": 1, "root_seen": True, "root_time": millis((START - 9100 * DAY) * 1000), "brand": "posted"}])
insert("progress", [{"epoch": 0, "source": "t/0", "first": 0, "version": 1, "watermark": millis(END * 1000), "log_end": 1}])
for row in dicts("SELECT week, costs, active_days_with_time, missing_rates FROM coverage WHERE brand = 'b' AND (week BETWEEN '2026-03-09' AND '2026-04-12' OR week >= '2026-10-05') ORDER BY week"):
    same(f"one cost in the week of {row['week']}", [row["costs"], row["missing_rates"]], [1, "an hourly rate for editor"])
same("time on each day of its weeks", ask("SELECT toString(week), active_days_with_time FROM coverage WHERE brand = 'b' AND week >= '2026-10-05' ORDER BY week"),
     [[str(datetime.date(2026, 10, 5) + datetime.timedelta(days=7 * k)), 7] for k in range(5)])
print("coverage: two costs over changes of clocks, week by week")
PURPOSE = "SELECT brand, toString(week), missing LIKE '%on purpose, from before %', visits FROM coverage WHERE brand IN ('gone', 'left', 'posted') ORDER BY brand, week"
same("weeks that were removed whole, and those behind them", ask(PURPOSE), [["gone", week_of(0), 1, 0], ["gone", week_of(7), 1, 0], *(["left", week_of(7 * number), int(number < 2), int(number == 3)] for number in range(4))])
# So old that the autumn above stays.
store.run("ALTER TABLE activity_window MODIFY TTL window_start + toIntervalDay(9000)")
by_rule = ask("SELECT count(), countIf(missing LIKE '%what the rules of tables remove: activity_window after 9000 days%'), toString(min(week)) FROM coverage WHERE brand = 'posted'")
store.run("ALTER TABLE activity_window REMOVE TTL")
same("a post stays where its windows have gone by a rule, and tells of its week", by_rule, [[1, 1, str(monday(datetime.date.fromisoformat(week_of(-9100))))]])
print("coverage: weeks of which nothing is left")

# ---------------------------------------------------------------- before the first run, and after it
empty()
insert("brand", [{"brand": "b", "valid_from": "2020-01-01", "timezone": "UTC"}])
facts("visit", [{"id": f"v{number}", "time": millis(START * 1000), "brand": brand} for number, brand in enumerate(("b", "no row", ""))])
insert("progress", [{"epoch": 0, "source": "t/0", "first": 0, "version": 3, "watermark": millis((START + DAY) * 1000), "log_end": 3}])
QUESTION = "SELECT brand, missing, toUInt8(run > 0), run_age_seconds BETWEEN 0 AND 3600, toUInt8(week = toMonday(today())), visits, toString(complete_to) FROM coverage WHERE brand != '' ORDER BY brand"
before = json.loads(store._post(QUESTION, store.DATABASE))["data"]  # As `ask`, but without a run before it.
UNTIL = f"{datetime.datetime.fromtimestamp(START + DAY, datetime.timezone.utc):%Y-%m-%d %H:%M:%S}.000"
same("before the first run", before, [[brand, "no run yet", 0, None, 1, 0, UNTIL] for brand in ("b", "no row")])
after = ask(QUESTION)
same("after it", [row[:1] + row[2:] for row in after], [[brand, 1, 1, 0, 1, UNTIL] for brand in ("b", "no row")])
assert all(row[1] and "no run yet" not in row[1] for row in after), after
empty()
same("without a brand there is nothing to say", json.loads(store._post(QUESTION, store.DATABASE))["data"], [])
print("coverage: no run yet, and its age")
