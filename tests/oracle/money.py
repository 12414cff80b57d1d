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

    credit   one per conversion, touch that has a part of it, model and look-back
    ledger   one per brand, day, entry (revenue, refund, margin, cost_money, cost_time), currency, campaign, place and side
    roi      one per brand, cohort (Monday of the week of its posts) and side, for the model `last` over 30 days
    reached  in FOUND only: the watermark up to which the views take the log as read; without it all of it

The rules. A fact counts once, its first copy. A visit's side is that of what was clicked (a post or share:
broadcast, a reply: conversation), if the log held it before the click; else that of utm_medium, utm_source, referrer_host by
the table utm_side; else `other`. Its campaign is that of the clicked post, else utm_campaign of the visit, else of the click.
Campaigns, link parameters and the values of utm_side are compared in one spelling: percent sequences decoded, unless that is no text, a +
before another character a blank, without blanks at the ends, in lower case. A visit from one of the brand's own hosts is no touch, unless a known click led there. A click of
a visitor that no visit names is a touch, if it came ten seconds or more after its target or nobody knows when that was. Touches
of a visitor more than 30 minutes apart are sessions; so is what another clicked post or another campaign begins, unless the
session has named none; for a session stands its first touch that is not direct. Credit goes to the touches within the look-back
before the sale, a refund's to those of its sale; a negative amount that names no sale is a refund on its own touches, and no
conversion. Parts are rounded down in millionths, and what is left goes to the largest remainders. Days are those of the brand's
time zone; rates hold as of the day of the money, margins as of the day of the sale. Rates between two currencies are cut after 18
decimals, what a credit or a day of a cost is worth after six; every sum is exact. A cohort's posts are those that the brand wrote
or answered under; its cost is that of the week's days; it returned what sales up to the look-back after each post brought, and their
refunds. What touches without a post brought stands in the week of the touch. Work of a week is known if somebody logged time in it or
was paid for conversation. Time by rule (seconds_per_reply) is not known.
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
import typing
import urllib.parse
import zoneinfo

KEYS = {
    "credit": ("model", "lookback_days", "conversion", "visit", "click"),
    "ledger": ("brand", "day", "entry", "currency", "campaign", "channel", "community", "side"),
    "roi": ("brand", "cohort", "side"),
}
UNALLOCATED = "(unallocated)"
MODELS = ("first", "last", "linear", "position", "time_decay")
LOOKBACKS = (7, 30, 90)
# The rule of cohorts.
RULE = ("last", 30)
SIDES = ("broadcast", "conversation", "other")
DAY_MS = 86_400_000
SESSION_GAP_MS = 30 * 60_000
HUMAN_MS = 10_000
HALF_LIFE_MS = 7 * DAY_MS
UNIT = 1_000_000
EPOCH = datetime.date(1970, 1, 1)
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
# In this order: of equal times visits come first, then ids decide. A touch that is a click has no visit.
Touch = collections.namedtuple("Touch", "time is_click id visit direct side channel community campaign root click tracked")


# --- Spelling ------------------------------------------------------------------------------------


def spelled(text):
    """A link parameter or a campaign as it is compared."""
    try:
        said = urllib.parse.unquote(re.sub(r"\+(?=[^+\s])", " ", text), errors="strict")
    except UnicodeDecodeError:
        said = text
    return said.strip(" \t\r\n").lower()


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
        campaigns = [{**row, "campaign": spelled(row["campaign"])} for row in tables["campaign"]]
        self.campaigns = Dated(campaigns, "campaign", lambda row: row["brand"])
        self.sides = {(row["field"], spelled(row["value"])): row["side"] for row in tables["utm_side"]}

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
        self.kinds, self.times = {}, {}
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
        if kind == "conversion" and event.get("refund_of"):
            # It takes back, whatever sign was sent.
            event["amount"] = "-" + str(event["amount"]).lstrip("-")
        for field in ("campaign", *UTM[:3]):
            if field in event:
                event[field] = spelled(event[field])
        self.by_type[kind][key] = event
        if kind in ("share", "reply"):
            self.kinds[event["root"], name] = self.kinds.get((event["root"], name), kind)
        if kind in ("post", "share", "reply"):
            self.times.setdefault((event.get("root", name), name), event["time"])
        if kind == "click":
            target = event.get("target") or event["root"]
            is_root = target == event["root"]
            event["target_kind"] = "post" if is_root else self.kinds.get((event["root"], target), "unknown")
            event["target_time"] = self.times.get((event["root"], target))

    def all(self, kind):
        return self.by_type[kind].values()

    def get(self, kind, name):
        return self.by_type[kind].get(name)


# --- Touches -------------------------------------------------------------------------------------


def side_of(visit, click, dimensions):
    """The side, and whether anything told it."""
    kind = click["target_kind"] if click else "unknown"
    if kind != "unknown":
        return "conversation" if kind == "reply" else "broadcast", True
    for field in ("utm_medium", "utm_source", "referrer_host"):
        value = visit.get(field) or ((click or {}).get(field) if field != "referrer_host" else "") or ""
        if side := dimensions.sides.get((field, value.lower())):
            return side, True
    return "other", False


def place_of(post, *links):
    """Channel, community and campaign: what the post says, else the campaign of the links."""
    post = post or {}
    campaign = next((name for name in (post.get("campaign"), *((link or {}).get("utm_campaign") for link in links)) if name), "")
    return post.get("channel", ""), post.get("community", ""), campaign


def touch_of_visit(visit, log, dimensions):
    """The brand, and the touch that a visit is, if it is one."""
    click = log.get("click", visit.get("click", ""))
    post = log.get("post", click["root"]) if click else None
    brand = visit.get("brand") or (post or {}).get("brand", "")
    inside = not click and visit.get("referrer_host", "").lower() in dimensions.brand(brand, visit["time"]).get("landing_hosts", [])
    if not visit.get("visitor") or inside:
        return brand, None
    direct = not any(visit.get(field) for field in ("click", "referrer_host", *UTM))
    side, told = side_of(visit, click, dimensions)
    root, name = (click["root"], click["id"]) if click else ("", "")
    return brand, Touch(visit["time"], False, visit["id"], visit["id"], direct, side, *place_of(post, visit, click), root, name, told)


def touch_of_click(click, log, dimensions):
    """The brand, and the touch that a click without a visit is, if it is one."""
    post = log.get("post", click["root"])
    brand, written = (post or {}).get("brand", ""), click["target_time"]
    if not click.get("visitor") or written is not None and click["time"] - written < HUMAN_MS:
        return brand, None
    side, told = side_of({}, click, dimensions)
    return brand, Touch(click["time"], True, click["id"], "", False, side, *place_of(post, click), click["root"], click["id"], told)


def touches_of(log, dimensions):
    """Touches of each visitor and brand, in order."""
    trails = collections.defaultdict(list)
    named = {visit.get("click") for visit in log.all("visit")}
    lone = [click for click in log.all("click") if click["id"] not in named]
    for event in (*log.all("visit"), *lone):
        touch_of = touch_of_visit if event["type"] == "visit" else touch_of_click
        brand, touch = touch_of(event, log, dimensions)
        if touch:
            trails[event["visitor"], brand].append(touch)
    for trail in trails.values():
        trail.sort()
    return trails


def sessions(touches):
    """One touch for each session."""
    kept, before, root, campaign = [], None, "", ""
    for touch in touches:
        other_root = bool(touch.root and root) and touch.root != root
        other_campaign = bool(touch.campaign and (root or campaign)) and touch.campaign != campaign
        if before is None or touch.time - before > SESSION_GAP_MS or other_root or other_campaign:
            kept.append(touch)
            root, campaign = touch.root, touch.campaign
        else:
            if kept[-1].direct and not touch.direct:
                kept[-1] = touch
            root, campaign = root or touch.root, campaign or touch.campaign
        before = touch.time
    return kept


# --- Credit --------------------------------------------------------------------------------------


def weights(model, touches):
    """How much each touch weighs, in whole numbers; of a decay how much of 2^32."""
    count = len(touches)
    last = max((i for i, touch in enumerate(touches) if not touch.direct), default=count - 1)
    weight = {
        "first": lambda i: int(i == 0),
        "last": lambda i: int(i == last),
        "linear": lambda i: 1,
        # 40 % to both ends, 20 % in all to the others, of which there are count - 2.
        "position": lambda i: 2 * (count - 2) if count > 2 and i in (0, count - 1) else 1,
        "time_decay": lambda i: round(2**32 * 2.0 ** ((touches[i].time - touches[-1].time) / HALF_LIFE_MS)),
    }[model]
    return [weight(i) for i in range(count)]


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


def is_refund(conversion):
    """Whether it takes back."""
    return bool(conversion.get("refund_of")) or units_of(conversion["amount"]) < 0


def credits(log, dimensions):
    """Every credit of a touch that weighs anything, with the conversion that it is part of."""
    trails = touches_of(log, dimensions)
    for conversion in log.all("conversion"):
        sale = log.get("conversion", conversion.get("refund_of", "")) or conversion
        brand = sale.get("brand") or conversion.get("brand", "")
        trail = trails.get((sale.get("visitor"), brand), [])
        times = [touch.time for touch in trail]
        until = bisect.bisect_right(times, sale["time"])
        for lookback in LOOKBACKS:
            since = bisect.bisect_right(times, sale["time"] - lookback * DAY_MS)
            touches = sessions(trail[since:until])
            unattributed = Touch(conversion["time"], False, "", "", False, "unattributed", "", "", "", "", "", False)
            for model in MODELS:
                weighed = weights(model, touches) if touches else [1]
                parts = split(units_of(conversion["amount"]), weighed)
                for touch, weight, units in zip(touches or [unattributed], weighed, parts):
                    if weight:
                        yield model, lookback, conversion, sale, brand, touch, units


def credit_row(credit):
    touch = credit.touch
    return {
        "table": "credit",
        "model": credit.model,
        "lookback_days": credit.lookback,
        "conversion": credit.conversion["id"],
        "visit": touch.visit,
        "brand": credit.brand,
        "currency": credit.conversion["currency"],
        "side": touch.side,
        "channel": touch.channel,
        "community": touch.community,
        "campaign": touch.campaign,
        "root": touch.root,
        "click": touch.click,
        "credit": in_units(credit.units),
        "credit_base": in_units(credit.base),
        "margin_base": in_units(credit.margin_base),
    }


def decimal(value, digits):
    """Exact text; half away from zero where it has more digits."""
    if value is None:
        return None
    scaled = abs(value) * 10**digits
    whole = math.floor(scaled + fractions.Fraction(1, 2))
    return f"{'-' if value < 0 and whole else ''}{whole // 10**digits}.{whole % 10**digits:0{digits}d}"


# --- Costs and the ledger ------------------------------------------------------------------------


def cut(value, digits=6):
    """Whole units of the last decimal that is kept, towards zero; None where the value is not known."""
    return None if value is None else math.trunc(value * 10**digits)


def per_unit(dimensions, brand, currency, day):
    """The rate to the brand's currency as it is stored: cut after 18 decimals."""
    rate = dimensions.to_base(brand, currency, day)
    return rate if rate is None else fractions.Fraction(cut(rate, 18), 10**18)


class Spent(typing.NamedTuple):
    """What a day of a cost takes, in units; NULL-able: in the currency of the hour, and both in the brand's."""

    brand: str
    day: datetime.date
    side: str
    place: tuple
    currency: str
    units: int
    seconds: int
    time_currency: str
    time: int
    money_base: int
    time_base: int


def cost_days(log, dimensions):
    """Each day of each cost."""
    for cost in log.all("cost"):
        begins = cost.get("period_start", cost["time"])
        last = cost["period_end"] - 1 if "period_end" in cost else begins
        brand = cost.get("brand") or dimensions.campaigns.at(cost.get("campaign", ""), utc_day(begins)) or ""
        first = dimensions.day(brand, begins)
        days = max(1, (dimensions.day(brand, last) - first).days + 1)
        place = [cost.get(name, "") for name in ("campaign", "channel", "community")]
        place = (place[0] or UNALLOCATED, place[1] if place[1] or place[2] else UNALLOCATED, place[2])
        upto = lambda whole, i: math.trunc(fractions.Fraction(whole * i, days))
        part = lambda whole, i: upto(whole, i + 1) - upto(whole, i)
        for i in range(days):
            day = first + datetime.timedelta(days=i)
            units, seconds = part(units_of(cost.get("amount", 0)), i), part(cost.get("seconds", 0), i)
            hour, currency = dimensions.hours.at(cost.get("role", ""), day) or (None, "")
            rate = per_unit(dimensions, brand, cost.get("currency", ""), day) if units else 0
            hour_rate = per_unit(dimensions, brand, currency, day) if hour and seconds else 0
            time = cut(hour and hour * seconds / 3600) if seconds else 0
            time_base = cut(hour and hour_rate and hour * hour_rate * seconds / 3600) if seconds else 0
            money_base = None if rate is None else math.trunc(rate * units)
            side = cost.get("side") or UNALLOCATED
            yield Spent(brand, day, side, place, cost.get("currency", ""), units, seconds, currency, time, money_base, time_base)


class Sums(dict):
    """Sums of which one is unknown as soon as a part of it is."""

    def add(self, key, value):
        before = self.get(key, 0)
        self[key] = None if before is None or value is None else before + value


class Credit(typing.NamedTuple):
    """A credit with what it is worth in the brand's currency."""

    model: str
    lookback: int
    conversion: dict
    sale: dict
    brand: str
    touch: Touch
    units: int
    day: datetime.date
    margin_rate: fractions.Fraction
    base: int
    margin_base: int


def worth(log, dimensions):
    """Every credit, in the brand's currency as well. Values are the same for all credits of a conversion but for their parts."""
    rates = {}
    for model, lookback, conversion, sale, brand, touch, units in credits(log, dimensions):
        if conversion["id"] not in rates:
            day = dimensions.day(brand, conversion["time"])
            rates[conversion["id"]] = (day, per_unit(dimensions, brand, conversion["currency"], day), margin_rate(conversion, sale, brand, dimensions))
        day, rate, share = rates[conversion["id"]]
        base = None if rate is None else math.trunc(rate * units)
        margin = None if rate is None or share is None else math.trunc(rate * share * units)
        yield Credit(model, lookback, conversion, sale, brand, touch, units, day, share, base, margin)


def margin_rate(conversion, sale, brand, dimensions):
    for event in (conversion, sale):
        if "margin_rate" in event:
            return fractions.Fraction(str(event["margin_rate"]))
    return dimensions.margins.at(brand, dimensions.day(brand, sale["time"]))


def ledger(spent, all_credits):
    own, base, seconds = Sums(), Sums(), Sums()

    def add(key, amount, amount_base, time=0):
        for sums, value in ((own, amount), (base, amount_base), (seconds, time)):
            sums.add(key, value)

    for credit in all_credits:
        touch = credit.touch
        if (credit.model, credit.lookback) != ("last", 30):
            continue
        place = (touch.campaign, touch.channel, touch.community, touch.side)
        entry = "refund" if is_refund(credit.conversion) else "revenue"
        add((credit.brand, credit.day, entry, credit.conversion["currency"], *place), fractions.Fraction(credit.units), credit.base)
        margin = None if credit.margin_rate is None else credit.units * credit.margin_rate
        add((credit.brand, credit.day, "margin", credit.conversion["currency"], *place), margin, credit.margin_base)
    for cost in spent:
        if cost.units:
            add((cost.brand, cost.day, "cost_money", cost.currency, *cost.place, cost.side), cost.units, cost.money_base)
        if cost.seconds:
            add((cost.brand, cost.day, "cost_time", cost.time_currency, *cost.place, cost.side), cost.time, cost.time_base, cost.seconds)
    for key, amount in own.items():
        names = dict(zip(KEYS["ledger"], (key[0], str(key[1]), *key[2:])))
        yield {"table": "ledger", **names, "amount": in_units(amount, 12), "amount_base": in_units(base[key]), "seconds": seconds[key]}


def in_units(units, digits=6):
    return None if units is None else decimal(fractions.Fraction(units) / UNIT, digits)


# --- Return on what was spent --------------------------------------------------------------------


def monday(day):
    return day - datetime.timedelta(days=day.weekday())


class Cohorts:
    """The posts that a brand wrote or answered under, by week; and in which weeks it was active."""

    def __init__(self, log, dimensions):
        self.posts, self.weeks, self.active = {}, collections.defaultdict(list), collections.defaultdict(set)
        replies = collections.defaultdict(list)
        for reply in log.all("reply"):
            if reply.get("is_brand"):
                replies[reply["root"]].append(reply["time"])
        for post in log.all("post"):
            if not post.get("is_brand") and post["id"] not in replies:
                continue
            brand = post.get("brand", "")
            week = monday(dimensions.day(brand, post["time"]))
            self.posts[post["id"]] = (post, week)
            self.weeks[brand, week].append(post["time"])
            self.active[brand] |= {week} if post.get("is_brand") else set()
            self.active[brand] |= {monday(dimensions.day(brand, time)) for time in replies[post["id"]]}


def costs_by_week(spent):
    """By brand, week and side: units of money and time; and in which weeks a brand's work is known."""
    money, time, timed, paid = Sums(), Sums(), collections.defaultdict(set), collections.Counter()
    for cost in spent:
        week = monday(cost.day)
        if cost.seconds:
            timed[cost.brand].add(week)
        if cost.side == "conversation":
            paid[cost.brand, week, cost.currency] += cost.units
        for side in ("all", cost.side):
            money.add((cost.brand, week, side), cost.money_base)
            time.add((cost.brand, week, side), cost.time_base)
    for (brand, week, _), amount in paid.items():
        if amount > 0:
            timed[brand].add(week)
    return money, time, timed


def values_by_week(cohorts, dimensions, all_credits):
    """By brand, week and side: revenue and margin of sales up to the look-back after the post, refunds with their sale; and the margin
    of touches of the week that have no post."""
    revenue, margin, without, sides = Sums(), Sums(), Sums(), set()
    for credit in all_credits:
        if credit.lookback != RULE[1]:
            continue
        is_rule = credit.model == RULE[0]
        if credit.touch.root in cohorts.posts:
            post, week = cohorts.posts[credit.touch.root]
            if credit.sale["time"] > post["time"] + RULE[1] * DAY_MS:
                continue
            for side in ("all", credit.touch.side):
                sides.add((post.get("brand", ""), week, side))
                if is_rule:
                    revenue.add((post.get("brand", ""), week, side), credit.base)
                    margin.add((post.get("brand", ""), week, side), credit.margin_base)
        elif is_rule and not credit.touch.root and credit.touch.side in SIDES:
            for side in ("all", credit.touch.side):
                without.add((credit.brand, monday(dimensions.day(credit.brand, credit.touch.time)), side), credit.margin_base)
    return revenue, margin, without, sides


def traced_shares(cohorts, all_credits):
    """By brand: the part of its revenue that is credited to its posts."""
    traced, whole = collections.Counter(), collections.Counter()
    for credit in all_credits:
        if (credit.model, credit.lookback) == RULE:
            whole[credit.brand] += credit.base or 0
            traced[credit.brand] += credit.base or 0 if credit.touch.root in cohorts.posts else 0
    return {brand: fractions.Fraction(traced[brand], total) for brand, total in whole.items() if total}


def evidence_of(all_credits):
    """By brand: for each week the best that is known of its conversions."""
    best = collections.defaultdict(lambda: collections.defaultdict(int))
    for credit in all_credits:
        touch = credit.touch
        if is_refund(credit.conversion) or credit.lookback != RULE[1]:
            continue  # It is no evidence of its own: its sale is.
        kind = 3 if touch.root else 2 if touch.tracked else 1 if touch.id else 0
        weeks = best[credit.brand]
        weeks[monday(credit.day)] = max(kind, weeks[monday(credit.day)])
    return best


def roi(log, dimensions, spent, all_credits, reached):
    cohorts = Cohorts(log, dimensions)
    money, time, timed = costs_by_week(spent)
    revenue, margin, without, valued = values_by_week(cohorts, dimensions, all_credits)
    evidence, traced = evidence_of(all_credits), traced_shares(cohorts, all_credits)
    for brand, week in sorted({*cohorts.weeks, *(key[:2] for key in (*money, *without))}):
        posts, active = cohorts.weeks.get((brand, week), []), cohorts.active[brand]
        labour = fractions.Fraction(len(active & timed[brand]), len(active)) if active else None
        until = week + datetime.timedelta(days=7 + RULE[1])
        known = max((kind for day, kind in evidence[brand].items() if week <= day <= until), default=-1)
        ripe = bool(posts) and max(posts) + RULE[1] * DAY_MS < reached
        for side in ("all", *SIDES, UNALLOCATED):
            here = (brand, week, side)
            if here not in money and (side == UNALLOCATED or side == "other" and here not in valued and here not in without):
                continue
            spent_money, spent_time = money.get(here, 0), time.get(here, 0)
            cost = None if spent_money is None or spent_time is None else spent_money + spent_time
            earned, value = revenue.get(here, 0), margin.get(here, 0)
            checks = (
                (side == UNALLOCATED, "unallocated_cost"),
                (not posts, "no_posts"),
                (not ripe, "not_mature"),
                (known < 3, {-1: "no_conversions", 0: "no_touch"}.get(known, "no_clicks")),
                (cost is None or earned is None or value is None, "missing_rate"),
                (side != "all" and (labour or 0) < fractions.Fraction(4, 5), "labour_coverage"),
                (not cost, "no_cost"),
            )
            reason = next((name for applies, name in checks if applies), "")
            yield {
                "table": "roi",
                **dict(zip(KEYS["roi"], (brand, str(week), side))),
                "posts": len(posts),
                "money_base": in_units(None if cost is None else spent_money),
                "time_base": in_units(None if cost is None else spent_time),
                "cost_base": in_units(cost),
                "revenue_base": in_units(earned if known == 3 else None),
                "margin_base": in_units(value if known == 3 else None),
                "margin_without_post": in_units(without.get(here, 0)),
                "roi": decimal(fractions.Fraction(value - cost, cost), 9) if reason == "" else None,
                "traced_share": decimal(traced.get(brand), 9),
                "labour_coverage": decimal(labour, 9),
                "reason": reason,
            }


# --- Comparing -----------------------------------------------------------------------------------

# Figures; money is exact to its last decimal, a ratio is a float.
FIGURES = ("credit", "credit_base", "amount", "amount_base", "money_base", "time_base", "cost_base", "revenue_base", "margin_base", "margin_without_post")
RATIOS = ("roi", "traced_share", "labour_coverage")
TOLERANCE = {**dict.fromkeys(FIGURES, 0), **dict.fromkeys(RATIOS, fractions.Fraction(1, 10**8))}
# Reasons that withhold the interval and not the ROI, and those of which the oracle tells one.
ALIKE = {
    **dict.fromkeys(("no_value", "few_roots", "unbounded_estimate", "no_cost_at_low_estimate"), ""),
    **dict.fromkeys(("missing_hourly_rate", "missing_exchange_rate", "missing_margin_rate"), "missing_rate"),
}


def keyed(rows):
    found = {}
    for row in rows:
        key = (row["table"], *(str(row[name]) for name in KEYS[row["table"]]))
        assert key not in found, f"twice: {key}"
        found[key] = row
    return found


def differences(expected, found):
    """What found rows say otherwise. A column that they do not have is not compared."""
    for key in sorted(expected.keys() | found.keys()):
        if key not in found or key not in expected:
            yield f"{'missing' if key not in found else 'not expected'}: {key}"
            continue
        for name, value in found[key].items():
            wanted = expected[key].get(name)
            value = ALIKE.get(value, value) if name == "reason" else value
            if name in TOLERANCE and value is not None and wanted is not None:
                if abs(fractions.Fraction(str(value)) - fractions.Fraction(wanted)) > TOLERANCE[name]:
                    yield f"{key} {name}: expected {wanted}, found {value}"
            elif name in expected[key] and str(value) != str(wanted):
                yield f"{key} {name}: expected {wanted}, found {value}"


def compare(expected, rows):
    found = keyed(rows)
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
    found, reached = [], math.inf
    if arguments.compare:
        with open(arguments.compare, encoding="utf-8") as file:
            found = [json.loads(line) for line in file if line.strip()]
        reached = next((row["watermark"] for row in found if row["table"] == "reached"), math.inf)
    spent, all_credits = list(cost_days(log, dimensions)), list(worth(log, dimensions))
    rows = [*map(credit_row, all_credits), *ledger(spent, all_credits), *roi(log, dimensions, spent, all_credits, reached)]
    if arguments.compare:
        return compare(keyed(rows), [row for row in found if row["table"] != "reached"])
    for line in sorted(json.dumps(row, sort_keys=True) for row in rows):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
