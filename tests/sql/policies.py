"""Row policies of deploy/clickhouse-row-policies.sql: a reader of one brand sees, in every view that people read, what she would see
if the tables held the named rows of her brand alone, and of answers the rows of her brand.

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
from store import ask, insert, one, read, run, same, statements
from worlds.two_brands import BRANDS, World, nameless, shared

TEMPLATE = (store.MIGRATIONS.parent / "clickhouse-row-policies.sql").read_text()
POLICY = re.compile(r"CREATE ROW POLICY OR REPLACE own_brands\s+ON (.+?)\s+USING (.+?)\s+TO grapevine_brand_reader", re.S)
PRODUCT = "coverage activity_daily answer_times cascade_shape thread_shape buzz people traffic money credit roi_cohort places response carriers customers freshness".split()


# What says how far the data reach.
OPEN = ["gaps", "losses", "progress", "run", "sources"]


def conditions():
    """The condition of each view and table with a policy, by its full name; every statement of the template must parse."""
    found = {}
    for statement in statements(TEMPLATE):
        assert one("SELECT formatQuery(" + store._literal(statement) + ")")
        policy = POLICY.fullmatch(statement)
        found |= {name: policy[2] for name in re.split(r",\s*", policy[1])} if policy else {}
    return found


def refused(text):
    """The statements of a template that do not parse."""
    return [statement for statement in statements(text) if one(f"SELECT formatQueryOrNull({store._literal(statement)})") is None]


def guarded(folder, conditions):
    """Starts an engine whose only user has the row filters, and waits until it listens."""
    filters = {database: "" for database in ("grapevine", "grapevine_rows")}
    for name, condition in conditions.items():
        database, view = name.split(".")
        filters[database] += f"<{view}><filter>{xml.sax.saxutils.escape(condition)}</filter></{view}>"
    databases = "".join(f"<{database}>{filters}</{database}>" for database, filters in filters.items())
    users = f"""<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users><default><password/><networks><ip>::/0</ip></networks>
        <profile>default</profile><quota>default</quota><databases>{databases}</databases></default></users></clickhouse>"""
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
    """Every row of every view as people read them, in an order of its own. Which run an answer is of is no matter."""
    every = {view: "* EXCEPT (run, as_of, run_age_seconds)" if store.ANSWERS.fullmatch(view) else "*" for view in views}
    return {view: sorted(json.dumps(rounded(row)) for row in read(f"SELECT {columns} FROM {view} WHERE {where}")) for view, columns in every.items()}


def report(folder, brand):
    """What `grapevine report` says to this reader of a brand, and the page."""
    page = folder / f"{brand}.html"
    variables = {"GRAPEVINE_CLICKHOUSE_URLS": store.URL, "GRAPEVINE_CLICKHOUSE_DATABASE": store.PEOPLE}
    said = subprocess.run(
        [os.environ["GRAPEVINE"], "report", "--brand", brand, "--output", page], env=os.environ | variables, text=True, capture_output=True
    )
    return said.stdout + said.stderr, page.read_text() if page.exists() else ""


def load(*worlds):
    for world in worlds:
        for table, rows in world.items():
            insert(table, rows)


for was, becomes in [("CREATE ROW POLICY OR REPLACE own_brands", "CREATE ROW POLICE OR REPLACE own_brands"), ("ALTER ROLE", "ALTER ROLES"), ("GRANT SELECT ON", "GRANT SELCT ON")]:
    same(f"{becomes} is refused", len(refused(TEMPLATE.replace(was, becomes, 1))), 1)
policies = conditions()
people = {name.removeprefix("grapevine."): condition for name, condition in policies.items() if name.startswith("grapevine.")}
views = [name for (name,) in ask(f"SELECT name FROM system.tables WHERE database = '{store.PEOPLE}' ORDER BY name")]
same("what people read and has no policy", [view for view in views if view not in people], OPEN)
same("what has a policy is there", sorted(people.keys() - set(views)), [])
others = re.search(r"CREATE ROW POLICY OR REPLACE everything\s+ON (.+?)\s+USING 1", TEMPLATE, re.S)[1]
same("who is no reader of brands sees it all", sorted(re.split(r",\s*", others)), sorted(policies))
granted = re.findall(r"SELECT ON grapevine\.(\w+)", re.search(r"^GRANT .*?;", TEMPLATE, re.M | re.S)[0])
same("readers are granted what has a policy that lets rows through, and what is open", sorted(granted), sorted({view for view, condition in people.items() if condition != "0"} | set(OPEN)))
(role,) = [statement for statement in statements(TEMPLATE) if statement.startswith("ALTER ROLE")]
assert "additional_table_filters CONST" in role and "IF NOT EXISTS grapevine_brand_reader SETTINGS" not in TEMPLATE, "an older role would keep its settings"
users = (store.MIGRATIONS.parent / "clickhouse-users.sql").read_text()
assert not re.search(r"TO grapevine_brand_reader", users), "the roles of all brands give nothing to readers of some"
with_brand = {name for (name,) in ask(f"SELECT table FROM system.columns WHERE database = '{store.PEOPLE}' AND name = 'brand'")}
hidden = sorted(view for view, condition in people.items() if condition == "0")
# Of what names a brand, only ranks are hidden: they are among the cascades of all.
same("what is hidden although it names a brand", sorted(with_brand & set(hidden)), ["cascade_ranking"])
by_brand = sorted(people.keys() - set(hidden))
same("the product is compared", [view for view in PRODUCT if view not in by_brand], [])

# Answers are made of everybody's rows; live views show of each root what they would show of it alone.
made = [view for view in by_brand if store.ANSWERS.fullmatch(view)]
live = [view for view in by_brand if view not in made]
alone = {}
for brand in BRANDS:
    store.empty()
    load(World(brand).tables, shared())
    alone[brand] = answers(live)
store.empty()
applied = store._post("SELECT * FROM schema_migrations FORMAT JSONEachRow", store.DATABASE)

with tempfile.TemporaryDirectory() as name:
    engine, store.URL = guarded(pathlib.Path(name), policies)
    store.PEOPLE, store.DATABASE = "grapevine", "grapevine_rows"
    try:
        store.migrate()
        (table,) = [statement for statement in statements(TEMPLATE) if statement.startswith("CREATE TABLE")]
        run(table)
        run(f"INSERT INTO schema_migrations FORMAT JSONEachRow {applied}")
        load(*(World(brand).tables for brand in BRANDS), nameless(), shared())
        store.roll_up()
        for brand in BRANDS:
            alone[brand] |= {view: sorted(json.dumps(rounded(row)) for row in ask(f"SELECT * EXCEPT (run, as_of, run_age_seconds) FROM {view} WHERE brand = '{brand}'")) for view in made}
            same("the world has rows for every view", [view for view in PRODUCT if not alone[brand][view]], [])
        same("who reads no brand sees nothing", [view for view, rows in answers(by_brand + hidden).items() if rows], [])
        for brand, other in (BRANDS, BRANDS[::-1]):
            store._post("TRUNCATE TABLE brand_reader", store.DATABASE)
            store._post(f"INSERT INTO brand_reader VALUES ('default', '{brand}'), ('somebody else', '{other}')", store.DATABASE)
            seen = answers(by_brand)
            for view in by_brand:
                assert seen[view] == alone[brand][view], f"{view}: {[row for row in seen[view] if row not in alone[brand][view]][:3]} and not {[row for row in alone[brand][view] if row not in seen[view]][:3]}"
            leaks = [view for view, rows in seen.items() if any(other in row for row in rows)]
            same("nothing of the other brand shows", leaks, [])
            same("nor anything that is of all of them", [view for view, rows in answers(hidden).items() if rows], [])
            same("nor who else reads", [reader for (reader,) in ask("SELECT reader FROM brand_reader")], ["default"])
            said, page = report(pathlib.Path(name), brand)
            assert said.endswith(" 0 failed\n") and brand in page and other not in page, f"the report of {brand}: {said}"
            said, _ = report(pathlib.Path(name), other)
            assert f'no brand "{other}"' in said, f"the report of {other}, read by who reads {brand}: {said}"
        store._post("INSERT INTO brand_reader VALUES ('default', 'acme')", store.DATABASE)
        for view in ("cascade_shape", "traffic", "money"):
            same(f"who reads both brands sees both in {view}", [brand for (brand,) in read(f"SELECT DISTINCT toString(brand) AS brand FROM {view} ORDER BY brand")], list(BRANDS))
    finally:
        engine.stdin.close()
        engine.wait()
print(f"policies: {len(policies)}; a reader of a brand sees {len(by_brand)} views of her own and {len(OPEN)} of everybody's")
