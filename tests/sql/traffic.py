"""Touches and traffic against plain Python: sides, spellings, campaigns, days of the brands' time zones, own hosts, late root posts, persons."""

import collections
import datetime
import random
import re
import statistics
import urllib.parse
import zoneinfo

from store import ask, dicts, facts, insert, millis, model, run, same

DICE = random.Random(5)
UTC = datetime.timezone.utc
DAY = 86400
# Both Berlin (29 March) and New York (8 March) change their clocks inside.
START = int(datetime.datetime(2026, 3, 6, tzinfo=UTC).timestamp())
END = START + 26 * DAY
MOVE = datetime.date(2026, 3, 20)

# ---------------------------------------------------------------- dimensions
BRANDS = {
    "berlin": [(datetime.date(2020, 1, 1), "Europe/Berlin", ["www.berlin.example", "shop.berlin.example"])],
    "york": [(datetime.date(2020, 1, 1), "America/New_York", ["york.example"]), (MOVE, "Asia/Tokyo", ["tokyo.example"])],
    "late": [(MOVE, "Australia/Lord_Howe", [])],
    "typo": [(datetime.date(2020, 1, 1), "Europe/Berlinn", ["typo.example"])],
}
rows = [{"brand": brand, "valid_from": str(day), "timezone": zone, "landing_hosts": hosts} for brand, dated in BRANDS.items() for day, zone, hosts in dated]
insert("brand", [{**rows[0], "timezone": "Asia/Tokyo"}])
insert("brand", rows)
RULES = {("utm_medium", "social talk"): "conversation", ("utm_medium", "blast"): "broadcast", ("utm_source", "letter"): "other", ("utm_source", "circle"): "conversation", ("utm_source", "käse"): "broadcast", ("referrer_host", "social.example"): "broadcast"}
insert("utm_side", [{"field": field, "value": value.upper() if field == "utm_source" else value.replace(" ", "%20"), "side": side} for (field, value), side in RULES.items()])
insert("utm_side", [{"field": "utm_source", "value": " ", "side": "broadcast"}])
insert("utm_side", [{"field": "utm_medium", "value": "odd", "side": "sideways"}])
PERSONS = {(visitor, day): f"p{DICE.randrange(40)}" for visitor in range(1, 90) for day in (datetime.date(2026, 1, 1), MOVE) if DICE.random() < 0.5}
insert("identity", [{"visitor": visitor, "valid_from": str(day), "person": person} for (visitor, day), person in PERSONS.items()])


def as_of(dated, day):
    """The newest of the dated rows that holds on the day."""
    held = [row for row in dated if row[0] <= day]
    return max(held) if held else None


def utc_day(seconds):
    return datetime.datetime.fromtimestamp(int(seconds), UTC).date()


ZONES = zoneinfo.available_timezones()


def clock(brand, seconds):
    """The time zone and the own hosts of a brand as of the day."""
    row = as_of(BRANDS.get(brand, []), utc_day(seconds))
    if row is None:
        return zoneinfo.ZoneInfo("UTC"), []
    known = row[1] in ZONES
    return zoneinfo.ZoneInfo(row[1] if known else "UTC"), row[2]


def local_day(brand, seconds):
    return datetime.datetime.fromtimestamp(int(seconds), UTC).astimezone(clock(brand, seconds)[0]).date()


# ---------------------------------------------------------------- spellings
def decoded(text):
    """What a link parameter says."""
    try:
        said = urllib.parse.unquote("".join(" " if c == "+" and re.match(r"[^+\s]", text[i + 1 : i + 2]) else c for i, c in enumerate(text)), errors="strict")
    except UnicodeDecodeError:
        said = text
    return said.strip(" \t\r\n")


def spelled(text):
    return decoded(text).lower()


def written(text):
    """One of the ways in which people and their tools write it."""
    text = DICE.choice([text.replace(" ", "+"), text.replace(" ", "%20"), urllib.parse.quote_plus(text), text])
    return DICE.choice([str, str.upper, str.capitalize, lambda t: f" {t} ", lambda t: f"{t}%0A"])(text) if text else text


SAID = {
    "LinkedIn": "LinkedIn", "LINKEDIN ": "LINKEDIN", "a+b+c": "a b c", "a%20b": "a b", "a%2Bb": "a+b", "c++": "c++", "google+": "google+", "google%2B": "google+", "rock + roll": "rock + roll",
    "50% off": "50% off", "100%": "100%", "%zz%2": "%zz%2", "%E9t%E9": "%E9t%E9", "caf%C3%A9": "café", "Stra%C3%9Fe+1": "Straße 1", "a%2520b": "a%20b", "%20": "", "\t x%0D%0A": "x", "AdFghakfCZZ": "AdFghakfCZZ", "": "",
}
for text, said in SAID.items():
    same(f"{text!r} says", decoded(text), said)
    # What is clean already stays what it is, but for a + between characters and a % that was one.
    assert decoded(said) == said or "+" in said or "%" in said, said
five = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
for table in ("click", "visit"):
    facts(table, [{"id": f"{place:02}", **dict.fromkeys(five, text), **({"campaign": text} if table == "click" else {})} for place, text in enumerate(SAID)])
    columns = [*five, *(["campaign"] if table == "click" else [])]
    for row, text in zip(ask(f"SELECT {', '.join(columns)} FROM {table}_row ORDER BY id"), SAID):
        same(f"{table}_row of {text!r}", row, [decoded(text) if column in ("utm_content", "utm_term") else spelled(text) for column in columns])
    same(f"what was sent as a {table}", sorted(row[0] for row in ask(f"SELECT DISTINCT utm_term FROM {table}")), sorted(SAID))
for table in ("cost", "report"):
    facts(table, [{"id": f"{place:02}", "campaign": text} for place, text in enumerate(SAID)])
    same(f"campaigns of {table}_row", [row[0] for row in ask(f"SELECT campaign FROM {table}_row ORDER BY id")], [spelled(text) for text in SAID])
insert("root", [{"root": f"{place:02}", "opened": place, "root_seen": True, "campaign": text} for place, text in enumerate(SAID)])
same("campaigns of posts", [row[0] for row in ask("SELECT campaign FROM roots ORDER BY root")], [spelled(text) for text in SAID])
insert("campaign", [{"valid_from": "2026-01-01", "campaign": text, "owner": text} for text in ("Spring", "spring", "SUMMER%20Sale")])
same("campaigns that say the same are one", ask("SELECT campaign, owner FROM campaign_row ORDER BY campaign"), [["spring", "Spring"], ["summer sale", "SUMMER%20Sale"]])
for table in ("click", "visit", "cost", "report", "root"):
    run(f"TRUNCATE TABLE {table}")
lambdas = ask("SELECT name, extract(create_table_query, '(text -> .*? AS decoded)') FROM system.tables WHERE database = currentDatabase() AND create_table_query LIKE '%decoded(%'")
assert len(lambdas) == 7 and len({text for _, text in lambdas}) == 1, f"`decoded` differs between views: {lambdas}"
print(f"spellings: {len(SAID)} values in six columns each; {len(lambdas)} views decode alike")

# ---------------------------------------------------------------- root posts, clicks, visits
NAMES = ["berlin", "york", "late", "typo", "norow", ""]
places = [(brand, ("", "late summer", "k 1")[i % 3], channel, community) for i, (brand, channel, community) in enumerate([(b, c, d) for b in NAMES[:5] for c, d in [("x", "a"), ("x", "b"), ("forum", "")]])]
roots, windows = {}, []
for number in range(60):
    place = DICE.choice(places)
    root, seen = f"r{number}", DICE.random() < 0.7
    # A root whose post came late: the click's life had not seen it, a window of another life has.
    roots[root] = (place, seen or DICE.random() < 0.6)
    if roots[root][1]:
        windows.append({"window_start": START, "root": root, "epoch": 0, "source": "t/0", "opened": number, "version": 1, "root_seen": True, "posts": 1, **dict(zip(("brand", "campaign", "channel", "community"), place)), "campaign": written(place[1])})
insert("activity_window", windows)

clicks = []
for number in range(600):
    root = f"r{DICE.randrange(60)}"
    place, known = roots[root]
    told = place if known and DICE.random() < 0.7 else ("", "", "", "")
    clicks.append({"id": f"c{number}", "time": DICE.randrange(START * 1000, END * 1000), "root": root, "target_kind": DICE.choice(["unknown", "post", "share", "reply"]), "utm_medium": written(DICE.choice(["", "", "social talk"])), "utm_source": written(DICE.choice(["", "circle"])), "utm_campaign": written(DICE.choice(["", "k 1", "autumn"])), **dict(zip(("brand", "campaign", "channel", "community"), told)), "campaign": written(told[1])})
visits = []
for number in range(2500):
    click = DICE.choice(clicks) if DICE.random() < 0.4 else None
    bare = DICE.random() < 0.3
    after = click["time"] + DICE.choice([-500, 0, 900, 4000, 90_000, 7_000_000]) if click else DICE.randrange(START * 1000, END * 1000)
    visits.append({
        "id": f"v{number}", "time": after, "visitor": DICE.randrange(1, 90), "has_visitor": DICE.random() < 0.8,
        "click": click["id"] if click else "" if bare else DICE.choice(["", "", "lost"]), "brand": DICE.choice(NAMES) if not click or DICE.random() < 0.5 else "",
        "referrer_host": "" if bare else DICE.choice(["", "Social.example", "search.example", "Www.berlin.example", "york.example", "tokyo.example", "typo.example"]),
        "utm_medium": "" if bare else written(DICE.choice(["", "", "social talk", "blast", "odd", "cpc"])), "utm_source": "" if bare else written(DICE.choice(["", "", "letter", "circle", "käse"])), "utm_campaign": " " if bare else written(DICE.choice(["", "", "", "spring"])),
    })
hidden = lambda rows: [{**row, "time": millis(row["time"])} for row in rows]
# Later copies say something else and lose; rows of an epoch that is not read do not show.
facts("click", hidden(clicks + [{**row, "target_kind": "reply", "root": "r0"} for row in clicks[:100]]))
facts("visit", hidden(visits + [{**row, "brand": "berlin", "click": ""} for row in visits[:300]]))
facts("click", hidden([{**row, "target_kind": "share", "brand": "york"} for row in clicks]), epoch=1)
facts("visit", hidden([{**row, "brand": "york"} for row in visits] + [{**visits[0], "id": "other"}]), epoch=1)
run("INSERT INTO visit SELECT * FROM visit WHERE epoch = 0 LIMIT 500")

# ---------------------------------------------------------------- the same in Python
CLICKS = {}
for click in clicks:
    place, known = roots[click["root"]]
    named = tuple(click[column] for column in ("brand", "campaign", "channel", "community"))
    brand, campaign, *rest = named if any(named) else place if known else named
    place = brand, spelled(campaign), *rest
    target = {"post": "broadcast", "share": "broadcast", "reply": "conversation"}.get(click["target_kind"], "")
    CLICKS[click["id"]] = {**click, **dict(zip(("brand", "campaign", "channel", "community"), place)), "target": target}


def by_rules(row):
    return next((RULES[field, spelled(row.get(field, ""))] for field in ("utm_medium", "utm_source", "referrer_host") if (field, spelled(row.get(field, ""))) in RULES), "")


touches, groups = [], collections.defaultdict(lambda: collections.defaultdict(list))
candidates = collections.Counter()
for visit in visits:
    click = CLICKS.get(visit["click"], {})
    brand, seconds = visit["brand"] or click.get("brand", ""), visit["time"] / 1000
    params = {field: spelled(visit[field]) or spelled(click.get(field, "")) for field in ("utm_medium", "utm_source", "utm_campaign")}
    own = not click and visit["referrer_host"].lower() in clock(brand, seconds)[1]
    side = "" if own else click.get("target", "") or by_rules({**params, "referrer_host": visit["referrer_host"]})
    direct = not any(spelled(visit[field]) for field in ("click", "utm_medium", "utm_source", "utm_campaign", "referrer_host"))
    place = click.get("channel", ""), click.get("community", ""), click.get("campaign", "") or params["utm_campaign"]
    group = groups[brand, local_day(brand, seconds), side or "other", *place]
    group["visits"].append(visit)
    group["tracked"] += [1] * bool(side)
    group["direct"] += [1] * direct
    group["own"] += [1] * own
    if click:
        group["seconds"].append(max(0, visit["time"] // 1000 - click["time"] // 1000))
    candidates[brand, local_day(brand, seconds)] += not side and not own
    if visit["has_visitor"] and not own:
        known = sorted((day, who) for (visitor, day), who in PERSONS.items() if visitor == visit["visitor"])
        person = as_of(known, local_day(brand, seconds)) or (known[0] if known else None)
        touches.append({"visit": visit["id"], "visitor": visit["visitor"], "person": person[1] if person else str(visit["visitor"]), "brand": brand, "click": click.get("id", ""), "root": click.get("root", ""), "channel": place[0], "community": place[1], "campaign": place[2], "side": side or "other", "tracked": int(bool(side)), "direct": int(direct)})
for click in CLICKS.values():
    side = click["target"] or by_rules({field: click[field] for field in ("utm_medium", "utm_source")}) or "other"
    groups[click["brand"], local_day(click["brand"], click["time"] / 1000), side, click["channel"], click["community"], click["campaign"] or spelled(click["utm_campaign"])]["clicks"].append(click)

found = {row["visit"]: row for row in dicts(f"""
    SELECT
        o.* EXCEPT (tracked, direct), toUInt8(o.tracked) AS tracked, toUInt8(o.direct) AS direct,
        if(p.person != '', p.person, toString(o.visitor)) AS person
    FROM {model("origin")} AS o ASOF LEFT JOIN {model("person")} AS p ON p.visitor = o.visitor AND o.day >= p.since
    WHERE o.has_visitor AND NOT o.self_referral""")}
same("touches", len(found), len(touches))
for touch in touches:
    for column, value in touch.items():
        same(f"touch {touch['visit']} {column}", found[touch["visit"]][column], value)
sides = collections.Counter((touch["side"], touch["tracked"], touch["direct"]) for touch in touches)
assert len(sides) >= 5 and min(sides.values()) > 10, sides
print(f"touch: {len(touches)} rows, every column; {dict(sides)}")

rows = dicts("SELECT * FROM traffic")
same("rows of traffic", len(rows), len(groups))
for row in rows:
    key = (row["brand"], datetime.date.fromisoformat(row["day"]), row["side"], row["channel"], row["community"], row["campaign"])
    group = groups.get(key)
    assert group is not None, f"traffic has a row too many: {key}"
    known = [visit["visitor"] for visit in group["visits"] if visit["has_visitor"]]
    count, tracked, dark = len(group["visits"]), len(group["tracked"]), candidates[key[0], key[1]]
    told = key[2] != "other" and tracked > 0
    wanted = {
        "visits": count, "visits_with_visitor": len(known), "visitors": len(set(known)), "tracked": tracked, "untracked": count - tracked,
        "direct": len(group["direct"]), "self_referrals": len(group["own"]), "visits_from_clicks": len(group["seconds"]), "clicks": len(group["clicks"]), "dark_candidates": dark,
    }
    for column, value in wanted.items():
        same(f"{key} {column}", row[column], value)
    same(f"{key} visits per click", row["visits_per_click"], len(group["seconds"]) / len(group["clicks"]) if group["clicks"] else None, 1e-9)
    same(f"{key} seconds", row["median_seconds_from_click"], statistics.median(group["seconds"]) if group["seconds"] else None, 1e-9)
    same(f"{key} dark share", [row["dark_share"], row["dark_share_low"]], [0 if told and not dark else None, 0 if told else None])
    same(f"{key} dark share at most", row["dark_share_high"], dark / (dark + tracked) if told else None, 1e-9)
    same(f"{key} reason", row["dark_share_reason"], "no side" if key[2] == "other" else "no tracked visits" if not tracked else "untracked visits tell no side" if dark else "")
print(f"traffic: {len(rows)} rows over {len({(row['brand'], row['day']) for row in rows})} brand days, every column; {sum(int(row['self_referrals']) for row in rows)} visits from own hosts")

# Removing what told the side moves no figure towards certainty.
BOUNDS = "SELECT brand, day, side, channel, community, campaign, dark_share_high AS high FROM traffic WHERE dark_share_high IS NOT NULL"
key = lambda row: tuple(row[column] for column in ("brand", "day", "side", "channel", "community", "campaign"))
before = {key(row): row["high"] for row in dicts(BOUNDS)}
run("TRUNCATE TABLE utm_side")
after = {key(row): row["high"] for row in dicts(BOUNDS)}
assert after and set(after) < set(before), "without rules there are fewer tracked visits, and some still by their clicks"
for row, high in after.items():
    assert high >= before[row], f"without rules {row} is surer: {high} is less than {before[row]}"
print(f"traffic without rules of sides: {len(after)} of {len(before)} rows with tracked visits are left, the bound of the dark share never falls")
