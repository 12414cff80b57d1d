"""`carriers` against plain Python: what each person's shares set off and what they brought, none of a brand's own accounts among them.

Of tables made by hand with every edge, of a case, and of a generated world whose trees are built here from its events.
"""

import collections
import json
import os
import pathlib
import random
import subprocess
import tempfile
from decimal import Decimal
from fractions import Fraction

import store
from store import GRAPEVINE, Sql, ask, dicts, empty, facts, insert, millis, one, opening, run, same, statements

R = random.Random(41)
HOUR, DAY = 3_600_000, 86_400_000
T0 = 1_767_225_600_000  # 2026-01-01
IN_EUROS = T0 + 40 * DAY  # 2026-02-10, from when on core keeps its books in euros
REACHED = T0 + 120 * DAY
SINCE = REACHED - 91 * DAY
UNIT = 1_000_000
BRANDS = {"acme": ("EUR", "0.5"), "bolt": ("", None), "core": ("EUR", "0.25")}
FX = {"EUR": Fraction(11, 10), "USD": Fraction(1)}
# Who writes for a brand, and how that is known: on a path of a click, in a tree, alone in a window, by the table actor.
OWN = {"acme": {"path": 5, "tree": 6, "window": 7, "actor": 8}, "bolt": {"path": 9}, "core": {}}



def as_tuples(nodes):
    """A list of nodes as ClickHouse reads it."""
    return Sql("[" + ", ".join(f"({actor}, {children}, {descendants}, {depth}, {is_brand})" for actor, children, descendants, depth, is_brand in nodes) + "]")


# ---------------------------------------------------------------- tables with every edge
roots, windows, cascades = {}, [], []
for n in range(60):
    at = R.choice([SINCE, SINCE + 1, REACHED, REACHED + 1]) if n % 6 == 0 else T0 + R.randrange(0, 119 * DAY)
    roots[f"r{n}"] = {"brand": ("acme", "bolt", "core")[n % 3], "time": at, "opened": opening()}
for name, root in roots.items():
    life = {"root": name, "epoch": 0, "source": "t/0", "opened": root["opened"], "version": 5, "root_seen": True, "root_time": millis(root["time"]), "brand": root["brand"], "channel": "x"}
    alone = name in ("r0", "r3") and root["brand"] == "acme"
    windows.append({"window_start": T0 // 1000 + 900 * len(windows), "posts": 1, "replies": 2, "brand_replies": 2 if alone else 1, "repliers": [7] if alone else [7, 20], **life})
    kept = 0 if name == "r1" else R.randrange(1, 7)
    nodes = [(R.choice([0, 5, 6, 7, 8, 9, *range(20, 60)]), R.randrange(1, 9), R.randrange(1, 200), R.randrange(1, 6)) for _ in range(kept)]
    root["nodes"] = [(*node, node[0] == 6 and root["brand"] == "acme") for node in nodes]
    root["spreaders"] = R.choice([kept, kept, 32, 33, 400])
    cascades.append({**life, "size": 500, "max_depth": 7, "levels": [1, 499], "spreaders": root["spreaders"], "top_nodes": as_tuples(root["nodes"])})
cascades.append({**cascades[2], "opened": opening(), "size": 3, "top_nodes": as_tuples([(33, 9, 9, 1, False)])})  # A smaller life of a root does not stand.
insert("activity_window", windows)
insert("cascade", cascades)
clicks, visits, sales = [], [], []
for n in range(600):
    root = R.choice(list(roots))
    depth = R.choice([0, 1, 2, 3, 6])
    path = [R.choice([0, 5, 6, 7, 8, 9, *range(20, 40)]) for _ in range(depth + 1)]
    at = R.choice([SINCE, SINCE + 1, REACHED, REACHED + 1]) if n % 9 == 0 else T0 + R.randrange(20 * DAY, 110 * DAY)
    brand = roots[root]["brand"]
    clicks.append({"id": f"c{n}", "time": at, "root": root, "target_kind": R.choice(["unknown", "share", "share", "reply", "post"]), "path": [str(node) for node in path], "path_actors": path, "depth": depth,
                   "path_inferred": depth if n % 11 == 0 else 0, "path_is_brand": [node == OWN[brand].get("path") for node in path], "visitor": n, "has_visitor": True, "brand": brand, "channel": "x"})
    # Every seventh click leads to a sale of another brand: the post of one carries for another.
    sold_by = R.choice(list(BRANDS)) if n % 7 == 0 else brand
    visitor = R.randrange(1, 60) if n % 2 else 1000 + n
    visits.append({"id": f"v{n}", "time": at + 1000, "visitor": visitor, "has_visitor": True, "click": f"c{n}", "brand": sold_by})
    if n % 3:
        sales.append({"id": f"o{n}", "time": at + 2000, "visitor": visitor, "has_visitor": True, "brand": sold_by, "kind": "sale", "amount": R.choice([Decimal(0), Decimal("-7.5"), Decimal(R.randrange(1, 9_999_999)) / 1000]),
                      "currency": R.choice(["EUR", "USD", "XXX"] if n % 40 == 1 else ["EUR", "USD"]), "margin_rate": Decimal("0.3") if n % 5 == 0 else None, "refund_of": ""})
refunds = [{**sale, "id": f"z{sale['id']}", "time": sale["time"] + 40 * DAY, "amount": -abs(sale["amount"]) / 2, "margin_rate": None, "refund_of": sale["id"]} for sale in sales[::6]]
timed = lambda rows: [{**row, "time": millis(row["time"])} for row in rows]
facts("click", timed(clicks))
facts("visit", timed(visits), source="t/1")
facts("conversion", timed(sales + refunds), source="t/2")
people = {visitor: f"p{visitor // 2}" for visitor in range(1, 60)}
insert("identity", [{"valid_from": "2025-01-01", "visitor": visitor, "person": person, "account": ""} for visitor, person in people.items()])
dimension = lambda since, brand, base: {"valid_from": since, "brand": brand, "margin_rate": BRANDS[brand][1] and Decimal(BRANDS[brand][1]), "base_currency": base}
# core kept its books in dollars once: what was sold then cannot be added to the rest.
insert("brand", [dimension("2025-01-01", brand, "USD" if brand == "core" else base) for brand, (base, _) in BRANDS.items()] + [dimension("2026-02-10", "core", "EUR")])
insert("fx", [{"valid_from": "2025-01-01", "currency": currency, "to_base": Decimal(rate.numerator) / rate.denominator} for currency, rate in FX.items()])
insert("actor", [{"valid_from": "2026-03-01", "actor": 8, "class": "staff", "cluster": "", "brand": "acme", "name": "support"}])
insert("progress", [{"epoch": 0, "source": source, "version": 1, "log_end": 0, "watermark": millis(REACHED)} for source in ("t/0", "t/1", "t/2")])


def last_clicks():
    """The click that each conversion is credited to: of the visits to the brand that sold, by whoever bought, in the 30 days before, the
    first one of the last session. A session ends with the click on another post, or after half an hour."""
    who, of = lambda visitor: people.get(visitor, visitor), {click["id"]: click for click in clicks}
    came = collections.defaultdict(list)
    for visit in sorted(visits, key=lambda visit: visit["time"]):
        came[visit["brand"], who(visit["visitor"])].append((visit["time"], of[visit["click"]]))
    known = {sale["id"]: sale for sale in sales}
    for row in sales + refunds:
        sale, session, before = known.get(row["refund_of"], row), None, None
        for time, click in came[sale["brand"], who(sale["visitor"])]:
            if sale["time"] - 30 * DAY < time <= sale["time"]:
                if session is None or click["root"] != session["root"] or time - before > HOUR // 2:
                    session = click
                before = time
        if session:
            yield row, session


def up_the_path():
    """What decay_path gives each node of the way to a sale, half as much for each step away from the click: brand, actor, conversion, post, click, units."""
    for row, click in last_clicks():
        if click["target_kind"] == "unknown" or 2 * click["path_inferred"] > click["depth"]:
            continue
        nodes = click["path_actors"]
        # What the row left out of a long way stands after the first node; neighbours of one account are one.
        way = [nodes[0]] + [None] * (click["depth"] + 1 - len(nodes)) + nodes[1:]
        way = [node for i, node in enumerate(way) if i == 0 or node in (0, None) or node != way[i - 1]]
        weights = [Fraction(1, 2 ** (len(way) - 1 - i)) for i in range(len(way))]
        units = int(row["amount"] * UNIT)
        exact = [abs(units) * weight / sum(weights) for weight in weights]
        parts = [int(part) for part in exact]
        for i in sorted(range(len(way)), key=lambda i: (parts[i] - exact[i], i))[: abs(units) - sum(parts)]:
            parts[i] += 1
        for node, part in zip(way, parts):
            if node:
                yield {"brand": known_brand(row), "actor": node, "conversion": row["id"], "root": click["root"], "click": click["id"], "units": part if units > 0 else -part}


def known_brand(row):
    """Whose sale it is: of a refund, its sale's."""
    return next((sale["brand"] for sale in sales if sale["id"] == row["refund_of"]), row["brand"])


def brought():
    """What the ways to sales give each person: units of credit and margin, sales, buyers and posts."""
    known, at = {row["id"]: row for row in sales + refunds}, {click["id"]: click["time"] for click in clicks}
    found = collections.defaultdict(lambda: {"credit": 0, "margin": 0, "sales": set(), "buyers": set(), "posts": set()})
    for line in up_the_path():
        key, row = (line["brand"], line["actor"]), known[line["conversion"]]
        if key[1] in (0, *OWN[key[0]].values()) or not SINCE < at[line["click"]] <= REACHED:
            continue
        sum_, sale = found[key], known.get(row["refund_of"], row)
        base = "USD" if key[0] == "core" and row["time"] < IN_EUROS else BRANDS[key[0]][0]
        rate = None if row["currency"] not in FX else Fraction(1) if row["currency"] == base else FX[row["currency"]] / FX.get(base, 1)
        rate = None if rate is None or base != BRANDS[key[0]][0] else Fraction(int(rate * 10**18), 10**18)
        margin = next((rate for rate in (row["margin_rate"], sale["margin_rate"], BRANDS[key[0]][1]) if rate is not None), None)
        credit = None if rate is None else int(line["units"] * rate)
        part = None if credit is None or margin is None else int(credit * Fraction(margin))
        sum_["credit"] = None if None in (credit, sum_["credit"]) else sum_["credit"] + credit
        sum_["margin"] = None if None in (part, sum_["margin"]) else sum_["margin"] + part
        sum_["posts"].add(line["root"])
        if row["refund_of"] == "" and row["amount"] >= 0:
            sum_["sales"].add(row["id"])
            sum_["buyers"].add(people.get(row["visitor"], row["visitor"]))
    return found


def set_off(trees, own):
    """What each person's kept shares set off: children, the largest subtree, whether a tree kept not all."""
    found = collections.defaultdict(lambda: [0, 0, False])
    for brand, spreaders, nodes in trees:
        for actor, children, descendants in nodes:
            if actor and actor not in own[brand]:
                sum_ = found[brand, actor]
                sum_[:] = sum_[0] + children, max(sum_[1], descendants), sum_[2] or spreaders > 32
    return found


money, own = brought(), {brand: set(accounts.values()) for brand, accounts in OWN.items()}
trees = set_off(((root["brand"], root["spreaders"], [node[:3] for node in root["nodes"]]) for root in roots.values() if SINCE < root["time"] <= REACHED), own)
found = {(row["brand"], int(row["actor"])): row for row in dicts("SELECT * REPLACE (toString(actor) AS actor, toUInt8(truncated) AS truncated) FROM carriers")}
same("who carried", sorted(found), sorted(money.keys() | trees.keys()))
for key, row in found.items():
    tree, sums = trees.get(key, [0, 0, False]), money[key]
    same(f"{key}: what was set off", [row["children"], row["largest_subtree"], row["truncated"]], [tree[0], tree[1], int(tree[2])])
    same(f"{key}: counts", [row["sales"], row["buyers"], row["posts"]], [len(sums["sales"]), len(sums["buyers"]), len(sums["posts"])])
    for column, units in (("credit_base", sums["credit"]), ("margin_base", sums["margin"])):
        same(f"{key}: {column}", row[column], None if units is None else Decimal(units) / UNIT)
    same(f"{key}: reason", row["reason"], "few_buyers" if sums["sales"] and len(sums["buyers"]) < 5 else "")
of = lambda test: sum(bool(test(row)) for row in found.values())
shapes = {"few buyers": of(lambda row: row["reason"]), "many buyers": of(lambda row: int(row["buyers"]) >= 5), "no sale": of(lambda row: int(row["sales"]) == 0), "nothing set off": of(lambda row: int(row["children"]) == 0),
          "truncated": of(lambda row: row["truncated"]), "no rate": of(lambda row: row["credit_base"] is None), "no margin": of(lambda row: row["margin_base"] is None and row["credit_base"] is not None)}
assert all(count > 3 for count in shapes.values()), shapes
same("an account of one brand may carry for another", sorted({brand for brand, actor in found if actor in (5, 6, 7, 8)}), ["bolt", "core"])
print(f"carriers: {len(found)} people of {len(BRANDS)} brands, every column; {shapes}")

# ---------------------------------------------------------------- nothing at all
empty()
same("without data nobody carried", ask("SELECT brand FROM carriers"), [])


# ---------------------------------------------------------------- events, folded by the program
ENVIRONMENT = {**os.environ, "GRAPEVINE_CLICKHOUSE_DATABASE": store.PEOPLE, "GRAPEVINE_RULES_PSEUDONYM_KEY": "a key for tests, known to all"}


def fold(file, dimensions):
    """Folds a file of events into the database, which was emptied."""
    for statement in statements(dimensions):
        run(statement)
    command = [GRAPEVINE, "demo", "--partitions", "1", "--clickhouse", store.URL, "--input", file, "--query", "SELECT 1"]
    subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True)
    store._stale.add(store.DATABASE)


def pseudonyms(names):
    """The hashes of accounts, by name."""
    said = subprocess.run([GRAPEVINE, "pseudonym", "actor"], env=ENVIRONMENT, input="\n".join(names) + "\n", check=True, capture_output=True, text=True).stdout
    return {name: int(value) for name, value in (line.rsplit("\t", 1) for line in said.splitlines())}


CASES = store.MIGRATIONS.parents[1] / "tests" / "data" / "cases"
fold(CASES / "06_refund_as_a_negative_sale.jsonl", (CASES / "06_refund_as_a_negative_sale.dims.sql").read_text())
same("case 06: the brand's own post carried its sales, and nobody else", ask("SELECT actor FROM carriers"), [])
same("although the path has credit", one("SELECT countIf(is_brand) > 0 AND countIf(NOT is_brand) = 0 FROM path_credit"), 1)
empty()
fold(CASES / "28_replies_to_quotes_and_shares_of_replies.jsonl", "")
same("case 28: only cat's share was shared on, once", ask("SELECT brand, toString(actor), children, largest_subtree, toUInt8(truncated), credit_base, sales, reason FROM carriers"), [["", str(pseudonyms(["cat"])["cat"]), 1, 1, 0, 0, 0, ""]])
print("carriers: case 06 has none, although its post has credit; case 28 has one")


def kept(root, shares):
    """The shares of a tree that were shared on, most descendants first: who, how many children, how many descendants; and how many there are."""
    known, below = {share["id"]: share for share in shares}, collections.defaultdict(list)
    for share in shares:
        below[share["parent"] if share["parent"] in known else root].append(share["id"])
    size = {}
    order, pending = [], [root]
    while pending:
        order.append(pending.pop())
        pending += below[order[-1]]
    for name in reversed(order):
        size[name] = sum(1 + size[child] for child in below[name])
    spread = sorted((share for share in shares if size[share["id"]]), key=lambda share: (-size[share["id"]], share["time"], share["id"]))
    return len(spread), [(share["actor"], len(below[share["id"]]), size[share["id"]]) for share in spread[:32]]


empty()
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    generate = [GRAPEVINE, "generate", "--money", "--seed", "9", "--events", "24000", "--days", "40", "--visits", "60", "--output", folder / "events.jsonl", "--dimensions", folder / "dimensions.sql"]
    subprocess.run(generate, check=True, capture_output=True)
    fold(folder / "events.jsonl", (folder / "dimensions.sql").read_text())
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines() if line.startswith("{") and line.endswith("}")]
posts, shares = {}, collections.defaultdict(dict)
for event in events:
    if event["type"] == "post":
        posts.setdefault(event["id"], event)
    elif event["type"] == "share":
        shares[event["root"]].setdefault(event["id"], event)
written = collections.defaultdict(set)
for event in events:
    if event.get("is_brand"):
        written[posts[event.get("root", event["id"])].get("brand", "")].add(event["actor"])
reached = int(one("SELECT toUnixTimestamp64Milli(max(as_of)) FROM carriers"))
young = {root: post for root, post in posts.items() if reached - 91 * DAY < post["time"] <= reached}
hashes = pseudonyms(sorted({event["actor"] for event in events if event.get("actor")}))
wanted = set_off(((post.get("brand", ""), *kept(root, list(shares[root].values()))) for root, post in young.items()), written)
wanted = {(brand, hashes[actor]): row for (brand, actor), row in wanted.items()}
found = {(brand, int(actor)): row for brand, actor, *row in ask("SELECT brand, toString(actor), children, largest_subtree, toUInt8(truncated) FROM carriers WHERE children > 0")}
same("who set something off in the generated world", sorted(found), sorted(wanted))
for key, row in found.items():
    same(f"{key} in the generated world", row, [wanted[key][0], wanted[key][1], int(wanted[key][2])])
assert len(found) > 200 and sum(row[2] for row in wanted.values()) > 50, len(found)
theirs = {(brand, hashes[actor]) for brand, actors in written.items() for actor in actors}
same("no account of a brand among its carriers", [key for key in ((brand, int(actor)) for brand, actor in ask("SELECT brand, toString(actor) FROM carriers")) if key in theirs], [])
assert one("SELECT countIf(is_brand) FROM path_credit") != "0"
credit, path = (one(f"SELECT toString(toInt256(toDecimal256(sum({column}), 6) * {UNIT})) FROM {table}") for column, table in (("credit_base", "carriers"), ("p.credit * s.rate", "path_credit AS p INNER JOIN (SELECT conversion, toDecimal64(toFloat64(sum(c.credit_base)) / toFloat64(sum(c.credit)), 6) AS rate FROM credit AS c GROUP BY conversion HAVING sum(c.credit) != 0) AS s USING conversion WHERE model = 'decay_path' AND NOT is_brand AND actor != 0 AND reason = ''")))
assert credit != "0" and abs(int(credit) - int(path)) < 2 * UNIT, (credit, path)
print(f"carriers: {len(found)} people of a generated world as its trees say; no account of a brand among them, {len(theirs)} there are")
