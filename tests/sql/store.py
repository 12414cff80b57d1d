"""A Grapevine database over ClickHouse's HTTP interface: rows in, answers out, comparisons that name their place.

The test sets CLICKHOUSE_URL and CLICKHOUSE_DATABASE (migrated and empty). Alone, for work on a view:

    target/release/grapevine embedded-clickhouse --data DIR --listen 127.0.0.1:8123
    CLICKHOUSE_URL=http://127.0.0.1:8123 CLICKHOUSE_DATABASE=NEW target/python-venv/bin/python tests/sql/NAME.py

A database that does not exist yet is created from deploy/clickhouse; call migrate() after changing a view.
"""

import decimal
import itertools
import json
import math
import os
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

from stand_in import GRAPEVINE, MIGRATIONS, OF_LIVES

URL = os.environ["CLICKHOUSE_URL"]
# What people read, and the rows beside it, where these programs ask.
PEOPLE = os.environ["CLICKHOUSE_DATABASE"]
DATABASE = f"{PEOPLE}_rows"
# What `grapevine rollup` makes, as words of a query.
ANSWERS = re.compile(r"\b(%s)\b" % "|".join(re.findall("CREATE OR REPLACE VIEW (.+) AS", next(MIGRATIONS.glob("*_public.sql")).read_text())))
LARGEST = 2**64 - 1
FACTS = ("assignment", "click", "conversion", "cost", "report", "visit")
# What the post of a life says: it stands in `root`, whichever of the tables of lives has rows of it.
POST = {"root_time": 0, "root_is_brand": False, "root_to_brand": False, "brand": "", "campaign": "", "channel": "", "platform": "", "community": "", "experiment": "", "arm": "", "tags": []}
# What stands for the choices of who looks at the dashboard.
SIDES = "'broadcast', 'conversation', 'other', 'unattributed', '(unallocated)'"
VARIABLES = {
    "${brand:singlequote}": "'acme'",
    "${side:singlequote}": SIDES,
    "${period:singlequote}": "'last_13_weeks'",
    "$__fromTime": "toDateTime(0)",
    "$__toTime": "toDateTime('2100-01-01 00:00:00')",
}


def _post(statement, database, settings=()):
    query = urllib.parse.urlencode({"database": database, "default_format": "JSONCompact", **dict(settings)})
    request = urllib.request.Request(f"{URL}/?{query}", data=statement.encode())
    try:
        return urllib.request.urlopen(request).read().decode()
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{statement[:2000]}\n{error.read().decode()[:2000]}") from None


def run(statement):
    """Runs a statement that answers nothing."""
    _stale.add(DATABASE)
    _post(statement, DATABASE)


def _answer(query, database=None):
    """What a query says. Answers are made before, if something was changed since they were."""
    if DATABASE in _stale and ANSWERS.search(query):
        roll_up()
    return json.loads(_post(query, database or DATABASE))


def roll_up(credit_by_rule=True):
    """Makes all answers of what there is now. A run takes no fact that `progress` does not cover, so every source is said to be read to its last."""
    facts = " UNION ALL ".join(f"SELECT epoch, source, {LARGEST} - min(version) + 1 AS next FROM {table} GROUP BY epoch, source" for table in FACTS)
    behind = f"FROM (SELECT epoch, source, max(next) AS read FROM ({facts}) GROUP BY epoch, source) AS f LEFT JOIN (SELECT * FROM progress FINAL) AS p USING (epoch, source) WHERE f.read > p.version"
    _post(f"INSERT INTO progress SELECT p.* REPLACE (f.epoch AS epoch, f.source AS source, f.read AS version) {behind}", DATABASE)
    environment = {**os.environ, "GRAPEVINE_CLICKHOUSE_URLS": URL, "GRAPEVINE_CLICKHOUSE_DATABASE": PEOPLE}
    done = subprocess.run([GRAPEVINE, "rollup", *(["--credit-by-rule"] if credit_by_rule else [])], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"grapevine rollup: {done.stderr}")
    _stale.discard(DATABASE)


def model(name):
    """The SELECT of a model of a run as a subquery, over what there is now."""
    text = next(MIGRATIONS.glob(f"models/[0-9][0-9]_{name}.sql")).read_text()
    return "(" + re.sub(r"\{model\.(\w+)\}", lambda other: model(other[1]), text) + ")"


def ask(query):
    """The rows of an answer, as lists; 64-bit and decimal numbers come as text."""
    return _answer(query)["data"]


def read(query):
    """The same as people ask, in their database."""
    return _answer(query, PEOPLE)["data"]


def one(query):
    """The only cell of an answer."""
    rows = ask(query)
    assert len(rows) == 1 and len(rows[0]) == 1, f"{query}: {rows}"
    return rows[0][0]


def dicts(query):
    """The rows of an answer, by column."""
    answer = _answer(query)
    names = [column["name"] for column in answer["meta"]]
    return [dict(zip(names, row)) for row in answer["data"]]


def statements(text):
    """Splits a migration at the semicolons outside of quotes and comments."""
    token = re.compile(r"--[^\n]*|'(?:[^'\\]|\\.)*'|[^;'-]+|-|;", re.S)
    found, current = [], ""
    for part in token.findall(text):
        if part == ";":
            found.append(current.strip())
            current = ""
        elif not part.startswith("--"):
            current += part
    return [statement for statement in found + [current.strip()] if statement]


def migrate():
    """Creates the database from deploy/clickhouse; views are made anew each time, tables are kept."""
    for database in (PEOPLE, DATABASE):
        _post(f"CREATE DATABASE IF NOT EXISTS {database}", "default")
    for file in sorted(MIGRATIONS.glob("*.sql")):
        for statement in statements(file.read_text()):
            run(statement.replace("{people}", PEOPLE))


def empty():
    """Takes every row out of every table."""
    _posts.clear()
    for (name,) in ask("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"):
        if name != "schema_migrations":
            run(f"TRUNCATE TABLE {name}")


def in_plain_sql(query):
    """A panel's query without Grafana's macros and variables, over all time."""
    query = re.sub(r"\$__(date|time)Filter\((\w+)\)", r"\2 >= '1970-01-01'", query)
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    assert "$" not in query, query
    return query


class Sql(str):
    """A value that is written as SQL already."""


def _literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, Sql):
        return value
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_literal, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_literal(key)}:{_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, decimal.Decimal):
        return f"'{value}'"
    return repr(value)


def millis(value):
    """A time in milliseconds, as DateTime64(3) takes it in a VALUES list."""
    return None if value is None else decimal.Decimal(value).scaleb(-3)


_offsets, _posts, _stale = itertools.count(1), {}, {DATABASE}


def opening():
    """An offset that opened no life yet: it opens one."""
    return next(_offsets)


def _split(rows):
    """Rows of lives without what their posts say, and the rows of `root` that say it: one a life and version."""
    told = {}
    for row in rows:
        if row.get("root_seen"):
            life = tuple(row.get(column, "") for column in ("source", "opened", "epoch", "version"))
            post = _posts.setdefault(life, {"root": row["root"]})
            same(f"the root of the life {life}: an offset opens one", row["root"], post["root"])
            post.update({column: row[column] for column in POST if column in row})
            told[life] = {**POST, **post, "root_seen": True, **{column: row[column] for column in ("source", "opened", "epoch", "version") if column in row}}
    return [{column: value for column, value in row.items() if column not in POST and column != "root_seen"} for row in rows], list(told.values())


def insert(table, rows):
    """Inserts rows given as dicts with the same keys; columns left out get their defaults. What rows of lives say of their post goes where it belongs."""
    if table in OF_LIVES:
        rows, posts = _split(rows)
        _insert("root", posts)
    _insert(table, rows)


def _insert(table, rows):
    if not rows:
        return
    columns = list(rows[0])
    for start in range(0, len(rows), 2000):
        values = ",".join("(" + ",".join(_literal(row[column]) for column in columns) + ")" for row in rows[start : start + 2000])
        run(f"INSERT INTO {table} ({','.join(columns)}) SETTINGS insert_deduplicate = 0 VALUES {values}")


def facts(table, rows, epoch=0, source="t/0"):
    """Inserts facts as the worker does: one source, offsets in order, so that the first copy stands."""
    keys = {"epoch": epoch, "source": source, "key_source": source}
    insert(table, [{**keys, "version": LARGEST - offset, **row} for offset, row in enumerate(rows)])


def same(what, found, wanted, tolerance=0.0):
    """Compares two values, or two rows, and says which place differs."""
    if isinstance(wanted, (list, tuple)):
        assert len(found) == len(wanted), f"{what}: {found} is not {wanted}"
        for place, (left, right) in enumerate(zip(found, wanted)):
            same(f"{what}[{place}]", left, right, tolerance)
    elif wanted is None or found is None or isinstance(wanted, str):
        assert found == wanted, f"{what}: {found!r} is not {wanted!r}"
    elif tolerance:
        assert math.isclose(float(found), float(wanted), rel_tol=tolerance, abs_tol=tolerance), f"{what}: {found} is not {wanted}"
    else:
        assert decimal.Decimal(str(found)) == decimal.Decimal(str(wanted)), f"{what}: {found} is not {wanted}"


def listed(view, *columns):
    """What these columns of a view say must be words that deploy/metrics.yml lists for them; answers which of them occur."""
    catalogue = yaml.safe_load((MIGRATIONS.parent / "metrics.yml").read_text())
    (notes,) = (described["notes"] for described in catalogue["views"] if described["view"] == view)
    found = {column: {word for (word,) in ask(f"SELECT DISTINCT {column} FROM {view}")} for column in columns}
    for column, words in found.items():
        same(f"{view}.{column}: words that are not listed", sorted(words - set(notes[column]["values"])), [])
    return found


if not _post(f"SELECT name FROM system.tables WHERE database = '{DATABASE}' LIMIT 1 FORMAT TSV", "default").strip():
    migrate()
