"""A store whose rows are spread over two or three shards says what one server says: every view, every query of docs/sql.md and of the dashboard,
every answer, and what commands do.

The shards are those of stand_in.py. What workers and commands do that need a log is in tests/it/clickhouse/several.rs.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import tempfile

import stand_in
import store
from store import ask, one, read, run, same

GUIDE = (store.MIGRATIONS.parents[1] / "docs" / "sql.md").read_text()
RULES = (store.MIGRATIONS.parent / "clickhouse-retention.sql").read_text()
DASHBOARD = json.loads((store.MIGRATIONS.parent / "grafana" / "grapevine.json").read_text())
# What differs between two runs over the same rows, and between two servers.
OF_A_RUN = {"run", "as_of", "published", "seconds", "run_age_seconds", "early_run", "late_run", "number", "applied", "written"}


def settings(database):
    """How commands find a database, and how its tables lie."""
    layout, cluster = ("single", "") if database == "one" else ("sharded", database)
    return {"GRAPEVINE_CLICKHOUSE_LAYOUT": layout, "GRAPEVINE_CLICKHOUSE_CLUSTER": cluster, "GRAPEVINE_CLICKHOUSE_URLS": store.URL, "GRAPEVINE_CLICKHOUSE_DATABASE": database}


def use(database):
    """What is asked from here on is asked of it."""
    store.PEOPLE, store.DATABASE = database, f"{database}_rows"
    os.environ.update(settings(database))


def grapevine(*arguments, fails=False):
    """What a command says."""
    done = subprocess.run([store.GRAPEVINE, *arguments], capture_output=True, text=True)
    assert (done.returncode != 0) == fails, f"grapevine {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def vary(database):
    """What the world of the demo lacks: rows that stand no more, lives that saw no post, a second epoch, copies of facts, gaps and rejects."""
    # One row a key and version, as workers write them but for the clock; of everything else, rows that stand no more are kept.
    run(f"OPTIMIZE TABLE {database}_rows_local.progress FINAL")
    run("SYSTEM STOP MERGES")
    for table in store.OF_LIVES:
        run(f"INSERT INTO {table} SELECT * REPLACE (toUInt64(1) AS version, 1 AS deletes) FROM {table} WHERE cityHash64(root) % 3 = 1")
        run(f"INSERT INTO {table} SELECT * REPLACE ('demo/9' AS source, opened * 100 + toUInt64(splitByChar('/', source)[2]) AS opened) FROM {table} FINAL WHERE cityHash64(root) % 4 = 0 AND root != ''")
    for table in ("root", *store.OF_LIVES):
        run(f"INSERT INTO {table} SELECT * REPLACE (toUInt16(1) AS epoch) FROM {table} FINAL WHERE source = 'demo/1' AND epoch = 0 AND cityHash64(root) % 2 = 0 AND root != ''")
    for table in store.FACTS:
        run(f"INSERT INTO {table} SELECT * REPLACE (version - 3 AS version) FROM {table} FINAL WHERE cityHash64(id) % 3 = 0")
        run(f"INSERT INTO {table} SELECT * REPLACE ('demo/9' AS source, 'demo/9' AS key_source, version + (cityHash64(id) % 2) * 1000 - 500 AS version) FROM {table} FINAL WHERE cityHash64(id) % 4 = 1")
        run(f"INSERT INTO {table} SELECT * REPLACE (toUInt16(1) AS epoch) FROM {table} FINAL WHERE source = 'demo/1' AND epoch = 0 AND cityHash64(id) % 2 = 0")
    run("INSERT INTO progress SELECT * REPLACE (toUInt16(1) AS epoch, version + 7 AS version) FROM progress FINAL WHERE source = 'demo/1' AND epoch = 0")
    run("INSERT INTO progress SELECT * REPLACE ('demo/9' AS source, toUInt64(1000000) AS version) FROM progress FINAL WHERE source = 'demo/0'")
    run("INSERT INTO active_epoch VALUES ('demo/1', 1, 100)")
    run("INSERT INTO gap VALUES (0, 'demo/2', 10, 20, now64(3), 'lost'), (0, 'demo/9', 5, 6, now64(3), 'lost'), (1, 'demo/1', 3, 9, now64(3), 'lost')")
    rejects = ", ".join(f"(0, 'demo/{at % 5}', {at}, {at + 1 + at % 2}, 'json', {at % 3 == 0})" for at in range(40))
    run(f"INSERT INTO rejects (epoch, source, offset, version, reason, replayed) VALUES {rejects}")


def copy(database):
    """The same rows in another database, tables first."""
    use(database)
    grapevine("migrate")
    for table, engine in ask("SELECT name, engine FROM system.tables WHERE database = 'two_rows' AND engine != 'View' AND NOT endsWith(name, 'run')"):
        if table not in ("schema_migrations", "store"):
            run(f"INSERT INTO {table} SELECT * FROM two_rows{'_local' if engine == 'Distributed' else ''}.{table} SETTINGS distributed_foreground_insert = 1, optimize_on_insert = 0")


def answer(query, database):
    """The columns that two runs over the same rows share, row by row in an order of its own; sums of floats depend on the order of rows in their last digits."""
    said = json.loads(store._post(query, database))
    names = [column["name"] for column in said["meta"]]
    kept = [at for at, name in enumerate(names) if name not in OF_A_RUN]
    return sorted(json.dumps([rounded(row[at]) for at in kept]) for row in said["data"])


def rounded(cell):
    """Sets have no order."""
    if isinstance(cell, list):
        return sorted((rounded(part) for part in cell), key=json.dumps)
    return float(f"{cell:.9g}") if isinstance(cell, float) else cell


def questions():
    """Everything that is compared: whose database, what it is called, the query."""
    # What people read is each the view of the same name over the rows.
    for is_read, name in ask("SELECT max(database = 'one') AS is_read, name FROM system.tables WHERE database IN ('one', 'one_rows') AND engine = 'View' GROUP BY name ORDER BY name"):
        yield ("" if is_read else "_rows", name, f"SELECT * FROM {name}")
    (brand,), *_ = read("SELECT toString(brand) FROM cascade_shape WHERE brand != '' GROUP BY brand ORDER BY count() DESC")
    for at, query in enumerate(query for block in re.findall(r"```sql\n(.*?)```", GUIDE, re.S) for query in store.statements(block)):
        yield ("", f"query {at} of docs/sql.md", query.replace("'acme'", f"'{brand}'"))
    for panel in DASHBOARD["panels"]:
        yield ("", panel["title"], store.in_plain_sql(panel["targets"][0]["rawSql"]).replace("'acme'", f"'{brand}'"))


def compare(database, wanted):
    """What differs from one server, by name."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda asked: answer(asked[2], database + asked[0]), wanted)
        return {asked[1]: (rows, wanted[asked]) for asked, rows in zip(wanted, found) if rows != wanted[asked]}


def shown(differences):
    """The first of them with its first rows, for people."""
    return {name: ([row[:400] for row in rows if row not in wanted][:2], [row[:400] for row in wanted if row not in rows][:2]) for name, (rows, wanted) in list(differences.items())[:3]}


def other_layouts():
    """A database stays what it was made as."""
    for database, layout, cluster, why in (
        ("two", "sharded", "three", "made for shards of weight 1, 1, and cluster \"three\" has shards of weight 1, 1, 1"),
        ("two", "replicated", "two", "cluster \"two\" has 2 shards"),
        ("two", "sharded", "four", "the server knows no cluster \"four\""),
        ("two", "single", "", "is spread over servers"),
        ("one", "sharded", "two", "is not spread over shards"),
        ("one", "replicated", "", "database \"one_rows\" copies nothing"),
    ):
        use(database)
        os.environ.update({"GRAPEVINE_CLICKHOUSE_LAYOUT": layout, "GRAPEVINE_CLICKHOUSE_CLUSTER": cluster})
        for command in (["migrate"], ["rejects", "ls"]):
            assert why in (said := grapevine(*command, fails=True)), f"{database} as {layout} of {cluster}: {said}"


def commands(folder):
    """What commands count, change and delete, they do on every shard."""
    (folder / "checkpoints").mkdir()
    os.environ.update({"GRAPEVINE_WORKER_LOG": "demo", "GRAPEVINE_CHECKPOINT_URL": str(folder / "checkpoints")})
    run("SYSTEM START MERGES")
    listed, retained = {}, {}
    for database in ("one", "two", "three"):
        use(database)
        listed[database] = grapevine("rejects", "ls"), grapevine("rejects", "show", "demo/3", "8")
        assert "promoted" in grapevine("epoch", "promote", "0", "--source", "demo/1", "--behind", "--force")
        before = ask("SELECT source, epoch, next, conserved FROM sources ORDER BY source")
        assert ["demo/1", 0] in [row[:2] for row in before], before
        grapevine("epoch", "drop", "1", "--yes", "--offline")
        left = " UNION ALL ".join(f"SELECT count() AS n FROM {table} WHERE epoch = 1 OR startsWith(source, '1:')" for table in (*store.FACTS, *store.OF_LIVES, "root", "progress", "gap", "rejects"))
        same(f"{database}: what is left of the epoch", one(f"SELECT sum(n) FROM ({left})"), 0)
        same(f"{database}: the others stay", ask("SELECT source, epoch, next, conserved FROM sources ORDER BY source"), before)
        # The older half of what one brand has.
        days = str(one("SELECT dateDiff('day', quantileExact(0.5)(window_start), now()) FROM activity_window FINAL WHERE epoch = 0"))
        planned = grapevine("retain", "--brand", "acme", "--days", days, "--plan")
        assert "rows of activity_window" in planned, planned
        assert grapevine("retain", "--brand", "acme", "--days", days).startswith(planned)
        assert "nothing from before" in grapevine("retain", "--brand", "acme", "--days", days)
        counted = "SELECT '{0}', count(), sum(cityHash64(* EXCEPT (version))) FROM {0} FINAL WHERE epoch != 65535"
        left = " UNION ALL ".join(counted.format(table) for table in (*store.OF_LIVES, "root"))
        retained[database] = planned, ask(f"SELECT * FROM ({left}) ORDER BY 1"), forgets(database, days)
    same("rejects", listed["two"], listed["one"])
    same("rejects", listed["three"], listed["one"])
    for database in ("two", "three"):
        same(f"{database}: what is retained", retained[database], retained["one"])


def forgets(database, days):
    """Rules by age are set where rows lie, `migrate` lets them be, and nothing is left to go with its brand."""
    place = f"{database}_rows{'_local' if database in stand_in.CLUSTERS else ''}"
    for statement in store.statements(RULES):
        run(statement.replace("ALTER TABLE ", f"ALTER TABLE {place}.") + " SETTINGS mutations_sync = 2")
    assert "already" in grapevine("migrate")
    same(f"{database}: tables with a rule", one(f"SELECT count() FROM system.tables WHERE database = '{place}' AND position(create_table_query, ' TTL ') > 0"), 8)
    # The world is older than any rule; marks lie in the year 2090.
    same(f"{database}: windows that are left", one("SELECT countIf(epoch != 65535) FROM activity_window"), 0)
    same(f"{database}: marks", one("SELECT count() FROM activity_window FINAL"), one("SELECT count() FROM cascade FINAL WHERE epoch = 65535"))
    other = one("SELECT min(brand) FROM root WHERE brand NOT IN ('', 'acme')")
    nothing = grapevine("retain", "--brand", other, "--days", days)
    assert "nothing from before" in nothing, nothing
    return nothing


def main(folder):
    """Fills, copies, compares."""
    engine, url = stand_in.start(folder)
    store.URL = stand_in.listen(url)
    try:
        use("two")
        world = ["--events", "1500", "--days", "35", "--visits", "30", "--experiment", "post", "--partitions", "5"]
        grapevine("demo", "--clickhouse", store.URL, *world, "--query", "SELECT 1")
        assert "already" in grapevine("migrate"), "there was something left to do"
        # Where the engine's own key sends a source, there its rows are looked for.
        alone = ask("SELECT source, count() FROM root GROUP BY source ORDER BY source SETTINGS optimize_skip_unused_shards = 0")
        for source, rows in alone:
            found = one(f"SELECT count() FROM root WHERE source = '{source}' SETTINGS optimize_skip_unused_shards = 1, force_optimize_skip_unused_shards = 1")
            same(f"rows of {source} on its shard", found, rows)
        vary("two")
        for database in ("one", "three", "wrong"):
            copy(database)
        for database in ("one", "two", "three"):
            use(database)
            grapevine("rollup", "--credit-by-rule")
        use("one")
        store._stale.clear()
        wanted = {asked: answer(asked[2], "one" + asked[0]) for asked in questions()}
        told = [asked[1] for asked, rows in wanted.items() if rows]
        assert len(told) > 0.75 * len(wanted), f"only {len(told)} of {len(wanted)} questions have an answer: the silent are {[asked[1] for asked, rows in wanted.items() if not rows]}"
        for database in ("two", "three"):
            differences = compare(database, wanted)
            assert not differences, f"{database}: {len(differences)} answers are not those of one server: {sorted(differences)}: {shown(differences)}"
        live = {asked: rows for asked, rows in wanted.items() if asked[1] in ("activity_row", "cascade_shape", "thread_shape", "sides")}
        same("rows that are spread by another key", sorted({name for name in compare("wrong", live)}), sorted({asked[1] for asked in live}))
        other_layouts()
        commands(folder)
        print(f"shards: {len(wanted)} questions, {len(told)} of them with rows")
    finally:
        engine.stdin.close()
        engine.wait()


with tempfile.TemporaryDirectory() as name:
    main(pathlib.Path(name))
