"""Row policies of deploy/clickhouse-row-policies.sql: a reader of one brand sees, through every view, what she would see
if the tables held the named rows of her brand alone.

The embedded engine has nowhere to store users and roles: the statements are parsed, not run, and their conditions hold
as the row filters of a users file, which the engine reads when it starts in a folder with a config.xml.
"""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import xml.sax.saxutils

import store
from store import ask, insert, one, run, same, statements
from worlds.two_brands import BRANDS, World, nameless, shared

TEMPLATE = (store.MIGRATIONS.parent / "clickhouse-row-policies.sql").read_text()
POLICY = re.compile(r"CREATE ROW POLICY OR REPLACE own_brands\s+ON (.+?)\s+USING (.+?)\s+TO grapevine_reader", re.S)
PRODUCT = "coverage activity_daily cascade_shape thread_shape buzz people traffic money credit roi_cohort places response carriers customers freshness".split()


def conditions(database):
    """The condition of each table of a database with a policy; every statement of the template must parse."""
    found = {}
    for statement in statements(TEMPLATE):
        assert one("SELECT formatQuery(" + store._literal(statement) + ")")
        policy = POLICY.fullmatch(statement)
        for table in re.split(r",\s*", policy[1]) if policy else []:
            where, name = table.split(".")
            if where == database:
                found[name] = policy[2]
    return found


def guarded(folder, conditions):
    """Starts an engine whose only user has the row filters, and waits until it listens."""
    filters = "".join(f"<{table}><filter>{xml.sax.saxutils.escape(condition)}</filter></{table}>" for table, condition in conditions.items())
    users = f"""<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users><default><password/><networks><ip>::/0</ip></networks>
        <profile>default</profile><quota>default</quota><databases><grapevine>{filters}</grapevine></databases></default></users></clickhouse>"""
    (folder / "users.xml").write_text(users)
    (folder / "config.xml").write_text(f"<clickhouse><users_config>{folder / 'users.xml'}</users_config></clickhouse>")
    command = [os.environ["GRAPEVINE"], "embedded-clickhouse", "--data", str(folder / "data")]
    engine = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return engine, engine.stdout.readline().removeprefix("ready ").strip()


def rounded(cell):
    """Sums of floats depend on the order of the rows in their last digits."""
    if isinstance(cell, list):
        return [rounded(part) for part in cell]
    return float(f"{cell:.9g}") if isinstance(cell, float) else cell


def answers(views, where="1"):
    """Every row of every view, in an order of its own. Which run an answer is of is no matter."""
    every = {view: "* EXCEPT (run, as_of, run_age_seconds)" if store.ANSWERS.fullmatch(view) else "*" for view in views}
    return {view: sorted(json.dumps(rounded(row)) for row in ask(f"SELECT {columns} FROM {view} WHERE {where}")) for view, columns in every.items()}


def of_brand(view, brand):
    """The rows of an answer that are of one brand; of an experiment, where posts of the brand carry it."""
    return sorted(json.dumps(rounded(row)) for row in ask(f"SELECT * EXCEPT (run, as_of, run_age_seconds) FROM {view} WHERE brand = '{brand}'"))


def report(folder, brand):
    """What `grapevine report` says to this reader of a brand, and the page."""
    page = folder / f"{brand}.html"
    variables = {"GRAPEVINE_CLICKHOUSE_URL": store.URL, "GRAPEVINE_CLICKHOUSE_DATABASE": store.DATABASE}
    said = subprocess.run(
        [os.environ["GRAPEVINE"], "report", "--brand", brand, "--output", page], env=os.environ | variables, text=True, capture_output=True
    )
    return said.stdout + said.stderr, page.read_text() if page.exists() else ""


def load(*worlds):
    for world in worlds:
        for table, rows in world.items():
            insert(table, rows)


policies = conditions("grapevine")
revoked = re.findall(r"REVOKE SELECT ON grapevine\.(\w+)", TEMPLATE)
named = {name for (name,) in ask("SELECT DISTINCT table FROM system.columns WHERE database = currentDatabase() AND name = 'brand' AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')")}
same("every table that names a brand has a policy", sorted(named - policies.keys()), [])
tables = [name for (name,) in ask("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'")]
same("every table is named in the template", [name for name in tables if not re.search(rf"\b{name}\b", TEMPLATE)], [])

# Building blocks show in what is built of them.
views = [name for (name,) in ask("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View' AND comment NOT LIKE '%building block%' ORDER BY name") if name not in revoked]
same("the product is compared", [view for view in PRODUCT if view not in views], [])
definers = ask("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View' AND create_table_query LIKE '%SQL SECURITY%'")
same("no view reads with the rights of its maker", definers, [])
# What happened in a life is of the brand that its post names.
lives = ("activity_window", "cascade", "thread")
of_brands = sorted(name for name in policies if name in named or name in lives or name in ("assignment", "identity"))
# Which views have rows of one brand each. A rank is one among what a reader sees; a unit of an experiment sold what she sees of it.
by_brand = [name for (name,) in ask(f"SELECT DISTINCT table FROM system.columns WHERE database = currentDatabase() AND name IN ('brand', 'root') AND table IN ({', '.join(map(store._literal, views))}) ORDER BY table")]
by_brand.remove("cascade_ranking")
# Answers are made of everybody's rows, live views of those that the reader sees.
made, runs = [view for view in views if store.ANSWERS.fullmatch(view)], [table for table in tables if re.fullmatch(r"(\w+_)?run", table)]
live = [view for view in views if view not in made]
alone = {}
for brand in BRANDS:
    store.empty()
    load(World(brand).tables, shared())
    alone[brand] = answers(live)
store.empty()
load(*(World(brand).tables for brand in BRANDS), shared())
everything = answers(name for name in of_brands + by_brand if name not in made + runs)
load(nameless())
store.roll_up()
everything |= answers((name for name in of_brands + by_brand if name in made + runs), "brand != ''")
for brand in BRANDS:
    alone[brand] |= {view: of_brand(view, brand) for view in made}
    same("the world has rows for every view", [view for view in PRODUCT if not alone[brand][view]], [])
kept = {table: store._post(f"SELECT * FROM {table} FORMAT JSONEachRow", store.DATABASE) for table in [*runs, "schema_migrations"]}

with tempfile.TemporaryDirectory() as name:
    engine, store.URL = guarded(pathlib.Path(name), policies)
    store.DATABASE = "grapevine"
    try:
        store.migrate()
        (table,) = [statement for statement in statements(TEMPLATE) if statement.startswith("CREATE TABLE")]
        run(table)
        load(*(World(brand).tables for brand in BRANDS), nameless(), shared())
        for table, rows in kept.items():
            run(f"INSERT INTO {table} FORMAT JSONEachRow {rows}")
        store.roll_up = lambda: None  # What was copied is asked for: this engine hides rows from a run, too.
        same("who reads no brand sees nothing", [view for view, rows in answers(("activity_daily", "traffic", "money")).items() if rows], [])
        read = {}
        for brand, other in (BRANDS, BRANDS[::-1]):
            run("TRUNCATE TABLE brand_reader")
            run(f"INSERT INTO brand_reader VALUES ('default', '{brand}'), ('somebody else', '{other}')")
            seen = answers(views)
            for view in views:
                assert seen[view] == alone[brand][view], f"{view}: {[row for row in seen[view] if row not in alone[brand][view]][:3]} and not {[row for row in alone[brand][view] if row not in seen[view]][:3]}"
            leaks = [view for view, rows in seen.items() if any(other in row for row in rows)]
            same("nothing of the other brand shows", leaks, [])
            said, page = report(pathlib.Path(name), brand)
            assert said.endswith(" 0 failed\n") and brand in page and other not in page, f"the report of {brand}: {said}"
            said, _ = report(pathlib.Path(name), other)
            assert f'no brand "{other}"' in said, f"the report of {other}, read by who reads {brand}: {said}"
            for table in policies:
                same(f"nor in {table}", [row for row in ask(f"SELECT * FROM {table}") if other in json.dumps(row)], [])
            read[brand] = {**answers(of_brands), **seen}
        # Between them the readers see everything with a brand, and no row twice.
        for name in of_brands + by_brand:
            mine, theirs = (read[brand][name] for brand in BRANDS)
            same(f"what both readers see in {name}", sorted(set(mine) & set(theirs)), [])
            together = sorted(mine + theirs)
            assert together == everything[name], f"{name}: {[row for row in everything[name] if row not in together][:3]} nobody sees, {[row for row in together if row not in everything[name]][:3]} is not there"
        run("INSERT INTO brand_reader VALUES ('default', 'acme')")
        for view in ("cascade_shape", "traffic", "money"):
            same(f"who reads both brands sees both in {view}", one(f"SELECT arraySort(groupUniqArray(toString(brand))) FROM {view}"), list(BRANDS))
    finally:
        engine.stdin.close()
        engine.wait()
print(f"policies: {len(policies)} tables, {len(views)} views; two readers see every row with a brand of {len(of_brands)} tables and {len(by_brand)} views between them")
