#!/usr/bin/env python3
"""What the tables must hold, computed in batch from files of events: the slow, obvious way.

An oracle for tests. It shares no code with the worker: it reads whole files, keeps everything in
memory, sorts, and counts. Standard library only.

    batch.py FILE...                        prints one JSON object a row, sorted
    batch.py --check-truth FILE TRUTH       compares the trees of FILE with a truth file; exit code 1 if they differ

FILE is JSON Lines, plain or gzip'd; the order of the lines, file after file, is the order of the log.
Rows are those of `root`, `activity_window`, `cascade`, `thread` and `progress`, one life a root (nothing is
evicted here), without the columns that depend on offsets (`source`, `opened`, `version`), on the key of
pseudonyms (`dyad_fwd`, `dyad_rev`, in `top_nodes` the people and the order of equals) or on a clock. Amounts of facts are not checked for their range, and
envelopes are not read. `sharers` and `repliers` are the number of people, times
are milliseconds since 1970 (`window_start`: seconds), maps are objects.
"""

import argparse
import calendar
import collections
import gc
import gzip
import json
import math
import re
import sys
import time

WINDOW_MS = 15 * 60_000
MINUTE_MS = 60_000
SESSION_GAP_MS = 30 * 60_000
LEVELS_MAX = 65_536
TEXT_BYTES_MAX = 512
ADDRESS_BYTES_MAX = 8 * 1024
TAGS_MAX = 256
TIME_START_MS = calendar.timegm((1970, 3, 1, 0, 0, 0)) * 1000
TIME_END_MS = calendar.timegm((2106, 1, 1, 0, 0, 0)) * 1000
FOLLOWERS_END = 2**32 - 1
PEOPLE_STEPS = (10, 20, 50, 100, 200, 500, 1000, 1500, 2000, 5000, 10000, 20000, 50000, 100000)
LOG_BUCKET_BASE = 1.01 / 0.99
GUESSED = ("inferred", "root_fallback")
DIMENSIONS = ("brand", "campaign", "channel", "platform", "community", "experiment", "arm")


# --- Bytes become events, or rejects -------------------------------------------------------------


class Reject(Exception):
    """The line is no event."""


class Fields(dict):
    """One JSON object that remembers which keys stood in it twice."""

    def __init__(self, pairs):
        super().__init__(pairs)
        self.repeated = set()
        if len(self) < len(pairs):
            self.repeated = {key for key, count in collections.Counter(key for key, _ in pairs).items() if count > 1}


ID, TIME, ACTOR, TEXT, ADDRESS, FLAG, NUMBER, COUNT, TEXTS, AMOUNT, SECONDS = range(11)
REQUIRED = {
    "post": {"actor": ACTOR},
    "share": {"actor": ACTOR, "root": ID, "parent": ID},
    "reply": {"actor": ACTOR, "root": ID, "parent": ID},
    "reaction": {"actor": ACTOR, "root": ID, "target": ID},
    "delete": {"root": ID, "target": ID},
    "sample": {"root": ID, "metric": TEXT, "value": NUMBER},
    "click": {"root": ID},
    "visit": {},
    "conversion": {"amount": AMOUNT, "currency": TEXT},
    "cost": {},
    "assign": {"experiment": TEXT, "arm": TEXT, "unit": TEXT, "unit_type": TEXT},
    "report": {"origin": TEXT, "metric": TEXT, "value": AMOUNT},
}
UTM = {f"utm_{name}": TEXT for name in ("source", "medium", "campaign", "content", "term", "id")}
OPTIONAL = {
    "post": {
        **{name: TEXT for name in DIMENSIONS},
        "url": ADDRESS,
        "is_brand": FLAG,
        "mentions_brand": FLAG,
        "followers": COUNT,
        "tags": TEXTS,
    },
    "share": {"kind": TEXT, "edge_source": TEXT, "followers": COUNT, "mentions_brand": FLAG},
    "reply": {"is_brand": FLAG, "mentions_brand": FLAG, "tags": TEXTS},
    "reaction": {"kind": TEXT},
    "delete": {"reason": TEXT},
    "click": {"target": ID, "visitor": ID, **UTM},
    "visit": {"visitor": ID, "click": ID, "brand": TEXT, "landing_url": ADDRESS, "referrer_host": ADDRESS, **UTM},
    "cost": {"amount": AMOUNT, "seconds": SECONDS},
}
REQUIRED = {kind: {"id": ID, "time": TIME, **fields} for kind, fields in REQUIRED.items()}
OPTIONAL = {kind: OPTIONAL.get(kind, {}) for kind in REQUIRED}
RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)


def parse_rfc3339(text):
    """Milliseconds since 1970; what is below the millisecond is cut off."""
    found = RFC3339.fullmatch(text)
    if not found:
        raise Reject("bad time")
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    if not (year and 1 <= month <= 12 and hour < 24 and minute < 60 and second <= 60):
        raise Reject("bad time")
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise Reject("bad time")
    seconds = calendar.timegm((year, month, day, hour, minute, second))
    if found[8]:
        if int(found[9]) > 23 or int(found[10]) > 59:
            raise Reject("bad time")
        east = int(found[9]) * 3600 + int(found[10]) * 60
        seconds += east if found[8] == "-" else -east
    if second == 60:
        # A leap second ends a month (UTC); it counts as the last moment before the next.
        if seconds % 86400 or time.gmtime(seconds).tm_mday != 1:
            raise Reject("bad time")
        return seconds * 1000 - 1
    return seconds * 1000 + int(((found[7] or "") + "000")[:3])


def parse_time(value):
    """Unix milliseconds or RFC 3339, from March 1970 up to and with 2105."""
    if isinstance(value, str):
        value = parse_rfc3339(value)
    elif isinstance(value, bool) or not isinstance(value, int):
        raise Reject("bad time")
    if not TIME_START_MS <= value < TIME_END_MS:
        raise Reject("time out of range")
    return value


def parse_text(value):
    if not isinstance(value, str):
        raise Reject("wrong type")
    try:
        return value, len(value.encode())
    except UnicodeEncodeError:
        raise Reject("lone surrogate") from None


def parse_bounded(value, bytes_max):
    text, length = parse_text(value)
    if length > bytes_max:
        raise Reject("too long")
    return text


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def check_field(value, kind):
    """The value of a field, if it is of its kind."""
    if kind == ID or (kind == ACTOR and value is not None):
        text, length = parse_text(value)
        if not 1 <= length <= TEXT_BYTES_MAX:
            raise Reject("bad id")
        return text
    if kind == ACTOR:
        return None
    if kind in (TEXT, ADDRESS):
        return parse_bounded(value, TEXT_BYTES_MAX if kind == TEXT else ADDRESS_BYTES_MAX)
    if kind == FLAG and not isinstance(value, bool):
        raise Reject("wrong type")
    if kind == COUNT:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Reject("wrong type")
        if not 0 <= value < FOLLOWERS_END:
            raise Reject("number out of range")
    if kind == NUMBER and not (is_number(value) and abs(value) <= sys.float_info.max):
        raise Reject("number out of range")
    if kind in (AMOUNT, SECONDS) and not is_number(value) and not isinstance(value, str):
        raise Reject("wrong type")
    if kind == TEXTS:
        if not isinstance(value, list):
            raise Reject("wrong type")
        if len(value) > TAGS_MAX:
            raise Reject("too long")
        return [parse_bounded(item, TEXT_BYTES_MAX) for item in value]
    return value


def no_constant(name):
    raise Reject(f"{name} is not JSON")


DECODER = json.JSONDecoder(object_pairs_hook=Fields, parse_constant=no_constant)


def parse(line):
    """The event of a line as a dict of checked fields; Reject if it is none."""
    try:
        fields = DECODER.decode(line.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Reject("broken JSON") from None
    if not isinstance(fields, Fields):
        raise Reject("not an object")
    kind = fields.get("type")
    if not isinstance(kind, str) or kind not in REQUIRED:
        raise Reject("unknown type")
    required, optional = REQUIRED[kind], OPTIONAL[kind]
    if fields.repeated & {"type", *required, *optional}:
        raise Reject("repeated field")
    event = {"type": kind}
    for name, of in required.items():
        if name not in fields or (fields[name] is None and of != ACTOR):
            raise Reject(f"missing {name}")
        event[name] = parse_time(fields[name]) if of == TIME else check_field(fields[name], of)
    for name, of in optional.items():
        if fields.get(name) is not None:
            event[name] = check_field(fields[name], of)
    if kind == "cost" and "amount" not in event and "seconds" not in event:
        raise Reject("missing amount")
    if kind == "post":
        event["root"] = event["id"]
    return event


def read_lines(path):
    """The lines of a file that are not white space. Bytes, because some are not text."""
    if path == "-":
        content = sys.stdin.buffer.read()
    else:
        with open(path, "rb") as file:
            content = file.read()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    return [line for line in content.split(b"\n") if line.strip(b" \t\r")]


class Log:
    """Everything that was read, sorted into roots: root -> its accepted events, in log order."""

    def __init__(self, paths):
        self.roots = collections.defaultdict(list)
        self.read = self.accepted = self.duplicates = self.rejected = 0
        self.by_type = collections.Counter()
        seen = set()
        for path in paths:
            for line in read_lines(path):
                self.read += 1
                self.take(line, seen)

    def take(self, line, seen):
        try:
            event = parse(line)
        except Reject:
            self.rejected += 1
            return
        if "root" in event:
            identity = (event["root"], event["type"], event["id"])
            if identity in seen:
                self.duplicates += 1
                return
            seen.add(identity)
            self.roots[event["root"]].append(event)
        self.accepted += 1
        self.by_type[event["type"]] += 1


# --- Trees -----------------------------------------------------------------------------------------


class Node:
    """One member of a tree. Number 0 is the root post; one that never came has no event, no actor, no time."""

    def __init__(self, event):
        event = event or {}
        self.event = event
        self.time = event.get("time")
        self.actor = event.get("actor")
        self.is_brand = event.get("is_brand", False)
        self.mentions_brand = event.get("mentions_brand", False)
        self.up = None
        self.down = []
        self.quote = None
        self.inferred = False
        self.depth = 0


def is_above(node, other):
    """Whether `node` is `other` or one of its ancestors."""
    while other is not None:
        if other is node:
            return True
        other = other.up
    return False


class Tree:
    """The root post and its nodes of one kind, linked in log order.

    A node goes below its parent at once if that is there. Else it hangs from the root, inferred, and waits;
    a new node first takes those who wait for it, then its own place. So a cycle loses the link of its last member.
    """

    def __init__(self, root_id, post, events, quotes=()):
        self.post = post
        self.root = Node(post)
        self.nodes = [Node(event) for event in events]
        self.cycles_cut = self.self_edges = 0
        self.link(root_id)
        self.answer_quotes(quotes)
        self.measure()

    def link(self, root_id):
        by_id, waiting = {root_id: self.root}, collections.defaultdict(list)
        for node in self.nodes:
            own, wanted = node.event["id"], node.event["parent"]
            node.up = self.root
            adopted = []
            if own not in by_id:
                by_id[own] = node
                adopted = waiting.pop(own, [])
            for child in adopted:
                child.up, child.inferred = node, False
            if wanted == root_id:
                continue
            parent = by_id.get(wanted)
            node.inferred = True
            if wanted == own:
                self.self_edges += 1
            elif parent is None:
                waiting[wanted].append(node)
            # Only a node that brought a subtree along can stand above its own parent.
            elif adopted and is_above(node, parent):
                self.cycles_cut += 1
            else:
                node.up, node.inferred = parent, False
        for node in self.nodes:
            node.up.down.append(node)

    def answer_quotes(self, quotes):
        """A reply whose parent is a quote, and no reply, hangs from the root and is not inferred: it answers the quote."""
        quotes = {quote["id"]: Node(quote) for quote in quotes}
        replies = {node.event["id"] for node in self.nodes}
        for node in self.nodes:
            wanted = node.event["parent"]
            if node.inferred and wanted not in replies and wanted in quotes:
                node.inferred, node.quote = False, quotes[wanted]

    def measure(self):
        """Depths, and the nodes with every parent before its children."""
        self.order = [self.root]
        for node in self.order:
            for child in node.down:
                child.depth = node.depth + 1
                self.order.append(child)
        assert len(self.order) == len(self.nodes) + 1, "a cycle was left in the tree"
        self.below = below = {node: 1 for node in self.order}
        for node in reversed(self.order[1:]):
            below[node.up] += below[node]
        self.size = len(self.order)
        self.max_depth = self.order[-1].depth
        self.levels = [0] * min(self.max_depth + 1, LEVELS_MAX)
        for node in self.order:
            self.levels[min(node.depth, LEVELS_MAX - 1)] += 1
        self.s1 = sum(node.depth for node in self.order)
        self.s2 = sum(below[node] ** 2 for node in self.order[1:])

    def seen(self):
        """The root post, if it came, and the nodes."""
        return ([self.root] if self.post else []) + self.nodes

    def start(self):
        """What ages count from: the post's time, else the least of the nodes'."""
        return self.post["time"] if self.post else min(node.time for node in self.nodes)


def above(node):
    """What a node answers or was taken from: a quote, or what it hangs from."""
    return node.quote or node.up


def is_true_edge(node):
    """Whether it is known what a node answers or was taken from, and both ends are known people."""
    return node.up is not None and not node.inferred and None not in (node.actor, above(node).actor)


def is_answer(node):
    """A true edge between two different people."""
    return is_true_edge(node) and node.actor != above(node).actor


def log_bucket(ms):
    """The number of the 1 % bucket that holds a duration."""
    seconds = max(0, ms) // 1000
    return 0 if seconds <= 1 else math.ceil(math.log(seconds) / math.log(LOG_BUCKET_BASE) - 1e-12)


def histogram(durations):
    return dict(collections.Counter(log_bucket(duration) for duration in durations))


def delay(node):
    return node.time - above(node).time


def shape_columns(tree, deletes):
    """Columns that both shape tables have."""
    seen = tree.seen()
    return {
        "size": tree.size,
        "max_depth": tree.max_depth,
        "levels": tree.levels,
        "s1": tree.s1,
        "s2": tree.s2,
        "inferred": sum(node.inferred for node in tree.nodes),
        "cycles_cut": tree.cycles_cut,
        "self_edges": tree.self_edges,
        "unique_actors": len({node.actor for node in seen} - {None}),
        "deleted_actors": sum(node.actor is None for node in seen),
        "deletes": deletes,
        "first_time": min(node.time for node in seen),
        "last_time": max(node.time for node in seen),
    }


# --- Cascades --------------------------------------------------------------------------------------


def reach(tree):
    """Followers over each person's first share by time; of several at that time one that says, the greatest."""
    first = {}
    for node in tree.nodes:
        if node.actor is not None:
            followers = node.event.get("followers")
            candidate = (node.time, -1 if followers is None else followers)
            best = first.setdefault(node.actor, candidate)
            if candidate[0] < best[0] or (candidate[0] == best[0] and candidate[1] > best[1]):
                first[node.actor] = candidate
    known = [followers for _, followers in first.values() if followers >= 0]
    return sum(known), len(known)


def depth_first_ms(tree):
    """The least age at each depth, where no child is younger than its parent."""
    start, age, least = tree.start(), {}, {}
    for node in tree.order:
        own = max(0, node.time - start) if node.time is not None else 0
        age[node] = own if node.up is None else max(own, age[node.up])
        level = min(node.depth, LEVELS_MAX - 1)
        least[level] = min(least.get(level, age[node]), age[node])
    return [least[level] for level in range(len(least))]


def users_first_ms(tree):
    """The age by which so many different people had taken part, the author included."""
    start, first = tree.start(), {}
    for node in tree.seen():
        if node.actor is not None:
            age = max(0, node.time - start)
            first[node.actor] = min(first.get(node.actor, age), age)
    ages = sorted(first.values())
    return {step: ages[step - 1] for step in PEOPLE_STEPS if step <= len(ages)}


def top_nodes(tree, brand):
    """How many nodes have a descendant; and of the 32 with most, the earlier of equals, what is known without the key."""
    below = {node: tree.below[node] - 1 for node in tree.nodes if node.down}
    order = sorted(below, key=lambda node: (-below[node], node.time))
    top = [[len(node.down), below[node], node.depth, node.actor in brand] for node in order[:32]]
    return {"spreaders": len(below), "top_nodes": sorted(top)}


def cascade_columns(tree, deletes, brand):
    sharers = collections.Counter(node.actor for node in tree.nodes if node.actor is not None)
    total_reach, reach_known = reach(tree)
    return {
        **shape_columns(tree, deletes),
        "reported_inferred": sum(node.event.get("edge_source") in GUESSED for node in tree.nodes),
        "repeat_shares": sum(sharers.values()) - len(sharers),
        "self_shares": sum(is_true_edge(node) and not is_answer(node) for node in tree.nodes),
        "quotes": sum(node.event.get("kind") == "quote" for node in tree.nodes),
        "max_children": max(len(node.down) for node in tree.order),
        "reach": total_reach,
        "reach_known": reach_known,
        "ages_from_post": tree.post is not None,
        "age_hist": histogram(node.time - tree.start() for node in tree.nodes),
        "delay_hist": histogram(delay(node) for node in tree.nodes if is_true_edge(node)),
        "depth_first_ms": depth_first_ms(tree),
        "users_first_ms": users_first_ms(tree),
        **top_nodes(tree, brand),
    }


# --- Threads ---------------------------------------------------------------------------------------


def h_index(levels):
    """The number of consecutive depths 1, 2, .., i that each hold at least i replies."""
    depth = 1
    while depth < len(levels) and levels[depth] >= depth:
        depth += 1
    return depth - 1


def dialogue_columns(tree):
    """Who answers whom."""
    answers = collections.Counter((node.actor, above(node).actor) for node in tree.nodes if is_answer(node))
    dyads = {frozenset(pair) for pair in answers}
    mutual = {frozenset(pair) for pair in answers if pair[::-1] in answers}
    return {
        "nonself_replies": sum(answers.values()),
        "two_way_replies": sum(count for pair, count in answers.items() if frozenset(pair) in mutual),
        "dyads": len(dyads),
        "reciprocal_pairs": len(mutual),
    }


def turn_columns(tree):
    """Turns A-B-A, and the longest path on which two people alternate (in messages)."""
    aba = eligible = 0
    run = {tree.root: 1}
    for node in tree.order[1:]:
        run[node] = 1
        if is_answer(node):
            run[node] = 2
            if is_answer(above(node)):
                eligible += 1
                if node.actor == above(above(node)).actor:
                    aba += 1
                    run[node] = run[above(node)] + 1
    return {"aba": aba, "aba_eligible": eligible, "longest_exchange": max(run.values())}


def session_columns(tree):
    """Bursts of messages, the root post included, separated by a gap."""
    times = sorted(node.time for node in tree.seen())
    sessions = [[times[0]]]
    for before, moment in zip(times, times[1:]):
        if moment - before > SESSION_GAP_MS:
            sessions.append([])
        sessions[-1].append(moment)
    longest = max(sessions, key=lambda session: (session[-1] - session[0], -session[0]))
    return {
        "sessions": len(sessions),
        "longest_session_ms": longest[-1] - longest[0],
        "longest_session_messages": len(longest),
        "last_session_start": sessions[-1][0],
    }


def response_columns(tree, brand):
    """How soon messages are answered, quotes among them; a message of a customer is a post or reply to the brand."""
    firsts, brand_firsts, customers = [], [], []
    answered = collections.defaultdict(list)
    for node in tree.nodes:
        answered[above(node)].append(node)
        if node.quote:
            node.quote.is_brand = node.quote.actor in brand
    for message, replies in answered.items():
        answers = [reply.time for reply in replies if is_answer(reply)]
        if answers:
            firsts.append(min(answers) - message.time)
    for node in tree.order:
        to_brand = node.mentions_brand or (is_answer(node) and above(node).is_brand)
        if node.actor is not None and not node.is_brand and to_brand:
            customers.append(node)
    quarters = collections.defaultdict(lambda: [0, 0, 0, 0])
    for node in customers:
        answers = [reply.time for reply in answered[node] if reply.is_brand and not reply.inferred]
        if answers:
            brand_firsts.append(min(answers) - node.time)
        counts = quarters[node.time // (15 * MINUTE_MS) * 900]
        counts[0] += 1
        for place, minutes in enumerate((15, 60, 24 * 60), 1):
            counts[place] += bool(answers) and min(answers) - node.time <= minutes * MINUTE_MS
    return {
        "latency_hist": histogram(delay(node) for node in tree.nodes if is_answer(node)),
        "first_response_hist": histogram(firsts),
        "brand_response_hist": histogram(brand_firsts),
        "customer_messages": len(customers),
        "customer_messages_answered": len(brand_firsts),
        "customer_quarters": [[quarter, *counts] for quarter, counts in sorted(quarters.items())],
    }


def thread_columns(tree, deletes, brand):
    messages = collections.Counter(node.actor for node in tree.seen() if node.actor is not None)
    brand_replies = sum(node.is_brand for node in tree.nodes)
    return {
        **shape_columns(tree, deletes),
        "h_index": h_index(tree.levels),
        "brand_replies": brand_replies,
        "audience_replies": len(tree.nodes) - brand_replies,
        "reentrants": sum(count > 1 for count in messages.values()),
        **dialogue_columns(tree),
        **turn_columns(tree),
        **session_columns(tree),
        **response_columns(tree, brand),
    }


# --- Windows ---------------------------------------------------------------------------------------

PLURAL = {"post": "posts", "share": "shares", "reply": "replies", "reaction": "reactions", "delete": "deletes", "click": "clicks"}


def samples(events):
    """The last value of each metric by time; of several at that time the greatest."""
    last = {}
    for event in events:
        if event["type"] == "sample":
            metric, candidate = event["metric"], (event["time"], float(event["value"]))
            last[metric] = max(last.get(metric, candidate), candidate)
    return {metric: value for metric, (_, value) in last.items()}


def window_columns(start, events):
    """What happened in one window of one root."""
    kinds = collections.Counter(event["type"] for event in events)
    shares = [event for event in events if event["type"] == "share"]
    replies = [event for event in events if event["type"] == "reply"]
    brand_replies = [event for event in replies if event.get("is_brand", False)]

    def minutes(some):
        return sorted((event["time"] - start) // MINUTE_MS for event in some)

    def people(some):
        return len({event["actor"] for event in some} - {None})

    return {
        **{plural: kinds[kind] for kind, plural in PLURAL.items()},
        "quotes": sum(event.get("kind") == "quote" for event in shares),
        "brand_replies": len(brand_replies),
        "mentions": sum(event.get("mentions_brand", False) for event in events),
        "sharers": people(shares),
        "repliers": people(replies),
        "share_minutes": minutes(shares),
        "reply_minutes": minutes(replies),
        "brand_reply_minutes": minutes(brand_replies),
        "samples": samples(events),
    }


# --- Rows ------------------------------------------------------------------------------------------


class Root:
    """The accepted events of one root, by kind."""

    def __init__(self, root_id, events):
        self.id = root_id
        self.events = events
        self.post = next((event for event in events if event["type"] == "post"), None)
        self.shares = [event for event in events if event["type"] == "share"]
        self.replies = [event for event in events if event["type"] == "reply"]
        self.quotes = [event for event in self.shares if event.get("kind") == "quote"]
        self.deletes = sum(event["type"] == "delete" for event in events)
        # Known people who wrote the post or a reply as the brand.
        by_brand = (event for event in events if event["type"] in ("post", "reply") and event.get("is_brand", False))
        self.brand = {event["actor"] for event in by_brand} - {None}

    def told(self):
        """What the post says."""
        return {
            "root_seen": True,
            "root_time": self.post["time"],
            "root_is_brand": self.post.get("is_brand", False),
            "root_to_brand": self.post.get("mentions_brand", False) and not self.post.get("is_brand", False) and self.post["actor"] is not None,
            **{name: self.post.get(name, "") for name in DIMENSIONS},
            "tags": self.post.get("tags", []),
            "url": self.post.get("url", ""),
        }

    def cascade(self):
        return cascade_columns(Tree(self.id, self.post, self.shares), self.deletes, self.brand)

    def thread(self):
        return thread_columns(Tree(self.id, self.post, self.replies, self.quotes), self.deletes, self.brand)

    def rows(self):
        every = {"root": self.id}
        if self.post:
            yield {"table": "root", **every, **self.told()}
        if self.shares:
            yield {"table": "cascade", **every, **self.cascade()}
        if self.replies:
            yield {"table": "thread", **every, **self.thread()}
        windows = collections.defaultdict(list)
        for event in self.events:
            windows[event["time"] // WINDOW_MS * WINDOW_MS].append(event)
        for start, events in windows.items():
            columns = window_columns(start, events)
            yield {"table": "activity_window", "window_start": start // 1000, **every, **columns}


def rows(log):
    """All rows, sorted by table, root and window."""
    out = [row for root_id, events in log.roots.items() for row in Root(root_id, events).rows()]
    counts = {"read": log.read, "accepted": log.accepted, "duplicates": log.duplicates, "rejected": log.rejected}
    out.append({"table": "progress", **counts, "accepted_by_type": dict(log.by_type)})
    return sorted(out, key=lambda row: (row["table"], row.get("root", ""), row.get("window_start", 0)))


# --- Truth files -----------------------------------------------------------------------------------


def truth_figures(columns, truth):
    """The figures of a truth file's tree, out of the columns of a row; only those that the truth has."""
    size, pairs = columns["size"], columns["size"] * (columns["size"] - 1) // 2
    wiener = size * columns["s1"] - columns["s2"]
    first, last = columns["first_time"], columns["last_time"]
    figures = {
        "size": size,
        "levels": columns["levels"],
        "max_depth": columns["max_depth"],
        "max_breadth": max(columns["levels"]),
        "wiener": wiener,
        "structural_virality": wiener / pairs if pairs else truth["structural_virality"],
        "unique_actors": columns["unique_actors"],
        "deleted_actors": columns["deleted_actors"],
        "inferred": columns["inferred"],
        "orphans": columns["inferred"],
        "first_time": first,
        "last_time": last,
        "first_ts": first,
        "last_ts": last,
        "max_branching": columns.get("max_children"),
        "participants": columns["unique_actors"],
        "reciprocal_pairs": columns.get("reciprocal_pairs"),
        "h_index": columns.get("h_index"),
        "h_index_contiguous": columns.get("h_index"),
    }
    if "h_index_contiguous" in truth:
        del figures["h_index"]
    return {name: value for name, value in figures.items() if name in truth and value is not None}


def close(one, other):
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-9
    return one == other


def compare_trees(log, kind, truths):
    """Compares the trees of one kind; returns how many figures differ."""
    wrong = 0
    found = {root_id: Root(root_id, events) for root_id, events in log.roots.items()}
    for truth in truths:
        root = found.get(truth["root"]) or Root(truth["root"], [])
        nodes = root.shares if kind == "cascade" else root.replies
        if not (root.post or nodes):
            print(f"{kind} {truth['root']!r}: missing")
            wrong += 1
            continue
        columns = root.cascade() if kind == "cascade" else root.thread()
        for name, value in truth_figures(columns, truth).items():
            if not close(value, truth[name]):
                print(f"{kind} {truth['root']!r}: {name} is {str(value)[:200]}, the truth says {str(truth[name])[:200]}")
                wrong += 1
    listed = {truth["root"] for truth in truths}
    for root in found.values():
        if (root.shares if kind == "cascade" else root.replies) and root.id not in listed:
            print(f"{kind} {root.id!r}: not in the truth")
            wrong += 1
    return wrong


def check_truth(path, truth_path):
    """Compares a file's trees and counts with its truth file; returns how many figures differ."""
    log = Log([path])
    with gzip.open(truth_path, "rt", encoding="utf-8") as file:
        truth = json.load(file)
    totals = truth["totals"]
    if "trees" in truth:
        kind = "thread" if totals.get("type_reply") else "cascade"
        lists = {kind: truth["trees"]}
        counts = {"accepted": (log.accepted, totals["events"])}
    else:
        lists = {"cascade": truth["cascades"], "thread": truth["threads"]}
        counts = {
            "accepted": (log.accepted, totals["accepted"]),
            "duplicates": (log.duplicates, totals["duplicates"]),
            "rejects": (log.rejected, totals["rejects"]),
            "lines": (log.read, totals["lines"] - totals["blank_lines"]),
            "by type": (dict(log.by_type), totals["events_by_type"]),
        }
    wrong = 0
    for name, (ours, theirs) in counts.items():
        if ours != theirs:
            print(f"{name}: {ours}, the truth says {theirs}")
            wrong += 1
    wrong += sum(compare_trees(log, kind, trees) for kind, trees in lists.items())
    print(f"{sum(map(len, lists.values()))} trees, {wrong} differences")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check-truth", action="store_true", help="compare the trees of FILE with the file TRUTH")
    parser.add_argument("files", nargs="+", metavar="FILE")
    options = parser.parse_args()
    # All that is read is kept to the end, so looking for what could be freed costs time and frees nothing.
    gc.disable()
    if options.check_truth:
        if len(options.files) != 2:
            parser.error("--check-truth takes FILE and TRUTH")
        sys.exit(1 if check_truth(*options.files) else 0)
    for row in rows(Log(options.files)):
        print(json.dumps(row, ensure_ascii=True, separators=(",", ":")))


if __name__ == "__main__":
    main()
