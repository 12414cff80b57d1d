"""`answer_times` against plain Python, from raw events through the whole of Grapevine: a generated world, and a night by hand in which
clocks change. And by rows: roots of several lives.
"""

import collections
import datetime
import json
import pathlib
import random
import subprocess
import tempfile
import zoneinfo

from store import GRAPEVINE, Sql, dicts, insert, millis, same

R = random.Random(11)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
QUARTER = 15 * MINUTE
COUNTS = ("messages", "within_15_minutes", "within_1_hour", "within_24_hours")


def folded(events, dimensions, partitions=3):
    """The answer, and how far the data reached, after Grapevine has read these events."""
    with tempfile.TemporaryDirectory() as folder:
        log, loaded = pathlib.Path(folder, "events.jsonl"), pathlib.Path(folder, "dimensions.sql")
        log.write_text("".join(json.dumps(event) + "\n" for event in events))
        loaded.write_text(dimensions)
        demo = [GRAPEVINE, "demo", "--input", log, "--dimensions", loaded, "--partitions", str(partitions), "--format", "JSONEachRow"]
        queries = ["SELECT * EXCEPT (run, as_of) FROM answer_times", "SELECT toUnixTimestamp64Milli(assumeNotNull(as_of)) AS as_of FROM run ORDER BY run DESC LIMIT 1"]
        done = subprocess.run([*demo, *(word for query in queries for word in ("--query", query))], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    found = {(row["brand"], row["channel"], row["weekday"], row["hour"]): [int(row[count]) for count in COUNTS] for row in rows[:-1]}
    same("keys tell the rows apart", len(found), len(rows) - 1)
    return found, int(rows[-1]["as_of"])


def messages(events):
    """Every message to a brand: brand, channel, time, and how long its first answer took, if there is one. The first copy of an id counts."""
    trees = collections.defaultdict(lambda: {"post": None, "reply": {}, "quote": {}})
    for event in events:
        if event["type"] == "post":
            tree = trees[event["id"]]
            tree["post"] = tree["post"] or event
        elif event["type"] == "reply":
            trees[event["root"]]["reply"].setdefault(event["id"], event)
        elif event["type"] == "share" and event.get("kind") == "quote":
            trees[event["root"]]["quote"].setdefault(event["id"], event)
    for root, tree in trees.items():
        post, written = tree["post"], [event for event in (tree["post"], *tree["reply"].values()) if event]
        team = {event["actor"] for event in written if event.get("is_brand")} - {None}

        def above(reply):
            """What a reply answers, if that is known."""
            if reply["parent"] == root:
                return post
            parent = tree["reply"].get(reply["parent"]) or tree["quote"].get(reply["parent"])
            return None if parent is None or reply["parent"] == reply["id"] else parent

        def speaks_to_it(event):
            if event.get("mentions_brand"):
                return True
            to = above(event) if event["type"] == "reply" else None
            ours = to is not None and (to["actor"] in team if to["type"] == "share" else to.get("is_brand", False))
            return ours and to["actor"] not in (None, event["actor"])

        for message in written:
            if message["actor"] is None or message.get("is_brand") or not speaks_to_it(message):
                continue
            answers = [reply["time"] for reply in tree["reply"].values() if reply.get("is_brand") and above(reply) is message]
            yield post and post.get("brand", ""), post and post.get("channel", ""), message["time"], min(answers, default=None)


def expected(events, zones, as_of):
    """The answer in Python."""
    until = as_of // QUARTER * QUARTER - DAY
    wanted = collections.defaultdict(lambda: [0, 0, 0, 0])
    for brand, channel, time, answered in messages(events):
        if not brand or not until - 91 * DAY <= time < until:
            continue
        local = datetime.datetime.fromtimestamp(time // 1000, zoneinfo.ZoneInfo(zones.get(brand, "UTC")))
        row = wanted[brand, channel, local.isoweekday(), local.hour]
        row[0] += 1
        for place, within in enumerate((QUARTER, HOUR, DAY), 1):
            row[place] += answered is not None and answered - time <= within
    return dict(wanted)


# ---------------------------------------------------------------- a generated world
with tempfile.TemporaryDirectory() as folder:
    files = {"--output": f"{folder}/events.jsonl", "--dimensions": f"{folder}/dimensions.sql"}
    world = ["--money", "--seed", "23", "--events", "30000", "--days", "100", "--visits", "20"]
    subprocess.run([GRAPEVINE, "generate", *world, *(word for pair in files.items() for word in pair)], check=True, capture_output=True)
    events = [json.loads(line) for line in pathlib.Path(files["--output"]).read_text().splitlines()]
    # Brands whose clocks differ by other than whole hours, and one that changes its clock within the world.
    dimensions = pathlib.Path(files["--dimensions"]).read_text()
zones = dict(zip(sorted({event["brand"] for event in events if event["type"] == "post" and event.get("brand")}), ("Asia/Kathmandu", "Europe/Berlin")))
assert len(zones) == 2, zones
dimensions += "".join(f"INSERT INTO brand (valid_from, brand, timezone) SELECT valid_from, brand, '{zone}' FROM brand WHERE brand = '{brand}';\n" for brand, zone in zones.items())
found, as_of = folded(events, dimensions)
wanted = expected(events, zones, as_of)
same("the rows of the world", sorted(found), sorted(wanted))
for key, counts in wanted.items():
    same(f"the world: {key}", found[key], counts)
total = [sum(column) for column in zip(*wanted.values())]
assert total[0] > total[3] > total[2] > total[1] > 20, total
assert {brand for brand, *_ in wanted} == {*zones} and len({hour for *_, hour in wanted}) == 24
all_of_them = list(messages(events))
assert len(all_of_them) > total[0], "some are older, or of the last day"
# Whatever the order of the log, a message stands where it was written.
shuffled = [*events]
R.shuffle(shuffled)
again, reached = folded(shuffled, dimensions, partitions=1)
same("how far the data reach", reached, as_of)
same("in another order", sorted(again.items()), sorted(found.items()))

# ---------------------------------------------------------------- by hand: the night of 3 November 2024 in New York, where 01:00 to 02:00 comes twice
utc = lambda text: int(datetime.datetime.fromisoformat(text + "+00:00").timestamp() * 1000)
numbers = iter(range(1, 1000))


def post(root, time, **more):
    return {"type": "post", "id": root, "time": utc(time), "actor": "ann", "brand": "acme", "channel": "x", **more}


def reply(root, parent, time, actor, name=None, **more):
    return {"type": "reply", "id": name or f"{root}/{next(numbers)}", "time": utc(time), "actor": actor, "root": root, "parent": parent, **more}


def brand(root, parent, time, name=None):
    return reply(root, parent, time, "acme support", name, is_brand=True)


hand = [
    # A post to the brand, 01:50 by summer time; answered in 15 minutes, at 01:05 by winter time, and again; the answer stands before it.
    brand("p1", "p1", "2024-11-03T06:05:00"),
    post("p1", "2024-11-03T05:50:00", mentions_brand=True),
    brand("p1", "p1", "2024-11-03T06:50:00"),
    # Its author again, 01:20 by winter time, to the answer: a message, never answered.
    {**reply("p1", "p1/1", "2024-11-03T06:20:00", "ann"), "id": "p1/late"},
    # A post to the brand that nobody answered, and one that only somebody else did. 02:00, then 23:59 of the evening before.
    post("p2", "2024-11-03T07:00:00", mentions_brand=True),
    post("p3", "2024-11-03T03:59:59", mentions_brand=True),
    reply("p3", "p3", "2024-11-03T04:00:00", "bob"),
    # A copy of it, which changes nothing.
    post("p3", "2024-11-03T08:59:59", mentions_brand=True),
    # A post of the brand: what it says below is no message; what others answer is, but for deleted accounts. Answered in 61 minutes.
    post("p4", "2024-11-03T12:00:00", actor="acme", is_brand=True, mentions_brand=True),
    brand("p4", "p4", "2024-11-03T12:01:00"),
    reply("p4", "p4", "2024-11-03T12:02:00", "bob", "p4/bob"),
    reply("p4", "p4", "2024-11-03T12:03:00", None),
    brand("p4", "p4/bob", "2024-11-03T13:03:00"),
    # An answer whose parent never came answers nothing: 12:10 UTC is 07:10 there.
    reply("p4", "p4", "2024-11-03T12:10:00", "cat", "p4/cat"),
    brand("p4", "nowhere", "2024-11-03T12:11:00"),
    # A mention in a thread of others, answered after 24 hours and a millisecond; and one after exactly 24 hours.
    post("p5", "2024-11-04T00:00:00", brand="bolt"),
    reply("p5", "p5", "2024-11-04T00:10:00", "bob", "p5/bob", mentions_brand=True),
    {**brand("p5", "p5/bob", "2024-11-05T00:10:00"), "time": utc("2024-11-05T00:10:00") + 1},
    reply("p5", "p5", "2024-11-04T00:20:00", "cat", "p5/cat", mentions_brand=True),
    brand("p5", "p5/cat", "2024-11-05T00:20:00"),
    # Nobody mentioned it: no message. Another's thread, no brand at all: no row.
    reply("p5", "p5/bob", "2024-11-04T00:30:00", "dan"),
    post("p6", "2024-11-04T00:00:00", brand="", mentions_brand=True),
    # A quarter of an hour too old, and the first that is not: the data reach to 12:00 on 20 November.
    post("p7", "2024-08-20T11:59:59", mentions_brand=True, channel="y"),
    post("p8", "2024-08-20T12:00:00", mentions_brand=True, channel="y"),
    # The last of them, and one without its day yet.
    post("p9", "2024-11-19T11:59:59", mentions_brand=True, channel="z"),
    post("p10", "2024-11-19T12:00:00", mentions_brand=True, channel="z"),
    {"type": "visit", "id": "end", "time": utc("2024-11-20T12:05:00"), "brand": "acme"},
]
lines = "INSERT INTO brand (valid_from, brand, timezone) VALUES ('2024-01-01', 'acme', 'America/New_York'), ('2024-01-01', 'bolt', 'Australia/Lord_Howe');\n"
found, as_of = folded(hand, lines, partitions=1)
assert utc("2024-11-20T12:00:00") <= as_of < utc("2024-11-20T12:15:00"), as_of
known = {
    ("acme", "x", 7, 1): [2, 1, 1, 1],
    ("acme", "x", 7, 2): [1, 0, 0, 0],
    ("acme", "x", 6, 23): [1, 0, 0, 0],
    ("acme", "x", 7, 7): [2, 0, 0, 1],
    # UTC and eleven hours: daylight saving there is half an hour.
    ("bolt", "x", 1, 11): [2, 0, 0, 1],
    ("acme", "y", 2, 8): [1, 0, 0, 0],
    ("acme", "z", 2, 6): [1, 0, 0, 0],
}
same("the rows by hand", sorted(found), sorted(known))
for key, counts in known.items():
    same(f"by hand: {key}", found[key], counts)
same("the same in Python", sorted(expected(hand, {"acme": "America/New_York", "bolt": "Australia/Lord_Howe"}, as_of).items()), sorted(known.items()))
# ---------------------------------------------------------------- lives: a post to the brand, and its thread in a life that never saw it
quarter = utc("2024-06-03T09:00:00") // 1000  # a Monday
life = {"root": "r", "epoch": 0, "source": "t/0", "opened": 1, "version": 1}
insert("root", [{**life, "root_seen": True, "root_time": millis(1000 * quarter), "root_to_brand": True, "brand": "acme", "channel": "x"},
                # Of a life whose thread says the same of it, and in an epoch that is not read.
                {**life, "opened": 2, "root": "s", "root_seen": True, "root_time": millis(1000 * quarter), "root_to_brand": True, "brand": "acme", "channel": "x"},
                {**life, "epoch": 1, "root_seen": True, "root_time": millis(1000 * quarter), "root_to_brand": True, "brand": "acme", "channel": "x"}])
insert("thread", [{**life, "source": "t/1", "opened": 7, "customer_quarters": Sql(f"[({quarter + 3600}, 3, 0, 1, 2)]")},
                  {**life, "opened": 2, "root": "s", "customer_quarters": Sql(f"[({quarter}, 1, 1, 1, 1), ({quarter + 3600}, 1, 0, 0, 0)]")},
                  {**life, "opened": 2, "root": "s", "version": 0, "customer_quarters": Sql(f"[({quarter}, 9, 9, 9, 9)]")},
                  # Nothing tells whose this is.
                  {**life, "opened": 9, "root": "q", "customer_quarters": Sql(f"[({quarter}, 5, 5, 5, 5)]")}])
insert("progress", [{"epoch": 0, "source": source, "version": 10, "log_end": 10, "watermark": millis(1000 * quarter + 3 * DAY)} for source in ("t/0", "t/1")])
lives = [[row[column] for column in ("brand", "channel", "weekday", "hour", *COUNTS)] for row in dicts("SELECT * FROM answer_times ORDER BY ALL")]
same("of several lives", lives, [["acme", "x", 1, 9, 2, 1, 1, 1], ["acme", "x", 1, 10, 4, 0, 1, 2]])
print(f"answer_times: {len(wanted)} rows of {total[0]} messages, {total[1:]} answered in 15 minutes, an hour, a day; {len(known)} by hand")
