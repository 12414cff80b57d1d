#!/usr/bin/env python3
"""What the money views must say, computed in batch from a file of events: the slow, obvious way.

An oracle for tests. It shares no code with the worker or with the views: it reads the events and the dimensions
(INSERT statements, as `grapevine generate --money --dimensions` writes them), keeps everything in memory, and
applies the rules of attribution and accounting. Standard library only.

    money.py --dimensions SQL EVENTS...                prints one JSON object a row, sorted
    money.py --dimensions SQL --compare FOUND EVENTS   compares them with rows of the views; exit code 1 if they differ
    money.py --dimensions SQL --gap TRUTH EVENTS       prints what each side is credited with beside what it caused

EVENTS is JSON Lines, plain or gzip'd, in the order of the log. FOUND is JSON Lines with the same columns. Rows are
told apart by `table`:

    credit   one per conversion, touch of it, model and look-back; `credit` exact to six decimals
    ledger   one per brand, day, entry (revenue, refund, cost_money, cost_time) and currency
    roi      one per brand, cohort (Monday of the posts' week), horizon_days and side, for the model `last` over 30 days

The rules. A fact counts once, its first copy. A visit's side is that of what was clicked (a post or share:
broadcast, a reply: conversation), if the log held it before the click; else that of utm_medium, utm_source, referrer_host by
the table utm_side; else `other`. A visit from one of the brand's own hosts is no touch. Touches of a visitor more
than 30 minutes apart are sessions; for a session stands its first touch that is not direct. Credit goes to the touches within
the look-back before the sale, a refund's to those of its sale. Parts are rounded down in millionths, and what is left goes to
the largest remainders. Days are those of the brand's time zone; rates hold as of the day of the money, margins as of
the day of the sale. A cohort's posts are those that the brand wrote or answered under; its cost is that of the week's days.
"""

import argparse
import bisect
import collections
import datetime
import fractions
import gzip
import json
import math
import re
import sys
import zoneinfo

MODELS = ("first", "last", "linear", "position", "time_decay")
LOOKBACKS = (7, 30, 90)
HORIZONS = (7, 30, 90)
SIDES = ("broadcast", "conversation", "other")
DAY_MS = 86_400_000
SESSION_GAP_MS = 30 * 60_000
HALF_LIFE_MS = 7 * DAY_MS
UNIT = 1_000_000
EPOCH = datetime.date(1970, 1, 1)
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
Touch = collections.namedtuple("Touch", "time visit direct side channel community campaign root click")


# --- Dimensions ----------------------------------------------------------------------------------


def rows_of(sql):
    """The rows of INSERT statements by table, as dicts of text (lists where the SQL has arrays)."""
    tables = collections.defaultdict(list)
    for table, columns, values in re.findall(r"INSERT INTO (\w+) \(([^)]*)\) VALUES\s*(.*?);\n", sql, re.S):
        names = [name.strip() for name in columns.split(",")]
        for line in values.split("\n"):
            text = line.strip().rstrip(",").removeprefix("(").removesuffix(")")
            cells = re.findall(r"\[[^\]]*\]|'(?:[^'\\]|\\.)*'|[^,\s']+", text)
            assert len(cells) == len(names), f"{table}: {line}"
            lists = lambda cell: re.findall(r"'([^']*)'", cell) if cell.startswith("[") else cell.strip("'")
            tables[table].append(dict(zip(names, map(lists, cells))))
    return tables


class Dated:
    """Values that hold from a day on, until the next."""

    def __init__(self, rows, key, value):
        self.values = collections.defaultdict(list)
        for row in rows:
            self.values[row[key]].append((datetime.date.fromisoformat(row["valid_from"]), value(row)))
        for values in self.values.values():
            values.sort(key=lambda pair: pair[0])

    def at(self, key, day):
        """The value as of a day; None before the first."""
        found = None
        for since, value in self.values.get(key, ()):
            if since <= day:
                found = value
        return found


class Dimensions:
    """What an operator loaded."""

    def __init__(self, sql):
        tables = rows_of(sql)
        number = lambda name: lambda row: fractions.Fraction(row[name])
        self.rates = Dated(tables["fx"], "currency", number("to_base"))
        self.hours = Dated(tables["labour_rate"], "role", lambda row: (fractions.Fraction(row["rate"]), row["currency"]))
        self.margins = Dated(tables["brand"], "brand", number("margin_rate"))
        self.brands = Dated(tables["brand"], "brand", lambda row: row)
        self.campaigns = Dated(tables["campaign"], "campaign", lambda row: row["brand"])
        self.sides = {(row["field"], row["value"].lower()): row["side"] for row in tables["utm_side"]}

    def brand(self, brand, time):
        return self.brands.at(brand, utc_day(time)) or {"timezone": "UTC", "base_currency": "", "landing_hosts": []}

    def day(self, brand, time):
        """The business day."""
        zone = zoneinfo.ZoneInfo(self.brand(brand, time)["timezone"])
        return datetime.datetime.fromtimestamp(time // 1000, zone).date()

    def to_base(self, brand, currency, day):
        """What a unit of a currency is worth in the brand's; None where a rate is missing."""
        base = (self.brands.at(brand, day) or {"base_currency": ""})["base_currency"]
        if currency == base:
            return fractions.Fraction(1)
        rate, of_base = self.rates.at(currency, day), self.rates.at(base, day) if base else fractions.Fraction(1)
        return rate / of_base if rate and of_base else None


def utc_day(time):
    return EPOCH + datetime.timedelta(days=time // DAY_MS)


# --- The log -------------------------------------------------------------------------------------


class Log:
    """Facts and posts, each once."""

    def __init__(self, paths):
        self.by_type = collections.defaultdict(dict)
        self.kinds = {}
        self.answered = set()
        for path in paths:
            opener = gzip.open if path.endswith(".gz") else open
            with opener(path, "rt", encoding="utf-8") as file:
                for line in file:
                    self.take(json.loads(line))

    def take(self, event):
        kind, name = event["type"], event["id"]
        # Nodes are copies inside their tree, facts everywhere.
        key = (event["root"], name) if kind in ("share", "reply") else name
        if key in self.by_type[kind]:
            return
        self.by_type[kind][key] = event
        if kind in ("share", "reply"):
            self.kinds[event["root"], name] = self.kinds.get((event["root"], name), kind)
            if event.get("is_brand"):
                self.answered.add(event["root"])
        if kind == "click":
            target = event.get("target") or event["root"]
            is_root = target == event["root"]
            event["target_kind"] = "post" if is_root else self.kinds.get((event["root"], target), "unknown")

    def all(self, kind):
        return self.by_type[kind].values()

    def get(self, kind, name):
        return self.by_type[kind].get(name)


# --- Touches -------------------------------------------------------------------------------------


def side_of(visit, click, dimensions):
    kind = click["target_kind"] if click else "unknown"
    if kind != "unknown":
        return "conversation" if kind == "reply" else "broadcast"
    for field in ("utm_medium", "utm_source", "referrer_host"):
        value = visit.get(field) or ((click or {}).get(field) if field != "referrer_host" else "") or ""
        if side := dimensions.sides.get((field, value.lower())):
            return side
    return "other"


def touches_of(log, dimensions):
    """Touches of each visitor and brand, in order."""
    trails = collections.defaultdict(list)
    for visit in log.all("visit"):
        click = log.get("click", visit.get("click", ""))
        post = log.get("post", click["root"]) if click else None
        brand = visit.get("brand") or (post or {}).get("brand", "")
        if not visit.get("visitor") or visit.get("referrer_host", "") in dimensions.brand(brand, visit["time"])["landing_hosts"]:
            continue
        direct = not any(visit.get(field) for field in ("click", "referrer_host", *UTM))
        place = [(post or {}).get(name, "") for name in ("channel", "community", "campaign")]
        side = side_of(visit, click, dimensions)
        root, name = (click["root"], click["id"]) if click else ("", "")
        trails[visit["visitor"], brand].append(Touch(visit["time"], visit["id"], direct, side, *place, root, name))
    for trail in trails.values():
        trail.sort()
    return trails


def sessions(touches):
    """One touch for each session."""
    kept, before = [], None
    for touch in touches:
        if before is None or touch.time - before > SESSION_GAP_MS:
            kept.append(touch)
        elif kept[-1].direct and not touch.direct:
            kept[-1] = touch
        before = touch.time
    return kept


# --- Credit --------------------------------------------------------------------------------------


def weights(model, touches):
    """How much of 2^32 each touch weighs."""
    count = len(touches)
    last = max((i for i, touch in enumerate(touches) if not touch.direct), default=count - 1)
    middle = 0.2 / (count - 2) if count > 2 else 0
    ends = {1: 1.0, 2: 0.5}.get(count, 0.4)
    share = {
        "first": lambda i: float(i == 0),
        "last": lambda i: float(i == last),
        "linear": lambda i: 1.0,
        "position": lambda i: ends if i in (0, count - 1) else middle,
        "time_decay": lambda i: 2.0 ** ((touches[i].time - touches[-1].time) / HALF_LIFE_MS),
    }[model]
    return [round(2**32 * share(i)) for i in range(count)]


def split(units, parts):
    """Whole units by weight, to the last one: largest remainders, ties to the earlier."""
    magnitude, total = abs(units), sum(parts)
    shares = [magnitude * part // total for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda i: (-((magnitude * parts[i]) % total), i))
    for i in by_remainder[: magnitude - sum(shares)]:
        shares[i] += 1
    return [share if units >= 0 else -share for share in shares]


def units_of(amount):
    units = fractions.Fraction(str(amount)) * UNIT
    assert units.denominator == 1, amount
    return int(units)


def credits(log, dimensions):
    """Every credit, with the conversion that it is part of."""
    trails = touches_of(log, dimensions)
    for conversion in log.all("conversion"):
        sale = log.get("conversion", conversion.get("refund_of", "")) or conversion
        brand = conversion.get("brand") or sale.get("brand", "")
        trail = trails.get((sale.get("visitor"), brand), [])
        times = [touch.time for touch in trail]
        until = bisect.bisect_right(times, sale["time"])
        for lookback in LOOKBACKS:
            since = bisect.bisect_right(times, sale["time"] - lookback * DAY_MS)
            touches = sessions(trail[since:until])
            unattributed = Touch(conversion["time"], "", False, "unattributed", "", "", "", "", "")
            for model in MODELS:
                parts = split(units_of(conversion["amount"]), weights(model, touches)) if touches else [units_of(conversion["amount"])]
                for touch, units in zip(touches or [unattributed], parts):
                    yield model, lookback, conversion, sale, brand, touch, units


def credit_row(credit):
    model, lookback, conversion, _, brand, touch, units = credit
    return {
        "table": "credit",
        "model": model,
        "lookback_days": lookback,
        "conversion": conversion["id"],
        "visit": touch.visit,
        "brand": brand,
        "currency": conversion["currency"],
        "side": touch.side,
        "channel": touch.channel,
        "community": touch.community,
        "campaign": touch.campaign,
        "root": touch.root,
        "click": touch.click,
        "credit": decimal(fractions.Fraction(units, UNIT), 6),
    }


def decimal(value, digits):
    """Exact text; half away from zero where it has more digits."""
    if value is None:
        return None
    scaled = abs(value) * 10**digits
    whole = math.floor(scaled + fractions.Fraction(1, 2))
    return f"{'-' if value < 0 and whole else ''}{whole // 10**digits}.{whole % 10**digits:0{digits}d}"


# --- Costs and the ledger ------------------------------------------------------------------------


def cost_days(log, dimensions):
    """What each day of each cost takes: units of money and seconds."""
    for cost in log.all("cost"):
        begins = cost.get("period_start", cost["time"])
        ends = cost.get("period_end", begins)
        brand = cost.get("brand") or dimensions.campaigns.at(cost.get("campaign", ""), utc_day(begins)) or ""
        first = dimensions.day(brand, begins)
        days = max(1, (dimensions.day(brand, ends) - first).days)
        units, seconds = units_of(cost.get("amount", 0)), cost.get("seconds", 0)
        part = lambda whole, i: int(fractions.Fraction(whole * (i + 1), days)) - int(fractions.Fraction(whole * i, days))
        for i in range(days):
            yield cost, brand, first + datetime.timedelta(days=i), part(units, i), part(seconds, i)


class Sums(dict):
    """Sums of which one is unknown as soon as a part of it is."""

    def add(self, key, value):
        before = self.get(key, 0)
        self[key] = None if before is None or value is None else before + value


def ledger(log, dimensions):
    sums = Sums()
    for conversion in log.all("conversion"):
        sale = log.get("conversion", conversion.get("refund_of", "")) or conversion
        brand = conversion.get("brand") or sale.get("brand", "")
        units = units_of(conversion["amount"])
        entry = "refund" if conversion.get("refund_of") or units < 0 else "revenue"
        key = (brand, dimensions.day(brand, conversion["time"]), entry, conversion["currency"])
        sums.add(key, fractions.Fraction(units, UNIT))
    for cost, brand, day, units, seconds in cost_days(log, dimensions):
        if units:
            sums.add((brand, day, "cost_money", cost["currency"]), fractions.Fraction(units, UNIT))
        if seconds:
            rate, currency = dimensions.hours.at(cost.get("role", ""), day) or (None, "")
            sums.add((brand, day, "cost_time", currency), rate and rate * seconds / 3600)
    for (brand, day, entry, currency), amount in sums.items():
        yield {"table": "ledger", "brand": brand, "day": str(day), "entry": entry, "currency": currency, "amount": decimal(amount, 2)}


# --- Return on what was spent --------------------------------------------------------------------


def monday(day):
    return day - datetime.timedelta(days=day.weekday())


def cohorts(log, dimensions):
    """The week of each post that a brand wrote or answered under."""
    found = {}
    for post in log.all("post"):
        if post.get("is_brand") or post["id"] in log.answered:
            found[post["id"]] = (post, monday(dimensions.day(post.get("brand", ""), post["time"])))
    return found


def roi(log, dimensions, all_credits):
    posts = cohorts(log, dimensions)
    count = collections.Counter((post.get("brand", ""), week) for post, week in posts.values())
    newest = collections.defaultdict(int)
    for post, week in posts.values():
        key = (post.get("brand", ""), week)
        newest[key] = max(newest[key], post["time"])
    money, time = Sums(), Sums()
    for cost, brand, day, units, seconds in cost_days(log, dimensions):
        rate, currency = dimensions.hours.at(cost.get("role", ""), day) or (None, "")
        per_hour = dimensions.to_base(brand, currency, day) if rate else None
        per_unit = dimensions.to_base(brand, cost.get("currency", ""), day) if units else 0
        for side in ("all", cost.get("side") or "(unallocated)"):
            key = (brand, monday(day), side)
            money.add(key, per_unit and per_unit * fractions.Fraction(units, UNIT))
            time.add(key, (per_hour and rate and rate * per_hour * seconds / 3600) if seconds else 0)
    revenue, margin = Sums(), Sums()
    for model, lookback, conversion, sale, brand, touch, units in all_credits:
        if (model, lookback) != ("last", 30) or touch.root not in posts:
            continue
        post, week = posts[touch.root]
        rate = dimensions.to_base(brand, conversion["currency"], dimensions.day(brand, conversion["time"]))
        share = margin_rate(conversion, sale, brand, dimensions)
        value = rate and rate * fractions.Fraction(units, UNIT)
        for horizon in HORIZONS:
            if conversion["time"] <= post["time"] + horizon * DAY_MS:
                for side in ("all", touch.side):
                    key = (post.get("brand", ""), week, horizon, side)
                    revenue.add(key, value)
                    margin.add(key, None if share is None or value is None else value * share)
    for (brand, week), posted in count.items():
        for horizon in HORIZONS:
            for side in ("all", *SIDES):
                spent, worked = money.get((brand, week, side), 0), time.get((brand, week, side), 0)
                cost = None if spent is None or worked is None else spent + worked
                returned = margin.get((brand, week, horizon, side), 0)
                known = bool(cost) and returned is not None
                yield {
                    "table": "roi",
                    "brand": brand,
                    "cohort": str(week),
                    "horizon_days": horizon,
                    "side": side,
                    "posts": posted,
                    "newest_post": newest[brand, week],
                    "money_base": decimal(spent, 2),
                    "time_base": decimal(worked, 2),
                    "cost_base": decimal(cost, 2),
                    "revenue_base": decimal(revenue.get((brand, week, horizon, side), 0), 2),
                    "margin_base": decimal(returned, 2),
                    "roi": decimal((returned - cost) / cost, 4) if known else None,
                }


def margin_rate(conversion, sale, brand, dimensions):
    for event in (conversion, sale):
        if "margin_rate" in event:
            return fractions.Fraction(str(event["margin_rate"]))
    return dimensions.margins.at(brand, dimensions.day(brand, sale["time"]))


# --- Comparing -----------------------------------------------------------------------------------

KEYS = {
    "credit": ("model", "lookback_days", "conversion", "visit"),
    "ledger": ("brand", "day", "entry", "currency"),
    "roi": ("brand", "cohort", "horizon_days", "side"),
}
# How far figures may be apart: sums of parts that were each cut after six decimals are a cent apart at most.
TOLERANCE = {"credit": fractions.Fraction(0), "amount": fractions.Fraction(1, 100), "roi": fractions.Fraction(1, 1000)}
TOLERANCE.update({name: fractions.Fraction(1, 100) for name in ("money_base", "time_base", "cost_base", "revenue_base", "margin_base")})


def keyed(rows):
    found = {}
    for row in rows:
        key = (row["table"], *(str(row[name]) for name in KEYS[row["table"]]))
        assert key not in found, f"twice: {key}"
        found[key] = row
    return found


def differences(expected, found):
    """What found rows say otherwise. A column that they do not have is not compared; NULL withholds a figure of `roi`."""
    for key in sorted(expected.keys() | found.keys()):
        if key not in found or key not in expected:
            yield f"{'missing' if key not in found else 'not expected'}: {key}"
            continue
        for name, value in found[key].items():
            wanted = expected[key].get(name)
            if name in TOLERANCE and value is not None and wanted is not None:
                if abs(fractions.Fraction(str(value)) - fractions.Fraction(wanted)) > TOLERANCE[name]:
                    yield f"{key} {name}: expected {wanted}, found {value}"
            elif name in expected[key] and str(value) != str(wanted) and not (name == "roi" and value is None):
                yield f"{key} {name}: expected {wanted}, found {value}"


def compare(expected, path):
    found = keyed(json.loads(line) for line in open(path, encoding="utf-8") if line.strip())
    # Tables that were not asked for are not missed.
    tables = {key[0] for key in found}
    all_differences = list(differences({key: row for key, row in expected.items() if key[0] in tables}, found))
    for difference in all_differences[:50]:
        print(difference)
    print(f"{len(found)} rows of {', '.join(sorted(tables)) or 'nothing'} compared, {len(all_differences)} differences")
    return 1 if all_differences or not found else 0


def gap(log, dimensions, path):
    """Credited and caused, per brand and side, in the brand's base currency."""
    with open(path, encoding="utf-8") as file:
        truth = json.load(file)
    credited = collections.defaultdict(fractions.Fraction)
    for model, lookback, conversion, _, brand, touch, units in credits(log, dimensions):
        if lookback == 30:
            rate = dimensions.to_base(brand, conversion["currency"], dimensions.day(brand, conversion["time"]))
            credited[brand, touch.side, model] += (rate or 0) * fractions.Fraction(units, UNIT)
    print(f"{'brand':<8} {'side':<13} {'caused':>12}" + "".join(f"{model:>12}" for model in MODELS) + "  (revenue; credited over 30 days)")
    for side, brands in truth["caused"].items():
        for brand, caused in brands.items():
            figures = [fractions.Fraction(caused["revenue_base"])] + [credited[brand, side, model] for model in MODELS]
            print(f"{brand:<8} {side:<13} " + "".join(f"{decimal(figure, 2):>12}" for figure in figures))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dimensions", required=True)
    parser.add_argument("--compare", metavar="FOUND")
    parser.add_argument("--gap", metavar="TRUTH")
    parser.add_argument("events", nargs="+")
    arguments = parser.parse_args()
    with open(arguments.dimensions, encoding="utf-8") as file:
        dimensions = Dimensions(file.read())
    log = Log(arguments.events)
    if arguments.gap:
        return gap(log, dimensions, arguments.gap)
    all_credits = list(credits(log, dimensions))
    rows = [*map(credit_row, all_credits), *ledger(log, dimensions), *roi(log, dimensions, all_credits)]
    if arguments.compare:
        return compare(keyed(rows), arguments.compare)
    for line in sorted(json.dumps(row, sort_keys=True) for row in rows):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
