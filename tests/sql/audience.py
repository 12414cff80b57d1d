"""Activity per day, buzz and people against plain Python: days of the brands' time zones, the week and the year before,
rates, media price equivalents, baselines, returning people, bots; several lives, late posts, older versions, two epochs."""

import collections
import datetime
import decimal
import random
import statistics
import zoneinfo

from store import dicts, insert, listed, millis, opening, run, same

DICE = random.Random(8)
UTC = datetime.timezone.utc
date = datetime.date
START = int(datetime.datetime(2026, 2, 20, tzinfo=UTC).timestamp())
DAYS = 75
MOVE, BOTS_FROM, BOTS_UNTIL = date(2026, 3, 20), date(2026, 3, 9), date(2026, 4, 6)

# ---------------------------------------------------------------- dimensions
BRANDS = {"berlin": [(date(2020, 1, 1), "Europe/Berlin", "EUR")], "york": [(date(2020, 1, 1), "America/New_York", ""), (MOVE, "Asia/Tokyo", "JPY")]}
insert("brand", [{"brand": brand, "valid_from": str(day), "timezone": zone, "base_currency": base} for brand, dated in BRANDS.items() for day, zone, base in dated])
FX = {"EUR": [(date(2020, 1, 1), "1.10"), (date(2026, 3, 1), "1.25")], "JPY": [(date(2026, 4, 1), "0.0071")], "GBP": [(date(2026, 3, 10), "1.31")]}
insert("fx", [{"currency": currency, "valid_from": str(day), "to_base": decimal.Decimal(rate)} for currency, dated in FX.items() for day, rate in dated])
PRICES = {
    ("share", ""): [(date(2020, 1, 1), "0.5", "EUR"), (date(2026, 3, 15), "0.75", "")], ("share", "x"): [(date(2026, 3, 1), "0.31", "GBP")],
    ("reply", ""): [(date(2020, 1, 1), "1.5", "")], ("reaction", ""): [(date(2020, 1, 1), "0.01", "EUR")], ("click", "x"): [(date(2020, 1, 1), "0.2", "EUR")], ("impression", ""): [(date(2020, 1, 1), "0.0013", "EUR")],
}
insert("media_price", [{"metric": metric, "channel": channel, "valid_from": str(day), "price": decimal.Decimal(price), "currency": currency} for (metric, channel), dated in PRICES.items() for day, price, currency in dated])
insert("actor", [{"actor": actor, "valid_from": str(day), "class": kind, "cluster": ""} for actor in (1, 2, 3) for day, kind in ((date(2020, 1, 1), "partner"), (BOTS_FROM, "bot"), (BOTS_UNTIL, "staff"))] + [{"actor": 4, "valid_from": "2020-01-01", "class": "bot", "cluster": ""}, {"actor": 5, "valid_from": "2020-01-01", "class": "staff", "cluster": ""}])


def as_of(dated, day):
    """The newest of the dated rows that holds on the day."""
    held = [row for row in dated if row[0] <= day]
    return max(held) if held else None


def local_day(brand, seconds):
    row = as_of(BRANDS.get(brand, []), datetime.datetime.fromtimestamp(seconds, UTC).date())
    return datetime.datetime.fromtimestamp(seconds, UTC).astimezone(zoneinfo.ZoneInfo(row[1] if row else "UTC")).date()


monday = lambda day: day - datetime.timedelta(days=day.weekday())
ago = lambda day, days: day - datetime.timedelta(days=days)

# ---------------------------------------------------------------- windows, and threads with their pairs
COUNTS = ("shares", "quotes", "replies", "brand_replies", "mentions", "reactions", "clicks")
roots, rows = [], []
for number in range(160):
    brand = DICE.choice(["berlin", "berlin", "york", "norow", ""])
    roots.append({"root": f"r{number}", "brand": brand, "channel": DICE.choice(["x", "forum"]) if brand else "", "community": DICE.choice(["a", "b", ""]) if brand else "", "root_is_brand": DICE.random() < 0.4, "opened": opening()})


def window(root, start, source="t/0", seen=True, version=5, epoch=0, **figures):
    told = root if seen else {**root, "brand": "", "channel": "", "community": "", "root_is_brand": False}
    row = {"window_start": start, **told, "epoch": epoch, "source": source, "version": version, "root_seen": seen, "posts": 0, **dict.fromkeys(COUNTS, 0), "sharers": [], "repliers": [], "samples": {}}
    return {**row, **figures}


def happened(people):
    """What happened in a window: the same people come often, a few more than others."""
    who = lambda count: sorted({min(DICE.randrange(1, people), DICE.randrange(1, people)) for _ in range(count)})
    shares, replies = DICE.choice([0, 0, 1, 2, 5]), DICE.choice([0, 1, 3, 6])
    return {
        "shares": shares, "quotes": DICE.randrange(shares + 1), "replies": replies, "brand_replies": DICE.randrange(replies + 1), "mentions": DICE.choice([0, 1, 2]),
        "reactions": DICE.choice([0, 0, 4]), "clicks": DICE.choice([0, 0, 3]), "sharers": who(shares), "repliers": who(replies),
        "samples": DICE.choice([{}, {}, {"impressions": float(DICE.randrange(1000)), "followers": 7.0}, {"votes": 3.0}]),
    }


for number, root in enumerate(roots):
    # Of some threads the brand alone wrote: below its own post, below its own until somebody answered once, below another's.
    alone, until_now = number % 8 < 3, len(rows)
    root["root_is_brand"] = number % 8 < 2 if alone else root["root_is_brand"]
    first = START + 900 * DICE.randrange(DAYS * 96)
    seen = DICE.random() < 0.8
    for at in sorted({first} | {first + 900 * DICE.choice([1, 2, 40, 96, 300, 672, 700]) for _ in range(9)}):
        if at < START + DAYS * 86400:
            here = seen and DICE.random() < 0.8 or at == first and seen
            rows.append(window(root, at, source="t/0" if here else "t/1", seen=here, posts=int(at == first and here), **happened(60)))
    for row in rows[until_now:] if alone else ():
        row["brand_replies"] = row["replies"]
    rows[-1]["replies"] += number % 8 == 1
for year_before in (0, 3):
    rows.append(window(roots[0] | {"brand": "berlin", "root": f"old{year_before}", "opened": opening()}, START - 86400 * (364 - 20 - year_before), posts=1, **happened(60)))
# What loses: older versions of some rows, and an epoch that is not read. What stands: a source whose epoch is 1.
insert("activity_window", rows + [{**row, "version": 4, "shares": 99, "sharers": [77], "brand": "berlin"} for row in rows[::7]] + [{**row, "epoch": 1, "replies": 50} for row in rows[::5] if row["source"] == "t/0"])
threads = []
for number, root in enumerate(roots[:60]):
    pairs = lambda most: sorted({DICE.randrange(1, 40) for _ in range(DICE.randrange(most))})
    threads.append({**root, "opened": opening(), "epoch": 0, "source": "t/0", "version": 2, "root_seen": True, "root_time": START + DICE.randrange(DAYS * 86400), "size": 5 + number, "dyad_fwd": pairs(9), "dyad_rev": pairs(9), "nonself_replies": 9, "two_way_replies": DICE.randrange(9)})
insert("thread", [{**row, "root_time": millis(row["root_time"] * 1000)} for row in threads + [{**row, "opened": opening(), "size": 2, "dyad_fwd": [99], "two_way_replies": 9} for row in threads[::3]]])
REACHED = START + (DAYS - 4) * 86400 + 7200
insert("progress", [{"epoch": 0, "source": source, "first": 0, "version": 1, "watermark": millis(reached * 1000), "read": 10, "accepted": 10} for source, reached in (("t/0", REACHED), ("t/1", REACHED + 3600), ("t/2", REACHED - 30 * 86400))])

# ---------------------------------------------------------------- activity_daily in Python
SEEN = {row["root"]: row for row in threads + [row for row in rows if row["posts"]]}
windows = []
for row in sorted(rows, key=lambda row: (row["window_start"], row["source"], row["opened"])):
    told = row if row["root_seen"] else SEEN.get(row["root"], {**row, "brand": "", "channel": "", "community": "", "root_is_brand": False})
    windows.append({**row, **{column: told[column] for column in ("brand", "channel", "community", "root_is_brand")}})
    windows[-1]["day"] = local_day(told["brand"], row["window_start"])
assert any(not row["root_seen"] and row["brand"] for row in windows) and any(not row["root_seen"] and not row["brand"] for row in windows)
replied = collections.defaultdict(collections.Counter)
for row in windows:
    replied[row["root"]] += collections.Counter(all=row["replies"], brand=row["brand_replies"])
is_monologue = lambda row: row["root_is_brand"] and replied[row["root"]]["all"] == replied[row["root"]]["brand"]
assert 10 < len({row["root"] for row in windows if is_monologue(row) and row["replies"]}) < len({row["root"] for row in windows if row["root_is_brand"] and row["brand_replies"]}) - 30
days, gauges = collections.defaultdict(collections.Counter), {}
people = collections.defaultdict(lambda: (set(), set(), set()))
for row in windows:
    cell = days[row["brand"], row["channel"], row["community"], row["day"]]
    for column in ("posts", *COUNTS):
        cell[f"monologue {column}" if column in ("replies", "brand_replies") and is_monologue(row) else column] += row[column]
        cell[f"own {column}"] += row[column] * row["root_is_brand"]
    for held, who in zip(people[row["brand"], row["channel"], row["community"], row["day"]], (row["sharers"], [] if is_monologue(row) else row["repliers"], row["repliers"] if is_monologue(row) else [])):
        held.update(who)
    if "impressions" in row["samples"]:
        cell["impressions"] += row["samples"]["impressions"] - gauges.get(row["root"], 0)
        gauges[row["root"]] = row["samples"]["impressions"]
for cell in days.values():
    cell["audience_replies"] = cell["replies"] - cell["brand_replies"]
span = {brand: (min(key[3] for key in days if key[0] == brand), max(key[3] for key in days if key[0] == brand)) for brand in {key[0] for key in days}}
SIDE = {"posts": "broadcast", "shares": "broadcast", "quotes": "broadcast", "brand_posts": "broadcast", "sharers": "broadcast", "replies": "conversation", "brand_replies": "conversation", "audience_replies": "conversation", "repliers": "conversation", "reactions": "other", "clicks": "other", "impressions": "other"}
MONOLOGUE = ("replies", "brand_replies", "repliers")  # on the side of conversation, but for monologues
EARLIER = ("posts", "shares", "audience_replies", "brand_replies", "reactions", "clicks")


def rate(currency, day):
    row = as_of(FX.get(currency, []), day)
    return decimal.Decimal(1) if currency == "" else decimal.Decimal(row[1]) if row else None


def equivalent(metric, channel, count, day, base):
    """Media price equivalent of a count in the base currency, cut to a millionth; None without a price or a rate."""
    price = as_of(PRICES.get((metric, channel), []), day) or as_of(PRICES.get((metric, ""), []), day)
    if count == 0:
        return decimal.Decimal(0)
    if price is None or rate(price[2], day) is None or rate(base, day) is None:
        return None
    return (count * decimal.Decimal(price[1]) * rate(price[2], day) / rate(base, day)).quantize(decimal.Decimal("0.000001"), rounding=decimal.ROUND_DOWN)


found = dicts("SELECT * FROM activity_daily")
seen_keys, nulls, priced = set(), collections.Counter(), collections.Counter()
for row in found:
    day, brand, side = date.fromisoformat(row["day"]), row["brand"], row["side"]
    place = (brand, row["channel"], row["community"])
    key = (*place, day)
    assert (*key, side) not in seen_keys, f"twice: {key} {side}"
    seen_keys.add((*key, side))
    cell = days.get(key, collections.Counter())
    values = {**cell, "brand_posts": cell["own posts"], "sharers": len(people[key][0]) if key in people else 0, "repliers": len(people[key][1]) if key in people else 0}
    values["monologue repliers"] = len(people[key][2]) if key in people else 0
    on_side = lambda values, column: values.get(column, 0) if side == SIDE[column] else values.get(f"monologue {column}", 0) if side == "broadcast" and column in MONOLOGUE else 0
    for column in SIDE:
        same(f"{key} {side} {column}", row[column], on_side(values, column))
    for column in EARLIER:
        for name, back in (("previous_period", 7), ("previous_year", 364)):
            known = ago(day, back) >= span[brand][0]
            value = on_side(days.get((*place, ago(day, back)), {}), column)
            same(f"{key} {side} {column} {name}", row[f"{column}_{name}"], value if known else None)
        usual = sum(on_side(days.get((*place, ago(day, back)), {}), column) for back in (7, 14, 21, 28)) / 4
        same(f"{key} {side} {column} usual", row[f"{column}_usual"], usual if ago(day, 28) >= span[brand][0] else None)
    own = cell["own posts"]
    rates = [(cell["own replies"] - cell["own brand_replies"]) / own, cell["own shares"] / own, cell["own reactions"] / own] if own else [None] * 3
    same(f"{key} rates", [row["conversation_rate"], row["amplification_rate"], row["applause_rate"]], rates, 1e-9)
    brand_row = as_of(BRANDS.get(brand, []), day)
    base = brand_row[2] if brand_row else ""
    parts = [equivalent(metric, row["channel"], decimal.Decimal(row[column]) if SIDE[column] == side else 0, day, base) for metric, column in (("share", "shares"), ("reply", "audience_replies"), ("reaction", "reactions"), ("click", "clicks"), ("impression", "impressions"))]
    same(f"{key} {side} emv parts", [row[f"emv_{name}"] for name in ("shares", "replies", "reactions", "clicks", "impressions")], parts)
    same(f"{key} {side} emv", [row["emv"], row["emv_currency"], row["emv_reason"]], [None if None in parts else sum(parts), base, "a media price or a rate is missing" if None in parts else ""])
    nulls[None in parts] += 1
    priced[base, side] += any(parts)
wanted = {(brand, "", "", ago(last, back), side) for brand, (first, last) in span.items() for back in range((last - first).days + 1) for side in ("broadcast", "conversation", "other")}
for key, cell in days.items():
    for later in (0, 7, 14, 21, 28, 364):
        if later in (14, 21) and key[3] + datetime.timedelta(days=later - 28) < span[key[0]][0]:
            continue
        for side in ("broadcast", "conversation", "other"):
            columns = [column for column, of in SIDE.items() if of == side and column in EARLIER + ("impressions",) and (column != "impressions" or not later)]
            columns += ["monologue brand_replies"] if side == "broadcast" else []
            if any(cell[column] for column in columns) and key[3] + datetime.timedelta(days=later) <= span[key[0]][1]:
                wanted.add((*key[:3], key[3] + datetime.timedelta(days=later), side))
extra, lacking = seen_keys - wanted, wanted - seen_keys
assert not lacking and all(days[key[:4]]["impressions"] for key in extra), (sorted(extra)[:3], sorted(lacking)[:3])
assert min(nulls.values()) > 20 and len(nulls) == 2 and sum(priced.values()) > 100
print(f"activity_daily: {len(found)} rows, every column; {len(span)} brands, {dict(nulls)} with a price missing")

# ---------------------------------------------------------------- both sides, by day and by community
both = collections.defaultdict(lambda: {"broadcast": 0, "conversation": 0, "sharers": set(), "repliers": set(), "talked": set()})
for row in windows:
    told = row["replies"] * (not is_monologue(row))
    for key in ((row["brand"], row["channel"], str(datetime.datetime.fromtimestamp(row["window_start"], UTC).date())), (row["brand"], row["channel"], row["community"], "community")):
        both[key]["broadcast"] += row["posts"] + row["shares"] + row["replies"] - told
        both[key]["conversation"] += told
        both[key]["sharers"].update(row["sharers"])
        both[key]["repliers"].update(row["repliers"])
        both[key]["talked"].update([] if is_monologue(row) else row["repliers"])
found = {(row["brand"], row["channel"], row["day"]): row for row in dicts("SELECT * FROM sides")} | {(row["brand"], row["channel"], row["community"], "community"): row for row in dicts("SELECT * FROM community_conversation")}
same("rows of sides and community_conversation", sorted(found), sorted(both))
for key, row in found.items():
    held, events = both[key], both[key]["broadcast"] + both[key]["conversation"]
    same(f"{key}", [row["broadcast"], row["conversation"], row["sharers"], row["repliers"]], [held["broadcast"], held["conversation"], len(held["sharers"]), len(held["repliers"])])
    same(f"{key} share", row["conversation_share"], held["conversation"] / events if events else None, 1e-9)
    if "people_on_both_sides" in row:
        same(f"{key} on both sides", row["people_on_both_sides"], len(held["sharers"] & held["talked"]))
print(f"sides and community_conversation: {len(found)} rows, monologues on the side of broadcast")

# ---------------------------------------------------------------- buzz
verdicts = collections.Counter()
mentions = collections.Counter()
for (brand, _, _, day), cell in days.items():
    mentions[brand, day] += cell["mentions"]
found = dicts("SELECT * FROM buzz ORDER BY brand, day")
same("days of buzz", len(found), sum((last - first).days + 1 for first, last in span.values()))
for row in found:
    brand, day = row["brand"], date.fromisoformat(row["day"])
    count, past = mentions[brand, day], [mentions[brand, ago(day, back)] for back in range(1, 29)]
    same(f"{brand} {day} mentions", row["mentions"], count)
    complete, known = day < local_day(brand, REACHED), ago(day, 28) >= span[brand][0]
    same(f"{brand} {day} complete", int(row["day_complete"]), int(complete))
    medians = [statistics.median(past[weekday::7]) for weekday in range(7)]
    spread = max(2.32 * statistics.median(abs(value - medians[place % 7]) for place, value in enumerate(past)), max(medians[6], 1) ** 0.5)
    reason = "fewer than 28 days before" if not known else "" if complete else "the day is not complete"
    z = (count - medians[6]) / spread if not reason else None
    same(f"{brand} {day} reason", row["reason"], reason)
    same(f"{brand} {day} baseline", [row["baseline"], row["spread"], row["z"]], [medians[6], spread, z] if known else [None] * 3, 1e-9)
    same(f"{brand} {day} ratio", row["ratio"], count / medians[6] if known and medians[6] else None, 1e-9)
    same(f"{brand} {day} verdict", row["verdict"], None if z is None else "high" if z > 3 else "low" if z < -3 else "usual")
    verdicts[reason or row["verdict"]] += 1
assert len(verdicts) >= 4, verdicts
print(f"buzz: {len(found)} days, every column; {dict(verdicts)}")

# ---------------------------------------------------------------- people
is_bot = lambda actor, week: actor == 4 or actor in (1, 2, 3) and BOTS_FROM <= week + datetime.timedelta(days=6) < BOTS_UNTIL
weeks = collections.defaultdict(lambda: {"shared": [], "replied": [], "bots": set(), "fwd": set(), "rev": set(), "two_way": 0, "nonself": 0})
for row in windows:
    week = monday(row["day"])
    for key in (("brand", week, row["brand"], "", ""), ("place", week, row["brand"], row["channel"], row["community"])):
        for kind, who in (("shared", row["sharers"]), ("replied", row["repliers"])):
            if who:
                weeks[key][kind] += [actor for actor in who if not is_bot(actor, week)]
                weeks[key]["bots"] |= {actor for actor in who if is_bot(actor, week)}
for row in threads:
    week = monday(local_day(row["brand"], row["root_time"]))
    for key in (("brand", week, row["brand"], "", ""), ("place", week, row["brand"], row["channel"], row["community"])):
        weeks[key]["fwd"] |= set(row["dyad_fwd"])
        weeks[key]["rev"] |= set(row["dyad_rev"])
        weeks[key]["two_way"] += row["two_way_replies"]
        weeks[key]["nonself"] += row["nonself_replies"]
first_week = {brand: min(key[1] for key in weeks if key[2] == brand) for brand in span}
found = dicts("SELECT * FROM people")
same("rows of people", len(found), len(weeks))
returning = 0
for row in found:
    key = (row["grain"], date.fromisoformat(row["week"]), row["brand"], row["channel"], row["community"])
    held = weeks[key]
    appeared = collections.Counter(held["shared"] + held["replied"])
    earlier = {name[1]: set(other["shared"] + other["replied"]) for name, other in weeks.items() if (name[0], *name[2:]) == (key[0], *key[2:]) and name[1] < key[1]}
    before, total, most = earlier.get(ago(key[1], 7), set()), sum(appeared.values()), sorted(appeared.values(), reverse=True)
    later = key[1] > first_week[key[2]]
    returned = len(before & set(appeared))
    returning += returned
    top = lambda part: sum(most[: -(-len(most) // part)]) / total if total else None
    both, union = len(held["fwd"] & held["rev"]), len(held["fwd"] | held["rev"])
    wanted = {
        "people": len(appeared), "sharers": len(set(held["shared"])), "repliers": len(set(held["replied"])), "on_both_sides": len(set(held["shared"]) & set(held["replied"])), "bots": len(held["bots"]),
        "new_people": len(set(appeared) - set().union(*earlier.values())) if later else None, "people_week_before": len(before) if later else None, "returned": returned if later else None,
        "returning_share": returned / len(before) if later and before else None, "appearances": total, "appearances_per_person": total / len(appeared) if appeared else None,
        "top_1_percent_share": top(100), "top_10_percent_share": top(10), "top_sharer_share": max(collections.Counter(held["shared"]).values()) / len(held["shared"]) if held["shared"] else None,
        "dyads": union, "reciprocal_pairs": both, "dyad_reciprocity": both / union if union else None, "edge_reciprocity": 2 * both / (len(held["fwd"]) + len(held["rev"])) if union else None,
        "two_way_share": held["two_way"] / held["nonself"] if held["nonself"] else None,
    }
    for column, value in wanted.items():
        same(f"{key} {column}", row[column], value, 1e-9)
assert returning > 20 and sum(len(held["bots"]) for held in weeks.values()) > 20
print(f"people: {len(found)} weeks of brands and places, every column; {returning} returned, {sum(len(held['bots']) for held in weeks.values())} bots left out")

listed("buzz", "reason")
run("INSERT INTO active_epoch VALUES ('t/0', 1, 1)")
same("the epoch that is read", dicts("SELECT max(replies) AS most FROM activity")[0]["most"], 50)
