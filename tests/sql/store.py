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
import pathlib
import re
import time
import urllib.error
import urllib.parse
import urllib.request

URL = os.environ["CLICKHOUSE_URL"]
DATABASE = os.environ["CLICKHOUSE_DATABASE"]
MIGRATIONS = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "clickhouse"
LARGEST = 2**64 - 1
# What the post of a life says, and the tables whose rows may come with it: it stands in `root`.
POST = {"root_time": 0, "root_is_brand": False, "brand": "", "campaign": "", "channel": "", "platform": "", "community": "", "experiment": "", "arm": "", "tags": []}
OF_LIVES = ("activity_window", "cascade", "thread")


def _post(statement, database, settings=()):
    query = urllib.parse.urlencode({"database": database, "default_format": "JSONCompact", **dict(settings)})
    request = urllib.request.Request(f"{URL}/?{query}", data=statement.encode())
    try:
        return urllib.request.urlopen(request).read().decode()
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{statement[:2000]}\n{error.read().decode()[:2000]}") from None


def run(statement):
    """Runs a statement that answers nothing."""
    _post(statement, DATABASE)


def ask(query):
    """The rows of an answer, as lists; 64-bit and decimal numbers come as text."""
    return json.loads(_post(query, DATABASE))["data"]


def one(query):
    """The only cell of an answer."""
    rows = ask(query)
    assert len(rows) == 1 and len(rows[0]) == 1, f"{query}: {rows}"
    return rows[0][0]


def dicts(query):
    """The rows of an answer, by column."""
    answer = json.loads(_post(query, DATABASE))
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
    _post(f"CREATE DATABASE IF NOT EXISTS {DATABASE}", "default")
    for file in sorted(MIGRATIONS.glob("*.sql")):
        for statement in statements(file.read_text()):
            run(statement)


def empty():
    """Takes every row out of every table."""
    _posts.clear()
    for (name,) in ask("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"):
        if name != "schema_migrations":
            run(f"TRUNCATE TABLE {name}")


def keep_views(seconds):
    """Makes the tables of deploy/clickhouse-stored-views.sql in a database of their own, and says which."""
    kept = f"{DATABASE}_stored"
    template = (MIGRATIONS.parent / "clickhouse-stored-views.sql").read_text()
    for statement in statements(template.replace("grapevine_stored", kept).replace("grapevine.", f"{DATABASE}.")):
        run(statement)
    unfinished = f"SELECT view, status, exception FROM system.view_refreshes WHERE database = '{kept}' AND (last_success_time IS NULL OR exception != '')"
    deadline = time.monotonic() + seconds
    while rows := ask(unfinished):
        assert time.monotonic() < deadline and not any(row[2] for row in rows), rows
        time.sleep(0.2)
    return kept


def _literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
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


_offsets, _posts = itertools.count(1), {}


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


if not _post(f"SELECT name FROM system.tables WHERE database = '{DATABASE}' LIMIT 1 FORMAT TSV", "default").strip():
    migrate()
