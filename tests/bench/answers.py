"""What a run of answers takes of the processors and the memory over a large store, and how long it takes to read each answer.

    target/release/grapevine demo --data DIR --seed 1 --events 1400000 --days 364 --visits 600 --places 100 --query 'SELECT 1'
    target/release/grapevine embedded-clickhouse --data DIR --listen 127.0.0.1:8123
    CLICKHOUSE_URL=http://127.0.0.1:8123 CLICKHOUSE_DATABASE=grapevine target/python-venv/bin/python tests/bench/answers.py COPIES

Puts copies beside the demo's world, if that was not done: each has its own brands, communities, posts, visitors and sales, in log sources of
its own. Makes a run as a timer would, without credit by every rule, and prints what it took, its dearest statements first: what a
statement does in its last fifth of a second may be counted as the rest. Then for each answer how long people wait for it: whole, of one
brand, of its last 90 days, and the hundred largest. The embedded engine keeps no log of queries, so statements are looked at under way.
"""

import pathlib
import re
import resource
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "sql"))
import store
from store import ask, one, run

TABLES = "root activity_window cascade thread click visit conversion cost report progress campaign brand".split()
# What a copy has of its own. Who writes is the same people: they say something about several brands.
NAMES = "root brand source key_source id target click refund_of campaign utm_campaign".split()
DAYS = "day week month period_start newest".split()
GIB = 2**30


def multiply(copies):
    """Puts copies of all rows beside them."""
    for table in TABLES:
        columns = [name for (name,) in ask(f"SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '{table}'")]
        own = {name: f"if({name} = '', '', {name} || '-' || toString(copy))" for name in NAMES if name in columns}
        own |= {"visitor": "cityHash64(visitor, copy)"} if "visitor" in columns else {}
        own |= {"path": "arrayMap(node -> node || '-' || toString(copy), path)"} if "path" in columns else {}
        own |= {"community": "if(community = '', '', community || '-' || toString(copy))"} if "community" in columns else {}
        replaced = ", ".join(f"{value} AS {name}" for name, value in own.items())
        first = f"NOT match(toString(t.{'source' if 'source' in columns else 'brand'}), '-[0-9]+$')"
        for copy in range(1, copies):
            run(f"INSERT INTO {table} WITH {copy} AS copy SELECT * REPLACE ({replaced}) FROM {table} AS t WHERE {first}")


def processor():
    """Seconds that the server's processors have worked so far."""
    return int(one("SELECT sum(value) FROM system.events WHERE event = 'OSCPUVirtualTimeMicroseconds'")) / 1e6


def named(query):
    """What a statement of a run makes or reads, in a word or two."""
    verb = query.split(None, 1)[0].lower()
    table = re.search(r"\bmodel_[0-9]+_(\w+)|\b(?:INTO|FROM) (\w+)_run\b", query)
    return f"{verb} {table[1] or table[2]}" if table else f"{verb} (other)"


def watch(done, took, memory):
    """Notes what each statement under way has taken, until told that it is done: seldom, because each look takes a millisecond or two itself."""
    under_way = """SELECT query_id, query, ProfileEvents['OSCPUVirtualTimeMicroseconds'], peak_memory_usage,
        (SELECT value FROM system.metrics WHERE metric = 'MemoryTracking') FROM system.processes WHERE query NOT LIKE '%FROM system.processes%'"""
    while not done.wait(0.2):
        for number, query, busy, peak, tracked in ask(under_way):
            took[number] = named(query), int(busy) / 1e6, int(peak) / GIB
            memory.append(int(tracked) / GIB)


def measure_run():
    """Prints what a run took of the command and of the server, by statement: the first column adds up to the server's."""
    done, took, memory = threading.Event(), {}, [0]
    before, started, busy = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic(), processor()
    watcher = threading.Thread(target=watch, args=(done, took, memory))
    watcher.start()
    store.roll_up(credit_by_rule=False)
    after, wall, busy = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - started, processor() - busy
    done.set()
    watcher.join()
    command = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"a run: {wall:.0f} s; processors: server {busy:.1f} s, command {command:.1f} s; memory: server {max(memory):.2f} GiB, command {after.ru_maxrss / 2**20:.2f} GiB")
    other = busy - sum(busy for _, busy, _ in took.values())
    for name, busy, peak in sorted([*took.values(), ("short statements, merges, and looking", other, 0)], key=lambda row: -row[1]):
        print(f"{busy:8.2f} s {peak:6.2f} GiB  {name}", flush=True)


def measure_reading(answer):
    """Prints how long the ways take in which people read an answer."""
    columns = dict(ask(f"SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = '{answer}'"))
    day = next((name for name in DAYS if name in columns), None)
    number = next(name for name, kind in columns.items() if name not in ("run", "as_of") and re.search("Int|Float|Decimal", kind))
    ways = [("whole", ""), ("brand", "WHERE brand = 'acme'"), ("top", f"ORDER BY {number} DESC LIMIT 100")]
    if day:
        ways.insert(2, ("90 days", f"WHERE brand = 'acme' AND {day} > (SELECT max({day}) FROM {answer}) - INTERVAL 90 DAY"))
    waits = []
    for way, clause in ways:
        started = time.monotonic()
        # Not a count of the rows: it would not ask for the columns.
        run(f"SELECT * FROM {answer} {clause} FORMAT Null")
        waits.append(f"{way} {time.monotonic() - started:.2f} s")
    print(f"{answer:16} {int(one(f'SELECT count() FROM {answer}')):10} rows: {', '.join(waits)}", flush=True)


def main(copies):
    if int(one("SELECT max(match(toString(source), '-[0-9]+$')) FROM progress")) == 0:
        multiply(copies)
    rows = ", ".join(f"{one(f'SELECT count() FROM {table}')} {table}" for table in ("activity_window", "visit", "click", "conversion"))
    print(f"rows: {rows}", flush=True)
    measure_run()
    store.ANSWERS = re.compile("(?!)")
    for (table,) in ask("SELECT name FROM system.tables WHERE database = currentDatabase() AND endsWith(name, '_run') ORDER BY name"):
        measure_reading(table.removesuffix("_run"))


main(int(sys.argv[1]))
