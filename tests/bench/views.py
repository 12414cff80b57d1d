"""How long a run of answers takes over a large store, and how long it takes to read each answer and each live view.

    target/release/grapevine embedded-clickhouse --data DIR --listen 127.0.0.1:8123
    GRAPEVINE_CLICKHOUSE_URLS=http://127.0.0.1:8123 GRAPEVINE_CLICKHOUSE_DATABASE=NEW target/release/grapevine migrate
    CLICKHOUSE_URL=http://127.0.0.1:8123 CLICKHOUSE_DATABASE=NEW target/python-venv/bin/python tests/bench/views.py ROWS [VIEW...]

Fills the database, if it is empty, with ROWS window rows and as many visits (a tenth as many clicks, a fiftieth as many conversions) of
five brands over a year, made up in SQL, and prints a line for the run and one for each answer or view, every row and column of it: seconds, and the processors' seconds of the server.
"""

import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "sql"))
import store
from store import one, run

VIEWS = "coverage activity_daily cascade_shape thread_shape buzz people traffic money credit roi_cohort places response click_lag".split()
START = 1_672_531_200
YEAR = 364 * 86400
KEYS = "0 AS epoch, 't/' || toString({n} % 12) AS source, source AS key_source, {n} + 1 AS version"
ROOT = """'r' || toString({r}) AS root, toDateTime64({start} + cityHash64({r}, 1) % {year}, 3, 'UTC') AS root_time, cityHash64({r}, 2) % 10 < 3 AS root_is_brand,
    'brand' || toString({r} % 5) AS brand, 'campaign' || toString({r} % 5) || '-' || toString(cityHash64({r}, 3) % 8) AS campaign,
    'channel' || toString(cityHash64({r}, 4) % 4) AS channel, 'platform' AS platform, 'place' || toString(cityHash64({r}, 5) % 50) AS community, '' AS experiment, '' AS arm, [] AS tags"""


def root(number):
    return ROOT.format(r=number, start=START, year=YEAR)


def life(number):
    """The key of the life of a root: an offset opens one life."""
    return f"0 AS epoch, 't/' || toString({number} % 12) AS source, 7 * ({number}) AS opened, 1 AS version"


def fill(rows):
    """A store of `rows` window rows and visits."""
    roots = rows // 10
    chunk = 1_000_000
    run(f"""INSERT INTO root (epoch, source, opened, version, root_seen, root, root_time, root_is_brand, brand, campaign, channel, platform, community, experiment, arm, tags)
        SELECT {life('number')}, true, {root('number')} FROM numbers({roots})""")
    for first in range(0, rows, chunk):
        numbers = f"numbers({first}, {min(chunk, rows - first)})"
        run(f"""INSERT INTO activity_window SELECT toStartOfFifteenMinutes(toDateTime(root_time)) + intDiv(number, {roots}) * (900 + cityHash64(number) % 96 * 900) AS window_start,
            root, {life(f'number % {roots}')},
            number < {roots} AS posts, shares, 0 AS quotes, replies, brand_replies, cityHash64(number, 8) % 3 AS mentions, cityHash64(number, 9) % 5 AS reactions, 0 AS deletes, cityHash64(number, 10) % 2 AS clicks,
            arrayMap(i -> cityHash64(number, i, 1) % 2000000, range(shares)) AS sharers, arrayMap(i -> cityHash64(number, i, 2) % 2000000, range(replies)) AS repliers,
            arrayMap(i -> cityHash64(number, i, 3) % 15, range(shares)) AS share_minutes, arrayMap(i -> cityHash64(number, i, 4) % 15, range(replies)) AS reply_minutes,
            arraySlice(reply_minutes, 1, brand_replies) AS brand_reply_minutes, map() AS samples
            FROM (SELECT number, {root(f'(number % {roots})')}, toUInt32(cityHash64(number, 6) % 3) AS shares, toUInt32(cityHash64(number, 7) % 3) AS replies, least(replies, toUInt32(cityHash64(number, 11) % 20 = 0)) AS brand_replies FROM {numbers})""")
        run(f"""INSERT INTO visit (id, epoch, source, key_source, version, time, visitor, has_visitor, click, brand, landing_host, landing_path, referrer_host, utm_source, utm_medium)
            SELECT 'v' || toString(number), {KEYS.format(n='number')}, toDateTime64({START} + cityHash64(number, 20) % {YEAR}, 3, 'UTC'),
            cityHash64(number, 21) % {max(1, 3 * rows // 10)}, number % 10 != 0, if(number % 10 = 1, 'c' || toString(intDiv(number, 10)), ''), 'brand' || toString(intDiv(number, 10) % 5), 'shop.example', '/',
            if(number % 10 IN (2, 3), 'search.example', ''), if(number % 10 IN (4, 5, 6), 'mail', ''), if(number % 10 IN (4, 5, 6), ['social-broadcast', 'social-conversation', 'email'][number % 3 + 1], '') FROM {numbers}""")
    run(f"""INSERT INTO click (id, epoch, source, key_source, version, time, root, target, target_kind, path, path_actors, depth, visitor, has_visitor, brand, campaign, channel, platform, community)
        SELECT 'c' || toString(number), {KEYS.format(n='number')}, root_time + cityHash64(number, 30) % 864000, root, root, ['post', 'share', 'reply'][number % 3 + 1], [root, 's'], [1, number], 1, number, true, brand, campaign, channel, platform, community
        FROM (SELECT number, {root(f'(number % {roots})')} FROM numbers({rows // 10}))""")
    run(f"""INSERT INTO conversion (id, epoch, source, key_source, version, time, visitor, has_visitor, brand, kind, amount, currency, margin_rate, refund_of)
        SELECT 'o' || toString(number), {KEYS.format(n='number')}, toDateTime64({START} + cityHash64(number, 40) % {YEAR}, 3, 'UTC'), cityHash64(number, 41) % {max(1, 3 * rows // 10)}, number % 20 != 0, 'brand' || toString(number % 5), 'purchase',
        toDecimal128(number % 1000, 6), ['EUR', 'USD', 'GBP'][number % 3 + 1], NULL, if(number % 20 = 7, 'o' || toString(number - 1), '') FROM numbers({rows // 50})""")
    run(f"""INSERT INTO cost (id, epoch, source, key_source, version, time, kind, amount, currency, seconds, role, brand, campaign, channel, community, side, period_start, period_end)
        SELECT 'k' || toString(number), {KEYS.format(n='number')}, time, 'work', if(number % 2 = 0, toDecimal128(50, 6), NULL), if(number % 2 = 0, 'USD', ''), if(number % 2 = 1, 3600, NULL), if(number % 2 = 1, 'manager', ''), 'brand' || toString(number % 5),
        'campaign' || toString(number % 5) || '-' || toString(cityHash64(number, 3) % 8), 'channel' || toString(cityHash64(number, 4) % 4), 'place' || toString(cityHash64(number, 5) % 50), ['broadcast', 'conversation'][number % 2 + 1], time, time + 86400 * (number % 14)
        FROM (SELECT number, toDateTime64({START} + cityHash64(number, 50) % {YEAR}, 3, 'UTC') AS time FROM numbers({rows // 500}))""")
    for table in ("cascade", "thread"):
        run(f"""INSERT INTO {table} (root, epoch, source, opened, version, size, max_depth, levels, s1, unique_actors, first_time, last_time)
            SELECT root, epoch, source, opened, version, 10, 2, [1, 6, 3], 12, 9, root_time, root_time + 86400 FROM root""")
    run(f"INSERT INTO progress (epoch, source, version, watermark, read, accepted, log_end) SELECT 0, 't/' || toString(number), 1000, toDateTime64({START + YEAR}, 3, 'UTC'), 1000, 1000, 1000 FROM numbers(12)")
    zones = ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC", "Europe/London"]
    run("INSERT INTO brand (valid_from, brand, margin_rate, timezone, base_currency, landing_hosts) VALUES " + ",".join(f"('2020-01-01', 'brand{n}', 0.4, '{zone}', 'EUR', ['shop.example'])" for n, zone in enumerate(zones)))
    run("INSERT INTO fx SELECT toDate('2022-12-01') + number % 420, c, if(c = 'EUR', 1, 0.8 + number % 10 / 100) FROM numbers(420) ARRAY JOIN ['EUR', 'USD', 'GBP'] AS c")
    run("INSERT INTO labour_rate VALUES ('2020-01-01', 'manager', 48, 'EUR')")
    run("INSERT INTO utm_side VALUES ('utm_medium', 'social-broadcast', 'broadcast'), ('utm_medium', 'social-conversation', 'conversation'), ('referrer_host', 'search.example', 'other')")
    run("INSERT INTO media_price VALUES ('2020-01-01', 'share', '', 0.5, 'EUR'), ('2020-01-01', 'reply', '', 0.4, 'EUR'), ('2020-01-01', 'reaction', '', 0.1, 'EUR'), ('2020-01-01', 'click', '', 0.6, 'EUR'), ('2020-01-01', 'impression', '', 0.01, 'EUR')")


def processor():
    """Seconds that the server's processors have worked so far."""
    return int(one("SELECT sum(value) FROM system.events WHERE event IN ('UserTimeMicroseconds', 'SystemTimeMicroseconds')")) / 1e6


def measure(label, query):
    """Prints what an answer took."""
    started, busy = time.monotonic(), processor()
    # Not a count of the rows: it would not ask for the columns.
    run(f"{query} FORMAT Null")
    print(f"{label:24} {time.monotonic() - started:8.2f} s {processor() - busy:8.2f} s", flush=True)


def main(rows, views):
    if int(one("SELECT count() FROM visit")) == 0:
        started = time.monotonic()
        fill(rows)
        print(f"filled in {time.monotonic() - started:.0f} s", flush=True)
    started, busy = time.monotonic(), processor()
    store.roll_up()
    print(f"{'a run of all answers':24} {time.monotonic() - started:8.2f} s {processor() - busy:8.2f} s", flush=True)
    store.ANSWERS = re.compile("(?!)")
    for view in views:
        measure(view, f"SELECT * FROM {view}")


main(int(sys.argv[1]), sys.argv[2:] or VIEWS)
