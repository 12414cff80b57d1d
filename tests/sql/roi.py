"""ROI by cohort against plain Python, from the lines of credit and cost_day, which credit.py and ledger.py check."""

import collections
import datetime
import itertools
import math
import random
import zoneinfo
from decimal import Decimal

from scipy import stats

from store import ask, dicts, empty, facts, insert, listed, millis, one, run, same

R = random.Random(21)
HOUR, DAY = 3600, 86400
T0 = 1704067200  # 2024-01-01 00:00 UTC, a Monday
WATERMARK = T0 + 55 * DAY
ZONE = {"acme": "Europe/Berlin", "zeta": "America/New_York", "mute": "UTC", "taps": "UTC", "cold": "UTC", "gaps": "UTC", "half": "UTC"}
MODELS = ("first", "last", "linear", "position", "time_decay")
SIDES = ("all", "broadcast", "conversation", "other", "(unallocated)")
PLACES = [("x", f"g{i}") for i in range(9)] + [("reddit", f"h{i}") for i in range(5)]


def times(rows):
    stamps = ("time", "root_time", "period_start", "period_end", "watermark")
    return [{k: millis(v * 1000) if k in stamps and v is not None else v for k, v in row.items()} for row in rows]


def monday(second, brand):
    day = datetime.datetime.fromtimestamp(second, zoneinfo.ZoneInfo(ZONE[brand])).date()
    return day - datetime.timedelta(days=day.weekday())


# ---------------------------------------------------------------- posts: of the brand, of others with and without its answers, of two lives, without a brand's part
roots, windows = {}, []
for i in range(260):
    brand = ("acme", "acme", "zeta", "mute", "taps", "cold", "gaps")[i % 7]
    at = T0 + R.randrange(0, 50 * DAY) if i % 5 else T0 + 7 * DAY * (i % 6) - R.choice([-1, 1]) * R.randrange(0, 6 * HOUR)
    channel, community = R.choice(PLACES[:12] if i % 31 else [("", "")])
    own, replied = i % 4 > 0, R.randrange(3) if i % 4 == 0 else R.choice([0, 0, 2])
    roots[f"r{i}"] = {"brand": brand, "campaign": R.choice(["spring", "autumn", ""]), "channel": channel, "community": community, "time": at, "own": own, "replied": [], "engaged": [], "clicked": []}
    root = roots[f"r{i}"]
    for w in range(4):  # the last window is of a life that never saw the post, more than a month later
        second = (at + w * w * R.choice([600, DAY]) if w < 3 else at + 35 * DAY) // 900 * 900
        lost = w == 3 and i % 3 == 0
        row = {"window_start": second, "root": f"r{i}", "epoch": 0, "source": "t/0", "opened": 1000 + i if lost else i, "version": 1 + w, "root_seen": not lost, "root_is_brand": own and not lost, "root_time": second + 10 if lost else at,
               **{k: "" if lost else root[k] for k in ("brand", "campaign", "channel", "community")}, "posts": int(w == 0), "shares": R.randrange(4), "replies": replied + R.randrange(3), "brand_replies": replied if w in (1, 3) else 0, "reactions": R.randrange(5), "clicks": R.randrange(3)}
        windows.append(row)
        root["engaged"].append((second, row["shares"] + row["replies"] - row["brand_replies"] + row["reactions"]))
        root["clicked"].append((second, row["clicks"]))
        if row["brand_replies"]:
            root["replied"].append(second)
# A brand that logged time in three of its five active weeks: enough to see, too little to compare its sides.
for i in range(10):
    at = T0 + (7 * (i // 2) + i % 2) * DAY + 12 * HOUR
    place = {"campaign": "", "channel": "x", "community": "g0"}
    roots[f"half{i}"] = {"brand": "half", **place, "time": at, "own": True, "replied": [], "engaged": [(at, 2)], "clicked": [(at, 0)]}
    windows.append({"window_start": at, "root": f"half{i}", "epoch": 0, "source": "t/0", "opened": 5000 + i, "version": 1, "root_seen": True, "root_is_brand": True, "root_time": at, "brand": "half", **place, "posts": 1, "shares": 2, "replies": 0, "brand_replies": 0, "reactions": 0, "clicks": 0})
# Two windows of one life and second would be one row: the key is window, root, life.
kept = {}
for row in windows:
    kept.setdefault((row["window_start"], row["root"], row["opened"]), []).append(row)
merged = []
for rows in kept.values():
    total = dict(rows[0], version=99)
    for column in ("posts", "shares", "replies", "brand_replies", "reactions", "clicks"):
        total[column] = sum(row[column] for row in rows)
    merged.append(total)
insert("activity_window", times(merged))
clicks, visits, conversions = [], [], []
for i in range(1200):
    name = f"r{int(260 * R.random() ** 2)}"
    root = roots[name]
    brand, at = root["brand"], root["time"] + R.randrange(60, 20 * DAY)
    clicked = brand in ("acme", "zeta", "gaps")
    if clicked:
        clicks.append({"id": f"c{i}", "time": at, "root": name, "target_kind": R.choice(["post", "share", "reply", "unknown"]), "path": [name], "path_actors": [1], "depth": 0, "visitor": 0, "has_visitor": False, **{k: root[k] for k in ("brand", "campaign", "channel", "community")}})
    visitor = R.randrange(1, 500)
    # Sold by a sister brand through a post of this one: in the base currency of acme, which is another, or in the same.
    brand, visitor = ("taps", visitor + 1000) if brand in ("acme", "zeta") and i % 23 == 7 else (brand, visitor)
    utm = "" if clicked or brand != "taps" else "social-conversation"
    if brand != "cold":
        visits.append({"id": f"v{i}", "time": at, "visitor": visitor, "has_visitor": True, "click": f"c{i}" if clicked else "", "brand": brand, "utm_medium": utm})
        if i % 3 == 0:  # a direct visit afterwards
            visits.append({"id": f"d{i}", "time": at + R.randrange(HOUR, 5 * DAY), "visitor": visitor, "has_visitor": True, "click": "", "brand": brand, "utm_medium": ""})
    for _ in range(R.choice([0, 1, 1, 2]) * (brand != "gaps")):
        conversions.append({"id": f"o{len(conversions)}", "time": at + R.randrange(60, 12 * DAY), "visitor": visitor if i % 11 else 9000 + i, "has_visitor": i % 9 > 0, "brand": brand, "amount": Decimal(R.randrange(100, 30000)) / 100,
                            "currency": "GBP" if i % 97 == 0 else R.choice(["EUR", "USD"]), "margin_rate": None if i % 89 else Decimal("0.2"), "refund_of": ""})
for i in range(20):
    at, place = roots[f"half{i // 2}"]["time"] + (1 + i % 2) * HOUR, {"brand": "half", "campaign": "", "channel": "x", "community": "g0"}
    clicks.append({**clicks[0], "id": f"ch{i}", "time": at, "root": f"half{i // 2}", "target_kind": ("share", "reply")[i % 2], "path": [f"half{i // 2}"], **place})
    visits.append({"id": f"vh{i}", "time": at, "visitor": 7000 + i, "has_visitor": True, "click": f"ch{i}", "brand": "half", "utm_medium": ""})
    conversions.append({**conversions[0], "id": f"oh{i}", "time": at + HOUR, "visitor": 7000 + i, "has_visitor": True, "brand": "half", "amount": Decimal(100 + i), "currency": "EUR", "margin_rate": None})
for i in range(40):
    sale = conversions[R.randrange(len(conversions))]
    conversions.append({**sale, "id": f"z{i}", "time": sale["time"] + R.choice([2, 30]) * DAY, "amount": -sale["amount"] / 2, "refund_of": sale["id"], "visitor": 0, "has_visitor": False})
costs = []
for i in range(420):
    brand = R.choice(["acme", "acme", "acme", "zeta", "mute", "taps", "cold"])
    timed = i % 2 == 0 and brand != "zeta"
    channel, community = R.choice(PLACES + [("", "")])
    at = T0 + R.randrange(0, 60 * DAY)
    estimated = timed and i % 10 == 0
    sign = -1 if i % 9 == 0 else 1  # a correction downwards, of its bounds too
    costs.append({"id": f"k{i}", "time": at, "kind": "work", "amount": None if timed else sign * Decimal(R.randrange(100, 20000)) / 100, "currency": "" if timed else R.choice(["EUR", "USD"]), "seconds": sign * R.randrange(600, 30000) if timed else None,
                  "seconds_low": sign * 300 if estimated and i % 20 else None, "seconds_high": sign * 40000 if estimated and i % 20 else None, "role": "" if not timed else "unknown" if i % 140 == 0 else "editor", "estimated": estimated, "brand": brand, "campaign": R.choice(["spring", "autumn", ""]),
                  "channel": channel, "community": community, "side": R.choice(["broadcast", "conversation", ""]), "period_start": at if i % 7 == 0 else None, "period_end": at + 9 * DAY if i % 7 == 0 else None})
for i in range(10):
    timed = i % 2 == 0 and i < 6
    costs.append({**costs[1], "id": f"kh{i}", "time": roots[f"half{i}"]["time"], "amount": None if timed else Decimal(5 + i), "currency": "" if timed else "EUR", "seconds": 1200 if timed else None, "seconds_low": None, "seconds_high": None,
                  "role": "editor" if timed else "", "estimated": False, "brand": "half", "campaign": "", "channel": "x", "community": "g0", "side": "conversation" if timed else "broadcast", "period_start": None, "period_end": None})
# What has no rate and no bounds, in weeks that are mature.
timed = {**costs[-1], "amount": None, "currency": "", "seconds": 600, "side": "conversation"}
costs += [{**timed, "id": "ku", "time": T0 + 8 * DAY, "role": "unknown"}, {**timed, "id": "ke", "time": T0 + DAY, "role": "editor", "estimated": True, "brand": "zeta"}]
for row in conversions[60::60]:
    row["currency"] = "GBP"
facts("click", times(clicks))
facts("visit", times(visits), source="t/1")
facts("conversion", times(conversions), source="t/2")
facts("cost", times(costs), source="t/3")
sources = [("t/0", WATERMARK + HOUR), ("t/1", WATERMARK), ("t/2", WATERMARK + 2 * HOUR), ("t/dead", WATERMARK - 3 * DAY)]
insert("progress", times([{"epoch": 0, "source": s, "first": 0, "version": 1, "watermark": w} for s, w in sources]))
run("INSERT INTO fx VALUES ('2023-01-01', 'EUR', 1.1), ('2024-01-20', 'EUR', 1.2), ('2023-01-01', 'USD', 1)")
run("INSERT INTO labour_rate VALUES ('2023-01-01', 'editor', 40, 'EUR')")
run("INSERT INTO campaign VALUES ('2023-01-01', 'spring', 'acme', 'ann', ''), ('2024-01-20', 'spring', 'acme', 'bob', '')")
run("INSERT INTO place VALUES ('2023-01-01', 'x', 'g0', 'Gardeners', 'forum', 1200)")
run("INSERT INTO utm_side VALUES ('utm_medium', 'social-conversation', 'conversation')")
insert("brand", [{"valid_from": "2023-01-01", "brand": b, "margin_rate": Decimal("0.4") if b != "mute" else None, "timezone": z, "base_currency": "EUR" if b == "acme" else ""} for b, z in ZONE.items()])

# ---------------------------------------------------------------- what the views of credit and cost say, line by line
credit = collections.defaultdict(list)
for row in dicts("SELECT model, lookback_days AS l, conversion, toUnixTimestamp64Milli(at) / 1000 AS at, toString(day) AS day, toString(touched_day) AS touched_day, brand, side, root, share, direct, tracked, visit, before_direct, refund_of, toUnixTimestamp64Milli(sold_at) / 1000 AS sold_at, toFloat64(credit_base) AS credit_base, toFloat64(margin_base) AS margin_base, base_currency FROM credit_by_rule WHERE share > 0"):
    credit[row["model"], row["l"]].append(row)
cost_lines = dicts("SELECT toString(day) AS day, brand, campaign, channel, community, side, currency, toFloat64(amount) AS amount, toInt64(seconds) AS seconds, toInt64(seconds_low) AS low, toFloat64(time_amount) AS time_amount, toFloat64(money_base) AS money, toFloat64(time_base) AS time, toFloat64(time_base_low) AS time_low, toFloat64(time_base_high) AS time_high FROM cost_day")
for line in cost_lines:
    line["seconds"], line["unbounded"] = int(line["seconds"]), line["low"] is None
member = {name: r for name, r in roots.items() if r["own"] or r["replied"]}
assert len(roots) - len(member) > 10, "posts without the brand's part are left out"
date = datetime.date.fromisoformat
week = lambda day: date(day) - datetime.timedelta(days=date(day).weekday())
group_roots, group_costs = collections.defaultdict(list), collections.defaultdict(list)
for name, r in member.items():
    group_roots[r["brand"], monday(r["time"], r["brand"])].append(name)
for line in cost_lines:
    group_costs[line["brand"], week(line["day"])].append(line)


def evidence_within(days):
    """By brand and week, the best that is known of the conversions of the time from touches of so many days."""
    evidence = collections.defaultdict(lambda: -1)
    for row in credit["linear", days]:
        if row["refund_of"]:
            continue
        kind = 3 if row["root"] else 2 if row["tracked"] else 1 if row["visit"] else 0
        owner = member[row["root"]]["brand"] if row["root"] in member else row["brand"]
        evidence[owner, week(row["day"])] = max(kind, evidence[owner, week(row["day"])])
    return evidence


active, timed = collections.defaultdict(set), collections.defaultdict(set)
for r in member.values():
    active[r["brand"]] |= {monday(r["time"], r["brand"])} if r["own"] else set()
    active[r["brand"]] |= {monday(w, r["brand"]) for w in r["replied"]}
worked, paid = collections.Counter(), collections.Counter()
for line in cost_lines:
    worked[line["brand"], week(line["day"])] += line["seconds"]
    if line["side"] == "conversation":
        paid[line["brand"], week(line["day"]), line["currency"]] += line["amount"]
for (brand, monday_of, *_), amount in [*worked.items(), *paid.items()]:
    if amount > 1e-6:
        timed[brand].add(monday_of)
assert any(seconds < 0 for seconds in worked.values()), "no week was taken back"
coverage = {b: len(weeks & timed[b]) / len(weeks) for b, weeks in active.items()}
assert coverage["half"] == 0.6, coverage
base = lambda brand: "EUR" if brand == "acme" else ""
by_root = collections.defaultdict(list)
for (model, l), rows in credit.items():
    for row in rows:
        by_root[model, l, row["root"]].append(row)
direct, traced, traced_revenue, revenue = (collections.Counter() for _ in range(4))
direct_unknown = set()
for (model, l), rows in credit.items():
    for row in rows:
        rule = (model, l)
        if row["root"] == "" and row["direct"]:
            direct[rule, row["brand"]] += row["margin_base"] or 0
            if row["margin_base"] is None:
                direct_unknown.add((rule, row["brand"]))
        foreign = row["root"] in member and row["base_currency"] != base(member[row["root"]]["brand"])
        if row["root"] in member and not foreign:
            traced[rule, member[row["root"]]["brand"]] += row["margin_base"] or 0
            traced_revenue[rule, member[row["root"]]["brand"]] += row["credit_base"] or 0
        owner = member[row["root"]]["brand"] if row["root"] in member else row["brand"]
        revenue[rule, owner] += 0 if foreign else row["credit_base"] or 0


def of_root(model, l, name, side, days, until=None):
    """Lines credited to a post on a side, of sales up to the horizon and their refunds."""
    limit = roots[name]["time"] + days * DAY
    return [row for row in by_root[model, l, name] if side in ("all", row["side"]) and row["sold_at"] <= limit]


def total(values):
    return None if any(v is None for v in values) else sum(values)


def interval(per_root, low, high):
    value, squares, n = sum(per_root), sum(v * v for v in per_root), len(per_root)
    effective = value * value / squares if squares else None
    if value <= 0 or effective is None or effective < 2 - 1e-9:
        return None, None, effective
    mean = value / n
    half = stats.t.ppf(0.975, max(3, math.floor(effective + 1e-9) - 1)) * math.sqrt(n * sum((v - mean) ** 2 for v in per_root) / (n - 1)) / value
    up = half * (1 + 0.6 * max(per_root) / math.sqrt(squares) * (1 - 2 / effective))
    return (value * math.exp(-half) / high - 1 if high else None), (value * math.exp(up) / low - 1 if low > 0 else None), effective


def close(what, found, wanted, slack=1e-6):
    if found is None or wanted is None:
        assert found is None and wanted is None, f"{what}: {found} is not {wanted}"
    else:
        assert math.isclose(float(found), wanted, rel_tol=slack, abs_tol=2e-5), f"{what}: {found} is not {wanted}"


def close_bound(what, found, wanted):
    """Bounds are compared as what came back for 1 spent: the view has Student's t to four decimals."""
    close(what, found if found is None else found + 1, wanted if wanted is None else wanted + 1, 2e-4)


# ---------------------------------------------------------------- cohorts: one rule, `last` within 30 days, and as long for sales after a post
MODEL, LOOKBACK = "last", 30
evidence = evidence_within(LOOKBACK)
unposted = collections.defaultdict(list)  # what touches without a post brought, in the week of the touch
for row in credit[MODEL, LOOKBACK]:
    if row["root"] == "" and row["side"] != "unattributed":
        for side in ("all", row["side"]):
            unposted[row["brand"], week(row["touched_day"]), side].append(row)
rows = dicts("SELECT *, toString(cohort) AS week FROM roi_cohort")
found = {(r["brand"], date(r["week"]), r["side"]): r for r in rows}
assert len(found) == len(rows), "one row per brand, cohort and side"
reasons, checked = collections.Counter(), 0
for brand, cohort in {*group_roots, *group_costs, *(key[:2] for key in unposted)}:
    names, lines = group_roots[brand, cohort], group_costs[brand, cohort]
    for side in SIDES:
        mine = [c for c in lines if side in ("all", c["side"] or "(unallocated)")]
        per_root = {name: of_root(MODEL, LOOKBACK, name, side, LOOKBACK) for name in names}
        without = unposted.get((brand, cohort, side), [])
        if side == "other" and not mine and not without and not any(of_root(m, LOOKBACK, name, side, LOOKBACK) for m in MODELS for name in names):
            continue
        if side == "(unallocated)" and not mine:
            continue
        where = (brand, cohort, side)
        row = found.pop(where)
        money, time = total([c["money"] for c in mine]), total([c["time"] for c in mine])
        cost = total([money, time])
        value = {name: total([r["margin_base"] for r in per_root[name]]) for name in names}
        foreign = any(r["base_currency"] != base(brand) for rs in per_root.values() for r in rs)
        no_rate = foreign or any(r["credit_base"] is None for rs in per_root.values() for r in rs)
        no_margin = any(v is None for v in value.values())
        ripe = max(roots[n]["time"] for n in names) + LOOKBACK * DAY if names else datetime.datetime.combine(cohort, datetime.time(), zoneinfo.ZoneInfo(ZONE[brand])).timestamp() + (7 + LOOKBACK) * DAY
        mature = ripe < WATERMARK
        best = max([kind for (b, w), kind in evidence.items() if b == brand and cohort <= w <= cohort + datetime.timedelta(days=7 + LOOKBACK)], default=-1)
        covered = coverage.get(brand)
        why = ("unallocated_cost" if side == "(unallocated)" else "no_posts" if not names else "not_mature" if not mature else {-1: "no_conversions", 0: "no_touch", 1: "no_clicks", 2: "no_clicks"}.get(best, "")
               or ("other_currency" if foreign else "missing_hourly_rate" if any(c["time_amount"] is None for c in mine) else "missing_exchange_rate" if cost is None or no_rate else "missing_margin_rate" if no_margin
                   else "labour_coverage" if side != "all" and (covered is None or covered < 0.8) else "no_cost" if cost <= 0 else ""))
        roi = sum(value.values()) / cost - 1 if why == "" else None
        low = high = effective = None
        reason = why
        if why == "":
            unbounded = any(c["unbounded"] for c in mine)
            low, high, effective = interval(list(value.values()), money + (0 if unbounded else sum(c["time_low"] for c in mine)), money + (0 if unbounded else sum(c["time_high"] for c in mine)))
            reason = "no_value" if sum(value.values()) <= 0 else "few_roots" if effective is None or effective < 2 - 1e-9 else "unbounded_estimate" if unbounded else "no_cost_at_low_estimate" if high is None else ""
            if unbounded:
                low = high = None
        same(f"{where} reason", row["reason"], reason)
        same(f"{where} basis", row["basis"], {-1: "none", 0: "none", 1: "visits", 2: "utm", 3: "clicks"}[best])
        same(f"{where} counts", [int(row["posts"]), int(row["mature"])], [len(names), int(mature)])
        same(f"{where} base currency", row["base_currency"], base(brand))
        for column, wanted in (("roi", roi), ("cost_base", cost if not any(c["time_amount"] is None for c in mine) else None), ("hours", sum(c["seconds"] for c in mine) / 3600), ("labour_coverage", covered)):
            close(f"{where} {column}", row[column], wanted)
        close_bound(f"{where} low", row["roi_low"], low)
        close_bound(f"{where} high", row["roi_high"], high)
        close(f"{where} without a post", row["margin_without_post"], total([r["margin_base"] for r in without]))
        clicked = best == 3
        earned = total([r["credit_base"] for rs in per_root.values() for r in rs]) if clicked and not foreign else None
        close(f"{where} revenue", row["revenue_base"], earned)
        close(f"{where} margin", row["margin_base"], None if not clicked or no_rate or no_margin else sum(value.values()))
        sold = sum(r["share"] for rs in per_root.values() for r in rs if r["refund_of"] == "")
        close(f"{where} conversions", row["conversions"], sold if clicked else None)
        close(f"{where} roas", row["roas"], earned / money if why in ("", "no_cost") and money else None)
        if clicked and not no_rate and not no_margin:
            squares = sum(v * v for v in value.values())
            close(f"{where} effective_roots", row["effective_roots"], sum(value.values()) ** 2 / squares if squares else None)
            close(f"{where} top1", row["top1_share"], max(value.values()) / sum(value.values()) if names and sum(value.values()) > 0 else None)
        traced_part = traced_revenue[(MODEL, LOOKBACK), brand] / revenue[(MODEL, LOOKBACK), brand] if revenue[(MODEL, LOOKBACK), brand] else None
        close(f"{where} traced share", row["traced_share"], traced_part)
        if why == "":
            lines_by_model = [[r for name in names for r in of_root(m, LOOKBACK, name, side, LOOKBACK)] for m in MODELS]
            by_model = [total([r["margin_base"] for r in rs]) for rs in lines_by_model]
            known = not any(v is None for v in by_model) and not any(r["base_currency"] != base(brand) for rs in lines_by_model for r in rs)
            close(f"{where} lowest", row["roi_lowest_model"], min(by_model) / cost - 1 if known else None)
            close(f"{where} highest", row["roi_highest_model"], max(by_model) / cost - 1 if known else None)
            close(f"{where} direct 0", row["roi_direct_0"], sum(r["margin_base"] for rs in per_root.values() for r in rs if not r["before_direct"]) / cost - 1)
            rule = ((MODEL, LOOKBACK), brand)
            close(f"{where} direct 100", row["roi_direct_100"], None if rule in direct_unknown else sum(value.values()) * (1 + direct[rule] / traced[rule]) / cost - 1 if traced[rule] > 0 else None)
            close(f"{where} acquisition", row["cost_per_acquisition"], cost / sold if sold else None)
        if side == "all":
            engaged = sum(n for name in names for w, n in roots[name]["engaged"] if w < roots[name]["time"] + LOOKBACK * DAY)
            clicked_n = sum(n for name in names for w, n in roots[name]["clicked"] if w < roots[name]["time"] + LOOKBACK * DAY)
            same(f"{where} engagements", [int(row["engagements"]), int(row["clicks"])], [engaged, clicked_n])
            close(f"{where} per engagement", row["cost_per_engagement"], cost / engaged if mature and names and cost is not None and engaged else None)
            close(f"{where} per click", row["cost_per_click"], cost / clicked_n if mature and names and cost is not None and clicked_n else None)
        reasons[row["reason"]] += 1
        checked += 1
assert not found, f"more rows than there should be: {list(found)[:3]}"
assert any(r["margin_without_post"] not in (None, 0) for r in rows), "every touch has a post"
print(f"roi: {checked} rows, every figure; reasons {dict(reasons)}")
seen = {"", "unallocated_cost", "no_posts", "not_mature", "no_conversions", "no_touch", "no_clicks", "missing_hourly_rate", "other_currency", "missing_exchange_rate", "labour_coverage", "no_cost", "no_value", "few_roots", "unbounded_estimate"}
assert seen <= set(reasons), seen - set(reasons)
listed("roi_cohort", "reason")
