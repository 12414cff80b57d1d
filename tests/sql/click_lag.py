"""`click_lag` against plain Python: who came how soon after what was clicked, and which clicks say nothing of it."""

import collections
import random

from store import dicts, facts, insert, millis, opening, same

R = random.Random(17)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
T0 = 1_767_225_600_000  # 2026-01-01
REACHED = T0 + 120 * DAY
UNTIL = REACHED - DAY
PLACES = [("x", "a"), ("x", "b"), ("forum", "a"), ("", "")]
BINS = [("before", 0), ("0-10 s", 10_000), ("10-60 s", MINUTE), ("1-5 min", 5 * MINUTE), ("5-15 min", 15 * MINUTE), ("15-60 min", HOUR), ("1-4 h", 4 * HOUR), ("4-24 h", DAY)]
EDGES = [-1, 0, 1, 9_999, 10_000, 59_999, 60_000, 299_999, 300_000, 899_999, 900_000, 3_599_999, 3_600_000, 14_399_999, 14_400_000, 86_399_999, 86_400_000, 200_000_000]

# ---------------------------------------------------------------- facts
roots = {f"r{n}": {"brand": ("acme", "bolt")[n % 2], "channel": PLACES[n % 4][0], "community": PLACES[n % 4][1], "opened": opening(), "time": T0 + R.randrange(0, 119 * DAY)} for n in range(40)}
windows, wrote = [], collections.defaultdict(list)
for name, root in roots.items():
    for n in range(R.randrange(1, 5)):
        start = (root["time"] + R.randrange(0, 3 * DAY)) // (15 * MINUTE) * 15 * MINUTE
        sharers, repliers = [R.randrange(100, 130) for _ in range(R.randrange(3))], [R.randrange(100, 130) for _ in range(R.randrange(4))]
        if any(window["window_start"] == start // 1000 and window["root"] == name for window in windows):
            continue
        windows.append({"window_start": start // 1000, "root": name, "epoch": 0, "source": "t/0", "opened": root["opened"], "version": 5, "root_seen": True, "root_time": millis(root["time"]), "brand": root["brand"],
                        "channel": root["channel"], "community": root["community"], "posts": int(n == 0), "shares": len(sharers), "replies": len(repliers), "sharers": sorted(set(sharers)), "repliers": sorted(set(repliers))})
        for actor in {*sharers, *repliers}:
            wrote[name, actor].append(start)
insert("activity_window", windows)

clicks, visits = [], []
for n in range(3000):
    root = R.choice(list(roots))
    target = f"{root}/{R.randrange(6)}"
    kind = ("unknown", "post", "share", "reply")[int(target[-1]) % 4]
    written = roots[root]["time"] + int(target[-1]) * HOUR
    lag = R.choice(EDGES) if n % 3 == 0 else int(R.expovariate(1 / (20 * MINUTE)))
    visitor = R.randrange(1, 120)
    clicks.append({"id": f"c{n}", "time": written + lag, "root": root, "target": target, "target_kind": kind, "target_time": None if kind == "unknown" else written,
                   "path": [root, target], "path_actors": [7, R.randrange(100, 130)], "depth": 1, "visitor": visitor if n % 10 else 0, "has_visitor": n % 10 > 0,
                   **{column: "" if n % 13 == 0 else roots[root][column] for column in ("brand", "channel", "community")}})
    for k in range(R.choice([0, 1, 1, 2])):
        visits.append({"id": f"v{n}-{k}", "time": written + lag + 1000 * k, "visitor": visitor, "has_visitor": (n + k) % 9 > 0, "click": f"c{n}", "brand": roots[root]["brand"]})
facts("click", [{**click, "time": millis(click["time"]), "target_time": millis(click["target_time"])} for click in clicks])
facts("visit", [{**visit, "time": millis(visit["time"])} for visit in visits], source="t/1")
# Two visitors are one person, whose account one of them is known by; a visitor without a person has none.
people = [{"valid_from": "2026-01-01", "visitor": visitor, "person": "" if visitor % 5 == 0 else f"p{visitor // 2}", "account": "", "actor": 100 + visitor % 30 if visitor % 2 else 0} for visitor in range(1, 120)]
insert("identity", people)
insert("progress", [{"epoch": 0, "source": source, "version": 1, "log_end": 0, "watermark": millis(REACHED)} for source in ("t/0", "t/1")])

# ---------------------------------------------------------------- the same in Python
led = {}
for visit in sorted(visits, key=lambda visit: (visit["time"], visit["id"])):
    if visit["has_visitor"]:
        led.setdefault(visit["click"], visit["visitor"])
accounts, person_of = collections.defaultdict(set), {row["visitor"]: row["person"] for row in people}
for row in people:
    if row["person"] and row["actor"]:
        accounts[row["person"]].add(row["actor"])


def took_part(click, who):
    """Whether an account of whoever clicked stands on the path, or wrote under the root in a window before that of the click."""
    return any(actor in click["path_actors"] or any(start < click["time"] // (15 * MINUTE) * 15 * MINUTE for start in wrote[click["root"], actor]) for actor in accounts.get(person_of.get(who, ""), ()))


wanted, first = collections.defaultdict(collections.Counter), set()
for click in sorted(clicks, key=lambda click: (click["time"], click["id"])):
    if not UNTIL - 91 * DAY <= click["time"] < UNTIL or (click["target_time"] is not None and click["target_time"] > UNTIL):
        continue
    kind, root = click["target_kind"], roots[click["root"]]
    who = click["visitor"] if click["has_visitor"] or click["id"] not in led else led[click["id"]]
    lag = None if click["target_time"] is None else click["time"] - click["target_time"]
    again = click["id"] in led and (click["target"], who) in first
    if click["id"] in led:
        first.add((click["target"], who))
    if lag is None:
        bin_, counted = "", "target_unknown"
    elif lag >= DAY:
        bin_, counted = "", "late"
    else:
        bin_ = next(name for name, end in BINS if lag < end)
        counted = "unconfirmed" if click["id"] not in led or again else "participant" if took_part(click, who) else "clicks"
    side = {"post": "broadcast", "share": "broadcast", "reply": "conversation"}.get(kind, "other")
    row = wanted[root["brand"], side, root["channel"], root["community"], kind, bin_]
    row[counted] += 1
    every = wanted[root["brand"], side, root["channel"], root["community"], kind, "every"]
    every["clicks"] += 1
    every["led"] += click["id"] in led
for window in windows:
    if UNTIL - 91 * DAY <= 1000 * window["window_start"] < UNTIL and window["shares"]:
        root = roots[window["root"]]
        wanted[root["brand"], "broadcast", root["channel"], root["community"], "share", ""]["shares"] += window["shares"]

found = {tuple(row[key] for key in ("brand", "side", "channel", "community", "target_kind", "bin")): row for row in dicts("SELECT * FROM click_lag")}
same("the rows", sorted(found), sorted(key for key in wanted if key[5] != "every"))
for key, row in found.items():
    for column in ("clicks", "unconfirmed", "participant", "target_unknown", "late", "shares"):
        same(f"{key}: {column}", row[column], wanted[key][column])
    every, shares = wanted[(*key[:5], "every")], wanted[key]["shares"]
    same(f"{key}: clicks per share", row["clicks_per_share"], every["clicks"] / shares if shares else None, 1e-12)
    same(f"{key}: visits per share", row["visits_per_share"], every["led"] / shares if shares else None, 1e-12)
total = collections.Counter()
for key, row in wanted.items():
    if key[5] != "every":
        total.update(row)
assert all(total[column] > 10 for column in ("clicks", "unconfirmed", "participant", "target_unknown", "late", "shares")), total
assert {key[5] for key in found} == {"", *(name for name, _ in BINS)}
print(f"click_lag: {len(found)} rows, every column; {dict(total)}")
